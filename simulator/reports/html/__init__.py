"""One HTML file that shows a run: opens from disk, makes no request, holds no secret.

`HtmlReporter` gathers events; `page()` writes data, style and script into one document under a strict content security
policy (only the hashes of its own style and script are allowed). Every text reaches the page as data and is put there
as text, never as markup.

Child executions (Subflow, ForEachItem, flow triggers, rounds of a Loop) are views of the same page: data per execution,
one drawing per flow, however many executions it has.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

from simulator._version import __version__
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
from simulator.engine.execution import Execution, TaskRun
from simulator.engine.jsonform import date_text, plain, to_json
from simulator.errors import SimulatorError
from simulator.model.flow import Flow
from simulator.reports.diagnostics import diagnostic_json
from simulator.reports.drawing import layout, sketch, svg
from simulator.reports.html.page import RUN_FIELDS, Page
from simulator.reports.sink import Writer

__all__ = ["HtmlReporter"]

_OUTPUT_LIMIT = 20_000
_LOG_LIMIT = 20_000


class HtmlReporter:
    """Gathers a run; writes the page when it is closed.

    `command` is how the run can be repeated; `previews` is asked at the end for what is inside doubles and stored
    files (see `Session.previews`). `flows` finds the flow of a child execution by namespace and id; where it finds
    none (or is not given) the child is drawn from its task runs.
    """

    #: asks the session for the rendered properties of every task run
    wants_properties = True

    def __init__(
        self,
        write: Writer,
        flow: Flow,
        *,
        command: str = "",
        previews: Callable[[], Mapping[str, Any]] | None = None,
        flows: Callable[[str, str], Flow | None] | None = None,
    ) -> None:
        self._write = write
        self._flow = flow
        self._find = flows
        self._previews = previews
        self._meta: dict[str, Any] = {"command": command, "version": __version__}
        self._executions: dict[str, Execution] = {}
        self._runs: dict[str, TaskRunChanged] = {}
        self._real: dict[str, float] = {}
        self._logs: list[list[Any]] = []
        self._metrics: list[dict[str, Any]] = []
        self._properties: dict[str, Any] = {}
        self._jumps: list[list[str]] = []
        self._doubles: list[dict[str, str]] = []
        self._diagnostics: list[dict[str, Any]] = []

    def on_event(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._meta |= {"file": event.flow_file, "kestra": event.dialect, **plain(event.facts)}
            case ExecutionStarted() | ExecutionChanged() | ExecutionEnded():
                self._executions[event.execution.id] = event.execution
            case TaskRunChanged() if event.removed:
                self._runs.pop(event.task_run.id, None)
            case TaskRunChanged():
                before = self._runs.get(event.task_run.id)
                if event.real_seconds is not None:
                    self._real[event.task_run.id] = event.real_seconds
                fact = event.fact or (before.fact if before else None)
                self._runs[event.task_run.id] = TaskRunChanged(
                    event.at, event.task_run, event.task_type, fact
                )
            case LogEmitted() if len(self._logs) < 200_000:
                entry = event.entry
                self._logs.append(
                    [
                        entry.task_run_id,
                        entry.execution_id,
                        entry.level,
                        date_text(entry.timestamp),
                        entry.message[:_LOG_LIMIT],
                        entry.task_id,
                    ]
                )
            case MetricEmitted():
                metric = event.metric
                self._metrics.append(
                    {
                        "run": metric.task_run_id,
                        "name": metric.name,
                        "value": metric.value,
                        "tags": dict(metric.tags),
                    }
                )
            case PropertiesRendered():
                self._properties[event.task_run_id] = _limited(event.properties)
            case TimeJumped():
                self._jumps.append([date_text(event.at), date_text(event.to)])
            case DoubleReady():
                self._doubles.append({"name": event.name, "address": event.address})
            case DiagnosticRaised():
                self._diagnostics.append(diagnostic_json(event.diagnostic))
            case RunEnded():
                self._meta["exitCode"] = event.exit_code

    def _run_row(self, change: TaskRunChanged) -> list[Any]:
        run: TaskRun = change.task_run
        attempts = [
            [str(item.state.current), date_text(item.state.start_date), _end(item.state.end_date)]
            for item in run.attempts or ()
        ]
        return [
            run.id,
            run.execution_id,
            run.task_id,
            run.value,
            run.iteration,
            str(run.state.current),
            date_text(run.state.start_date),
            _end(run.state.end_date),
            run.parent_task_run_id,
            run.mocked,
            change.fact,
            change.task_type,
            attempts,
            _limited(run.outputs),
            self._real.get(run.id),
            self._properties.get(run.id),
        ]

    def _flows(self) -> dict[tuple[str, str], Flow | None]:
        """Every flow that has an execution; None when its source is not known."""
        main = (self._flow.namespace, self._flow.id)
        found: dict[tuple[str, str], Flow | None] = {main: self._flow}
        for execution in self._executions.values():
            name = (execution.namespace, execution.flow_id)
            if name in found:
                continue
            found[name] = None
            if self._find is not None:
                # A file that was broken since: the child is still shown, drawn from its task runs.
                with contextlib.suppress(SimulatorError):
                    found[name] = self._find(*name)
        return found

    def _drawings(self) -> dict[str, str]:
        """Name of a flow -> its topology as SVG."""
        flows = self._flows()
        seen: dict[tuple[str, str], dict[tuple[str, str, str | None], None]] = {}
        for change in self._runs.values():
            run = change.task_run
            if flows.get((run.namespace, run.flow_id)) is None:
                above = self._runs.get(run.parent_task_run_id or "")
                row = (run.task_id, change.task_type, above.task_run.task_id if above else None)
                seen.setdefault((run.namespace, run.flow_id), {})[row] = None
        return {
            ".".join(name): svg(
                layout(flow) if flow is not None else sketch(seen.get(name, ())),
                title=f"Topology of {name[1]}",
                style=False,
            )
            for name, flow in flows.items()
        }

    def data(self) -> dict[str, Any]:
        """Everything that the page shows."""
        return {
            "meta": self._meta,
            "fields": RUN_FIELDS,
            "flow": ".".join((self._flow.namespace, self._flow.id)),
            "flows": {".".join(name): _flow_json(flow, *name) for name, flow in self._flows().items()},
            "executions": [_execution_json(execution) for execution in self._executions.values()],
            "runs": [self._run_row(change) for change in self._runs.values()],
            "logs": self._logs,
            "metrics": self._metrics,
            "jumps": self._jumps,
            "doubles": self._doubles,
            "diagnostics": self._diagnostics,
            "previews": plain(self._previews()) if self._previews is not None else {},
        }

    def close(self) -> None:
        title = f"{self._flow.namespace}.{self._flow.id}"
        self._write(Page.of(self.data(), self._drawings(), title=title))


def _flow_json(flow: Flow | None, namespace: str, flow_id: str) -> dict[str, Any]:
    if flow is None:
        return {"id": flow_id, "namespace": namespace, "source": None, "tasks": {}}
    return {
        "id": flow.id,
        "namespace": flow.namespace,
        "description": flow.description,
        "file": flow.file,
        "source": flow.source,
        "tasks": {
            task.id: {"type": task.type, "line": task.span.start.line, "endLine": task.span.end.line}
            for task in flow.walk_tasks()
        },
    }


def _execution_json(execution: Execution) -> dict[str, Any]:
    """As Kestra's API has it, without what stands elsewhere. A round of a Loop shares inputs, labels and trigger with the
    execution around it: with ten thousand rounds that is most of the page."""
    if execution.kind == "LOOP":
        state = execution.state
        return {
            "id": execution.id,
            "namespace": execution.namespace,
            "flowId": execution.flow_id,
            "parentId": execution.parent_id,
            "kind": "LOOP",
            "loop": plain(execution.loop or {}),
            "state": {
                "current": str(state.current),
                "startDate": date_text(state.start_date),
                "endDate": _end(state.end_date),
            },
        }
    value = to_json(execution, task_runs=False)
    value["state"].pop("histories", None)
    return value


def _end(moment: dt.datetime | None) -> str | None:
    return date_text(moment) if moment is not None else None


def _limited(outputs: Mapping[str, Any] | None) -> Any:
    """Outputs, or their beginning as text when they are very large."""
    if outputs is None:
        return None
    value = plain(outputs)
    text = json.dumps(value, ensure_ascii=False)
    return (
        value
        if len(text) <= _OUTPUT_LIMIT
        else {"…": f"{len(text):,} characters; the beginning: {text[:2000]}"}
    )
