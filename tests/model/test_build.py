from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.diagnostics import Collector, Diagnostic, Severity
from simulator.dialect import V1, V2, Dialect
from simulator.model.build import build_flow, draft_flow
from simulator.model.flow import Flow
from simulator.model.problems import kestra_violations
from tests.model.fake import FakeCatalog

HEAD = "id: demo\nnamespace: team\n"
LOG = "tasks:\n  - id: log\n    type: io.kestra.plugin.core.log.Log\n    message: hi\n"
CATALOG = FakeCatalog()


def found(text: str, dialect: Dialect = V2) -> list[Diagnostic]:
    collector = Collector()
    build_flow(text, "flow.yml", dialect, CATALOG, collector=collector)
    return collector.sorted()


def messages(text: str, dialect: Dialect = V2) -> str:
    return "\n".join(item.message for item in found(text, dialect) if item.severity is Severity.ERROR)


def built(text: str, dialect: Dialect = V2) -> Flow:
    collector = Collector()
    flow = build_flow(text, "flow.yml", dialect, CATALOG, collector=collector)
    assert flow is not None, [str(item) for item in collector]
    return flow


def test_a_whole_flow() -> None:
    flow = built(
        HEAD
        + """
description: d
labels: {a: 1, b: true}
variables: {x: {y: 1}}
concurrency: {limit: 2, behavior: FAIL}
retry: {type: constant, interval: PT1S, maxAttempts: 3}
sla: [{id: s, type: MAX_DURATION, behavior: FAIL, duration: 60}]
checks: [{condition: "{{ true }}", message: no}]
tasks:
  - id: one
    type: io.kestra.plugin.core.flow.If
    condition: "{{ true }}"
    runIf: "{{ x }}"
    then:
      - {id: two, type: io.kestra.plugin.core.log.Log, message: hi, timeout: PT1M, taskCache: {enabled: true, ttl: PT1H}}
    errors:
      - {id: three, type: io.kestra.plugin.core.log.Log, message: hi, disabled: true}
  - id: four
    type: io.kestra.plugin.core.flow.Switch
    value: a
    cases:
      1: [{id: five, type: io.kestra.plugin.core.log.Log, message: hi}]
  - id: six
    type: io.kestra.plugin.core.flow.Dag
    tasks:
      - task: {id: seven, type: io.kestra.plugin.core.log.Log, message: hi}
      - task: {id: eight, type: io.kestra.plugin.core.log.Log, message: hi}
        dependsOn: [seven]
  - id: nine
    type: io.kestra.plugin.core.flow.Pause
    onPause: {id: ten, type: io.kestra.plugin.core.log.Log, message: hi}
triggers:
  - {id: cron, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 6 * * MON-FRI", stopAfter: [FAILED]}
"""
    )
    assert [task.id for task in flow.walk_tasks()] == ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]  # fmt: skip
    one, four, six, nine = flow.tasks
    assert (one.run_if, one.properties, list(one.children)) == (
        "{{ x }}",
        {"condition": "{{ true }}"},
        ["then", "errors"],
    )
    assert list(four.children) == ["cases.1"]
    assert six.children["tasks"][1].depends_on == ("seven",)
    assert nine.children["onPause"][0].id == "ten"
    two = one.children["then"][0]
    assert (two.timeout, two.task_cache and two.task_cache.ttl) == ("PT1M", dt.timedelta(hours=1))
    assert (
        flow.retry is not None
        and flow.retry.interval == dt.timedelta(seconds=1)
        and flow.retry.max_attempts == 3
    )
    assert flow.labels == (("a", "1"), ("b", "true"))
    assert flow.sla[0].duration == dt.timedelta(minutes=1)
    assert (flow.checks[0].when, flow.concurrency and flow.concurrency.limit) == ("{{ true }}", 2)
    assert flow.triggers[0].stop_after == ("FAILED",)


