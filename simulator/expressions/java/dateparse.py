"""Reads text by date pattern elements: strict about case and width, SMART about values, as Java's formatter is.

Source: expressions.md 12 ("Parsing with existingFormat"), the JDK's DateTimeFormatterBuilder and Parsed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from simulator.expressions.java import datepatterns as parts
from simulator.expressions.java.dateformat import RFC_DAYS, RFC_MONTHS, week_of_year
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.locales import Locale
from simulator.expressions.java.zones import zone_of

__all__ = ["Parsed", "parse_elements"]

_ZONE_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9~/._+-]+(?::\d\d)?|[+-]\d\d(?::?\d\d(?::?\d\d)?)?|Z")
_ZONE_NAMES = {
    "UTC": "UTC",
    "GMT": "GMT",
    "EST": "America/New_York",
    "EDT": "America/New_York",
    "CST": "America/Chicago",
    "CDT": "America/Chicago",
    "MST": "America/Denver",
    "MDT": "America/Denver",
    "PST": "America/Los_Angeles",
    "PDT": "America/Los_Angeles",
    "CET": "Europe/Paris",
    "CEST": "Europe/Paris",
    "EET": "Europe/Bucharest",
    "EEST": "Europe/Bucharest",
    "WET": "Europe/Lisbon",
    "WEST": "Europe/Lisbon",
    "BST": "Europe/London",
    "MSK": "Europe/Moscow",
    "JST": "Asia/Tokyo",
    "IST": "Asia/Kolkata",
    "AWST": "Australia/Perth",
    "AEST": "Australia/Sydney",
    "AEDT": "Australia/Sydney",
}
# Java's names of the fields, with their valid range, for messages.
_RANGES: dict[str, tuple[str, int, int]] = {
    "month": ("MonthOfYear", 1, 12),
    "day": ("DayOfMonth", 1, 31),
    "day_of_year": ("DayOfYear", 1, 366),
    "weekday": ("DayOfWeek", 1, 7),
    "hour": ("HourOfDay", 0, 23),
    "clock_hour_24": ("ClockHourOfDay", 1, 24),
    "clock_hour_12": ("ClockHourOfAmPm", 1, 12),
    "hour_12": ("HourOfAmPm", 0, 11),
    "minute": ("MinuteOfHour", 0, 59),
    "second": ("SecondOfMinute", 0, 59),
    "nano": ("NanoOfSecond", 0, 999_999_999),
    "milli_of_day": ("MilliOfDay", 0, 86_399_999),
    "nano_of_day": ("NanoOfDay", 0, 86_399_999_999_999),
    "quarter": ("QuarterOfYear", 1, 4),
    "iso_week": ("WeekOfWeekBasedYear", 1, 53),
    "week": ("WeekOfWeekBasedYear", 1, 53),
    "localized_weekday": ("DayOfWeek", 1, 7),
}


@dataclass(slots=True)
class Parsed:
    """What a text held: any of a date, a time of day and a zone (an offset or a region)."""

    date: dt.date | None = None
    time: dt.time | None = None
    zone: dt.tzinfo | None = None
    fields: dict[str, int] = field(default_factory=dict)


def _fixed_width(element: parts.Element) -> int:
    """Digits that an element always takes, 0 when it may take more or fewer."""
    if isinstance(element, parts.Number) and element.fixed:
        return element.maximum
    if isinstance(element, parts.Fraction) and not element.point and element.minimum == element.maximum:
        return element.maximum
    return 0


class _MismatchError(Exception):
    def __init__(self, position: int) -> None:
        self.position = position


class _Reader:
    def __init__(self, text: str, locale: Locale, ignore_case: bool) -> None:
        self.text = text
        self.locale = locale
        self.ignore_case = ignore_case
        self.fields: dict[str, int] = {}
        self.offset: dt.tzinfo | None = None
        self.region: dt.tzinfo | None = None

    def read(self, elements: Sequence[parts.Element], position: int) -> int:
        for index, element in enumerate(elements):
            position = self._one(element, position, elements[index + 1 :])
        return position

    def _starts(self, literal: str, position: int) -> bool:
        found = self.text[position : position + len(literal)]
        return found.lower() == literal.lower() if self.ignore_case else found == literal

    def _one(self, element: parts.Element, position: int, following: Sequence[parts.Element]) -> int:
        match element:
            case parts.Literal(text):
                if not self._starts(text, position):
                    raise _MismatchError(position)
                return position + len(text)
            case parts.Number():
                return self._number(element, position, following)
            case parts.Reduced(name):
                digits = self._digits(position, 2, 2)
                self._put(name, 2000 + int(digits), position)
                return position + 2
            case parts.Fraction():
                return self._fraction(element, position)
            case parts.Text():
                return self._name(element, position)
            case parts.Offset(style, zero):
                return self._offset(style, zero, position)
            case parts.LocalizedOffset():
                return self._localized_offset(position)
            case parts.ZoneIdText() | parts.RegionId() | parts.ZoneName():
                return self._zone(position)
            case parts.InstantText():
                return self.read(INSTANT, position)
            case parts.Pad(width, inner):
                end = position + width
                start = position
                while start < end and self.text[start : start + 1] == " ":
                    start += 1
                if self._one(inner, start, ()) != end:
                    raise _MismatchError(position)
                return end
            case parts.Optional(elements):
                saved = (dict(self.fields), self.offset, self.region)
                try:
                    return self.read(elements, position)
                except _MismatchError:
                    self.fields, self.offset, self.region = saved
                    return position
            case parts.DayPeriod():
                for name in (
                    "in the morning",
                    "in the afternoon",
                    "in the evening",
                    "at night",
                    "noon",
                    "midnight",
                ):
                    if self._starts(name, position):
                        if name == "in the afternoon" or name == "in the evening" or name == "noon":
                            self.fields.setdefault("ampm", 1)
                        return position + len(name)
                raise _MismatchError(position)

    def _put(self, name: str, value: int, position: int) -> None:
        if self.fields.setdefault(name, value) != value:
            raise _MismatchError(position)

    def _digits(self, position: int, minimum: int, maximum: int) -> str:
        end = position
        limit = min(len(self.text), position + maximum)
        while end < limit and "0" <= self.text[end] <= "9":
            end += 1
        if end - position < minimum:
            raise _MismatchError(position)
        return self.text[position:end]

    def _number(self, element: parts.Number, position: int, following: Sequence[parts.Element]) -> int:
        start = position
        sign = self.text[position : position + 1]
        if sign == "+":
            if element.sign != "EXCEEDS_PAD":
                raise _MismatchError(position)
            position += 1
        elif sign == "-":
            if element.sign == "NOT_NEGATIVE":
                raise _MismatchError(position)
            position += 1
        else:
            sign = ""
        # Fixed numbers that follow directly keep their digits (yyyyMMdd).
        reserved = 0
        if not element.fixed:
            for other in following:
                width = _fixed_width(other)
                if not width:
                    break
                reserved += width
        digits = self._digits(position, element.minimum, element.maximum + reserved)
        if reserved:
            digits = digits[: max(element.minimum, len(digits) - reserved)]
        if element.sign == "EXCEEDS_PAD":
            if sign == "+" and len(digits) <= element.minimum:
                raise _MismatchError(start)
            if sign == "" and len(digits) > element.minimum:
                raise _MismatchError(start)
        value = -int(digits) if sign == "-" else int(digits)
        if sign == "-" and value == 0:
            raise _MismatchError(start)
        self._put(element.field, value, start)
        return position + len(digits)

    def _fraction(self, element: parts.Fraction, position: int) -> int:
        if element.point:
            if self.text[position : position + 1] != ".":
                if element.minimum:
                    raise _MismatchError(position)
                return position
            position += 1
        digits = self._digits(position, element.minimum, element.maximum)
        if not digits:
            return position if not element.point else position
        self._put("nano", int(digits.ljust(9, "0")), position)
        return position + len(digits)

    def _name(self, element: parts.Text, position: int) -> int:
        prefix = "standalone_" if element.standalone else ""
        if element.english:
            names = list(RFC_MONTHS if element.field == "month" else RFC_DAYS)
        elif element.field == "month":
            names = self.locale.names(f"{prefix}months", element.width)
        elif element.field == "weekday":
            names = self.locale.names(f"{prefix}days", element.width)
        elif element.field == "quarter":
            names = self.locale.names("quarters", element.width)
        elif element.field == "era":
            names = self.locale.names("eras", element.width)
        else:
            names = self.locale.ampm
        first = 0 if element.field in ("era", "ampm") else 1
        found = [
            (len(name), number) for number, name in enumerate(names, first) if self._starts(name, position)
        ]
        if not found:
            raise _MismatchError(position)
        length, number = max(found)
        self._put(element.field, number, position)
        return position + length

    def _offset(self, style: str, zero: str, position: int) -> int:
        sign = self.text[position : position + 1]
        if sign not in ("+", "-") or not sign:
            if not self._starts(zero, position):
                raise _MismatchError(position)
            self.offset = dt.UTC
            return position + len(zero)
        colon = ":" if ":" in style else ""
        minute = rf"{colon}(\d\d)"
        second = rf"(?:{colon}(\d\d))?" if "ss" in style else "()"
        # "lenient" is how the ISO formatters read: minutes may be left out.
        optional = "?" if "mm" in style or "lenient" in style else ""
        match = re.compile(rf"[+-](\d\d)(?:{minute}{second}){optional}").match(self.text, position)
        if match is None:
            raise _MismatchError(position)
        hours, minutes, seconds = int(match[1]), int(match[2] or 0), int(match[3] or 0)
        if hours > 18 or minutes > 59 or seconds > 59:
            raise _MismatchError(position)
        delta = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
        self.offset = dt.timezone(-delta if sign == "-" else delta) if delta else dt.UTC
        return match.end()

    def _localized_offset(self, position: int) -> int:
        match = re.compile(r"GMT(?:([+-])(\d{1,2})(?::(\d\d))?)?").match(self.text, position)
        if match is None:
            raise _MismatchError(position)
        delta = dt.timedelta(hours=int(match[2] or 0), minutes=int(match[3] or 0))
        self.offset = dt.timezone(-delta if match[1] == "-" else delta) if delta else dt.UTC
        return match.end()

    def _zone(self, position: int) -> int:
        match = _ZONE_TEXT.match(self.text, position)
        if match is None:
            raise _MismatchError(position)
        for text in (match[0], match[0].rstrip("])., ")):
            try:
                self.region = zone_of(_ZONE_NAMES.get(text, text))
            except JavaError:
                continue
            return position + len(text)
        raise _MismatchError(position)


INSTANT: tuple[parts.Element, ...] = (
    parts.Number("year", 4, 10, "EXCEEDS_PAD"),
    parts.Literal("-"),
    parts.Number("month", 2, 2, "NOT_NEGATIVE"),
    parts.Literal("-"),
    parts.Number("day", 2, 2, "NOT_NEGATIVE"),
    parts.Literal("T"),
    parts.Number("hour", 2, 2, "NOT_NEGATIVE"),
    parts.Literal(":"),
    parts.Number("minute", 2, 2, "NOT_NEGATIVE"),
    parts.Literal(":"),
    parts.Number("second", 2, 2, "NOT_NEGATIVE"),
    parts.Fraction(0, 9, True),
    parts.Offset("+HH:MM:ss lenient", "Z"),
)


def _fail(text: str, what: str) -> JavaError:
    shown = text if len(text) <= 64 else text[:64] + "..."
    return JavaError("DateTimeParseException", f"Text '{shown}' could not be parsed{what}")


def parse_elements(
    elements: Sequence[parts.Element],
    text: str,
    locale: Locale,
    *,
    ignore_case: bool = False,
    strict: bool = False,
) -> Parsed:
    """What the text holds. `strict`: no 30th of February and no 24:00, as the ISO formatters have it. Raises JavaError DateTimeParseException with Java's message."""
    reader = _Reader(text, locale, ignore_case)
    try:
        end = reader.read(elements, 0)
    except _MismatchError as mismatch:
        raise _fail(text, f" at index {mismatch.position}") from None
    if end < len(text):
        raise _fail(text, f", unparsed text found at index {end}")
    for name, value in reader.fields.items():
        known = _RANGES.get(name)
        if known and not known[1] <= value <= known[2] and not (name == "hour" and value == 24):
            raise _fail(
                text, f": Invalid value for {known[0]} (valid values {known[1]} - {known[2]}): {value}"
            )
    try:
        return _resolve(reader, strict)
    except JavaError as error:
        raise _fail(text, f": {error.message}") from None
    except (ValueError, OverflowError) as error:
        raise _fail(text, f": {error}") from None


