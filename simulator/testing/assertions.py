"""Evaluates assertions as Kestra does: both sides rendered to text, thirteen operators in a fixed order, Kestra's words.

    outcome = evaluate(assertion, Renderer(V2), scope)
    outcome.results[0].is_success

Source: unit-tests.md 3 to 5. What is compared is text, except for the four that compare doubles; a number is printed as
Java prints a double (`100.0`), a list as `[a, b]`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.errors import ExpressionError
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.numbers import double_of
from simulator.expressions.java.text import double_text, to_json, to_string
from simulator.expressions.property import render_property
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Scope
from simulator.testing.suite import OPERATORS, Assertion

__all__ = [
    "AssertionFailure",
    "AssertionResult",
    "Outcome",
    "TestState",
    "case_state",
    "evaluate",
    "suite_state",
]


class TestState(enum.StrEnum):
    """Of a test case or a suite."""

    __test__ = False  # no class of tests for pytest

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    ERROR = "ERROR"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class AssertionResult:
    """What one operator found. `expected` and `actual` are texts; `error_message` is None for a success."""

    operator: str
    expected: str | None
    actual: str | None
    is_success: bool
    task_id: str | None = None
    description: str | None = None
    error_message: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "operator": self.operator,
            "expected": self.expected,
            "actual": self.actual,
            "isSuccess": self.is_success,
            "taskId": self.task_id,
            "description": self.description,
            "errorMessage": self.error_message,
        }


@dataclass(frozen=True, slots=True)
class AssertionFailure:
    """Why an assertion could not be evaluated: makes the case ERROR."""

    message: str
    details: str

    def to_json(self) -> dict[str, str]:
        return {"message": self.message, "details": self.details}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one assertion: a result for each operator, or the errors."""

    results: tuple[AssertionResult, ...] = ()
    errors: tuple[AssertionFailure, ...] = ()


class _UnfitError(Exception):
    """An assertion that cannot be evaluated; the text is Kestra's."""


def evaluate(assertion: Assertion, renderer: Renderer, scope: Scope) -> Outcome:
    """All operators of an assertion, in Kestra's order. Raises nothing: what cannot be evaluated is an error."""
    try:
        actual = render_property(renderer, assertion.value, "string", scope)
        results = [
            result
            for name in OPERATORS
            if name in assertion.operators
            and (result := _operator(name, assertion, actual, renderer, scope)) is not None
        ]
    except (ExpressionError, _UnfitError) as error:
        message = error.message if isinstance(error, ExpressionError) else str(error)
        return Outcome(errors=(_error(assertion, message),))
    if not results:
        return Outcome(errors=(AssertionFailure("no assertions found", _json(assertion)),))
    return Outcome(tuple(results))


def _error(assertion: Assertion, message: str) -> AssertionFailure:
    return AssertionFailure(f"Could not evaluate assertion: `{_json(assertion)}`", f"error was: {message}")


def _json(assertion: Assertion) -> str:
    optional = {
        "taskId": assertion.task_id,
        "errorMessage": assertion.error_message,
        "description": assertion.description,
    }
    given: dict[str, Any] = {"value": assertion.value}
    given |= {key: value for key, value in optional.items() if value is not None}
    return to_json({**given, **assertion.operators})


def _operator(
    name: str, assertion: Assertion, actual: str | None, renderer: Renderer, scope: Scope
) -> AssertionResult | None:
    """One operator; None when it is left out (null, false, an empty list)."""
    raw = assertion.operators[name]
    if name in _NULLS:
        if render_property(renderer, raw, "boolean", scope) is not True:
            return None
        is_success = (actual is None) is (name == "isNull")
        return _result(name, name, actual, is_success, (assertion.value, actual), assertion, renderer, scope)
    if name in _NUMBERS:
        # An empty text is no number for a property: the operator is left out.
        number = _number(render_property(renderer, raw, "string", scope) or None)
        if number is None:
            return None
        found = _number(actual)
        if found is None:
            raise _UnfitError(_NO_DOUBLE)
        shown = double_text(number), double_text(found)
        is_success = _NUMBERS[name](found, number)
        return _result(name, *shown, is_success, (assertion.value, *shown), assertion, renderer, scope)
    if name in _LISTS:
        # Items that are no text stay what they are, and then equal no text.
        items = render_property(renderer, raw, "list", scope)
        if not items:
            return None
        listed = to_string(items)
        is_success = (actual in [item for item in items if isinstance(item, str)]) is (name == "in")
        return _result(
            name, listed, actual, is_success, (assertion.value, listed, actual), assertion, renderer, scope
        )
    expected = render_property(renderer, raw, "string", scope)
    if expected is None:
        return None
    is_success = _TEXTS[name](_present(actual), expected)
    return _result(
        name, expected, actual, is_success, (assertion.value, expected, actual), assertion, renderer, scope
    )


