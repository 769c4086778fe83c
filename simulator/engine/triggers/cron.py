"""When a cron expression fires, in a time zone.

The rule of cron-utils, which Kestra uses (compared with 9.2.1, see tests/engine/test_cron.py): every instant fires whose
wall-clock time matches. A time that a change to summer time leaves out is skipped; one that comes twice fires twice, but
not when it fires once an hour at most and the next one is more than an hour away (`30 2 * * *` runs once in that night,
`*/30 2 * * *` four times).
"""

from __future__ import annotations

import calendar
import datetime as dt
from bisect import bisect_left, bisect_right

from simulator.dialect import V2, Dialect
from simulator.errors import InvalidFlowError
from simulator.model.cron import CronFields, read_cron

__all__ = ["Cron"]

_HORIZON = dt.timedelta(days=3660)
_SECOND = dt.timedelta(seconds=1)
_HOUR = dt.timedelta(hours=1)
_DAY = dt.timedelta(days=1)


class Cron:
    """One expression in one zone."""

    def __init__(
        self, expression: str, *, seconds: bool = False, zone: dt.tzinfo = dt.UTC, dialect: Dialect = V2
    ) -> None:
        """Raises InvalidFlowError for an expression that cannot be read."""
        try:
            self._fields = read_cron(expression, seconds=seconds, dialect=dialect)
        except InvalidFlowError as error:
            raise InvalidFlowError(f"invalid cron expression '{expression}': {error.message}") from None
        self.expression = expression
        self.zone = zone

    def next(self, after: dt.datetime) -> dt.datetime | None:
        """The first date after `after` (exclusive), None when there is none in ten years."""
        found = self._forward(after)
        if found is None:
            return None
        if self._offset(found) < self._offset(after) and self.matches(after):
            # The clock was put back: the same hour again, unless it stands alone (see the module text).
            later = self._forward(found)
            if later is not None and later - found >= 2 * _HOUR:
                found = self._forward(after + _HOUR)
        return None if found is None else found.astimezone(self.zone)

    def previous(self, before: dt.datetime) -> dt.datetime | None:
        """The last date before `before` (exclusive)."""
        found = self._backward(before)
        return None if found is None else found.astimezone(self.zone)

    def matches(self, moment: dt.datetime) -> bool:
        """Whether the expression fires at a moment."""
        if moment.microsecond:
            return False
        local = moment.astimezone(self.zone).replace(tzinfo=None, fold=0)
        return _after(self._fields, local - _SECOND) == local

    # --- instants, as UTC

    def _offset(self, moment: dt.datetime) -> dt.timedelta:
        return moment.astimezone(self.zone).utcoffset() or dt.timedelta()

    def _forward(self, after: dt.datetime) -> dt.datetime | None:
        moment = after.astimezone(dt.UTC)
        limit = moment + _HORIZON
        at_change = False
        while moment < limit:
            offset = self._offset(moment)
            local = moment.replace(tzinfo=None) + offset
            wall = _after(self._fields, local - _SECOND if at_change else local)
            if wall is None:
                return None
            found = (wall - offset).replace(tzinfo=dt.UTC)
            end = moment + _DAY
            if self._offset(end) != offset:
                change = self._change(moment, end)
                if found < change:
                    return found
                moment, at_change = change, True  # the change itself may match
            elif found <= end:
                return found
            else:
                # nothing matches before: go near, and look which offset holds there
                moment, at_change = found - _DAY / 2, False
        return None

    def _backward(self, before: dt.datetime) -> dt.datetime | None:
        moment = before.astimezone(dt.UTC)
        limit = moment - _HORIZON
        while moment > limit:
            offset = self._offset(moment - _SECOND)
            wall = _before(self._fields, moment.replace(tzinfo=None) + offset)
            if wall is None:
                return None
            found = (wall - offset).replace(tzinfo=dt.UTC)
            end = moment - _DAY
            if self._offset(end) != offset:
                change = self._change(end, moment - _SECOND)
                if found >= change:
                    return found
                moment = change
            elif found >= end:
                return found
            else:
                moment = found + _DAY / 2
        return None

    def _change(self, start: dt.datetime, end: dt.datetime) -> dt.datetime:
        """The first second in (start, end] with another offset than `start`."""
        offset = self._offset(start)
        low, high = 0, int((end - start).total_seconds())
        start = start.replace(microsecond=0)
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(start + middle * _SECOND) == offset:
                low = middle
            else:
                high = middle
        return start + high * _SECOND


# --- wall-clock times


def _day_matches(fields: CronFields, day: dt.date) -> bool:
    if day.month not in fields.months:
        return False
    if fields.days is None and fields.weekdays is None:
        return True
    if fields.weekdays is not None and day.weekday() in fields.weekdays:
        return True
    if fields.days is None:
        return False
    left = calendar.monthrange(day.year, day.month)[1] - day.day
    return day.day in fields.days or left in fields.last_days


def _after(fields: CronFields, local: dt.datetime) -> dt.datetime | None:
    """The first matching wall-clock time after `local`."""
    start = local.replace(microsecond=0) + _SECOND
    day, time = start.date(), _time_from(fields, start.time())
    for _ in range(_HORIZON.days):
        if time is not None and _day_matches(fields, day):
            return dt.datetime.combine(day, time)
        if day.month not in fields.months:
            day = (day.replace(day=1) + 31 * _DAY).replace(day=1)
        else:
            day += _DAY
        time = dt.time(fields.hours[0], fields.minutes[0], fields.seconds[0])
    return None


def _before(fields: CronFields, local: dt.datetime) -> dt.datetime | None:
    """The last matching wall-clock time before `local`."""
    whole = local.replace(microsecond=0)
    start = whole - _SECOND if whole == local else whole
    day, time = start.date(), _time_until(fields, start.time())
    for _ in range(_HORIZON.days):
        if time is not None and _day_matches(fields, day):
            return dt.datetime.combine(day, time)
        day = day.replace(day=1) - _DAY if day.month not in fields.months else day - _DAY
        time = dt.time(fields.hours[-1], fields.minutes[-1], fields.seconds[-1])
    return None


def _time_from(fields: CronFields, time: dt.time) -> dt.time | None:
    """The first matching time of a day from `time` on."""
    hours, minutes, seconds = fields.hours, fields.minutes, fields.seconds
    for hour in hours[bisect_left(hours, time.hour) :]:
        if hour > time.hour:
            return dt.time(hour, minutes[0], seconds[0])
        for minute in minutes[bisect_left(minutes, time.minute) :]:
            if minute > time.minute:
                return dt.time(hour, minute, seconds[0])
            for second in seconds[bisect_left(seconds, time.second) :]:
                return dt.time(hour, minute, second)
    return None


def _time_until(fields: CronFields, time: dt.time) -> dt.time | None:
    """The last matching time of a day up to `time`."""
    hours, minutes, seconds = fields.hours, fields.minutes, fields.seconds
    for hour in reversed(hours[: bisect_right(hours, time.hour)]):
        if hour < time.hour:
            return dt.time(hour, minutes[-1], seconds[-1])
        for minute in reversed(minutes[: bisect_right(minutes, time.minute)]):
            if minute < time.minute:
                return dt.time(hour, minute, seconds[-1])
            for second in reversed(seconds[: bisect_right(seconds, time.second)]):
                return dt.time(hour, minute, second)
    return None
