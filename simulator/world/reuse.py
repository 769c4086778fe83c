"""Running a part of a flow: `--from`, `--until`, `--only`, with outputs of an earlier execution for the rest.

Top-level tasks before `--from` are not run: their task runs (and those of their children) end at once with the outputs
that they had. Top-level tasks after `--until` are left out. `--only X` is both. Files come along with the outputs.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulator.engine.execution import Execution, TaskRun
from simulator.engine.task import TakenOver, TaskResult
from simulator.errors import NotFoundError, UsageError
from simulator.model.flow import Flow, Task
from simulator.world.mocks import Mocks
from simulator.world.shape import did_you_mean

__all__ = ["Part", "ReusingMocks", "part_of"]


class Part:
    """What is run and what is taken over. Build it with `part_of`."""

    def __init__(
        self, flow: Flow, kept: frozenset[str], earlier: Execution | None, folder: Path | None
    ) -> None:
        self.flow = flow
        """The flow without what comes after `--until`"""
        self.kept = kept
        """Ids of tasks whose outputs are taken over"""
        self._folder = folder
        self._outputs: dict[tuple[str, str | None], TaskRun] = {}
        self.earlier = earlier
        for run in earlier.task_runs if earlier is not None else ():
            self._outputs[run.task_id, run.value] = run

    def result(self, task: Task, run: TaskRun) -> TaskResult | None:
        """The outputs that a task run had, None when it is to run now."""
        if task.id not in self.kept or any(task.children.values()):
            return None
        before = self._outputs.get((run.task_id, run.value))
        if before is None:
            return None
        return TakenOver(before.outputs, before.state.current, "taken over")

    def bring_files(self, storage: Path) -> None:
        """Copies the stored files of the earlier run."""
        if self._folder is not None and (self._folder / "storage").is_dir():
            shutil.copytree(self._folder / "storage", storage, dirs_exist_ok=True)


class ReusingMocks(Mocks):
    """Mocks, and task runs that are taken over."""

    def __init__(
        self, by_task: Mapping[str, Mapping[str, Any]], by_type: Mapping[str, Mapping[str, Any]], part: Part
    ) -> None:
        super().__init__(by_task, by_type)
        self._part = part

    def result(self, flow: Flow, task: Task, run: TaskRun) -> TaskResult | None:
        return self._part.result(task, run)


def _index(flow: Flow, task_id: str, flag: str) -> int:
    """The place of the top-level task that is (or holds) a task."""
    for number, task in enumerate(flow.tasks):
        if any(inner.id == task_id for inner in task.walk()):
            return number
    names = [task.id for task in flow.tasks]
    raise UsageError(
        f"{flag}: `{task_id}` is no task of {flow.id}",
        hint=did_you_mean(task_id, names) or f"it has: {', '.join(names)}",
    )


def part_of(flow: Flow, start: str | None, until: str | None, state_dir: Path) -> Part:
    """Raises UsageError for an unknown task, NotFoundError when outputs are needed and no execution was kept."""
    flag = "--only" if start == until else "--from"
    first = _index(flow, start, flag) if start is not None else 0
    last = _index(flow, until, "--until") if until is not None else len(flow.tasks) - 1
    if last < first:
        raise UsageError(f"`{until}` comes before `{start}`")
    kept = frozenset(inner.id for task in flow.tasks[:first] for inner in task.walk())
    earlier, folder = (
        _earlier(flow, state_dir, {task.id for task in flow.tasks[:first] if not task.disabled})
        if kept
        else (None, None)
    )
    if until is not None:
        flow = replace(flow, tasks=flow.tasks[: last + 1], outputs=())
    return Part(flow, kept, earlier, folder)


def _earlier(flow: Flow, state_dir: Path, needed: set[str]) -> tuple[Execution, Path]:
    """The newest kept execution of the flow in which the needed tasks have ended; else the newest one at all.

    An execution of a part of the flow, or one that waits, has not all that a later part needs.
    """
    from simulator.engine.store import Store

    newest: tuple[Execution, Path] | None = None
    for stored in Store(state_dir).runs():
        for execution in stored.executions.values():
            if (execution.namespace, execution.flow_id) != (
                flow.namespace,
                flow.id,
            ) or execution.kind == "LOOP":
                continue
            ended = {run.task_id for run in execution.task_runs if run.state.current.is_terminated}
            if needed <= ended:
                return execution, stored.folder
            if execution.task_runs and newest is None:
                newest = execution, stored.folder
    if newest is not None:
        return newest
    raise NotFoundError(
        f"no earlier execution of {flow.id} is kept",
        hint="run the whole flow once: its outputs are taken over then",
    )
