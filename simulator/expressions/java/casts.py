"""Java's casts and null checks: what a filter gets when it takes its input to be a String, a Long, a List.

Source: expressions.md 10 ("String only"), 17.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import class_name, is_long, is_string

__all__ = [
    "FROM_ARGUMENTS",
    "as_boolean",
    "as_long",
    "as_map",
    "as_string",
    "class_cast",
    "double_value",
    "int_value",
    "long_value",
    "not_null",
    "pebble",
]


def class_cast(value: Any, target: str) -> JavaError:
    """The ClassCastException of casting the value to `target` (a full class name)."""
    source = class_name(value)
    return JavaError(
        "ClassCastException",
        f"class {source} cannot be cast to class {target} "
        f"({source} and {target} are in module java.base of loader 'bootstrap')",
    )


def as_string(value: Any) -> str:
    """`(String) value`."""
    if is_string(value):
        return str.__str__(value)
    raise class_cast(value, "java.lang.String")


def as_long(value: Any) -> int:
    """`(Long) value`: a context Integer fails, as in Kestra."""
    if is_long(value):
        return int(value)
    raise class_cast(value, "java.lang.Long")


def as_boolean(value: Any, default: bool) -> bool:
    """`(Boolean) value`, the default for null."""
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    raise class_cast(value, "java.lang.Boolean")


def as_map(value: Any) -> Mapping[Any, Any]:
    """`(Map) value`."""
    if isinstance(value, Mapping):
        return value
    raise class_cast(value, "java.util.Map")


FROM_ARGUMENTS = 'the return value of "java.util.Map.get(Object)"'
"""What Java calls an argument that is used as it comes out of the map of arguments."""


def not_null(value: Any, call: str = "Object.toString()", what: str = "the value") -> Any:
    """The value; a NullPointerException for null. `what` is null in Java's words."""
    if value is None:
        raise JavaError("NullPointerException", f'Cannot invoke "{call}" because {what} is null')
    return value


def _wrapped(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def long_value(value: int | float | Decimal) -> int:
    """`Number.longValue()`: fractions cut; a double beyond the range is its end, a whole number wraps."""
    if isinstance(value, float):
        if math.isnan(value):
            return 0
        return max(
            -(2**63), min(2**63 - 1, int(value) if math.isfinite(value) else (1 if value > 0 else -1) << 64)
        )
    if isinstance(value, Decimal) and (not value.is_finite() or value.adjusted() > 10_000):
        return 0
    return _wrapped(int(value), 64)


def int_value(value: int | float | Decimal) -> int:
    """`Number.intValue()`."""
    if isinstance(value, float):
        return max(-(2**31), min(2**31 - 1, long_value(value)))
    return _wrapped(long_value(value), 32)


def double_value(value: int | float | Decimal) -> float:
    """`Number.doubleValue()`."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def pebble(message: str) -> JavaError:
    """A PebbleException; who calls the filter adds template and line."""
    return JavaError("PebbleException", message)
