"""A running execution: an index over immutable task runs, so that each step costs the same however many there are.

The values stay immutable (`TaskRun`, `Execution`): the index only says which value is current. Counters per list of
children answer in constant time what Kestra finds by reading all task runs. `snapshot()` gives the whole value.

All of the index follows from the task runs. An execution that `rest`s (an ended iteration of a Loop: there may be
100,000) is its value and its log, and has its index again when somebody asks for it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.engine.execution import Execution, LogEntry, StateType, TaskRun, replace
from simulator.engine.placement import BLOCKS, Placements
from simulator.model.flow import Flow, Task

if TYPE_CHECKING:
    from simulator.engine.flowables.base import Plan

__all__ = ["Block", "Group", "Live"]

_INDEX = frozenset({"groups", "outputs", "runs", "task_states"})
_CONTAINERS: Mapping[str, Callable[[], Any]] = {"children": list, "facts": dict, "jobs": dict, "timers": dict}


class Block:
    """One list of children of one flowable run (or of the flow): which runs, and how many in which state."""

    __slots__ = ("_ended", "counts", "open", "runs", "states", "watch")

    def __init__(self) -> None:
        self.runs: dict[str, None] = {}
        self.counts: defaultdict[StateType, int] = defaultdict(int)
        self.states: dict[str, StateType] = {}
        """task id -> state of its last run (for dependsOn)"""
        self.open = 0
        self.watch = False
        """Whether ended runs are kept for `take_ended`."""
        self._ended: list[TaskRun] = []

    @property
    def created(self) -> int:
        return self.counts[StateType.CREATED] + self.counts[StateType.RESTARTED]

    @property
    def ended(self) -> int:
        return len(self.runs) - self.open

    def has_ended(self, task_id: str) -> bool:
        state = self.states.get(task_id)
        return state is not None and state.is_terminated

    def take_ended(self) -> list[TaskRun]:
        ended, self._ended = self._ended, []
        return ended

    def put(self, run: TaskRun, before: StateType | None) -> None:
        after = run.state.current
        if before is None:
            self.runs[run.id] = None
            self.open += 1
        else:
            self.counts[before] -= 1
            if before.is_terminated:
                self.open += 1
        self.counts[after] += 1
        self.states[run.task_id] = after
        if after.is_terminated:
            self.open -= 1
            if self.watch:
                self._ended.append(run)

    def remove(self, run: TaskRun) -> None:
        if self.runs.pop(run.id, 0) == 0:
            return
        state = run.state.current
        self.counts[state] -= 1
        self.states.pop(run.task_id, None)
        if not state.is_terminated:
            self.open -= 1


@dataclass(slots=True)
class Group:
    """The children of one flowable run. `plan` is what the flowable evaluated to (None until it is asked)."""

    run_id: str | None
    task: Task | None
    values: tuple[str, ...]
    """Values of the ancestors that have one, outermost first, the run's own included."""
    blocks: dict[str, Block] = field(default_factory=lambda: {name: Block() for name in BLOCKS[:3]})
    plan: Plan | None = None

    def block(self, name: str) -> Block:
        block = self.blocks.get(name)
        if block is None:
            block = self.blocks[name] = Block()
        return block


