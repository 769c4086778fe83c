"""Flow triggers: conditions and preconditions of 1.x as `dependsOn`, `mode` and `window` of 2.0 (migration.md 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from simulator.migrate.conditions import (
    EXECUTIONS,
    CannotTranslateError,
    Clause,
    Flow,
    clause,
    comparison_of,
    conjunction,
    joined,
    kind_of,
    literal,
    states_of,
)
from simulator.migrate.editor import Document, quoted
from simulator.migrate.walk import list_at, map_at, text_at
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = ["Dependencies", "from_conditions", "from_preconditions"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of `dependsOn`. Texts are YAML as written."""

    namespace: str | None = None
    flow_id: str | None = None
    states: tuple[str, ...] | None = None
    labels: tuple[str, ...] = ()
    when: tuple[Clause, ...] = ()

    def lines(self) -> list[str]:
        lines: list[str] = []
        if self.namespace is not None:
            lines.append(f"namespace: {quoted(self.namespace)}")
        if self.flow_id is not None:
            lines.append(f"flowId: {quoted(self.flow_id)}")
        if self.states is not None:
            lines.append(f"states: [{', '.join(self.states)}]")
        lines += self.labels
        if self.when:
            lines.append(f"when: {_text(conjunction(list(self.when)))}")
        if not lines:
            raise CannotTranslateError("an entry would match every execution")
        return [f"  - {lines[0]}", *(f"    {line}" for line in lines[1:])]


def _text(template: str) -> str:
    """A template as a quoted scalar."""
    if '"' not in template and "\\" not in template:
        return f'"{template}"'
    return "'" + template.replace("'", "''") + "'"


@dataclass(slots=True)
class Dependencies:
    """The keys of a Flow trigger in 2.0, as lines without indentation."""

    entries: list[Entry]
    any: bool = False
    window: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        distinct = [entry.lines() for entry in self.entries]
        if len({tuple(lines) for lines in distinct}) < len(distinct):
            raise CannotTranslateError("two entries are the same, which 2.0 refuses")
        lines = ["dependsOn:", *(line for entry in distinct for line in entry)]
        if self.any and len(self.entries) > 1:
            lines.append("mode: ANY")
        if self.window:
            lines += ["window:", *(f"  {line}" for line in self.window)]
        return lines


def _entry(document: Document, entry: Entry, node: Node, flow: Flow) -> Entry:
    """An entry that also asks for one condition."""
    kind = kind_of(node)
    if not isinstance(node, MapNode):
        raise CannotTranslateError("a condition is no block of properties")
    if kind == "ExecutionFlow" and entry.namespace is None and entry.flow_id is None:
        clause(node, flow, EXECUTIONS)  # refuses expressions
        return replace(entry, namespace=text_at(node, "namespace"), flow_id=text_at(node, "flowId"))
    if (
        kind == "ExecutionNamespace"
        and comparison_of(node) == "EQUALS"
        and entry.namespace in (None, text_at(node, "namespace"))
    ):
        clause(node, flow, EXECUTIONS)
        return replace(entry, namespace=text_at(node, "namespace"))
    if kind == "ExecutionStatus" and entry.states is None:
        states = states_of(node)
        if not states:
            raise CannotTranslateError("no state is left, so the trigger never fires")
        return replace(entry, states=tuple(states))
    if (
        kind == "ExecutionLabels"
        and not entry.labels
        and (isinstance(node.get("labels"), (MapNode, ListNode)))
    ):
        return replace(entry, labels=tuple(document.entry_lines(node, "labels")))
    found = clause(node, flow, EXECUTIONS)
    return entry if found.text == "true" else replace(entry, when=(*entry.when, found))


def from_conditions(document: Document, trigger: MapNode, items: Sequence[Node], flow: Flow) -> Dependencies:
    """The list `conditions` of a Flow trigger: all of them hold for one execution."""
    multiple = [item for item in items if kind_of(item) == "MultipleCondition"]
    if multiple:
        if len(items) > 1:
            raise CannotTranslateError("a MultipleCondition stands beside other conditions")
        return _multiple(document, multiple[0], flow)
    choices = [item for item in items if kind_of(item) == "Or" and len(list_at(item, "conditions")) > 1]
    base = Entry()
    for item in items:
        if item not in choices:
            base = _entry(document, base, item, flow)
    if len(choices) == 1:
        # One entry for each way, if none of them needs an expression.
        try:
            ways = [_entry(document, base, item, flow) for item in list_at(choices[0], "conditions")]
        except CannotTranslateError:
            ways = []
        if (
            ways
            and all(way.when == base.when for way in ways)
            and len({str(way) for way in ways}) == len(ways)
        ):
            return Dependencies(ways, any=True, remarks=_remarks(ways))
    for choice in choices:
        base = replace(base, when=(*base.when, clause(choice, flow, EXECUTIONS)))
    return Dependencies([base], remarks=_remarks([base]))


def _remarks(entries: Sequence[Entry]) -> list[str]:
    return list(
        dict.fromkeys(remark for entry in entries for found in entry.when for remark in found.remarks)
    )


def _multiple(document: Document, node: Node, flow: Flow) -> Dependencies:
    named = map_at(node, "conditions")
    if not isinstance(node, MapNode) or named is None or not named.entries:
        raise CannotTranslateError("MultipleCondition has no conditions")
    entries = [_entry(document, Entry(), item, flow) for item in named.entries.values()]
    return Dependencies(entries, window=_window(document, node), remarks=_remarks(entries))


