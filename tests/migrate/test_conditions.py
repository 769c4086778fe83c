"""Conditions and preconditions of triggers."""

from __future__ import annotations

import pytest

from tests.migrate.helpers import TASKS, after, hint, migrated, rules

CORE = "io.kestra.plugin.core."
SCHEDULE = f"{TASKS}triggers:\n  - id: t\n    type: {CORE}trigger.Schedule\n    cron: '0 * * * *'\n"
FLOW = f"{TASKS}triggers:\n  - id: t\n    type: {CORE}trigger.Flow\n"


def conditions(*items: str, key: str = "conditions") -> str:
    """A block of conditions; each item is `Name: key: value, key: value`."""
    lines = [f"    {key}:"]
    for item in items:
        lines += [f"      {line}" for line in _condition(item)]
    return "\n".join(lines) + "\n"


def _condition(item: str) -> list[str]:
    name, _, rest = item.partition(": ")
    return [f"- type: {CORE}condition.{name}", *(f"  {line}" for line in rest.split("; ") if line)]


WHEN = {
    ("Weekend",): "{{ isWeekend(trigger.date) }}",
    ("DayWeek: dayOfWeek: MONDAY",): "{{ dayOfWeek(trigger.date) == 'MONDAY' }}",
    ("DayWeek: dayOfWeek: \"{{ vars.day }}\"",): "{{ dayOfWeek(trigger.date) == (vars.day) }}",
    ("DayWeekInMonth: dayOfWeek: MONDAY; dayInMonth: FIRST",): "{{ isDayWeekInMonth(trigger.date, 'MONDAY', 'FIRST') }}",
    ("PublicHoliday: country: FR",): "{{ isPublicHoliday(trigger.date, 'FR') }}",
    ("PublicHoliday: country: FR; subDivision: BFC",): "{{ isPublicHoliday(trigger.date, 'FR', 'BFC') }}",
    ("DateTimeBetween: after: '2024-01-01T00:00:00Z'",): "{{ (trigger.date | timestamp()) > ('2024-01-01T00:00:00Z' | timestamp()) }}",
    ("TimeBetween: after: '08:00:00+02:00'; before: '18:30+02:00'",): (
        "{{ ((trigger.date | date('HH:mm:ss', timeZone='+02:00')) > '08:00:00') and "
        "((trigger.date | date('HH:mm:ss', timeZone='+02:00')) < '18:30:00') }}"
    ),
    ("Weekend", "PublicHoliday: country: FR"): "{{ (isWeekend(trigger.date)) and (isPublicHoliday(trigger.date, 'FR')) }}",
    ("Expression: expression: \"{{ vars.on == 'yes' }}\"",): "{{ vars.on == 'yes' }}",
    ("Expression: expression: \"{{ vars.on }}\"",): "{{ vars.on }}",
    ("Expression: expression: \"{{ a ?? b == 1 }}\"", "Weekend"): "{{ (a ?? b == 1) and (isWeekend(trigger.date)) }}",
    ("WeekendCondition",): "{{ isWeekend(trigger.date) }}",
}  # fmt: skip


@pytest.mark.parametrize("items", WHEN)
@pytest.mark.parametrize("key", ["conditions", "scheduleConditions"])
def test_when(items: tuple[str, ...], key: str) -> None:
    body = SCHEDULE + conditions(*items, key=key)
    assert after(body) == f'{SCHEDULE}    when: "{WHEN[items]}"\n'
    assert migrated(body).open == ()


def test_not_means_none_of_them() -> None:
    """The official tool negates the conjunction (D1)."""
    inner = "".join(
        f"          {line}\n"
        for item in ("Weekend", "PublicHoliday: country: FR")
        for line in _condition(item)
    )
    for name, wanted in (
        ("Not", "not (isWeekend(trigger.date)) and not (isPublicHoliday(trigger.date, 'FR'))"),
        ("Or", "(isWeekend(trigger.date)) or (isPublicHoliday(trigger.date, 'FR'))"),
    ):
        body = SCHEDULE + conditions(name) + f"        conditions:\n{inner}"
        assert after(body) == f'{SCHEDULE}    when: "{{{{ {wanted} }}}}"\n'


