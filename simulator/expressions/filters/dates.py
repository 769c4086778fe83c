"""Filters on dates. Source: expressions.md 12.

`read_input` and `write` are shared with the function `now`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from simulator.expressions.filters.text import TRIMMED
from simulator.expressions.java.casts import as_string, long_value, pebble
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.locales import DEFAULT, Locale, locale_of
from simulator.expressions.java.moments import add_unit, format_moment, read_moment
from simulator.expressions.java.text import to_string
from simulator.expressions.java.values import Long, is_number, is_string
from simulator.expressions.java.zones import zone_of
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TABLE", "read_input", "write"]


def _option(args: Args, name: str) -> str | None:
    value = args.get(name)
    return None if value is None else as_string(value)


def _zone(call: Call, args: Args) -> dt.tzinfo:
    name = _option(args, "timeZone")
    if name is not None:
        return zone_of(name)
    # The server's zone is a region, also when it is UTC: it has names that an offset has not.
    return zone_of("UTC") if call.scope.zone is dt.UTC else call.scope.zone


def _locale(call: Call, args: Args) -> Locale:
    return locale_of(_option(args, "locale") or DEFAULT, 21 if call.dialect.major == 1 else 25)


def read_input(call: Call, value: Any, args: Args) -> dt.datetime:
    """The input as a moment in its zone or the one asked for."""
    return read_moment(value, _zone(call, args), _option(args, "existingFormat"), _locale(call, args))


def write(call: Call, moment: dt.datetime, args: Args) -> str:
    """The moment by the arguments `format`, `timeZone` and `locale`."""
    if "format" in args and args["format"] is None:
        raise JavaError("NullPointerException", "pattern")
    name = _option(args, "format")
    return format_moment(moment, _zone(call, args), "iso" if name is None else name, _locale(call, args))


def _date(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    for name in _OUTPUT:
        _option(args, name)  # each is cast before the input is read
    return write(call, read_input(call, value, args), args)


def _amount(value: Any) -> int:
    if is_number(value):
        return long_value(value)
    if is_string(value):
        text = str(value)
        try:
            if text.strip(TRIMMED) == text and text.isascii() and "_" not in text:
                return int(text)
        except ValueError:
            pass
        raise pebble(f"{text} can't be converted to long")
    raise pebble(f"Incorrect {to_string(value)} format, must be a number")


def _date_add(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    amount, unit = _amount(args.get("amount")), _option(args, "unit")
    moment = read_input(call, value, args)
    if unit is None:
        raise JavaError("NullPointerException", "Name is null")
    return write(call, add_unit(moment, amount, unit), args)


def _micros(call: Call, value: Any, args: Args) -> int:
    return (read_input(call, value, args) - _EPOCH) // dt.timedelta(microseconds=1)


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _timestamp(call: Call, value: Any, args: Args) -> Any:
    return None if value is None else Long(_micros(call, value, args) // 1_000_000)


def _timestamp_milli(call: Call, value: Any, args: Args) -> Any:
    return None if value is None else Long(_micros(call, value, args) // 1000)


def _timestamp_micro(call: Call, value: Any, args: Args) -> Any:
    return None if value is None else str(_micros(call, value, args))


def _timestamp_nano(call: Call, value: Any, args: Args) -> Any:
    return None if value is None else str(max(-(2**63), min(2**63 - 1, _micros(call, value, args) * 1000)))


_OUTPUT = ("format", "timeZone", "existingFormat", "locale")
_INPUT = ("timeZone", "existingFormat")

TABLE: Table = table(
    Definition("date", _date, _OUTPUT),
    Definition("dateAdd", _date_add, ("amount", "unit", *_OUTPUT)),
    Definition("timestamp", _timestamp, _INPUT),
    Definition("timestampMilli", _timestamp_milli, _INPUT),
    Definition("timestampMicro", _timestamp_micro, _INPUT),
    Definition("timestampNano", _timestamp_nano, _INPUT),
)
