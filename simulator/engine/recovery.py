"""Going on with an execution whose process went away in the middle of it.

As when a Kestra server is started again: what had ended stays, task runs that were under way are lost and start again
(2.0: their attempt is RESUBMITTED), lists catch up. A subflow or an iteration that had not ended goes on itself; one
that had ended while its parent did not know yet tells it now.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.engine.execution import StateType, TaskRun
from simulator.engine.live import Live
from simulator.errors import UsageError

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["recover", "resubmitted"]

#: Runs of these roles wait for others; all others are lost with their worker.
_WAITING = ("children", "rounds", "pause", "foreach_item", "foreach_item_items", "loop", "subflow")


def recover(executor: Executor, live: Live) -> Live:
    """Raises UsageError for an execution that is over, or waits for an answer."""
    if live.state.is_terminated or live.state is StateType.PAUSED:
        raise UsageError(f"Execution '{live.id}' was not interrupted: its state is {live.state.value}")
    _go_on(executor, live)
    return live


def _go_on(executor: Executor, live: Live) -> None:
    match live.state:
        case state if state.is_terminated or state is StateType.PAUSED:
            return
        case StateType.KILLING:
            executor.services.go_on_killing(live)
        case StateType.QUEUED:
            executor.queues.run_now(live)
        case StateType.CREATED if live.loop_of is None:
            executor.creator.start(live)
        case state:
            _lost(executor, live)
            if state is StateType.RETRYING and not any(
                run.state.current is StateType.RETRYING for run in live.runs.values()
            ):
                executor.kernel.set_state(live, StateType.RUNNING)  # the next try had begun
            executor.slas.start(live)
            executor.services.rebuild.resume_lists(live)
            _below(executor, live)


def _lost(executor: Executor, live: Live) -> None:
    """Runs without a worker start again; a WorkingDirectory with all that is in it."""
    for run in list(live.runs.values()):
        task = live.placements.task(run.task_id)
        if run.id not in live.runs or run.state.current.is_terminated or task is None:
            continue
        role = executor.services.rebuild.select.role(task)
        waits = role in _WAITING
        if role == "subflow":
            waits = _child(executor, run) is not None
        elif role == "foreach_item_items":
            waits = f"items:{run.id}" in live.facts
        if run.state.current in (StateType.PAUSED, StateType.RETRYING, StateType.CREATED) or waits:
            continue
        for below in reversed(live.descendants(run.id)):
            executor.kernel.remove_run(live, below.id)
        executor.kernel.put_run(live, resubmitted(executor, run))


def resubmitted(executor: Executor, run: TaskRun) -> TaskRun:
    """A run that was under way, to be started again."""
    kernel = executor.kernel
    attempts = run.attempts or ()
    is_open = bool(attempts) and not attempts[-1].state.current.is_terminated
    if kernel.dialect.major >= 2:
        if is_open:
            run = kernel.last_attempt(run, StateType.RESUBMITTED)
        else:
            run = kernel.new_attempt(run, StateType.RESUBMITTED)
    elif is_open:
        run = replace(run, attempts=attempts[:-1])
    return run.with_state(StateType.RESTARTED, kernel.now())


def _below(executor: Executor, live: Live) -> None:
    """Subflows and iterations of open runs."""
    for run in list(live.runs.values()):
        task = live.placements.task(run.task_id)
        if task is None or run.state.current is not StateType.RUNNING:
            continue
        role = executor.services.rebuild.select.role(task)
        if role == "loop":
            for child_id in list(live.children):
                child = executor.kernel.lives[child_id]
                if child.loop_of == (live, run.id):
                    _go_on(executor, child)
            executor.roles["loop"].recovered(live, run, task)
        elif role == "foreach_item_items":
            for child_id in list(live.children):
                if ("item", run.id) in executor.kernel.lives[child_id].facts:
                    _go_on(executor, executor.kernel.lives[child_id])
            executor.roles[role].recovered(live, run, task)
        elif role == "subflow":
            child_or_none = _child(executor, run)
            if child_or_none is None:
                continue
            if child_or_none.state.is_terminated:
                executor.roles["subflow"].ended(live, run.id, child_or_none)
            else:
                _go_on(executor, child_or_none)


def _child(executor: Executor, run: TaskRun) -> Live | None:
    return executor.kernel.lives.get(str((run.outputs or {}).get("executionId")))
