"""One HTML file that shows a run: opens from disk, makes no request, holds no secret.

`HtmlReporter` gathers events; `page()` writes data, style and script into one document under a strict content security
policy (only the hashes of its own style and script are allowed). Every text reaches the page as data and is put there
as text, never as markup.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

from simulator._version import __version__
from simulator.engine.events import (
    DiagnosticRaised,
    DoubleReady,
    Event,
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
from simulator.model.flow import Flow
from simulator.reports.diagnostics import diagnostic_json
from simulator.reports.drawing import layout, svg
from simulator.reports.sink import Writer

__all__ = ["HtmlReporter", "page"]

_OUTPUT_LIMIT = 20_000
_LOG_LIMIT = 20_000


class HtmlReporter:
    """Gathers a run; writes the page when it is closed.

    `command` is how the run can be repeated; `previews` is asked at the end for what is inside doubles and stored
    files (see `Session.previews`).
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
    ) -> None:
        self._write = write
        self._flow = flow
        self._previews = previews
        self._meta: dict[str, Any] = {"command": command, "version": __version__}
        self._executions: dict[str, Execution] = {}
        self._runs: dict[str, TaskRunChanged] = {}
        self._real: dict[str, float] = {}
        self._types: dict[str, str] = {}
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
            case ExecutionStarted() | ExecutionEnded():
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

    def data(self) -> dict[str, Any]:
        """Everything that the page shows."""
        executions = []
        for execution in self._executions.values():
            value = to_json(execution)
            value.pop("taskRunList")
            executions.append(value)
        return {
            "meta": self._meta,
            "flow": {
                "id": self._flow.id,
                "namespace": self._flow.namespace,
                "description": self._flow.description,
                "source": self._flow.source,
                "tasks": {
                    task.id: {"type": task.type, "line": task.span.start.line, "endLine": task.span.end.line}
                    for task in self._flow.walk_tasks()
                },
            },
            "executions": executions,
            "runs": [self._run_row(change) for change in self._runs.values()],
            "logs": self._logs,
            "metrics": self._metrics,
            "jumps": self._jumps,
            "doubles": self._doubles,
            "diagnostics": self._diagnostics,
            "previews": plain(self._previews()) if self._previews is not None else {},
        }

    def close(self) -> None:
        drawing = svg(layout(self._flow), title=f"Topology of {self._flow.id}", style=False)
        self._write(page(self.data(), drawing, title=f"{self._flow.namespace}.{self._flow.id}"))


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


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def _json_for_script(value: Any) -> str:
    """JSON that cannot end a script element, whatever the strings in it say."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def page(data: Mapping[str, Any] | Sequence[Any], drawing: str, *, title: str, app: str = "report.js") -> str:
    """The whole document."""
    from jinja2 import Environment

    style, script = _resource("report.css"), _resource(app)
    template = Environment(autoescape=True, keep_trailing_newline=True).from_string(_resource("page.html.j2"))
    return template.render(
        title=title,
        style=style,
        script=script,
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'",
        drawing=drawing,
        data=_json_for_script(data),
    )
