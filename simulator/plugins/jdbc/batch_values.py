"""A value of an Ion row for a parameter of a known SQL type: what Batch takes and what it refuses (postgresql.md 7).

Values are handed over as text, which the server reads as the type that it inferred for the parameter.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from simulator.errors import TaskError
from simulator.plugins.jdbc.types import json_value
from simulator.storage.ion.java import iso_datetime
from simulator.values import Instant, OffsetDateTime, parse_duration

__all__ = ["to_parameter"]

_INT32 = range(-(1 << 31), 1 << 31)
_INT64 = range(-(1 << 63), 1 << 63)


class _Refused(Exception):  # noqa: N818 - a ClassCastException of Java, turned into a TaskError below
    pass


def _is_int(value: Any, span: range) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in span


def _integer(value: Any) -> str:
    if not _is_int(value, _INT32):
        raise _Refused
    return str(value)


def _long(value: Any) -> str:
    if not _is_int(value, _INT64):
        raise _Refused
    return str(value)


def _double(value: Any) -> str:
    if not isinstance(value, float):
        raise _Refused
    return repr(value)


def _decimal(value: Any) -> str:
    if not isinstance(value, Decimal) and not _is_int(value, _INT32):
        raise _Refused
    return str(value)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _Refused
    return value


def _boolean(value: Any) -> str:
    if not isinstance(value, bool):
        raise _Refused
    return "t" if value else "f"


def _bytes(value: Any) -> str:
    if not isinstance(value, (bytes, bytearray)):
        raise _Refused
    return "\\x" + bytes(value).hex()


def _date(value: Any) -> str:
    if not isinstance(value, dt.date) or (isinstance(value, dt.datetime) and value.tzinfo):
        raise _Refused
    return value.isoformat()[:10]


def _time(value: Any) -> str:
    if isinstance(value, Instant):
        return value.time().isoformat() + "+00"
    if not isinstance(value, dt.time):
        raise _Refused
    return value.isoformat()


#: what a text may look like for a timestamp, after the ISO forms
_TIMESTAMP_TEXTS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")


def _timestamp(value: Any) -> str:
    if isinstance(value, Instant):
        return iso_datetime(value.replace(tzinfo=None))
    if isinstance(value, dt.datetime):
        return iso_datetime(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if not isinstance(value, str):
        raise _Refused
    text = value.partition("[")[0]
    if re.match(r"\d{4}-\d\d-\d\d(T|$)", text):
        try:
            return iso_datetime(dt.datetime.fromisoformat(text))
        except ValueError:
            raise _Refused from None
    for pattern in _TIMESTAMP_TEXTS:
        try:
            return iso_datetime(dt.datetime.strptime(text, pattern))
        except ValueError:
            continue
    raise _Refused


def _interval(value: Any) -> str:
    if isinstance(value, dt.timedelta):
        return f"{value.total_seconds()} seconds"
    if isinstance(value, Decimal) or _is_int(value, _INT64):
        return f"{value} seconds"
    if not isinstance(value, str):
        raise _Refused
    if re.fullmatch(r"[-+]?P.*", value):
        # PostgreSQL reads ISO 8601 intervals; Java's signs inside (`PT-5M`) too.
        try:
            return f"{parse_duration(value).total_seconds()} seconds"
        except ValueError:
            return value
    return value


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(json_value(value), ensure_ascii=False)


def _anything(value: Any) -> str:
    """Types that the plugin does not look at: the server decides."""
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (dict, list)):
        return _json(value)
    return str(value)


#: type name -> conversion, and the class that JDBC's metadata names
_TYPES: dict[str, tuple[Callable[[Any], str], str]] = {
    "int2": (_integer, "java.lang.Integer"),
    "int4": (_integer, "java.lang.Integer"),
    "int8": (_long, "java.lang.Long"),
    "oid": (_long, "java.lang.Long"),
    "float4": (_double, "java.lang.Float"),
    "float8": (_double, "java.lang.Double"),
    "numeric": (_decimal, "java.math.BigDecimal"),
    "bool": (_boolean, "java.lang.Boolean"),
    "text": (_string, "java.lang.String"),
    "varchar": (_string, "java.lang.String"),
    "bpchar": (_string, "java.lang.String"),
    "name": (_string, "java.lang.String"),
    "bytea": (_bytes, "[B"),
    "date": (_date, "java.sql.Date"),
    "time": (_time, "java.sql.Time"),
    "timetz": (_time, "java.sql.Time"),
    "timestamp": (_timestamp, "java.sql.Timestamp"),
    "timestamptz": (_timestamp, "java.sql.Timestamp"),
    "interval": (_interval, "org.postgresql.util.PGInterval"),
    "json": (_json, "org.postgresql.util.PGobject"),
    "jsonb": (_json, "org.postgresql.util.PGobject"),
}


def to_parameter(value: Any, type_name: str, index: int) -> str | None:
    """The text of a value for the `index`-th parameter (from 1), whose SQL type is `type_name` (`_int4`: an array).

    Raises TaskError with the plugin's text when the Java class does not fit.
    """
    if value is None:
        return None
    element = type_name.removeprefix("_")
    convert, java = _TYPES.get(element, (_anything, "java.lang.Object"))
    try:
        if type_name != element:
            java = "java.sql.Array"
            return _array(value, convert)
        return convert(value)
    except _Refused:
        raise TaskError(
            f"Unable to transform data with type '{type_name}', class 'class {java}', index '{index}', "
            f"value '{_shown(value)}', valueClass 'class {_java_class(value)}'",
            hint=_hint(value, java),
        ) from None


def _array(value: Any, convert: Callable[[Any], str]) -> str:
    if not isinstance(value, (list, tuple)):
        raise _Refused
    parts = []
    for item in value:
        if item is None:
            parts.append("NULL")
        elif isinstance(item, (list, tuple)):
            parts.append(_array(item, convert))
        else:
            text = convert(item)
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'"{escaped}"')
    return "{" + ",".join(parts) + "}"


def _hint(value: Any, java: str) -> str | None:
    if isinstance(value, str) and java != "java.lang.String":
        return "rows of a CSV file hold text: cast in the SQL (`CAST(CAST(? AS text) AS int)`)"
    return None


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    return str(value)


def _java_class(value: Any) -> str:
    if isinstance(value, bool):
        return "java.lang.Boolean"
    if isinstance(value, int):
        if value in _INT32:
            return "java.lang.Integer"
        return "java.lang.Long" if value in _INT64 else "java.math.BigInteger"
    for kind, name in (
        (float, "java.lang.Double"),
        (Decimal, "java.math.BigDecimal"),
        (str, "java.lang.String"),
        (bytes, "[B"),
        (Instant, "java.time.Instant"),
        (OffsetDateTime, "java.time.OffsetDateTime"),
        (dt.timedelta, "java.time.Duration"),
        (dict, "java.util.LinkedHashMap"),
        (list, "java.util.ArrayList"),
    ):
        if isinstance(value, kind):
            return name
    if isinstance(value, dt.datetime):
        return "java.time.ZonedDateTime" if value.tzinfo else "java.time.LocalDateTime"
    if isinstance(value, dt.date):
        return "java.time.LocalDate"
    if isinstance(value, dt.time):
        return "java.time.OffsetTime" if value.tzinfo else "java.time.LocalTime"
    return "java.lang.Object"
