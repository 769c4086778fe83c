"""How a value becomes text where a template prints it.

    >>> as_text({"a": [1, None], "b": None}, V2)
    '{"a":[1,null]}'

`as_text` is the print form (JSON for collections), `java_text` the form of `~`, `+` and the filters
(`{a=[1, null], b=null}`). Source: expressions.md 15.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from simulator.dialect import Dialect
from simulator.expressions.java.text import double_text, to_json, to_string
from simulator.expressions.java.values import SafeString, java_hash

__all__ = ["as_text", "hash_ordered", "java_text"]


def as_text(value: Any, dialect: Dialect, zone: dt.tzinfo = dt.UTC) -> str:
    """What `{{ value }}` prints; "" for null. `zone` is the system zone of the run.

    Raises JavaError when Jackson has no form for the value.
    """
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if value is None:
        return ""
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (set, frozenset)):
        return to_json(hash_ordered(value), zone)
    if isinstance(value, (Mapping, list, tuple, bytes)):
        return to_json(value, zone)
    return to_string(value)


def java_text(value: Any) -> str:
    """`toString()` of a value, "null" for null; a BigDecimal without exponent, as Pebble prints it."""
    if type(value) is str:
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, SafeString):
        return value.text
    if isinstance(value, (set, frozenset)):
        return to_string(hash_ordered(value))
    return to_string(value)


def hash_ordered(values: Iterable[Any]) -> list[Any]:
    """The items of a Java HashSet in the order in which it yields them."""
    items = sorted(values, key=lambda item: (java_hash(item), str(item)))
    capacity = 16
    while len(items) > capacity * 0.75:
        capacity *= 2

    def bucket(item: Any) -> int:
        code = java_hash(item) & 0xFFFFFFFF
        return (code ^ (code >> 16)) & (capacity - 1)

    return sorted(items, key=bucket)
