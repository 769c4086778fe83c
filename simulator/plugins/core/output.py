"""output.OutputValues (core-tasks.md 4)."""

from __future__ import annotations

from simulator.engine.task import RunContext, TaskResult
from simulator.model.catalog import OutputSpec, T, TaskSpec
from simulator.plugins.core.specs import CORE, prop
from simulator.storage.javalike import json_like

__all__ = ["OutputValues"]


class OutputValues:
    """Gives back a map: rendered texts stay texts, numbers and booleans of the flow keep their type."""

    spec = TaskSpec(
        f"{CORE}output.OutputValues",
        properties=(prop("values", T.MAP),),
        outputs=(OutputSpec("values", T.MAP),),
        doc="Outputs values for later tasks.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        return TaskResult({"values": json_like(ctx.get("values") or {})})
