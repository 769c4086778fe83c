"""Kestra's date rules: named formats, reading any input as a moment, adding units.

Used by `date`, `dateAdd`, `timestamp*`, `now` and the date functions of 2.0. Source: expressions.md 12.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import Any

from simulator.expressions.java import datepatterns as parts
from simulator.expressions.java.dateformat import format_elements
from simulator.expressions.java.dateparse import Parsed, parse_elements
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.locales import DEFAULT, Locale, locale_of
from simulator.expressions.java.values import JavaDate, class_name, is_long, is_string
from simulator.values import Instant, OffsetDateTime

__all__ = [
    "FORMATS",
    "Formatter",
    "add_unit",
    "at_zone",
    "format_moment",
    "formatter_of",
    "parse_iso",
    "read_moment",
]


@dataclass(frozen=True, slots=True)
class Formatter:
    """A DateTimeFormatter: elements and how to read with them."""

    elements: tuple[parts.Element, ...]
    ignore_case: bool = False
    strict: bool = False

    def format(self, moment: dt.datetime, locale: Locale) -> str:
        return format_elements(self.elements, moment, locale)

    def parse(self, text: str, locale: Locale) -> Parsed:
        return parse_elements(self.elements, text, locale, ignore_case=self.ignore_case, strict=self.strict)


def _two(field: str) -> parts.Number:
    return parts.Number(field, 2, 2, "NOT_NEGATIVE")


_YEAR = parts.Number("year", 4, 10, "EXCEEDS_PAD")
_DASH, _COLON = parts.Literal("-"), parts.Literal(":")
_DATE: tuple[parts.Element, ...] = (_YEAR, _DASH, _two("month"), _DASH, _two("day"))
# Printing always writes the seconds, reading may miss them: one optional section does both.
_SECONDS = parts.Optional((_COLON, _two("second"), parts.Optional((parts.Fraction(0, 9, True),))))
_TIME: tuple[parts.Element, ...] = (_two("hour"), _COLON, _two("minute"), _SECONDS)
_OFFSET = parts.Offset("+HH:MM:ss lenient", "Z")
_ZONE = parts.Optional((parts.Literal("["), parts.RegionId(), parts.Literal("]")))
_DATE_TIME: tuple[parts.Element, ...] = (*_DATE, parts.Literal("T"), *_TIME)
_ZONED: tuple[parts.Element, ...] = (*_DATE_TIME, _OFFSET, _ZONE)

_RFC: tuple[parts.Element, ...] = (
    parts.Optional((parts.Text("weekday", 1, english=True), parts.Literal(", "))),
    parts.Number("day", 1, 2, "NOT_NEGATIVE"),
    parts.Literal(" "),
    parts.Text("month", 1, english=True),
    parts.Literal(" "),
    parts.Number("year", 4, 4, "NOT_NEGATIVE"),
    parts.Literal(" "),
    _two("hour"),
    _COLON,
    _two("minute"),
    parts.Optional((_COLON, _two("second"))),
    parts.Literal(" "),
    parts.Offset("+HHMM", "GMT"),
)

FORMATS: dict[str, Formatter] = {
    "iso_date_time": Formatter((*_DATE_TIME, parts.Optional((_OFFSET, _ZONE))), True, True),
    "iso_date": Formatter((*_DATE, parts.Optional((_OFFSET,))), True, True),
    "iso_time": Formatter((*_TIME, parts.Optional((_OFFSET,))), True, True),
    "iso_local_date": Formatter(_DATE, True, True),
    "iso_local_time": Formatter(_TIME, True, True),
    "iso_local_date_time": Formatter(_DATE_TIME, True, True),
    "iso_instant": Formatter((parts.InstantText(),), True),
    "iso_offset_time": Formatter((*_TIME, _OFFSET), True, True),
    "iso_ordinal_date": Formatter(
        (_YEAR, _DASH, parts.Number("day_of_year", 3, 3, "NOT_NEGATIVE"), parts.Optional((_OFFSET,))), True
    ),
    "iso_week_date": Formatter(
        (
            parts.Number("iso_week_year", 4, 10, "EXCEEDS_PAD"),
            parts.Literal("-W"),
            _two("iso_week"),
            _DASH,
            parts.Number("weekday", 1, 1, "NOT_NEGATIVE"),
            parts.Optional((_OFFSET,)),
        ),
        True,
        True,
    ),
    "iso_zoned_date_time": Formatter(_ZONED, True, True),
    "rfc_1123_date_time": Formatter(_RFC, True),
}
"""Formats with a formatter of their own."""

_PATTERNS = {
    "iso": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "iso_milli": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "iso_sec": "yyyy-MM-dd'T'HH:mm:ssXXX",
    "sql": "yyyy-MM-dd HH:mm:ss.SSSSSS",
    "sql_milli": "yyyy-MM-dd HH:mm:ss.SSS",
    "sql_sec": "yyyy-MM-dd HH:mm:ss",
}
_STYLES = ("full", "long", "medium", "short")
_ISO_ZONED = FORMATS["iso_zoned_date_time"]
_ISO_LOCAL = FORMATS["iso_local_date_time"]
_ISO_DATE = FORMATS["iso_local_date"]


@functools.lru_cache(maxsize=512)
def formatter_of(name: str, locale: Locale | None = None) -> Formatter:
    """The formatter of a format name or pattern. Raises JavaError IllegalArgumentException for a bad pattern."""
    known = FORMATS.get(name)
    if known is not None:
        return known
    if name in _STYLES:
        return Formatter(parts.compile_pattern((locale or locale_of(DEFAULT)).date_time_pattern(name)))
    return Formatter(parts.compile_pattern(_PATTERNS.get(name, name)))


def at_zone(local: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """`LocalDateTime.atZone`: inside a gap the clock moves forward, in an overlap the earlier offset counts."""
    moment = local.replace(tzinfo=zone, fold=0)
    try:
        return moment.astimezone(dt.UTC).astimezone(zone)
    except OverflowError as error:
        raise _out_of_range(error) from error


def _out_of_range(error: Exception) -> JavaError:
    return JavaError("DateTimeException", f"The date is outside of the years 1 to 9999: {error}")


def _from_epoch(micros: int, zone: dt.tzinfo) -> dt.datetime:
    try:
        utc = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)
        return utc.astimezone(zone)
    except OverflowError as error:
        raise _out_of_range(error) from error


def _from_long(value: int, zone: dt.tzinfo) -> dt.datetime:
    text = str(value)
    if len(text) == 13:
        return _from_epoch(value * 1000, zone)
    if len(text) == 19:
        if text.endswith("000"):
            return _from_epoch(value // 1000, zone)
        # Kestra reads milliseconds and then puts the last six digits in as the microseconds of the second.
        millis = int(value / 1_000_000) if value < 0 else value // 1_000_000
        return _from_epoch(millis * 1000, zone).replace(microsecond=int(text[-6:]))
    return _from_epoch(value * 1_000_000, zone)


def read_moment(
    value: Any, zone: dt.tzinfo, existing_format: str | None = None, locale: Locale | None = None
) -> dt.datetime:
    """Any input of the date filters as an aware moment (not yet converted to `zone` when it has its own).

    Raises JavaError: ClassCastException for classes that are no date, DateTimeParseException for bad text.
    """
    try:
        if isinstance(value, (Instant, JavaDate)):
            return value.astimezone(zone)
        if isinstance(value, OffsetDateTime):
            raise _cast(value)
        if isinstance(value, dt.datetime):
            return at_zone(value, zone) if value.tzinfo is None else value
    except OverflowError as error:
        raise _out_of_range(error) from error
    if isinstance(value, dt.date):
        return at_zone(dt.datetime(value.year, value.month, value.day, 12), zone)
    if is_long(value):
        return _from_long(value, zone)
    if not is_string(value):
        raise _cast(value)
    return parse_iso(value, zone, existing_format, locale)


def _cast(value: Any) -> JavaError:
    return JavaError(
        "ClassCastException",
        f"class {class_name(value)} cannot be cast to class java.lang.String "
        f"({class_name(value)} and java.lang.String are in module java.base of loader 'bootstrap')",
    )


def parse_iso(
    text: str, zone: dt.tzinfo, existing_format: str | None = None, locale: Locale | None = None
) -> dt.datetime:
    """Text as a zoned moment, a local one in `zone`, or the start of a day in `zone`, whichever fits first."""
    locale = locale or locale_of(DEFAULT)
    if existing_format is None:
        tries = (_ISO_ZONED, _ISO_LOCAL, _ISO_DATE)
    else:
        tries = (formatter_of(existing_format, locale),) * 3
    failure: JavaError | None = None
    for attempt, formatter in enumerate(tries):
        try:
            parsed = formatter.parse(text, locale)
        except JavaError as error:
            failure = error
            continue
        found = _moment(parsed, zone, attempt)
        if found is not None:
            return found
        failure = JavaError(
            "DateTimeParseException",
            f"Text '{text}' could not be parsed: Unable to obtain LocalDate from TemporalAccessor",
        )
    raise failure or JavaError("DateTimeParseException", f"Text '{text}' could not be parsed at index 0")


def _moment(parsed: Parsed, zone: dt.tzinfo, attempt: int) -> dt.datetime | None:
    if parsed.date is None:
        return None
    if attempt == 2:
        return at_zone(dt.datetime.combine(parsed.date, dt.time()), zone)
    if parsed.time is None:
        return None
    local = dt.datetime.combine(parsed.date, parsed.time)
    if attempt == 1:
        return at_zone(local, zone)
    return at_zone(local, parsed.zone) if parsed.zone is not None else None


def format_moment(moment: dt.datetime, zone: dt.tzinfo, format_name: str, locale: Locale) -> str:
    """The moment in the zone, by a format name or pattern."""
    try:
        local = moment.astimezone(zone)
    except OverflowError as error:
        raise _out_of_range(error) from error
    return formatter_of(format_name, locale if format_name in _STYLES else None).format(local, locale)


_MONTH_UNITS = {"MONTHS": 1, "YEARS": 12, "DECADES": 120, "CENTURIES": 1200, "MILLENNIA": 12000}
_DAY_UNITS = {"DAYS": 1, "WEEKS": 7}
_TIME_UNITS = {
    "NANOS": dt.timedelta(0),
    "MICROS": dt.timedelta(microseconds=1),
    "MILLIS": dt.timedelta(milliseconds=1),
    "SECONDS": dt.timedelta(seconds=1),
    "MINUTES": dt.timedelta(minutes=1),
    "HOURS": dt.timedelta(hours=1),
    "HALF_DAYS": dt.timedelta(hours=12),
}


def add_unit(moment: dt.datetime, amount: int, unit: str) -> dt.datetime:
    """`ZonedDateTime.plus(amount, ChronoUnit.valueOf(unit))`: date units keep the wall clock, time units the distance.

    Raises JavaError IllegalArgumentException for an unknown unit, DateTimeException outside of the years 1 to 9999.
    """
    zone = moment.tzinfo or dt.UTC
    try:
        if unit in _MONTH_UNITS:
            return at_zone(_plus_months(moment.replace(tzinfo=None), amount * _MONTH_UNITS[unit]), zone)
        if unit in _DAY_UNITS:
            return at_zone(moment.replace(tzinfo=None) + dt.timedelta(days=amount * _DAY_UNITS[unit]), zone)
        if unit in _TIME_UNITS:
            step = (
                dt.timedelta(microseconds=amount // 1000) if unit == "NANOS" else amount * _TIME_UNITS[unit]
            )
            return (moment.astimezone(dt.UTC) + step).astimezone(zone)
    except (OverflowError, ValueError) as error:
        if isinstance(error, JavaError):
            raise
        raise _out_of_range(error) from error
    if unit == "ERAS":
        raise JavaError("DateTimeException", f"Invalid value for Era (valid values 0 - 1): {amount + 1}")
    if unit == "FOREVER":
        raise JavaError("UnsupportedTemporalTypeException", "Unsupported unit: Forever")
    raise JavaError("IllegalArgumentException", f"No enum constant java.time.temporal.ChronoUnit.{unit}")


def _plus_months(local: dt.datetime, months: int) -> dt.datetime:
    total = local.year * 12 + local.month - 1 + months
    year, month = divmod(total, 12)
    month += 1
    if not 1 <= year <= 9999:
        raise OverflowError(f"year {year}")
    last = (
        (dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)).day
        if (year, month) != (9999, 12)
        else 31
    )
    return local.replace(year=year, month=month, day=min(local.day, last))