def _present(actual: str | None) -> str:
    return "" if actual is None else actual


def _result(
    name: str,
    expected: str | None,
    actual: str | None,
    is_success: bool,
    shown: tuple[str | None, ...],
    assertion: Assertion,
    renderer: Renderer,
    scope: Scope,
) -> AssertionResult:
    message: str | None = None
    if not is_success:
        if assertion.error_message is not None:
            message = renderer.render(assertion.error_message, scope)
        else:
            wanted = _MESSAGES[name]
            message = wanted % tuple("null" if text is None else text for text in shown[: wanted.count("%s")])
    return AssertionResult(
        name, expected, actual, is_success, assertion.task_id, assertion.description, message
    )


_NULLS = frozenset({"isNull", "isNotNull"})
_LISTS = frozenset({"in", "notIn"})

_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "endsWith": lambda actual, expected: actual.endswith(expected),
    "startsWith": lambda actual, expected: actual.startswith(expected),
    "equalTo": lambda actual, expected: actual == expected,
    "contains": lambda actual, expected: expected in actual,
    "notEqualTo": lambda actual, expected: actual != expected,
}

_NUMBERS: Mapping[str, Callable[[float, float], bool]] = {
    "greaterThan": lambda actual, expected: actual > expected,
    "greaterThanOrEqualTo": lambda actual, expected: actual >= expected,
    "lessThan": lambda actual, expected: actual < expected,
    "lessThanOrEqualTo": lambda actual, expected: actual <= expected,
}

_MESSAGES: Mapping[str, str] = {
    "isNull": "expected '%s' to be null but was '%s'",
    "isNotNull": "expected '%s' to be not null but was 'null'",
    "endsWith": "expected '%s' to end with '%s' but was '%s'",
    "startsWith": "expected '%s' to start with '%s' but was '%s'",
    "equalTo": "expected '%s' to equal '%s' but was '%s'",
    "contains": "expected '%s' to contain '%s' but was '%s'",
    "notEqualTo": "expected '%s' to not equal '%s'",
    "greaterThan": "expected '%s' to be greater than '%s' but was '%s'",
    "greaterThanOrEqualTo": "expected '%s' to be greater than or equal to '%s' but was '%s'",
    "lessThan": "expected '%s' to be less than '%s' but was '%s'",
    "lessThanOrEqualTo": "expected '%s' to be less than or equal to '%s' but was '%s'",
    "in": "expected '%s' to contain '%s' but was '%s'",
    "notIn": "expected '%s' to not contain '%s' but was '%s'",
}
"""The first place holds the expression as written, the second what is expected, the third what was found."""

_NO_DOUBLE = "Could not parse value as a Double"


def _number(text: str | None) -> float | None:
    """`Double.parseDouble`; None for nothing."""
    if text is None:
        return None
    try:
        return double_of(text)
    except JavaError:
        raise _UnfitError(_NO_DOUBLE) from None


def case_state(outcomes: Iterable[Outcome], *, disabled: bool = False, failed: bool = False) -> TestState:
    """The state of a case: an error wins over a failure. `failed`: something beside the assertions did not hold
    (the expected state)."""
    if disabled:
        return TestState.SKIPPED
    outcomes = list(outcomes)
    if any(outcome.errors for outcome in outcomes):
        return TestState.ERROR
    if failed or any(not result.is_success for outcome in outcomes for result in outcome.results):
        return TestState.FAILED
    return TestState.SUCCESS


def suite_state(cases: Iterable[TestState], *, disabled: bool = False) -> TestState:
    """The state of a suite: ERROR, else FAILED, else SKIPPED when nothing ran, else SUCCESS."""
    states = list(cases)
    if disabled or (states and all(state is TestState.SKIPPED for state in states)):
        return TestState.SKIPPED
    for worst in (TestState.ERROR, TestState.FAILED):
        if worst in states:
            return worst
    return TestState.SUCCESS
