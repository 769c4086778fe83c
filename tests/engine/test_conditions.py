"""1.x conditions: what holds when, and what is told when one cannot be evaluated."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1
from simulator.engine.triggers.conditions import Subject, all_hold
from simulator.errors import TaskError
from tests.engine.harness import FAIL, RETURN, START, World, flow

CORE = "io.kestra.plugin.core"


def holds(kind: str, date: str = "2025-03-03T09:00:00Z", **properties: Any) -> bool:
    """A condition on a date, whose properties are plain."""
    subject = Subject(
        flow=None,  # type: ignore[arg-type]
        execution=None,
        render=lambda value: date if value == "{{ trigger.date }}" else value,
        canonical=lambda name: name,
        seen=lambda name, condition: False,
    )
    return all_hold([{"type": f"{CORE}.condition.{kind}", **properties}], subject)


@pytest.mark.parametrize(
    ("kind", "date", "properties", "expected"),
    [
        ("DayWeek", "2025-03-03T23:30:00-05:00", {"dayOfWeek": "MONDAY"}, True),  # Tuesday in UTC
        ("DayWeekInMonth", "2025-03-31T09:00:00Z", {"dayOfWeek": "MONDAY", "dayInMonth": "LAST"}, True),
        ("DayWeekInMonth", "2025-03-10T09:00:00Z", {"dayOfWeek": "MONDAY", "dayInMonth": "SECOND"}, True),
        ("DayWeekInMonth", "2025-03-10T09:00:00Z", {"dayOfWeek": "MONDAY", "dayInMonth": "FIRST"}, False),
        ("Weekend", "2025-03-08T00:00:00Z", {}, True),
        ("Weekend", "2025-03-07T23:59:59Z", {}, False),
        ("PublicHoliday", "2025-07-14T09:00:00+02:00", {"country": "FR"}, True),
        ("PublicHoliday", "2025-08-15T09:00:00+02:00", {"country": "DE"}, False),
        ("PublicHoliday", "2025-08-15T09:00:00+02:00", {"country": "DE", "subDivision": "SL"}, True),
        ("PublicHoliday", "2025-08-15T09:00:00+02:00", {"country": "DE", "subDivision": "XX"}, False),
        ("TimeBetween", "2025-03-03T09:00:00Z", {"after": "08:00:00Z", "before": "10:00:00Z"}, True),
        ("TimeBetween", "2025-03-03T08:00:00Z", {"after": "08:00:00Z"}, False),
        ("TimeBetween", "2025-03-03T09:30:00+02:00", {"after": "09:00:00+02:00"}, True),
        # offset times are compared by the moment of one and the same day: 23:30-05:00 is 28:30Z
        ("TimeBetween", "2025-03-03T23:30:00-05:00", {"before": "10:00:00Z"}, False),
        ("DateTimeBetween", "2025-03-03T09:00:00Z", {"after": "2025-03-03T09:00:00Z"}, False),
        ("DateTimeBetween", "2025-03-03T09:00:00Z", {"after": "2025-03-03T09:59:00+01:00"}, True),
        ("DateTimeBetween", "2025-03-03T09:00:00Z", {"before": "2025-03-03T10:00:01+01:00"}, True),
    ],
)
def test_dates(kind: str, date: str, properties: dict[str, Any], expected: bool) -> None:
    assert holds(kind, date, **properties) is expected


def test_not_and_or() -> None:
    day, weekend = (
        {"type": f"{CORE}.condition.DayWeek", "dayOfWeek": "MONDAY"},
        {"type": f"{CORE}.condition.Weekend"},
    )
    assert holds("Or", conditions=[day, weekend])
    assert not holds("Not", conditions=[day, weekend])
    assert holds("Not", "2025-03-04T09:00:00Z", conditions=[day, weekend])


@pytest.mark.parametrize(
    ("kind", "properties", "message"),
    [
        ("DateTimeBetween", {}, "Invalid condition with no before nor after"),
        ("DateTimeBetween", {"after": "soon"}, "Text 'soon' could not be parsed"),
        ("TimeBetween", {"after": "25:00:00Z"}, "Text '25:00:00Z' could not be parsed"),
        ("DayWeekInMonth", {"dayOfWeek": "MONDAY", "dayInMonth": "FIFTH"}, "Invalid dayInMonth 'FIFTH'"),
        ("DayWeek", {"dayOfWeek": "monday"}, "Invalid dayOfWeek 'monday'"),
        ("PublicHoliday", {"country": "XX"}, "Cannot find resource 'holidays/Holidays_xx.xml'."),
        ("ExecutionFlow", {"namespace": "a", "flowId": "b"}, "Invalid condition with null execution"),
        ("Weekend", {"date": "never"}, "Text 'never' could not be parsed"),
    ],
)
def test_what_cannot_be_evaluated(kind: str, properties: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError, match=message.replace("(", r"\(").replace(".", r"\.")):
        holds(kind, **properties)


def listener(condition: str, name: str) -> str:
    return flow(
        f"- {{id: a, type: {RETURN}, format: x}}",
        tail=f"triggers:\n  - {{id: t, type: {CORE}.trigger.Flow, conditions: [{{type: {CORE}.condition.{condition}}}]}}",
    ).replace("id: flow", f"id: {name}", 1)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("ExecutionFlow, namespace: test.engine, flowId: flow", True),
        ("ExecutionFlow, namespace: test.engine, flowId: other", False),
        ("ExecutionNamespace, namespace: test", False),
        ("ExecutionNamespace, namespace: test, prefix: true", True),
        ("ExecutionNamespace, namespace: engine, comparison: SUFFIX", True),
        ("ExecutionStatus, in: [FAILED]", True),
        ("ExecutionStatus, notIn: [FAILED]", False),
        ("ExecutionLabels, labels: {team: data}", True),
        ("ExecutionLabels, labels: [{key: team, value: other}]", False),
        ("ExecutionOutputs, expression: '{{ trigger.outputs.n == 4 }}'", True),
        ("ExecutionOutputs, expression: '{{ trigger.outputs.n == 5 }}'", False),
        ("Expression, expression: '0'", True),
        ("Expression, expression: ' false '", False),
        ("HasRetryAttempt, in: [FAILED]", True),
        ("VariableCondition, expression: 'x'", True),
    ],
)
def test_executions(tmp_path: Path, condition: str, expected: bool) -> None:
    first = flow(
        f"- {{id: a, type: {FAIL}}}",
        head="labels: {team: data}\noutputs:\n  - {id: n, type: INT, value: 4}",
    )
    world = World(tmp_path, first, listener(condition, "listens"), dialect=V1)
    world.run()
    assert (len(world.executor.executions()) == 2) is expected


def test_a_schedule_whose_condition_is_wrong_makes_failed_executions(tmp_path: Path) -> None:
    text = flow(
        f"- {{id: a, type: {RETURN}, format: x}}",
        tail=f"""
        triggers:
          - id: t
            type: {CORE}.trigger.Schedule
            cron: "@hourly"
            conditions: [{{type: {CORE}.condition.DateTimeBetween, after: soon}}]
        """,
    )
    world = World(tmp_path, text, dialect=V1)
    world.executor.play_triggers(START + dt.timedelta(hours=2))
    assert [item.state.current for item in world.executor.executions()] == ["FAILED"]
