"""The `retry` block of a task or a flow (flow.md 7)."""

from __future__ import annotations

import datetime as dt

from simulator.model.common import RETRY_TYPES
from simulator.model.convert import ConversionError, as_bool, as_duration, as_integer, as_number
from simulator.model.fields import check_fields, named
from simulator.model.flow import Retry
from simulator.model.problems import Problems, suggest
from simulator.source.nodes import MapNode, Node, ScalarNode
from simulator.values import format_duration

__all__ = ["build_retry"]

#: retry type -> pairs of which the first must be less than the second
_ORDER = {
    "constant": (("interval", "maxDuration"),),
    "exponential": (("interval", "maxDuration"), ("interval", "maxInterval"), ("maxInterval", "maxDuration")),
    "random": (
        ("minInterval", "maxDuration"),
        ("minInterval", "maxInterval"),
        ("maxInterval", "maxDuration"),
    ),
}
_TABLES = {name: named(keys) for name, keys in RETRY_TYPES.items()}


def build_retry(node: Node | None, problems: Problems) -> Retry | None:
    """The retry, or None when there is none or its type is missing."""
    if not isinstance(node, MapNode):
        if isinstance(node, ScalarNode) and node.value not in (None, ""):
            problems.illegal(
                "Cannot construct instance of `io.kestra.core.models.tasks.retrys.AbstractRetry`", node.span
            )
        return None
    kind = node.get("type")
    name = kind.text if isinstance(kind, ScalarNode) and kind.value is not None else None
    if name not in _TABLES:
        problems.parse(
            "SIM-FLOW-010", f"Invalid type: {name or 'null'}", (kind or node).span,
            suggest(name or "", _TABLES) or "A retry is `constant`, `exponential` or `random`.",
        )  # fmt: skip
        return None
    java_class = f"io.kestra.core.models.tasks.retrys.{name.capitalize()}"
    check_fields(node, _TABLES[name], problems, path="retry", java_class=java_class, skip=("type",))
    durations = {
        key: _duration(node, key) for key in ("interval", "maxInterval", "minInterval", "maxDuration")
    }
    for low, high in _ORDER[name]:
        first, second = durations[low], durations[high]
        if first is not None and second is not None and first >= second:
            tail = f" but is {format_duration(first)}" if problems.dialect.major == 1 else ""
            problems.violation(
                "", f"'{low}' must be less than '{high}'{tail}", node.entries[low].span, code="SIM-FLOW-023"
            )
    try:
        attempts = as_integer(
            _value(node, "maxAttempts") if "maxAttempts" in node else _value(node, "maxAttempt")
        )
        factor = as_number(_value(node, "delayFactor"))
        warning = bool(as_bool(_value(node, "warningOnRetry")))
    except ConversionError:
        attempts, factor, warning = None, None, False  # reported by the check of the fields
    return Retry(
        type=name,
        interval=durations["interval"],
        max_interval=durations["maxInterval"],
        min_interval=durations["minInterval"],
        delay_factor=factor,
        max_attempts=attempts,
        max_duration=durations["maxDuration"],
        warning_on_retry=warning,
        behavior=str(_value(node, "behavior") or "RETRY_FAILED_TASK"),
    )


def _value(node: MapNode, key: str) -> object:
    value = node.get(key)
    return value.plain() if value is not None else None


def _duration(node: MapNode, key: str) -> dt.timedelta | None:
    try:
        return as_duration(_value(node, key))
    except ConversionError:
        return None
