"""log, debug, output, metric, flow.Sleep, execution.{Assert, Fail}, templating, trigger.Toggle."""

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, V2
from simulator.engine.execution import Execution, LogEntry, State, StateType
from simulator.engine.task import TaskResult
from simulator.errors import ExpressionError, TaskError, UnsupportedError
from simulator.model.flow import Trigger
from simulator.plugins.core.debug import Echo, Return
from simulator.plugins.core.execution import Assert, Count, Fail, PurgeExecutions, Resume
from simulator.plugins.core.flow import Sleep
from simulator.plugins.core.log import Fetch, Log, PurgeLogs
from simulator.plugins.core.metric import Publish
from simulator.plugins.core.output import OutputValues
from simulator.plugins.core.templating import TemplatedTask
from simulator.plugins.core.trigger import Toggle
from simulator.storage import ion
from tests.plugins.fake_context import START, FakeContext


def run(cls: Any, ctx: FakeContext) -> TaskResult:
    result: TaskResult = cls().run(ctx)
    return result


def context(tmp_path: Path, cls: Any, properties: dict[str, Any], **options: Any) -> FakeContext:
    return FakeContext(tmp_path, properties, spec=cls.spec, **options)


# -- log ----------------------------------------------------------------------------------------------------------


def test_log_texts(tmp_path: Path) -> None:
    ctx = context(tmp_path, Log, {"message": ["a {{ flow.id }}", "{} braces"], "level": "WARN"})
    assert run(Log, ctx).outputs is None
    assert ctx.logger.entries == [("WARN", "a my_flow"), ("WARN", "{} braces")]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (12, "Invalid message type 'class java.lang.Integer'"),
        (True, "Invalid message type 'class java.lang.Boolean'"),
        ({"a": 1}, "Invalid message type 'class java.util.LinkedHashMap'"),
        (["ok", 1], "class java.lang.Integer cannot be cast to class java.lang.String"),
    ],
)
def test_log_of_other_types(tmp_path: Path, message: Any, text: str) -> None:
    with pytest.raises(TaskError) as error:
        run(Log, context(tmp_path, Log, {"message": message}))
    assert error.value.message.startswith(text)


def entry(level: str, task: str | None, execution: str = "exec1") -> LogEntry:
    return LogEntry("company.team", "my_flow", execution, level, f"{level} of {task}", START, task_id=task)


def test_fetch(tmp_path: Path) -> None:
    ctx = context(tmp_path, Fetch, {"tasksId": ["a"]}, dialect=V1)
    ctx.executions.log_entries = [
        entry("INFO", "a"),
        entry("DEBUG", "a"),
        entry("ERROR", "b"),
        entry("WARN", "a", "x"),
    ]
    outputs = run(Fetch, ctx).outputs
    assert outputs is not None
    assert outputs["size"] == 1
    [row] = ion.loads(ctx.read(outputs["uri"]))
    assert (row["level"], row["message"], row["taskId"]) == ("INFO", "INFO of a", "a")
    assert row["timestamp"] == START


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"namespace": "a"}, "`namespace` and `flowId` should only be set when `executionId` is set."),
        ({"executionId": "x"}, "Both `namespace` and `flowId` must be set when `executionId` is set."),
    ],
)
def test_fetch_needs_all_or_nothing(tmp_path: Path, properties: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError) as error:
        run(Fetch, context(tmp_path, Fetch, properties, dialect=V1))
    assert error.value.message == message


