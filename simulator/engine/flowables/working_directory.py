"""WorkingDirectory: its properties (core-tasks.md 2.14); it is run by `simulator.engine.roles.working_directory`."""

from __future__ import annotations

from typing import ClassVar

from simulator.engine import orders
from simulator.engine.flowables.base import Plan, View, flowable_spec, tasks_of
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec

__all__ = ["WorkingDirectory"]

_STRING = PropertySpec("item", T.STRING)


class WorkingDirectory:
    role = "working_directory"
    spec: ClassVar[TaskSpec] = flowable_spec(
        "WorkingDirectory",
        PropertySpec("tasks", T.TASKS, required=True, dynamic=False, as_property=False),
        PropertySpec(
            "cache",
            T.OBJECT,
            as_property=False,
            fields=(
                PropertySpec(
                    "patterns", T.LIST, required=True, item=_STRING, dynamic=False, as_property=False
                ),
                PropertySpec("ttl", T.DURATION, dynamic=False, as_property=False),
            ),
        ),
        PropertySpec(
            "namespaceFiles",
            T.OBJECT,
            as_property=False,
            fields=(
                PropertySpec("enabled", T.BOOLEAN, default=True),
                PropertySpec("include", T.LIST, item=_STRING),
                PropertySpec("exclude", T.LIST, item=_STRING),
                PropertySpec("namespaces", T.LIST, item=_STRING),
                PropertySpec("ifExists", T.ENUM, values=("OVERWRITE", "FAIL", "WARN", "IGNORE")),
                PropertySpec("folderPerNamespace", T.BOOLEAN, default=False),
            ),
        ),
        PropertySpec("inputFiles", T.ANY, as_property=False),
        PropertySpec("outputFiles", T.LIST, item=_STRING, as_property=False),
        outputs=(OutputSpec("outputFiles", T.MAP),),
    )

    def plan(self, view: View) -> Plan:
        return Plan(orders.Sequential(tasks_of(view.task)), empty_ok=True)
