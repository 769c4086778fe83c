"""Parallel and Dag (core-tasks.md 2.2, 2.3).

1.x quirk (execution.md 3.2): with a disabled child the children run one after the other in declared order, because the
list without the disabled ones differs from the declared one.
"""

from __future__ import annotations

from typing import ClassVar

from simulator.engine import orders
from simulator.engine.flowables.base import Plan, View, flowable_spec, tasks_of
from simulator.model.catalog import PropertySpec, T, TaskSpec

__all__ = ["Dag", "Parallel", "sequential_by_quirk"]

_CONCURRENT = PropertySpec("concurrent", T.INTEGER, default=0, minimum=0)


def sequential_by_quirk(view: View) -> bool:
    """Whether 1.x runs these parallel children sequentially."""
    return view.dialect.major == 1 and any(task.disabled for task in view.task.children.get("tasks", ()))


class Parallel:
    spec: ClassVar[TaskSpec] = flowable_spec(
        "Parallel",
        _CONCURRENT,
        PropertySpec("tasks", T.TASKS, required=True, dynamic=False, as_property=False),
    )

    def plan(self, view: View) -> Plan:
        tasks = tasks_of(view.task)
        empty_ok = view.dialect.major >= 2
        if sequential_by_quirk(view):
            return Plan(orders.Sequential(tasks), empty_ok=empty_ok)
        slots = [orders.Slot(task) for task in tasks]
        return Plan(orders.Parallel(slots, view.get("concurrent", 0) or 0), empty_ok=empty_ok)


class Dag:
    spec: ClassVar[TaskSpec] = flowable_spec(
        "Dag",
        _CONCURRENT,
        PropertySpec("tasks", T.DAG_TASKS, required=True, dynamic=False, as_property=False),
    )

    def plan(self, view: View) -> Plan:
        tasks = tasks_of(view.task)
        empty_ok = view.dialect.major >= 2
        if sequential_by_quirk(view):
            return Plan(orders.Sequential(tasks), empty_ok=empty_ok)
        return Plan(orders.Dag(tasks, view.get("concurrent", 0) or 0), empty_ok=empty_ok)
