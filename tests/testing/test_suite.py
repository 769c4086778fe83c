"""Test suites: the model, what Kestra refuses, what surprises; side files."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.diagnostics import Collector, Severity
from simulator.dialect import V1, V2, Dialect
from simulator.errors import InvalidFlowError
from simulator.source.yaml import read_yaml
from simulator.testing.codes import CODES
from simulator.testing.side import read_suite_side, side_file_of_suite
from simulator.testing.suite import UNIT_TEST, Suite, is_suite, read_suite
from simulator.testing.suite_check import check_against_flow

SUITE = f"""\
id: suite
namespace: company.team
flowId: demo
testCases:
  - id: happy
    type: {UNIT_TEST}
    description: all is well
    fixtures:
      inputs: {{name: x, n: 1}}
      files:
        a.csv: |
          id
          1
      tasks:
        - id: call
          outputs: {{code: 200}}
        - id: each
          value: 1
          state: FAILED
      trigger:
        id: t
        type: io.kestra.plugin.core.trigger.Webhook
        variables: {{body: {{a: 1}}}}
    expectedState: WARNING
    assertions:
      - value: "{{{{ outputs.call.code }}}}"
        taskId: call
        lessThan: 300
        in: ["200", "201"]
        equalTo: 1.10
        errorMessage: no
  - id: off
    type: {UNIT_TEST}
    disabled: true
    assertions:
      - value: x
        isNull: true
"""


def suite(assertion: str, dialect: Dialect = V2) -> tuple[Suite, list[tuple[str, Severity, int, int]]]:
    """A suite with one assertion (given as its lines), and what is said about it: code, severity, line, column."""
    text = (
        f"id: s\nnamespace: n\nflowId: f\ntestCases:\n  - id: c\n    type: {UNIT_TEST}\n    assertions:\n"
        + "      - "
        + "\n        ".join(assertion.splitlines())
        + "\n"
    )
    collector = Collector()
    found = read_suite(text, "s.yml", dialect, collector=collector)
    said = [
        (item.code, item.severity, item.span.start.line, item.span.start.column)
        for item in collector.sorted()
        if item.span is not None
    ]
    return found, said


def refused(text: str, dialect: Dialect = V2) -> list[tuple[str, str]]:
    with pytest.raises(InvalidFlowError) as caught:
        read_suite(text, "s.yml", dialect)
    return [(item.code, item.message) for item in caught.value.diagnostics if item.severity is Severity.ERROR]


def test_the_model() -> None:
    found = read_suite(SUITE, "s.yml")
    assert (found.id, found.namespace, found.flow_id, found.disabled) == (
        "suite",
        "company.team",
        "demo",
        False,
    )
    happy, off = found.cases
    assert off.disabled and off.expected_state is None and happy.expected_state == "WARNING"
    assert happy.fixtures.inputs == {"name": "x", "n": 1}
    assert happy.fixtures.files == {"a.csv": "id\n1\n"}
    call, each = happy.fixtures.tasks
    assert (call.id, call.value, call.state, call.outputs) == ("call", None, "SUCCESS", {"code": 200})
    assert (each.value, each.state, each.outputs) == ("1", "FAILED", None)
    assert happy.fixtures.task("each", None) is None and happy.fixtures.task("each", "1") is each
    assert happy.fixtures.trigger is not None and happy.fixtures.trigger.variables == {"body": {"a": 1}}
    (assertion,) = happy.assertions
    # Kestra keeps the text of a scalar, and evaluates in its own order.
    assert list(assertion.operators.items()) == [
        ("equalTo", "1.10"),
        ("lessThan", "300"),
        ("in", ["200", "201"]),
    ]
    assert assertion.task_id == "call" and assertion.error_message == "no"
    assert assertion.spans["lessThan"].start.line == 28
    assert found.case("off") is off and found.case("x") is None


def test_what_a_suite_is() -> None:
    assert is_suite(read_yaml(SUITE))
    assert not is_suite(read_yaml("id: a\nnamespace: b\ntasks: []"))


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (("id: suite", "id: -x"), "SIM-TEST-001", 'id: must match "^[a-zA-Z0-9][a-zA-Z0-9_-]*"'),
        (("company.team", "Company"), "SIM-TEST-001", 'namespace: must match "^[a-z0-9][a-z0-9._-]*"'),
        (("flowId: demo\n", ""), "SIM-TEST-001", "`flowId` is missing"),
        (("lessThan: 300", "lessThen: 300"), "SIM-TEST-001", "unknown key `testCases[0].assertions[0].lessThen`"),
        (("lessThan: 300", "lessThan: many"), "SIM-TEST-005", "`lessThan: many`: Could not parse value as a Double"),
        (("- id: off", "- id: happy"), "SIM-TEST-003", "Duplicate test case id with name [happy]"),
        ((f"type: {UNIT_TEST}\n    disabled", "type: io.kestra.core.test.flow.UnitTest\n    disabled"), "SIM-TEST-001", "Invalid type: io.kestra.core.test.flow.UnitTest"),
        (("        isNull: true\n", ""), "SIM-TEST-002", "Invalid TestSuite Assertion: at least one actual assertion is required (equalTo, greaterThan..)"),
        (('in: ["200", "201"]', "in: 200"), "SIM-TEST-001", "`in` takes a list of texts"),
    ],
)  # fmt: skip
def test_refusals(change: tuple[str, str], code: str, message: str) -> None:
    assert change[0] in SUITE
    assert (code, message) in refused(SUITE.replace(*change))


def test_a_misspelt_operator_is_named() -> None:
    with pytest.raises(InvalidFlowError) as caught:
        suite('value: "{{ 1 }}"\nequalsTo: 1')
    hints = {item.code: item.hint for item in caught.value.diagnostics}
    assert hints == {"SIM-TEST-001": "did you mean `equalTo`?", "SIM-TEST-002": "did you mean `equalTo`?"}


def test_all_mistakes_at_once() -> None:
    assert len(refused("id: '-'\nnamespace: N\ntestCases: []\n")) == 4
    assert refused("- a") == [("SIM-TEST-001", "a test suite is a map")]


def test_what_only_2_0_knows() -> None:
    assert refused(SUITE, V1) == [("SIM-TEST-004", 'Unrecognized field "expectedState"')]


@pytest.mark.parametrize(
    ("assertion", "code", "line", "column"),
    [
        ('value: "{{ x }}"\nisNull: true', "SIM-TEST-011", 9, 9),
        ('value: "{{ x }}"\nisNotNull: true', "SIM-TEST-012", 9, 9),
        ('value: "{{ x }}"\nisNull: false\nequalTo: 1', "SIM-TEST-018", 9, 9),
        ('value: "{{ x }}"\nin: [200]', "SIM-TEST-013", 9, 9),
        ('value: "{{ x }}"\nnotIn: []', "SIM-TEST-014", 9, 9),
        ("value: x\nequalTo: x", "SIM-TEST-015", 8, 9),
        ('value: "{{ taskrun.value }}"\nequalTo: x', "SIM-TEST-016", 8, 9),
        ('value: "{{ x"\nequalTo: x', "SIM-TEST-016", 8, 9),
    ],
)
def test_traps(assertion: str, code: str, line: int, column: int) -> None:
    _, said = suite(assertion)
    assert said == [(code, Severity.WARNING, line, column)]
    assert code in CODES


def test_no_trap_no_word() -> None:
    assert (
        suite('value: "{{ outputs.x }}"\nequalTo: "{{ inputs.y }}"\nin: "{{ [1] }}"\nlessThan: "{{ 1 }}"')[1]
        == []
    )


def test_tasks_that_the_flow_does_not_have() -> None:
    collector = Collector()
    check_against_flow(read_suite(SUITE), {"call", "eech"}, collector)
    (item,) = collector
    assert (item.code, item.hint) == ("SIM-TEST-006", "did you mean `eech`?")
    assert item.span is not None and item.span.start.line == 17


SIDE = """\
secrets: {TOKEN: a}
now: 2024-01-01T00:00:00Z
expect:
  task_runs: {call: 1}
