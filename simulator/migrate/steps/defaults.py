"""`pluginDefaults` of a flow, written into the tasks they apply to (rules FLOW-01 to FLOW-03).

What 1.1 does, and we reproduce (migration.md 3.1.1, flow.md 6): a default applies to every map with a `type` that
equals the default's type or starts with it; maps are merged key by key, the task's own value wins, a `forced`
default wins over the task; of several defaults the first one wins. Where the outcome is not certain (two lists,
an exact and a prefix type that disagree, a default inside of a default) nothing is written and the reason is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from simulator.dialect import V2
from simulator.migrate.changes import Change, Context, Note, key_change
from simulator.migrate.editor import Document, Edit, EditConflictError
from simulator.migrate.rules import rule
from simulator.migrate.walk import Typed, list_at, text_at, typed_maps
from simulator.source.nodes import ListNode, MapNode, ScalarNode

__all__ = ["plugin_defaults"]

_COMMON = frozenset(
    [
        "version",
        "description",
        "retry",
        "timeout",
        "disabled",
        "runIf",
        "allowFailure",
        "allowWarning",
        "logLevel",
        "logToFile",
        "taskCache",
        "workerGroup",
        "errors",
        "finally",
        "conditions",
    ]
)
"""Properties that every task or trigger has."""


@dataclass(frozen=True, slots=True)
class _Entry:
    type: str
    values: MapNode
    forced: bool
    node: MapNode


def plugin_defaults(document: Document, context: Context) -> Iterator[Change]:
    for rule_id, key in (("FLOW-01", "pluginDefaults"), ("FLOW-02", "taskDefaults")):
        if key not in document.map:
            continue
        entries: list[_Entry] = []
        notes: list[Note] = []
        for item in list_at(document.root, key):
            if isinstance(item, MapNode) and "forced" in item:
                start, end = document.key_range(item, "forced")
                notes.append(Note(rule("FLOW-03"), "`forced` plugin defaults are gone", start, end))
        try:
            entries = _entries(document, key)
            unused = [
                entry.type
                for entry in entries
                if not any(found.type.startswith(entry.type) for found in typed_maps(document.root))
            ]
            reason = ""
        except EditConflictError as error:
            unused, reason = [], str(error)
        remark = f"Nothing in this flow is of type {', '.join(unused)}." if unused else ""
        if key == "taskDefaults":
            remark = f"Kestra 1.1 itself no longer applied `taskDefaults`. {remark}".strip()
        yield key_change(
            document, rule_id, f"`{key}` of a flow are gone", document.map, key,
            None if reason else partial(_inlined, document, context, key, entries),
            hint=f"not rewritten: {reason}" if reason else "", remark=remark, notes=notes,
        )  # fmt: skip


def _entries(document: Document, key: str) -> list[_Entry]:
    node = document.map.entries[key]
    if not isinstance(node, ListNode):
        raise EditConflictError(f"`{key}` is no list")
    found: list[_Entry] = []
    for item in node.items:
        kind, values = text_at(item, "type"), item.get("values") if isinstance(item, MapNode) else None
        if not isinstance(item, MapNode) or kind is None:
            raise EditConflictError("an entry has no `type`")
        if not isinstance(values, MapNode):
            continue  # nothing to write anywhere
        forced = item.get("forced")
        found.append(_Entry(kind, values, isinstance(forced, ScalarNode) and forced.value is True, item))
    for entry in found:
        for inner in typed_maps(entry.values):
            if any(inner.type.startswith(other.type) for other in found):
                raise EditConflictError(f"a default for {inner.type} applies inside of another default")
    return found


def _inlined(document: Document, context: Context, key: str, entries: list[_Entry]) -> list[Edit]:
    edits = _without(document, key)
    for found in typed_maps(document.root):
        fitting = [entry for entry in entries if found.type.startswith(entry.type)]
        if fitting:
            edits += _merged(document, found.node, _sources(context, found, fitting), "type")
    return edits


def _without(document: Document, key: str) -> list[Edit]:
    """Takes the root key out, and one of the blank lines that then meet."""
    edits = document.remove(document.map, key)
    text = document.text
    start, end = edits[0].start, edits[0].end
    first_blank = document.next_line(end) if end < len(text) else end
    if text[:start].endswith(document.newline * 2):
        if end >= len(text):
            start -= len(document.newline)
        elif not text[end:first_blank].strip():
            end = first_blank
    return [Edit(start, end, edits[0].text), *edits[1:]]


def _sources(context: Context, found: Typed, fitting: list[_Entry]) -> list[tuple[str, MapNode, bool]]:
    """(type, values, forced) in the order in which they win, without properties that the type does not have."""
    spec = context.catalog.spec(found.type, V2) if context.catalog is not None else None
    sources: list[tuple[str, MapNode, bool]] = []
    for entry in fitting:
        values = entry.values
        if spec is not None and not spec.open_properties and entry.type != found.type:
            # 1.x let a default of a whole family pass where a type has no such property; 2.0 refuses the flow.
            kept = {key: node for key, node in values.entries.items() if key in _COMMON or spec.property(key)}
            values = MapNode(kept, values.key_spans, values.span, values.flow_style)
        sources.append((entry.type, values, entry.forced))
    return sources


def _merged(
    document: Document, node: MapNode, sources: list[tuple[str, MapNode, bool]], anchor: str
) -> list[Edit]:  # fmt: skip
    """The edits that give a map what its sources hold and it does not."""
    edits: list[Edit] = []
    added: list[str] = []
    for key in dict.fromkeys(key for _, values, _ in sources for key in values):
        holders = [source for source in sources if key in source[1]]
        _agree(document, key, holders)
        forced = [source for source in holders if source[2]]
        kind, values, _ = (forced or holders)[0]
        own, given = node.get(key), values.entries[key]
        if own is None:
            if (
                len(holders) > 1
                and isinstance(given, MapNode)
                and given.plain() != holders[-1][1].entries[key].plain()
            ):
                raise EditConflictError(f"several defaults give a part of `{key}`")
            added += document.entry_lines(values, key)
        elif isinstance(own, MapNode) and isinstance(given, MapNode):
            inner = [(kind, source.entries[key], force) for kind, source, force in holders]
            maps = [(kind, child, force) for kind, child, force in inner if isinstance(child, MapNode)]
            if own.entries:
                edits += _merged(document, own, maps, next(reversed(own.entries)))
        elif isinstance(own, ListNode) and isinstance(given, ListNode):
            raise EditConflictError(f"both a default and a task give the list `{key}`")
        elif forced and own.plain() != given.plain():
            edits += document.replace_entry(node, key, document.entry_lines(values, key))
    if added:
        if node.flow_style and any(line[:1] in (" ", "-") for line in added):
            raise EditConflictError("a task is written in braces")
        edits += document.add_after(node, anchor, added)
    return edits


def _agree(document: Document, key: str, holders: list[tuple[str, MapNode, bool]]) -> None:
    """Refuses when an exact and a prefix type give different values: their order is undefined in 1.1."""
    for one in holders:
        for other in holders:
            if (one[0] != other[0] and one[2] == other[2]
                    and one[1].entries[key].plain() != other[1].entries[key].plain()
                    and not isinstance(one[1].entries[key], MapNode)):  # fmt: skip
                raise EditConflictError(f"the defaults of {one[0]} and {other[0]} disagree about `{key}`")
