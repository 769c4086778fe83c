"""Kestra's execution JSON back into our values: from a server, or from a file that was exported."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from simulator.engine.execution import Attempt, Execution, History, LogEntry, State, StateType, TaskRun

__all__ = ["execution_from_json", "log_from_json", "moment"]


def moment(text: Any) -> dt.datetime:
    """An ISO instant; digits beyond microseconds are cut."""
    value = str(text)
    head, dot, tail = value.partition(".")
    if dot:
        digits = "".join(char for char in tail if char.isdigit())[:6] if tail.endswith("Z") else tail
        value = f"{head}.{digits.ljust(6, '0')}+00:00" if tail.endswith("Z") else value
    return dt.datetime.fromisoformat(value.replace("Z", "+00:00"))


def _state(value: Mapping[str, Any]) -> State:
    histories = tuple(
        History(StateType(item["state"]), moment(item["date"])) for item in value.get("histories") or ()
    )
    if not histories:
        start = moment(value.get("startDate") or "1970-01-01T00:00:00Z")
        histories = (History(StateType(value["current"]), start),)
    return State(histories)


def _task_run(value: Mapping[str, Any], execution: Mapping[str, Any]) -> TaskRun:
    attempts = value.get("attempts")
    return TaskRun(
        id=str(value["id"]),
        execution_id=str(value.get("executionId") or execution["id"]),
        namespace=str(value.get("namespace") or execution.get("namespace") or ""),
        flow_id=str(value.get("flowId") or execution.get("flowId") or ""),
        task_id=str(value["taskId"]),
        state=_state(value["state"]),
        parent_task_run_id=value.get("parentTaskRunId"),
        value=value.get("value"),
        iteration=value.get("iteration"),
        attempts=None if attempts is None else tuple(Attempt(_state(item["state"])) for item in attempts),
        outputs=value.get("outputs"),
        dynamic=bool(value.get("dynamic")),
    )


def _labels(value: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(value, Mapping):
        return tuple((str(key), str(item)) for key, item in value.items())
    return tuple((str(item["key"]), str(item["value"])) for item in value or ())


def execution_from_json(value: Mapping[str, Any]) -> Execution:
    """An `Execution`; fields that the JSON lacks are empty. Raises ValueError or KeyError for anything else."""
    return Execution(
        id=str(value["id"]),
        namespace=str(value["namespace"]),
        flow_id=str(value["flowId"]),
        state=_state(value["state"]),
        flow_revision=int(value.get("flowRevision") or 1),
        task_runs=tuple(_task_run(item, value) for item in value.get("taskRunList") or ()),
        inputs=value.get("inputs") or {},
        outputs=value.get("outputs"),
        labels=_labels(value.get("labels")),
        variables=value.get("variables"),
        trigger=value.get("trigger"),
        parent_id=value.get("parentId"),
        original_id=value.get("originalId"),
        attempt_number=int((value.get("metadata") or {}).get("attemptNumber") or 1),
        kind=value.get("kind"),
    )


def log_from_json(value: Mapping[str, Any]) -> LogEntry:
    return LogEntry(
        namespace=str(value.get("namespace") or ""),
        flow_id=str(value.get("flowId") or ""),
        execution_id=str(value.get("executionId") or ""),
        level=str(value.get("level") or "INFO"),
        message=str(value.get("message") or ""),
        timestamp=moment(value.get("timestamp") or "1970-01-01T00:00:00Z"),
        task_id=value.get("taskId"),
        task_run_id=value.get("taskRunId"),
        attempt_number=value.get("attemptNumber"),
        trigger_id=value.get("triggerId"),
        thread=str(value.get("thread") or "main"),
    )
