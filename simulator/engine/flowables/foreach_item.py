"""ForEachItem (1.x): one subflow per batch of a stored file (core-tasks.md 2.9).

Kestra turns the task into three more task runs: `<id>_split`, `<id>_items`, `<id>_merge`. They exist while running only;
`simulator.engine.roles.foreach_item` runs them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from simulator.engine import orders
from simulator.engine.flowables.base import Plan, View
from simulator.engine.flowables.subflow import SUBFLOW_PROPERTIES
from simulator.model.catalog import Kind, PropertySpec, T, TaskSpec
from simulator.model.flow import Task

__all__ = ["ForEachItem", "parts"]


def parts(task: Task) -> tuple[Task, ...]:
    """The three inner tasks of a ForEachItem."""
    return tuple(
        replace(
            task,
            id=f"{task.id}_{part}",
            type=f"{ForEachItem.spec.type}${'ForEachItem'}{part.capitalize()}",
            canonical=None,
            children={},
            run_if=None,
            allow_failure=False,
            allow_warning=False,
            retry=None if part != "items" else task.retry,
        )
        for part in ("split", "items", "merge")
    )


class ForEachItem:
    role = "foreach_item"
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.core.flow.ForEachItem",
        Kind.FLOWABLE,
        properties=(
            PropertySpec("items", T.STRING, required=True, as_property=False),
            PropertySpec(
                "batch",
                T.OBJECT,
                as_property=False,
                fields=(
                    PropertySpec("rows", T.INTEGER),
                    PropertySpec("bytes", T.STRING),
                    PropertySpec("partitions", T.INTEGER),
                    PropertySpec("separator", T.STRING, default="\n"),
                ),
            ),
            *SUBFLOW_PROPERTIES,
            PropertySpec("errors", T.TASKS, dynamic=False, as_property=False),
            PropertySpec("finally", T.TASKS, dynamic=False, as_property=False),
        ),
        until=1,
        open_outputs=True,
    )

    def plan(self, view: View) -> Plan:
        return Plan(orders.Sequential(parts(view.task)))
