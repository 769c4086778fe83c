"""Where each task of a flow stands: under which task, in which list, at which position. Computed once per flow.

Lists that hold what a flowable is for (`tasks`, `then`, `else`, `defaults`, `cases.*`) all count as `tasks`; `errors`,
`finally`, `afterExecution` and 1.x `listeners` are lists of their own (execution.md 3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.model.flow import Flow, Task

__all__ = ["BLOCKS", "Placement", "Placements", "enabled"]

#: Names of the lists a task run can belong to.
BLOCKS = ("tasks", "errors", "finally", "listeners", "afterExecution")


def enabled(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The list without its disabled tasks."""
    return tuple(task for task in tasks if not task.disabled)


@dataclass(frozen=True, slots=True)
class Placement:
    """`parent` is None at the top level of the flow; `block` is one of BLOCKS."""

    task: Task
    parent: Task | None
    block: str


class Placements:
    """task id -> Placement, for one flow. Task ids are unique in a flow, children included (flow.md 1.1)."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._by_id: dict[str, Placement] = {}
        self._add(flow.tasks, None, "tasks")
        self._add(flow.errors, None, "errors")
        self._add(flow.finally_, None, "finally")
        for listener in flow.listeners:
            self._add(listener.tasks, None, "listeners")
        self._add(flow.after_execution, None, "afterExecution")

    def _add(self, tasks: Sequence[Task], parent: Task | None, block: str) -> None:
        pending = [(task, parent, block) for task in reversed(tasks)]
        while pending:
            task, above, name = pending.pop()
            self._by_id.setdefault(task.id, Placement(task, above, name))
            for path, children in task.children.items():
                below = path if path in ("errors", "finally") else "tasks"
                pending.extend((child, task, below) for child in children)

    def add(self, task: Task, parent: Task | None, block: str = "tasks") -> None:
        """Places tasks that exist only while running (a 1.x Template's)."""
        self._add((task,), parent, block)

    def get(self, task_id: str) -> Placement | None:
        return self._by_id.get(task_id)

    def task(self, task_id: str) -> Task | None:
        placement = self._by_id.get(task_id)
        return placement.task if placement else None

    def ancestors(self, task: Task) -> list[Task]:
        """The flowables around a task, nearest first."""
        result: list[Task] = []
        placement = self._by_id.get(task.id)
        while placement is not None and placement.parent is not None:
            result.append(placement.parent)
            placement = self._by_id.get(placement.parent.id)
        return result
