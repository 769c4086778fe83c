"""Sequential and AllowFailure: children one after the other (core-tasks.md 2.1, 2.6)."""

from __future__ import annotations

from typing import ClassVar

from simulator.engine import orders
from simulator.engine.flowables.base import Plan, View, flowable_spec, tasks_of
from simulator.model.catalog import PropertySpec, T, TaskSpec

__all__ = ["AllowFailure", "Sequential"]

_TASKS = PropertySpec("tasks", T.TASKS, required=True, dynamic=False, as_property=False)


class Sequential:
    """Stops at the first FAILED child. In 1.x one without enabled children never ends (execution.md 3.4)."""

    spec: ClassVar[TaskSpec] = flowable_spec("Sequential", _TASKS)

    def plan(self, view: View) -> Plan:
        return Plan(orders.Sequential(tasks_of(view.task)), empty_ok=view.dialect.major >= 2)


class AllowFailure:
    """A Sequential whose FAILED becomes WARNING; its `errors` still run."""

    spec: ClassVar[TaskSpec] = flowable_spec("AllowFailure", _TASKS)

    def plan(self, view: View) -> Plan:
        return Plan(
            orders.Sequential(tasks_of(view.task)),
            empty_ok=view.dialect.major >= 2,
            facts={"allow_failure": True},
        )
