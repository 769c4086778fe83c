"""`parameters`: names to values, and values to what the driver would bind (postgresql.md 5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from simulator.errors import TaskError
from simulator.plugins.jdbc.sql import bind_names, driver_placeholders

__all__ = ["Bound", "bind", "typed"]

_JAVA_CLASS = {dict: "java.util.LinkedHashMap", list: "java.util.ArrayList", tuple: "java.util.ArrayList"}

Bound = tuple[str, tuple[Any, ...]]


def bind(sql: str, parameters: Mapping[str, Any] | None, *, prepared: bool = False) -> Bound:
    """The statement with `$n` and its values. `parameters` None and not `prepared`: a plain statement, untouched.

    A name that is not in the map binds NULL. Raises TaskError in the driver's words when the counts do not agree.
    """
    if parameters is None and not prepared:
        return sql, ()
    names: list[str] = []
    if parameters:
        sql, names = bind_names(sql)
    text, count = driver_placeholders(sql)
    if len(names) > count:
        raise TaskError(
            f"The column index is out of range: {count + 1}, number of columns: {count}.",
            hint="with `parameters`, every `:word` becomes a bind, in literals and casts too: write CAST(x AS type)",
        )
    if len(names) < count:
        raise TaskError(
            f"No value specified for parameter {len(names) + 1}.",
            hint="a literal `?` is written `??` in a statement with parameters",
        )
    values = parameters or {}
    return text, tuple(typed(values.get(name)) for name in names)


def typed(value: Any) -> Any:
    """A value with the SQL type that `setObject` gives it."""
    from psycopg.types.numeric import Float8, Int4, Int8

    if value is None or isinstance(value, (bool, str, bytes, Decimal, dt.date, dt.time)):
        return value
    if isinstance(value, int):
        if -(1 << 31) <= value < 1 << 31:
            return Int4(value)
        return Int8(value) if -(1 << 63) <= value < 1 << 63 else Decimal(value)
    if isinstance(value, float):
        return Float8(value)
    if isinstance(value, (Mapping, Sequence)):
        kind = _JAVA_CLASS.get(type(value), "java.util.LinkedHashMap")
        raise TaskError(
            f"Can't infer the SQL type to use for an instance of {kind}. "
            "Use setObject() with an explicit Types value to specify the type to use."
        )
    return str(value)
