"""Events as JSON lines, one per event, in order: for tools that follow a run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from simulator.engine.events import (
    DiagnosticRaised,
    DoubleReady,
    Event,
    ExecutionChanged,
    ExecutionEnded,
    ExecutionStarted,
    LogEmitted,
    MetricEmitted,
    PropertiesRendered,
    RunEnded,
    RunStarted,
    TaskRunChanged,
    TimeJumped,
)
from simulator.engine.jsonform import date_text, log_to_json, metric_to_json, plain, task_run_to_json, to_json
from simulator.reports.diagnostics import diagnostic_json
from simulator.reports.sink import Writer

__all__ = ["EventsReporter", "event_json"]


_PORT = re.compile(r":\d+$")


def event_json(event: Event) -> dict[str, Any]:
    """`{event: name, at: instant, ...}`."""
    body: dict[str, Any] = {"event": type(event).__name__, "at": date_text(event.at)}
    match event:
        case RunStarted():
            body |= {
                "file": event.flow_file,
                "namespace": event.namespace,
                "flowId": event.flow_id,
                "kestra": event.dialect,
                "facts": plain(event.facts),
            }
        case DoubleReady():
            body |= {"name": event.name, "address": event.address}
        case ExecutionStarted() | ExecutionChanged() | ExecutionEnded():
            body["execution"] = to_json(event.execution)
        case TaskRunChanged():
            body["taskRun"] = task_run_to_json(event.task_run)
            body |= {"type": event.task_type, "fact": event.fact, "removed": event.removed}
        case LogEmitted():
            body["log"] = log_to_json(event.entry)
        case MetricEmitted():
            body["metric"] = metric_to_json(event.metric)
        case DiagnosticRaised():
            body["diagnostic"] = diagnostic_json(event.diagnostic)
        case PropertiesRendered():
            body |= {
                "taskRunId": event.task_run_id,
                "attempt": event.attempt,
                "properties": plain(event.properties),
            }
        case TimeJumped():
            body["to"] = date_text(event.to)
        case RunEnded():
            body |= {"exitCode": event.exit_code, "facts": plain(event.facts)}
    return body


class EventsReporter:
    """Writes a line as soon as something happens."""

    def __init__(self, write: Writer) -> None:
        self._write = write
        self._seeded = False

    def on_event(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._seeded = "seed" in event.facts
        elif isinstance(event, DoubleReady) and self._seeded:
            # A port is given by the system: the same seed promises the same bytes.
            event = replace(event, address=_PORT.sub("", event.address))
        self._write(json.dumps(event_json(event), ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Every line is out already."""