SEQUENTIAL = "io.kestra.plugin.core.flow.Sequential"
BROKEN = {
    "id": ("id: 'a#b'\nnamespace: team\n" + LOG, 'id: must match "^[a-zA-Z0-9][a-zA-Z0-9._-]*"'),
    "namespace": ("id: a\nnamespace: Team\n" + LOG, 'namespace: must match "^[a-z0-9][a-z0-9._-]*"'),
    "long": (f"id: {'a' * 101}\nnamespace: team\n" + LOG, "id: size must be between 1 and 100"),
    "no id": ("namespace: team\n" + LOG, "id: must not be null"),
    "no tasks": (HEAD, "tasks: must not be empty"),
    "task id": (HEAD + "tasks: [{id: a.b, type: io.kestra.plugin.core.log.Log, message: x}]", 'a.b.id: must match "^[a-zA-Z0-9][a-zA-Z0-9_-]*"'),
    "no task id": (HEAD + "tasks: [{type: io.kestra.plugin.core.log.Log, message: x}]", "tasks[0].id: must not be null"),
    "required": (HEAD + "tasks: [{id: log, type: io.kestra.plugin.core.log.Log}]", "log.message: must not be null"),
    "unknown key": (HEAD + "foo: 1\n" + LOG, 'Unrecognized field "foo" (class io.kestra.core.models.flows.Flow), not marked as ignorable ('),
    "unknown property": (HEAD + LOG + "    massage: x\n", 'Unrecognized field "massage" (class io.kestra.plugin.core.log.Log), not marked as ignorable ('),
    "no type": (HEAD + "tasks: [{id: a}]", "Invalid type: null"),
    "core type": (HEAD + "tasks: [{id: a, type: io.kestra.plugin.core.log.Lag}]", "Invalid type: io.kestra.plugin.core.log.Lag"),
    "kind": (HEAD + "tasks: [{id: a, type: io.kestra.plugin.core.runner.Process}]", "Invalid type: io.kestra.plugin.core.runner.Process"),
    "input type": (HEAD + "inputs: [{id: a, type: FOO}]\n" + LOG, "Invalid type: FOO"),
    "input id": (HEAD + "inputs: [{id: '-a', type: INT}]\n" + LOG, '-a.id: must match "^[a-zA-Z0-9][.a-zA-Z0-9_-]*"'),
    "bool": (HEAD + "disabled: maybe\n" + LOG, 'only \\"true\\" or \\"false\\" recognized'.replace("\\", "")),
    "enum": (HEAD + LOG + "    logLevel: LOUD\n", 'not one of the values accepted for Enum class: [TRACE, DEBUG, INFO, WARN, ERROR]'),
    "list for map": (HEAD + "variables: [1]\n" + LOG, "from Array value (token `JsonToken.START_ARRAY`)"),
    "empty sequential": (HEAD + f"tasks: [{{id: a, type: {SEQUENTIAL}, tasks: []}}]", "a: The 'tasks' property cannot be empty"),
    "retry order": (HEAD + LOG + "    retry: {type: constant, interval: PT10S, maxDuration: PT5S}\n", ": 'interval' must be less than 'maxDuration'"),
    "retry type": (HEAD + LOG + "    retry: {type: often}\n", "Invalid type: often"),
    "attempts": (HEAD + LOG + "    retry: {type: constant, interval: 1, maxAttempts: 0}\n", "retry.maxAttempts: must be greater than or equal to 1"),
    "cron": (HEAD + LOG + "triggers: [{id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: '0 25 * * *'}]", "t: invalid cron expression '0 25 * * *': "),
    "zone": (HEAD + LOG + "triggers: [{id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: '@daily', timezone: Mars/X}]", "timezone '(Mars/X)' is not a valid time-zone ID"),
    "default": (HEAD + "pluginDefaults: [{type: io.kestra.plugin.core.log.Log, values: {massage: x}}]\n" + LOG, "Invalid Plugin Default: No property 'massage' exists in plugin 'io.kestra.plugin.core.log.Log'"),
    "outputs": (HEAD + LOG + "outputs: [{id: a, value: 1}]", "a.type: must not be null"),
    "array": (HEAD + "inputs: [{id: a, type: ARRAY, itemType: SELECT}]\n" + LOG, "a: `itemType` cannot be SELECT"),
    "file default": (HEAD + "inputs: [{id: a, type: FILE, defaults: /tmp/x}]\n" + LOG, "inputs of type 'FILE' only support `defaults` as local files"),
    "validator": (HEAD + "inputs: [{id: a, type: STRING, validator: '['}]\n" + LOG, "invalid pattern [[]"),
    "depends": (HEAD + "inputs: [{id: a, type: INT, dependsOn: {inputs: [b]}}]\n" + LOG, "Invalid Flow: Input with id 'a' depends on a non-existent input 'b'."),
    "cycle": (HEAD + "inputs: [{id: a, type: INT, dependsOn: {inputs: [b]}}, {id: b, type: INT, dependsOn: {inputs: [a]}}]\n" + LOG, "Cycle dependency detected for input with id 'a': [b, a]"),
    "label key": (HEAD + "labels: {Big: x}\n" + LOG, "Invalid label key."),
    "duplicate": (HEAD + LOG + "  - {id: log, type: io.kestra.plugin.core.log.Log, message: x}\n", "Invalid Flow: Duplicate task id with name [log]"),
    "recursion": (HEAD + "tasks: [{id: s, type: io.kestra.plugin.core.flow.Subflow, namespace: team, flowId: demo}]", "Recursive call to flow [team.demo]"),
    "selector": (HEAD + LOG + "    workerSelector: {match: ALL}\n", "log: match can only be set when tags is non-empty"),
    "null task": (HEAD + "tasks: [~]", "tasks[0]: must not be null"),
    "assets": (HEAD + LOG + "    assets: {}\n", "Task 'log' can't have any `assets`"),
    "a list": ("- a", "Cannot deserialize value of type `io.kestra.core.models.flows.Flow` from Array value"),
    "a suite": ("id: x\nnamespace: y\nflowId: z\ntestCases: []", "This file is no flow but a test suite"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_refused(text: str, message: str) -> None:
    assert message in messages(text)
    collector = Collector()
    assert build_flow(text, "f", V2, CATALOG, collector=collector) is None


TRIGGER = HEAD + LOG + "triggers:\n  - id: t\n    type: io.kestra.plugin.core.trigger."


@pytest.mark.parametrize(
    ("rest", "dialect", "message"),
    [
        ("Flow\n    preconditions: {id: p, timeWindow: {type: DAILY_TIME_DEADLINE}}", V1, "t: Time window of type `DAILY_TIME_DEADLINE` must have a deadline."),
        ("Flow\n    preconditions: {id: p, timeWindow: {type: SLIDING_WINDOW, deadline: '09:00:00'}}", V1, "t: Time window of type `SLIDING_WINDOW` cannot have a deadline."),
        ("Flow\n    preconditions: {id: p, where: [{id: w, filters: [{field: STATE, type: IN, value: x}]}]}", V1, "t: `value` must be null for type IN"),
        ("Flow\n    preconditions: {id: p, where: [{id: w, filters: [{field: STATE, type: EQUAL_TO}]}]}", V1, "t: `value` cannot be null for type EQUAL_TO"),
        ("Flow\n    mode: AT_LEAST", V2, "t: `minSatisfied` must be set when mode is AT_LEAST"),
        ("Webhook\n    responseContentType: text/html", V2, "t: invalid webhook: responseContentType must be either"),
        ("Schedule\n    cron: '0 0 * * *'\n    interval: PT1S", V2, "interval: must be null"),
        ("Schedule\n    cron: '0 0 0 * * *'", V2, "contains 6 parts but we expect one of [5]"),
    ],
)  # fmt: skip
def test_rules_of_triggers(rest: str, dialect: Dialect, message: str) -> None:
    assert message in messages(TRIGGER + rest, dialect)


def test_rules_of_a_purge() -> None:
    purge = (
        HEAD
        + "tasks: [{id: p, type: io.kestra.plugin.core.kv.PurgeKV, behavior: {type: version, before: x, keepAmount: 1}}]"
    )
    assert messages(purge) == "p: Cannot set both 'before' and 'keepAmount' properties"


@pytest.mark.parametrize(
    "cron", ["* * * * *", "*/15 0-6 1,15 JAN-MAR MON-FRI", "@daily", "0 9 L * *", "0 0 * * 7"]
)
def test_crons_that_are_fine(cron: str) -> None:
    assert messages(TRIGGER + f"Schedule\n    cron: '{cron}'") == ""


def test_text_of_the_older_line() -> None:
    retry = "    retry: {type: constant, interval: PT10S, maxDuration: PT5S}\n"
    assert ": 'interval' must be less than 'maxDuration' but is PT10S" in messages(HEAD + LOG + retry, V1)
    assert messages("a: {{ x }}", V1).startswith("Illegal flow source: Expected a field name")
    assert messages("a: {{ x }}", V2) == (
        "Validation error: Illegal flow source: YAML syntax error: Invalid structure. Check indentation and ensure all fields are properly formatted. (at line 1)"
    )
    assert "Flow id is a reserved keyword: pause." in messages("id: pause\nnamespace: team\n" + LOG, V1)


def test_other_dialect_is_said() -> None:
    loop = HEAD + "tasks: [{id: a, type: io.kestra.plugin.core.flow.ForEach, values: [1], tasks: [{id: b, type: io.kestra.plugin.core.log.Log, message: x}]}]"  # fmt: skip
    hints = [item.hint or "" for item in found(loop)]
    assert any("exists only in Kestra 1.x" in hint for hint in hints)
    _, version = draft_flow(loop, "f", V2, CATALOG, collector=Collector())
    assert version
    assert built(loop, V1).tasks[0].canonical == "io.kestra.plugin.core.flow.ForEach"
    alias = HEAD + "tasks: [{id: a, type: io.kestra.core.tasks.log.Log, message: x}]"
    assert "write `io.kestra.plugin.core.log.Log`" in (found(alias)[0].hint or "")
    assert (
        found(alias, V1)[0].message
        == "io.kestra.core.tasks.log.Log is replaced by io.kestra.plugin.core.log.Log"
    )


def test_did_you_mean() -> None:
    assert found(HEAD + LOG + "    mesage: x\n")[0].hint == "Did you mean `message`?"
    hint = found(HEAD + "tasks: [{id: a, type: io.kestra.plugin.core.log.Logg, message: x}]")[0].hint
    assert hint == "Did you mean `io.kestra.plugin.core.log.Log`?"


def test_unknown_plugin_is_a_notice() -> None:
    items = found(HEAD + "tasks: [{id: a, type: io.kestra.plugin.slack.Send, x: {y: 1}}]")
    assert [(item.severity, item.code) for item in items] == [(Severity.NOTICE, "SIM-TYPE-010")]
    assert "mock" in (items[0].hint or "")
    task = built(HEAD + "tasks: [{id: a, type: io.kestra.plugin.slack.Send, x: {y: 1}}]").tasks[0]
    assert (task.canonical, task.properties) == (None, {"x": {"y": 1}})


QUERY = HEAD + "tasks:\n  - id: q\n    type: io.kestra.plugin.test.Query\n    url: x\n    "


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("fetchSize: many", "SIM-TYPE-001"),
        ("fetchSize: [1]", "SIM-TYPE-001"),
        ("fetchSize: -1", "SIM-FLOW-020"),
        ("delay: tomorrow", "SIM-TYPE-001"),
        ("store: '{{ x }}'", "SIM-FLOW-013"),
        ("parameters: [1]", "SIM-TYPE-001"),
        ("statements: a,b", "SIM-TYPE-002"),
        ("options: {cuont: 1}", "SIM-FLOW-011"),
        ("options: {timeout: soon}", "SIM-FLOW-013"),
        ("taskRunner: {type: io.kestra.plugin.core.runner.Prozess}", "SIM-FLOW-010"),
        ("taskRunner: {type: io.kestra.plugin.core.runner.Process, x: 1}", "SIM-FLOW-011"),
        ("old: x", "SIM-FLOW-011"),
        ("statements:", "SIM-TYPE-003"),
    ],
)
def test_property_types(line: str, code: str) -> None:
    assert [item.code for item in found(QUERY + line)] == [code]


