"""max, min, range (Pebble's own). Source: expressions.md 9."""

from __future__ import annotations

from typing import Any

from simulator.expressions.java.casts import double_value
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import Long, is_number
from simulator.expressions.operators import letter_or_number_range
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TABLE"]


def _exceeds(left: Any, right: Any, name: str) -> bool:
    """`left > right` (or `<` for LESS_THAN); null is neither."""
    if left is None or right is None:
        return False
    if not is_number(left) or not is_number(right):
        raise JavaError("RuntimeException", f"invalid operands for mathematical comparison [{name}]")
    first, second = double_value(left), double_value(right)
    return first > second if name == "GREATER_THAN" else first < second


def _positional(args: Args) -> list[Any]:
    return [args[key] for key in sorted((key for key in args if key.isdigit()), key=int)]


def _extreme(args: Args, name: str) -> Any:
    best: Any = None
    for value in _positional(args):
        if best is None or _exceeds(value, best, name):
            best = value
    return best


def _max(call: Call, args: Args) -> Any:
    return _extreme(args, "GREATER_THAN")


def _min(call: Call, args: Args) -> Any:
    return _extreme(args, "LESS_THAN")


def _range(call: Call, args: Args) -> Any:
    step = args.get("increment")
    return letter_or_number_range(
        args.get("start"),
        args.get("end"),
        Long(1) if step is None else step,
        call.scope.limits.loop_steps,
        call.dialect.major,
    )


TABLE: Table = table(
    Definition("max", _max, None),
    Definition("min", _min, None),
    Definition("range", _range, ("start", "end", "increment")),
)