def test_several_days_never_hold_together() -> None:
    """Rewritten as it is, and told (D2)."""
    body = SCHEDULE + conditions("DayWeek: dayOfWeek: MONDAY", "DayWeek: dayOfWeek: FRIDAY")
    assert " and " in after(body)
    assert rules(body, rewritten=False) == ["TRIG-04"]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("PublicHoliday", "`country`"),
        ('Weekend: date: "{{ now() }}"', "`date` of its own"),
        ("DateTimeBetween", "neither"),
        ('TimeBetween: after: "{{ x }}"', "no plain time"),
        ('Expression: expression: "a {{ x }}"', "no single expression"),
        ("Expression", "no `expression`"),
        ("ExecutionStatus: in: [FAILED]", "no expression here"),
        ("FlowCondition: namespace: other; flowId: demo", "never holds"),
        ("Not", "no conditions"),
    ],
)
def test_what_has_no_expression(item: str, reason: str) -> None:
    body = SCHEDULE + conditions(item)
    assert after(body) == body
    found = hint(body, "TRIG-01")
    assert found.startswith("not rewritten: ") and reason.replace("no single", "not a single") in found


def test_a_text_is_not_joined() -> None:
    body = SCHEDULE + conditions('Expression: expression: "{{ vars.on }}"', "Weekend")
    assert "may be a text" in hint(body, "TRIG-01")


def test_a_condition_on_the_flow_itself_falls_away() -> None:
    body = SCHEDULE + conditions("FlowCondition: namespace: company.team; flowId: demo")
    assert after(body) == SCHEDULE


def test_comments_are_kept() -> None:
    body = (
        SCHEDULE + f"    conditions:\n      # only then\n      - type: {CORE}condition.Weekend  # sat, sun\n"
    )
    assert (
        after(body)
        == f'{SCHEDULE}    # only then\n    when: "{{{{ isWeekend(trigger.date) }}}}"  # sat, sun\n'
    )


DEPENDS = {
    ("ExecutionStatus: in: [FAILED, WARNING]",): "- states: [FAILED, WARNING]",
    ("ExecutionStatus: notIn: [SUCCESS]",): "- states: [WARNING, FAILED, KILLED, CANCELLED, RETRIED, SKIPPED, PAUSED]",
    ("ExecutionStatus: in: [FAILED, CANCELED]",): "- states: [FAILED, CANCELLED]",
    ("ExecutionFlow: namespace: a; flowId: b",): "- namespace: a\n        flowId: b",
    ("ExecutionNamespace: namespace: a",): "- namespace: a",
    ("ExecutionNamespace: namespace: a; prefix: true",): "- when: \"{{ namespace | startsWith('a') }}\"",
    ("ExecutionNamespace: namespace: a; comparison: SUFFIX",): "- when: \"{{ namespace | endsWith('a') }}\"",
    ("ExecutionLabels: labels: {a: b}", "ExecutionFlow: namespace: a; flowId: b"): "- namespace: a\n        flowId: b\n        labels: {a: b}",
    ("ExecutionOutputs: expression: \"{{ trigger.outputs.x == 1 }}\"",): "- when: \"{{ outputs.x == 1 }}\"",
    ("ExecutionFlow: namespace: a; flowId: b", "ExecutionNamespace: namespace: a"): "- namespace: a\n        flowId: b",
}  # fmt: skip


@pytest.mark.parametrize("items", DEPENDS)
def test_depends_on(items: tuple[str, ...]) -> None:
    body = FLOW + conditions(*items)
    assert after(body) == f"{FLOW}    dependsOn:\n      {DEPENDS[items]}\n"


def nested(kind: str, *items: str) -> str:
    lines = "".join(f"          {line}\n" for item in items for line in _condition(item))
    return f"      - type: {CORE}condition.{kind}\n        conditions:\n{lines}"


def test_or_of_flows_is_mode_any() -> None:
    body = (
        FLOW
        + conditions("ExecutionStatus: in: [FAILED]")
        + nested("Or", "ExecutionFlow: namespace: a; flowId: b", "ExecutionFlow: namespace: a; flowId: c")
    )
    assert after(body) == (
        f"{FLOW}    dependsOn:\n      - namespace: a\n        flowId: b\n        states: [FAILED]\n"
        "      - namespace: a\n        flowId: c\n        states: [FAILED]\n    mode: ANY\n"
    )


def test_or_of_unlike_conditions_is_an_expression() -> None:
    body = (
        FLOW
        + conditions("ExecutionFlow: namespace: a; flowId: b")
        + nested("Or", "ExecutionStatus: in: [FAILED]", "ExecutionNamespace: namespace: x; prefix: true")
    )
    assert "when: \"{{ (state == 'FAILED') or (namespace | startsWith('x')) }}\"" in after(body)


