"""Plain fields: from what the YAML reader gives to the value that Jackson puts into a Java field (flow.md 2.1).

A function returns the value or raises `ConversionError` with Jackson's text.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

from simulator.model.catalog import T
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode
from simulator.values import parse_duration

__all__ = [
    "ConversionError",
    "as_bool",
    "as_duration",
    "as_integer",
    "as_number",
    "as_text",
    "convert",
    "is_dynamic",
]

_INTEGER = re.compile(r"[-+]?\d+", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)


class ConversionError(ValueError):
    """A value that does not fit a field; the message is Jackson's."""


def is_dynamic(text: str) -> bool:
    """Whether a text holds an expression or a tag."""
    return "{{" in text or "{%" in text


def as_text(value: Any) -> str:
    """A scalar as the text that a String field gets."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "" if value is None else str(value)


def as_bool(value: Any) -> bool | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if isinstance(value, str) and value.strip() in ("true", "True", "TRUE"):
        return True
    if isinstance(value, str) and value.strip() in ("false", "False", "FALSE"):
        return False
    raise ConversionError(
        f'Cannot deserialize value of type `java.lang.Boolean` from String "{value}": only "true" or "false" recognized'
    )


def as_integer(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return int(value)  # ACCEPT_FLOAT_AS_INT
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    raise ConversionError(
        f'Cannot deserialize value of type `java.lang.Integer` from String "{value}": not a valid `java.lang.Integer` value'
    )


def as_number(value: Any) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    raise ConversionError(
        f'Cannot deserialize value of type `java.lang.Double` from String "{value}": not a valid `Double` value'
    )


def as_duration(value: Any) -> dt.timedelta | None:
    """ISO-8601, or a number / numeric text = seconds."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return dt.timedelta(seconds=value)
        text = str(value).strip()
        if _NUMBER.fullmatch(text):
            return dt.timedelta(seconds=float(text))
        return parse_duration(text)
    except (ValueError, OverflowError) as error:
        raise ConversionError(
            f'Cannot deserialize value of type `java.time.Duration` from String "{value}": Failed to deserialize java.time.Duration: (java.time.format.DateTimeParseException) Text cannot be parsed to a Duration'
        ) from error


_JAVA = {T.STRING: "java.lang.String", T.INTEGER: "java.lang.Integer", T.NUMBER: "java.lang.Double", T.BOOLEAN: "java.lang.Boolean", T.DURATION: "java.time.Duration", T.LIST: "java.util.ArrayList<java.lang.Object>", T.MAP: "java.util.LinkedHashMap<java.lang.String,java.lang.Object>"}  # fmt: skip


def java_type(type_: T) -> str:
    return _JAVA.get(type_, "java.lang.Object")


def token_of(node: Node) -> str:
    """Jackson's words for a node of the wrong kind."""
    if isinstance(node, MapNode):
        return "Object value (token `JsonToken.START_OBJECT`)"
    if isinstance(node, ListNode):
        return "Array value (token `JsonToken.START_ARRAY`)"
    if isinstance(node.value, str):
        return f'String value (token `JsonToken.VALUE_STRING`): "{node.value[:60]}"'
    return f"{type(node.value).__name__} value"


def convert(type_: T, node: Node, values: tuple[str, ...] = ()) -> Any:
    """The value of a plain scalar field. Raises ConversionError."""
    if not isinstance(node, ScalarNode):
        raise ConversionError(f"Cannot deserialize value of type `{java_type(type_)}` from {token_of(node)}")
    value = node.value
    if value is None:
        return None
    match type_:
        case T.INTEGER:
            return as_integer(value)
        case T.NUMBER:
            return as_number(value)
        case T.BOOLEAN:
            return as_bool(value)
        case T.DURATION:
            return as_duration(value)
        case T.ENUM:
            text = node.text
            if text and values and text not in values:
                raise ConversionError(
                    f'Cannot deserialize value of type `Enum` from String "{text}": not one of the values accepted for Enum class: [{", ".join(values)}]'
                )
            return text or None
        case T.STRING | T.DATE | T.TIME | T.DATETIME | T.URI:
            return node.text
        case _:
            return value
