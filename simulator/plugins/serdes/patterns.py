"""Java's DateTimeFormatter patterns, as far as the properties of this family need them: format and parse.

Letters: y u M d H h m s S a E X x Z V n, text in quotes, `''`, and optional sections in brackets. Any other letter is
refused with Java's text. A section in brackets is left out when the value has no such field.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

__all__ = ["Formatter", "UnsupportedFieldError", "formatter"]

Temporal: TypeAlias = dt.datetime | dt.date | dt.time
Part: TypeAlias = "str | tuple[str, int] | list[Part]"

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_LETTERS = "yuMdHhmsSaEXxZVn"


class UnsupportedFieldError(ValueError):
    """A field that the value does not have (UnsupportedTemporalTypeException)."""


@lru_cache(maxsize=64)
def formatter(pattern: str) -> Formatter:
    """The formatter of a pattern. Raises ValueError with Java's text for a wrong one."""
    return Formatter(pattern)


class Formatter:
    """Formats and parses by one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        parts, rest = _parse(pattern, 0, False)
        if rest != len(pattern):
            raise ValueError("Pattern invalid as it contains ] without previous [")
        self._parts = parts
        self._regex: re.Pattern[str] | None = None

    def format(self, value: Temporal) -> str:
        """The value as text. Raises UnsupportedFieldError for a field that it does not have."""
        return _format(self._parts, value)

    def parse(self, text: str) -> dict[str, Any]:
        """The fields of a text: year, month, day, hour, minute, second, micro, offset. Raises ValueError."""
        if self._regex is None:
            self._regex = re.compile(_regex(self._parts))
        match = self._regex.fullmatch(text)
        if match is None:
            raise ValueError(f"Text '{text}' could not be parsed with the pattern {self.pattern}")
        return {
            name.partition("_")[0]: _value(name.partition("_")[0], found)
            for name, found in match.groupdict().items()
            if found is not None
        }


def _parse(pattern: str, at: int, nested: bool) -> tuple[list[Part], int]:
    parts: list[Part] = []
    while at < len(pattern):
        char = pattern[at]
        if char == "[":
            inner, at = _parse(pattern, at + 1, True)
            parts.append(inner)
        elif char == "]":
            if not nested:
                return parts, at
            return parts, at + 1
        elif char == "'":
            end = at + 1
            text = ""
            while True:
                close = pattern.find("'", end)
                if close < 0:
                    raise ValueError(f"Pattern ends with an incomplete string literal: {pattern}")
                text += pattern[end:close]
                if pattern[close + 1 : close + 2] != "'":
                    break
                text += "'"
                end = close + 2
            parts.append(text or "'")
            at = close + 1
        elif char.isalpha() and char.isascii():
            end = at
            while end < len(pattern) and pattern[end] == char:
                end += 1
            if char not in _LETTERS:
                raise ValueError(f"Unknown pattern letter: {char}")
            parts.append((char, end - at))
            at = end
        elif char in "{}#":
            raise ValueError(f"Pattern includes reserved character: '{char}'")
        else:
            parts.append(char)
            at += 1
    return parts, at


def _format(parts: list[Part], value: Temporal) -> str:
    out: list[str] = []
    for part in parts:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, list):
            try:
                out.append(_format(part, value))
            except UnsupportedFieldError:
                continue
        else:
            out.append(_FIELDS[part[0]](value, part[1]))
    return "".join(out)


def _date(value: Temporal) -> dt.date:
    if isinstance(value, dt.time):
        raise UnsupportedFieldError("Unsupported field: YearOfEra")
    return value


def _time(value: Temporal) -> dt.datetime | dt.time:
    if isinstance(value, (dt.time, dt.datetime)):
        return value
    raise UnsupportedFieldError("Unsupported field: HourOfDay")


def _offset(value: Temporal) -> int:
    offset = _time(value).utcoffset() if isinstance(value, (dt.time, dt.datetime)) else None
    if offset is None:
        raise UnsupportedFieldError("Unsupported field: OffsetSeconds")
    return round(offset.total_seconds())


def _year(value: Temporal, count: int) -> str:
    year = _date(value).year
    return f"{year % 100:02d}" if count == 2 else f"{year:0{count}d}"


def _month(value: Temporal, count: int) -> str:
    month = _date(value).month
    if count == 3:
        return _MONTHS[month - 1][:3]
    return _MONTHS[month - 1] if count >= 4 else f"{month:0{count}d}"


def _weekday(value: Temporal, count: int) -> str:
    name = _DAYS[_date(value).weekday()]
    return name if count == 4 else name[:3]


def _hour12(value: Temporal, count: int) -> str:
    return f"{(_time(value).hour - 1) % 12 + 1:0{count}d}"


def _iso_offset(value: Temporal, count: int, zulu: str) -> str:
    seconds = _offset(value)
    if seconds == 0 and zulu:
        return zulu
    sign = "-" if seconds < 0 else "+"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    if count == 1:
        return f"{sign}{hours:02d}" + (f"{minutes:02d}" if minutes else "")
    colon = ":" if count in (3, 5) else ""
    return f"{sign}{hours:02d}{colon}{minutes:02d}"


def _zone(value: Temporal, count: int) -> str:
    key = getattr(getattr(value, "tzinfo", None), "key", None)
    return str(key) if key else _iso_offset(value, 3, "Z")


_FIELDS: dict[str, Callable[[Temporal, int], str]] = {
    "y": _year,
    "u": _year,
    "M": _month,
    "d": lambda value, count: f"{_date(value).day:0{count}d}",
    "H": lambda value, count: f"{_time(value).hour:0{count}d}",
    "h": _hour12,
    "m": lambda value, count: f"{_time(value).minute:0{count}d}",
    "s": lambda value, count: f"{_time(value).second:0{count}d}",
    "S": lambda value, count: f"{_time(value).microsecond:06d}".ljust(count, "0")[:count],
    "n": lambda value, count: f"{_time(value).microsecond * 1000:0{count}d}",
    "a": lambda value, count: "PM" if _time(value).hour >= 12 else "AM",
    "E": _weekday,
    "X": lambda value, count: _iso_offset(value, count, "Z"),
    "x": lambda value, count: _iso_offset(value, count, ""),
    "Z": lambda value, count: _iso_offset(value, 3 if count == 5 else 2, ""),
    "V": _zone,
}

_NAMES = {
    "y": "year",
    "u": "year",
    "M": "month",
    "d": "day",
    "H": "hour",
    "h": "hour12",
    "m": "minute",
    "s": "second",
    "S": "micro",
    "n": "nano",
    "a": "half",
    "E": "weekday",
    "X": "offset",
    "x": "offset",
    "Z": "offset",
    "V": "zone",
}


def _regex(parts: list[Part], counter: list[int] | None = None) -> str:
    counter = counter if counter is not None else [0]
    out: list[str] = []
    for part in parts:
        if isinstance(part, str):
            out.append(re.escape(part))
        elif isinstance(part, list):
            out.append(f"(?:{_regex(part, counter)})?")
        else:
            letter, count = part
            counter[0] += 1
            out.append(f"(?P<{_NAMES[letter]}_{counter[0]}>{_shape(letter, count)})")
    return "".join(out)


def _shape(letter: str, count: int) -> str:
    if letter in "yu":
        return r"\d{2}" if count == 2 else r"\d{4}"
    if letter == "M" and count >= 3:
        return "|".join(month[:3] if count == 3 else month for month in _MONTHS)
    if letter == "S":
        return rf"\d{{{count}}}"
    if letter == "E":
        return "[A-Za-z]+"
    if letter == "a":
        return "AM|PM|am|pm"
    if letter in "XxZ":
        return r"Z|[+-]\d{2}(?::?\d{2})?"
    if letter == "V":
        return r"[\w/+:-]+"
    return r"\d{1,2}" if count == 1 else rf"\d{{{count}}}"


def _value(name: str, text: str) -> Any:
    if name in ("weekday", "half", "zone"):
        return text
    if name == "micro":
        return int(text.ljust(6, "0")[:6])
    if name == "month" and not text.isdigit():
        return next(i for i, month in enumerate(_MONTHS, 1) if month.startswith(text))
    if name == "offset":
        if text == "Z":
            return dt.UTC
        digits = text[1:].replace(":", "")
        minutes = int(digits[:2]) * 60 + int(digits[2:4] or 0)
        return dt.timezone(dt.timedelta(minutes=-minutes if text[0] == "-" else minutes))
    return int(text)
