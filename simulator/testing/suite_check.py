"""Checks of a test suite: what Kestra refuses, and what it takes but means otherwise than one would think."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from simulator.diagnostics import Collector, Span
from simulator.dialect import Dialect
from simulator.model.catalog import PropertySpec, T
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode
from simulator.testing.suite import OPERATORS, UNIT_TEST, Assertion, Suite
from simulator.world.shape import check_shape, did_you_mean

__all__ = ["SUITE", "check_against_flow", "check_structure", "check_traps"]

_STATES = (
    "CREATED",
    "SUBMITTED",
    "RUNNING",
    "PAUSED",
    "RESTARTED",
    "KILLING",
    "SUCCESS",
    "WARNING",
    "FAILED",
    "KILLED",
    "CANCELLED",
    "QUEUED",
    "RETRYING",
    "RETRIED",
    "SKIPPED",
    "BREAKPOINT",
    "RESUBMITTED",
)


def _spec(name: str, type: T = T.STRING, **rest: Any) -> PropertySpec:
    return PropertySpec(name, type, dynamic=False, as_property=False, **rest)


_NUMBERS = ("greaterThan", "greaterThanOrEqualTo", "lessThan", "lessThanOrEqualTo")

_OPERATOR_SPECS = (
    _spec("isNull", T.ANY),
    _spec("isNotNull", T.ANY),
    *(_spec(name) for name in ("endsWith", "startsWith", "contains")),
    *(_spec(name, T.ANY) for name in ("equalTo", "notEqualTo", *_NUMBERS, "in", "notIn")),
)

_ASSERTION = _spec(
    "assertion",
    T.OBJECT,
    fields=(
        _spec("value", required=True, doc="an expression; its result is compared as text"),
        _spec("taskId"),
        _spec("description"),
        _spec("errorMessage"),
        *_OPERATOR_SPECS,
    ),
)

_FIXTURES = _spec(
    "fixtures",
    T.OBJECT,
    fields=(
        _spec("inputs", T.MAP),
        _spec("files", T.MAP, item=_spec("content")),
        _spec(
            "tasks",
            T.LIST,
            item=_spec(
                "task",
                T.OBJECT,
                fields=(
                    _spec("id", required=True),
                    _spec("value"),
                    _spec("state", T.ENUM, values=_STATES),
                    _spec("outputs", T.MAP),
                    _spec("assets", T.ANY),
                    _spec("description"),
                ),
            ),
        ),
        _spec(
            "trigger",
            T.OBJECT,
            fields=(_spec("id", required=True), _spec("type"), _spec("variables", T.MAP)),
        ),
    ),
)

SUITE = _spec(
    "test suite",
    T.OBJECT,
    fields=(
        _spec("id", required=True),
        _spec("namespace", required=True),
        _spec("flowId", required=True),
        _spec("description"),
        _spec("disabled", T.BOOLEAN),
        _spec(
            "testCases",
            T.LIST,
            required=True,
            item=_spec(
                "case",
                T.OBJECT,
                fields=(
                    _spec("id", required=True),
                    _spec("type", required=True, doc=f"`{UNIT_TEST}`"),
                    _spec("description"),
                    _spec("disabled", T.BOOLEAN),
                    _spec("fixtures", T.OBJECT, fields=_FIXTURES.fields),
                    _spec("assertions", T.LIST, required=True, item=_ASSERTION),
                    _spec("expectedState", T.ENUM, values=_STATES),
                ),
            ),
        ),
    ),
)
"""The shape of a suite; also the source of its JSON Schema."""

_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]*")
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]*")


def check_structure(node: Node, dialect: Dialect, collector: Collector) -> None:
    """What makes Kestra refuse a suite."""
    if not isinstance(node, MapNode):
        collector.error("SIM-TEST-001", "a test suite is a map", node.span)
        return
    check_shape(node, SUITE, collector, "SIM-TEST-001")
    _pattern(node, "id", _ID, collector)
    _pattern(node, "namespace", _NAMESPACE, collector)
    for key, limit in (("namespace", 150), ("flowId", 100)):
        value = node.get(key)
        if isinstance(value, ScalarNode) and len(value.text) > limit:
            collector.error("SIM-TEST-001", f"{key}: size must be between 0 and {limit}", value.span)
    cases = node.get("testCases")
    if not isinstance(cases, ListNode):
        return
    if not cases.items:
        collector.error("SIM-TEST-001", "testCases: must not be empty", cases.span)
    seen: dict[str, Span] = {}
    for case in cases.items:
        if isinstance(case, MapNode):
            _check_case(case, dialect, seen, collector)


def _pattern(node: MapNode, key: str, pattern: re.Pattern[str], collector: Collector) -> None:
    value = node.get(key)
    if isinstance(value, ScalarNode) and not pattern.fullmatch(value.text):
        collector.error("SIM-TEST-001", f'{key}: must match "^{pattern.pattern}"', value.span)


def _check_case(case: MapNode, dialect: Dialect, seen: dict[str, Span], collector: Collector) -> None:
    name, kind = case.get("id"), case.get("type")
    if isinstance(name, ScalarNode):
        if name.text in seen:
            hint = f"the other one stands in line {seen[name.text].start.line}"
            collector.error(
                "SIM-TEST-003", f"Duplicate test case id with name [{name.text}]", name.span, hint
            )
        seen.setdefault(name.text, name.span)
    if isinstance(kind, ScalarNode) and kind.text != UNIT_TEST:
        collector.error("SIM-TEST-001", f"Invalid type: {kind.text}", kind.span, f"write `{UNIT_TEST}`")
    if dialect.major < 2:
        _only_in_2(case, "expectedState", collector)
        fixtures = case.get("fixtures")
        for item in _items(fixtures.get("tasks") if isinstance(fixtures, MapNode) else None):
            _only_in_2(item, "assets", collector)
    for assertion in _items(case.get("assertions")):
        if not any(_given(assertion, name) for name in OPERATORS):
            near = next((did_you_mean(key, OPERATORS) for key in assertion if key not in _KNOWN), None)
            collector.error(
                "SIM-TEST-002",
                "Invalid TestSuite Assertion: at least one actual assertion is required (equalTo, greaterThan..)",
                assertion.span,
                near,
            )


_KNOWN = ("value", "taskId", "description", "errorMessage", *OPERATORS)


def _given(assertion: MapNode, name: str) -> bool:
    """An operator that is there and not null."""
    node = assertion.get(name)
    return node is not None and not (isinstance(node, ScalarNode) and node.value is None)


def _only_in_2(node: MapNode, key: str, collector: Collector) -> None:
    if key in node:
        collector.error(
            "SIM-TEST-004", f'Unrecognized field "{key}"', node.key_spans[key], "it exists since 2.0"
        )


def _items(node: Node | None) -> list[MapNode]:
    return [item for item in node.items if isinstance(item, MapNode)] if isinstance(node, ListNode) else []


def check_traps(suite: Suite, collector: Collector) -> None:
    """What is taken and then surprises."""
    for case in suite.cases:
        if not case.disabled and not suite.disabled:
            for assertion in case.assertions:
                _check_assertion(assertion, collector)


_OUT_OF_REACH = frozenset({"task", "taskrun", "parent", "parents", "item"})
_OFF = ("false", "False", "FALSE")


def _check_assertion(assertion: Assertion, collector: Collector) -> None:
    spans = assertion.spans
    if "{{" not in assertion.value and "{%" not in assertion.value:
        collector.warning(
            "SIM-TEST-015",
            f"the value `{assertion.value}` is no expression: the assertion compares a constant",
            assertion.span,
            'write value: "{{ ... }}"',
        )
    else:
        _check_variables(assertion, collector)
    for name, code, message in (
        ("isNull", "SIM-TEST-011", "`isNull` never holds: a rendered expression is a text, never null"),
        (
            "isNotNull",
            "SIM-TEST-012",
            "`isNotNull` always holds: a rendered expression is a text, never null",
        ),
    ):
        given = assertion.operators.get(name)
        if given in _OFF:
            collector.warning("SIM-TEST-018", f"`{name}: false` does nothing", spans[name])
        elif given is not None:
            hint = 'to test for nothing, write equalTo: ""' if name == "isNull" else "compare with a value"
            collector.warning(code, message, spans[name], hint)
    for name in ("in", "notIn"):
        _check_list(name, assertion, collector)
    for name in _NUMBERS:
        given = assertion.operators.get(name)
        if isinstance(given, str) and "{{" not in given and "{%" not in given and not _is_double(given):
            collector.error(
                "SIM-TEST-005", f"`{name}: {given}`: Could not parse value as a Double", spans[name]
            )
        elif given is not None and not isinstance(given, str):
            collector.error("SIM-TEST-005", f"`{name}` takes a number", spans[name])


def _check_variables(assertion: Assertion, collector: Collector) -> None:
    from simulator.dialect import V2
    from simulator.errors import ExpressionError
    from simulator.expressions.analyze import references

    try:
        found = references(assertion.value, V2)
    except ExpressionError as error:
        collector.warning("SIM-TEST-016", error.message, assertion.span, "the case can only end in ERROR")
        return
    for reference in found:
        if reference.kind == "variable" and reference.name in _OUT_OF_REACH:
            collector.warning(
                "SIM-TEST-016",
                f"assertions have no variable `{reference.name}`",
                assertion.span,
                "read `outputs.<task>`, or `execution.state`",
            )


def _check_list(name: str, assertion: Assertion, collector: Collector) -> None:
    given = assertion.operators.get(name)
    if given is None:
        return
    span = assertion.spans[name]
    if isinstance(given, list):
        if not given:
            collector.warning("SIM-TEST-014", f"`{name}: []` is ignored", span)
        odd = [item for item in given if not isinstance(item, (str, dict))]
        if odd:
            shown = ", ".join(str(item).lower() if isinstance(item, bool) else str(item) for item in odd)
            collector.warning(
                "SIM-TEST-013",
                f"`{name}` holds {shown}, which never equals a text",
                span,
                f"write {name}: [{', '.join(repr(str(item)) for item in odd)}]",
            )
    elif not (isinstance(given, str) and given.strip().startswith(("{{", "{%", "["))):
        collector.error("SIM-TEST-001", f"`{name}` takes a list of texts", span)


def _is_double(text: str) -> bool:
    from simulator.expressions.java.errors import JavaError
    from simulator.expressions.java.numbers import double_of

    try:
        double_of(text)
    except JavaError:
        return False
    return True


def check_against_flow(suite: Suite, task_ids: Collection[str], collector: Collector) -> None:
    """Fixtures and assertions that name tasks which the flow does not have. `task_ids` holds those of all depths."""

    def known(task_id: str | None, span: Span, what: str) -> None:
        if task_id is not None and task_id not in task_ids:
            message = f"{what} names the task `{task_id}`, which `{suite.flow_id}` does not have"
            collector.warning("SIM-TEST-006", message, span, did_you_mean(task_id, task_ids))

    for case in suite.cases:
        for fixture in case.fixtures.tasks:
            known(fixture.id, fixture.span, "a fixture")
        for assertion in case.assertions:
            known(assertion.task_id, assertion.span, "an assertion")
