"""What a Flow trigger has seen so far: dependencies satisfied in a window of time (core-tasks.md 10, migration.md 5.2).

1.x `preconditions` (timeWindow, resetOnSuccess) and 2.0 `dependsOn` (window, fireOnce, mode) are the same memory with
other names. A window opens with the first event and is kept until it is over or its trigger fires; its bounds (as
1.1.15 and 2.0.0 compute them) are

| window | from | until |
|---|---|---|
| none, DURATION_WINDOW, `every` | the day, hour or part of the hour of the first event, by the length; plus the advance | its length later |
| SLIDING_WINDOW, `lookback` | the first event | its length later |
| DAILY_TIME_DEADLINE, `deadline` | midnight | the deadline |
| DAILY_TIME_WINDOW, `from`, `to` | the one time of the day | the other |

An event outside of its window counts for nothing. A dependency is known by what it says, not by its position, so that a
changed flow keeps its memory.
"""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.engine.context import duration_of
from simulator.errors import InvalidFlowError

__all__ = ["Memory", "Window", "bounds_of", "key_of"]

_DAY = dt.timedelta(days=1)
_HOUR = dt.timedelta(hours=1)
_MINUTE = dt.timedelta(minutes=1)


def key_of(dependency: Mapping[str, Any]) -> str:
    """The identity of a dependency."""
    return json.dumps(dependency, sort_keys=True, default=str)


def bounds_of(
    options: Mapping[str, Any] | None, now: dt.datetime, zone: dt.tzinfo = dt.UTC
) -> tuple[dt.datetime, dt.datetime]:
    """[from, until) of the window that an event at `now` opens. Times of a day are those of `timezone`, else of `zone`.

    Raises InvalidFlowError for a time or a zone that cannot be read.
    """
    options = options or {}
    if options.get("timezone"):
        try:
            zone = zoneinfo.ZoneInfo(str(options["timezone"]))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise InvalidFlowError(
                f"timezone '({options['timezone']})' is not a valid time-zone ID"
            ) from None
    local = now.astimezone(zone)
    kind = options.get("type")
    if options.get("deadline") is not None and kind in (None, "DAILY_TIME_DEADLINE"):
        return local.replace(hour=0, minute=0, second=0, microsecond=0), _at(local, options["deadline"])
    start, end = options.get("startTime") or options.get("from"), options.get("endTime") or options.get("to")
    if start is not None and end is not None and kind in (None, "DAILY_TIME_WINDOW"):
        return _at(local, start), _at(local, end)
    if kind == "SLIDING_WINDOW" or options.get("lookback") is not None:
        return now, now + (duration_of(options.get("lookback") or options.get("window")) or _DAY)
    length = duration_of(options.get("window") or options.get("every")) or _DAY
    begin = _begin(local, length) + (
        duration_of(options.get("windowAdvance") or options.get("offset")) or dt.timedelta()
    )
    return begin, begin + length


def _begin(local: dt.datetime, length: dt.timedelta) -> dt.datetime:
    """Where a window of this length begins: by day from a day on, by hour from an hour on, else by parts of the hour."""
    begin = local.replace(microsecond=0)
    if length >= _DAY:
        begin = begin.replace(hour=0)
    if length >= _HOUR:
        return begin.replace(minute=0, second=0)
    if length < _MINUTE:
        return begin
    minutes = length // _MINUTE
    return begin.replace(minute=begin.minute // minutes * minutes, second=0)


def _at(day: dt.datetime, text: Any) -> dt.datetime:
    try:
        time = dt.time.fromisoformat(str(text))
    except ValueError:
        raise InvalidFlowError(f"`{text}` is no time of a day") from None
    return dt.datetime.combine(day.date(), time.replace(tzinfo=time.tzinfo or day.tzinfo))


@dataclass(slots=True)
class Window:
    """One window: what was satisfied in it, and the outputs of the executions that did so, by namespace and flow."""

    start: dt.datetime
    end: dt.datetime
    seen: set[str] = field(default_factory=set)
    outputs: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Memory:
    """The window of one trigger."""

    window: Window | None = None

    def open(
        self, options: Mapping[str, Any] | None, now: dt.datetime, zone: dt.tzinfo = dt.UTC
    ) -> Window | None:
        """The window that an event at `now` counts in: the one at hand, or a new one; None outside of it."""
        if self.window is None or not self.window.start <= now < self.window.end:
            self.window = Window(*bounds_of(options, now, zone))
        return self.window if self.window.start <= now < self.window.end else None

    def satisfied(self, keys: Iterable[str]) -> int:
        """How many of `keys` were seen in the window."""
        return sum(key in self.window.seen for key in keys) if self.window is not None else 0

    def reset(self) -> None:
        self.window = None
