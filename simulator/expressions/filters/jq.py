"""The `jq` filter: jq's own library, with the numbers and the limits that Kestra's has.

jq knows one kind of number; Kestra's jackson-jq keeps the class of the input. jq's `tojson` writes numbers that it did
not touch with their digits as they were read, so the class of such a number is looked up by its text. What jq computed
is an Integer or Long when it is whole, else a Double.

Names that would read the environment, files or further input do not exist in Kestra's dialect and are refused here.
Source: expressions.md 16.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.json_read import read_json
from simulator.expressions.java.text import to_json
from simulator.expressions.java.values import BigInteger, Byte, Float, Short, is_string
from simulator.expressions.scope import Scope

__all__ = ["run_jq"]

_REFUSED = (
    "env",
    "input",
    "inputs",
    "debug",
    "stderr",
    "input_filename",
    "input_line_number",
    "get_search_list",
    "halt",
    "halt_error",
    "modulemeta",
)
_WALL = "".join(f'def {name}: error("{name} is not defined");' for name in _REFUSED)
_VARIABLES = re.compile(r"\$\s*(?:ENV|__prog_args)\b")
_LONG_MAX, _LONG_MIN = 2**63 - 1, -(2**63)


@functools.lru_cache(maxsize=256)
def _compiled(expression: str) -> Any:
    import jq

    if _VARIABLES.search(expression):
        raise JavaError("JsonQueryException", "Undefined variable: $ENV")
    try:
        # Compiled in two kinds of brackets, so that no text can close them; and nothing in them can import.
        jq.compile(f"{_WALL}[{expression}\n]")
        return jq.compile(f"{_WALL}({expression}\n)|tojson")
    except ValueError as error:
        raise JavaError("JsonQueryException", str(error)) from error


def run_jq(expression: str, value: Any, scope: Scope) -> list[Any]:
    """All outputs of the expression for the value (text is read as JSON first). Raises JavaError."""
    program = _compiled(expression)
    data = read_json(value) if is_string(value) else value
    text = to_json(data, scope.zone)
    classes: dict[str, Any] = {}
    _collect(data, classes)
    results: list[Any] = []
    room = scope.limits.output_chars
    try:
        for found in program.input_text(text):
            room -= len(found)
            if room < 0 or len(results) >= scope.limits.loop_steps:
                raise JavaError("OutOfMemoryError", "the results of jq are longer than the limit")
            results.append(_read(found, classes))
    except JavaError:
        raise
    except ValueError as error:
        raise JavaError("JsonQueryException", str(error)) from error
    return results


def _collect(value: Any, classes: dict[str, Any]) -> None:
    """Numbers of the input whose class their JSON text does not tell, by that text."""
    if isinstance(value, Mapping):
        for item in value.values():
            _collect(item, classes)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            _collect(item, classes)
    elif isinstance(value, (Float, Decimal, BigInteger, Short, Byte)):
        classes.setdefault(to_json(value), value)
    elif isinstance(value, int) and not isinstance(value, bool) and not _LONG_MIN <= value <= _LONG_MAX:
        classes.setdefault(str(value), value)
    elif isinstance(value, float):
        classes.setdefault(to_json(value), float(value))


def _read(text: str, classes: Mapping[str, Any]) -> Any:
    def whole(digits: str) -> Any:
        if digits in classes:
            return classes[digits]
        try:
            number = int(digits)
        except ValueError:
            return float(digits)
        return number if _LONG_MIN <= number <= _LONG_MAX else float(digits)

    def fraction(digits: str) -> Any:
        if digits in classes:
            return classes[digits]
        return float(digits)

    return json.loads(text, parse_int=whole, parse_float=fraction)
