"""Specs of the 1.x conditions (core-tasks.md 11); they are evaluated in `conditions`."""

from __future__ import annotations

from typing import Any, ClassVar

from simulator.model.catalog import Kind, PropertySpec, T, TaskSpec

_PACKAGE = "io.kestra.plugin.core.condition"
_DATE = PropertySpec("date", T.STRING, default="{{ trigger.date }}", as_property=False)
_STATES = PropertySpec("item", T.STRING)
_TYPED = PropertySpec("item", T.TYPED)


class _Condition:
    spec: ClassVar[TaskSpec]


def _condition(name: str, *properties: PropertySpec, **rest: Any) -> type[_Condition]:
    old = (
        ()
        if name in ("FlowCondition", "FlowNamespaceCondition", "MultipleCondition")
        else (
            f"{_PACKAGE}.{name}Condition",
            f"io.kestra.core.models.conditions.types.{name}Condition",
        )
    )
    spec = TaskSpec(f"{_PACKAGE}.{name}", Kind.CONDITION, properties=properties, until=1, aliases=old, **rest)
    return type(name, (_Condition,), {"spec": spec})


def _text(name: str, *, required: bool = False, **rest: Any) -> PropertySpec:
    return PropertySpec(name, T.STRING, required=required, as_property=False, **rest)


def _list(name: str, item: PropertySpec, *, required: bool = False) -> PropertySpec:
    return PropertySpec(name, T.LIST, required=required, item=item, dynamic=False, as_property=False)


DateTimeBetween = _condition("DateTimeBetween", _DATE, _text("after"), _text("before"))
TimeBetween = _condition("TimeBetween", _DATE, _text("after"), _text("before"))
DayWeek = _condition("DayWeek", _DATE, _text("dayOfWeek", required=True))
DayWeekInMonth = _condition(
    "DayWeekInMonth", _DATE, _text("dayOfWeek", required=True), _text("dayInMonth", required=True)
)
Weekend = _condition("Weekend", _DATE)
PublicHoliday = _condition("PublicHoliday", _DATE, _text("country"), _text("subDivision"))
ExecutionFlow = _condition("ExecutionFlow", _text("namespace", required=True), _text("flowId", required=True))
ExecutionNamespace = _condition(
    "ExecutionNamespace",
    _text("namespace", required=True),
    PropertySpec(
        "comparison", T.ENUM, values=("EQUALS", "PREFIX", "SUFFIX"), dynamic=False, as_property=False
    ),
    PropertySpec("prefix", T.BOOLEAN, default=False, dynamic=False, as_property=False),
)
ExecutionLabels = _condition(
    "ExecutionLabels", PropertySpec("labels", T.ANY, required=True, dynamic=False, as_property=False)
)
ExecutionStatus = _condition("ExecutionStatus", _list("in", _STATES), _list("notIn", _STATES))
ExecutionOutputs = _condition("ExecutionOutputs", _text("expression", required=True))
HasRetryAttempt = _condition("HasRetryAttempt", _list("in", _STATES), _list("notIn", _STATES))
Expression = _condition("Expression", _text("expression", required=True))
Not = _condition("Not", _list("conditions", _TYPED, required=True))
Or = _condition("Or", _list("conditions", _TYPED, required=True))
MultipleCondition = _condition(
    "MultipleCondition",
    _text("id", required=True),
    PropertySpec("timeWindow", T.ANY, dynamic=False, as_property=False),
    PropertySpec("resetOnSuccess", T.BOOLEAN, default=True, dynamic=False, as_property=False),
    PropertySpec("window", T.DURATION, dynamic=False, as_property=False),
    PropertySpec("windowAdvance", T.DURATION, dynamic=False, as_property=False),
    PropertySpec("conditions", T.MAP, required=True, dynamic=False, as_property=False),
    deprecated="use preconditions",
)
FlowCondition = _condition(
    "FlowCondition",
    _text("namespace", required=True),
    _text("flowId", required=True),
    deprecated="not needed",
)
FlowNamespaceCondition = _condition(
    "FlowNamespaceCondition",
    _text("namespace", required=True),
    PropertySpec("prefix", T.BOOLEAN, default=False, dynamic=False, as_property=False),
    deprecated="not needed",
)
