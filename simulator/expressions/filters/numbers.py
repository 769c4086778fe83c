"""Filters on numbers. Source: expressions.md 10 and 11."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.expressions.java.casts import as_string, pebble
from simulator.expressions.java.decimalformat import format_number
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.numbers import (
    big_decimal,
    big_integer,
    create_number,
    decode_integer,
    decode_long,
    double_of,
    float_of,
)
from simulator.expressions.java.values import class_name, is_number, is_string
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TABLE"]

_READERS: dict[str, Callable[[str], Any]] = {
    "INT": decode_integer,
    "FLOAT": float_of,
    "LONG": decode_long,
    "DOUBLE": double_of,
    "BIGDECIMAL": big_decimal,
    "BIGINTEGER": big_integer,
}


def _abs(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        raise pebble('Can not pass null value to "abs" filter.')
    if not is_number(value):
        raise pebble("The 'abs' filter does require as input a number.")
    # int and float subclasses lose their class in Python's abs.
    return value if value >= 0 else type(value)(-value)


def _number(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    if not is_string(value):
        raise pebble(f"'number' filter can only be applied to String. Actual type was: {class_name(value)}")
    if "type" in args and args["type"] is None:
        raise JavaError(
            "NullPointerException", 'Cannot invoke "String.hashCode()" because "<local8>" is null'
        )
    kind = args.get("type")
    reader = create_number if kind is None else _READERS.get(as_string(kind), create_number)
    try:
        return reader(str(value))
    except (OverflowError, ValueError) as error:
        if isinstance(error, JavaError):
            raise
        raise JavaError("NumberFormatException", f'For input string: "{value}"') from error


def _number_format(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    if not is_number(value):
        raise pebble("The input for the 'NumberFormat' filter has to be a number.")
    pattern = args.get("format")
    return format_number(value, None if pattern is None else as_string(pattern))


TABLE: Table = table(
    Definition("abs", _abs, None),
    Definition("number", _number, ("type",)),
    Definition("numberFormat", _number_format, ("format",)),
)