class Live:
    """One execution while it runs. `loop_of` is the enclosing Live and Loop run id for a 2.0 iteration."""

    __slots__ = (
        "_snapshot",
        "children",
        "decrypt",
        "facts",
        "flow",
        "groups",
        "jobs",
        "logs",
        "loop_of",
        "outputs",
        "over",
        "placements",
        "root",
        "runs",
        "slot",
        "task_states",
        "timers",
        "value",
    )

    def __init__(
        self,
        execution: Execution,
        flow: Flow,
        placements: Placements,
        *,
        root: Task | None = None,
        loop_of: tuple[Live, str] | None = None,
    ) -> None:
        self.value = execution
        self.flow = flow
        self.placements = placements
        self.root = root
        self.loop_of = loop_of
        self.runs: dict[str, TaskRun] = {}
        self.groups: dict[str | None, Group] = {None: Group(None, root, ())}
        self.outputs: dict[str, Any] = {}
        self.task_states: dict[str, Any] = {}
        self.logs: list[LogEntry] = []
        self.jobs: dict[str, Any] = {}
        """task run id -> job of the worker pool, while it runs"""
        self.children: list[str] = []
        """Executions that this one started (Subflow, ForEachItem, Loop)"""
        self.timers: dict[str, Any] = {}
        """task run id (or a name) -> timer"""
        self.over = False
        """Nothing more will happen: end state set and afterExecution done"""
        self.slot = False
        """Holds a slot of its flow's concurrency limit"""
        self.facts: dict[Any, Any] = {}
        self._snapshot: Execution | None = None
        self.decrypt: Callable[[Any], Any] | None = None

    # --- the index

    def index(self, runs: Iterable[TaskRun]) -> None:
        """Makes the index from a set of runs, parents before children."""
        values = list(runs)
        self.runs = {}
        self.groups = {None: Group(None, self.root, ())}
        self.outputs = {}
        self.task_states = {}
        parents = {run.parent_task_run_id for run in values}
        for run in values:
            task = self.placements.task(run.task_id)
            self.put(run)
            if task is not None and (run.id in parents or task.children):
                self.group(run, task)

    def rest(self) -> None:
        """Lets go of all that can be made again; of the rest, what is empty. For an execution that is over."""
        self._snapshot = self.value = self.snapshot()
        del self.runs, self.groups, self.outputs, self.task_states
        self.facts.pop("base", None)
        for name in _CONTAINERS:
            if not getattr(self, name):
                delattr(self, name)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Asked for what is not there: the execution rested."""
            if name in _INDEX:
                runs, self.value = self.value.task_runs, replace(self.value, task_runs=())
                self.index(runs)
            elif name in _CONTAINERS:
                setattr(self, name, _CONTAINERS[name]())
            else:
                raise AttributeError(name)
            return getattr(self, name)

    @property
    def id(self) -> str:
        return self.value.id

    @property
    def state(self) -> StateType:
        return self.value.state.current

    @property
    def top(self) -> Group:
        return self.groups[None]

    def group(self, run: TaskRun, task: Task) -> Group:
        """The group of a flowable's run, made on first use."""
        group = self.groups.get(run.id)
        if group is None:
            above = self.groups.get(run.parent_task_run_id)
            values = above.values if above else ()
            group = Group(run.id, task, values if run.value is None else (*values, run.value))
            self.groups[run.id] = group
        return group

    def block_of(self, run: TaskRun) -> Block | None:
        """The list a run is counted in; None for runs that are no child in a list (dynamic ones, onPause)."""
        if run.dynamic:
            return None
        placement = self.placements.get(run.task_id)
        group = self.groups.get(run.parent_task_run_id)
        if placement is None or group is None:
            return None
        above = placement.parent.id if placement.parent else None
        own = group.task.id if group.task else None
        if above != own:
            return None
        return group.block(placement.block)

    def put(self, run: TaskRun) -> None:
        """Makes `run` the current value of its id."""
        before = self.runs.get(run.id)
        self.runs[run.id] = run
        block = self.block_of(run)
        if block is not None:
            block.put(run, before.state.current if before else None)
        self._snapshot = None
        self._set_state(run)
        if run.outputs is not None and (before is None or before.outputs is not run.outputs):
            self._set_outputs(run)
        elif before is None and self.flow.dialect.outputs_of_every_run:
            self.outputs.setdefault(run.task_id, {})

    def remove(self, run_id: str) -> TaskRun | None:
        """Takes a run out, with the groups below it (LoopUntil rounds, restarts)."""
        run = self.runs.pop(run_id, None)
        if run is None:
            return None
        block = self.block_of(run)
        if block is not None:
            block.remove(run)
        self.groups.pop(run_id, None)
        self._drop(self.outputs, run)
        self._drop(self.task_states, run)
        self._snapshot = None
        return run

    def descendants(self, run_id: str) -> list[TaskRun]:
        """All runs below a run, parents before children."""
        result: list[TaskRun] = []
        pending = [run_id]
        while pending:
            group = self.groups.get(pending.pop())
            if group is None:
                continue
            for block in group.blocks.values():
                for child in block.runs:
                    result.append(self.runs[child])
                    pending.append(child)
        return result

    def path(self, run: TaskRun) -> tuple[str, ...]:
        group = self.groups.get(run.parent_task_run_id)
        values = group.values if group else ()
        return values if run.value is None else (*values, run.value)

    def parents(self, run: TaskRun) -> Iterator[TaskRun]:
        """Nearest ancestor first."""
        parent = run.parent_task_run_id
        while parent is not None and parent in self.runs:
            above = self.runs[parent]
            yield above
            parent = above.parent_task_run_id

    def update(self, **changes: Any) -> None:
        """Changes fields of the execution other than its task runs."""
        self.value = replace(self.value, **changes)
        self._snapshot = None

    def snapshot(self) -> Execution:
        """The whole execution as a value, task runs in order of creation."""
        if self._snapshot is None:
            self._snapshot = replace(self.value, task_runs=tuple(self.runs.values()))
        return self._snapshot

    def set_state(self, state: StateType, at: dt.datetime) -> None:
        self.update(state=self.value.state.with_state(state, at))

    # --- the trees that expressions see (execution.md 10, 11)

    def _node(self, tree: dict[str, Any], run: TaskRun) -> dict[str, Any]:
        node = tree.setdefault(run.task_id, {})
        for value in self.path(run):
            below = node.get(value)
            if not isinstance(below, dict):
                below = node[value] = {}
            node = below
        return node if isinstance(node, dict) else {}

    def _set_outputs(self, run: TaskRun) -> None:
        outputs: Mapping[str, Any] = run.outputs or {}
        if self.decrypt is not None:
            outputs = self.decrypt(outputs)
        path = self.path(run)
        if not path and run.iteration is None:
            self.outputs[run.task_id] = dict(outputs)
        else:
            self._node(self.outputs, run).update(outputs)

    def _set_state(self, run: TaskRun) -> None:
        if not self.path(run):
            self.task_states[run.task_id] = {"state": str(run.state.current)}
        else:
            self._node(self.task_states, run)["state"] = str(run.state.current)

    def _drop(self, tree: dict[str, Any], run: TaskRun) -> None:
        path = (run.task_id, *self.path(run))
        node: Any = tree
        for step in path[:-1]:
            node = node.get(step)
            if not isinstance(node, dict):
                return
        node.pop(path[-1], None)
