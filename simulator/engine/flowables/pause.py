"""Pause: its properties and what follows a resume (core-tasks.md 2.12); waiting is in `simulator.engine.roles.pause`."""

from __future__ import annotations

from typing import ClassVar

from simulator.engine import orders
from simulator.engine.flowables.base import Plan, View, flowable_spec, tasks_of
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec

__all__ = ["Pause"]


class Pause:
    role = "pause"
    spec: ClassVar[TaskSpec] = flowable_spec(
        "Pause",
        PropertySpec("pauseDuration", T.DURATION),
        PropertySpec("delay", T.DURATION, until=1, deprecated="use pauseDuration"),
        PropertySpec("behavior", T.ENUM, default="RESUME", values=("RESUME", "WARN", "CANCEL", "FAIL")),
        PropertySpec("onPause", T.TYPED, dynamic=False, as_property=False),
        PropertySpec("onResume", T.LIST, dynamic=False, as_property=False),
        PropertySpec(
            "tasks", T.TASKS, dynamic=False, as_property=False, until=1, deprecated="put them after"
        ),
        outputs=(OutputSpec("onResume", T.MAP), OutputSpec("resumed", T.MAP)),
    )

    def plan(self, view: View) -> Plan:
        return Plan(orders.Sequential(tasks_of(view.task)))
