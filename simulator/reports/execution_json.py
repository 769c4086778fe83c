"""An execution as Kestra's REST API shows it: the same field names and shapes.

Beyond Kestra's fields there is one of ours: `mocked: true` on a task run whose outputs came from a mock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from simulator.diagnostics import Diagnostic
from simulator.engine.execution import Attempt, Execution, LogEntry, Metric, State, TaskRun
from simulator.values import format_duration

__all__ = [
    "diagnostic_json",
    "execution_json",
    "instant",
    "json_ready",
    "log_json",
    "metric_json",
    "state_json",
    "task_run_json",
]


def instant(moment: dt.datetime) -> str:
    """ISO in UTC with `Z`, digits as Java prints them (none, three or six)."""
    utc = moment.astimezone(dt.UTC)
    text = utc.strftime("%Y-%m-%dT%H:%M:%S")
    if utc.microsecond:
        text += (
            f".{utc.microsecond // 1000:03d}" if utc.microsecond % 1000 == 0 else f".{utc.microsecond:06d}"
        )
    return text + "Z"


def json_ready(value: Any) -> Any:
    """The value with everything that JSON lacks as text, the way Kestra's mapper writes it."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(key): json_ready(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [json_ready(item) for item in value]
        case dt.datetime() if value.tzinfo is dt.UTC:
            return instant(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return value.total_seconds()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case bytes():
            import base64

            return base64.b64encode(value).decode()
    return str(value)


def state_json(state: State) -> dict[str, Any]:
    result: dict[str, Any] = {
        "current": str(state.current),
        "histories": [{"state": str(item.state), "date": instant(item.date)} for item in state.histories],
        "startDate": instant(state.start_date),
    }
    if state.end_date is not None:
        result["endDate"] = instant(state.end_date)
    if state.duration is not None:
        result["duration"] = format_duration(state.duration)
    return result


def _attempt_json(attempt: Attempt) -> dict[str, Any]:
    result: dict[str, Any] = {"state": state_json(attempt.state)}
    if attempt.log_file:
        result["logFile"] = attempt.log_file
    return result


def task_run_json(run: TaskRun) -> dict[str, Any]:
    result: dict[str, Any] = {
        "id": run.id,
        "executionId": run.execution_id,
        "namespace": run.namespace,
        "flowId": run.flow_id,
        "taskId": run.task_id,
        "state": state_json(run.state),
    }
    if run.parent_task_run_id is not None:
        result["parentTaskRunId"] = run.parent_task_run_id
    if run.value is not None:
        result["value"] = run.value
    if run.iteration is not None:
        result["iteration"] = run.iteration
    if run.attempts is not None:
        result["attempts"] = [_attempt_json(attempt) for attempt in run.attempts]
    if run.outputs is not None:
        result["outputs"] = json_ready(run.outputs)
    if run.dynamic:
        result["dynamic"] = True
    if run.force_execution:
        result["forceExecution"] = True
    if run.mocked:
        result["mocked"] = True
    return result


def execution_json(execution: Execution) -> dict[str, Any]:
    result: dict[str, Any] = {
        "id": execution.id,
        "namespace": execution.namespace,
        "flowId": execution.flow_id,
        "flowRevision": execution.flow_revision,
        "state": state_json(execution.state),
        "taskRunList": [task_run_json(run) for run in execution.task_runs],
        "inputs": json_ready(execution.inputs),
        "labels": [{"key": key, "value": value} for key, value in execution.labels],
        "originalId": execution.original_id or execution.id,
        "metadata": {"attemptNumber": execution.attempt_number},
    }
    optional: dict[str, Any] = {
        "outputs": execution.outputs,
        "variables": execution.variables,
        "trigger": execution.trigger,
        "parentId": execution.parent_id,
        "kind": execution.kind,
        "loop": execution.loop,
    }
    result |= {key: json_ready(value) for key, value in optional.items() if value is not None}
    if execution.schedule_date is not None:
        result["scheduleDate"] = instant(execution.schedule_date)
    return result


def log_json(entry: LogEntry) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "namespace": entry.namespace,
        "flowId": entry.flow_id,
        "taskId": entry.task_id,
        "executionId": entry.execution_id,
        "taskRunId": entry.task_run_id,
        "attemptNumber": entry.attempt_number,
        "triggerId": entry.trigger_id,
        "timestamp": instant(entry.timestamp),
        "level": entry.level,
        "thread": entry.thread,
        "message": entry.message,
    }
    return {key: value for key, value in fields.items() if value is not None}


def metric_json(metric: Metric) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": metric.name,
        "type": metric.type,
        "value": metric.value,
        "tags": dict(metric.tags),
        "taskId": metric.task_id,
        "taskRunId": metric.task_run_id,
        "executionId": metric.execution_id,
        "timestamp": instant(metric.timestamp) if metric.timestamp else None,
    }
    return {key: value for key, value in fields.items() if value is not None}


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """The form that `check --format json` and `run --json` share."""
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.label,
        "message": diagnostic.message,
        "file": span.file if span else None,
        "line": span.start.line if span else None,
        "column": span.start.column if span else None,
        "end_line": span.end.line if span else None,
        "end_column": span.end.column if span else None,
        "hint": diagnostic.hint,
    }


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    return [diagnostic_json(diagnostic) for diagnostic in diagnostics]
