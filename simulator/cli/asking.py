"""What happens when an execution pauses: answers given ahead, questions on a terminal, or a way to go on later."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from simulator.cli.console import Console
from simulator.cli.waiting import waiting
from simulator.errors import InvalidInputError
from simulator.reports.style import clean

if TYPE_CHECKING:
    from simulator.model.flow import Input, Task
    from simulator.session import Session

__all__ = ["go_on"]


def go_on(session: Session, console: Console, answers: Mapping[str, Any], given: bool) -> None:
    """Resumes as long as an execution of the run is paused (a subflow's, too) and there is an answer.

    `given`: answers came with the command (also an empty set of them). On a terminal the rest is asked for. An answer
    that Kestra would refuse is asked again, or ends the command when it came with it.
    """
    used: set[tuple[str, str]] = set()
    while (found := _next(session, used, again=_interactive(console))) is not None:
        execution_id, where, task = found
        inputs = _inputs(session, task)
        side = session.settings.resume.get(task.id)
        if side is not None:
            values: Mapping[str, Any] = side
        elif given:
            names = {item.id for item in inputs}
            values = {name: value for name, value in answers.items() if not names or name in names}
        elif _interactive(console):
            try:
                values = _ask(task, inputs, console)
            except KeyboardInterrupt:
                console.err()
                return  # it stays paused: how to go on is told at the end
        else:
            used.add((where, task.id))
            continue
        try:
            session.resume(values, execution_id)
        except InvalidInputError as error:
            if side is not None or given or not _interactive(console):
                raise
            console.report(error.to_diagnostics())
            continue
        used.add((where, task.id))


def _next(
    session: Session, used: Collection[tuple[str, str]], *, again: bool
) -> tuple[str, str, Task] | None:
    """What waits for an answer: the execution to resume, the one that holds the pause (an iteration), the task."""
    executor = session.executor
    for execution in waiting(executor):
        place = executor.services.paused_place(executor.live(execution.id))
        if place is None:
            continue
        where, run = place
        task = where.placements.task(run.task_id)
        if task is not None and (again or (where.id, task.id) not in used):
            return execution.id, where.id, task
    return None


def _interactive(console: Console) -> bool:
    return sys.stdin.isatty() and console.is_terminal and console.environ.get("CI") is None


def _inputs(session: Session, task: Task) -> tuple[Input, ...]:
    from simulator.model.build import build_pause_inputs

    return build_pause_inputs(task.property_node("onResume"), session.dialect, session.registry)


def _ask(task: Task, inputs: tuple[Input, ...], console: Console) -> dict[str, Any]:
    """One question per input; an empty answer leaves the default."""
    style = console.err_style
    console.err(
        f"\n{style('paused', 'cyan', 'bold')} at {clean(task.id)}"
        + (f": {clean(task.description)}" if task.description else "")
    )
    if not inputs:
        console.err("press Enter to go on, Ctrl-C to leave it paused", end=" ")
        sys.stdin.readline()
        return {}
    values: dict[str, Any] = {}
    for item in inputs:
        words = [clean(item.display_name or item.id), style(item.type, "dim")]
        choices = item.options.get("values")
        if choices:
            words.append(style(clean(f"one of {', '.join(map(str, choices))}"), "dim"))
        if item.has_defaults:
            words.append(style(clean(f"[{item.defaults}]"), "dim"))
        console.err("  " + " ".join(words) + ": ", end="")
        line = sys.stdin.readline()
        if not line:
            raise KeyboardInterrupt
        if line.strip():
            values[item.id] = line.rstrip("\n")
    return values
