"""Which task runs of an execution stay, run again or go when it is restarted or replayed (execution.md 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from simulator.engine.execution import StateType, TaskRun
from simulator.engine.live import Live
from simulator.engine.recovery import resubmitted
from simulator.model.flow import Task

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["Selection"]

#: Of a ForEachItem's own runs (split, items, merge), which are of no registered type.
_PART = "$ForEachItem"
_RESTARTABLE = (StateType.FAILED, StateType.PAUSED)
_ERROR_BLOCKS = ("errors", "finally", "listeners", "afterExecution")
#: Flowables that run again themselves; others only go on with their children.
_RUN_AGAIN = ("working_directory", "rounds", "pause", "subflow", "loop", "updating", None)


class Selection:
    """Changes nothing: it says which runs, and what they would be."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.kernel = executor.kernel

    def role(self, task: Task | None) -> str | None:
        """How the engine runs a task: the name of its role, None for task code."""
        if task is not None and _PART in task.type:
            return f"foreach_item_{task.type.rpartition(_PART)[2].lower()}"
        cls = self.kernel.registry.load(task.type) if task is not None else None
        role: str | None = getattr(cls, "role", None)
        if role is None and cls is not None and cls.spec.kind.value == "flowable":
            return "children"
        return role

    def whole(self, live: Live, run: TaskRun) -> TaskRun:
        """What runs again for `run`: for a child of a WorkingDirectory the directory, with all its children."""
        parent = live.runs.get(run.parent_task_run_id or "")
        if parent is not None and self.role(live.placements.task(parent.task_id)) == "working_directory":
            return parent
        return run

    def leaves(self, live: Live) -> list[TaskRun]:
        """Runs to start again: FAILED or PAUSED ones of the normal lists without such a run below them."""
        found = [
            run
            for run in live.runs.values()
            if run.state.current in _RESTARTABLE and not self._in_error_list(live, run) and not run.dynamic
        ]
        above = {run.parent_task_run_id for run in found}
        result: list[TaskRun] = []
        for run in found:
            task = live.placements.task(run.task_id)
            if run.id in above and self.role(task) != "working_directory":
                continue
            parent = live.runs.get(run.parent_task_run_id or "")
            if parent is not None and self.role(live.placements.task(parent.task_id)) == "working_directory":
                continue
            result.append(run)
        return result

    def _in_error_list(self, live: Live, run: TaskRun) -> bool:
        current: TaskRun | None = run
        while current is not None and current.dynamic:
            current = live.runs.get(current.parent_task_run_id or "")
        while current is not None:
            placement = live.placements.get(current.task_id)
            if placement is None or placement.block in _ERROR_BLOCKS:
                return True
            current = live.runs.get(current.parent_task_run_id or "")
        return False

    def without_error_runs(self, live: Live, targets: set[str]) -> dict[str, TaskRun]:
        """All runs but those of errors, finally, afterExecution, and the children of a WorkingDirectory that runs again."""
        kept: dict[str, TaskRun] = {}
        for run in live.runs.values():
            if run.id not in targets and self._in_error_list(live, run):
                continue
            parent = live.runs.get(run.parent_task_run_id or "")
            if parent is not None and parent.id in targets and not run.dynamic:
                role = self.role(live.placements.task(parent.task_id))
                if role in _RUN_AGAIN:
                    continue
            if run.parent_task_run_id in live.runs and run.parent_task_run_id not in kept:
                continue
            kept[run.id] = run
        return kept

    def changed(
        self, live: Live, kept: Mapping[str, TaskRun], again: set[str], ancestors: set[str]
    ) -> dict[str, TaskRun]:
        """The kept runs: `again` are RESTARTED (plain flowables RUNNING), ancestors RUNNING."""
        now = self.kernel.now()
        runs: dict[str, TaskRun] = {}
        for run_id, run in kept.items():
            if run_id in again:
                role = self.role(live.placements.task(run.task_id))
                state = StateType.RUNNING if role in ("children", "foreach_item") else StateType.RESTARTED
                runs[run_id] = run.with_state(state, now)
            elif run_id in ancestors:
                runs[run_id] = run.with_state(StateType.RUNNING, now)
            elif not run.state.current.is_terminated and not run.dynamic:
                runs[run_id] = resubmitted(self.executor, run)
            else:
                runs[run_id] = run
        return runs

    def successors(self, live: Live, target: TaskRun) -> set[str]:
        """Runs that come after `target` in the flow, with everything below them, and what is below `target`."""
        gone: set[str] = {run.id for run in live.descendants(target.id)}
        current: TaskRun | None = target
        while current is not None:
            parent = live.runs.get(current.parent_task_run_id or "")
            for later in self._later_siblings(live, current, parent):
                gone.add(later.id)
                gone.update(run.id for run in live.descendants(later.id))
            current = parent
        return gone

    def _later_siblings(self, live: Live, run: TaskRun, parent: TaskRun | None) -> Iterable[TaskRun]:
        group = live.groups.get(run.parent_task_run_id)
        if group is None:
            return []
        siblings = [live.runs[run_id] for run_id in group.block("tasks").runs if run_id in live.runs]
        task = live.placements.task(parent.task_id) if parent is not None else None
        kind = (task.canonical or "").rpartition(".")[2] if task is not None else "Sequential"
        own = live.placements.task(run.task_id)
        if kind in ("Parallel", "EachParallel"):
            return []
        if kind == "Dag":
            return self._dependents(siblings, live, run)
        order = {task.id: number for number, task in enumerate(self._ordered(task, live, own))}
        side_by_side = (
            kind == "ForEach" and task is not None and str(task.properties.get("concurrencyLimit", 1)) != "1"
        )

        def later(other: TaskRun) -> bool:
            if other.id == run.id:
                return False
            place, own_place = order.get(other.task_id, 0), order.get(run.task_id, 0)
            if run.value is None or other.value is None or run.iteration is None or other.iteration is None:
                return place > own_place
            if other.iteration < run.iteration or (side_by_side and other.iteration != run.iteration):
                return False
            return place > own_place or (place == own_place and other.iteration > run.iteration)

        return [other for other in siblings if later(other)]

    def _ordered(self, task: Task | None, live: Live, own: Task | None) -> list[Task]:
        if task is None:
            root = live.root
            return list(root.children.get("tasks", ())) if root is not None else list(live.flow.tasks)
        for children in task.children.values():
            if own is not None and any(child.id == own.id for child in children):
                return list(children)
        return []

    def _dependents(self, siblings: list[TaskRun], live: Live, run: TaskRun) -> list[TaskRun]:
        gone = {run.task_id}
        result: list[TaskRun] = []
        changed = True
        while changed:
            changed = False
            for other in siblings:
                task = live.placements.task(other.task_id)
                if task is None or other.task_id in gone or not gone.intersection(task.depends_on):
                    continue
                gone.add(other.task_id)
                result.append(other)
                changed = True
        return result
