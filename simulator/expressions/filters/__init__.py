"""All filters: one table a topic, merged here.

To add one: a function `(call, value, args)` in its topic, one line in that topic's table, tests beside.
`args` holds what the template passed, by parameter name. Errors of Java and Pebble are raised as `JavaError`.
"""

from __future__ import annotations

from simulator.expressions.filters import collections, data, dates, encoding, numbers, patterns, text
from simulator.expressions.registry import Table

__all__ = ["FILTERS"]

FILTERS: Table = {
    **text.TABLE,
    **patterns.TABLE,
    **collections.TABLE,
    **numbers.TABLE,
    **dates.TABLE,
    **encoding.TABLE,
    **data.TABLE,
}
"""Name -> definitions (of one or both dialects)."""
