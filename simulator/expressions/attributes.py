"""`a.b`, `a[b]`, `a.b(c)`: keys, indexes and a closed table of Java members. Never a Python attribute.

    >>> MEMBERS[0].names["size"]

What a template reaches is what this file lists; a value of another class has no members at all.
Source: expressions.md 5.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import (
    Array,
    Byte,
    Character,
    EnumConstant,
    Float,
    JavaDate,
    Long,
    MapEntry,
    SafeString,
    Short,
    Uri,
    class_name,
    is_integer,
    is_long,
    java_equals,
    java_hash,
    utf16_length,
)
from simulator.expressions.text import java_text
from simulator.values import Instant

__all__ = ["MEMBERS", "NOT_FOUND", "get_attribute", "get_index", "get_key", "get_member"]

NOT_FOUND: Any = object()
"""No such key, index or member."""

_DENIED = {
    "getClass": "public final native java.lang.Class java.lang.Object.getClass()",
    "notify": "public final native void java.lang.Object.notify()",
    "notifyAll": "public final native void java.lang.Object.notifyAll()",
    "wait": "public final void java.lang.Object.wait() throws java.lang.InterruptedException",
}
_CASTS: dict[str, Callable[[Any], Any]] = {
    "java.lang.Long": lambda number: Long(int(number)),
    "java.lang.Integer": int,
    "java.lang.Short": lambda number: Short(int(number)),
    "java.lang.Byte": lambda number: Byte(int(number)),
    "java.lang.Double": float,
    "java.lang.Float": Float,
}
_MAX_REPEAT = 16 * 1024 * 1024
_REGEX_SECONDS = 10.0


class IndexOutOfBoundsError(Exception):
    """An index that a list does not have."""


def get_attribute(target: Any, key: Any, arguments: list[Any] | None) -> Any:
    """The value, or NOT_FOUND. `target` is not null.

    Raises IndexOutOfBoundsError, or JavaError (`ClassAccessException` and `PebbleException` are Pebble's own).
    """
    if isinstance(target, Mapping) and arguments is None:
        return get_key(target, key)
    if isinstance(target, (list, tuple)):
        found = get_index(target, key)
        if found is not NOT_FOUND:
            return found
    return get_member(target, java_text(key), arguments)


def get_key(mapping: Mapping[Any, Any], key: Any) -> Any:
    """The value under a key of Java's class, or NOT_FOUND."""
    if key is None:
        raise JavaError(
            "NullPointerException", 'Cannot invoke "Object.toString()" because "attributeNameValue" is null'
        )
    if isinstance(key, (int, float, Decimal)) and not isinstance(key, bool):
        if not mapping:
            raise JavaError("NoSuchElementException", "")
        first = next(iter(mapping))
        cast = _CASTS.get(class_name(first))
        if cast is None:
            raise JavaError(
                "PebbleException", f"type class {class_name(first)} not supported for key {java_text(key)}"
            )
        key = cast(key)
        return mapping.get(key, NOT_FOUND)
    if isinstance(key, str):
        return mapping.get(str(key), NOT_FOUND)
    for one, value in mapping.items():
        if java_equals(one, key):
            return value
    return NOT_FOUND


def get_index(items: Any, key: Any) -> Any:
    """An item of a list or array; NOT_FOUND when the key is no number."""
    text = java_text(key)
    if not re.fullmatch(r"[+-]?[0-9]{1,10}", text):
        return NOT_FOUND
    index = int(text)
    if not 0 <= index < len(items):
        raise IndexOutOfBoundsError
    return items[index]


def get_member(target: Any, name: str, arguments: list[Any] | None) -> Any:
    """A Java member by Pebble's lookup (name, getName, isName, hasName), or NOT_FOUND."""
    capital = name[:1].upper() + name[1:]
    names = (name, "get" + capital, "is" + capital, "has" + capital)
    for candidate in names:
        if candidate in _DENIED:
            raise JavaError(
                "ClassAccessException",
                f"For security reasons access to {_DENIED[candidate]} method is denied.",
            )
    given = arguments or []
    for members in MEMBERS:
        if members.test(target):
            for candidate in names:
                for parameters, func in members.names.get(candidate, ()):
                    if len(parameters) == len(given) and all(map(_accepts, parameters, given)):
                        return _invoke(func, target, given)
    return NOT_FOUND


def _invoke(func: Callable[..., Any], target: Any, given: list[Any]) -> Any:
    try:
        return func(target, *given)
    except JavaError:
        raise
    except (TypeError, ValueError, OverflowError):
        if None in given:
            raise JavaError("NullPointerException", "an argument is null") from None
        raise JavaError("IllegalArgumentException", "an argument is out of range") from None


def _accepts(parameter: str, value: Any) -> bool:
    if parameter == "I":
        return is_integer(value)
    if parameter == "L":
        return is_long(value)
    if parameter == "S":
        return value is None or (
            isinstance(value, str) and not isinstance(value, (Character, Uri, EnumConstant))
        )
    return True


Member = tuple[str, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Members:
    """The members of one Java class. A signature letter: I int, L long, S String, O Object."""

    test: Callable[[Any], bool]
    names: dict[str, tuple[Member, ...]]


def _check_index(index: int, size: int) -> int:
    if not 0 <= index < size:
        raise JavaError("IndexOutOfBoundsException", f"Index {index} out of bounds for length {size}")
    return index


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= stop <= len(text):
        raise JavaError("StringIndexOutOfBoundsException", f"begin {start}, end {stop}, length {len(text)}")
    return text[start:stop]


def _repeat(text: str, count: int) -> str:
    if count < 0:
        raise JavaError("IllegalArgumentException", f"count is negative: {count}")
    if count * len(text) > _MAX_REPEAT:
        raise JavaError("OutOfMemoryError", "the repeated text is too long")
    return text * count


def _split(text: str, pattern: str) -> Array:
    """`String.split(regex)`, in the time that an attribute access may take."""
    from simulator.expressions.java.regexes import split

    return Array(split(pattern, text, 0, _REGEX_SECONDS), "String")


_STRING = Members(
    lambda value: isinstance(value, str) and not isinstance(value, (Character, Uri, EnumConstant)),
    {
        "length": (("", utf16_length),),
        "isEmpty": (("", lambda text: not text),),
        "isBlank": (("", lambda text: not text.strip()),),
        "toUpperCase": (("", str.upper),),
        "toLowerCase": (("", str.lower),),
        "trim": (("", lambda text: text.strip("".join(map(chr, range(33))))),),
        "strip": (("", str.strip),),
        "startsWith": (("S", str.startswith),),
        "endsWith": (("S", str.endswith),),
        "contains": (("S", lambda text, part: part in text),),
        "indexOf": (("S", str.find),),
        "lastIndexOf": (("S", str.rfind),),
        "equals": (("O", lambda text, other: java_equals(text, other)),),
        "equalsIgnoreCase": (("S", lambda text, other: other is not None and text.lower() == other.lower()),),
        "compareTo": (("S", lambda text, other: (text > other) - (text < other)),),
        "concat": (("S", str.__add__),),
        "replace": (("SS", str.replace),),
        "substring": (("I", _substring), ("II", _substring)),
        "charAt": (("I", lambda text, index: Character(text[_check_index(index, len(text))])),),
        "repeat": (("I", _repeat),),
        "split": (("S", _split),),
        "toString": (("", str),),
        "hashCode": (("", java_hash),),
    },
)

_LIST = Members(
    lambda value: isinstance(value, (list, tuple, set, frozenset)) and not isinstance(value, Array),
    {
        "size": (("", len),),
        "isEmpty": (("", lambda items: not items),),
        "get": (("I", lambda items, index: list(items)[_check_index(index, len(items))]),),
        "contains": (("O", lambda items, item: any(java_equals(one, item) for one in items)),),
        "indexOf": (
            ("O", lambda items, item: next((i for i, one in enumerate(items) if java_equals(one, item)), -1)),
        ),
        "subList": (("II", lambda items, start, end: list(items)[start:end]),),
        "toString": (("", java_text),),
        "hashCode": (("", java_hash),),
    },
)

_MAP = Members(
    lambda value: isinstance(value, Mapping),
    {
        "size": (("", len),),
        "isEmpty": (("", lambda mapping: not mapping),),
        "keySet": (("", list),),
        "values": (("", lambda mapping: list(mapping.values())),),
        "entrySet": (("", lambda mapping: [MapEntry(key, value) for key, value in mapping.items()]),),
        "get": (
            ("O", lambda mapping, key: next((v for k, v in mapping.items() if java_equals(k, key)), None)),
        ),
        "getOrDefault": (
            (
                "OO",
                lambda mapping, key, other: next(
                    (v for k, v in mapping.items() if java_equals(k, key)), other
                ),
            ),
        ),
        "containsKey": (("O", lambda mapping, key: any(java_equals(one, key) for one in mapping)),),
        "containsValue": (
            ("O", lambda mapping, item: any(java_equals(one, item) for one in mapping.values())),
        ),
        "toString": (("", java_text),),
        "hashCode": (("", java_hash),),
    },
)

_ENTRY = Members(
    lambda value: isinstance(value, MapEntry),
    {
        "getKey": (("", lambda entry: entry.key),),
        "getValue": (("", lambda entry: entry.value),),
        "toString": (("", java_text),),
    },
)

_NUMBER = Members(
    lambda value: isinstance(value, (int, float, Decimal)) and not isinstance(value, bool),
    {
        "intValue": (("", lambda number: (int(number) + 2**31) % 2**32 - 2**31),),
        "longValue": (("", lambda number: Long((int(number) + 2**63) % 2**64 - 2**63)),),
        "doubleValue": (("", float),),
        "toString": (("", java_text),),
        "hashCode": (("", java_hash),),
    },
)

_PLAIN = Members(
    lambda value: isinstance(value, (bool, Character, Uri, EnumConstant, SafeString)),
    {
        "toString": (("", java_text),),
        "name": (("", lambda value: str(value)),),
        "getPath": (("", lambda value: re.sub(r"^[^:/?#]+:(//[^/?#]*)?|[?#].*$", "", str(value))),),
        "getScheme": (("", lambda value: str(value).partition(":")[0] if ":" in str(value) else None),),
    },
)

_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_MONTHS = (
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _epoch_seconds(moment: dt.datetime) -> Long:
    return Long((moment - _EPOCH) // dt.timedelta(seconds=1))


_DATE = Members(
    lambda value: isinstance(value, dt.date) and not isinstance(value, (Instant, JavaDate)),
    {
        "getYear": (("", lambda day: day.year),),
        "getMonthValue": (("", lambda day: day.month),),
        "getMonth": (("", lambda day: EnumConstant(_MONTHS[day.month - 1])),),
        "getDayOfMonth": (("", lambda day: day.day),),
        "getDayOfYear": (("", lambda day: day.timetuple().tm_yday),),
        "getDayOfWeek": (("", lambda day: EnumConstant(_DAYS[day.weekday()])),),
        "toString": (("", java_text),),
    },
)

_TIME = Members(
    lambda value: isinstance(value, (dt.time, dt.datetime)) and not isinstance(value, (Instant, JavaDate)),
    {
        "getHour": (("", lambda time: time.hour),),
        "getMinute": (("", lambda time: time.minute),),
        "getSecond": (("", lambda time: time.second),),
        "getNano": (("", lambda time: time.microsecond * 1000),),
        "toString": (("", java_text),),
    },
)

_DATE_TIME = Members(
    lambda value: isinstance(value, dt.datetime) and not isinstance(value, (Instant, JavaDate)),
    {
        "toLocalDate": (("", lambda moment: dt.date(moment.year, moment.month, moment.day)),),
        "toLocalTime": (("", lambda moment: dt.datetime.time(moment)),),
    },
)

_INSTANT = Members(
    lambda value: isinstance(value, dt.datetime) and value.tzinfo is not None,
    {
        "toInstant": (("", Instant.of),),
        "toEpochSecond": (("", _epoch_seconds),),
        "getEpochSecond": (("", _epoch_seconds),),
        "toEpochMilli": (("", lambda moment: Long((moment - _EPOCH) // dt.timedelta(milliseconds=1))),),
        "getTime": (("", lambda moment: Long((moment - _EPOCH) // dt.timedelta(milliseconds=1))),),
        "toString": (("", java_text),),
    },
)

_DURATION = Members(
    lambda value: isinstance(value, dt.timedelta),
    {
        "getSeconds": (("", lambda span: Long(span // dt.timedelta(seconds=1))),),
        "toSeconds": (("", lambda span: Long(span // dt.timedelta(seconds=1))),),
        "toMillis": (("", lambda span: Long(span // dt.timedelta(milliseconds=1))),),
        "toMinutes": (("", lambda span: Long(span // dt.timedelta(minutes=1))),),
        "toHours": (("", lambda span: Long(span // dt.timedelta(hours=1))),),
        "toDays": (("", lambda span: Long(span // dt.timedelta(days=1))),),
        "toString": (("", java_text),),
    },
)

_ARRAY = Members(lambda value: isinstance(value, Array), {"length": (("", len),)})

MEMBERS: tuple[Members, ...] = (
    _STRING,
    _LIST,
    _ARRAY,
    _MAP,
    _ENTRY,
    _NUMBER,
    _PLAIN,
    _DATE,
    _TIME,
    _DATE_TIME,
    _INSTANT,
    _DURATION,
)
"""Every class whose members a template can call."""
