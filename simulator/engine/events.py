"""What happens, as data: the one stream that the store keeps and the reports read.

An event is frozen, has a sequence number and a time of the run's clock, and holds no live object.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from simulator.diagnostics import Diagnostic
from simulator.engine.execution import Execution, LogEntry, Metric, TaskRun

__all__ = [
    "DiagnosticRaised",
    "DoubleReady",
    "Event",
    "ExecutionChanged",
    "ExecutionEnded",
    "ExecutionStarted",
    "LogEmitted",
    "MetricEmitted",
    "PropertiesRendered",
    "Reporter",
    "RunEnded",
    "RunStarted",
    "TaskRunChanged",
    "TimeJumped",
]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The session starts: which flow file, which dialect, seed, clock."""

    at: dt.datetime
    flow_file: str
    namespace: str
    flow_id: str
    dialect: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DoubleReady:
    at: dt.datetime
    name: str
    """postgres, s3, http..."""
    address: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExecutionStarted:
    at: dt.datetime
    execution: Execution


@dataclass(frozen=True, slots=True)
class ExecutionChanged:
    """Anything of the execution but its task runs: state, labels, variables, outputs. `execution.task_runs` is empty
    here to keep the log linear in size; task runs travel as TaskRunChanged."""

    at: dt.datetime
    execution: Execution


@dataclass(frozen=True, slots=True)
class TaskRunChanged:
    at: dt.datetime
    task_run: TaskRun
    task_type: str = ""
    fact: str | None = None
    """The one thing that matters about it (rows, URI, s3://bucket/key, bytes), when it ended."""
    real_seconds: float | None = None
    """Wall time of the attempt, when it ended."""
    removed: bool = False
    """The task run was taken out of the execution (restart, LoopUntil round)."""


@dataclass(frozen=True, slots=True)
class LogEmitted:
    at: dt.datetime
    entry: LogEntry


@dataclass(frozen=True, slots=True)
class MetricEmitted:
    at: dt.datetime
    metric: Metric


@dataclass(frozen=True, slots=True)
class PropertiesRendered:
    """The properties that an attempt asked for, rendered and converted; only when `EngineSettings.record_properties`."""

    at: dt.datetime
    task_run_id: str
    attempt: int
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TimeJumped:
    """Simulated time went forward because everybody waited."""

    at: dt.datetime
    to: dt.datetime


@dataclass(frozen=True, slots=True)
class DiagnosticRaised:
    at: dt.datetime
    diagnostic: Diagnostic


@dataclass(frozen=True, slots=True)
class ExecutionEnded:
    """Over, afterExecution included; the whole value."""

    at: dt.datetime
    execution: Execution


@dataclass(frozen=True, slots=True)
class RunEnded:
    at: dt.datetime
    exit_code: int
    facts: Mapping[str, Any] = field(default_factory=dict)


Event: TypeAlias = (
    RunStarted
    | DoubleReady
    | ExecutionStarted
    | ExecutionChanged
    | TaskRunChanged
    | LogEmitted
    | MetricEmitted
    | PropertiesRendered
    | TimeJumped
    | DiagnosticRaised
    | ExecutionEnded
    | RunEnded
)


class Reporter(Protocol):
    """A sink of events. Called from one thread, in order. Bytes leave only through the redactor it was built with.

    One that has `on_events` (`store.EventStore`) gets the events of a turn at once, before any other reporter sees them.
    """

    def on_event(self, event: Event) -> None: ...
    def close(self) -> None:
        """Write what is left; called once, also after an error."""
