"""JSON text to values as Jackson reads it: the first value counts, what follows it is ignored.

Source: expressions.md 14 (`fromJson`).
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from simulator.expressions.java.errors import JavaError

__all__ = ["read_json"]

_BLANKS = re.compile(r"[ \t\n\r]*")
_SOURCE = "Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled);"
_TOKEN = re.compile(r"[\w$]+")


def _constant(name: str) -> NoReturn:
    raise JavaError(
        "JsonParseException",
        f"Non-standard token '{name.lstrip('-')}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow",
    )


_DECODER = json.JSONDecoder(parse_constant=_constant)


def read_json(text: str) -> Any:
    """The first JSON value of the text. Raises JavaError JsonParseException, MismatchedInputException when empty."""
    start = _BLANKS.match(text)
    position = start.end() if start else 0
    if position == len(text):
        raise JavaError("MismatchedInputException", "No content to map due to end-of-input")
    try:
        value, end = _DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        raise JavaError("JsonParseException", _explain(text, error)) from None
    except RecursionError:
        raise JavaError(
            "StreamConstraintsException", "Document nesting depth exceeds the maximum allowed"
        ) from None
    except ValueError as error:
        if isinstance(error, JavaError):
            raise
        raise JavaError(
            "StreamConstraintsException", "Number value length exceeds the maximum allowed"
        ) from None
    if end < len(text) and text[end - 1].isdigit() and text[end] not in " \t\r\n":
        raise JavaError("JsonParseException", _bad_number(text, position, end))
    return value


def _bad_number(text: str, start: int, end: int) -> str:
    """A number that is the whole value must end at a blank."""
    char = text[end]
    place = f"\n at [{_SOURCE} line: {text.count(chr(10), 0, end) + 1}, column: {end - text.rfind(chr(10), 0, end)}]"
    if text[start:end].lstrip("-") == "0" and char.isdigit():
        return f"Invalid numeric value: Leading zeroes not allowed{place}"
    found = f"Unexpected character ('{char}' (code {ord(char)}))"
    if char == "." and "." not in text[start:end]:
        return f"{found} in numeric value: Decimal point not followed by a digit{place}"
    return f"{found}: Expected space separating root-level values{place}"


def _explain(text: str, error: json.JSONDecodeError) -> str:
    place = f"line: {error.lineno}, column: {error.colno}"
    token = _TOKEN.match(text, error.pos)
    if error.pos >= len(text):
        return f"Unexpected end-of-input\n at [{place}]"
    if token and error.msg == "Expecting value":
        return (
            f"Unrecognized token '{token[0]}': was expecting (JSON String, Number, Array, Object or token 'null', "
            f"'true' or 'false')\n at [{place}]"
        )
    char = text[error.pos]
    return f"Unexpected character ('{char}' (code {ord(char)})): {error.msg.lower()}\n at [{place}]"
