"""How values look from Java: class names in messages, and a value as the JSON side of Kestra shows it (storage.md 2.4)."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import enum
from collections.abc import Mapping
from typing import Any

from simulator.storage.ion.java import iso_datetime, iso_time

__all__ = ["java_class", "json_like"]

_CLASSES: tuple[tuple[type, str], ...] = (
    (bool, "java.lang.Boolean"),
    (str, "java.lang.String"),
    (int, "java.lang.Integer"),
    (float, "java.lang.Double"),
    (decimal.Decimal, "java.math.BigDecimal"),
    (Mapping, "java.util.LinkedHashMap"),
    (list, "java.util.ArrayList"),
    (tuple, "java.util.ArrayList"),
    (set, "java.util.LinkedHashSet"),
    (frozenset, "java.util.LinkedHashSet"),
    (bytes, "[B"),
    (dt.datetime, "java.time.ZonedDateTime"),
    (dt.date, "java.time.LocalDate"),
    (dt.time, "java.time.LocalTime"),
    (dt.timedelta, "java.time.Duration"),
)


def java_class(value: Any) -> str:
    """The Java class behind a value, as `getClass()` prints it: `class java.util.LinkedHashMap`."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**31) <= value < 2**31:
        return "class java.lang.Long" if -(2**63) <= value < 2**63 else "class java.math.BigInteger"
    name = next((name for kind, name in _CLASSES if isinstance(value, kind)), "java.lang.Object")
    return f"class {name}"


def json_like(value: Any) -> Any:
    """A value as task outputs hold it: dates as ISO text, durations as seconds, bytes as base64, names of enums."""
    if isinstance(value, Mapping):
        return {str(key): json_like(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [json_like(item) for item in value]
    if isinstance(value, enum.Enum) and not isinstance(value, (str, int)):
        return value.name
    if isinstance(value, dt.datetime):
        return iso_datetime(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.time):
        return iso_time(value)
    if isinstance(value, dt.timedelta):
        seconds = value.total_seconds()
        return int(seconds) if seconds == int(seconds) else seconds
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    return value
