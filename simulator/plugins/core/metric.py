"""metric.Publish (core-tasks.md 4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.plugins.core.specs import CORE
from simulator.values import parse_duration

__all__ = ["Publish"]

_METRIC = PropertySpec(
    "metric",
    T.MAP,
    fields=(
        PropertySpec("type", T.ENUM, required=True, values=("counter", "timer", "gauge")),
        PropertySpec("name", required=True),
        PropertySpec("value", T.ANY, required=True),
        PropertySpec("description"),
        PropertySpec("tags", T.MAP),
    ),
)


class Publish:
    """Records counters and timers."""

    spec = TaskSpec(
        f"{CORE}metric.Publish",
        properties=(PropertySpec("metrics", T.LIST, item=_METRIC),),
        doc="Publishes metrics.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        metrics = ctx.get("metrics") or []
        for metric in metrics:
            if not isinstance(metric, Mapping):
                raise TaskError(f"A metric must be a map, got {metric!r}")
            kind = metric.get("type")
            if kind not in ("counter", "timer", "gauge"):
                raise TaskError(f"Could not resolve type id '{kind}' as a subtype of a metric")
            for name in ("name", "value"):
                if metric.get(name) in (None, ""):
                    raise TaskError(f"{name}: must not be null")
            tags = {str(key): str(value) for key, value in (metric.get("tags") or {}).items()}
            ctx.metric(str(metric["name"]), _number(kind, metric["value"]), type=kind, tags=tags)
        return TaskResult(fact=f"{len(metrics)} metrics")


def _number(kind: str, value: Any) -> float:
    """A counter's number, or a timer's seconds (ISO-8601 or a number)."""
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    try:
        return float(value)
    except (TypeError, ValueError):
        if kind == "timer":
            try:
                return parse_duration(str(value)).total_seconds()
            except ValueError:
                pass
    raise TaskError(f"Cannot convert metric value '{value}' of type {kind}")
