"""How Java writes values: `toString()`, and Kestra's JSON (Jackson) for what templates print.

Source: expressions.md 15. Zones and dates: `simulator.expressions.java.moments`.
"""

from __future__ import annotations

import base64
import datetime as dt
import json.encoder
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import (
    Array,
    Float,
    JavaDate,
    MapEntry,
    SafeString,
    class_name,
)
from simulator.values import Instant, OffsetDateTime, format_duration

__all__ = ["double_text", "json_string", "to_json", "to_string"]

_encode: Callable[[str], str] = json.encoder.encode_basestring
_CONTROL = re.compile("[\x00-\x07\x0b\x0e-\x1f]")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def double_text(value: float) -> str:
    """`Double.toString`, or `Float.toString` for a Float (shortest digits; JDK 19 and later)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    if isinstance(value, Float):
        digits, exponent = _float_digits(value)
    else:
        digits, exponent = _double_digits(float(value))
    sign = "-" if value < 0 else ""
    if -3 <= exponent < 7:
        if exponent < 0:
            return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
        digits = digits.ljust(exponent + 2, "0")
        return f"{sign}{digits[: exponent + 1]}.{digits[exponent + 1 :]}"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"


def _split(text: str) -> tuple[str, int]:
    mantissa, _, exponent = text.lstrip("-").partition("e")
    return mantissa.replace(".", "").rstrip("0") or "0", int(exponent)


def _double_digits(value: float) -> tuple[str, int]:
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    if len(text) == 1:
        # Java takes two digits when they come closer than one (4.9E-324).
        candidate = f"{value:.1e}"
        if float(candidate) == value:
            return _split(candidate)
    return text, int(exponent) + len(text) - 1


def _float_digits(value: Float) -> tuple[str, int]:
    for precision in range(1, 9):
        candidate = f"{float(value):.{precision}e}"
        if Float(candidate) == value:
            return _split(candidate)
    return _split(f"{float(value):.9e}")


def _fraction(microsecond: int) -> str:
    if microsecond == 0:
        return ""
    return f".{microsecond // 1000:03d}" if microsecond % 1000 == 0 else f".{microsecond:06d}"


def _local_time(value: dt.time | dt.datetime) -> str:
    text = f"{value.hour:02d}:{value.minute:02d}"
    if value.second or value.microsecond:
        text += f":{value.second:02d}{_fraction(value.microsecond)}"
    return text


def _local_date(value: dt.date) -> str:
    return f"{value.year:04d}-{value.month:02d}-{value.day:02d}"


def _offset(value: dt.datetime | dt.time) -> str:
    delta = value.utcoffset() or dt.timedelta()
    seconds = round(delta.total_seconds())
    if seconds == 0:
        return "Z"
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{sign}{hours:02d}:{minutes:02d}" + (f":{seconds:02d}" if seconds else "")


def _java_date(value: dt.datetime) -> str:
    return (
        f"{_DAYS[value.weekday()]} {_MONTHS[value.month - 1]} {value.day:02d} "
        f"{value.hour:02d}:{value.minute:02d}:{value.second:02d} {value.tzname() or 'UTC'} {value.year:04d}"
    )


def _moment_text(value: dt.date | dt.time) -> str:
    if isinstance(value, JavaDate):
        return _java_date(value)
    if isinstance(value, Instant):
        seconds = f"{value.hour:02d}:{value.minute:02d}:{value.second:02d}{_fraction(value.microsecond)}"
        return f"{_local_date(value)}T{seconds}Z"
    if isinstance(value, dt.datetime):
        text = f"{_local_date(value)}T{_local_time(value)}"
        if value.tzinfo is None:
            return text
        region = None if isinstance(value, OffsetDateTime) else getattr(value.tzinfo, "key", None)
        return text + _offset(value) + (f"[{region}]" if region else "")
    if isinstance(value, dt.date):
        return _local_date(value)
    return _local_time(value) + (_offset(value) if value.tzinfo else "")


def to_string(value: Any) -> str:
    """`String.valueOf(value)`: Java's own form, also of collections (`[1, x, null]`, `{k=1}`)."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{to_string(key)}={to_string(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (Array, bytes)):
        # The real text holds an identity hash that differs from run to run.
        return f"{class_name(value)}@{id(value) & 0xFFFFFFFF:x}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "[" + ", ".join(map(to_string, value)) + "]"
    if isinstance(value, dt.timedelta):
        return format_duration(value)
    if isinstance(value, (dt.date, dt.time)):
        return _moment_text(value)
    if isinstance(value, MapEntry):
        return f"{to_string(value.key)}={to_string(value.value)}"
    return str(value)


