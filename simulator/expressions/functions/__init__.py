"""All functions: one table a topic, merged here. `block` and `parent` are syntax and live in the compiler.

To add one: a function `(call, args)` in its topic, one line in that topic's table, tests beside. What needs the world
(files, secrets, kv, logs, http, clock, chance) asks `call.scope`.
"""

from __future__ import annotations

from simulator.expressions.functions import (
    calendar,
    context,
    crypto,
    data,
    files,
    http,
    ids,
    numbers,
    rendering,
    stores,
)
from simulator.expressions.registry import Table

__all__ = ["FUNCTIONS"]

FUNCTIONS: Table = {
    **numbers.TABLE,
    **calendar.TABLE,
    **data.TABLE,
    **rendering.TABLE,
    **context.TABLE,
    **stores.TABLE,
    **files.TABLE,
    **http.TABLE,
    **crypto.TABLE,
    **ids.TABLE,
}
"""Name -> definitions (of one or both dialects)."""
