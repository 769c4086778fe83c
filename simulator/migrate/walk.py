"""Walks over the nodes of a flow: typed maps, tasks with what encloses them, scalars that get rendered.

Nothing here needs a valid flow: whatever has not the expected shape is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = [
    "CORE",
    "Task",
    "Typed",
    "has_default",
    "list_at",
    "map_at",
    "scalars",
    "tasks",
    "text_at",
    "typed_maps",
]

CORE = "io.kestra.plugin.core."

_CHILDREN = ("tasks", "then", "else", "defaults", "errors", "finally")
_ROOTS = ("tasks", "errors", "finally", "afterExecution")
_LITERAL_KEYS = frozenset({"id", "type", "description", "displayName"})
"""Never rendered by Kestra."""


def text_at(node: Node | None, key: str) -> str | None:
    """The text of a scalar entry; None when it is absent or no scalar."""
    child = node.get(key) if isinstance(node, MapNode) else None
    return child.text if isinstance(child, ScalarNode) else None


def map_at(node: Node | None, key: str) -> MapNode | None:
    child = node.get(key) if isinstance(node, MapNode) else None
    return child if isinstance(child, MapNode) else None


def list_at(node: Node | None, key: str) -> tuple[Node, ...]:
    child = node.get(key) if isinstance(node, MapNode) else None
    return child.items if isinstance(child, ListNode) else ()


@dataclass(frozen=True, slots=True)
class Typed:
    """A map with a text `type` and the keys that lead to it."""

    node: MapNode
    type: str
    path: tuple[str, ...]


def typed_maps(node: Node, path: tuple[str, ...] = ()) -> Iterator[Typed]:
    """Every map with a `type`, at any depth, but not below `pluginDefaults` and `taskDefaults`."""
    if isinstance(node, MapNode):
        kind = text_at(node, "type")
        if kind is not None:
            yield Typed(node, kind, path)
        for key, child in node.entries.items():
            if key not in ("pluginDefaults", "taskDefaults"):
                yield from typed_maps(child, (*path, key))
    elif isinstance(node, ListNode):
        for child in node.items:
            yield from typed_maps(child, path)


def has_default(root: Node, kind: str) -> bool:
    """Whether a plugin default of the flow still applies to a type: then the type cannot be changed."""
    given = (
        text_at(item, "type") for key in ("pluginDefaults", "taskDefaults") for item in list_at(root, key)
    )
    return any(prefix is not None and kind.startswith(prefix) for prefix in given)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A task of a flow. `place` is the list it stands in (None for a Dag's task), `branch` the key of that list."""

    node: MapNode
    id: str
    type: str
    parents: tuple[Task, ...]
    place: ListNode | None
    branch: str

    @property
    def name(self) -> str:
        """The type without the package of the core tasks."""
        return self.type.removeprefix(CORE)


def tasks(root: Node) -> Iterator[Task]:
    """All tasks of a flow, parents before children, with `parents` from the nearest outwards."""
    if not isinstance(root, MapNode):
        return
    for key in _ROOTS:
        yield from _list(root.get(key), (), key)
    for listener in list_at(root, "listeners"):
        if isinstance(listener, MapNode):
            yield from _list(listener.get("tasks"), (), "listeners")


def _list(node: Node | None, parents: tuple[Task, ...], branch: str) -> Iterator[Task]:
    if not isinstance(node, ListNode):
        return
    for item in node.items:
        inner = map_at(item, "task")
        if inner is not None and text_at(item, "type") is None:
            yield from _task(inner, parents, None, branch)
        else:
            yield from _task(item, parents, node, branch)


def _task(node: Node, parents: tuple[Task, ...], place: ListNode | None, branch: str) -> Iterator[Task]:
    kind = text_at(node, "type")
    if not isinstance(node, MapNode) or kind is None:
        return
    task = Task(node, text_at(node, "id") or "", kind, parents, place, branch)
    yield task
    enclosing = (task, *parents)
    for key in _CHILDREN:
        yield from _list(node.get(key), enclosing, key)
    cases = map_at(node, "cases")
    for case in cases.entries.values() if cases is not None else ():
        yield from _list(case, enclosing, "cases")
    pausing = map_at(node, "onPause")
    if pausing is not None:
        yield from _task(pausing, enclosing, None, "onPause")


def scalars(node: Node, key: str = "") -> Iterator[ScalarNode]:
    """The scalars that Kestra may render: all but ids, types and descriptions."""
    if isinstance(node, ScalarNode):
        if key not in _LITERAL_KEYS and "{" in node.text:
            yield node
    elif isinstance(node, MapNode):
        for name, child in node.entries.items():
            yield from scalars(child, name)
    else:
        for child in node.items:
            yield from scalars(child, key)
