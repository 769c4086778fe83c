"""Template (1.x, deprecated): the tasks of a template in place of the task (core-tasks.md 2.15)."""

from __future__ import annotations

from typing import ClassVar

from simulator.engine import orders
from simulator.engine.flowables.base import Plan, View, flowable_spec
from simulator.engine.placement import enabled
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec

__all__ = ["Template"]


class Template:
    spec: ClassVar[TaskSpec] = flowable_spec(
        "Template",
        PropertySpec("namespace", T.STRING, required=True, dynamic=False, as_property=False),
        PropertySpec("templateId", T.STRING, required=True, dynamic=False, as_property=False),
        PropertySpec("args", T.MAP, as_property=False),
        outputs=(OutputSpec("args", T.MAP),),
        until=1,
        deprecated="use a Subflow",
    )

    def plan(self, view: View) -> Plan:
        tasks = view.template(str(view.raw("namespace")), str(view.raw("templateId")))
        args = view.raw("args")
        outputs = {"args": view.render(args)} if args is not None else None
        return Plan(orders.Sequential(enabled(tasks)), outputs, empty_ok=True)
