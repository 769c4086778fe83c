"""Specs of the core triggers (core-tasks.md 10). How they fire: cron, schedule, listening, webhook."""

from __future__ import annotations

from typing import ClassVar

from simulator.model.catalog import Kind, OutputSpec, PropertySpec, T, TaskSpec

__all__ = ["Flow", "McpToolTrigger", "Schedule", "ScheduleOnDates", "Webhook"]

_PACKAGE = "io.kestra.plugin.core.trigger"
_OLD = "io.kestra.core.models.triggers.types"


def _static(name: str, type_: T = T.STRING, **rest: object) -> PropertySpec:
    return PropertySpec(name, type_, dynamic=False, as_property=False, **rest)  # type: ignore[arg-type]


_INPUTS = PropertySpec("inputs", T.MAP, as_property=False)
_RECOVER = _static("recoverMissedSchedules", T.ENUM, values=("ALL", "LAST", "NONE"))
_STATES = _static("states", T.LIST, item=PropertySpec("item", T.STRING))
_LABELS = _static("labels", T.ANY)
_WINDOW = (
    _static(
        "type",
        T.ENUM,
        values=("DAILY_TIME_DEADLINE", "DAILY_TIME_WINDOW", "DURATION_WINDOW", "SLIDING_WINDOW"),
    ),
    _static("deadline", T.STRING),
    _static("window", T.DURATION),
    _static("windowAdvance", T.DURATION),
    _static("startTime", T.STRING),
    _static("endTime", T.STRING),
)
_FILTER = (
    _static("field", T.ENUM, required=True, values=("FLOW_ID", "NAMESPACE", "STATE", "EXPRESSION")),
    _static(
        "type",
        T.ENUM,
        required=True,
        values=(
            "EQUAL_TO",
            "NOT_EQUAL_TO",
            "IN",
            "NOT_IN",
            "IS_TRUE",
            "IS_FALSE",
            "IS_NULL",
            "IS_NOT_NULL",
            "STARTS_WITH",
            "ENDS_WITH",
            "REGEX",
            "CONTAINS",
        ),
    ),
    PropertySpec("value", T.STRING, as_property=False),
    _static("values", T.LIST),
)


class Schedule:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_PACKAGE}.Schedule",
        Kind.TRIGGER,
        properties=(
            _static("cron", required=True),
            _static("withSeconds", T.BOOLEAN, default=False),
            _static("timezone"),
            _INPUTS,
            _static("lateMaximumDelay", T.DURATION),
            _RECOVER,
            _static("interval", T.DURATION),
            _static(
                "scheduleConditions",
                T.LIST,
                item=PropertySpec("item", T.TYPED),
                until=1,
                deprecated="use conditions",
            ),
            _static("backfill", T.ANY, until=1, deprecated="backfills are started from outside"),
        ),
        outputs=(
            OutputSpec("date", T.DATETIME),
            OutputSpec("next", T.DATETIME),
            OutputSpec("previous", T.DATETIME),
        ),
        aliases=(f"{_OLD}.Schedule",),
    )


class ScheduleOnDates:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_PACKAGE}.ScheduleOnDates",
        Kind.TRIGGER,
        properties=(
            PropertySpec("dates", T.LIST, required=True, item=PropertySpec("item", T.DATETIME)),
            _static("timezone"),
            _INPUTS,
            _RECOVER,
        ),
        outputs=(OutputSpec("date", T.DATETIME, since=2),),
    )


class Flow:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_PACKAGE}.Flow",
        Kind.TRIGGER,
        properties=(
            _INPUTS,
            _STATES,
            _static(
                "preconditions",
                T.OBJECT,
                until=1,
                fields=(
                    _static("id", required=True),
                    _static("timeWindow", T.OBJECT, fields=_WINDOW),
                    _static("resetOnSuccess", T.BOOLEAN, default=True),
                    _static(
                        "flows",
                        T.LIST,
                        item=PropertySpec(
                            "item",
                            T.OBJECT,
                            fields=(_static("namespace"), _static("flowId"), _STATES, _LABELS),
                        ),
                    ),
                    _static(
                        "where",
                        T.LIST,
                        item=PropertySpec(
                            "item",
                            T.OBJECT,
                            fields=(
                                _static("id", required=True),
                                _static("operand", T.ENUM, values=("AND", "OR")),
                                _static(
                                    "filters", T.LIST, item=PropertySpec("item", T.OBJECT, fields=_FILTER)
                                ),
                            ),
                        ),
                    ),
                ),
            ),
            _static(
                "dependsOn",
                T.LIST,
                since=2,
                item=PropertySpec(
                    "item",
                    T.OBJECT,
                    fields=(
                        _static("namespace"),
                        _static("flowId"),
                        _STATES,
                        _LABELS,
                        PropertySpec("when", T.STRING, as_property=False),
                    ),
                ),
            ),
            _static(
                "window",
                T.OBJECT,
                since=2,
                fields=(
                    _static("deadline"),
                    _static("from"),
                    _static("to"),
                    _static("every", T.DURATION),
                    _static("offset", T.DURATION),
                    _static("lookback", T.DURATION),
                    _static("timezone"),
                    _static("fireOnce", T.BOOLEAN, default=False),
                ),
            ),
            _static("mode", T.ENUM, since=2, default="ALL", values=("ALL", "ANY", "AT_LEAST")),
            _static("minSatisfied", T.INTEGER, since=2, minimum=1),
        ),
        outputs=(
            OutputSpec("executionId", T.STRING),
            OutputSpec("executionLabels", T.MAP),
            OutputSpec("state", T.STRING),
            OutputSpec("namespace", T.STRING),
            OutputSpec("flowId", T.STRING),
            OutputSpec("flowRevision", T.INTEGER),
            OutputSpec("outputs", T.MAP),
            OutputSpec("startDate", T.DATETIME, since=2),
            OutputSpec("endDate", T.DATETIME, since=2),
            OutputSpec("firstFailedTaskId", T.STRING, since=2),
            OutputSpec("lastTaskId", T.STRING, since=2),
        ),
        aliases=(f"{_OLD}.Flow",),
    )


class Webhook:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_PACKAGE}.Webhook",
        Kind.TRIGGER,
        properties=(
            PropertySpec("key", T.STRING, required=True, as_property=False),
            _static("wait", T.BOOLEAN, default=False),
            PropertySpec("inputs", T.MAP, as_property=False, since=2),
            _static("returnOutputs", T.BOOLEAN, default=False, since=2),
            _static("responseContentType", since=2),
            PropertySpec("responseCode", T.INTEGER, since=2),
        ),
        outputs=(OutputSpec("body", T.ANY), OutputSpec("headers", T.MAP), OutputSpec("parameters", T.MAP)),
        aliases=(f"{_OLD}.Webhook",),
    )


class McpToolTrigger:
    spec: ClassVar[TaskSpec] = TaskSpec(
        f"{_PACKAGE}.McpToolTrigger",
        Kind.TRIGGER,
        properties=(
            _static("toolName"),
            _static("title"),
            _static("toolDescription"),
            _static("annotations", T.ANY),
            _static("mcpServer", default="default"),
            PropertySpec("inputs", T.MAP, as_property=False),
        ),
        open_properties=True,
        open_outputs=True,
        since=2,
        supported=False,
    )
