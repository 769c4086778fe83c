"""Prints a moment by date pattern elements, as `java.time.format.DateTimeFormatter` does.

Source: expressions.md 12. Precision is microseconds: `SSSSSSSSS` and `n` end in three zeros.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from simulator.expressions.java import datepatterns as parts
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.locales import Locale
from simulator.expressions.java.zones import offset_seconds, region_id, zone_id, zone_name

__all__ = ["RFC_DAYS", "RFC_MONTHS", "field_value", "format_elements"]

RFC_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
RFC_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FIELD_NAMES = {"day_of_year": "DayOfYear"}


class _UnavailableError(Exception):
    """The moment lacks what the element prints: its optional section is dropped."""


def format_elements(elements: Sequence[parts.Element], moment: dt.datetime, locale: Locale) -> str:
    """The text of an aware moment. Raises JavaError (DateTimeException) for a value that does not fit."""
    try:
        return "".join(_print(element, moment, locale) for element in elements)
    except _UnavailableError:
        raise JavaError(
            "DateTimeException", f"Unable to extract ZoneId from temporal {moment.isoformat()}"
        ) from None


def _print(element: parts.Element, moment: dt.datetime, locale: Locale) -> str:
    match element:
        case parts.Literal(text):
            return text
        case parts.Number():
            return _number(element, field_value(element.field, moment, locale))
        case parts.Reduced(field):
            return f"{abs(field_value(field, moment, locale)) % 100:02d}"
        case parts.Fraction(minimum, maximum, point):
            digits = f"{moment.microsecond:06d}000"[:maximum]
            digits = digits.rstrip("0").ljust(minimum, "0")
            return f".{digits}" if point and digits else digits
        case parts.Text():
            return _text(element, moment, locale)
        case parts.Offset(style, zero):
            return _offset(moment, style, zero)
        case parts.LocalizedOffset(full):
            return _localized_offset(moment, full)
        case parts.ZoneIdText():
            return zone_id(moment)
        case parts.RegionId():
            region = region_id(moment.tzinfo)
            if region is None:
                raise _UnavailableError
            return region
        case parts.ZoneName(full):
            return zone_name(moment, full=full)
        case parts.DayPeriod():
            return _day_period(moment)
        case parts.InstantText():
            return _instant(moment)
        case parts.Pad(width, inner):
            text = _print(inner, moment, locale)
            if len(text) > width:
                raise JavaError(
                    "DateTimeException",
                    f"Cannot print as output of {len(text)} characters exceeds pad width of {width}",
                )
            return text.rjust(width)
        case parts.Optional(elements):
            try:
                return "".join(_print(inner, moment, locale) for inner in elements)
            except _UnavailableError:
                return ""


def _number(element: parts.Number, value: int) -> str:
    digits = str(abs(value))
    if len(digits) > element.maximum:
        raise JavaError(
            "DateTimeException",
            f"Field {_FIELD_NAMES.get(element.field, element.field)} cannot be printed as the value {value} "
            f"exceeds the maximum print width of {element.maximum}",
        )
    sign = "-" if value < 0 else ""
    if element.sign == "EXCEEDS_PAD" and value >= 0 and len(digits) > element.minimum:
        sign = "+"
    return sign + digits.rjust(element.minimum, "0")


def _text(element: parts.Text, moment: dt.datetime, locale: Locale) -> str:
    if element.english:
        return RFC_MONTHS[moment.month - 1] if element.field == "month" else RFC_DAYS[moment.weekday()]
    prefix = "standalone_" if element.standalone else ""
    if element.field == "month":
        return locale.names(f"{prefix}months", element.width)[moment.month - 1]
    if element.field == "weekday":
        return locale.names(f"{prefix}days", element.width)[moment.weekday()]
    if element.field == "quarter":
        return locale.names("quarters", element.width)[(moment.month - 1) // 3]
    if element.field == "era":
        return locale.names("eras", element.width)[1]
    return locale.ampm[moment.hour // 12]


def _offset(moment: dt.datetime, style: str, zero: str) -> str:
    total = offset_seconds(moment.utcoffset())
    hours, rest = divmod(abs(total), 3600)
    minutes, seconds = divmod(rest, 60)
    if total == 0:
        return zero
    text = f"{'-' if total < 0 else '+'}{hours:02d}"
    colon = ":" if ":" in style else ""
    if "MM" in style or minutes or (seconds and "ss" in style):
        text += f"{colon}{minutes:02d}"
    if seconds and "ss" in style:
        text += f"{colon}{seconds:02d}"
    return text


def _localized_offset(moment: dt.datetime, full: bool) -> str:
    total = offset_seconds(moment.utcoffset())
    if total == 0:
        return "GMT"
    hours, rest = divmod(abs(total), 3600)
    minutes, seconds = divmod(rest, 60)
    text = f"GMT{'-' if total < 0 else '+'}" + (f"{hours:02d}:{minutes:02d}" if full else str(hours))
    if not full and (minutes or seconds):
        text += f":{minutes:02d}"
    return text + (f":{seconds:02d}" if seconds else "")


def _day_period(moment: dt.datetime) -> str:
    if moment.minute == 0 and moment.second == 0 and moment.microsecond == 0 and moment.hour in (0, 12):
        return "noon" if moment.hour else "midnight"
    if 6 <= moment.hour < 12:
        return "in the morning"
    if 12 <= moment.hour < 18:
        return "in the afternoon"
    if 18 <= moment.hour < 21:
        return "in the evening"
    # Java looks up the period from 21 to 6 with the morning before it.
    return "at night" if moment.hour >= 21 else "in the morning"


def _instant(moment: dt.datetime) -> str:
    utc = moment.astimezone(dt.UTC)
    text = f"{utc.year:04d}-{utc.month:02d}-{utc.day:02d}T{utc.hour:02d}:{utc.minute:02d}:{utc.second:02d}"
    if utc.microsecond:
        text += (
            f".{utc.microsecond // 1000:03d}" if utc.microsecond % 1000 == 0 else f".{utc.microsecond:06d}"
        )
    return text + "Z"


def _start_of_week(day: int, localized: int, minimal_days: int) -> int:
    start = (day - localized) % 7
    return 7 - start if start + 1 > minimal_days else -start


def _week(offset: int, day: int) -> int:
    return (7 + offset + (day - 1)) // 7


def _days_in(year: int) -> int:
    return 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365


def week_of_year(moment: dt.date, first_day: int, minimal_days: int) -> tuple[int, int]:
    """Week-based year and week of it, by the rules of java.time.temporal.WeekFields."""
    localized = (moment.isoweekday() - first_day) % 7 + 1
    day, year = moment.timetuple().tm_yday, moment.year
    week = _week(_start_of_week(day, localized, minimal_days), day)
    if week == 0:
        year -= 1
        day += _days_in(year)
        return year, _week(_start_of_week(day, localized, minimal_days), day)
    last = _week(_start_of_week(day, localized, minimal_days), _days_in(year) + minimal_days)
    if week >= last:
        return year + 1, week - last + 1
    return year, week


def field_value(field: str, moment: dt.datetime, locale: Locale) -> int:
    """The number of a field (`year`, `week`, `clock_hour_12`...) of a moment."""
    match field:
        case "year" | "year_of_era":
            return moment.year
        case "week_year":
            return week_of_year(moment, locale.first_day, locale.minimal_days)[0]
        case "iso_week_year":
            return moment.isocalendar().year
        case "iso_week":
            return moment.isocalendar().week
        case "quarter":
            return (moment.month - 1) // 3 + 1
        case "day_of_year":
            return moment.timetuple().tm_yday
        case "weekday_in_month":
            return (moment.day - 1) // 7 + 1
        case "weekday":
            return moment.isoweekday()
        case "localized_weekday":
            return (moment.isoweekday() - locale.first_day) % 7 + 1
        case "week":
            return week_of_year(moment, locale.first_day, locale.minimal_days)[1]
        case "week_of_month":
            localized = (moment.isoweekday() - locale.first_day) % 7 + 1
            return _week(_start_of_week(moment.day, localized, locale.minimal_days), moment.day)
        case "modified_julian_day":
            return moment.toordinal() - 678576
        case "clock_hour_12":
            return moment.hour % 12 or 12
        case "hour_12":
            return moment.hour % 12
        case "clock_hour_24":
            return moment.hour or 24
        case "milli_of_day":
            return _second_of_day(moment) * 1000 + moment.microsecond // 1000
        case "nano":
            return moment.microsecond * 1000
        case "nano_of_day":
            return (_second_of_day(moment) * 1_000_000 + moment.microsecond) * 1000
        case _:
            value: int = getattr(moment, field)
            return value


def _second_of_day(moment: dt.datetime) -> int:
    return (moment.hour * 60 + moment.minute) * 60 + moment.second
