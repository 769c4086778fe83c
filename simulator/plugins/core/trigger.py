"""trigger.Toggle (1.x, a task; core-tasks.md 10)."""

from __future__ import annotations

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.plugins.core.specs import CORE, alias, prop

__all__ = ["Toggle"]


class Toggle:
    """Enables or disables a trigger."""

    spec = TaskSpec(
        f"{CORE}trigger.Toggle",
        properties=(
            prop("trigger", required=True),
            prop("flowId"),
            prop("namespace"),
            PropertySpec("enabled", T.BOOLEAN, default=False, dynamic=False, as_property=False),
        ),
        aliases=alias(f"{CORE}trigger.Toggle"),
        until=1,
        doc="Toggles a trigger.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace = ctx.get("namespace") or ctx.flow.namespace
        flow_id = ctx.get("flowId") or ctx.flow.id
        trigger_id = ctx.get("trigger")
        flows = [ctx.flow, *ctx.executions.flows(namespace)]
        flow = next((f for f in flows if f.namespace == namespace and f.id == flow_id), None)
        if flow is None:
            raise TaskError(
                f"Unable to find flow {namespace}.{flow_id}. Make sure the flow exists and the current execution is "
                "authorized to access it."
            )
        if not any(trigger.id == trigger_id for trigger in flow.triggers):
            raise TaskError(f"Unable to find trigger {trigger_id} for the flow {namespace}.{flow_id}")
        enabled = bool(ctx.get("enabled", False))
        ctx.executions.set_trigger_disabled(namespace, flow_id, trigger_id, not enabled)
        return TaskResult(fact=f"{trigger_id} {'enabled' if enabled else 'disabled'}")