def test_purge_logs(tmp_path: Path) -> None:
    properties = {"endDate": "2024-06-01T00:00:00Z", "logLevels": ["INFO"], "purgeNonExecutionLogs": False}
    ctx = context(tmp_path, PurgeLogs, properties)
    ctx.executions.log_entries = [entry("INFO", "a")]
    assert run(PurgeLogs, ctx).outputs == {"count": 1, "executionLogsCount": 1, "nonExecutionLogsCount": 0}
    [(_, filters)] = ctx.executions.acts
    assert filters["other_logs"] is False
    assert filters["levels"] == ["INFO"]
    assert filters["end_date"] == dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
    old = context(tmp_path, PurgeLogs, {"endDate": "{{ now() }}"}, dialect=V1)
    assert run(PurgeLogs, old).outputs == {"count": 0}
    with pytest.raises(TaskError, match="could not be parsed"):
        run(PurgeLogs, context(tmp_path, PurgeLogs, {"endDate": "soon"}))


# -- debug --------------------------------------------------------------------------------------------------------


def test_return(tmp_path: Path) -> None:
    ctx = context(tmp_path, Return, {"format": "{{ task.id }}!"})
    assert run(Return, ctx).outputs == {"value": "my_task!"}
    assert ctx.logger.entries == [("DEBUG", "my_task!")]
    assert [metric[:3] for metric in ctx.metrics] == [("length", 8, "counter"), ("duration", 0, "timer")]
    assert run(Return, context(tmp_path, Return, {})).outputs == {}
    assert run(Return, context(tmp_path, Return, {"format": 12})).outputs == {"value": "12"}


def test_echo(tmp_path: Path) -> None:
    ctx = context(tmp_path, Echo, {"format": "x {{ flow.id }}", "level": "ERROR"}, dialect=V1)
    run(Echo, ctx)
    assert ctx.logger.entries == [("ERROR", "x my_flow")]
    with pytest.raises(TaskError, match="is null"):
        run(Echo, context(tmp_path, Echo, {}, dialect=V1))


# -- flow, output, metric -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown", "seconds"),
    [("PT5S", "PT5S", 5), ("P1D", "PT24H", 86400), ("{{ 1 + 1 }}", "PT2S", 2), (0.5, "PT0.5S", 0.5)],
)
def test_sleep(tmp_path: Path, text: Any, shown: str, seconds: float) -> None:
    ctx = context(tmp_path, Sleep, {"duration": text})
    run(Sleep, ctx)
    assert ctx.clock.slept == [dt.timedelta(seconds=seconds)]
    assert ctx.logger.entries == [("INFO", f"Waiting for {shown}")]


def test_output_values(tmp_path: Path) -> None:
    values = {"{{ flow.id }}": "{{ 1 + 1 }}", "n": 3, "deep": [{"x": "{{ task.id }}"}], "flag": True}
    outputs = run(OutputValues, context(tmp_path, OutputValues, {"values": values})).outputs
    assert outputs == {"values": {"my_flow": "2", "n": 3, "deep": [{"x": "my_task"}], "flag": True}}
    ctx = context(tmp_path, OutputValues, {"values": "{{ vars.m }}"}, variables={"vars": {"m": {"a": 1}}})
    assert run(OutputValues, ctx).outputs == {"values": {"a": 1}}


def test_publish(tmp_path: Path) -> None:
    metrics = [
        {"type": "counter", "name": "rows", "value": "{{ 2 * 3 }}", "tags": {"t": "{{ task.id }}"}},
        {"type": "timer", "name": "took", "value": "PT1M"},
    ]
    ctx = context(tmp_path, Publish, {"metrics": metrics})
    run(Publish, ctx)
    assert ctx.metrics == [("rows", 6, "counter", {"t": "my_task"}), ("took", 60, "timer", {})]
    for bad in (
        {"type": "x", "name": "a", "value": 1},
        {"type": "counter", "value": 1},
        {"type": "counter", "name": "a", "value": "x"},
    ):
        with pytest.raises(TaskError):
            run(Publish, context(tmp_path, Publish, {"metrics": [bad]}))


# -- execution ------------------------------------------------------------------------------------------------------


