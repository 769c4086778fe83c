"""Values as Ion text, byte for byte as Kestra's Ion mapper writes them (storage.md 2.2).

`to_text(value)` is the general form; rows of known columns go faster through `simulator.storage.ion.rows`.
"""

from __future__ import annotations

import base64
import datetime as dt
import enum
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from simulator.errors import StorageError
from simulator.storage.ion.java import double_text, iso_datetime, iso_time
from simulator.values import Instant, OffsetDateTime

__all__ = ["field_name", "float_text", "quote_string", "to_text"]

_SPECIAL = re.compile(r'["\\\x00-\x1f\x7f-\x9f]')
_SYMBOL_SPECIAL = re.compile(r"['\\\x00-\x1f\x7f-\x9f]")
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_RESERVED = frozenset({"null", "true", "false", "nan"})
_ESCAPES = {
    "\0": "\\0",
    "\a": "\\a",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\v": "\\v",
    "\f": "\\f",
    "\r": "\\r",
    '"': '\\"',
    "'": "\\'",
    "\\": "\\\\",
}


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    return _ESCAPES.get(char) or f"\\x{ord(char):02x}"


def quote_string(text: str) -> str:
    """An Ion string literal."""
    if _SPECIAL.search(text) is None:
        return f'"{text}"'
    return '"' + _SPECIAL.sub(_escape, text) + '"'


def field_name(name: str) -> str:
    """A field name: bare when it is an identifier and no keyword, quoted otherwise."""
    # `$10` would be read as a symbol id, so it is quoted.
    if _IDENTIFIER.fullmatch(name) and name not in _RESERVED and not re.fullmatch(r"\$\d+", name):
        return name
    return "'" + _SYMBOL_SPECIAL.sub(_escape, name) + "'"


def float_text(value: float) -> str:
    """Java's digits, with `e0` where Java prints no exponent (`1.1` -> `1.1e0`, `2.0` -> `2e0`)."""
    if not math.isfinite(value):
        return "nan" if value != value else "+inf" if value > 0 else "-inf"
    text = double_text(value)
    if text.endswith(".0"):
        return text[:-2] + "e0"
    return text.replace("E", "e") if "E" in text else text + "e0"


def decimal_text(value: Decimal) -> str:
    """An Ion decimal as ion-java prints it: a point where it can, `d` exponents elsewhere."""
    if not value.is_finite():
        raise StorageError(f"Cannot write {value} as an Ion decimal")
    sign, digit_tuple, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    digits = "".join(map(str, digit_tuple)) or "0"
    head = "-" if sign else ""
    if exponent == 0:
        return f"{head}{digits}."
    if exponent > 0:
        return f"{head}{digits}d{exponent}"
    adjusted = len(digits) - 1 + exponent
    if adjusted >= 0:
        whole = len(digits) + exponent
        return f"{head}{digits[:whole]}.{digits[whole:]}"
    if adjusted >= -6:
        return f"{head}0.{'0' * (-exponent - len(digits))}{digits}"
    return f"{head}{digits}d{exponent}"


def duration_decimal(value: dt.timedelta) -> Decimal:
    """Seconds with nine digits, as Jackson writes a Duration."""
    micros = value // dt.timedelta(microseconds=1)
    if micros == 0:
        return Decimal("0.0")
    return Decimal(micros).scaleb(-6).quantize(Decimal("1.000000000"))


def annotated(value: dt.datetime | dt.time) -> tuple[str, str]:
    """Annotation and text of a date-time or time that has no Ion type of its own."""
    if isinstance(value, dt.time):
        return ("LocalTime" if value.tzinfo is None else "OffsetTime"), iso_time(value)
    if value.tzinfo is None:
        return "LocalDateTime", iso_datetime(value)
    if isinstance(value, OffsetDateTime):
        return "OffsetDateTime", iso_datetime(value)
    zone = f"[{value.tzinfo.key}]" if isinstance(value.tzinfo, ZoneInfo) else ""
    return "ZonedDateTime", iso_datetime(value) + zone


def instant_text(value: Instant) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + f".{value.microsecond // 1000:03d}Z"


def to_text(value: Any) -> str:
    """One value as Ion text. Raises StorageError for a type outside `simulator.values`."""
    kind = type(value)
    if kind is str:
        return quote_string(value)
    if kind is int:
        return str(value)
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if kind is float:
        return float_text(value)
    if isinstance(value, Mapping):
        return "{" + ",".join([f"{field_name(str(k))}:{to_text(v)}" for k, v in value.items()]) + "}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "[" + ",".join([to_text(item) for item in value]) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "{{" + base64.b64encode(value).decode("ascii") + "}}"
    if isinstance(value, Instant):
        return instant_text(value)
    if isinstance(value, (dt.datetime, dt.time)):
        annotation, text = annotated(value)
        return f'{annotation}::"{text}"'
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return decimal_text(duration_decimal(value))
    if isinstance(value, enum.Enum):
        return quote_string(str(value.value) if isinstance(value, str) else value.name)
    if isinstance(value, str):
        return quote_string(str(value))
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return float_text(float(value))
    import uuid

    if isinstance(value, uuid.UUID):
        return quote_string(str(value))
    raise StorageError(f"Cannot write a value of type {type(value).__name__} as Ion")
