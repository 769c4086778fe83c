"""LoopUntil: its properties and the first round; what happens between rounds is in `simulator.engine.roles.rounds`."""

from __future__ import annotations

from typing import ClassVar

from simulator.engine import orders
from simulator.engine.flowables.base import Plan, View, flowable_spec, tasks_of
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec

__all__ = ["LoopUntil"]


class LoopUntil:
    role = "rounds"
    spec: ClassVar[TaskSpec] = flowable_spec(
        "LoopUntil",
        PropertySpec("condition", T.STRING, required=True, as_property=False),
        PropertySpec("failOnMaxReached", T.BOOLEAN, default=False),
        PropertySpec(
            "checkFrequency",
            T.OBJECT,
            as_property=False,
            fields=(
                PropertySpec("maxIterations", T.INTEGER),
                PropertySpec("maxDuration", T.DURATION),
                PropertySpec("interval", T.DURATION),
            ),
        ),
        PropertySpec("tasks", T.TASKS, required=True, dynamic=False, as_property=False),
        outputs=(OutputSpec("iterationCount", T.INTEGER),),
        aliases=("io.kestra.plugin.core.flow.WaitFor",),
    )

    def plan(self, view: View) -> Plan:
        count = int((view.run_outputs or {}).get("iterationCount", 1))
        return Plan(
            orders.Sequential(tasks_of(view.task), iteration=count - 1),
            {"iterationCount": count},
            iteration=count - 1,
            empty_ok=view.dialect.major >= 2,
            facts={"rounds": True},
        )
