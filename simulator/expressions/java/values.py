"""Java classes that plain Python values cannot tell apart, and Java's equality, hash codes and HashMap order.

Plain Python values stand for the usual class: `int` is an Integer when it fits 32 bits, else a Long, else a
BigInteger (as YAML and JSON readers make them); `float` is a Double, `str` a String, `dict` a LinkedHashMap,
`list` an ArrayList. The subclasses below say otherwise. They behave as their base everywhere in Python.

Source: expressions.md 4, 9-11, 15.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simulator.expressions.java.errors import JavaError
from simulator.values import Instant, OffsetDateTime

__all__ = [
    "Array",
    "BigInteger",
    "Byte",
    "Character",
    "EnumConstant",
    "Float",
    "HashMap",
    "ImmutableList",
    "JavaDate",
    "Long",
    "MapEntry",
    "SafeString",
    "Short",
    "Uri",
    "View",
    "capacity_for",
    "class_name",
    "hash_map",
    "is_integer",
    "is_list",
    "is_long",
    "is_number",
    "is_string",
    "java_equals",
    "java_hash",
    "simple_class_name",
    "utf16_length",
    "utf16_slice",
]

_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1
_LONG_MIN, _LONG_MAX = -(2**63), 2**63 - 1


class Long(int):
    """A Long although the number would fit an Integer: every integer literal of a template."""

    __slots__ = ()


class Short(int):
    __slots__ = ()


class Byte(int):
    __slots__ = ()


class BigInteger(int):
    """A BigInteger although the number would fit a Long."""

    __slots__ = ()


class Float(float):
    """A 32-bit Float: rounded when made, widened to a double when read by Python."""

    __slots__ = ()

    def __new__(cls, value: float | str) -> Float:
        number = float(value)
        try:
            number = struct.unpack("f", struct.pack("f", number))[0]
        except OverflowError:
            number = float("inf") if number > 0 else float("-inf")
        return super().__new__(cls, number)


class Character(str):
    """One char: what `first`, `last` and ranges of letters yield. No String for "String only" filters."""

    __slots__ = ()


class Uri(str):
    """A java.net.URI object (outputs hold plain text; a test or trigger may hold a URI)."""

    __slots__ = ()


class EnumConstant(str):
    """A constant of some enum: prints and compares by its name."""

    __slots__ = ()


class Array(list[Any]):
    """A Java array: printed as JSON, iterable, but no List. `item` is the component class (`String`, `int`)."""

    item: str

    def __init__(self, items: Iterable[Any] = (), item: str = "Object") -> None:
        super().__init__(items)
        self.item = item


class ImmutableList(list[Any]):
    """A List that Java refuses to change (the result of `flatten`)."""


class View(tuple[Any, ...]):
    """The keys or values of a map: a Collection in their order, but no List (no index, no sort)."""

    __slots__ = ()


class HashMap(dict[Any, Any]):
    """A java.util.HashMap: the order of the dict is already Java's iteration order (see `hash_map`)."""


class JavaDate(dt.datetime):
    """A java.util.Date, in UTC."""


@dataclass(frozen=True, slots=True)
class MapEntry:
    """A Map.Entry: what `for x in map` hands out."""

    key: Any
    value: Any


@dataclass(frozen=True, slots=True)
class SafeString:
    """The result of a macro: prints as text, but is no String."""

    text: str

    def __str__(self) -> str:
        return self.text


_PRIMITIVES = {
    "boolean": "Z",
    "byte": "B",
    "char": "C",
    "double": "D",
    "float": "F",
    "int": "I",
    "long": "J",
    "short": "S",
}
_BOXED_PACKAGE = "java.lang."

