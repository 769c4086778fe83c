"""JSON text to values as Jackson reads it: the first value counts, what follows it is ignored.

Source: expressions.md 14 (`fromJson`).
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.json_errors import explain_json, place

__all__ = ["read_json"]

_BLANKS = re.compile(r"[ \t\n\r]*")


def _constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"Non-standard token '{name}'", name, 0)


_DECODER = json.JSONDecoder(parse_constant=_constant)


def read_json(text: str, *, token_end: bool = False) -> Any:
    """The first JSON value of the text. Raises JavaError JsonParseException, MismatchedInputException when empty.
    `token_end`: see `explain_json`."""
    start = _BLANKS.match(text)
    position = start.end() if start else 0
    if position == len(text):
        where = place(text, position).split(", column")[0]
        raise JavaError("MismatchedInputException", f"No content to map due to end-of-input\n at {where}]")
    try:
        value, end = _DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        raise JavaError("JsonParseException", explain_json(text, token_end=token_end) or error.msg) from None
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
    if end < len(text) and text[end - 1].isalnum():
        # A number must end at a blank, a word where it ends.
        problem = explain_json(text, token_end=token_end)
        if problem is not None:
            raise JavaError("JsonParseException", problem)
    return value
