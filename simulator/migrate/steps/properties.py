"""Properties of core tasks and triggers that moved or are gone (rules TASK-*, STATE-* live beside it)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from simulator.migrate.changes import Change, Context, change, key_change
from simulator.migrate.editor import Document, Edit, EditConflictError, reindent
from simulator.migrate.walk import CORE, Task, Typed, tasks, typed_maps
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = ["pause_tasks", "properties", "spelling"]

_RENAMED: dict[str, tuple[str, str, str]] = {
    f"{CORE}flow.Pause": ("TASK-02", "delay", "pauseDuration"),
}

_VERSION: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"io\.kestra\.plugin\.(elasticsearch|opensearch)\.Get"), "docVersion"),
    (re.compile(r"io\.kestra\.plugin\.mqtt\.\w+"), "mqttVersion"),
    (re.compile(r"io\.kestra\.plugin\.serdes\.parquet\.IonToParquet"), "parquetVersion"),
)
"""Types whose own `version` had to make room for the common one (0.22)."""

_JDBC = re.compile(r"io\.kestra\.plugin\.jdbc\.\w+\.\w+")
_FETCHING = re.compile(r"io\.kestra\.plugin\.(jdbc\.\w+\.\w+|googleworkspace\.sheets\.Read)")
_FETCH_TYPES = (("fetch", "FETCH"), ("fetchOne", "FETCH_ONE"), ("store", "STORE"))
"""In the order in which they win (postgresql.md)."""


def properties(document: Document, context: Context) -> Iterator[Change]:
    """Renamed, moved and dropped properties."""
    yield from _retries(document, document.root)
    for found in typed_maps(document.root):
        node, kind = found.node, found.type
        if kind in _RENAMED:
            rule_id, old, new = _RENAMED[kind]
            yield from _rename(document, rule_id, node, old, new)
        if found.path[:1] == ("triggers",):
            yield from _trigger(document, found)
        if kind == f"{CORE}kv.PurgeKV" and "expiredOnly" in node:
            yield key_change(
                document, "TASK-10", "`expiredOnly` is part of `behavior`", node, "expiredOnly",
                partial(_behavior, document, node),
            )  # fmt: skip
        if kind in (f"{CORE}flow.Subflow", f"{CORE}flow.ForEachItem") and "outputs" in node:
            yield key_change(document, "TASK-04", "`outputs` of a Subflow are gone", node, "outputs")
        if kind == "io.kestra.plugin.fs.local.Delete" and "recursive" not in node:
            yield key_change(
                document, "TASK-18", "the default of `recursive` was true and is false", node, "type",
                partial(document.add_after, node, "type", ["recursive: true"]),
            )  # fmt: skip
        yield from _version(document, found)
        if _JDBC.fullmatch(kind):
            yield from _jdbc(document, found)
        if _FETCHING.fullmatch(kind):
            yield from _fetch(document, node)


def _rename(document: Document, rule_id: str, node: MapNode, old: str, new: str) -> Iterator[Change]:
    if old not in node:
        return
    message = f"`{old}` is called `{new}`"
    if new in node:
        yield key_change(
            document, rule_id, message, node, old, hint=f"`{new}` is given as well: keep one of them."
        )
    else:
        yield key_change(document, rule_id, message, node, old, lambda: document.rename(node, old, new))


def _retries(document: Document, node: Node) -> Iterator[Change]:
    if isinstance(node, MapNode):
        for key, child in node.entries.items():
            if key == "retry" and isinstance(child, MapNode):
                yield from _rename(document, "TASK-01", child, "maxAttempt", "maxAttempts")
            yield from _retries(document, child)
    elif isinstance(node, ListNode):
        for child in node.items:
            yield from _retries(document, child)


def _trigger(document: Document, found: Typed) -> Iterator[Change]:
    node = found.node
    yield from _rename(document, "TASK-07", node, "minLogLevel", "logLevel")
    if found.type == f"{CORE}trigger.Schedule":
        for key in ("backfill", "backfills"):
            if key in node:
                yield key_change(
                    document, "TASK-06", f"`{key}` of a Schedule is gone", node, key,
                    partial(document.remove, node, key),
                    remark="Start the backfill from the interface or the API.",
                )  # fmt: skip


def _behavior(document: Document, node: MapNode) -> list[Edit]:
    if "behavior" in node:
        raise EditConflictError("`behavior` is given as well")
    if node.flow_style:
        value = document.value_text(node, "expiredOnly")
        return document.replace_entry(node, "expiredOnly", [f"behavior: {{type: key, expiredOnly: {value}}}"])
    lines = ["behavior:", "  type: key", *(f"  {line}" for line in document.entry_lines(node, "expiredOnly"))]
    start, _ = document.key_range(node, "expiredOnly")
    indent = " " * document.column(start)
    text = f"{document.newline}{indent}".join(lines)
    return [Edit(start, document.line_end(document.entry_end(node, "expiredOnly")), text)]


def _version(document: Document, found: Typed) -> Iterator[Change]:
    if "version" not in found.node:
        return
    for pattern, new in _VERSION:
        if pattern.fullmatch(found.type):
            yield from _rename(document, "TASK-23", found.node, "version", new)


def _jdbc(document: Document, found: Typed) -> Iterator[Change]:
    node = found.node
    if "autocommit" in node:
        yield key_change(
            document, "TASK-21", "`autocommit` of a JDBC task is gone", node, "autocommit",
            lambda: document.remove(node, "autocommit"),
        )  # fmt: skip
    sql = node.get("sql")
    if found.type.endswith(".Query") and isinstance(sql, ScalarNode) and len(statements(sql.text)) > 1:
        message = "Query task supports only a single SQL statement. Use the Queries task to run multiple statements."
        yield key_change(document, "TASK-20", message, node, "sql")


_SQL = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|(\$\w*\$).*?\1|\{\{.*?\}\}|;", re.DOTALL)


def statements(sql: str) -> list[str]:
    """The statements of an SQL text: split at `;` outside of texts, comments, dollar quotes and expressions."""
    parts = [""]
    at = 0
    for found in _SQL.finditer(sql):
        parts[-1] += sql[at : found.start()]
        at = found.end()
        if found.group() == ";":
            parts.append("")
        elif not found.group().startswith(("--", "/*")):
            parts[-1] += found.group()
    parts[-1] += sql[at:]
    return [part.strip() for part in parts if part.strip()]


def _fetch(document: Document, node: MapNode) -> Iterator[Change]:
    given = [(key, value) for key, value in _FETCH_TYPES if key in node]
    for key, value in given[:1]:
        flag = node.entries[key]
        message = f"`{key}` is part of `fetchType`"
        if (
            len(given) > 1
            or "fetchType" in node
            or not isinstance(flag, ScalarNode)
            or not isinstance(flag.value, bool)
        ):
            yield key_change(document, "TASK-25", message, node, key)
        elif flag.value:
            yield key_change(
                document, "TASK-25", message, node, key,
                partial(_fetch_type, document, node, key, flag, value),
            )  # fmt: skip
        else:
            yield key_change(document, "TASK-25", message, node, key, partial(document.remove, node, key))


def _fetch_type(document: Document, node: MapNode, key: str, flag: ScalarNode, value: str) -> list[Edit]:
    return [*document.rename(node, key, "fetchType"), *document.set_scalar(flag, value)]


def spelling(document: Document, context: Context) -> Iterator[Change]:
    """CANCELED, which 2.0 spells CANCELLED."""

    def walk(node: Node, key: str) -> Iterator[Change]:
        if isinstance(node, MapNode):
            for name, child in node.entries.items():
                yield from walk(child, name)
        elif isinstance(node, ListNode):
            for child in node.items:
                if (
                    isinstance(child, ScalarNode)
                    and key in ("states", "in", "notIn")
                    and child.text == "CANCELED"
                ):
                    yield change(
                        document, "TASK-09", "the state is spelled CANCELLED", child,
                        partial(document.set_scalar, child, "CANCELLED"),
                    )  # fmt: skip
                yield from walk(child, key)

    yield from walk(document.root, "")
    for found in typed_maps(document.root):
        state = found.node.get("state")
        if (
            found.type == f"{CORE}execution.Exit"
            and isinstance(state, ScalarNode)
            and state.text == "CANCELED"
        ):
            yield change(
                document, "TASK-08", "the state of Exit is spelled CANCELLED", state,
                partial(document.set_scalar, state, "CANCELLED"),
            )  # fmt: skip


_UNORDERED = ("flow.Parallel", "flow.Dag", "flow.EachParallel")
_PARENT = re.compile(r"\{[{%].*\bparents?\b", re.DOTALL)


def pause_tasks(document: Document, context: Context) -> Iterator[Change]:
    """The tasks inside of a Pause move behind it."""
    for task in tasks(document.root):
        if task.name == "flow.Pause" and "tasks" in task.node:
            yield key_change(
                document, "TASK-03", "a Pause has no `tasks` of its own any more", task.node, "tasks",
                partial(_moved, document, task),
            )  # fmt: skip


def _moved(document: Document, task: Task) -> list[Edit]:
    children = task.node.entries["tasks"]
    if task.place is None or (task.branch == "tasks" and task.parents and task.parents[0].name in _UNORDERED):
        raise EditConflictError("what stands behind the Pause does not wait for it")
    for key in ("runIf", "disabled", "errors", "finally"):
        if key in task.node:
            raise EditConflictError(f"`{key}` of the Pause also holds for its tasks")
    if not isinstance(children, ListNode) or document.is_flow(children) or document.is_flow(task.place):
        raise EditConflictError("the tasks are written in brackets")
    # From the line below the key on, so that comments above the first task come along.
    first = document.next_line(document.key_range(task.node, "tasks")[1])
    block = document.text[first : document.line_end(document.end(children))]
    if _PARENT.search(block):
        raise EditConflictError("its tasks read `parent`")
    before = document.column(document.start(children))
    after = document.column(document.start(task.place))
    # `reindent` leaves the first line alone: give it one to leave.
    text = reindent(document.newline + block, before, after)
    removed = document.remove(task.node, "tasks")
    end = document.line_end(document.end(task.node))
    if len(removed) != 1:
        raise EditConflictError("comments stand between its first keys")
    last = removed[0]
    if end < last.end:  # the Pause ends with its tasks: they change places in one edit
        start = last.start - len(document.newline)
        return [Edit(start, end, text)]
    return [last, Edit(end, end, text)]