# Order matters: subclasses before their base.
_CLASS_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "java.lang.Boolean"),
    (Long, "java.lang.Long"),
    (Short, "java.lang.Short"),
    (Byte, "java.lang.Byte"),
    (BigInteger, "java.math.BigInteger"),
    (Float, "java.lang.Float"),
    (float, "java.lang.Double"),
    (Decimal, "java.math.BigDecimal"),
    (Character, "java.lang.Character"),
    (Uri, "java.net.URI"),
    (EnumConstant, "java.lang.Enum"),
    (str, "java.lang.String"),
    (bytes, "[B"),
    (HashMap, "java.util.HashMap"),
    (dict, "java.util.LinkedHashMap"),
    (ImmutableList, "java.util.ImmutableCollections$ListN"),
    (list, "java.util.ArrayList"),
    (set, "java.util.HashSet"),
    (frozenset, "java.util.HashSet"),
    (View, "java.util.LinkedHashMap$LinkedKeySet"),
    (MapEntry, "java.util.HashMap$Node"),
    (SafeString, "io.pebbletemplates.pebble.extension.escaper.SafeString"),
    (Instant, "java.time.Instant"),
    (OffsetDateTime, "java.time.OffsetDateTime"),
    (JavaDate, "java.util.Date"),
    (dt.date, "java.time.LocalDate"),
    (dt.timedelta, "java.time.Duration"),
)


def class_name(value: Any) -> str:
    """`value.getClass().getName()`; "null" for None."""
    if value is None:
        return "null"
    if isinstance(value, Array):
        if value.item in _PRIMITIVES:
            return "[" + _PRIMITIVES[value.item]
        component = value.item if "." in value.item else _BOXED_PACKAGE + value.item
        return f"[L{component};"
    if isinstance(value, int) and type(value) in (int, bool):
        if isinstance(value, bool):
            return "java.lang.Boolean"
        if _INT_MIN <= value <= _INT_MAX:
            return "java.lang.Integer"
        return "java.lang.Long" if _LONG_MIN <= value <= _LONG_MAX else "java.math.BigInteger"
    if isinstance(value, dt.datetime) and not isinstance(value, (Instant, OffsetDateTime, JavaDate)):
        return "java.time.LocalDateTime" if value.tzinfo is None else "java.time.ZonedDateTime"
    if isinstance(value, dt.time):
        return "java.time.LocalTime" if value.tzinfo is None else "java.time.OffsetTime"
    for kind, name in _CLASS_NAMES:
        if isinstance(value, kind):
            return name
    if isinstance(value, Mapping):
        return "java.util.LinkedHashMap"
    return "java.lang.Object"


def simple_class_name(value: Any) -> str:
    """The class name without its package."""
    return class_name(value).rpartition(".")[2]


def is_string(value: Any) -> bool:
    """Is it a java.lang.String (and no Character, URI or enum constant)?"""
    return isinstance(value, str) and not isinstance(value, (Character, Uri, EnumConstant))


def is_number(value: Any) -> bool:
    """Is it a java.lang.Number?"""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def is_integer(value: Any) -> bool:
    """Is it a java.lang.Integer?"""
    return type(value) is int and _INT_MIN <= value <= _INT_MAX


def is_long(value: Any) -> bool:
    """Is it a java.lang.Long?"""
    return isinstance(value, Long) or (
        type(value) is int and not _INT_MIN <= value <= _INT_MAX and _LONG_MIN <= value <= _LONG_MAX
    )


def utf16_slice(text: str, start: int, end: int) -> str:
    """Java's substring, by UTF-16 units (a cut pair becomes U+FFFD)."""
    if text.isascii() or max(text, default="") <= "\uffff":
        return text[start:end]
    return text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end].decode("utf-16-le", "replace")


def is_list(value: Any) -> bool:
    """Is it a java.util.List (an array is none)?"""
    return isinstance(value, list) and not isinstance(value, Array)


def utf16_length(text: str) -> int:
    """Java's String.length()."""
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)