def test_assert(tmp_path: Path) -> None:
    ctx = context(tmp_path, Assert, {"conditions": ["{{ 1 == 1 }}", "{{ flow.id == 'my_flow' }}"]})
    run(Assert, ctx)
    assert [metric[:2] for metric in ctx.metrics] == [("success", 2), ("failed", 0)]
    conditions = ["{{ 1 == 2 }}", "true", "{{ missing.x.y }}", "0"]
    ctx = context(tmp_path, Assert, {"conditions": conditions, "errorMessage": "see {{ flow.id }}"})
    with pytest.raises(TaskError) as error:
        run(Assert, ctx)
    assert error.value.message == "3 assertions failed!\nsee my_flow"
    messages = ctx.logger.messages("ERROR")
    assert messages[0] == "Assertion `{{ 1 == 2 }}` failed!"
    assert messages[1].startswith("Assertion `{{ missing.x.y }}` failed, failed to render `")
    assert messages[2] == "Assertion `0` failed!"
    with pytest.raises(TaskError, match="^1 assertion failed!$"):
        run(Assert, context(tmp_path, Assert, {"conditions": ["false"]}))


def test_fail(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="^Task failure$"):
        run(Fail, context(tmp_path, Fail, {}))
    with pytest.raises(TaskError, match="^oh my_flow$"):
        run(Fail, context(tmp_path, Fail, {"errorMessage": "oh {{ flow.id }}"}))
    ctx = context(tmp_path, Fail, {"condition": "{{ 1 == 1 }}", "errorMessage": "oh"})
    with pytest.raises(TaskError, match="^Fail on a condition$"):
        run(Fail, ctx)
    assert ctx.logger.messages("ERROR") == ["oh"]
    assert run(Fail, context(tmp_path, Fail, {"condition": "{{ 1 == 2 }}"})).outputs is None
    assert run(Fail, context(tmp_path, Fail, {"condition": False})).outputs is None
    with pytest.raises(ExpressionError):
        run(Fail, context(tmp_path, Fail, {"condition": "{{ nope.x.y }}"}))


def execution(
    name: str, flow: str = "f", state: StateType = StateType.SUCCESS, namespace: str = "a.b"
) -> Execution:
    return Execution(name, namespace, flow, State.created(START, state))


def test_count(tmp_path: Path) -> None:
    properties = {
        "flows": [{"namespace": "a.b", "flowId": "f"}, {"namespace": "a.b", "flowId": "none"}],
        "namespaces": ["a.b"],
        "states": ["SUCCESS"],
        "startDate": "2024-01-01T00:00:00Z",
        "expression": "{{ count >= 1 }}",
    }
    ctx = context(tmp_path, Count, properties, dialect=V1)
    ctx.executions.known = [execution("1"), execution("2", "g"), execution("3", state=StateType.FAILED)]
    assert run(Count, ctx).outputs == {
        "results": [{"namespace": "a.b", "flowId": "f", "count": 1}, {"namespace": "a.b", "count": 2}],
        "total": 3,
    }
    with pytest.raises(TaskError, match="^You must provide a list of flows or namespaces.$"):
        run(Count, context(tmp_path, Count, {"expression": "true"}, dialect=V1))


def test_resume(tmp_path: Path) -> None:
    properties = {
        "namespace": "company.team",
        "flowId": "my_flow",
        "executionId": "e",
        "inputs": {"x": "{{ flow.id }}"},
    }
    ctx = context(tmp_path, Resume, properties, dialect=V1)
    with pytest.raises(TaskError, match="^No execution found for execution id e$"):
        run(Resume, ctx)
    ctx.executions.known = [execution("e", "my_flow", StateType.PAUSED, "company.team")]
    with pytest.raises(TaskError, match="^Flow not found for execution ID e$"):
        run(Resume, ctx)
    ctx.executions.known_flows = [ctx.flow]
    run(Resume, ctx)
    assert ctx.executions.acts[-1] == ("resume", "e", {"inputs": {"x": "my_flow"}})
    ctx.executions.known = [execution("e", "my_flow", StateType.RUNNING, "company.team")]
    with pytest.raises(TaskError, match="not paused"):
        run(Resume, ctx)