def json_string(text: str) -> str:
    """A JSON text literal as Jackson writes it: non-ASCII and `/` as they are, upper-case hex escapes."""
    encoded = _encode(str.__str__(text))
    if _CONTROL.search(text):
        encoded = re.sub(r"\\u00[01][0-9a-f]", lambda found: "\\u" + found[0][2:].upper(), encoded)
    return encoded


def _json_moment(value: dt.date | dt.time, zone: dt.tzinfo) -> str:
    if isinstance(value, JavaDate):
        return f"{_local_date(value)}T{value:%H:%M:%S}.{value.microsecond // 1000:03d}+00:00"
    if isinstance(value, Instant):
        return _moment_text(value)
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            return _iso_seconds(value)
        local = value.astimezone(zone)
        return _iso_seconds(local) + _offset(local)
    if isinstance(value, dt.date):
        return _local_date(value)
    seconds = f"{value.hour:02d}:{value.minute:02d}:{value.second:02d}{_plain_fraction(value.microsecond)}"
    return seconds + (_offset(value) if value.tzinfo else "")


def _plain_fraction(microsecond: int) -> str:
    return f".{microsecond:06d}".rstrip("0") if microsecond else ""


def _iso_seconds(value: dt.datetime) -> str:
    return (
        f"{_local_date(value)}T{value.hour:02d}:{value.minute:02d}:{value.second:02d}"
        f"{_plain_fraction(value.microsecond)}"
    )


def to_json(
    value: Any, zone: dt.tzinfo = dt.UTC, *, keep_nulls: bool = False, iso_durations: bool = False
) -> str:
    """Kestra's JSON text of a value: compact, nulls dropped from maps, dates moved to `zone`.

    Raises JavaError for a null key or a class that Jackson cannot write.
    """
    out: list[str] = []
    _write(value, zone, keep_nulls, iso_durations, out.append)
    return "".join(out)


def _write(
    value: Any, zone: dt.tzinfo, keep_nulls: bool, iso_durations: bool, emit: Callable[[str], None]
) -> None:
    if value is None:
        emit("null")
    elif isinstance(value, str):
        emit(json_string(value))
    elif isinstance(value, bool):
        emit("true" if value else "false")
    elif isinstance(value, int):
        emit(int.__repr__(value))
    elif isinstance(value, float):
        text = double_text(value)
        emit(text if math.isfinite(value) else f'"{text}"')
    elif isinstance(value, Decimal):
        emit(str(value))
    elif isinstance(value, Mapping):
        separator = "{"
        for key, item in value.items():
            if key is None:
                raise JavaError("JsonMappingException", "Null key for a Map not allowed in JSON")
            if item is None and not keep_nulls:
                continue
            emit(separator)
            emit(json_string(to_string(key)))
            emit(":")
            _write(item, zone, keep_nulls, iso_durations, emit)
            separator = ","
        emit("{}" if separator == "{" else "}")
    elif isinstance(value, (list, tuple, set, frozenset)):
        separator = "["
        for item in value:
            emit(separator)
            _write(item, zone, keep_nulls, iso_durations, emit)
            separator = ","
        emit("[]" if separator == "[" else "]")
    elif isinstance(value, dt.timedelta):
        emit(f'"{format_duration(value)}"' if iso_durations else _seconds(value))
    elif isinstance(value, (dt.date, dt.time)):
        emit(json_string(_json_moment(value, zone)))
    elif isinstance(value, bytes):
        emit(f'"{base64.b64encode(value).decode("ascii")}"')
    elif isinstance(value, MapEntry):
        _write({value.key: value.value}, zone, keep_nulls, iso_durations, emit)
    elif isinstance(value, SafeString):
        # Jackson sees the bean SafeString with its one property.
        _write({"content": value.text}, zone, keep_nulls, iso_durations, emit)
    else:
        raise JavaError("InvalidDefinitionException", f"No serializer found for class {class_name(value)}")


def _seconds(value: dt.timedelta) -> str:
    micros = value // dt.timedelta(microseconds=1)
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), 1_000_000)
    return f"{sign}{whole}.{fraction:06d}000"
