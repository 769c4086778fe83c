"""PostgreSQL values as the plugin reads them: the type table of postgresql.md 8.

`configure(connection, zone, for_json)` registers loaders on one connection. Two faces: rows of a STORE file keep Java's
types (dates, decimals, bytes), rows of `outputs` are what Jackson makes of them (ISO text, numbers, base64). Common types
keep psycopg's own fast loaders when a row goes to a file.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import re
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from simulator.storage.ion.java import iso_datetime, iso_time

__all__ = ["UnsupportedColumn", "configure", "json_value"]

Convert = Callable[[str], Any]


class UnsupportedColumn(Exception):  # noqa: N818 - caught in this family, never leaves it
    """A value of a type that the plugin refuses. `{column}` in the text is filled in by the reader."""


# One function per type: the server's text in, the Java value out ----------------------------------------------------


def _float4(text: str) -> float:
    """A Java Float as the double that Ion writes: 3.2 becomes 3.200000047683716."""
    value = float(text)
    if not math.isfinite(value):
        return value
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _numeric(text: str) -> Decimal | float:
    value = Decimal(text)
    return value if value.is_finite() else float(text)


def _money(text: str) -> float:
    negative = "-" in text or text.startswith("(")
    value = float(re.sub(r"[^\d.]", "", text) or 0)
    return -value if negative else value


def _local_time(text: str) -> dt.time:
    """The fraction of a second is lost on the way through java.sql.Time."""
    hours, minutes, seconds = text.split(":")
    return dt.time(int(hours) % 24, int(minutes), int(seconds[:2]))


_TIMETZ = re.compile(r"(\d+):(\d+):(\d+)(?:\.\d+)?([+-])(\d+)(?::(\d+))?(?::(\d+))?")


def _offset_time(zone: dt.tzinfo) -> Convert:
    """`timetz` as LocalTime in the task's zone, on the first day of the epoch."""

    def convert(text: str) -> dt.time:
        match = _TIMETZ.fullmatch(text)
        assert match is not None, "the server writes no other form"
        hours, minutes, seconds = (int(match[index]) for index in (1, 2, 3))
        offset = dt.timedelta(hours=int(match[5]), minutes=int(match[6] or 0), seconds=int(match[7] or 0)) * (
            -1 if match[4] == "-" else 1
        )
        moment = dt.datetime(1970, 1, 1, hours % 24, minutes, seconds, tzinfo=dt.timezone(offset))
        return moment.astimezone(zone).time()

    return convert


_INTERVAL = re.compile(r"([+-]?\d+) (year|mon|day)s?")
_CLOCK = re.compile(r"([+-]?)(\d+):(\d+):(\d+)(?:\.\d+)?")


def _interval(text: str) -> str:
    """All six parts, always; seconds cut to whole ones."""
    parts = {"year": 0, "mon": 0, "day": 0}
    for amount, unit in _INTERVAL.findall(text):
        parts[unit] = int(amount)
    clock = _CLOCK.search(text)
    sign = -1 if clock and clock[1] == "-" else 1
    hours, minutes, seconds = (sign * int(clock[index]) if clock else 0 for index in (2, 3, 4))
    return f"P{parts['year']}Y{parts['mon']}M{parts['day']}DT{hours}H{minutes}M{seconds}S"


def _json_object(kind: str) -> Convert:
    def convert(text: str) -> Any:
        value = json.loads(text)
        if not isinstance(value, dict):
            raise UnsupportedColumn(f"Invalid data type [{kind}] with value [{text}]")
        return value

    return convert


def _bit(text: str) -> bool:
    if len(text) != 1:
        raise UnsupportedColumn("PGobject of type [bit] is not supported")
    return text == "1"


def _bytea(text: str) -> bytes:
    return bytes.fromhex(text[2:])


_HSTORE = re.compile(r'"((?:[^"\\]|\\.)*)"=>(?:NULL|"((?:[^"\\]|\\.)*)")')


def _hstore(text: str) -> dict[str, Any]:
    def clean(part: str) -> str:
        return re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL)

    return {
        clean(match[1]): None if match[2] is None else clean(match[2]) for match in _HSTORE.finditer(text)
    }


def _within(read: Convert) -> Convert:
    """`read`, with words for what lies outside the years 1 to 9999. The driver has sentinels of its own for infinity
    (postgresql.md 4, unsure): no value is better than another one."""

    def convert(text: str) -> Any:
        try:
            return read(text)
        except (ValueError, OverflowError):
            raise UnsupportedColumn(
                f"'{text}' is outside the years 1 to 9999, which is all that is read here: cast the column to text"
            ) from None

    return convert


_date: Convert = _within(dt.date.fromisoformat)
_timestamp: Convert = _within(dt.datetime.fromisoformat)


def _timestamptz(zone: dt.tzinfo) -> Convert:
    return _within(lambda text: dt.datetime.fromisoformat(text).astimezone(zone))