def java_equals(left: Any, right: Any) -> bool:
    """`Objects.equals`: by class for numbers and text, by content for lists, sets and maps, by identity for arrays."""
    if left is right:
        return True
    if left is None or right is None:
        return False
    if isinstance(left, Array) or isinstance(right, Array):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(java_equals, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        if len(left) != len(right):
            return False
        return all(
            key in right and _same_key(key, right) and java_equals(item, right[key])
            for key, item in left.items()
        )
    if isinstance(left, (set, frozenset)) and isinstance(right, (set, frozenset)):
        return left == right
    if isinstance(left, float) and isinstance(right, float):
        # Double.equals compares bits: NaN equals NaN, 0.0 differs from -0.0.
        return type(left) is type(right) and struct.pack("d", left) == struct.pack("d", right)
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return left.as_tuple() == right.as_tuple()
    return class_name(left) == class_name(right) and bool(left == right)


def _same_key(key: Any, other: Mapping[Any, Any]) -> bool:
    # Python finds 1, 1.0 and True under one key, Java does not.
    if isinstance(key, str):
        return True
    return any(java_equals(key, candidate) for candidate in other)


def _signed32(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - 0x100000000 if value >= 0x80000000 else value


def _fold64(value: int) -> int:
    value &= 0xFFFFFFFFFFFFFFFF
    return _signed32(value ^ (value >> 32))


def _text_hash(text: str) -> int:
    result = 0
    units = text.encode("utf-16-le", "surrogatepass")
    for index in range(0, len(units), 2):
        result = (31 * result + (units[index] | units[index + 1] << 8)) & 0xFFFFFFFF
    return _signed32(result)


def _big_integer_hash(value: int) -> int:
    magnitude = abs(value)
    words = []
    while magnitude:
        words.append(magnitude & 0xFFFFFFFF)
        magnitude >>= 32
    result = 0
    for word in reversed(words):
        result = (31 * result + word) & 0xFFFFFFFF
    return _signed32(-result if value < 0 else result)


def java_hash(value: Any) -> int:
    """`hashCode()` as a signed 32-bit number (0 for null and for classes whose hash is their identity)."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return 1231 if value else 1237
    if isinstance(value, int):
        if is_long(value):
            return _fold64(value)
        if class_name(value) == "java.math.BigInteger":
            return _big_integer_hash(value)
        return _signed32(value)
    if isinstance(value, Float):
        return int(struct.unpack("<i", struct.pack("<f", value))[0])
    if isinstance(value, float):
        return _fold64(struct.unpack("<q", struct.pack("<d", value))[0])
    if isinstance(value, Character):
        return ord(value[0])
    if isinstance(value, str):
        return _text_hash(value)
    if isinstance(value, Decimal):
        sign, digits, exponent = value.as_tuple()
        unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
        return _signed32(31 * _big_integer_hash(unscaled) - int(exponent))
    if isinstance(value, Array):
        return 0
    if isinstance(value, list):
        result = 1
        for item in value:
            result = (31 * result + java_hash(item)) & 0xFFFFFFFF
        return _signed32(result)
    if isinstance(value, Mapping):
        return _signed32(sum(java_hash(key) ^ java_hash(item) for key, item in value.items()))
    if isinstance(value, (set, frozenset)):
        return _signed32(sum(java_hash(item) for item in value))
    return 0


def capacity_for(size: int) -> int:
    """`HashMap.tableSizeFor`: the next power of two."""
    return 1 if size <= 1 else 1 << (size - 1).bit_length()


def hash_map(pairs: Iterable[tuple[Any, Any]], capacity: int = 16) -> HashMap:
    """A HashMap with the iteration order that Java gives it.

    `capacity` is the first table size (a power of two); it doubles when more than three quarters are used. Of equal
    keys the last value wins. Keys that share a bucket keep the order of `pairs`.
    """
    found: dict[Any, Any] = {}
    for key, value in pairs:
        try:
            found[key] = value
        except TypeError:
            raise JavaError(
                "UnsupportedOperationException", f"A {class_name(key)} cannot be the key of a map here"
            ) from None
    while len(found) > capacity * 0.75:
        capacity *= 2
    mask = capacity - 1

    def bucket(key: Any) -> int:
        code = java_hash(key) & 0xFFFFFFFF
        return (code ^ (code >> 16)) & mask

    return HashMap((key, found[key]) for key in sorted(found, key=bucket))
