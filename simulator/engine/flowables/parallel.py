"""Parallel and Dag (core-tasks.md 2.2, 2.3).

1.x quirk (execution.md 3.2): with a disabled child the children run one after the other in declared order, because the
list without the disabled ones differs from the declared one.

2.0 has `onChildFailure`: what becomes of task code that still runs when a child's failure ends the whole (its
`OnChildFailureInterface`). Parallel FAILs it, Dag lets it CONTINUE; a word that is none of the three means CONTINUE.
"""

from __future__ import annotations

from typing import Any, ClassVar

from simulator.engine import orders
from simulator.engine.execution import StateType
from simulator.engine.flowables.base import Plan, View, flowable_spec, tasks_of
from simulator.model.catalog import PropertySpec, T, TaskSpec

__all__ = ["Dag", "Parallel", "sequential_by_quirk"]

_CONCURRENT = PropertySpec("concurrent", T.INTEGER, default=0, minimum=0)
_INTERRUPTED = {"FAIL": StateType.FAILED, "CANCEL": StateType.CANCELLED}


def _on_child_failure(default: str) -> PropertySpec:
    return PropertySpec(
        "onChildFailure",
        T.STRING,
        default=default,
        since=2,
        doc="CONTINUE, CANCEL or FAIL what still runs when a child has failed.",
    )


def _facts(view: View, default: str) -> dict[str, Any]:
    """The state that running task code gets when the flowable FAILS; without it it goes on."""
    if view.dialect.major < 2:
        return {}
    word = view.get("onChildFailure") or default
    return {"interrupted": _INTERRUPTED.get(str(word).upper())}


def sequential_by_quirk(view: View) -> bool:
    """Whether 1.x runs these parallel children sequentially."""
    return view.dialect.major == 1 and any(task.disabled for task in view.task.children.get("tasks", ()))


class Parallel:
    spec: ClassVar[TaskSpec] = flowable_spec(
        "Parallel",
        _CONCURRENT,
        _on_child_failure("FAIL"),
        PropertySpec("tasks", T.TASKS, required=True, dynamic=False, as_property=False),
    )

    def plan(self, view: View) -> Plan:
        tasks = tasks_of(view.task)
        empty_ok = view.dialect.major >= 2
        if sequential_by_quirk(view):
            return Plan(orders.Sequential(tasks), empty_ok=empty_ok)
        slots = [orders.Slot(task) for task in tasks]
        order = orders.Parallel(slots, view.get("concurrent", 0) or 0)
        return Plan(order, empty_ok=empty_ok, facts=_facts(view, "FAIL"))


class Dag:
    spec: ClassVar[TaskSpec] = flowable_spec(
        "Dag",
        _CONCURRENT,
        _on_child_failure("CONTINUE"),
        PropertySpec("tasks", T.DAG_TASKS, required=True, dynamic=False, as_property=False),
    )

    def plan(self, view: View) -> Plan:
        tasks = tasks_of(view.task)
        empty_ok = view.dialect.major >= 2
        if sequential_by_quirk(view):
            return Plan(orders.Sequential(tasks), empty_ok=empty_ok)
        order = orders.Dag(tasks, view.get("concurrent", 0) or 0)
        return Plan(order, empty_ok=empty_ok, facts=_facts(view, "CONTINUE"))
