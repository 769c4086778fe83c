"""How the properties of a task become values: which conversion, what is taken as written, what is refused."""

from __future__ import annotations

import datetime as dt
from typing import Any

from simulator.dialect import Dialect
from simulator.errors import TaskError
from simulator.expressions.java.json_errors import explain_json
from simulator.model.catalog import PropertySpec, T
from simulator.values import parse_duration

__all__ = [
    "CONVERSIONS",
    "ConstraintError",
    "check",
    "duration_of",
    "java_class",
    "plain_text",
    "static_value",
]

#: Kestra's Property<T> of each type (simulator.expressions.property)
CONVERSIONS = {
    T.STRING: "string",
    T.URI: "string",
    T.INTEGER: "integer",
    T.NUMBER: "number",
    T.BOOLEAN: "boolean",
    T.DURATION: "duration",
    T.DATE: "date",
    T.TIME: "time",
    T.DATETIME: "datetime",
    T.ENUM: "enum",
    T.LIST: "list",
    T.MAP: "map",
}


class ConstraintError(TaskError):
    """A value outside the bounds of its property (ConstraintViolationException)."""


def check(prop: PropertySpec, value: Any, dialect: Dialect) -> None:
    """Raises TaskError for a value that the property does not take."""
    if prop.values and isinstance(value, str) and value not in prop.values:
        text = (
            f'Cannot deserialize value of type enum from String "{value}": not one of the values accepted for '
            f"Enum class: [{', '.join(prop.values)}]"
        )
        unread = explain_json(value) if dialect.major >= 2 else None
        if unread is None:
            raise TaskError(text)
        # a text that fits no constant is read as JSON too, and only that failure is told
        raise TaskError(f"com.fasterxml.jackson.core.JsonParseException: {unread}", hint=text)
    if prop.minimum is not None and isinstance(value, (int, float)) and value < prop.minimum:
        raise ConstraintError(f"{prop.name}: must be greater than or equal to {prop.minimum:g}")
    if prop.maximum is not None and isinstance(value, (int, float)) and value > prop.maximum:
        raise ConstraintError(f"{prop.name}: must be less than or equal to {prop.maximum:g}")


def plain_text(raw: Any) -> Any:
    """A scalar of the flow as text: `true`, `5`."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return str(raw) if isinstance(raw, (int, float)) else raw


def static_value(prop: PropertySpec, raw: Any) -> Any:
    """A property that is not rendered, in its type. Raises TaskError."""
    try:
        if prop.type is T.BOOLEAN and isinstance(raw, str):
            return raw.strip().lower() == "true"
        if prop.type is T.INTEGER and isinstance(raw, str):
            return int(raw)
        if prop.type is T.NUMBER and isinstance(raw, str):
            return float(raw)
        if prop.type is T.DURATION:
            return duration_of(raw)
    except ValueError as error:
        raise TaskError(f"Invalid value for `{prop.name}`: {error}") from None
    return plain_text(raw) if prop.type in (T.STRING, T.ENUM, T.URI) else raw


def duration_of(raw: Any) -> Any:
    """A duration as Kestra reads it: ISO-8601, or a number of seconds (text too). Raises ValueError."""
    if raw is None or isinstance(raw, dt.timedelta):
        return raw
    if isinstance(raw, (int, float)):
        return dt.timedelta(seconds=raw)
    text = str(raw).strip()
    try:
        return dt.timedelta(seconds=float(text))
    except ValueError:
        return parse_duration(text)


def java_class(value: Any) -> str:
    """Java's name of a value's class, for messages."""
    names = {list: "java.util.ArrayList", int: "java.lang.Integer", bool: "java.lang.Boolean"}
    return names.get(type(value), type(value).__name__)
