"""What a Flow trigger has seen so far: dependencies satisfied in a window of time (core-tasks.md 10).

1.x `preconditions` (timeWindow, resetOnSuccess) and 2.0 `dependsOn` (window, fireOnce, mode) are the same memory with
other names. A dependency is known by what it says, not by its position, so that a changed flow keeps its memory.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.engine.context import duration_of

__all__ = ["Memory", "Window", "key_of", "window_of"]

_DAY = dt.timedelta(days=1)


def key_of(dependency: Mapping[str, Any]) -> str:
    """The identity of a dependency."""
    return json.dumps(dependency, sort_keys=True, default=str)


@dataclass(frozen=True, slots=True)
class Window:
    """Events count from `start` on; after `end` none do."""

    start: dt.datetime
    end: dt.datetime | None = None


def _at(day: dt.datetime, text: Any) -> dt.datetime:
    time = dt.time.fromisoformat(str(text))
    moment = dt.datetime.combine(day.date(), time.replace(tzinfo=None))
    return moment.replace(tzinfo=time.tzinfo or day.tzinfo)


def window_of(options: Mapping[str, Any] | None, now: dt.datetime) -> Window:
    """The window that `now` lies in; by default the day."""
    options = options or {}
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if options.get("deadline"):
        return Window(midnight, _at(now, options["deadline"]))
    start, end = options.get("startTime") or options.get("from"), options.get("endTime") or options.get("to")
    if start or end:
        return Window(_at(now, start) if start else midnight, _at(now, end) if end else None)
    if options.get("lookback"):
        return Window(now - duration_of(options["lookback"]))
    if options.get("type") == "SLIDING_WINDOW" and options.get("window"):
        return Window(now - duration_of(options["window"]))
    length = duration_of(options.get("window") or options.get("every")) or _DAY
    advance = duration_of(options.get("windowAdvance") or options.get("offset")) or dt.timedelta()
    base = midnight + advance
    while base > now:
        base -= length
    return Window(base + (now - base) // length * length)


@dataclass(slots=True)
class Memory:
    """Satisfied dependencies of one trigger: key -> (when, outputs of the execution)."""

    seen: dict[str, tuple[dt.datetime, Mapping[str, Any]]] = field(default_factory=dict)

    def add(self, key: str, now: dt.datetime, outputs: Mapping[str, Any] | None) -> None:
        self.seen[key] = (now, outputs or {})

    def satisfied(self, keys: list[str], window: Window, now: dt.datetime) -> list[str]:
        """Those of `keys` that were seen in the window; older ones are forgotten."""
        if window.end is not None and now > window.end:
            return []
        self.seen = {key: entry for key, entry in self.seen.items() if entry[0] >= window.start}
        return [key for key in keys if key in self.seen]

    def outputs(self) -> dict[str, Any]:
        """Outputs of all satisfied dependencies, later ones win."""
        merged: dict[str, Any] = {}
        for _, outputs in sorted(self.seen.values(), key=lambda entry: entry[0]):
            merged.update(outputs)
        return merged