@pytest.mark.parametrize(
    "line",
    [
        "fetchSize: '{{ x }}'", "fetchSize: '12'", "delay: PT5S", "delay: 10", "store: 'true'", "parameters: '{{ x }}'",
        "parameters: '{\"a\": 1}'", "options: {timeout: 5}", "young: x", "statements: ~", "password: x",
        "taskRunner: {type: io.kestra.plugin.fancy.runner.Docker, image: x}",
    ],
)  # fmt: skip
def test_values_that_fit(line: str) -> None:
    assert not [item for item in found(QUERY + line) if item.severity > Severity.NOTICE]


def test_plugin_defaults() -> None:
    text = (
        HEAD
        + """
pluginDefaults:
  - type: io.kestra.plugin.test
    values: {url: first, parameters: {a: 1, b: 2}, statements: [x], nothere: 1}
  - type: io.kestra.plugin.test.Query
    values: {url: second, password: p}
tasks:
  - {id: a, type: io.kestra.plugin.test.Query, parameters: {b: 3}, statements: [x, y], password: ~}
  - {id: b, type: io.kestra.plugin.test.Query, url: own}
"""
    )
    one, two = built(text).tasks
    assert one.properties == {
        "url": "first",
        "parameters": {"a": 1, "b": 3},
        "statements": ["x", "y"],
        "password": "p",
    }
    assert two.properties["url"] == "own"
    assert built(text, V1).tasks[0].properties["statements"] == ["x", "x", "y"]
    node = one.property_node("password")
    assert node is not None and node.span.start.line == 8


