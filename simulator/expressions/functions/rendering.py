"""render and renderOnce. Source: expressions.md 14.

Both are absent when recursive rendering is switched on; the runtime counts the nesting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.expressions.java.casts import pebble
from simulator.expressions.java.values import is_list, is_string
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TABLE"]


def _rendered(call: Call, args: Args, *, recursive: bool) -> Any:
    if call.scope.recursive:
        raise pebble(f"Function or Macro [{call.name}] does not exist.")
    if "toRender" not in args:
        raise pebble("The 'render' function expects an argument 'toRender'.")
    value = args["toRender"]
    if is_string(value) or is_list(value) or isinstance(value, (Mapping, set, frozenset)):
        return call.render(value, recursive=recursive)
    return value


def _render(call: Call, args: Args) -> Any:
    recursive = args.get("recursive", True)
    if recursive is None:
        recursive = True
    if not isinstance(recursive, bool):
        raise pebble("The 'render' function expects an optional argument 'recursive' with type boolean.")
    return _rendered(call, args, recursive=recursive)


def _render_once(call: Call, args: Args) -> Any:
    return _rendered(call, args, recursive=False)


TABLE: Table = table(
    Definition("render", _render, ("toRender", "recursive")),
    Definition("renderOnce", _render_once, ("toRender",)),
)
