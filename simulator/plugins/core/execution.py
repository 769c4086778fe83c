"""execution.Assert, Fail, Count, Resume, PurgeExecutions (core-tasks.md 3).

Labels, SetVariables, UnsetVariables and Exit change the execution itself and live in the engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.engine.execution import Execution, StateType
from simulator.engine.task import RunContext, TaskResult
from simulator.errors import ExpressionError, TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.core.log import execution_ids, moment
from simulator.plugins.core.specs import CORE, alias, is_truthy, prop, strings, text
from simulator.storage.local import execution_prefix

__all__ = ["Assert", "Count", "Fail", "PurgeExecutions", "Resume"]

_STATES = tuple(state.value for state in StateType)


class Assert:
    """Fails when a condition is not true."""

    spec = TaskSpec(
        f"{CORE}execution.Assert",
        properties=(
            PropertySpec("conditions", T.LIST, required=True, as_property=False, item=text("condition")),
            prop("errorMessage"),
        ),
        doc="Checks conditions.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        conditions = ctx.raw("conditions")
        if isinstance(conditions, str):
            conditions = [conditions]
        failed = succeeded = 0
        for condition in conditions or ():
            shown = str(condition).lower() if isinstance(condition, bool) else str(condition)
            try:
                truth = is_truthy(ctx.render(shown), ctx.dialect)
            except ExpressionError as error:
                ctx.logger.error("{}", f"Assertion `{shown}` failed, failed to render `{error.message}`")
                failed += 1
                continue
            if truth:
                succeeded += 1
            else:
                ctx.logger.error("{}", f"Assertion `{shown}` failed!")
                failed += 1
        ctx.metric("success", succeeded)
        ctx.metric("failed", failed)
        if failed:
            message = ctx.get("errorMessage")
            more = f"\n{message}" if message is not None else ""
            raise TaskError(f"{failed} assertion{'s' if failed > 1 else ''} failed!{more}")
        return TaskResult(fact=f"{succeeded} assertion{'s hold' if succeeded != 1 else ' holds'}")


class Fail:
    """Fails always, or when a condition is true."""

    spec = TaskSpec(
        f"{CORE}execution.Fail",
        properties=(text("condition"), prop("errorMessage", default="Task failure")),
        aliases=alias(f"{CORE}execution.Fail"),
        doc="Fails the execution.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        message = ctx.get("errorMessage", "Task failure")
        if ctx.raw("condition") is None:
            raise TaskError(message)
        if is_truthy(ctx.get("condition"), ctx.dialect):
            ctx.logger.error("{}", message)
            raise TaskError("Fail on a condition")
        return TaskResult()


def _matching(ctx: RunContext, **wanted: Any) -> Iterator[Execution]:
    """Executions by namespace, flow, states and dates; the service may filter before."""
    filters = {
        name: value for name, value in wanted.items() if value is not None and name != "namespace_prefix"
    }
    prefix = wanted.get("namespace_prefix")
    for execution in ctx.executions.executions(**filters):
        start, states = execution.state.start_date, wanted.get("states")
        if wanted.get("namespace") is not None and execution.namespace != wanted["namespace"]:
            continue
        if prefix is not None and not (execution.namespace + ".").startswith(prefix.rstrip(".") + "."):
            continue
        if wanted.get("flow_id") is not None and execution.flow_id != wanted["flow_id"]:
            continue
        if states and execution.state.current.value not in states:
            continue
        if wanted.get("start_date") is not None and start < wanted["start_date"]:
            continue
        if wanted.get("end_date") is not None and start > wanted["end_date"]:
            continue
        yield execution


class Count:
    """Counts executions of flows (1.x)."""

    spec = TaskSpec(
        f"{CORE}execution.Count",
        properties=(
            PropertySpec(
                "flows", T.LIST, dynamic=False, as_property=False, item=PropertySpec("flow", T.OBJECT)
            ),
            PropertySpec("states", T.LIST, item=PropertySpec("state", T.ENUM, values=_STATES)),
            prop("startDate", required=True),
            prop("endDate"),
            PropertySpec(
                "expression", required=True, doc="sees `count`; the item is kept when it renders to `true`"
            ),
            strings("namespaces"),
        ),
        outputs=(OutputSpec("results", T.LIST), OutputSpec("total", T.INTEGER)),
        aliases=alias(f"{CORE}execution.Count"),
        until=1,
        doc="Counts executions.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        flows, namespaces = ctx.raw("flows"), ctx.get("namespaces")
        if not flows and not namespaces:
            raise TaskError("You must provide a list of flows or namespaces.")
        start, end = moment(ctx, "startDate"), moment(ctx, "endDate")
        states = ctx.get("states") or None
        targets = [(flow.get("namespace"), flow.get("flowId")) for flow in flows or ()]
        targets += [(namespace, None) for namespace in namespaces or ()]
        results = []
        total = 0
        for namespace, flow_id in targets:
            count = sum(
                1
                for _ in _matching(
                    ctx, namespace=namespace, flow_id=flow_id, states=states, start_date=start, end_date=end
                )
            )
            if ctx.render(ctx.raw("expression"), {"count": count}) != "true":
                continue
            item = {"namespace": namespace, "flowId": flow_id, "count": count}
            results.append({key: value for key, value in item.items() if value is not None})
            total += count
        return TaskResult({"results": results, "total": total})


class Resume:
    """Resumes a paused execution (1.x)."""

    spec = TaskSpec(
        f"{CORE}execution.Resume",
        properties=(prop("namespace"), prop("flowId"), prop("executionId"), prop("inputs", T.MAP)),
        until=1,
        doc="Resumes a paused execution.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace, flow_id, execution_id = execution_ids(ctx)
        found = next((e for e in ctx.executions.executions() if e.id == execution_id), None)
        if found is None:
            raise TaskError(f"No execution found for execution id {execution_id}")
        if not any(flow.id == flow_id for flow in ctx.executions.flows(namespace)):
            raise TaskError(f"Flow not found for execution ID {execution_id}")
        if found.state.current is not StateType.PAUSED:
            raise TaskError(f"Execution is not paused, can't resume it (execution id: {execution_id})")
        ctx.executions.act("resume", execution_id, inputs=ctx.get("inputs") or {})
        return TaskResult()


class PurgeExecutions:
    """Deletes executions, their logs, metrics and files."""

    spec = TaskSpec(
        f"{CORE}execution.PurgeExecutions",
        properties=(
            prop("namespace"),
            prop("flowId"),
            prop("startDate"),
            prop("endDate", required=True),
            PropertySpec("states", T.LIST, item=PropertySpec("state", T.ENUM, values=_STATES)),
            prop("purgeExecution", T.BOOLEAN, default=True),
            prop("purgeLog", T.BOOLEAN, default=True),
            prop("purgeMetric", T.BOOLEAN, default=True),
            prop("purgeStorage", T.BOOLEAN, default=True),
            prop("batchSize", T.INTEGER, default=100),
        ),
        outputs=(
            OutputSpec("executionsCount", T.INTEGER),
            OutputSpec("logsCount", T.INTEGER),
            OutputSpec("storagesCount", T.INTEGER),
            OutputSpec("metricsCount", T.INTEGER),
            OutputSpec("taskOutputsCount", T.INTEGER, since=2),
        ),
        aliases=alias(f"{CORE}execution.PurgeExecutions"),
        doc="Purges executions.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace, flow_id = ctx.get("namespace"), ctx.get("flowId")
        end = moment(ctx, "endDate")
        if end is None:
            raise TaskError("endDate: must not be null")
        found = list(
            _matching(
                ctx,
                **{"namespace" if flow_id is not None else "namespace_prefix": namespace},
                flow_id=flow_id,
                states=ctx.get("states") or None,
                start_date=moment(ctx, "startDate"),
                end_date=end,
            )
        )
        counts = dict.fromkeys(("executionsCount", "logsCount", "storagesCount", "metricsCount"), 0)
        wants = {name: ctx.get(f"purge{name}", True) for name in ("Execution", "Log", "Metric", "Storage")}
        outputs = 0
        for execution in found:
            if not execution.state.current.is_terminated:
                # It would lose the ground that it stands on; a server would take it away all the same.
                if execution.id != ctx.execution_id:
                    ctx.logger.warn("Execution {} has not ended and is not purged", execution.id)
                continue
            outputs += sum(1 for run in execution.task_runs if run.outputs)
            if wants["Storage"]:
                prefix = execution_prefix(execution.namespace, execution.flow_id, execution.id)
                counts["storagesCount"] += len(ctx.storage.delete_by_prefix(prefix))
            if wants["Log"]:
                counts["logsCount"] += ctx.executions.purge_logs(execution_id=execution.id, other_logs=False)
            if wants["Execution"]:
                ctx.executions.act("delete", execution.id, logs=False, metrics=wants["Metric"], storage=False)
                counts["executionsCount"] += 1
        result: dict[str, Any] = dict(counts)
        if ctx.dialect.major >= 2:
            result["taskOutputsCount"] = outputs if wants["Execution"] else 0
        return TaskResult(result, fact=f"{counts['executionsCount']} executions")