cases:
  happy:
    secrets: {OTHER: b}
    expect:
      state: WARNING
      logs: [{level: ERROR, count: 0}]
"""


def test_side_file(tmp_path: Path) -> None:
    path = side_file_of_suite(tmp_path / "demo.test.yml")
    assert path.name == "demo.test.sim.yml"
    found = read_suite(SUITE)
    assert read_suite_side(path, found).data == {}
    path.write_text(SIDE)
    side = read_suite_side(path, found)
    assert side.for_case("happy").get("secrets") == {"TOKEN": "a", "OTHER": "b"}
    assert side.for_case("off").get("secrets") == {"TOKEN": "a"}
    assert side.expectations("happy") == {
        "task_runs": {"call": 1},
        "state": "WARNING",
        "logs": [{"level": "ERROR", "count": 0}],
    }
    assert side.expectations("off") == {"task_runs": {"call": 1}}
    place = side.span("cases", "happy", "expect")
    assert place is not None and place.start.line == 8
    assert side.span("cases", "off") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cases: {hapy: {}}", "the suite `suite` has no case `hapy`"),
        ("expect: {logs: [{matches: '['}]}", "`matches` is no regular expression"),
        ("expect: {s3: [{bucket: a}]}", "`expect.s3[0].key` is missing"),
        ("expcet: {}", "unknown key `expcet`"),
        ("cases: {happy: {expect: {task_runs: {call: many}}}}", "cases.happy.expect.task_runs.call"),
    ],
)
def test_side_file_mistakes(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "s.sim.yml"
    path.write_text(text)
    with pytest.raises(InvalidFlowError) as caught:
        read_suite_side(path, read_suite(SUITE))
    assert any(message in item.message for item in caught.value.diagnostics)
