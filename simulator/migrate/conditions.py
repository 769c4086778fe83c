"""Conditions of 1.x as 2.0 expressions, one function per condition (migration.md 5.3).

`clause(node, ...)` gives an expression, or raises CannotTranslateError with the reason. Conditions on an execution also
have a short form as keys of a `dependsOn` entry: see `entry_of`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.expressions.nodes import Binary, Print, Test, Unary
from simulator.migrate.templates import Parsed, parse, path_of, walk
from simulator.migrate.walk import CORE, list_at, text_at
from simulator.source.nodes import MapNode, Node, ScalarNode

__all__ = [
    "DATES",
    "DEFAULT_STATES",
    "EXECUTIONS",
    "CannotTranslateError",
    "Clause",
    "Flow",
    "clause",
    "comparison_of",
    "conjunction",
    "joined",
    "kind_of",
    "literal",
    "operand",
    "states_of",
]

DEFAULT_STATES = ("SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "RETRIED", "SKIPPED", "PAUSED")
"""States that a Flow trigger of 1.x reacts to by itself."""


class CannotTranslateError(Exception):
    """Why a condition has no expression. Stays inside this room."""


@dataclass(frozen=True, slots=True)
class Flow:
    """The flow that owns the trigger."""

    id: str
    namespace: str


@dataclass(slots=True)
class Clause:
    """An expression (without braces) and what the reader has to know about it."""

    text: str
    boolean: bool = True
    remarks: list[str] = field(default_factory=list)


def kind_of(node: Node) -> str:
    return (text_at(node, "type") or "").removeprefix(f"{CORE}condition.")


def literal(value: str) -> str:
    """A text as a literal of the expression language."""
    if "'" not in value:
        return f"'{value}'"
    if '"' not in value and "#{" not in value:
        return f'"{value}"'
    raise CannotTranslateError("a text holds both kinds of quotes")


def _single(text: str) -> Parsed | None:
    """The parsed template when it is nothing but one `{{ ... }}`."""
    parsed = parse(text.strip())
    if parsed is None or len(parsed.body) != 1 or not isinstance(parsed.body[0], Print):
        return None
    return parsed


def operand(value: str | None, what: str) -> str:
    """A property's value as an operand: a literal, or the expression that it is."""
    if value is None:
        raise CannotTranslateError(f"`{what}` is missing")
    if "{{" not in value and "{%" not in value:
        return literal(value)
    return f"({inner(value)})"


def inner(template: str) -> str:
    """`{{ a }}` -> `a`. Raises CannotTranslateError for everything that is not one expression."""
    parsed = _single(template)
    if parsed is None:
        raise CannotTranslateError(f"`{template.strip()}` is not a single expression")
    start, end = parsed.extent(parsed.body[0].value)  # type: ignore[union-attr]
    return template.strip()[start:end]


def _date(node: MapNode) -> None:
    given = text_at(node, "date")
    if given is not None and re.sub(r"\s", "", given) != "{{trigger.date}}":
        raise CannotTranslateError("the condition looks at a `date` of its own")


def _day_week(node: MapNode, flow: Flow) -> Clause:
    _date(node)
    return Clause(f"dayOfWeek(trigger.date) == {operand(text_at(node, 'dayOfWeek'), 'dayOfWeek')}")


def _day_week_in_month(node: MapNode, flow: Flow) -> Clause:
    _date(node)
    day = operand(text_at(node, "dayOfWeek"), "dayOfWeek")
    return Clause(
        f"isDayWeekInMonth(trigger.date, {day}, {operand(text_at(node, 'dayInMonth'), 'dayInMonth')})"
    )


def _weekend(node: MapNode, flow: Flow) -> Clause:
    _date(node)
    return Clause("isWeekend(trigger.date)")


def _public_holiday(node: MapNode, flow: Flow) -> Clause:
    _date(node)
    if text_at(node, "country") is None:
        raise CannotTranslateError(
            "PublicHoliday without `country` took the server's own one; 2.0 wants it named"
        )
    arguments = [operand(text_at(node, key), key) for key in ("country", "subDivision") if key in node]
    return Clause(f"isPublicHoliday(trigger.date, {', '.join(arguments)})")


def _date_time_between(node: MapNode, flow: Flow) -> Clause:
    _date(node)
    parts = [
        f"(trigger.date | timestamp()) {sign} ({operand(text_at(node, key), key)} | timestamp())"
        for key, sign in (("after", ">"), ("before", "<"))
        if key in node
    ]
    if not parts:
        raise CannotTranslateError("DateTimeBetween has neither `after` nor `before`")
    return Clause(joined(parts, "and"))


