"""Task types that exist in Kestra's own test-suite only. Product code does not know them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, ClassVar

from simulator.engine.flowables.base import Plan, View, flowable_spec
from simulator.engine.flowables.sequential import Sequential
from simulator.engine.flowables.subflow import SUBFLOW_PROPERTIES
from simulator.engine.live import Block
from simulator.engine.orders import Sequential as SequentialOrder
from simulator.engine.orders import Slot
from simulator.engine.task import DynamicRun, RunContext, TaskResult, TriggerResult
from simulator.errors import TaskError
from simulator.model.catalog import Kind, PropertySpec, T, TaskSpec

_CORE = "io.kestra.core"
_TASKS = PropertySpec("tasks", T.TASKS, required=True, dynamic=False, as_property=False)


class AdditionalPluginTask:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.plugins.AdditionalPluginTest$AdditionalPluginTestTask",
        properties=(PropertySpec("additionalPlugin", T.TYPED, as_property=False),),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        plugin = ctx.raw("additionalPlugin")
        if plugin["type"].endswith("1"):
            return TaskResult({"output": f"1 -> {plugin['baseMessage']}"})
        return TaskResult({"output": "Hello World!"})


class AdditionalPlugin1:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.plugins.AdditionalPluginTest$AdditionalPluginTest1",
        Kind.OTHER,
        properties=(PropertySpec("baseMessage", as_property=False),),
    )


class AdditionalPlugin2:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.plugins.AdditionalPluginTest$AdditionalPluginTest2", Kind.OTHER
    )


class TaskWithAlias:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.runners.test.TaskWithAlias",
        properties=(PropertySpec("message", as_property=False),),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        ctx.logger.info(ctx.raw("message"))
        return TaskResult()


class TaskByAlias(TaskWithAlias):
    """2.0 keeps no `io.kestra.core` alias of ours, so the test's alias is a type of its own."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.runners.test.task.Alias", properties=(PropertySpec("message", as_property=False),)
    )


class TriggerWithAlias:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.runners.test.TriggerWithAlias",
        Kind.TRIGGER,
    )

    def evaluate(self, ctx: RunContext) -> TriggerResult | None:
        return None


class TriggerByAlias(TriggerWithAlias):
    spec: ClassVar[TaskSpec] = TaskSpec(f"{_CORE}.runners.test.trigger.Alias", Kind.TRIGGER)


class PollingTrigger:
    spec: ClassVar[TaskSpec] = TaskSpec(f"{_CORE}.tasks.test.PollingTrigger", Kind.TRIGGER)

    def evaluate(self, ctx: RunContext) -> TriggerResult | None:
        return TriggerResult({})


class CounterTask:
    counter: ClassVar[itertools.count[int]] = itertools.count(1)
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.runners.TaskCacheTest$CounterTask",
        properties=(PropertySpec("workingDir", as_property=False),),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        ctx.render(ctx.raw("workingDir"), {"workingDir": str(ctx.working_dir)})
        return TaskResult({"counter": next(self.counter)})


class DynamicTask:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.tasks.test.DynamicTask", properties=(PropertySpec("fail", T.BOOLEAN, default=False),)
    )

    def run(self, ctx: RunContext) -> TaskResult:
        return TaskResult(dynamic=(DynamicRun(f"dynamic-{ctx.task_run_id}"),))


class TaskThatFail:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.runners.test.TaskThatFail", properties=(PropertySpec("message", as_property=False),)
    )

    def run(self, ctx: RunContext) -> TaskResult:
        raise TaskError("it fails on purpose", outputs={"message": ctx.raw("message")})


class BadExecutable:
    """A Subflow that cannot be made."""

    role = "subflow"
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.tasks.test.BadExecutable", Kind.EXECUTABLE, properties=SUBFLOW_PROPERTIES
    )


class _Unclear(SequentialOrder):
    """An order that cannot say how many runs it expects once the first has ended."""

    def next(self, block: Block) -> Sequence[Slot]:
        if block.ended:
            raise TaskError("the state cannot be resolved")
        return super().next(block)


class BadSequential:
    """A Sequential whose state cannot be told: it fails once its children have started."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.tasks.test.BadSequential",
        Kind.FLOWABLE,
        properties=(_TASKS,),
    )

    def plan(self, view: View) -> Plan:
        return Plan(_Unclear(tuple(view.task.children["tasks"])))


class _Default:
    spec: ClassVar[TaskSpec]

    def plan(self, view: View) -> Plan:
        plan = Sequential().plan(view)
        plan.outputs = {"def": view.raw("def")}
        return plan


def _default(number: int) -> type[_Default]:
    spec = TaskSpec(
        f"{_CORE}.runners.PluginDefaultsCaseTest$DefaultSequential{number}",
        Kind.FLOWABLE,
        properties=(_TASKS, PropertySpec("def", as_property=False), *flowable_spec("x").properties),
    )
    return type(f"Default{number}", (_Default,), {"spec": spec})


class ListenersTestTask:
    spec: ClassVar[TaskSpec] = TaskSpec(f"{_CORE}.runners.ListenersTestTask")

    def run(self, ctx: RunContext) -> TaskResult:
        found = next(iter(ctx.executions.executions(execution_id=ctx.execution_id)))
        return TaskResult(
            {"value": f"Execution(id={found.id}, flowId={found.flow_id}, state={found.state.current})"}
        )


class NullOutputTask:
    spec: ClassVar[TaskSpec] = TaskSpec(f"{_CORE}.tasks.test.NullOutputTask")

    def run(self, ctx: RunContext) -> TaskResult:
        return TaskResult({"value": None})


class LocalFiles:
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.core.flow.WorkingDirectoryTest$LocalFiles",
        properties=(
            PropertySpec("inputs", T.ANY, as_property=False),
            PropertySpec("outputs", T.ANY, as_property=False),
        ),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        ctx.input_files(ctx.raw("inputs"))
        return TaskResult({"uris": ctx.output_files(ctx.raw("outputs") or [])})


class Read:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.tasks.test.Read", properties=(PropertySpec("path", as_property=False),)
    )

    def run(self, ctx: RunContext) -> TaskResult:
        path = ctx.working_dir / str(ctx.get("path")).lstrip("/")
        if not path.is_file():
            raise TaskError(f"{path} (No such file or directory)")
        return TaskResult({"value": path.read_text(encoding="utf-8")})


class Encrypted:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_CORE}.tasks.test.Encrypted", properties=(PropertySpec("format", as_property=False),)
    )

    def run(self, ctx: RunContext) -> TaskResult:
        return TaskResult({"value": ctx.encrypt(str(ctx.get("format")))})


TEST_TYPES: tuple[Any, ...] = (
    AdditionalPlugin1,
    AdditionalPlugin2,
    AdditionalPluginTask,
    BadExecutable,
    BadSequential,
    CounterTask,
    DynamicTask,
    Encrypted,
    ListenersTestTask,
    LocalFiles,
    NullOutputTask,
    PollingTrigger,
    Read,
    TaskByAlias,
    TaskThatFail,
    TriggerByAlias,
    TaskWithAlias,
    TriggerWithAlias,
    *(_default(number) for number in (1, 2, 3)),
)
