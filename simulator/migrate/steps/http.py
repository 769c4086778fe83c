"""The options of HTTP tasks, which 1.x kept flat (rules TASK-11 to TASK-17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from simulator.migrate.changes import Change, Context, key_change
from simulator.migrate.editor import Document, Edit, EditConflictError
from simulator.migrate.walk import CORE, map_at, text_at, typed_maps
from simulator.source.nodes import MapNode

__all__ = ["http"]

_TYPES = frozenset(f"{CORE}http.{name}" for name in ("Request", "Download", "SseRequest", "Trigger"))

_GROUPS: tuple[tuple[str, str, dict[str, str], tuple[str, ...]], ...] = (
    # rule, block, {flat name: name in the block}, what the block needs besides
    ("TASK-13", "auth", {"basicAuthUser": "username", "basicAuthPassword": "password"}, ("type: BASIC",)),
    ("TASK-14", "timeout", {"connectTimeout": "connectTimeout", "readTimeout": "readIdleTimeout"}, ()),
    (
        "TASK-15",
        "proxy",
        {
            "proxyType": "type",
            "proxyAddress": "address",
            "proxyPort": "port",
            "proxyUsername": "username",
            "proxyPassword": "password",
        },
        (),
    ),
)

_GONE = ("maxContentLength", "connectionPoolIdleTimeout", "readIdleTimeout")

_LOGS = {
    "TRACE": ("REQUEST_HEADERS", "REQUEST_BODY", "RESPONSE_HEADERS", "RESPONSE_BODY"),
    "DEBUG": ("REQUEST_HEADERS", "RESPONSE_HEADERS"),
    "INFO": ("RESPONSE_HEADERS",),
    "WARN": (),
    "ERROR": (),
}
"""What 1.1 made of a level; the other levels logged nothing."""


def http(document: Document, context: Context) -> Iterator[Change]:
    """Flat options go into the blocks that 1.1 already knows."""
    for found in typed_maps(document.root):
        if found.type not in _TYPES:
            continue
        node = found.node
        for rule_id, key, new in (
            ("TASK-11", "allowFailed", "allowFailed"),
            ("TASK-12", "sslOptions", "ssl"),
        ):
            if key in node:
                yield key_change(
                    document, rule_id, f"`{key}` is `options.{new}`", node, key,
                    partial(_into, document, node, [key], "options", {key: new}, ()),
                )  # fmt: skip
        options = map_at(node, "options")
        if options is not None:
            yield from _options(document, node, options)


def _options(document: Document, task: MapNode, options: MapNode) -> Iterator[Change]:
    for rule_id, block, names, extra in _GROUPS:
        flat = [key for key in names if key in options]
        if flat:
            shown = ", ".join(f"`{key}`" for key in flat)
            yield key_change(
                document, rule_id, f"{shown} of the options: part of `options.{block}`", options, flat[0],
                partial(_into, document, options, flat, block, names, extra),
            )  # fmt: skip
    for key in _GONE:
        if key in options:
            yield key_change(
                document, "TASK-17", f"`options.{key}` is gone (1.x ignored it)", options, key,
                partial(_dropped, document, task, options, key),
            )  # fmt: skip
    if "logLevel" in options:
        yield key_change(
            document, "TASK-16", "`options.logLevel` is a list `options.logs`", options, "logLevel",
            lambda: _logs(document, task, options),
        )  # fmt: skip


def _logs(document: Document, task: MapNode, options: MapNode) -> list[Edit]:
    level = (text_at(options, "logLevel") or "").strip()
    if level not in _LOGS or "logs" in options:
        raise EditConflictError("the level is no plain word, or `logs` is given as well")
    if not _LOGS[level]:
        return (
            document.remove(task, "options")
            if len(options.entries) == 1
            else document.remove(options, "logLevel")
        )
    return document.replace_entry(options, "logLevel", [f"logs: [{', '.join(_LOGS[level])}]"])


def _dropped(document: Document, task: MapNode, options: MapNode, key: str) -> list[Edit]:
    """Takes an option out, and the options with it when it was the last one."""
    return document.remove(task, "options") if len(options.entries) == 1 else document.remove(options, key)


def _into(
    document: Document,
    parent: MapNode,
    keys: Sequence[str],
    block: str,
    names: dict[str, str],
    extra: tuple[str, ...],
) -> list[Edit]:
    """Moves entries of a map into a block of the same map, which is made when it is not there."""
    existing = parent.get(block)
    moved = [line for key in keys for line in document.entry_lines(parent, key, names[key])]
    if existing is None:
        start, _ = document.key_range(parent, keys[0])
        if parent.flow_style:
            text = f"{block}: {{{', '.join([*extra, *moved])}}}"
            edits = [Edit(start, document.entry_end(parent, keys[0]), text)]
        else:
            indent = " " * document.column(start)
            lines = [f"{block}:", *(f"  {line}" if line else line for line in [*extra, *moved])]
            text = f"{document.newline}{indent}".join(lines)
            edits = [Edit(start, document.line_end(document.entry_end(parent, keys[0])), text)]
        rest = keys[1:]
    else:
        if not isinstance(existing, MapNode) or not existing.entries:
            raise EditConflictError(f"`{block}` is no block of properties")
        if any(names[key] in existing for key in keys):
            raise EditConflictError(f"`{block}` already holds it")
        edits = document.add_into(existing, moved)
        rest = keys
    for key in rest:
        edits += document.remove(parent, key)
    return edits