_TIME = re.compile(r"(\d\d:\d\d)(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)")


def _time_between(node: MapNode, flow: Flow) -> Clause:
    _date(node)
    parts: list[str] = []
    clocks: dict[str, str] = {}
    for key, sign in (("after", ">"), ("before", "<")):
        written = text_at(node, key)
        if written is None:
            continue
        found = _TIME.fullmatch(written.strip())
        if found is None:
            raise CannotTranslateError(f"`{key}` is no plain time with an offset")
        clocks[key] = found[1] + (found[2] or ":00")
        zone = "UTC" if found[4] == "Z" else found[4]
        parts.append(f"(trigger.date | date('HH:mm:ss', timeZone='{zone}')) {sign} '{clocks[key]}'")
    if not parts:
        raise CannotTranslateError("TimeBetween has neither `after` nor `before`")
    remarks = ["times are compared to the second, in the zone of each bound"]
    if len(clocks) == 2 and clocks["after"] >= clocks["before"]:
        remarks.append(
            "`after` is not before `before`: this never holds, in 1.x as in 2.0 (it does not wrap at midnight)"
        )
    return Clause(joined(parts, "and"), remarks=remarks)


def _expression(node: MapNode, flow: Flow) -> Clause:
    template = text_at(node, "expression")
    if template is None:
        raise CannotTranslateError("the Expression has no `expression`")
    text = inner(template)
    parsed = _single(template)
    assert parsed is not None
    value = parsed.body[0].value  # type: ignore[union-attr]
    comparison = isinstance(value, Binary) and value.operator not in (
        "+",
        "-",
        "*",
        "/",
        "%",
        "~",
        "..",
        "??",
        "???",
    )
    boolean = comparison or isinstance(value, Test) or (isinstance(value, Unary) and value.operator == "not")
    remarks = [] if boolean else ["the results `0` and `-0` were true in 1.x and are false in 2.0"]
    return Clause(text, boolean, remarks)


def _boolean(found: Clause) -> str:
    if not found.boolean:
        raise CannotTranslateError(
            f"`{found.text}` may be a text, which `and`, `or` and `not` judge otherwise"
        )
    return found.text


def _children(node: MapNode, flow: Flow, table: Table) -> list[Clause]:
    items = list_at(node, "conditions")
    if not items:
        raise CannotTranslateError(f"{kind_of(node)} has no conditions")
    return [clause(item, flow, table) for item in items]


def joined(parts: list[str], word: str) -> str:
    """Several expressions with `and` or `or`, each in parentheses; a single one as it is."""
    return parts[0] if len(parts) == 1 else f" {word} ".join(f"({part})" for part in parts)


def _this_flow(node: MapNode, flow: Flow) -> Clause:
    prefix = text_at(node, "prefix") == "true"
    namespace, flow_id = text_at(node, "namespace"), text_at(node, "flowId")
    if "{{" in f"{namespace}{flow_id}":
        raise CannotTranslateError("the condition on the flow itself is an expression")
    same = flow.namespace.startswith(namespace or "") if prefix else namespace == flow.namespace
    holds = same and (flow_id is None or flow_id == flow.id)
    if not holds:
        raise CannotTranslateError("the condition on the flow itself never holds, so the trigger never fires")
    return Clause("true", remarks=["the condition on the flow itself always holds"])


Table = dict[str, Callable[[MapNode, Flow], Clause]]

DATES: Table = {
    "DayWeek": _day_week,
    "DayWeekInMonth": _day_week_in_month,
    "Weekend": _weekend,
    "PublicHoliday": _public_holiday,
    "DateTimeBetween": _date_time_between,
    "TimeBetween": _time_between,
    "Expression": _expression,
    "FlowCondition": _this_flow,
    "FlowNamespaceCondition": _this_flow,
}
"""Conditions of Schedule and polling triggers."""


def _plain(node: MapNode, key: str) -> str:
    value = text_at(node, key)
    if value is None:
        raise CannotTranslateError(f"`{key}` is missing")
    if "{{" in value:
        raise CannotTranslateError(f"`{key}` is an expression, which `dependsOn` does not render")
    return value


def _execution_flow(node: MapNode, flow: Flow) -> Clause:
    namespace, flow_id = literal(_plain(node, "namespace")), literal(_plain(node, "flowId"))
    return Clause(f"namespace == {namespace} and flowId == {flow_id}")


def comparison_of(node: MapNode) -> str:
    """EQUALS, PREFIX or SUFFIX."""
    given = text_at(node, "comparison")
    if given is not None:
        return given
    return "PREFIX" if text_at(node, "prefix") == "true" else "EQUALS"


