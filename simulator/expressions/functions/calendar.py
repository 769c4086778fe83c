"""now, and the date functions of 2.0. Source: expressions.md 12 and 14."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from simulator.expressions.filters.dates import write
from simulator.expressions.filters.text import text_of
from simulator.expressions.java.casts import as_string, pebble
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.locales import DEFAULT, locale_of
from simulator.expressions.java.moments import FORMATS
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TABLE"]

_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_POSITIONS = ("FIRST", "SECOND", "THIRD", "FOURTH", "LAST")


def _now(call: Call, args: Args) -> str:
    return write(call, call.scope.now(), args)


def _required(call: Call, args: Args, name: str) -> Any:
    value = args.get(name)
    if value is None:
        raise pebble(f"The '{call.name}()' function expects a '{name}' argument.")
    return value


def _parsed(call: Call, args: Args, *, with_time: bool) -> dt.datetime:
    """The date as written: an offset is not converted. A plain date has no hour."""
    text = text_of(_required(call, args, "date"))
    locale = locale_of(DEFAULT)
    names = ("iso_zoned_date_time", "iso_local_date_time")
    failure: JavaError | None = None
    for name in names if with_time else ("iso_local_date", *names):
        try:
            found = FORMATS[name].parse(text, locale)
        except JavaError as error:
            failure = error
            continue
        if found.date is not None:
            return dt.datetime.combine(found.date, found.time or dt.time())
    message = failure.message if failure else f"Text '{text}' could not be parsed at index 0"
    kind = "" if with_time else "java.time.format.DateTimeParseException: "
    raise pebble(f"The '{call.name}()' function could not parse 'date': {kind}{message}")


def _date(call: Call, args: Args) -> dt.date:
    return _parsed(call, args, with_time=False).date()


def _day_of_week(call: Call, args: Args) -> str:
    return _DAYS[_date(call, args).weekday()]


def _day_of_month(call: Call, args: Args) -> int:
    return _date(call, args).day


def _month_of_year(call: Call, args: Args) -> int:
    return _date(call, args).month


def _hour_of_day(call: Call, args: Args) -> int:
    return _parsed(call, args, with_time=True).hour


def _is_weekend(call: Call, args: Args) -> bool:
    return _date(call, args).weekday() >= 5


def _chosen(call: Call, text: str, name: str, known: tuple[str, ...], given: str) -> str:
    if text.upper() in known:
        return text.upper()
    raise pebble(
        f"The '{call.name}()' function received an invalid '{name}' value: '{given}'. "
        f"Expected one of: {', '.join(known)}"
    )


def _is_day_week_in_month(call: Call, args: Args) -> bool:
    _, day, position = (text_of(_required(call, args, name)) for name in ("date", "dayOfWeek", "position"))
    date = _date(call, args)
    weekday = _DAYS.index(_chosen(call, day, "dayOfWeek", _DAYS, day))
    rank = _POSITIONS.index(_chosen(call, position, "position", _POSITIONS, position))
    if date.weekday() != weekday:
        return False
    if rank == 4:
        return (date + dt.timedelta(days=7)).month != date.month
    return (date.day - 1) // 7 == rank


def _is_last_working_day(call: Call, args: Args) -> bool:
    date = _date(call, args)
    given = args.get("workingDays")
    if given is None:
        days = set(range(5))
    else:
        text = text_of(given)
        names = [name for name in re.split(r"[,\s]+", text) if name]
        days = {_DAYS.index(_chosen(call, name, "workingDays", _DAYS, name)) for name in names}
        if not days:
            days = set(range(5))
    last = (date.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
    while last.weekday() not in days:
        last -= dt.timedelta(days=1)
    return date == last


def _is_public_holiday(call: Call, args: Args) -> bool:
    _required(call, args, "date")
    code = _required(call, args, "countryCode")
    date = _date(call, args)
    country = as_string(code).upper()
    given = args.get("subDivision")
    part = "" if given is None else as_string(given).strip().upper()
    try:
        import holidays
    except ImportError:
        raise pebble(
            f"The '{call.name}()' function needs the calendars of the Python package 'holidays', "
            "which is not installed."
        ) from None
    try:
        known = holidays.country_holidays(country, years=date.year)
    except NotImplementedError:
        raise JavaError(
            "IllegalStateException", f"Cannot find resource 'holidays/Holidays_{country.lower()}.xml'."
        ) from None
    if date in known:
        return True
    # An unknown part of a country adds nothing to the holidays of the country.
    return part in known.subdivisions and date in holidays.country_holidays(
        country, subdiv=part, years=date.year
    )


_Function = Callable[[Call, Args], Any]


def _new(name: str, func: _Function, *params: str) -> Definition:
    return Definition(name, func, ("date", *params), since=2)


TABLE: Table = table(
    Definition("now", _now, ("format", "timeZone", "existingFormat", "locale")),
    _new("dayOfWeek", _day_of_week),
    _new("dayOfMonth", _day_of_month),
    _new("monthOfYear", _month_of_year),
    _new("hourOfDay", _hour_of_day),
    _new("isWeekend", _is_weekend),
    _new("isDayWeekInMonth", _is_day_week_in_month, "dayOfWeek", "position"),
    _new("isLastWorkingDay", _is_last_working_day, "workingDays"),
    _new("isPublicHoliday", _is_public_holiday, "countryCode", "subDivision"),
)
