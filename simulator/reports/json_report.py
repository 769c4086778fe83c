"""One JSON document about a run: `{execution, executions, logs, metrics, diagnostics, doubles, outbox, run}`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from simulator.engine.events import (
    DiagnosticRaised,
    Event,
    ExecutionChanged,
    ExecutionEnded,
    ExecutionStarted,
    LogEmitted,
    MetricEmitted,
    RunEnded,
    RunStarted,
    TaskRunChanged,
)
from simulator.engine.execution import Execution, TaskRun
from simulator.engine.jsonform import date_text, log_to_json, metric_to_json, to_json
from simulator.reports.diagnostics import diagnostic_json
from simulator.reports.sink import Writer

__all__ = ["JsonReporter"]


class JsonReporter:
    """Gathers a run and writes the document when it is closed.

    Nothing in it changes between two runs with the same seed and clock (so no port numbers, no wall times).

    `doubles` is asked at the end for what the doubles hold (see `Double.contents`).
    """

    def __init__(
        self,
        write: Writer,
        doubles: Callable[[], Mapping[str, Any]] | None = None,
        outbox: Callable[[], Sequence[Mapping[str, Any]]] | None = None,
    ) -> None:
        self._write = write
        self._doubles = doubles
        self._outbox = outbox
        self._executions: list[dict[str, Any]] = []
        self._open: dict[str, Execution] = {}
        """Executions that have not ended (a pause may be all there is to tell)"""
        self._runs: dict[str, dict[str, TaskRun]] = {}
        self._logs: list[dict[str, Any]] = []
        self._metrics: list[dict[str, Any]] = []
        self._diagnostics: list[dict[str, Any]] = []
        self._run: dict[str, Any] = {}

    def on_event(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._run = {
                    "file": event.flow_file,
                    "kestra": event.dialect,
                    "startDate": date_text(event.at),
                    **event.facts,
                }
            case ExecutionStarted() | ExecutionChanged():
                self._open[event.execution.id] = event.execution
            case TaskRunChanged():
                runs = self._runs.setdefault(event.task_run.execution_id, {})
                if event.removed:
                    runs.pop(event.task_run.id, None)
                else:
                    runs[event.task_run.id] = event.task_run
            case ExecutionEnded():
                self._open.pop(event.execution.id, None)
                self._runs.pop(event.execution.id, None)
                self._executions.append(to_json(event.execution))
            case LogEmitted():
                self._logs.append(log_to_json(event.entry))
            case MetricEmitted():
                self._metrics.append(metric_to_json(event.metric))
            case DiagnosticRaised():
                self._diagnostics.append(diagnostic_json(event.diagnostic))
            case RunEnded():
                self._run["exitCode"] = event.exit_code
                self._run |= event.facts

    def _unfinished(self) -> list[dict[str, Any]]:
        return [
            to_json(replace(execution, task_runs=tuple(self._runs.get(execution.id, {}).values())))
            for execution in self._open.values()
        ]

    def close(self) -> None:
        self._executions += self._unfinished()
        root = self._run.pop("executionId", None)
        main = next((item for item in self._executions if item["id"] == root), None)
        if main is None and self._executions:
            main = self._executions[-1]
        document = {
            "execution": main,
            "executions": [item for item in self._executions if item is not main],
            "logs": self._logs,
            "metrics": self._metrics,
            "diagnostics": self._diagnostics,
            "doubles": dict(self._doubles()) if self._doubles is not None else {},
            "outbox": json.loads(json.dumps(list(self._outbox()), default=str))
            if self._outbox is not None
            else [],
            "run": self._run,
        }
        self._write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
