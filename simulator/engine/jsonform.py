"""Executions, task runs, log entries and metrics as JSON and back: Kestra's field names, ISO dates, for the store and reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Any

from simulator.engine.execution import (
    Attempt,
    Execution,
    History,
    LogEntry,
    Metric,
    State,
    StateType,
    TaskRun,
)
from simulator.values import format_duration

__all__ = [
    "date_text",
    "execution_from_json",
    "log_from_json",
    "log_to_json",
    "metric_from_json",
    "metric_to_json",
    "moment",
    "plain",
    "state_from_json",
    "state_to_json",
    "task_run_from_json",
    "task_run_to_json",
    "to_json",
]


def date_text(moment: dt.datetime) -> str:
    """ISO-8601 in UTC with milliseconds and `Z`."""
    return _utc_text(moment if moment.tzinfo is dt.UTC else moment.astimezone(dt.UTC))


@lru_cache(4096)
def _utc_text(moment: dt.datetime) -> str:
    # Every event of a task run tells its whole history again: the same few moments.
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """A JSON-able copy: dates and times as ISO text, durations as seconds, bytes as base64, decimals as numbers; numbers
    that JSON has not are text (`NaN`, `Infinity`), as Jackson writes them."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value).replace("inf", "Infinity").replace("nan", "NaN")
    if isinstance(value, (dict, Mapping)):  # the first of the two is asked in no time
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return plain(float(value))
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode("ascii")
    return str(value)


def state_to_json(state: State) -> dict[str, Any]:
    first, last = state.histories[0], state.histories[-1]
    found: dict[str, Any] = {
        "current": str(last.state),
        "histories": [
            {"state": str(entry.state), "date": date_text(entry.date)} for entry in state.histories
        ],
        "startDate": date_text(first.date),
    }
    if last.state.is_terminated:
        found["endDate"] = date_text(last.date)
        found["duration"] = format_duration(last.date - first.date)
    return found


def moment(text: Any) -> dt.datetime:
    """An ISO instant, aware; digits beyond microseconds (a server writes nanoseconds) are cut."""
    head, dot, tail = str(text).removesuffix("Z").partition(".")
    found = dt.datetime.fromisoformat(
        f"{head}.{tail[:6].ljust(6, '0')}" if dot and tail.isdigit() else str(text)
    )
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def state_from_json(data: Mapping[str, Any]) -> State:
    """A search result has no histories: then the start is all that is known."""
    histories = tuple(
        History(StateType(entry["state"]), moment(entry["date"])) for entry in data.get("histories") or ()
    )
    if not histories:
        start = moment(data.get("startDate") or "1970-01-01T00:00:00Z")
        histories = (History(StateType(data["current"]), start),)
    return State(histories)


def task_run_to_json(run: TaskRun) -> dict[str, Any]:
    """Absent fields are left out, as in Kestra's API."""
    found: dict[str, Any] = {
        "id": run.id,
        "executionId": run.execution_id,
        "namespace": run.namespace,
        "flowId": run.flow_id,
        "taskId": run.task_id,
    }
    if run.parent_task_run_id is not None:
        found["parentTaskRunId"] = run.parent_task_run_id
    if run.value is not None:
        found["value"] = run.value
    if run.iteration is not None:
        found["iteration"] = run.iteration
    if run.outputs is not None:
        found["outputs"] = plain(run.outputs)
    if run.dynamic:
        found["dynamic"] = True
    if run.force_execution:
        found["forceExecution"] = True
    if run.mocked:
        found["mocked"] = True
    if run.attempts is not None:
        found["attempts"] = [
            {"state": state_to_json(item.state), **({"logFile": item.log_file} if item.log_file else {})}
            for item in run.attempts
        ]
    found["state"] = state_to_json(run.state)
    return found


def task_run_from_json(data: Mapping[str, Any], execution: Mapping[str, Any] | None = None) -> TaskRun:
    """A task run; 2.0's API leaves out what its execution says already."""
    above = execution or {}
    attempts = data.get("attempts")
    return TaskRun(
        id=data["id"],
        execution_id=data.get("executionId") or above.get("id", ""),
        namespace=data.get("namespace") or above.get("namespace", ""),
        flow_id=data.get("flowId") or above.get("flowId", ""),
        task_id=data["taskId"],
        state=state_from_json(data["state"]),
        parent_task_run_id=data.get("parentTaskRunId"),
        value=data.get("value"),
        iteration=data.get("iteration"),
        attempts=None
        if attempts is None
        else tuple(Attempt(state_from_json(item["state"]), item.get("logFile")) for item in attempts),
        outputs=data.get("outputs"),
        dynamic=bool(data.get("dynamic")),
        force_execution=bool(data.get("forceExecution")),
        mocked=bool(data.get("mocked")),
    )


