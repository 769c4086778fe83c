"""Tests (`x is defined`): one function each, one line in `TESTS`. Source: expressions.md 8.

`defined` is the only test that survives a missing value; the compiler hands it None then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import Array, class_name, is_integer, is_long, is_string
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TESTS", "is_empty"]


def is_empty(value: Any) -> bool:
    """Null, blank text, an empty collection or map; not an array, not 0 or false."""
    if value is None:
        return True
    if is_string(value):
        return not value.strip("".join(map(chr, range(33))))
    if isinstance(value, Array):
        return False
    return isinstance(value, (Mapping, list, tuple, set, frozenset)) and not value


def _defined(call: Call, value: Any, args: Args) -> bool:
    return value is not None


def _null(call: Call, value: Any, args: Args) -> bool:
    return value is None


def _empty(call: Call, value: Any, args: Args) -> bool:
    return is_empty(value)


def _parity(call: Call, value: Any) -> int:
    if value is None:
        # Pebble throws its own exception from the one test and Java's from the other.
        kind = "PebbleException" if call.name == "even" else "IllegalArgumentException"
        raise JavaError(kind, f'Can not pass null value to "{call.name}" test.')
    if is_integer(value) or is_long(value):
        return int(value) % 2
    raise JavaError("ClassCastException", f"class {class_name(value)} cannot be cast to class java.lang.Long")


def _even(call: Call, value: Any, args: Args) -> bool:
    return _parity(call, value) == 0


def _odd(call: Call, value: Any, args: Args) -> bool:
    return _parity(call, value) == 1


def _iterable(call: Call, value: Any, args: Args) -> bool:
    if isinstance(value, Array):
        return class_name(value)[1:] not in ("I", "J", "S", "B", "F", "D", "Z", "C")
    return isinstance(value, (list, tuple, set, frozenset))


def _map(call: Call, value: Any, args: Args) -> bool:
    return isinstance(value, Mapping)


def _json(call: Call, value: Any, args: Args) -> bool:
    if value is None:
        raise JavaError("IllegalArgumentException", 'argument "content" is null')
    if not is_string(value):
        raise JavaError(
            "ClassCastException", f"class {class_name(value)} cannot be cast to class java.lang.String"
        )
    text = value.lstrip(" \t\r\n")
    if not text:
        return True
    from simulator.expressions.java.json_read import read_json  # only this test needs it

    try:
        read_json(text)
    except (JavaError, RecursionError):
        return False
    return True


TESTS: Table = table(
    Definition("defined", _defined, None),
    Definition("empty", _empty, None),
    Definition("even", _even, None),
    Definition("iterable", _iterable, None),
    Definition("json", _json, None),
    Definition("map", _map, None),
    Definition("null", _null, None),
    Definition("odd", _odd, None),
)
