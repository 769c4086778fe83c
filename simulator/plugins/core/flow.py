"""flow.Sleep (core-tasks.md 2.15); the other flow.* types orchestrate and live in the engine."""

from __future__ import annotations

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import T, TaskSpec
from simulator.plugins.core.specs import CORE, prop
from simulator.values import format_duration

__all__ = ["Sleep"]


class Sleep:
    """Waits in the run's time: simulated time jumps, real time passes."""

    spec = TaskSpec(
        f"{CORE}flow.Sleep",
        properties=(prop("duration", T.DURATION, required=True),),
        doc="Waits for a duration.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        duration = ctx.get("duration")
        if duration is None:
            raise TaskError("duration: must not be null")
        ctx.logger.info("Waiting for {}", format_duration(duration))
        ctx.clock.sleep(duration)
        return TaskResult()
