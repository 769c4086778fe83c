"""Kept executions: events appended to a file as they happen, and read back.

    <state dir>/runs/<run>/events.jsonl      one JSON object a line, mode 0600

What happened in a turn of the loop is handed to the operating system in one piece, before anybody else learns of it: a
crash or `kill -9` loses nothing that was reported. Of several changes of the same task run or execution in a turn the
last one is written: it has the whole history. At the end of an execution (children apart: a Loop has one per round), at a
pause and at the end of the run all is forced to the disk. A line cut short by a crash is ignored when read. Everything
goes through the redactor: secrets are never stored in clear.
"""

from __future__ import annotations

import json
import mmap
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from simulator.engine.events import (
    DiagnosticRaised,
    DoubleReady,
    Event,
    ExecutionChanged,
    ExecutionEnded,
    ExecutionStarted,
    LogEmitted,
    MetricEmitted,
    RunEnded,
    RunStarted,
    TaskRunChanged,
    TimeJumped,
)
from simulator.engine.execution import Execution, LogEntry, Metric, TaskRun
from simulator.engine.jsonform import (
    date_text,
    execution_from_json,
    log_from_json,
    log_to_json,
    metric_from_json,
    metric_to_json,
    plain,
    task_run_from_json,
    task_run_to_json,
    to_json,
)
from simulator.errors import NotFoundError, StorageError, UsageError

__all__ = ["EVENTS", "EventStore", "Store", "StoredRun", "execution_ids", "read_run"]

EVENTS = "events.jsonl"

#: As `_encode` writes the beginning of an execution (the first word of it that is kept may be its last: see `_latest`); a
#: line without an end does not count.
_TOLD = re.compile(rb'^\{"e":"(?:started|changed|ended)","execution":\{"id":"([^"]+)".*\n', re.MULTILINE)


def _must_last(event: Event) -> bool:
    """Whether a power cut may not take this line either."""
    match event:
        case ExecutionEnded():
            return event.execution.parent_id is None
        case ExecutionChanged():
            return event.execution.state.current == "PAUSED"
    return isinstance(event, RunEnded)


def _encode(event: Event) -> dict[str, Any] | None:
    match event:
        case TaskRunChanged():
            body: dict[str, Any] = {
                "e": "taskRun",
                "taskRun": task_run_to_json(event.task_run),
                "type": event.task_type,
            }
            if event.removed:
                body["removed"] = True
            if event.fact:
                body["fact"] = event.fact
            return body
        case LogEmitted():
            return {"e": "log", "log": log_to_json(event.entry)}
        case ExecutionStarted():
            return {"e": "started", "execution": to_json(event.execution, task_runs=False)}
        case ExecutionChanged():
            return {"e": "changed", "execution": to_json(event.execution, task_runs=False)}
        case ExecutionEnded():
            return {"e": "ended", "execution": to_json(event.execution, task_runs=False)}
        case MetricEmitted():
            return {"e": "metric", "metric": metric_to_json(event.metric)}
        case RunStarted():
            return {
                "e": "run",
                "at": date_text(event.at),
                "file": event.flow_file,
                "namespace": event.namespace,
                "flowId": event.flow_id,
                "dialect": event.dialect,
                "facts": plain(event.facts),
            }
        case RunEnded():
            return {
                "e": "end",
                "at": date_text(event.at),
                "exitCode": event.exit_code,
                "facts": plain(event.facts),
            }
        case DiagnosticRaised():
            return {"e": "diagnostic", "text": str(event.diagnostic)}
        case DoubleReady():
            return {"e": "double", "name": event.name}
        case TimeJumped():
            return None
    return None


def _latest(events: Sequence[Event]) -> Collection[Event]:
    """The events without changes that a later one tells again, in the order in which each thing was first told of."""
    latest: dict[Any, Event] = {}
    for number, event in enumerate(events):
        match event:
            case TaskRunChanged():
                before = latest.get(event.task_run.id)
                if isinstance(before, TaskRunChanged) and before.fact and not event.fact:
                    event = replace(event, fact=before.fact)
                latest[event.task_run.id] = event
            case ExecutionStarted() | ExecutionChanged() | ExecutionEnded():
                latest[event.execution.id] = event
            case _:
                latest[number] = event
    return latest.values()


def _line(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a surrogate pair, a number beyond 64 bits: the slow encoder knows them
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "surrogatepass") + b"\n"


