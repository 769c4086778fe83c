"""What `taskrun.value`, `parent` and `parents` mean to a task of 1.1, and what 2.0 calls the same thing.

In 1.1 only the direct children of a loop have a value. `parents` lists the ancestors of a task run, nearest first,
but only those with a value or with outputs; `parent` is the first of them. In a 2.0 Loop `item` is the current
iteration at any depth, `item.parent` the next one outwards (`item.parents` has no settled order). Source:
migration.md 4.1 and 4.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from simulator.migrate.templates import path_of
from simulator.migrate.walk import Task
from simulator.source.nodes import MapNode, Node, ScalarNode

__all__ = [
    "OLD_LOOPS",
    "is_value_of",
    "length_of",
    "loop_of",
    "loops_around",
    "output",
    "outputs_of",
    "owned_scalars",
    "value_of",
]

OLD_LOOPS = frozenset({"flow.ForEach", "flow.EachSequential", "flow.EachParallel", "flow.ForEachItem"})

_WITH_OUTPUTS = frozenset({"flow.If", "flow.Switch", "flow.LoopUntil", "flow.Pause", "flow.Template"})
"""Flowables whose runs have outputs, and so an entry in `parents`."""

_LITERAL_KEYS = frozenset({"id", "type", "description", "displayName"})


def loops_around(task: Task) -> tuple[Task, ...]:
    """The 1.x loops that a task stands in, the innermost first."""
    return tuple(parent for parent in task.parents if parent.name in OLD_LOOPS)


def _has_value(task: Task) -> bool:
    return bool(task.parents) and task.parents[0].name in OLD_LOOPS


def entries_of(owner: Task) -> list[Task]:
    """The ancestors that 1.1 lists in `parents`, the nearest first."""
    return [ancestor for ancestor in owner.parents if _has_value(ancestor) or ancestor.name in _WITH_OUTPUTS]


def outputs_of(owner: Task, path: Sequence[Any]) -> tuple[Task, int] | None:
    """The task that `parent.outputs` or `parents[n].outputs` means, and the length of that path; None for others."""
    if path[:2] == ["parent", "outputs"]:
        number, length = 0, 2
    elif (
        path[:1] == ["parents"]
        and path[2:3] == ["outputs"]
        and type(path[1]) is not str
        and isinstance(path[1], int)
    ):
        number, length = int(path[1]), 3
    else:
        return None
    entries = entries_of(owner)
    if number >= len(entries) or entries[number].name not in _WITH_OUTPUTS:
        return None
    return entries[number], length


def output(task_id: str) -> str:
    """`outputs.<id>` as an expression."""
    return f"outputs.{task_id}" if task_id.isidentifier() else f"outputs['{task_id}']"


def loop_of(owner: Task, path: Sequence[Any]) -> Task | str | None:
    """The loop whose current value or counter a path is.

    None when the path has nothing to do with loops, a reason (text) when it is more than a value.
    """
    around = loops_around(owner)
    if owner.name == "flow.ForEachItem" and path[:2] in (["taskrun", "items"], ["taskrun", "iteration"]):
        return owner
    if path[:2] in (["taskrun", "value"], ["taskrun", "iteration"]):
        return around[0] if around else None
    if path[:1] not in (["parent"], ["parents"]) or not around:
        return None
    entries = entries_of(owner)
    number, rest = 0, path[1:]
    if path[0] == "parents":
        if not rest or isinstance(rest[0], (str, bool)) or not isinstance(rest[0], int):
            return "`parents` is used as a whole"
        number, rest = int(rest[0]), rest[1:]
    if list(rest[:2]) != ["taskrun", "value"]:
        return "2.0 has no name for the outputs of `parent`"
    if number >= len(entries) or not _has_value(entries[number]):
        return "`parents` has no value there"
    return entries[number].parents[0]


def value_of(owner: Task, path: Sequence[Any]) -> str | None:
    """The 2.0 name of a path; None when it has nothing to do with loops. Raises LookupError when there is none."""
    loop = loop_of(owner, path)
    if loop is None:
        return None
    if isinstance(loop, str):
        raise LookupError(loop)
    if path[1] == "iteration":
        return "item.index"
    around = loops_around(owner)
    depth = 0 if loop is owner else around.index(loop)
    if depth > 1:
        raise LookupError("2.0 has no safe name for the value of a loop that far outside")
    return ("item.value", "item.parent.value")[depth]


def length_of(path: Sequence[Any]) -> int:
    """How many parts of a path belong to the value itself."""
    if path[0] == "taskrun":
        return 2
    return 3 if path[0] == "parent" else 4


def is_value_of(owner: Task, node: Any, loop: Task) -> bool:
    """Whether an expression is exactly the current value of a loop."""
    path = path_of(node)
    if path is None or path[:2] == ["taskrun", "iteration"]:
        return False
    return loop_of(owner, path) is loop and length_of(path) == len(path)


def owned_scalars(root: Node, every: Sequence[Task]) -> Iterator[tuple[Task | None, ScalarNode]]:
    """Scalars that may be rendered, each with the one of `every` task it belongs to (None outside of tasks)."""
    owners = {id(task.node): task for task in every}

    def down(node: Node, owner: Task | None, key: str) -> Iterator[tuple[Task | None, ScalarNode]]:
        if isinstance(node, ScalarNode):
            if key not in _LITERAL_KEYS and "{" in node.text:
                yield owner, node
        elif isinstance(node, MapNode):
            owner = owners.get(id(node), owner)
            for name, child in node.entries.items():
                yield from down(child, owner, name)
        else:
            for child in node.items:
                yield from down(child, owner, key)

    yield from down(root, None, "")
