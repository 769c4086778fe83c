"""Values as Java would write them: `toString` of maps, lists and scalars, and dates by the pattern properties."""

from __future__ import annotations

import datetime as dt
import math
import zlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from simulator.engine.task import RunContext
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec
from simulator.plugins.serdes.patterns import formatter
from simulator.storage.ion.java import double_text, iso_datetime, iso_time
from simulator.values import Instant, OffsetDateTime

__all__ = ["DATE_FORMATS", "TIME_ZONE", "iso_text", "java_text", "text_writers", "zone_of"]

TIME_ZONE = PropertySpec("timeZoneId", doc="Default: the server's zone, here UTC as in Kestra's image.")

#: The pattern properties of the tasks that write text (IonToCsv, IonToExcel, IonToXml).
DATE_FORMATS = (
    PropertySpec("dateFormat", default="yyyy-MM-dd"),
    PropertySpec("timeFormat", default="HH:mm:ss[XXX]"),
    PropertySpec("dateTimeFormat", default="yyyy-MM-dd'T'HH:mm:ss.SSS[XXX]"),
    TIME_ZONE,
)


def zone_of(ctx: RunContext) -> dt.tzinfo:
    """The zone of `timeZoneId`. Raises TaskError with Java's text for an unknown one."""
    name = ctx.get("timeZoneId")
    if not name or name in ("Z", "UTC"):
        return dt.UTC
    try:
        return ZoneInfo(str(name))
    except (KeyError, ValueError, OSError):
        raise TaskError(f"Unknown time-zone ID: {name}") from None


def float_text(value: float) -> str:
    """`Double.toString`."""
    if 1e-3 <= value < 1e7 or -1e7 < value <= -1e-3:
        # Here Java and Python write the same digits.
        return repr(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return double_text(value)


def iso_text(value: dt.datetime | dt.date | dt.time) -> str:
    """`toString` of a date or time, seconds always shown."""
    if isinstance(value, dt.datetime):
        key = getattr(value.tzinfo, "key", None)
        return iso_datetime(value) + (f"[{key}]" if key else "")
    return iso_time(value) if isinstance(value, dt.time) else value.isoformat()


def java_text(value: Any) -> str:
    """`String.valueOf(value)`."""
    kind = type(value)
    if kind is str:
        return str(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        return float_text(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{java_text(key)}={java_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(java_text(item) for item in value) + "]"
    if isinstance(value, bytes):
        return f"[B@{zlib.crc32(value):x}"
    if isinstance(value, (dt.date, dt.time)):
        return iso_text(value)
    return str(value)


def text_writers(ctx: RunContext) -> dict[type, Callable[[Any], str]]:
    """type -> how a cell of it is written (table of serdes.md 3). Types that are not in it: `java_text`."""
    zone = zone_of(ctx)
    date, time, moment = (_formatter(ctx, name) for name in ("dateFormat", "timeFormat", "dateTimeFormat"))

    def datetime_text(value: dt.datetime) -> str:
        if isinstance(value, Instant):
            return moment(value)
        return moment(value.astimezone(zone) if value.tzinfo is not None else value)

    return {
        str: str,
        int: str,
        bool: lambda value: "true" if value else "false",
        float: float_text,
        Decimal: str,
        type(None): lambda value: "",
        dt.date: date,
        dt.time: time,
        dt.datetime: datetime_text,
        OffsetDateTime: datetime_text,
        Instant: moment,
    }


def _formatter(ctx: RunContext, name: str) -> Callable[[Any], str]:
    try:
        write = formatter(str(ctx.get(name))).format
    except ValueError as error:
        raise TaskError(str(error), hint=f"`{name}`: {ctx.get(name)}") from None

    def text(value: Any) -> str:
        try:
            return write(value)
        except ValueError as error:
            raise TaskError(str(error), hint=f"`{name}`: {ctx.get(name)}") from None

    return text