def _resolve(reader: _Reader, strict: bool) -> Parsed:
    fields = reader.fields
    if strict and fields.get("hour") == 24:
        raise JavaError("DateTimeException", "Invalid value for HourOfDay (valid values 0 - 23): 24")
    time, next_day = _time(fields)
    date = _date(fields, reader.locale, strict)
    if date is not None and next_day:
        date += dt.timedelta(days=1)
    if reader.region is not None and reader.offset is not None and not hasattr(reader.region, "key"):
        zone: dt.tzinfo | None = reader.offset
    else:
        zone = reader.region or reader.offset
    if date is not None and "weekday" in fields and date.isoweekday() != fields["weekday"]:
        raise JavaError("DateTimeException", "Conflict found: Field DayOfWeek differs from the date")
    return Parsed(date, time, zone, fields)


def _time(fields: dict[str, int]) -> tuple[dt.time | None, bool]:
    if "nano_of_day" in fields or "milli_of_day" in fields:
        nanos = fields.get("nano_of_day", fields.get("milli_of_day", 0) * 1_000_000)
        seconds, nanos = divmod(nanos, 1_000_000_000)
        return dt.time(seconds // 3600, seconds // 60 % 60, seconds % 60, nanos // 1000), False
    hour = fields.get("hour")
    if hour is None and "clock_hour_24" in fields:
        hour = fields["clock_hour_24"] % 24
    if hour is None and "ampm" in fields:
        if "clock_hour_12" in fields:
            hour = fields["clock_hour_12"] % 12 + 12 * fields["ampm"]
        elif "hour_12" in fields:
            hour = fields["hour_12"] + 12 * fields["ampm"]
    if hour is None:
        return None, False
    minute, second, nano = fields.get("minute", 0), fields.get("second", 0), fields.get("nano", 0)
    if "minute" not in fields and ("second" in fields or "nano" in fields):
        return None, False
    if hour == 24:
        if minute or second or nano:
            raise JavaError("DateTimeException", "Invalid value for HourOfDay (valid values 0 - 23): 24")
        return dt.time(), True
    return dt.time(hour, minute, second, nano // 1000), False


def _date(fields: dict[str, int], locale: Locale, strict: bool) -> dt.date | None:
    year = fields.get("year")
    if year is None and "year_of_era" in fields:
        year = fields["year_of_era"]
        if fields.get("era", 1) == 0:
            year = 1 - year
    if year is not None:
        if "month" in fields and "day" in fields:
            return _whole_date(year, fields["month"], fields["day"], strict)
        if "day_of_year" in fields:
            found = dt.date(year, 1, 1) + dt.timedelta(days=fields["day_of_year"] - 1)
            if found.year != year:
                raise JavaError(
                    "DateTimeException", f"Invalid date 'DayOfYear 366' as '{year}' is not a leap year"
                )
            return found
    if {"iso_week_year", "iso_week", "weekday"} <= fields.keys():
        return dt.date.fromisocalendar(fields["iso_week_year"], fields["iso_week"], fields["weekday"])
    if {"week_year", "week"} <= fields.keys():
        localized = fields.get("localized_weekday")
        if localized is None and "weekday" in fields:
            localized = (fields["weekday"] - locale.first_day) % 7 + 1
        if localized is not None:
            start = dt.date(fields["week_year"], 1, 1) - dt.timedelta(days=7)
            for days in range(380):
                day = start + dt.timedelta(days=days)
                if (day.isoweekday() - locale.first_day) % 7 + 1 == localized and week_of_year(
                    day, locale.first_day, locale.minimal_days
                ) == (fields["week_year"], fields["week"]):
                    return day
    return None


_MONTHS = (
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
)


def _whole_date(year: int, month: int, day: int, strict: bool) -> dt.date:
    if not 1 <= year <= 9999:
        raise JavaError("DateTimeException", f"Year {year} is out of the range 1 to 9999")
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = (29 if leap else 28) if month == 2 else 30 if month in (4, 6, 9, 11) else 31
    if strict and day > last:
        if day == 29:
            raise JavaError("DateTimeException", f"Invalid date 'February 29' as '{year}' is not a leap year")
        raise JavaError("DateTimeException", f"Invalid date '{_MONTHS[month - 1]} {day}'")
    # SMART: the 31st of a shorter month is its last day.
    return dt.date(year, month, min(day, last))
