"""debug.Return, debug.Echo (core-tasks.md 4)."""

from __future__ import annotations

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, T, TaskSpec
from simulator.plugins.core.log import LEVELS
from simulator.plugins.core.specs import CORE, alias, prop, text

__all__ = ["Echo", "Return"]


class Return:
    """Renders a text and gives it back."""

    spec = TaskSpec(
        f"{CORE}debug.Return",
        properties=(prop("format"),),
        outputs=(OutputSpec("value", T.STRING),),
        aliases=alias(f"{CORE}debug.Return"),
        doc="Returns a rendered value.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        start = ctx.clock.now()
        value = ctx.get("format")
        if value is not None:
            ctx.logger.debug("{}", value)
        ctx.metric("length", len(value) if value is not None else 0)
        ctx.metric("duration", (ctx.clock.now() - start).total_seconds(), type="timer")
        return TaskResult({"value": value} if value is not None else {})


class Echo:
    """Logs a text (1.x; replaced by log.Log)."""

    spec = TaskSpec(
        f"{CORE}debug.Echo",
        properties=(text("format"), prop("level", T.ENUM, values=LEVELS, default="INFO")),
        aliases=alias(f"{CORE}debug.Echo"),
        until=1,
        deprecated="use io.kestra.plugin.core.log.Log",
        doc="Logs a rendered value.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        if ctx.raw("format") is None:
            raise TaskError(
                'Cannot invoke "Object.getClass()" because "this.message" is null',
                hint="`format` is missing or null.",
            )
        ctx.logger.log(ctx.get("level", "INFO"), "{}", ctx.get("format"))
        return TaskResult()
