"""The closed set of value types that expressions, storage and tasks exchange.

Kestra is Java; these are the Python faces of its types. Anything else never reaches a template.

| Java | here |
|---|---|
| null, Boolean, String | None, bool, str |
| Integer, Long, BigInteger | int |
| Float, Double | float |
| BigDecimal | decimal.Decimal |
| byte[] | bytes |
| Map, List, Set | dict, list, (frozen)set |
| LocalDate | datetime.date |
| LocalTime / OffsetTime | datetime.time without / with tzinfo |
| LocalDateTime | datetime.datetime without tzinfo |
| ZonedDateTime | datetime.datetime with tzinfo |
| OffsetDateTime | OffsetDateTime |
| Instant | Instant (UTC) |
| Duration | datetime.timedelta |
| URI | str |

Precision is microseconds (Java has nanoseconds): more digits are cut when read.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TypeAlias

__all__ = ["Instant", "OffsetDateTime", "Value", "format_duration", "parse_duration"]


class OffsetDateTime(dt.datetime):
    """A date-time with a fixed offset (java.time.OffsetDateTime)."""


class Instant(dt.datetime):
    """A point on the time line (java.time.Instant), always in UTC."""

    @classmethod
    def of(cls, moment: dt.datetime) -> Instant:
        """The same moment as an Instant; `moment` must be aware."""
        utc = moment.astimezone(dt.UTC)
        return cls(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond, dt.UTC)


Scalar: TypeAlias = (
    None | bool | int | float | str | bytes | Decimal | dt.date | dt.time | dt.datetime | dt.timedelta
)
Value: TypeAlias = "Scalar | dict[str, Value] | list[Value]"

# java.time.Duration.parse: no weeks, months, years; each part signed; a fraction only in seconds.
_DURATION = re.compile(
    r"([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+)(?:[.,](\d{0,9}))?S)?)?",
    re.IGNORECASE | re.ASCII,
)


def parse_duration(text: str) -> dt.timedelta:
    """Java's `Duration.parse`. Raises ValueError with Java's message for any other text."""
    match = _DURATION.fullmatch(text)
    if match is None or match[3] in ("T", "t") or not any(match[i] for i in (2, 4, 5, 6)):
        raise ValueError("Text cannot be parsed to a Duration")
    sign = -1 if match[1] == "-" else 1
    seconds = int(match[6] or 0)
    micros = int((match[7] or "").ljust(9, "0")[:6] or 0)
    if (match[6] or "").startswith("-"):
        micros = -micros
    try:
        total = dt.timedelta(
            days=int(match[2] or 0),
            hours=int(match[4] or 0),
            minutes=int(match[5] or 0),
            seconds=seconds,
            microseconds=micros,
        )
        return sign * total
    except OverflowError:
        raise ValueError("Text cannot be parsed to a Duration: overflow") from None


def format_duration(duration: dt.timedelta) -> str:
    """Java's `Duration.toString`: hours, minutes and seconds, no days (`P1D` prints as `PT24H`)."""
    micros = round(duration / dt.timedelta(microseconds=1))
    if micros == 0:
        return "PT0S"
    # Java truncates toward zero per unit and keeps the sign on every unit.
    sign = -1 if micros < 0 else 1
    whole, fraction = divmod(abs(micros), 1_000_000)
    hours, rest = divmod(whole, 3600)
    minutes, seconds = divmod(rest, 60)
    text = "PT"
    if hours:
        text += f"{sign * hours}H"
    if minutes:
        text += f"{sign * minutes}M"
    if seconds or fraction:
        digits = f".{fraction:06d}".rstrip("0") if fraction else ""
        text += f"{'-' if sign < 0 else ''}{seconds}{digits}S"
    return text
