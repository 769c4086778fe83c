"""Subflow: its properties (core-tasks.md 2.13); the child execution is made by `simulator.engine.roles.subflow`."""

from __future__ import annotations

from typing import ClassVar

from simulator.model.catalog import Kind, OutputSpec, PropertySpec, T, TaskSpec

__all__ = ["SUBFLOW_PROPERTIES", "Subflow"]

#: What Subflow and ForEachItem have in common.
SUBFLOW_PROPERTIES = (
    PropertySpec("namespace", T.STRING, required=True, as_property=False),
    PropertySpec("flowId", T.STRING, required=True, as_property=False),
    PropertySpec("revision", T.INTEGER, dynamic=False, as_property=False, minimum=1),
    PropertySpec("inputs", T.MAP, as_property=False),
    PropertySpec("labels", T.ANY, as_property=False),
    PropertySpec("wait", T.BOOLEAN, default=True, dynamic=False, as_property=False),
    PropertySpec("transmitFailed", T.BOOLEAN, default=True, dynamic=False, as_property=False),
    PropertySpec("inheritLabels", T.BOOLEAN, default=False),
    PropertySpec("scheduleDate", T.DATETIME),
    PropertySpec(
        "restartBehavior",
        T.ENUM,
        default="RETRY_FAILED",
        values=("RETRY_FAILED", "NEW_EXECUTION"),
        dynamic=False,
        as_property=False,
    ),
)


class Subflow:
    role = "subflow"
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.core.flow.Subflow",
        Kind.EXECUTABLE,
        properties=(
            *SUBFLOW_PROPERTIES,
            PropertySpec(
                "outputs", T.MAP, as_property=False, until=1, deprecated="use outputs of the subflow"
            ),
        ),
        outputs=(
            OutputSpec("executionId", T.STRING),
            OutputSpec("state", T.STRING),
            OutputSpec("outputs", T.MAP),
        ),
        aliases=("io.kestra.core.tasks.flows.Flow",),
    )
