"""The same flow here and on a server, side by side: what differs once everything unstable is made equal.

Ids, times, durations, hosts and storage paths differ between any two runs; they are replaced by words before the
comparison. What is left is a difference of behaviour: one of us is wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.engine.execution import Execution, LogEntry
from simulator.engine.jsonform import plain

__all__ = ["Difference", "compare", "known", "normalise"]

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:kestra|nsfile|file)://[^\s\"'\])}]*"), "<uri>"),
    (re.compile(r"https?://[^\s/\"']+"), "<host>"),
    (
        re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?(?:\[[\w/]+\])?"),
        "<time>",
    ),
    (re.compile(r"\b\d\d:\d\d:\d\d\.\d+\b"), "<duration>"),
    (re.compile(r"\b(?:127\.0\.0\.1|localhost)(?::\d+)?\b"), "<host>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    # FriendlyId: 20-22 characters of base 62 with letters of both cases and digits
    (re.compile(r"\b(?=\w*[a-z])(?=\w*[A-Z])(?=\w*\d)[0-9A-Za-z]{20,22}\b"), "<id>"),
    (re.compile(r"/tmp/[^\s\"']*"), "<path>"),
)

_SYSTEM_LABELS = frozenset({"system.correlationId", "system.from"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that is not the same. `where` is a path such as `taskRuns.fetch.state`."""

    where: str
    here: Any
    there: Any
    reason: str | None = None
    """Why it is known (from the file of known differences), None when it is not."""


def normalise(value: Any) -> Any:
    """The value with everything unstable as a word."""
    value = plain(value)
    match value:
        case str():
            for pattern, word in _PATTERNS:
                value = pattern.sub(word, value)
            return value
        case dict():
            return {key: normalise(item) for key, item in value.items()}
        case list():
            return [normalise(item) for item in value]
    return value


def _facts(execution: Execution, logs: Iterable[LogEntry]) -> dict[str, Any]:
    """What is compared, by path."""
    facts: dict[str, Any] = {
        "state": str(execution.state.current),
        "stateHistory": [str(item.state) for item in execution.state.histories],
        "outputs": normalise(execution.outputs or {}),
        "inputs": normalise(execution.inputs),
        "labels": sorted(
            f"{key}={normalise(value)}" for key, value in execution.labels if key not in _SYSTEM_LABELS
        ),
        "taskRuns": len(execution.task_runs),
    }
    numbers: Counter[str] = Counter()
    for run in execution.task_runs:
        name = run.task_id + (f"[{run.value}]" if run.value is not None else "")
        numbers[name] += 1
        path = f"taskRuns.{name}" + (f"#{numbers[name]}" if numbers[name] > 1 else "")
        facts[f"{path}.state"] = str(run.state.current)
        facts[f"{path}.iteration"] = run.iteration
        facts[f"{path}.attempts"] = len(run.attempts) if run.attempts is not None else None
        facts[f"{path}.outputs"] = normalise(run.outputs or {})
    lines: Counter[str] = Counter()
    for entry in logs:
        if entry.level in ("TRACE", "DEBUG"):
            continue  # stack traces and internals differ by nature
        lines[f"{entry.level} {entry.task_id or '-'}: {normalise(entry.message)}"] += 1
    for line, count in lines.items():
        facts[f"logs.{line}"] = count
    return facts


def compare(
    here: Execution, there: Execution, here_logs: Sequence[LogEntry] = (), there_logs: Sequence[LogEntry] = ()
) -> list[Difference]:
    """Every fact that differs, in the order of this side's facts, then what only the other side has."""
    left, right = _facts(here, here_logs), _facts(there, there_logs)
    missing = object()
    found = []
    for path in [*left, *(path for path in right if path not in left)]:
        a, b = left.get(path, missing), right.get(path, missing)
        if a != b:
            found.append(Difference(path, None if a is missing else a, None if b is missing else b))
    return found


def known(differences: Iterable[Difference], reasons: Mapping[str, str]) -> list[Difference]:
    """The differences with the reasons of a file of known ones (path or pattern with `*` -> reason)."""
    from dataclasses import replace
    from fnmatch import fnmatchcase

    result = []
    for difference in differences:
        reason = next(
            (text for pattern, text in reasons.items() if fnmatchcase(difference.where, pattern)), None
        )
        result.append(replace(difference, reason=reason))
    return result
