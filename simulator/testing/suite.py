"""Kestra's test suites: from text to a checked model, every part with its place.

    id: suite
    namespace: company.team
    flowId: demo
    testCases:
      - id: happy
        type: io.kestra.core.tests.flow.UnitTest
        fixtures:
          inputs: {name: x}
          tasks:
            - id: call_api
              outputs: {code: 200}
        assertions:
          - value: "{{ outputs.result.value }}"
            equalTo: ok

What Kestra refuses is an error; what it takes and what then surprises (everything is compared as text) is a warning.
Source: unit-tests.md 1 to 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.diagnostics import Collector, Span
from simulator.dialect import V2, Dialect
from simulator.errors import InvalidFlowError
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode
from simulator.source.yaml import read_own

__all__ = [
    "OPERATORS",
    "UNIT_TEST",
    "Assertion",
    "Case",
    "Fixtures",
    "Suite",
    "TaskFixture",
    "TriggerFixture",
    "is_suite",
    "read_suite",
]

UNIT_TEST = "io.kestra.core.tests.flow.UnitTest"

OPERATORS = (
    "isNull",
    "isNotNull",
    "endsWith",
    "startsWith",
    "equalTo",
    "contains",
    "notEqualTo",
    "greaterThan",
    "greaterThanOrEqualTo",
    "lessThan",
    "lessThanOrEqualTo",
    "in",
    "notIn",
)
"""In the order in which Kestra evaluates them."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """One assertion. `operators` holds what is given for each operator, in Kestra's order, as Kestra keeps it: the text
    of a scalar, or a list or map. `spans` tells where each operator stands."""

    value: str
    operators: Mapping[str, Any]
    span: Span
    spans: Mapping[str, Span] = field(default_factory=dict)
    task_id: str | None = None
    description: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class TaskFixture:
    """A mocked task: its run ends at once with this state and these outputs (rendered)."""

    id: str
    span: Span
    value: str | None = None
    """Only the task run with this value; None only matches runs without one."""
    state: str = "SUCCESS"
    outputs: Mapping[str, Any] | None = None
    assets: Any = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class TriggerFixture:
    """A trigger that is said to have started the execution."""

    id: str
    type: str | None
    variables: Mapping[str, Any]
    span: Span


@dataclass(frozen=True, slots=True)
class Fixtures:
    inputs: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """File name -> content, or an expression; `{{ files['name'] }}` is its URI."""
    tasks: tuple[TaskFixture, ...] = ()
    trigger: TriggerFixture | None = None

    def task(self, task_id: str, value: str | None) -> TaskFixture | None:
        """The first fixture that matches a task run: same id, same value."""
        for fixture in self.tasks:
            if fixture.id == task_id and fixture.value == value:
                return fixture
        return None


@dataclass(frozen=True, slots=True)
class Case:
    id: str
    span: Span
    type: str = UNIT_TEST
    description: str | None = None
    disabled: bool = False
    fixtures: Fixtures = field(default_factory=Fixtures)
    assertions: tuple[Assertion, ...] = ()
    expected_state: str | None = None
    """None: not given (2.0: SUCCESS)."""


@dataclass(frozen=True, slots=True)
class Suite:
    id: str
    namespace: str
    flow_id: str
    file: str
    span: Span
    description: str | None = None
    disabled: bool = False
    cases: tuple[Case, ...] = ()
    node: Node | None = field(default=None, compare=False, repr=False)

    def case(self, case_id: str) -> Case | None:
        return next((case for case in self.cases if case.id == case_id), None)


def is_suite(node: Node) -> bool:
    """Whether a document is a test suite (and no flow): a map with `testCases` and `flowId`."""
    return isinstance(node, MapNode) and "testCases" in node and "flowId" in node


def read_suite(
    text: str, file: str = "<string>", dialect: Dialect = V2, *, collector: Collector | None = None
) -> Suite:
    """Reads and checks a suite; warnings go to the collector.

    Raises InvalidFlowError with every mistake in it.
    """
    from simulator.testing.suite_check import check_structure, check_traps

    found = Collector()
    node = read_own(text, file, collector=found)
    check_structure(node, dialect, found)
    if found.has_errors or not isinstance(node, MapNode):
        raise InvalidFlowError(
            f"{file} is not a valid test suite", code="SIM-TEST-001", diagnostics=found.sorted()
        )
    suite = _suite(node, file)
    check_traps(suite, found)
    if found.has_errors:
        raise InvalidFlowError(
            f"{file} is not a valid test suite", code="SIM-TEST-001", diagnostics=found.sorted()
        )
    if collector is not None:
        collector.extend(found)
    return suite


# The structure has been checked: nothing below meets a node of the wrong kind.


def _text(node: MapNode, key: str) -> str | None:
    value = node.get(key)
    return value.text if isinstance(value, ScalarNode) and value.value is not None else None


def _flag(node: MapNode, key: str) -> bool:
    value = node.get(key)
    return isinstance(value, ScalarNode) and (value.value is True or value.text == "true")


def _plain(node: MapNode, key: str) -> Any:
    value = node.get(key)
    return None if value is None or isinstance(value, ScalarNode) else value.plain()


def _items(node: MapNode, key: str) -> tuple[MapNode, ...]:
    value = node.get(key)
    items = value.items if isinstance(value, ListNode) else ()
    return tuple(item for item in items if isinstance(item, MapNode))


def _suite(node: MapNode, file: str) -> Suite:
    return Suite(
        _text(node, "id") or "",
        _text(node, "namespace") or "",
        _text(node, "flowId") or "",
        file,
        node.span,
        _text(node, "description"),
        _flag(node, "disabled"),
        tuple(_case(item) for item in _items(node, "testCases")),
        node,
    )


def _case(node: MapNode) -> Case:
    fixtures = node.get("fixtures")
    return Case(
        _text(node, "id") or "",
        node.entries["id"].span,
        _text(node, "type") or UNIT_TEST,
        _text(node, "description"),
        _flag(node, "disabled"),
        _fixtures(fixtures) if isinstance(fixtures, MapNode) else Fixtures(),
        tuple(_assertion(item) for item in _items(node, "assertions")),
        _text(node, "expectedState"),
    )


def _fixtures(node: MapNode) -> Fixtures:
    trigger = node.get("trigger")
    files = node.get("files")
    return Fixtures(
        _plain(node, "inputs") or {},
        {
            name: content.text
            for name, content in (files.entries if isinstance(files, MapNode) else {}).items()
            if isinstance(content, ScalarNode)
        },
        tuple(_task(item) for item in _items(node, "tasks")),
        _trigger(trigger) if isinstance(trigger, MapNode) else None,
    )


def _task(node: MapNode) -> TaskFixture:
    return TaskFixture(
        _text(node, "id") or "",
        node.entries["id"].span,
        _text(node, "value"),
        _text(node, "state") or "SUCCESS",
        _plain(node, "outputs"),
        _plain(node, "assets"),
        _text(node, "description"),
    )


def _trigger(node: MapNode) -> TriggerFixture:
    return TriggerFixture(
        _text(node, "id") or "", _text(node, "type"), _plain(node, "variables") or {}, node.span
    )


def _assertion(node: MapNode) -> Assertion:
    operators: dict[str, Any] = {}
    for name in OPERATORS:
        given = node.get(name)
        if isinstance(given, ScalarNode):
            if given.value is not None:
                operators[name] = given.text
        elif given is not None:
            operators[name] = given.plain()
    return Assertion(
        _text(node, "value") or "",
        operators,
        node.span,
        {name: node.key_spans[name] for name in OPERATORS if name in node},
        _text(node, "taskId"),
        _text(node, "description"),
        _text(node, "errorMessage"),
    )