def to_json(execution: Execution, *, task_runs: bool = True) -> dict[str, Any]:
    """The shape of Kestra's REST API."""
    found: dict[str, Any] = {
        "id": execution.id,
        "namespace": execution.namespace,
        "flowId": execution.flow_id,
        "flowRevision": execution.flow_revision,
    }
    if task_runs:
        found["taskRunList"] = [task_run_to_json(run) for run in execution.task_runs]
    found["inputs"] = plain(execution.inputs)
    if execution.outputs is not None:
        found["outputs"] = plain(execution.outputs)
    if execution.variables is not None:
        found["variables"] = plain(execution.variables)
    trigger = _trigger_to_json(execution)
    if trigger:
        found["trigger"] = trigger
    if execution.parent_id is not None:
        found["parentId"] = execution.parent_id
    if execution.original_id is not None:
        found["originalId"] = execution.original_id
    if execution.kind is not None:
        found["kind"] = execution.kind
    if execution.loop is not None:
        found["loop"] = plain(execution.loop)
    if execution.schedule_date is not None:
        found["scheduleDate"] = date_text(execution.schedule_date)
    found["labels"] = [{"key": key, "value": value} for key, value in execution.labels]
    found["metadata"] = {"attemptNumber": execution.attempt_number}
    found["state"] = state_to_json(execution.state)
    return found


def _trigger_to_json(execution: Execution) -> dict[str, Any]:
    """What started the execution: id and type of the trigger (or the task), its variables."""
    found: dict[str, Any] = {}
    if execution.trigger_id is not None:
        found["id"] = execution.trigger_id
    if execution.trigger_type is not None:
        found["type"] = execution.trigger_type
    if execution.trigger is not None:
        found["variables"] = plain(execution.trigger)
    return found


def _labels(value: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(value, Mapping):
        return tuple((str(key), str(item)) for key, item in value.items())
    return tuple((str(item["key"]), str(item["value"])) for item in value or ())


def execution_from_json(data: Mapping[str, Any]) -> Execution:
    """An execution as we or a server write it; what the JSON lacks is empty. Raises KeyError or ValueError for anything
    that is no execution."""
    trigger = data.get("trigger") or {}
    schedule = data.get("scheduleDate")
    return Execution(
        id=data["id"],
        namespace=data["namespace"],
        flow_id=data["flowId"],
        state=state_from_json(data["state"]),
        flow_revision=data.get("flowRevision") or 1,
        task_runs=tuple(task_run_from_json(run, data) for run in data.get("taskRunList") or ()),
        inputs=data.get("inputs") or {},
        outputs=data.get("outputs"),
        labels=_labels(data.get("labels")),
        variables=data.get("variables"),
        trigger=trigger.get("variables"),
        trigger_id=trigger.get("id"),
        trigger_type=trigger.get("type"),
        parent_id=data.get("parentId"),
        original_id=data.get("originalId"),
        attempt_number=(data.get("metadata") or {}).get("attemptNumber", 1),
        kind=data.get("kind"),
        loop=data.get("loop"),
        schedule_date=moment(schedule) if schedule else None,
    )


def log_to_json(entry: LogEntry) -> dict[str, Any]:
    found: dict[str, Any] = {
        "namespace": entry.namespace,
        "flowId": entry.flow_id,
        "executionId": entry.execution_id,
        "taskId": entry.task_id,
        "taskRunId": entry.task_run_id,
        "attemptNumber": entry.attempt_number,
        "triggerId": entry.trigger_id,
        "timestamp": date_text(entry.timestamp),
        "level": entry.level,
        "thread": entry.thread,
        "message": entry.message,
    }
    return {key: value for key, value in found.items() if value is not None}


def log_from_json(data: Mapping[str, Any]) -> LogEntry:
    return LogEntry(
        namespace=data.get("namespace", ""),
        flow_id=data.get("flowId", ""),
        execution_id=data.get("executionId", ""),
        level=data.get("level") or "INFO",
        message=data.get("message") or "",
        timestamp=moment(data.get("timestamp") or "1970-01-01T00:00:00Z"),
        task_id=data.get("taskId"),
        task_run_id=data.get("taskRunId"),
        attempt_number=data.get("attemptNumber"),
        trigger_id=data.get("triggerId"),
        thread=data.get("thread", "main"),
    )


def metric_to_json(metric: Metric) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": metric.name,
        "type": metric.type,
        "value": metric.value,
        "tags": dict(metric.tags),
        "taskId": metric.task_id,
        "taskRunId": metric.task_run_id,
        "executionId": metric.execution_id,
        "timestamp": None if metric.timestamp is None else date_text(metric.timestamp),
    }
    return {key: value for key, value in found.items() if value is not None}


def metric_from_json(found: Mapping[str, Any]) -> Metric:
    """The inverse of `metric_to_json`."""
    return Metric(
        found["name"],
        found["type"],
        found["value"],
        found.get("tags") or {},
        found.get("taskId"),
        found.get("taskRunId"),
        found.get("executionId"),
        moment(found["timestamp"]) if found.get("timestamp") else None,
    )
