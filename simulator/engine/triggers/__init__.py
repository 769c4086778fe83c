"""Triggers of the core package and 1.x conditions: what starts executions (core-tasks.md 10, 11)."""

from __future__ import annotations

_HERE = "simulator.engine.triggers"
_CORE = "io.kestra.plugin.core"

_CONDITIONS = (
    "DateTimeBetween",
    "DayWeek",
    "DayWeekInMonth",
    "ExecutionFlow",
    "ExecutionLabels",
    "ExecutionNamespace",
    "ExecutionOutputs",
    "ExecutionStatus",
    "Expression",
    "FlowCondition",
    "FlowNamespaceCondition",
    "HasRetryAttempt",
    "MultipleCondition",
    "Not",
    "Or",
    "PublicHoliday",
    "TimeBetween",
    "Weekend",
)

#: type -> "module:Class"
TYPES: dict[str, str] = {
    f"{_CORE}.trigger.Flow": f"{_HERE}.specs:Flow",
    f"{_CORE}.trigger.McpToolTrigger": f"{_HERE}.specs:McpToolTrigger",
    f"{_CORE}.trigger.Schedule": f"{_HERE}.specs:Schedule",
    f"{_CORE}.trigger.ScheduleOnDates": f"{_HERE}.specs:ScheduleOnDates",
    f"{_CORE}.trigger.Webhook": f"{_HERE}.specs:Webhook",
    **{f"{_CORE}.condition.{name}": f"{_HERE}.condition_specs:{name}" for name in _CONDITIONS},
}

_RENAMED = {"VariableCondition": "Expression", "ExpressionCondition": "Expression"}
_SUFFIXED = (
    *(
        name
        for name in _CONDITIONS
        if name not in ("FlowCondition", "FlowNamespaceCondition", "MultipleCondition")
    ),
)

#: alias -> type (core-tasks.md 1.1)
ALIASES: dict[str, str] = {
    **{
        f"io.kestra.core.models.triggers.types.{name}": f"{_CORE}.trigger.{name}"
        for name in ("Flow", "Schedule", "Webhook")
    },
    **{
        f"{package}.{name}Condition": f"{_CORE}.condition.{name}"
        for package in ("io.kestra.core.models.conditions.types", f"{_CORE}.condition")
        for name in _SUFFIXED
    },
    **{
        f"{package}.{old}": f"{_CORE}.condition.{new}"
        for package in ("io.kestra.core.models.conditions.types", f"{_CORE}.condition")
        for old, new in _RENAMED.items()
    },
    **{
        f"io.kestra.core.models.conditions.types.{name}": f"{_CORE}.condition.{name}"
        for name in ("FlowCondition", "FlowNamespaceCondition", "MultipleCondition")
    },
}
