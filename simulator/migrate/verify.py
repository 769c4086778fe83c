"""Compares a run before a migration with one after it: states, outputs, logs, task by task.

Both runs are given as JSON of executions (the shape of Kestra's API, `simulator.engine.jsonform`), with the
executions of Loop iterations beside the one they belong to. A 1.x loop keeps its task runs in one list, with their
values; a 2.0 Loop runs every iteration as an execution of its own: both are brought to the same form, a task id and
the values of the loops around it. Ids, times and storage URIs differ in every run and are compared by kind only.

    compare(before, after, ignore=made_or_removed(old_text, new_text))
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from simulator.migrate.walk import tasks
from simulator.source.yaml import read_yaml

__all__ = ["Difference", "Run", "compare", "made_or_removed"]

Json: TypeAlias = Mapping[str, Any]
Key: TypeAlias = tuple[str, tuple[str, ...]]
"""A task id and the values of the loops around it, the outermost first."""


@dataclass(frozen=True, slots=True)
class Run:
    """One execution with all that belongs to it."""

    execution: Json
    iterations: Sequence[Json] = ()
    """Executions of kind LOOP, of all Loops inside, in any order."""
    logs: Sequence[Json] = ()
    """Log entries with `level`, `message`, `taskId`."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same: `what` (state, outputs, task run, task state, task outputs, log), `where`, both values."""

    what: str
    where: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.what} of {self.where}: {self.before!r} before, {self.after!r} after"


_LOOPS = frozenset(
    {"flow.Loop", "flow.ForEach", "flow.EachSequential", "flow.EachParallel", "flow.ForEachItem"}
)
_ITEM_RUNS = ("_split", "_items", "_merge")


def made_or_removed(before: str, after: str) -> frozenset[str]:
    """Ids of the tasks that a migration made, removed or gave other outputs: what `compare` has to ignore.

    Takes both flow texts. Raises InvalidFlowError when one is no YAML.
    """
    old, new = ({task.id: task for task in tasks(read_yaml(text))} for text in (before, after))
    loops = {task.id for side in (old, new) for task in side.values() if task.name in _LOOPS}
    runs = {
        f"{task.id}{end}" for task in old.values() if task.name == "flow.ForEachItem" for end in _ITEM_RUNS
    }
    return frozenset((old.keys() ^ new.keys()) | loops | runs)


def compare(before: Run, after: Run, *, ignore: Collection[str] = ()) -> list[Difference]:
    """All differences, the state of the execution first.

    `ignore` names tasks that only exist on one side because the migration made or removed them (the Split in front of a
    Loop, a loop itself, whose outputs are new). Order is not compared between task runs: a loop may run side by side.
    """
    skipped = frozenset(ignore)
    found = list(_values("state", "the execution", _state(before.execution), _state(after.execution)))
    found += _values(
        "outputs",
        "the execution",
        _stable(before.execution.get("outputs")),
        _stable(after.execution.get("outputs")),
    )
    old, new = _task_runs(before, skipped), _task_runs(after, skipped)
    for key in sorted(old.keys() | new.keys()):
        where = _name(key)
        if key not in old or key not in new:
            found.append(
                Difference(
                    "task run", where, *("ran" if key in side else "did not run" for side in (old, new))
                )
            )
            continue
        found += _values("task state", where, old[key][0], new[key][0])
        # a run without outputs is an empty map in the JSON of 1.x, and nothing in that of 2.0
        found += _values("task outputs", where, old[key][1] or {}, new[key][1] or {})
    found += _logs(before, after, skipped)
    return found


def _values(what: str, where: str, before: Any, after: Any) -> Iterator[Difference]:
    if before != after:
        yield Difference(what, where, before, after)


def _state(execution: Json) -> str:
    return str(execution["state"]["current"])


def _name(key: Key) -> str:
    task, values = key
    return f"{task}[{']['.join(values)}]" if values else task


def _task_runs(run: Run, skipped: frozenset[str]) -> dict[Key, tuple[str, Any]]:
    """State and outputs of every task run; of several with the same key (retries of a loop) the last one."""
    found: dict[Key, tuple[str, Any]] = {}
    by_id = {execution["id"]: execution for execution in run.iterations}
    for execution in (run.execution, *run.iterations):
        around = _iteration_values(execution, by_id)
        runs = {task_run["id"]: task_run for task_run in execution.get("taskRunList") or ()}
        for task_run in runs.values():
            task = str(task_run["taskId"])
            if task not in skipped:
                key = (task, (*around, *_run_values(task_run, runs)))
                found[key] = (_state(task_run), _stable(task_run.get("outputs")))
    return found


def _iteration_values(execution: Json, by_id: Mapping[str, Json]) -> tuple[str, ...]:
    """The values of the Loops that an iteration's execution stands in."""
    values: list[str] = []
    seen: set[str] = set()
    current: Json | None = execution
    while current is not None and current.get("loop") and current["id"] not in seen:
        seen.add(current["id"])
        values.append(_text(current["loop"].get("value")))
        current = by_id.get(current.get("parentId") or "")
    return tuple(reversed(values))


def _run_values(task_run: Json, runs: Mapping[str, Json]) -> tuple[str, ...]:
    """The values of a 1.x task run and of the runs around it."""
    values: list[str] = []
    seen: set[str] = set()
    current: Json | None = task_run
    while current is not None and current["id"] not in seen:
        seen.add(current["id"])
        if current.get("value") is not None:
            values.append(_text(current["value"]))
        current = runs.get(current.get("parentTaskRunId") or "")
    return tuple(reversed(values))


def _text(value: Any) -> str:
    return str(_stable(value))


_STORAGE = re.compile(r"kestra:///[^\s\"']*?(\.[A-Za-z0-9]+)?(?=[\s\"']|$)")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_ID = re.compile(r"\b(?=[0-9a-zA-Z]*\d)(?=[0-9a-zA-Z]*[a-zA-Z])[0-9a-zA-Z]{20,22}\b")
"""Kestra's ids: 128 bits in base 62."""


def _stable(value: Any) -> Any:
    """A value without what differs from run to run."""
    if isinstance(value, str):
        text = _STORAGE.sub(lambda found: f"<storage>{found[1] or ''}", value)
        return _ID.sub("<id>", _TIME.sub("<time>", text))
    if isinstance(value, Mapping):
        return {key: _stable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_stable(item) for item in value]
    return value


_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def _message(text: str) -> str:
    """A log message; expressions that an error quotes were rewritten."""
    return _TEMPLATE.sub("<expression>", _text(text))


def _logs(before: Run, after: Run, skipped: frozenset[str]) -> Iterator[Difference]:
    """Messages that one side has more often than the other. DEBUG and TRACE are Kestra's own talk."""

    def count(run: Run) -> Counter[tuple[str, str, str]]:
        return Counter(
            (str(entry.get("taskId") or ""), str(entry["level"]), _message(str(entry["message"])))
            for entry in run.logs
            if entry["level"] not in ("DEBUG", "TRACE") and entry.get("taskId") not in skipped
        )

    old, new = count(before), count(after)
    for key in sorted(old.keys() | new.keys()):
        if old[key] != new[key]:
            task, level, message = key
            where = f"{task or 'the execution'} ({level} {message!r})"
            yield Difference("log", where, f"{old[key]} times", f"{new[key]} times")
