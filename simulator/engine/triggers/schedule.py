"""When Schedule and ScheduleOnDates fire, and what the execution sees under `trigger` (core-tasks.md 10)."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from simulator.dialect import Dialect
from simulator.engine.triggers.cron import Cron
from simulator.errors import InvalidFlowError, SimulatorError
from simulator.model.flow import Trigger

__all__ = ["Calendar", "Fire", "Holds", "date_text", "is_schedule", "zone_of"]

_LIMIT = 100_000
"""Dates looked at in a search without an end for one whose conditions hold: every five seconds of almost six days."""
_HORIZON = dt.timedelta(days=3660)

#: Whether the trigger's conditions (`when` in 2.0) hold with these variables; raises SimulatorError when they cannot
#: be evaluated. None: it has none.
Holds = Callable[[Mapping[str, Any]], bool]
_Step = Callable[[dt.datetime], dt.datetime | None]


@dataclass(frozen=True, slots=True)
class Fire:
    """One planned start."""

    date: dt.datetime
    variables: Mapping[str, Any]
    problem: str | None = None
    """Why the conditions could not be evaluated: the execution is created and FAILED (core-tasks.md 10)."""


def zone_of(name: Any, default: dt.tzinfo) -> dt.tzinfo:
    """A trigger's time zone. Raises InvalidFlowError for an unknown one."""
    if name is None:
        return default
    try:
        return zoneinfo.ZoneInfo(str(name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise InvalidFlowError(f"timezone '({name})' is not a valid time-zone ID") from None


def date_text(moment: dt.datetime) -> str:
    """ISO-8601 with the offset, as Kestra puts dates into `trigger`."""
    text = moment.replace(microsecond=0).isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def is_schedule(trigger: Trigger) -> bool:
    return (trigger.canonical or "").endswith((".trigger.Schedule", ".trigger.ScheduleOnDates"))


class _Dates:
    """The dates of ScheduleOnDates, as a cron has them."""

    def __init__(self, dates: Sequence[dt.datetime]) -> None:
        self._dates = sorted(set(dates))

    def next(self, after: dt.datetime) -> dt.datetime | None:
        place = bisect_right(self._dates, after)
        return self._dates[place] if place < len(self._dates) else None

    def previous(self, before: dt.datetime) -> dt.datetime | None:
        place = bisect_left(self._dates, before)
        return self._dates[place - 1] if place else None


class Calendar:
    """The dates of one schedule; with `holds`, those on which its conditions let it fire."""

    def __init__(
        self,
        trigger: Trigger,
        properties: Mapping[str, Any],
        dialect: Dialect,
        default: dt.tzinfo,
        holds: Holds | None,
    ) -> None:
        """`properties` are rendered. Raises InvalidFlowError for a cron, a date or a zone that cannot be read."""
        self.zone = zone_of(properties.get("timezone"), default)
        self._holds = holds
        self._tells_neighbours = (trigger.canonical or "").endswith(".Schedule")
        asked = f"{trigger.when} {trigger.conditions} {properties.get('scheduleConditions')}"
        self._asks_for_neighbours = self._tells_neighbours and ("next" in asked or "previous" in asked)
        if self._tells_neighbours:
            seconds = str(properties.get("withSeconds")).lower() == "true"
            self._dates: Cron | _Dates = Cron(
                str(properties.get("cron")), seconds=seconds, zone=self.zone, dialect=dialect
            )
        else:
            self._dates = _Dates([_moment(item, self.zone) for item in _list(properties.get("dates"))])

    # --- planned dates, whatever the conditions say

    def after(self, moment: dt.datetime) -> dt.datetime | None:
        """The first planned date after a moment."""
        return self._dates.next(moment)

    def at_or_after(self, moment: dt.datetime) -> dt.datetime | None:
        """The planned date that Kestra takes when it is asked at a moment: this one, or the next."""
        whole = moment.replace(microsecond=0)
        return self._dates.next(whole if whole < moment else whole - dt.timedelta(seconds=1))

    # --- dates on which it fires

    def fire(self, date: dt.datetime) -> Fire | None:
        """The start planned for a date, None when its conditions do not hold."""
        local = date.astimezone(self.zone)
        try:
            if not self._holds_on(date):
                return None
        except SimulatorError as error:
            return Fire(local, self._variables(date, self._dates.next, self._dates.previous), error.message)
        return Fire(local, self._variables(date, self._next_that_holds, self._previous_that_holds))

    def next_fire(self, after: dt.datetime, until: dt.datetime | None = None) -> Fire | None:
        """The first start after `after` (and before `until`)."""
        date: dt.datetime | None = after
        for _ in count() if until is not None else range(_LIMIT):
            date = self._dates.next(date) if date is not None else None
            if date is None or (until is not None and date >= until):
                return None
            found = self.fire(date)
            if found is not None:
                return found
        return None

    def last_fire(self, until: dt.datetime) -> Fire | None:
        """The last start at or before a moment."""
        date = self._search(self._dates.previous, until + dt.timedelta(microseconds=1))
        return None if date is None else self.fire(date)

    def fires(self, start: dt.datetime, end: dt.datetime) -> Iterator[Fire]:
        """All starts in [start, end)."""
        date = start - dt.timedelta(microseconds=1)
        while (found := self.next_fire(date, end)) is not None:
            yield found
            date = found.date

    # --- inside

    def _holds_on(self, date: dt.datetime) -> bool:
        """Whether the conditions hold; they see the neighbours as they are without conditions."""
        if self._holds is None:
            return True
        if self._asks_for_neighbours:
            return self._holds(self._variables(date, self._dates.next, self._dates.previous))
        return self._holds({"date": date_text(date.astimezone(self.zone))})

    def _variables(self, date: dt.datetime, after: _Step, before: _Step) -> dict[str, Any]:
        """`trigger.date`, `next`, `previous`; the last two are absent when there is none."""
        variables: dict[str, Any] = {"date": date_text(date.astimezone(self.zone))}
        if self._tells_neighbours:
            for name, step in (("next", after), ("previous", before)):
                found = step(date)
                if found is not None:
                    variables[name] = date_text(found)
        return variables

    def _next_that_holds(self, date: dt.datetime) -> dt.datetime | None:
        return self._search(self._dates.next, date)

    def _previous_that_holds(self, date: dt.datetime) -> dt.datetime | None:
        return self._search(self._dates.previous, date)

    def _search(self, step: _Step, start: dt.datetime) -> dt.datetime | None:
        """The first date in one direction whose conditions hold, within ten years."""
        if self._holds is None:
            return step(start)
        moment: dt.datetime | None = start
        for _ in range(_LIMIT):
            moment = step(moment) if moment is not None else None
            if moment is None or abs(moment - start) > _HORIZON:
                return None
            try:
                if self._holds_on(moment):
                    return moment
            except SimulatorError:
                return moment  # a condition that cannot be evaluated says nothing about the search
        return None


def _list(value: Any) -> Sequence[Any]:
    if isinstance(value, str):
        import json

        try:
            value = json.loads(value)
        except ValueError:
            value = [value]
    return value if isinstance(value, list) else []


def _moment(text: Any, zone: dt.tzinfo) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(str(text).partition("[")[0])
    except ValueError:
        raise InvalidFlowError(f"invalid date format value <{text}>") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(zone)