def _refused(message: str) -> Convert:
    def convert(text: str) -> Any:
        raise UnsupportedColumn(message)

    return convert


def _pg_object(kind: str) -> Convert:
    return _refused(f"PGobject of type [{kind}] is not supported")


def _foreign_class(java: str, kind: str) -> Convert:
    return _refused(
        f"Data of type 'class {java}' for column '{{column}}' is not supported, the column type is '{kind}'"
    )


#: Built-in types whose Java value differs from what psycopg gives: type name -> conversion.
_VALUES: dict[str, Convert] = {
    "float4": _float4,
    "numeric": _numeric,
    "money": _money,
    "uuid": str,
    "date": _date,
    "time": _local_time,
    "timestamp": _timestamp,
    "interval": _interval,
    "bytea": _bytea,
    "json": _json_object("json"),
    "jsonb": _json_object("jsonb"),
    "tsvector": str,
    "void": lambda text: None,
    "bit": _bit,
    "xml": _foreign_class("org.postgresql.jdbc.PgSQLXML", "xml"),
    **{
        name: _foreign_class(f"org.postgresql.geometric.PG{name}", name)
        for name in ("point", "box", "circle", "line", "lseg", "path", "polygon")
    },
    **{
        name: _pg_object(name)
        for name in (
            "varbit",
            "inet",
            "cidr",
            "macaddr",
            "macaddr8",
            "tsquery",
            "jsonpath",
            "record",
            "int4range",
            "int8range",
            "numrange",
            "tsrange",
            "tstzrange",
            "daterange",
            "int4multirange",
            "int8multirange",
            "nummultirange",
            "tsmultirange",
            "tstzmultirange",
            "datemultirange",
        )
    },
}

VOID = 2278


def json_value(value: Any, *, drop_nulls: bool = False) -> Any:
    """A Java value as Jackson writes it and reads it back: what `outputs` hold. Map entries that are null go
    when `drop_nulls` (the mapper's default; `row` keeps them)."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    if isinstance(value, Decimal):
        text = str(value)
        return int(text) if re.fullmatch(r"-?\d+", text) else float(value)
    if isinstance(value, dt.datetime):
        # The mapper writes zoned values in the server's zone, UTC.
        return iso_datetime(value.astimezone(dt.UTC) if value.tzinfo else value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.time):
        return iso_time(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, Mapping):
        return {
            str(key): json_value(item, drop_nulls=drop_nulls)
            for key, item in value.items()
            if not (drop_nulls and item is None)
        }
    if isinstance(value, (list, tuple)):
        return [json_value(item, drop_nulls=drop_nulls) for item in value]
    return str(value)


def configure(connection: Any, zone: dt.tzinfo, *, for_json: bool) -> None:
    """Makes a connection read values as the plugin does. `for_json`: floats of 4 bytes keep their short text."""
    from psycopg import postgres

    conversions = dict(_VALUES)
    conversions["timetz"] = _offset_time(zone)
    conversions["timestamptz"] = _timestamptz(zone)
    if for_json:
        conversions["float4"] = float
    for info in postgres.types:
        convert = conversions.get(info.name)
        if convert is not None:
            _register(connection, info.oid, info.array_oid, convert, info.delimiter)
    # The only pseudo-type that a column can have; psycopg's registry lacks it.
    _register(connection, VOID, 0, conversions["void"], ",")
    _register_custom(connection)


def _register_custom(connection: Any) -> None:
    """Types of the database itself (16384 and up): enums are text, hstore a map, everything else is refused."""
    cursor = connection.cursor()
    found = cursor.execute(
        "SELECT t.oid, t.typname, t.typtype::text, t.typarray, n.nspname, pg_type_is_visible(t.oid), t.typdelim::text"
        " FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
        " WHERE t.oid >= 16384 AND t.typtype IN ('b', 'c', 'e', 'r', 'm') AND t.typelem = 0"
    ).fetchall()
    if not connection.autocommit:
        connection.rollback()
    for oid, name, kind, array_oid, schema, visible, delimiter in found:
        if kind == "e":
            convert: Convert = str
        elif kind == "b" and name == "hstore":
            convert = _hstore
        else:
            shown = name if re.fullmatch(r"[a-z_][a-z0-9_$]*", name) else f'"{name}"'
            convert = _pg_object(shown if visible else f'"{schema}"."{name}"')
        _register(connection, oid, array_oid, convert, delimiter)


def _register(connection: Any, oid: int, array_oid: int, convert: Convert, delimiter: str) -> None:
    from psycopg.adapt import Loader
    from psycopg.types import TypeInfo
    from psycopg.types.array import register_array

    def load(self: Any, data: Any) -> Any:
        return convert(bytes(data).decode("utf-8"))

    loader = type("JavaLoader", (Loader,), {"load": load})
    connection.adapters.register_loader(oid, loader)
    if array_oid and oid >= 16384:
        register_array(TypeInfo("custom", oid, array_oid, delimiter=delimiter), connection)
