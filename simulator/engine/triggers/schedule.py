"""When Schedule and ScheduleOnDates fire, and what the execution sees under `trigger` (core-tasks.md 10)."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.engine.triggers.cron import Cron
from simulator.errors import InvalidFlowError
from simulator.model.flow import Trigger

__all__ = ["Fire", "date_text", "fires", "next_fire", "zone_of"]

_LIMIT = 10_000
"""Candidates looked at in a search for a date whose conditions hold."""

#: Whether the trigger's conditions (`when` in 2.0) hold on a date.
Holds = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Fire:
    """One planned start."""

    date: dt.datetime
    variables: Mapping[str, Any]


def zone_of(trigger: Trigger, default: dt.tzinfo) -> dt.tzinfo:
    """The trigger's time zone. Raises InvalidFlowError for an unknown one."""
    name = trigger.properties.get("timezone")
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


def _dates(trigger: Trigger, zone: dt.tzinfo, after: dt.datetime) -> Iterator[dt.datetime]:
    """Planned dates from `after` on (exclusive), conditions not looked at."""
    if (trigger.canonical or "").endswith(".ScheduleOnDates"):
        raw = trigger.properties.get("dates") or []
        found = sorted(_moment(item, zone) for item in raw)
        yield from (date for date in found if date > after)
        return
    cron = cron_of(trigger, zone)
    moment: dt.datetime | None = after
    while moment is not None:
        moment = cron.next(moment)
        if moment is not None:
            yield moment


def cron_of(trigger: Trigger, zone: dt.tzinfo) -> Cron:
    seconds = trigger.properties.get("withSeconds")
    return Cron(str(trigger.properties.get("cron")), seconds=str(seconds).lower() == "true", zone=zone)


def _moment(text: Any, zone: dt.tzinfo) -> dt.datetime:
    moment = dt.datetime.fromisoformat(str(text).partition("[")[0])
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(zone)


def next_fire(trigger: Trigger, zone: dt.tzinfo, after: dt.datetime, holds: Holds) -> Fire | None:
    """The first date after `after` whose conditions hold."""
    for number, date in enumerate(_dates(trigger, zone, after)):
        if number > _LIMIT:
            return None
        found = fire_at(trigger, zone, date, holds)
        if holds(found.variables):
            return found
    return None


def fires(
    trigger: Trigger, zone: dt.tzinfo, start: dt.datetime, end: dt.datetime, holds: Holds
) -> Iterator[Fire]:
    """All dates in [start, end) whose conditions hold."""
    for date in _dates(trigger, zone, start - dt.timedelta(microseconds=1)):
        if date >= end:
            return
        found = fire_at(trigger, zone, date, holds)
        if holds(found.variables):
            yield found


def fire_at(trigger: Trigger, zone: dt.tzinfo, date: dt.datetime, holds: Holds) -> Fire:
    """The start planned for `date`: `trigger.date`, `next`, `previous` (these two by the conditions too)."""
    local = date.astimezone(zone)
    variables: dict[str, Any] = {"date": date_text(local)}
    if (trigger.canonical or "").endswith(".Schedule"):
        cron = cron_of(trigger, zone)
        for name, step in (("next", cron.next), ("previous", cron.previous)):
            found = _search(step, local, holds)
            if found is not None:
                variables[name] = date_text(found)
    return Fire(local, variables)


def _search(
    step: Callable[[dt.datetime], dt.datetime | None], start: dt.datetime, holds: Holds
) -> dt.datetime | None:
    moment: dt.datetime | None = start
    for _ in range(_LIMIT):
        moment = step(moment) if moment is not None else None
        if moment is None:
            return None
        try:
            if holds({"date": date_text(moment)}):
                return moment
        except Exception:  # noqa: BLE001 - a condition that needs more than a date says nothing about the search
            return moment
    return None