def _execution_namespace(node: MapNode, flow: Flow) -> Clause:
    namespace = literal(_plain(node, "namespace"))
    how = comparison_of(node)
    if how == "EQUALS":
        return Clause(f"namespace == {namespace}")
    if how not in ("PREFIX", "SUFFIX"):
        raise CannotTranslateError(f"the comparison `{how}` is not known")
    return Clause(f"namespace | {'startsWith' if how == 'PREFIX' else 'endsWith'}({namespace})")


def states_of(node: MapNode) -> list[str]:
    """The states that an ExecutionStatus lets pass."""
    lists: dict[str, list[str]] = {}
    for key in ("in", "notIn"):
        if key in node:
            lists[key] = [item.text for item in list_at(node, key) if isinstance(item, ScalarNode)]
            if not lists[key] or any("{{" in state for state in lists[key]):
                raise CannotTranslateError(f"`{key}` of ExecutionStatus is no plain list of states")
    if not lists:
        raise CannotTranslateError("ExecutionStatus has neither `in` nor `notIn`")
    return [state for state in lists.get("in", DEFAULT_STATES) if state not in lists.get("notIn", ())]


def _execution_status(node: MapNode, flow: Flow) -> Clause:
    states = states_of(node)
    if not states:
        raise CannotTranslateError("no state is left, so the trigger never fires")
    return Clause(" or ".join(f"state == '{state}'" for state in states))


_UNKNOWN = ("trigger", "execution", "inputs", "labels")


def _execution_outputs(node: MapNode, flow: Flow) -> Clause:
    template = text_at(node, "expression") or ""
    text = inner(template)
    parsed = _single(template)
    assert parsed is not None
    shift = parsed.extent(parsed.body[0].value)[0]  # type: ignore[union-attr]
    cuts: list[tuple[int, int]] = []
    for found, _ in walk(parsed.body):
        path = path_of(found)
        if path == ["trigger", "outputs"]:
            start, end = parsed.extent(found)
            cuts.append((start - shift, end - shift))
        elif path and path[0] in _UNKNOWN and path != ["trigger"] and path[:2] != ["trigger", "outputs"]:
            raise CannotTranslateError(
                f"`{'.'.join(map(str, path))}` is not known to a `when` of `dependsOn`"
            )
    for start, end in sorted(cuts, reverse=True):
        text = text[:start] + "outputs" + text[end:]
    return Clause(text, remarks=["1.x took an execution without outputs for false"])


def _never(node: MapNode, flow: Flow) -> Clause:
    raise CannotTranslateError(
        "HasRetryAttempt compares texts with states in 1.x and so was never true; `hasRetryAttempt == true` would be"
    )


def _labels(node: MapNode, flow: Flow) -> Clause:
    raise CannotTranslateError("labels can only be compared as a whole, not inside of Not and Or")


EXECUTIONS: Table = {
    "ExecutionFlow": _execution_flow,
    "ExecutionNamespace": _execution_namespace,
    "ExecutionStatus": _execution_status,
    "ExecutionOutputs": _execution_outputs,
    "ExecutionLabels": _labels,
    "HasRetryAttempt": _never,
    "FlowCondition": _this_flow,
    "FlowNamespaceCondition": _this_flow,
}
"""Conditions of Flow triggers."""


def clause(node: Node, flow: Flow, table: Table) -> Clause:
    """One condition as an expression. Raises CannotTranslateError."""
    kind = kind_of(node)
    if not isinstance(node, MapNode):
        raise CannotTranslateError("a condition is no block of properties")
    if kind in ("Not", "Or"):
        found = _children(node, flow, table)
        remarks = [remark for child in found for remark in child.remarks]
        parts = [_boolean(child) for child in found]
        if kind == "Or":
            return Clause(joined(parts, "or"), remarks=remarks)
        # 1.x: none of them holds (the official tool negates their conjunction, which is something else).
        return Clause(" and ".join(f"not ({part})" for part in parts), remarks=remarks)
    translate = table.get(kind)
    if translate is None:
        raise CannotTranslateError(f"the condition {kind or 'without type'} has no expression here")
    return translate(node, flow)


def conjunction(clauses: list[Clause]) -> str:
    """All conditions of a list as one template."""
    wanted = [found for found in clauses if found.text != "true"] or clauses[:1]
    if len(wanted) > 1:
        return "{{ " + joined([_boolean(found) for found in wanted], "and") + " }}"
    return "{{ " + wanted[0].text + " }}"
