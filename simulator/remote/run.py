"""A run on a server, told in the same events as a run here: same console, JSON, report, exit code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.engine.events import (
    Event,
    ExecutionChanged,
    ExecutionEnded,
    ExecutionStarted,
    LogEmitted,
    RunStarted,
    TaskRunChanged,
)
from simulator.engine.execution import Execution, LogEntry, TaskRun
from simulator.engine.jsonform import execution_from_json, log_from_json
from simulator.model.flow import Flow
from simulator.remote.client import KestraClient

__all__ = ["RemoteResult", "RemoteRun", "deploy"]


@dataclass(frozen=True, slots=True)
class RemoteResult:
    execution: Execution
    logs: tuple[LogEntry, ...] = ()
    url: str = ""
    deployed: tuple[str, ...] = field(default_factory=tuple)


def deploy(
    client: KestraClient,
    flows: Iterable[Flow],
    namespace_files: Mapping[str, Mapping[str, bytes]] | None = None,
) -> list[str]:
    """Puts flows and namespace files on the server, those that differ; the names of what was put."""
    done = [str(flow.name) for flow in flows if client.deploy(flow.source, flow.namespace, flow.id)]
    for namespace, files in (namespace_files or {}).items():
        for path, content in files.items():
            client.upload_namespace_file(namespace, path, content)
            done.append(f"{namespace}:{path}")
    return done


class RemoteRun:
    """Starts one execution and follows it. `sink` gets events as they can be known from outside."""

    def __init__(self, client: KestraClient, flow: Flow, sink: Callable[[Event], None]) -> None:
        self._client = client
        self._flow = flow
        self._sink = sink
        self._types = {task.id: task.type for task in flow.walk_tasks()}
        self._seen: dict[str, TaskRun] = {}
        self.execution_id: str | None = None

    def start(self, inputs: Mapping[str, Any], labels: Mapping[str, str]) -> str:
        """Creates the execution; its id."""
        now = dt.datetime.now(dt.UTC)
        self._sink(
            RunStarted(
                now,
                self._flow.file,
                self._flow.namespace,
                self._flow.id,
                str(self._flow.dialect),
                {"on": self._client.url},
            )
        )
        created = execution_from_json(
            self._client.create_execution(self._flow.namespace, self._flow.id, inputs, labels)
        )
        self.execution_id = created.id
        self._sink(ExecutionStarted(now, replace(created, task_runs=())))
        return created.id

    def follow(self, *, timeout: float | None = None) -> RemoteResult:
        """Until the execution is over; emits what changes. Raises RemoteError."""
        assert self.execution_id is not None, "start() comes first"
        last: Execution | None = None
        for value in self._client.follow(self.execution_id, timeout=timeout):
            last = execution_from_json(value)
            self._tell(last)
        assert last is not None
        final = self._with_outputs(last)
        logs = tuple(log_from_json(item) for item in self._client.logs(final.id))
        for entry in logs:
            self._sink(LogEmitted(entry.timestamp, entry))
        self._sink(ExecutionEnded(_date(final), final))
        return RemoteResult(
            final, logs, f"{self._client.url}/ui/main/executions/{final.namespace}/{final.flow_id}/{final.id}"
        )

    def _tell(self, execution: Execution) -> None:
        self._sink(ExecutionChanged(_date(execution), replace(execution, task_runs=())))
        for run in execution.task_runs:
            if self._seen.get(run.id) != run:
                self._seen[run.id] = run
                date = run.state.histories[-1].date
                self._sink(TaskRunChanged(date, run, self._types.get(run.task_id, "")))

    def _with_outputs(self, execution: Execution) -> Execution:
        """2.0 keeps outputs beside the execution: fetched once it is over."""
        if self._flow.dialect.major < 2 or any(run.outputs for run in execution.task_runs):
            return execution
        runs = [
            replace(run, outputs=self._client.outputs(execution.id, run.id)) for run in execution.task_runs
        ]
        return replace(execution, task_runs=tuple(runs))


def _date(execution: Execution) -> dt.datetime:
    return execution.state.histories[-1].date
