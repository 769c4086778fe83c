"""Where a template stands and what has run before it: the static side of the context variables (execution.md 10, 11)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from simulator.model.catalog import Catalog, Kind, PropertySpec, TaskSpec
from simulator.model.convert import is_dynamic
from simulator.model.flow import Flow, Task
from simulator.model.tasks import all_keys
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = ["LOOPS", "Place", "Places", "Site", "sites"]

_FLOW = "io.kestra.plugin.core.flow."
LOOPS = frozenset(f"{_FLOW}{name}" for name in ("ForEach", "EachSequential", "EachParallel", "Loop"))
"""Flowables whose children run once per value."""
_UNORDERED = frozenset(f"{_FLOW}{name}" for name in ("Parallel", "EachParallel"))
_REPEATED = frozenset({f"{_FLOW}LoopUntil"})
_NEVER_RENDERED = frozenset({"id", "type", "version", "description", "displayName"})
_LATE = ("errors", "finally")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task stands: `ancestors` from the outermost, each with the group of its children that leads here;
    `before` are the tasks that have ended (or never will) when it starts; `beside` those in no order with it."""

    ancestors: tuple[tuple[Task, str], ...]
    before: frozenset[str]
    beside: frozenset[str] = frozenset()


@dataclass(slots=True)
class Places:
    """The place of every task of a flow, and the task of every id."""

    flow: Flow
    tasks: dict[str, Task] = field(default_factory=dict)
    of: dict[str, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        flow = self.flow
        for task in flow.walk_tasks():
            self.tasks.setdefault(task.id, task)
        main = _ids(flow.tasks)
        everything = frozenset(self.tasks)
        self._sequence(flow.tasks, (), frozenset(), frozenset())
        self._sequence(flow.errors, (), main, frozenset())
        self._sequence(flow.finally_, (), main | _ids(flow.errors), frozenset())
        self._sequence(flow.after_execution, (), everything, frozenset())
        for listener in flow.listeners:
            self._sequence(listener.tasks, (), everything, frozenset())

    def _sequence(
        self,
        tasks: Iterable[Task],
        ancestors: tuple[tuple[Task, str], ...],
        before: frozenset[str],
        beside: frozenset[str],
    ) -> None:
        for task in tasks:
            self._task(task, ancestors, before, beside)
            before |= _ids((task,))

    def _task(
        self,
        task: Task,
        ancestors: tuple[tuple[Task, str], ...],
        before: frozenset[str],
        beside: frozenset[str],
    ) -> None:
        self.of.setdefault(task.id, Place(ancestors, before, beside))
        below = _ids((task,))
        for group, children in task.children.items():
            path = (*ancestors, (task, group))
            seen = before | {task.id}
            if group in _LATE:
                self._sequence(children, path, seen | below, beside)
            elif task.canonical == f"{_FLOW}Dag":
                needs = {child.id: child.depends_on for child in children}
                for child in children:
                    earlier = _ids(other for other in children if other.id in _needed(child.id, needs))
                    self._task(child, path, seen | earlier, beside | (below - earlier - {task.id, child.id}))
            elif task.canonical in _UNORDERED:
                for child in children:
                    self._task(child, path, seen, beside | (below - _ids((child,)) - {task.id}))
            elif task.canonical in LOOPS or task.canonical in _REPEATED:
                # An earlier round may have run what stands later.
                self._sequence(children, path, seen, beside | (below - {task.id}))
            else:
                self._sequence(children, path, seen, beside)

    def loops(self, task_id: str) -> tuple[Task, ...]:
        """The loops around a task (whose iterations it runs in), outermost first."""
        place = self.of.get(task_id)
        return (
            tuple(task for task, group in place.ancestors if task.canonical in LOOPS and group == "tasks")
            if place
            else ()
        )


def _ids(tasks: Iterable[Task]) -> frozenset[str]:
    return frozenset(below.id for task in tasks for below in task.walk())


def _needed(name: str, needs: dict[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    stack = list(needs.get(name, ()))
    while stack:
        other = stack.pop()
        if other not in found:
            found.add(other)
            stack += needs.get(other, ())
    return found


@dataclass(frozen=True, slots=True)
class Site:
    """One text that may hold an expression. `kind`: task, trigger, output, input, variable, label, check or sla.

    `certain`: Kestra renders it for sure (a known type, a dynamic property).
    """

    node: ScalarNode
    kind: str
    key: str
    owner: str
    task: Task | None = None
    spec: TaskSpec | None = None
    prop: PropertySpec | None = None
    certain: bool = True

    @property
    def has_expression(self) -> bool:
        return is_dynamic(self.node.text)


def _scalars(node: Node) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        if isinstance(node.value, str):
            yield node
    elif isinstance(node, (MapNode, ListNode)):
        for child in node.entries.values() if isinstance(node, MapNode) else node.items:
            yield from _scalars(child)


def sites(flow: Flow, catalog: Catalog) -> Iterator[Site]:
    """Every text of a flow that may be rendered, children of a task by themselves."""
    for task in flow.walk_tasks():
        spec = catalog.spec(task.type, flow.dialect)
        yield from _of_task(task, spec)
    for trigger in flow.triggers:
        known = catalog.spec(trigger.type, flow.dialect)
        for key, node in trigger.node.entries.items():
            if key not in _NEVER_RENDERED:
                for text in _scalars(node):
                    yield Site(text, "trigger", key, trigger.id, spec=known, certain=known is not None)
    for output in flow.outputs:
        value = output.node.get("value")
        for text in _scalars(value) if value is not None else ():
            # An optional output survives what cannot be rendered.
            yield Site(text, "output", "value", output.id, certain=output.required is not False)
    for item in flow.inputs:
        for inner in (item, *item.children):
            for key in ("defaults", "dependsOn", "expression"):
                part = inner.node.get(key)
                for text in _scalars(part) if part is not None else ():
                    yield Site(text, "input", key, inner.id)
    for key, kind in (("variables", "variable"), ("labels", "label"), ("checks", "check"), ("sla", "sla")):
        block = flow.node.get(key)
        for text in _scalars(block) if block is not None else ():
            yield Site(text, kind, key, key, certain=kind == "check")


def _of_task(task: Task, spec: TaskSpec | None) -> Iterator[Site]:
    children = {key.partition(".")[0] for key in task.children}
    table = all_keys(spec) if spec is not None else {}
    for key, node in task.node.entries.items():
        if key in children or key in _NEVER_RENDERED:
            continue
        prop = table.get(key)
        if (
            prop is not None
            and not prop.dynamic
            and not prop.as_property
            and spec is not None
            and spec.kind is not Kind.OTHER
        ):
            continue
        certain = spec is not None and prop is not None
        for text in _scalars(node):
            yield Site(text, "task", key, task.id, task, spec, prop, certain)
