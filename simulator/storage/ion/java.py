"""How Java writes and reads the scalars that Ion rows carry as text: doubles, ISO dates and times."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

from simulator.values import Instant, OffsetDateTime

__all__ = ["double_text", "iso_datetime", "iso_time", "parse_annotated"]


def double_text(value: float) -> str:
    """`Double.toString` of a finite double: plain from 1e-3 to 1e7, else one digit, point and `E`."""
    text = repr(value)
    if 1e-3 <= value < 1e7 or -1e7 < value <= -1e-3:
        return text  # the same digits and the same form, which is what most numbers have
    sign = "-" if text.startswith("-") else ""
    mantissa, _, exponent_text = text.removeprefix("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    if value == 0:
        return f"{sign}0.0"
    digits = (whole + fraction).lstrip("0")
    # value = 0.<digits> * 10^point
    point = len(whole) + int(exponent_text or 0)
    if whole == "0":
        point = int(exponent_text or 0) - (len(fraction) - len(fraction.lstrip("0")))
    digits = digits.rstrip("0") or "0"
    if -3 < point <= 7:
        if point <= 0:
            return f"{sign}0.{'0' * -point}{digits}"
        return f"{sign}{digits[:point].ljust(point, '0')}.{digits[point:] or '0'}"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{point - 1}"


def _fraction(micros: int) -> str:
    return f".{micros:06d}".rstrip("0") if micros else ""


def _offset(value: dt.datetime | dt.time) -> str:
    offset = value.utcoffset()
    if offset is None:
        return ""
    seconds = round(offset.total_seconds())
    if seconds == 0:
        return "Z"
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{sign}{hours:02d}:{minutes:02d}" + (f":{left:02d}" if left else "")


def iso_time(value: dt.time) -> str:
    """ISO_LOCAL_TIME or ISO_OFFSET_TIME: seconds always, the fraction without trailing zeros."""
    head = f"{value.hour:02d}:{value.minute:02d}:{value.second:02d}{_fraction(value.microsecond)}"
    return head + _offset(value)


def iso_datetime(value: dt.datetime) -> str:
    """ISO_LOCAL_DATE_TIME or ISO_OFFSET_DATE_TIME (no region)."""
    head = f"{value.year:04d}-{value.month:02d}-{value.day:02d}T{value.hour:02d}:{value.minute:02d}:{value.second:02d}"
    return head + _fraction(value.microsecond) + _offset(value)


_FRACTION = re.compile(r"\.(\d+)")


def _clean(text: str) -> str:
    """Cuts a fraction to the microseconds that Python has."""
    return _FRACTION.sub(lambda match: "." + match[1][:6], text)


def parse_annotated(kind: str, text: str) -> dt.datetime | dt.date | dt.time | None:
    """The value behind an annotation that Kestra knows (`LocalDateTime`, ...); None for any other annotation.

    Raises ValueError for text that is not of that kind.
    """
    if kind == "LocalDate":
        return dt.date.fromisoformat(text)
    if kind in ("LocalTime", "OffsetTime"):
        return dt.time.fromisoformat(_clean(text))
    if kind not in ("Instant", "OffsetDateTime", "ZonedDateTime", "LocalDateTime"):
        return None
    moment, bracket, zone = text.partition("[")
    value = dt.datetime.fromisoformat(_clean(moment))
    if kind == "LocalDateTime":
        return value
    if value.tzinfo is None:
        raise ValueError(f"no offset in {text!r}")
    if kind == "Instant":
        return Instant.of(value)
    if kind == "OffsetDateTime":
        return OffsetDateTime.combine(value.date(), value.timetz())
    if bracket:
        return value.astimezone(ZoneInfo(zone.rstrip("]")))
    return value
