"""Which task run comes next: one small strategy per kind of list (execution.md 3.2).

A strategy looks at the counters of its block and keeps a cursor, so that each step costs the same however many task
runs there are. It is built from the evaluated list and can be built again from existing task runs (`resume`) after a
restart or a reload.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from simulator.engine.execution import TaskRun
from simulator.engine.live import Block
from simulator.model.flow import Task

__all__ = ["Dag", "EachConcurrent", "EachParallel", "Order", "Parallel", "Sequential", "Slot"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A task run to be created."""

    task: Task
    value: str | None = None
    iteration: int | None = None


class Order(Protocol):
    """`expected` task runs in all; `next` says which ones to create now; `resume` catches up with existing ones."""

    expected: int

    def next(self, block: Block) -> Sequence[Slot]: ...
    def resume(self, runs: Sequence[TaskRun]) -> None: ...


class Sequential:
    """One after the other. With `values`: all tasks for the first value, then for the next (ForEach with limit 1)."""

    def __init__(
        self, tasks: Sequence[Task], values: Sequence[str] | None = None, iteration: int | None = None
    ) -> None:
        self._tasks = tasks
        self._values = values
        self._iteration = iteration
        self._cursor = 0
        self._done: set[tuple[str, str | None]] = set()
        """Runs that exist already (after a restart); there may be gaps between them."""
        self.expected = len(tasks) * (1 if values is None else len(values))

    def next(self, block: Block) -> Sequence[Slot]:
        if block.open:
            return ()
        while self._cursor < self.expected:
            index = self._cursor
            self._cursor += 1
            if self._values is None:
                slot = Slot(self._tasks[index], iteration=self._iteration)
            else:
                number, place = divmod(index, len(self._tasks))
                slot = Slot(self._tasks[place], self._values[number], number)
            if (slot.task.id, slot.value) not in self._done:
                return (slot,)
        return ()

    def resume(self, runs: Sequence[TaskRun]) -> None:
        self._cursor = 0
        self._done = {(run.task_id, run.value if self._values is not None else None) for run in runs}


class Parallel:
    """All at once, or as many as `concurrent` allows (0 = no limit). Waits while a child is still CREATED."""

    def __init__(self, slots: Sequence[Slot], concurrent: int = 0) -> None:
        self._slots = slots
        self._concurrent = concurrent
        self._cursor = 0
        self._done: set[tuple[str, str | None]] = set()
        self.expected = len(slots)

    def next(self, block: Block) -> Sequence[Slot]:
        if block.created or self._cursor >= len(self._slots):
            return ()
        room = len(self._slots) if not self._concurrent else self._concurrent - block.open
        result: list[Slot] = []
        while room > 0 and self._cursor < len(self._slots):
            slot = self._slots[self._cursor]
            self._cursor += 1
            if (slot.task.id, slot.value) in self._done:
                continue
            result.append(slot)
            room -= 1
        return result

    def resume(self, runs: Sequence[TaskRun]) -> None:
        self._done = {(run.task_id, run.value) for run in runs}


def EachParallel(tasks: Sequence[Task], values: Sequence[str], concurrent: int) -> Parallel:  # noqa: N802
    """1.x EachParallel: all (value, task) pairs stand side by side."""
    slots = [Slot(task, value, number) for number, value in enumerate(values) for task in tasks]
    return Parallel(slots, concurrent)


class Dag:
    """Parallel, but a task waits until all tasks it depends on have ended (in whatever state)."""

    def __init__(self, tasks: Sequence[Task], concurrent: int = 0) -> None:
        self._pending = list(tasks)
        self._concurrent = concurrent
        self.expected = len(tasks)

    def next(self, block: Block) -> Sequence[Slot]:
        if block.created:
            return ()
        room = len(self._pending) if not self._concurrent else self._concurrent - block.open
        ready = [task for task in self._pending if all(block.has_ended(name) for name in task.depends_on)][
            : max(room, 0)
        ]
        if ready:
            chosen = {task.id for task in ready}
            self._pending = [task for task in self._pending if task.id not in chosen]
        return [Slot(task) for task in ready]

    def resume(self, runs: Sequence[TaskRun]) -> None:
        done = {run.task_id for run in runs}
        self._pending = [task for task in self._pending if task.id not in done]


class EachConcurrent:
    """1.x ForEach with a limit other than 1: groups start in value order, each is sequential inside."""

    def __init__(self, tasks: Sequence[Task], values: Sequence[str], limit: int) -> None:
        self._tasks = tasks
        self._values = values
        self._limit = limit
        self._numbers: Mapping[str, int] = {value: number for number, value in enumerate(values)}
        self._started = 0
        self._place: dict[int, int] = {}
        self._ready: deque[int] = deque()
        self._active: set[int] = set()
        self.expected = len(tasks) * len(values)

    def ended(self, run: TaskRun) -> None:
        """Told by the block for every child that ends: its group may go on."""
        number = self._numbers.get(run.value or "")
        if number is not None:
            self._ready.append(number)

    def next(self, block: Block) -> Sequence[Slot]:
        for run in block.take_ended():
            self.ended(run)
        result: list[Slot] = []
        while self._ready:
            number = self._ready.popleft()
            if number in self._active:
                self._active.discard(number)
            if self._place.get(number, 0) < len(self._tasks):
                result.append(self._step(number))
        while self._started < len(self._values) and (not self._limit or len(self._active) < self._limit):
            number = self._started
            self._started += 1
            if number not in self._place and self._tasks:
                result.append(self._step(number))
        return result

    def _step(self, number: int) -> Slot:
        place = self._place.get(number, 0)
        self._place[number] = place + 1
        self._active.add(number)
        return Slot(self._tasks[place], self._values[number], number)

    def resume(self, runs: Sequence[TaskRun]) -> None:
        places = {task.id: place for place, task in enumerate(self._tasks)}
        for run in runs:
            number = self._numbers.get(run.value or "")
            if number is None or run.task_id not in places:
                continue
            self._place[number] = max(self._place.get(number, 0), places[run.task_id] + 1)
            if not run.state.current.is_terminated:
                self._active.add(number)
        self._ready.extend(sorted(number for number in self._place if number not in self._active))
