"""Values of cases: `$type` tags -> the value types of the simulator, and strict comparison with what came out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from simulator.expressions.java import values as java
from simulator.values import Instant, OffsetDateTime, parse_duration

__all__ = ["UnknownType", "decode", "describe", "differs"]


class UnknownType(Exception):
    """A `$type` that this runner does not know."""


def decode(value: Any) -> Any:
    """The value with its tags resolved."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if "$type" not in value:
        return {key: decode(item) for key, item in value.items()}
    kind, content = value["$type"], value.get("value")
    unknown = set(value) - {"$type", "value"} - ({"item"} if kind == "Array" else set())
    if unknown:
        raise UnknownType(f"unknown keys beside $type: {sorted(unknown)}")
    if kind == "Array":
        return java.Array([decode(item) for item in content], value.get("item", "Object"))
    if kind == "Set":
        return {decode(item) for item in content}
    if kind == "Map":
        return {_key(decode(key)): decode(item) for key, item in content}
    if kind not in _DECODE:
        raise UnknownType(f"unknown $type {kind}")
    return _DECODE[kind](content)


def _key(key: Any) -> Any:
    """A map as a key: in a form that can be hashed."""
    from simulator.expressions.compiler import FrozenMap

    return FrozenMap(key) if isinstance(key, dict) else key


def _moment(text: str) -> dt.datetime:
    text, _, region = text.partition("[")
    moment = dt.datetime.fromisoformat(text)
    return moment.astimezone(ZoneInfo(region.rstrip("]"))) if region else moment


def _fields(moment: dt.datetime) -> tuple[int, int, int, int, int, int, int]:
    return (*moment.timetuple()[:6], moment.microsecond)  # type: ignore[return-value]


_DECODE: dict[str, Any] = {
    "Integer": int,
    "Long": lambda text: java.Long(int(text)),
    "Short": lambda text: java.Short(int(text)),
    "Byte": lambda text: java.Byte(int(text)),
    "BigInteger": lambda text: java.BigInteger(int(text)),
    "Double": float,
    "Float": java.Float,
    "BigDecimal": Decimal,
    "Character": java.Character,
    "Enum": java.EnumConstant,
    "URI": java.Uri,
    "bytes": lambda text: text.encode("utf-8"),
    "LocalDate": dt.date.fromisoformat,
    "LocalDateTime": dt.datetime.fromisoformat,
    "ZonedDateTime": _moment,
    "OffsetDateTime": lambda text: OffsetDateTime(*_fields(_moment(text)), tzinfo=_moment(text).tzinfo),
    "Instant": lambda text: Instant.of(_moment(text)),
    "Date": lambda text: java.JavaDate(*_fields(_moment(text).astimezone(dt.UTC)), tzinfo=dt.UTC),
    "Duration": parse_duration,
}


def differs(expected: Any, actual: Any, *, ordered: bool = False) -> bool:
    """Is the outcome another one? `expected` still has its tags; plain numbers compare by value, tags by class."""
    if (
        isinstance(expected, Mapping)
        and "$type" in expected
        and expected["$type"] not in ("Map", "Set", "Array")
    ):
        value = decode(expected)
        return java.class_name(value) != java.class_name(actual) or bool(value != actual)
    if isinstance(expected, Mapping) and expected.get("$type") in ("Set", "Array"):
        items = decode(expected)
        if not isinstance(actual, (list, tuple, set, frozenset)) or len(items) != len(actual):
            return True
        if expected["$type"] == "Set":
            return any(all(differs(item, one) for one in actual) for item in items)
        return any(differs(one, two) for one, two in zip(items, actual))
    if isinstance(expected, Mapping):
        pairs = expected["value"] if expected.get("$type") == "Map" else list(expected.items())
        if not isinstance(actual, Mapping) or len(pairs) != len(actual):
            return True
        found = list(actual.items())
        if ordered:
            return any(
                differs(key, one, ordered=True) or differs(item, two, ordered=True)
                for (key, item), (one, two) in zip(pairs, found)
            )
        return any(all(differs(key, one) or differs(item, two) for one, two in found) for key, item in pairs)
    if isinstance(expected, list):
        if not isinstance(actual, (list, tuple)) or len(expected) != len(actual):
            return True
        return any(differs(one, two, ordered=ordered) for one, two in zip(expected, actual))
    if expected is None or isinstance(expected, bool) or actual is None or isinstance(actual, bool):
        return expected is not actual
    if isinstance(expected, (int, float)):
        return not isinstance(actual, (int, float, Decimal)) or bool(expected != actual)
    return not isinstance(actual, str) or str(expected) != str(actual)


def describe(value: Any) -> str:
    """A value for the report: its form and its class."""
    return value if type(value) is str else f"{value!r} ({java.class_name(value)})"