def test_not_of_an_execution_condition() -> None:
    body = FLOW + "    conditions:\n" + nested("Not", "ExecutionFlow: namespace: a; flowId: b")
    assert "when: \"{{ not (namespace == 'a' and flowId == 'b') }}\"" in after(body)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("HasRetryAttempt: in: [FAILED]", "never true"),
        ('ExecutionFlow: namespace: "{{ x }}"; flowId: b', "does not render"),
        ('ExecutionOutputs: expression: "{{ trigger.state == 1 }}"', "is not known"),
        ("Weekend", "no expression here"),
        ("ExecutionStatus", "neither `in` nor `notIn`"),
    ],
)
def test_what_no_entry_can_say(item: str, reason: str) -> None:
    body = FLOW + conditions(item)
    assert after(body) == body
    assert reason in hint(body, "TRIG-01")


PRE = FLOW + "    preconditions:\n      id: both\n"


def test_preconditions_become_entries() -> None:
    body = PRE + (
        "      flows:\n        - namespace: a\n          flowId: b\n        - namespace: a\n          flowId: c\n          states: [SUCCESS]\n"
    )
    assert after(body) == (
        f"{FLOW}    dependsOn:\n      - namespace: a\n        flowId: b\n      - namespace: a\n        flowId: c\n        states: [SUCCESS]\n"
    )


@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        ("timeWindow:\n        type: DAILY_TIME_DEADLINE\n        deadline: '09:00:00'", "deadline: '09:00:00'\n      fireOnce: true"),
        ("timeWindow:\n        type: DAILY_TIME_WINDOW\n        startTime: '06:00'\n        endTime: '09:00'", "from: '06:00'\n      to: '09:00'\n      fireOnce: true"),
        ("timeWindow: {type: SLIDING_WINDOW, window: PT1H}", "lookback: PT1H\n      fireOnce: true"),
        ("timeWindow: {window: PT1H, windowAdvance: PT5M}\n      resetOnSuccess: true", "every: PT1H\n      offset: PT5M\n      fireOnce: true"),
        ("resetOnSuccess: false", "every: PT24H\n      fireOnce: false"),
    ],
)  # fmt: skip
def test_windows_fire_once_as_1_did(window: str, wanted: str) -> None:
    """The official tool drops resetOnSuccess, whose default was true (D13)."""
    body = f"{PRE}      {window}\n      flows: [{{namespace: a, flowId: b}}]\n"
    assert (
        after(body)
        == f"{FLOW}    dependsOn:\n      - namespace: a\n        flowId: b\n    window:\n      {wanted}\n"
    )


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ("{field: FLOW_ID, type: EQUAL_TO, value: b}, {field: STATE, type: IN, values: [SUCCESS, WARNING]}", "- flowId: b\n        states: [SUCCESS, WARNING]"),
        ("{field: NAMESPACE, type: STARTS_WITH, value: a}", "- when: \"{{ namespace | startsWith('a') }}\""),
        ("{field: FLOW_ID, type: NOT_IN, values: [a, b]}", "- when: \"{{ flowId != 'a' and flowId != 'b' }}\""),
        ("{field: FLOW_ID, type: CONTAINS, value: x}, {field: NAMESPACE, type: NOT_EQUAL_TO, value: y}", "- when: \"{{ (flowId contains 'x') and (namespace != 'y') }}\""),
    ],
)  # fmt: skip
def test_filters(filters: str, wanted: str) -> None:
    body = f"{PRE}      where:\n        - id: w\n          filters: [{filters}]\n"
    assert after(body) == f"{FLOW}    dependsOn:\n      {wanted}\n"


def test_filters_joined_by_or() -> None:
    body = f"{PRE}      where:\n        - id: w\n          operand: OR\n          filters: [{{field: FLOW_ID, type: EQUAL_TO, value: a}}, {{field: STATE, type: EQUAL_TO, value: FAILED}}]\n"
    assert "when: \"{{ (flowId == 'a') or (state == 'FAILED') }}\"" in after(body)


def test_a_multiple_condition() -> None:
    body = (
        f"{FLOW}    conditions:\n      - type: {CORE}condition.MultipleCondition\n        id: m\n        window: PT1H\n        conditions:\n"
        f"          one:\n            type: {CORE}condition.ExecutionFlow\n            namespace: a\n            flowId: b\n"
        f"          two:\n            type: {CORE}condition.ExecutionFlow\n            namespace: a\n            flowId: c\n"
    )
    assert after(body) == (
        f"{FLOW}    dependsOn:\n      - namespace: a\n        flowId: b\n      - namespace: a\n        flowId: c\n"
        "    window:\n      every: PT1H\n      fireOnce: true\n"
    )


def test_outputs_of_several_flows_are_grouped() -> None:
    body = (
        PRE.replace("message: hi", 'message: "{{ trigger.outputs.x }}"')
        + "      flows: [{namespace: a, flowId: b}, {namespace: a, flowId: c}]\n"
    )
    assert rules(body, rewritten=False) == ["TRIG-06"]
