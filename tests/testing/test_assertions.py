"""The thirteen operators: verdicts, messages, order; errors; states of cases and suites."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.diagnostics import Position, Span
from simulator.dialect import V1, V2, Dialect
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Scope
from simulator.testing.assertions import Outcome, TestState, case_state, evaluate, suite_state
from simulator.testing.suite import OPERATORS, Assertion

SPAN = Span("suite.yml", Position(1, 1), Position(1, 2))
VARIABLES: dict[str, Any] = {
    "outputs": {
        "x": {
            "value": "hello",
            "code": 200,
            "n": None,
            "list": ["a", 1],
            "map": {"k": "v"},
            "ratio": 1.5,
            "flag": True,
        }
    },
    "inputs": {"name": "hello"},
}
VALUE = "{{ outputs.x.value }}"


def run(
    value: str = VALUE, dialect: Dialect = V2, error_message: str | None = None, **operators: Any
) -> Outcome:
    names = {"in_": "in"}
    given = {names.get(name, name): raw for name, raw in operators.items()}
    ordered = {name: given[name] for name in OPERATORS if name in given}
    assertion = Assertion(value, ordered, SPAN, task_id="x", description="d", error_message=error_message)
    return evaluate(assertion, Renderer(dialect), Scope(dialect=dialect, variables=VARIABLES))


PASSES = [
    ({"equalTo": "hello"}, VALUE),
    ({"equalTo": "{{ inputs.name }}"}, VALUE),
    ({"equalTo": "200"}, "{{ outputs.x.code }}"),
    ({"equalTo": ["a", 1]}, "{{ outputs.x.list }}"),
    ({"equalTo": {"k": "v"}}, "{{ outputs.x.map }}"),
    ({"equalTo": "true"}, "{{ outputs.x.flag }}"),
    ({"equalTo": ""}, "{{ outputs.x.n }}"),
    ({"notEqualTo": "200.0"}, "{{ outputs.x.code }}"),
    ({"isNotNull": "true"}, VALUE),
    ({"endsWith": "lo"}, VALUE),
    ({"startsWith": "{{ 'he' }}"}, VALUE),
    ({"contains": "ell"}, VALUE),
    ({"greaterThan": "199.9"}, "{{ outputs.x.code }}"),
    ({"greaterThanOrEqualTo": "200"}, "{{ outputs.x.code }}"),
    ({"lessThan": "2e2"}, "{{ outputs.x.ratio }}"),
    ({"lessThanOrEqualTo": "1.5"}, "{{ outputs.x.ratio }}"),
    ({"in_": ["x", "{{ inputs.name }}"]}, VALUE),
    ({"in_": "{{ ['hello', 'x'] }}"}, VALUE),
    ({"notIn": ["x"]}, VALUE),
    ({"notIn": [200]}, "{{ outputs.x.code }}"),
]  # fmt: skip


@pytest.mark.parametrize(("operators", "value"), PASSES)
@pytest.mark.parametrize("dialect", [V1, V2])
def test_passes(operators: dict[str, Any], value: str, dialect: Dialect) -> None:
    outcome = run(value, dialect, **operators)
    assert outcome.errors == ()
    (result,) = outcome.results
    assert result.is_success and result.error_message is None
    assert (result.task_id, result.description) == ("x", "d")


MESSAGES = {
    ("isNull", "true", VALUE): "expected '{{ outputs.x.value }}' to be null but was 'hello'",
    ("endsWith", "x", VALUE): "expected '{{ outputs.x.value }}' to end with 'x' but was 'hello'",
    ("startsWith", "x", VALUE): "expected '{{ outputs.x.value }}' to start with 'x' but was 'hello'",
    ("equalTo", "x%s", VALUE): "expected '{{ outputs.x.value }}' to equal 'x%s' but was 'hello'",
    ("contains", "x", VALUE): "expected '{{ outputs.x.value }}' to contain 'x' but was 'hello'",
    ("notEqualTo", "hello", VALUE): "expected '{{ outputs.x.value }}' to not equal 'hello'",
    ("greaterThan", "200", "{{ outputs.x.code }}"): "expected '{{ outputs.x.code }}' to be greater than '200.0' but was '200.0'",
    ("greaterThanOrEqualTo", "1e10", "{{ 1 }}"): "expected '{{ 1 }}' to be greater than or equal to '1.0E10' but was '1.0'",
    ("lessThan", "100", "{{ outputs.x.code }}"): "expected '{{ outputs.x.code }}' to be less than '100.0' but was '200.0'",
    ("lessThanOrEqualTo", "0.1", "{{ 1 }}"): "expected '{{ 1 }}' to be less than or equal to '0.1' but was '1.0'",
    ("in_", ("a", "b"), VALUE): "expected '{{ outputs.x.value }}' to contain '[a, b]' but was 'hello'",
    ("in_", (200, 201), "{{ outputs.x.code }}"): "expected '{{ outputs.x.code }}' to contain '[200, 201]' but was '200'",
    ("notIn", ("hello",), VALUE): "expected '{{ outputs.x.value }}' to not contain '[hello]' but was 'hello'",
}  # fmt: skip


@pytest.mark.parametrize("case", MESSAGES)
def test_messages(case: tuple[str, Any, str]) -> None:
    name, raw, value = case
    (result,) = run(value, **{name: list(raw) if isinstance(raw, tuple) else raw}).results
    assert not result.is_success
    assert result.error_message == MESSAGES[case]
    assert result.operator == name.rstrip("_")


def test_results_come_in_a_fixed_order() -> None:
    outcome = run(in_=["hello"], equalTo="hello", isNotNull="true", lessThan="3", value="{{ 1 }}")
    assert [result.operator for result in outcome.results] == ["isNotNull", "equalTo", "lessThan", "in"]
    assert [result.is_success for result in outcome.results] == [True, False, True, False]


def test_the_json_of_a_result() -> None:
    assert run(isNull="true").results[0].to_json() == {
        "operator": "isNull", "expected": "isNull", "actual": "hello", "isSuccess": False, "taskId": "x", "description": "d",
        "errorMessage": "expected '{{ outputs.x.value }}' to be null but was 'hello'",
    }  # fmt: skip
    (result,) = run("{{ 200 }}", lessThan="100").results
    assert (result.expected, result.actual) == ("100.0", "200.0")


def test_a_message_of_ones_own_replaces_it() -> None:
    (result,) = run(equalTo="x", error_message="not {{ inputs.name }}").results
    assert result.error_message == "not hello"
    (fine,) = run(equalTo="hello", error_message="{{ missing }}").results
    assert fine.is_success


def test_what_cannot_be_evaluated_is_an_error() -> None:
    (error,) = run("{{ outputs.y }}", equalTo="a").errors
    assert (
        error.message
        == 'Could not evaluate assertion: `{"value":"{{ outputs.y }}","taskId":"x","description":"d","equalTo":"a"}`'
    )
    assert error.details.startswith("error was: Unable to find `y` used in the expression")
    for operators in ({"lessThan": "3"}, {"lessThan": "x", "value": "{{ 1 }}"}):
        (error,) = run(**operators).errors
        assert error.details == "error was: Could not parse value as a Double"
    assert run(equalTo="x", error_message="{{ missing }}").errors


def test_operators_that_are_left_out() -> None:
    for operators in ({"in_": []}, {"isNull": "false"}, {"isNotNull": "false"}, {"lessThan": ""}):
        (error,) = run(**operators).errors
        assert error.message == "no assertions found"
    assert len(run(in_=[], equalTo="hello").results) == 1


def test_states() -> None:
    good, bad, broken = run(equalTo="hello"), run(equalTo="x"), run("{{ outputs.y }}", equalTo="x")
    assert case_state([good]) is TestState.SUCCESS
    assert case_state([good, bad]) is TestState.FAILED
    assert case_state([bad, broken]) is TestState.ERROR
    assert case_state([good], failed=True) is TestState.FAILED
    assert case_state([broken], disabled=True) is TestState.SKIPPED
    success, failed, error, skipped = TestState.SUCCESS, TestState.FAILED, TestState.ERROR, TestState.SKIPPED
    assert suite_state([success, skipped]) is success
    assert suite_state([failed, error]) is error
    assert suite_state([success, failed]) is failed
    assert suite_state([skipped, skipped]) is skipped
    assert suite_state([error], disabled=True) is skipped