def test_purge_executions(tmp_path: Path) -> None:
    ctx = context(
        tmp_path, PurgeExecutions, {"namespace": "a", "endDate": "2024-06-01T00:00:00Z", "purgeMetric": False}
    )
    ctx.executions.known = [
        execution("1"),
        execution("2", namespace="ab"),
        execution("3", namespace="a"),
        execution("4", state=StateType.RUNNING),
    ]
    ctx.storage.put_at("kestra:///a/b/f/executions/1/tasks/t/r/x.ion", b"x")
    assert run(PurgeExecutions, ctx).outputs == {
        "executionsCount": 2,
        "logsCount": 0,
        "storagesCount": 1,
        "metricsCount": 0,
        "taskOutputsCount": 0,
    }
    deleted = [act for act in ctx.executions.acts if act[0] == "delete"]
    options = {"logs": False, "metrics": False, "storage": False}
    assert deleted == [("delete", "1", options), ("delete", "3", options)]
    assert ctx.logger.messages("WARN") == ["Execution 4 has not ended and is not purged"]
    assert not ctx.storage.exists("kestra:///a/b/f/executions/1/tasks/t/r/x.ion")


# -- templating, trigger --------------------------------------------------------------------------------------------


def test_templated_task(tmp_path: Path) -> None:
    source = "type: io.kestra.plugin.core.debug.Return\nformat: 'in {{ flow.id }}'"
    ctx = context(tmp_path, TemplatedTask, {"spec": source})
    assert run(TemplatedTask, ctx).outputs == {"value": "in my_flow"}
    own = "io.kestra.plugin.core.templating.TemplatedTask"
    with pytest.raises(TaskError, match=f"^The templated task cannot be of type '{own}'$"):
        run(TemplatedTask, context(tmp_path, TemplatedTask, {"spec": f"type: {own}"}))
    trigger = "type: io.kestra.plugin.core.http.Trigger"
    with pytest.raises(TaskError, match="^The templated task must be a runnable task$"):
        run(TemplatedTask, context(tmp_path, TemplatedTask, {"spec": trigger}))


def test_templated_task_without_the_service(tmp_path: Path) -> None:
    class Bare:
        def get(self, name: str) -> str:
            return "type: x"

    with pytest.raises(UnsupportedError):
        TemplatedTask().run(Bare())  # type: ignore[arg-type]


def test_toggle(tmp_path: Path) -> None:
    ctx = context(tmp_path, Toggle, {"trigger": "t", "enabled": True}, dialect=V1)
    with pytest.raises(TaskError, match="^Unable to find trigger t for the flow company.team.my_flow$"):
        run(Toggle, ctx)
    trigger = Trigger("t", "x", "x", {}, ctx.flow.node)
    ctx.flow = dataclasses.replace(ctx.flow, triggers=(trigger,))
    run(Toggle, ctx)
    assert ctx.executions.acts == [("trigger", "company.team", "my_flow", "t", False)]
    other = context(tmp_path, Toggle, {"trigger": "t", "flowId": "nope"}, dialect=V1)
    with pytest.raises(TaskError, match=r"^Unable to find flow company.team.nope. Make sure the flow exists"):
        run(Toggle, other)


def test_every_type_says_what_it_is() -> None:
    from simulator.plugins.core import ALIASES, ALIASES_BOTH, TYPES
    from simulator.plugins.registry import Registry

    registry = Registry(("simulator.plugins.core",), entry_points=False)
    for name in TYPES:
        spec = registry.load(name).spec
        assert spec.type == name
        assert spec.doc
    for old, new in ALIASES.items():
        assert old in registry.load(new).spec.aliases
    assert set(ALIASES_BOTH) < set(ALIASES)
    assert registry.spec("io.kestra.plugin.core.debug.Echo", V2) is None
    assert registry.spec("io.kestra.plugin.core.kv.Put", V1) is None