class EventStore:
    """A reporter (events.Reporter) that keeps a run. `redact` masks lines, one or many."""

    def __init__(self, folder: Path, redact: Callable[[str], str]) -> None:
        """Raises StorageError when the file cannot be written."""
        self.path = folder / EVENTS
        self._redact = redact
        try:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"Cannot write {self.path}: {error.strerror}") from None

    def on_event(self, event: Event) -> None:
        """Appends one event, as `on_events`."""
        self.on_events((event,))

    def on_events(self, events: Sequence[Event]) -> None:
        """Appends the events of a turn. Raises StorageError when the disk refuses them."""
        latest = _latest(events)
        data = b"".join([_line(body) for body in map(_encode, latest) if body is not None])
        text = data.decode("utf-8", "surrogatepass")
        masked = self._redact(text)
        if masked != text:
            data = masked.encode("utf-8", "surrogatepass")
        lasts = any(map(_must_last, latest))
        try:
            while data:
                data = data[os.write(self._file, data) :]
            if lasts:
                os.fsync(self._file)
        except OSError as error:
            raise StorageError(f"Cannot write {self.path}: {error.strerror}") from None

    def close(self) -> None:
        """Idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


@dataclass(slots=True)
class StoredRun:
    """What one run left behind."""

    folder: Path
    started: Mapping[str, Any] = field(default_factory=dict)
    """Keys of its first line: at, file, namespace, flowId, dialect, facts."""
    executions: dict[str, Execution] = field(default_factory=dict)
    logs: dict[str, list[LogEntry]] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    """Task run id -> type of its task."""
    facts: dict[str, str] = field(default_factory=dict)
    """Task run id -> the one thing that mattered about it."""
    diagnostics: list[str] = field(default_factory=list)
    exit_code: int | None = None
    """None: the run was cut short."""

    @property
    def main(self) -> Execution | None:
        """The execution that the run was started for."""
        return next(iter(self.executions.values()), None)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as stream:
        for line in stream:
            if not line.endswith(b"\n"):
                return  # cut short by a crash
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                yield found


def read_run(folder: Path) -> StoredRun:
    """Reads a run back. Raises NotFoundError when it kept no events."""
    path = folder / EVENTS
    if not path.is_file():
        raise NotFoundError(f"There are no events of a run in {folder}")
    run = StoredRun(folder)
    task_runs: dict[str, dict[str, TaskRun]] = {}
    for line in _lines(path):
        match line.get("e"):
            case "run":
                run.started = run.started or line
            case "started" | "changed" | "ended":
                execution = execution_from_json(line["execution"])
                run.executions[execution.id] = execution
            case "taskRun":
                task_run = task_run_from_json(line["taskRun"])
                run.types[task_run.id] = str(line.get("type") or "")
                if line.get("fact"):
                    run.facts[task_run.id] = str(line["fact"])
                own = task_runs.setdefault(task_run.execution_id, {})
                if line.get("removed"):
                    own.pop(task_run.id, None)
                else:
                    own[task_run.id] = task_run
            case "log":
                entry = log_from_json(line["log"])
                run.logs.setdefault(entry.execution_id, []).append(entry)
            case "metric":
                run.metrics.append(metric_from_json(line["metric"]))
            case "diagnostic":
                run.diagnostics.append(line["text"])
            case "end":
                run.exit_code = line.get("exitCode")
    for ident, execution in run.executions.items():
        run.executions[ident] = replace(execution, task_runs=tuple(task_runs.get(ident, {}).values()))
    return run


def execution_ids(folder: Path) -> list[str]:
    """The ids of a run's executions, in order of creation; nothing else of it is read into memory."""
    with (folder / EVENTS).open("rb") as stream:
        try:
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            return []  # it is empty
        with content:
            return list(dict.fromkeys(found[1].decode() for found in _TOLD.finditer(content)))


class Store:
    """The kept runs of a state directory, newest first."""

    def __init__(self, state_dir: Path) -> None:
        self.root = state_dir / "runs"

    def folders(self) -> list[Path]:
        if not self.root.is_dir():
            return []
        found = [path for path in self.root.iterdir() if (path / EVENTS).is_file()]
        # names begin with a second; runs of the same second are told apart by their last event
        return sorted(
            found,
            key=lambda path: (path.name.partition("-")[0], (path / EVENTS).stat().st_mtime_ns),
            reverse=True,
        )

    def runs(self) -> Iterator[StoredRun]:
        for folder in self.folders():
            yield read_run(folder)

    def find(self, reference: str | None = None) -> tuple[StoredRun, Execution]:
        """An execution by its id or the beginning of it; without one (or with `last`) the main execution of the newest run.

        Raises NotFoundError, or UsageError when several fit.
        """
        if reference in (None, "last"):
            for run in self.runs():
                if run.main is not None:
                    return run, run.main
            raise NotFoundError(f"No execution is kept in {self.root}", hint="`simulate FLOW` makes one")
        matches: dict[str, Path] = {}
        for folder in self.folders():
            for ident in execution_ids(folder):
                # a restarted execution is kept by each of its runs: the newest one has it as it is
                if ident == reference:
                    return self._execution(folder, ident)
                if ident.startswith(reference):
                    matches.setdefault(ident, folder)
        if not matches:
            raise NotFoundError(
                f"No execution found for execution id {reference}", hint="`simulate executions` lists them"
            )
        if len(matches) > 1:
            names = ", ".join(list(matches)[:5])
            raise UsageError(f"several executions begin with `{reference}`: {names}")
        (found,) = matches
        return self._execution(matches[found], found)

    def _execution(self, folder: Path, ident: str) -> tuple[StoredRun, Execution]:
        run = read_run(folder)
        return run, run.executions[ident]