def test_forced_defaults_and_instance_defaults() -> None:
    text = (
        HEAD
        + "pluginDefaults: [{type: io.kestra.plugin.core.log, forced: true, values: {message: forced}}]\n"
        + LOG
    )
    assert built(text, V1).tasks[0].properties["message"] == "forced"
    assert 'Unrecognized field "forced"' in messages(text, V2)
    collector = Collector()
    flow = build_flow(
        HEAD + "tasks: [{id: a, type: io.kestra.plugin.test.Query}]", "f", V2, CATALOG, collector=collector,
        plugin_defaults=[{"type": "io.kestra.plugin.test.Query", "values": {"url": "cfg", "store": True}}],
    )  # fmt: skip
    assert flow is not None and flow.tasks[0].properties == {"url": "cfg", "store": True}


def test_violations_as_kestra_counts_them() -> None:
    text = (
        HEAD
        + LOG
        + "  - {id: log, type: io.kestra.plugin.core.log.Log, message: x}\n"
        + "outputs: [{id: a, type: INT, value: 1}, {id: a, type: INT, value: 2}]"
    )
    assert kestra_violations(found(text)) == [": Invalid Flow: Duplicate task id with name [log], Duplicate output with name [a]"]  # fmt: skip
    assert kestra_violations(found(HEAD + "tasks: [{id: a}]\nfoo: 1")) == ["Invalid type: null"] * 2


