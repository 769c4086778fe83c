"""The state store, which became the KV store (rules STATE-*; migration.md 3.6).

state.Set merges into the old value: kv.Put (2.0) does the same, kv.Set (both lines of Kestra) replaces it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from simulator.expressions.nodes import Attribute
from simulator.migrate.changes import Change, Context, Note, key_change
from simulator.migrate.editor import Document, Edit, EditConflictError
from simulator.migrate.rules import rule
from simulator.migrate.templates import parse, path_of, walk
from simulator.migrate.walk import CORE, Task, has_default, scalars, tasks, text_at
from simulator.source.nodes import ScalarNode

__all__ = ["state"]

_LOOPS = ("flow.ForEach", "flow.EachSequential", "flow.EachParallel", "flow.ForEachItem", "flow.Loop")


def state(document: Document, context: Context) -> Iterator[Change]:
    for task in tasks(document.root):
        if task.name not in ("state.Get", "state.Set", "state.Delete"):
            continue
        start, end = document.key_range(task.node, "type")
        notes: list[Note] = []
        if task.name == "state.Set" and context.stay_v1:
            notes.append(Note(rule("STATE-02"), "state.Set merged, kv.Set replaces", start, end, done=False))
        if task.name == "state.Get":
            message = "a state that 1.x has written comes back as base64 text"
            notes.append(Note(rule("STATE-03"), message, start, end, done=False))
        yield key_change(
            document, "STATE-01", f"`{task.name}` is gone: the KV store keeps such values", task.node, "type",
            partial(_rewritten, document, context, task), notes=notes,
        )  # fmt: skip


def slug(flow_id: str) -> str:
    """The flow's part of a state's key."""
    text = re.sub(r"[^A-Za-z0-9_-]", "", flow_id).replace("_", "-")
    return re.sub(r"-{2,}", "-", text).lower()


def _rewritten(document: Document, context: Context, task: Task) -> list[Edit]:
    node = task.node
    if has_default(document.root, task.type):
        raise EditConflictError("a plugin default that could not be written out applies to it")
    if any(parent.name in _LOOPS for parent in task.parents):
        own = node.get("taskrunValue")
        if not (isinstance(own, ScalarNode) and own.value is False):
            raise EditConflictError("the task stands in a loop, where every value has a state of its own")
    flow_id = text_at(document.root, "id")
    shared = node.get("namespace")
    if flow_id is None or (
        shared is not None and not (isinstance(shared, ScalarNode) and isinstance(shared.value, bool))
    ):
        raise EditConflictError("`namespace` is no plain true or false")
    prefix = "" if isinstance(shared, ScalarNode) and shared.value is True else f"{slug(flow_id)}_"
    name = text_at(node, "name") or "default"
    new = {
        "state.Get": "kv.Get",
        "state.Set": "kv.Set" if context.stay_v1 else "kv.Put",
        "state.Delete": "kv.Delete",
    }
    edits: list[Edit] = []
    kind = node.entries["type"]
    assert isinstance(kind, ScalarNode)
    edits += document.set_scalar(kind, f"{CORE}{new[task.name]}")
    line = f"key: {prefix}states_tasks-states_{name}"
    if "{" in name or ": " in name or "#" in name:
        line = 'key: "' + line[len("key: ") :].replace("\\", "\\\\").replace('"', '\\"') + '"'
    if "name" in node:
        edits += document.replace_entry(node, "name", [line])
    else:
        edits += document.add_after(node, "type", [line])
    if "data" in node:
        edits += document.rename(node, "data", "value")
    for key in ("namespace", "taskrunValue"):
        if key in node:
            edits += document.remove(node, key)
    if task.name == "state.Get":
        edits += _readers(document, task)
    return edits


def _readers(document: Document, task: Task) -> list[Edit]:
    """`outputs.<get>.data` is `outputs.<get>.value`, `.count` is its length."""
    edits: list[Edit] = []
    for node in scalars(document.root):
        parsed = parse(node.text) if task.id in node.text else None
        for found, _ in walk(parsed.body) if parsed else ():
            path = path_of(found) if isinstance(found, Attribute) else None
            if parsed is None or path is None or len(path) != 3 or path[:2] != ["outputs", task.id]:
                continue
            start, end = parsed.extent(found)
            if path[2] == "data":
                offset = found.offset
                edits += (
                    document.set_content(node, offset, offset + len("data"), "value")
                    if node.text.startswith("data", offset)
                    else document.set_content(node, offset, end, "'value']")
                )
            elif path[2] == "count":
                front = parsed.extent(found.target)[1]
                edits += document.set_content(node, start, start, "(")
                edits += document.set_content(node, front, end, ".value | length)")
    return edits
