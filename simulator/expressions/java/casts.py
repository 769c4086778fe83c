"""Java's casts and null checks: what a filter gets when it takes its input to be a String, a Long, a List.

Source: expressions.md 10 ("String only"), 17.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import class_name, is_long, is_string

__all__ = ["as_long", "as_map", "as_string", "class_cast", "not_null", "pebble"]


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


def as_map(value: Any) -> Mapping[Any, Any]:
    """`(Map) value`."""
    if isinstance(value, Mapping):
        return value
    raise class_cast(value, "java.util.Map")


def not_null(value: Any, call: str = "Object.toString()") -> Any:
    """The value; a NullPointerException for null."""
    if value is None:
        raise JavaError("NullPointerException", f'Cannot invoke "{call}" because the value is null')
    return value


def pebble(message: str) -> JavaError:
    """A PebbleException; who calls the filter adds template and line."""
    return JavaError("PebbleException", message)