def test_every_finding_has_a_place() -> None:
    for text, _ in BROKEN.values():
        assert all(item.span is not None and item.code.startswith("SIM-") for item in found(text))


WORDS = st.sampled_from(["id", "namespace", "tasks", "type", "inputs", "retry", "labels", "io.kestra.plugin.core.log.Log", "INT", "~", "1", "pluginDefaults", "values", "triggers", "dependsOn", "{{ x }}", "io.kestra.plugin.core.flow.Dag", "io.kestra.plugin.core.flow.Switch", "cases", "task", "STRING", "FORM", "outputs", "io.kestra.plugin.core.trigger.Schedule", "cron", "constant", "interval"])  # fmt: skip
TREES = st.recursive(
    WORDS | st.integers() | st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=25,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(WORDS, TREES, max_size=6), st.sampled_from([V1, V2]))
def test_any_tree_gives_findings_or_a_model(tree: dict[str, object], dialect: Dialect) -> None:
    import json

    collector = Collector()
    flow = build_flow(json.dumps(tree), "f", dialect, CATALOG, collector=collector)
    assert (flow is None) == collector.has_errors


CHOICE = HEAD + "inputs:\n  - {id: s, type: SELECT, values: [a, {label: x}, {label: y, value: b}]}\n" + LOG


def test_values_of_a_choice() -> None:
    assert messages(CHOICE).count("Select option object must define a `value` field") == 1
    assert messages(CHOICE, V1).count("from Object value") == 2


@pytest.mark.parametrize("dialect", [V1, V2])
def test_sla_says_what_it_limits(dialect: Dialect) -> None:
    sla = (
        "sla:\n  - {id: '', type: MAX_DURATION, behavior: FAIL, duration: PT1S}\n"
        "  - {id: a, type: MAX_DURATION, behavior: FAIL}\n  - {id: b, type: EXECUTION_ASSERTION, behavior: FAIL}\n"
    )
    assert messages(HEAD + sla + LOG, dialect).splitlines() == [
        "sla[0].id: must not be empty",
        "sla[1].duration: must not be null",
        "sla[2].assert: must not be null",
    ]