_WINDOWS: dict[str, dict[str, str]] = {
    "DAILY_TIME_DEADLINE": {"deadline": "deadline"},
    "DAILY_TIME_WINDOW": {"startTime": "from", "endTime": "to"},
    "DURATION_WINDOW": {"window": "every", "windowAdvance": "offset"},
    "SLIDING_WINDOW": {"window": "lookback"},
}


def _window(document: Document, node: MapNode) -> list[str]:
    """`timeWindow` (or the older `window` and `windowAdvance`) and `resetOnSuccess`.

    Without a window the set is reset after it fired; with one `fireOnce` decides, and its default is false: what was
    true by default in 1.x has to be written.
    """
    lines: list[str] = []
    given = map_at(node, "timeWindow")
    holder = given if given is not None else node
    kind = text_at(given, "type") or "DURATION_WINDOW"
    names = _WINDOWS.get(kind)
    if names is None:
        raise CannotTranslateError(f"the time window {kind} is not known")
    for old, new in names.items():
        if old in holder:
            lines += document.entry_lines(holder, old, new)
    if given is not None and set(given) - set(names) - {"type"}:
        raise CannotTranslateError(f"the time window {kind} has keys of another kind")
    reset = node.get("resetOnSuccess")
    if isinstance(reset, ScalarNode) and not isinstance(reset.value, bool):
        raise CannotTranslateError("`resetOnSuccess` is no plain true or false")
    once = not (isinstance(reset, ScalarNode) and reset.value is False)
    if not lines and (not once or given is not None):
        lines = ["every: PT24H"]
    return [*lines, f"fireOnce: {str(once).lower()}"] if lines else []


def from_preconditions(document: Document, node: MapNode, flow: Flow) -> Dependencies:
    """`preconditions`: every flow and every filter group is met by an execution of its own."""
    entries: list[Entry] = []
    for item in list_at(node, "flows"):
        if not isinstance(item, MapNode) or set(item) - {"namespace", "flowId", "states", "labels"}:
            raise CannotTranslateError("an item of `flows` has keys that are not known")
        labels = tuple(document.entry_lines(item, "labels")) if "labels" in item else ()
        states = (
            tuple(state.text for state in list_at(item, "states") if isinstance(state, ScalarNode)) or None
        )
        entries.append(Entry(text_at(item, "namespace"), text_at(item, "flowId"), states, labels))
    entries += [_group(item) for item in list_at(node, "where")]
    if not entries:
        raise CannotTranslateError("`preconditions` name neither flows nor filters")
    return Dependencies(entries, window=_window(document, node))


_FIELDS = {"FLOW_ID": "flowId", "NAMESPACE": "namespace", "STATE": "state"}


def _group(node: Node) -> Entry:
    filters = list_at(node, "filters")
    if not filters:
        raise CannotTranslateError("an item of `where` has no filters")
    operator = text_at(node, "operand") or "AND"
    if operator == "AND":
        entry = Entry()
        for item in filters:
            entry = _filtered(entry, item)
        return entry
    return Entry(when=(Clause(joined([_filter(item) for item in filters], "or")),))


def _filtered(entry: Entry, item: Node) -> Entry:
    name, how = text_at(item, "field"), text_at(item, "type")
    value = text_at(item, "value")
    if how == "EQUAL_TO" and value is not None:
        if name == "FLOW_ID" and entry.flow_id is None:
            return replace(entry, flow_id=value)
        if name == "NAMESPACE" and entry.namespace is None:
            return replace(entry, namespace=value)
        if name == "STATE" and entry.states is None:
            return replace(entry, states=(value,))
    if how == "IN" and name == "STATE" and entry.states is None:
        return replace(entry, states=tuple(_values(item)))
    return replace(entry, when=(*entry.when, Clause(_filter(item))))


def _values(item: Node) -> list[str]:
    values = [value.text for value in list_at(item, "values") if isinstance(value, ScalarNode)]
    if not values:
        raise CannotTranslateError("a filter has no values")
    return values


def _filter(item: Node) -> str:
    name, how = text_at(item, "field") or "", text_at(item, "type") or ""
    variable = _FIELDS.get(name)
    if variable is None:
        raise CannotTranslateError(f"a filter looks at {name or 'nothing'}")
    if how in ("IN", "NOT_IN"):
        sign, word = ("==", "or") if how == "IN" else ("!=", "and")
        return f" {word} ".join(f"{variable} {sign} {literal(value)}" for value in _values(item))
    if how in ("IS_NULL", "IS_NOT_NULL"):
        return f"{variable} is {'not ' if how == 'IS_NOT_NULL' else ''}null"
    value = literal(text_at(item, "value") or "")
    forms = {
        "EQUAL_TO": f"{variable} == {value}",
        "NOT_EQUAL_TO": f"{variable} != {value}",
        "STARTS_WITH": f"{variable} | startsWith({value})",
        "ENDS_WITH": f"{variable} | endsWith({value})",
        "CONTAINS": f"{variable} contains {value}",
    }
    if how not in forms:
        raise CannotTranslateError(f"a filter of type {how or 'none'} has no expression here")
    return forms[how]
