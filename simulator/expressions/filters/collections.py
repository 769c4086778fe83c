"""Filters on lists, maps and arrays. Source: expressions.md 10 and 11.

`sort`, `rsort` and `reverse` change their list in place, as in Pebble; the runtime hands them a list that is theirs.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from simulator.expressions.filters.text import text_of
from simulator.expressions.java.casts import as_string, class_cast, int_value, not_null, pebble
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import (
    Array,
    Character,
    ImmutableList,
    MapEntry,
    View,
    capacity_for,
    class_name,
    hash_map,
    is_list,
    is_number,
    is_string,
    java_equals,
    java_hash,
    utf16_length,
    utf16_slice,
)
from simulator.expressions.registry import Args, Call, Definition, Table, table
from simulator.expressions.tests import is_empty
from simulator.expressions.text import hash_ordered

__all__ = ["TABLE"]


def _items(value: Any) -> list[Any] | None:
    """The items of a Collection or array, None for anything else."""
    if isinstance(value, (set, frozenset)):
        return hash_ordered(value)
    return list(value) if isinstance(value, (list, tuple)) else None


def _default(call: Call, value: Any, args: Args) -> Any:
    return args.get("default") if is_empty(value) else value


def _end(value: Any, index: int) -> Any:
    if value is None:
        return None
    if is_string(value):
        if not value:
            shown = 0 if index == 0 else -1
            raise JavaError("StringIndexOutOfBoundsException", f"Index {shown} out of bounds for length 0")
        return Character(value[index])
    items = _items(value)
    if items is None:
        raise class_cast(value, "java.util.Collection")
    return items[index] if items else None


def _first(call: Call, value: Any, args: Args) -> Any:
    return _end(value, 0)


def _last(call: Call, value: Any, args: Args) -> Any:
    return _end(value, -1)


def _join(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    separator = "" if args.get("separator") is None else as_string(args["separator"])
    items = _items(value)
    if items is None:
        raise pebble("The 'join' filter expects that the input is either a collection or an array.")
    room = call.scope.limits.output_chars - len(separator) * (len(items) - 1)
    texts: list[str] = []
    for item in items:
        texts.append(text_of(item))
        room -= len(texts[-1])
        if room < 0:
            raise JavaError("OutOfMemoryError", "the joined text is longer than the limit of characters")
    return separator.join(texts)


def _length(call: Call, value: Any, args: Args) -> int:
    if is_string(value):
        return utf16_length(value)
    return len(value) if isinstance(value, (list, tuple, set, frozenset, Mapping)) else 0


def _component(value: Array) -> str:
    item = value.item
    return item if "." in item or item[:1].islower() else f"java.lang.{item}"


def _merge(call: Call, value: Any, args: Args) -> Any:
    other = args.get("items")
    if value is None and other is None:
        raise pebble("The two arguments to be merged are null")
    if value is None:
        return other
    if other is None:
        return value
    if isinstance(value, Mapping):
        return _merge_map(value, other)
    if isinstance(value, Array):
        return _merge_array(value, other)
    if is_list(value):
        if is_list(other):
            return [*value, *other]
        if isinstance(other, Mapping):
            return [*value, *(MapEntry(key, item) for key, item in other.items())]
        raise pebble(f"Currently, only Maps and Lists can be merged with a List. Arg2: {class_name(other)}")
    raise pebble("The object being filtered is not a Map/List/Array")


def _merge_map(value: Mapping[Any, Any], other: Any) -> Any:
    if isinstance(other, Mapping):
        pairs = [*value.items(), *other.items()]
    elif is_list(other):
        pairs = [*value.items(), *((item, item) for item in other)]
    else:
        raise JavaError(
            "UnsupportedOperationException",
            f"Currently, only Maps and Lists can be merged with a Map. Arg2: {class_name(other)}",
        )
    return hash_map(pairs, capacity_for(len(value) + len(other) + 16))


def _merge_array(value: Array, other: Any) -> Any:
    if not isinstance(other, Array):
        raise pebble(f"Currently, only Arrays can be merged with an Array. Arg2: {class_name(other)}")
    if _component(value) != _component(other):
        raise pebble(
            "Currently, only Arrays of the same component class can be merged. "
            f"Arg1: {_component(value)}, Arg2: {_component(other)}"
        )
    return Array([*value, *other], value.item)


def _reverse(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    _mutable(value).reverse()
    return value


def _mutable(value: Any) -> list[Any]:
    if not is_list(value):
        raise class_cast(value, "java.util.List")
    if isinstance(value, ImmutableList):
        raise JavaError("UnsupportedOperationException", "")
    found: list[Any] = value
    return found


def _order_key(value: Any) -> Any:
    return value.encode("utf-16-be", "surrogatepass") if isinstance(value, str) else value


def _compare(left: Any, right: Any) -> int:
    """`left.compareTo(right)`: only within one class."""
    not_null(left, "java.lang.Comparable.compareTo(Object)")
    not_null(right, "java.lang.Comparable.compareTo(Object)")
    if isinstance(left, (list, tuple, dict, set, frozenset, bytes)):
        raise class_cast(left, "java.lang.Comparable")
    if class_name(left) != class_name(right):
        raise class_cast(right, class_name(left))
    first, second = _order_key(left), _order_key(right)
    try:
        return int(first > second) - int(first < second)
    except TypeError:
        raise class_cast(left, "java.lang.Comparable") from None


def _sort(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    if isinstance(value, Array):
        return Array(sorted(value, key=functools.cmp_to_key(_compare)), value.item)
    if not is_list(value):
        raise pebble("Unsupported input type for sort filter")
    _mutable(value).sort(key=functools.cmp_to_key(_compare))
    return value


def _rsort(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    _mutable(value).sort(key=functools.cmp_to_key(lambda left, right: _compare(right, left)))
    return value


def _index(value: Any, name: str) -> int | None:
    if value is None:
        return None
    if not is_number(value):
        raise pebble(f"Argument {name} must be a number. Actual type: {class_name(value)}")
    return int_value(value)


def _slice(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    start = _index(args.get("fromIndex"), "fromIndex") or 0
    if start < 0:
        raise JavaError("IllegalArgumentException", "fromIndex must be greater than 0")
    end = _index(args.get("toIndex"), "toIndex")
    if is_string(value):
        size = utf16_length(value)
    elif isinstance(value, list):
        size = len(value)
    else:
        raise pebble(
            f"Slice filter can only be applied to String, List and array inputs. Actual type was: {class_name(value)}"
        )
    if end is None:
        end = size
        if start > size:
            raise _beyond(value, start, size)
    elif end > size:
        raise pebble(f"toIndex must be smaller than input size: {size}")
    elif start >= end:
        raise pebble("toIndex must be greater than fromIndex")
    if is_string(value):
        return utf16_slice(value, start, end)
    return Array(value[start:end], value.item) if isinstance(value, Array) else value[start:end]


def _beyond(value: Any, start: int, size: int) -> JavaError:
    if is_string(value):
        return JavaError("StringIndexOutOfBoundsException", f"begin {start}, end {size}, length {size}")
    if isinstance(value, Array):
        return JavaError("IllegalArgumentException", f"{start} > {size}")
    return JavaError("IllegalArgumentException", f"fromIndex({start}) > toIndex({size})")


def _chunk(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    if "size" not in args:
        raise pebble("'chunk' filter expects an argument 'size'.")
    if not is_list(value):
        raise pebble(f"'chunk' filter can only be applied to List. Actual type was: {class_name(value)}")
    given = args["size"]
    if given is None:
        raise JavaError("NullPointerException", 'Cannot invoke "Object.getClass()" because "sizeObj" is null')
    if is_number(given):
        size = int_value(given)
    else:
        raise pebble(f"'chunk' filter argument 'size' must be a number. Actual type was: {class_name(given)}")
    if size < 1:
        raise JavaError("IllegalArgumentException", "")
    return [value[start : start + size] for start in range(0, len(value), size)]


def _distinct(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return "null"
    if not is_list(value):
        raise pebble(f"Input must be a list, but received : {class_name(value)}")
    seen: dict[int, list[Any]] = {}
    found: list[Any] = []
    for item in value:
        bucket = seen.setdefault(java_hash(item), [])
        if not any(java_equals(item, other) for other in bucket):
            bucket.append(item)
            found.append(item)
    return found


def _flatten(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    if not is_list(value):
        raise pebble("The 'flatten' filter can only be applied to lists.")
    found: list[Any] = []
    for item in value:
        if is_list(item):
            found.extend(item)
        else:
            found.append(item)
    return ImmutableList(found)


def _keys(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return View(value)
    if isinstance(value, list):
        return list(range(len(value)))
    raise pebble(
        f"'keys' filter can only be applied to List, Map, Array. Actual type was: {class_name(value)}"
    )


def _values(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return View(value.values())
    raise pebble(f"'values' filter can only be applied to Map. Actual type was: {class_name(value)}")


TABLE: Table = table(
    Definition("default", _default, ("default",)),
    Definition("first", _first, None),
    Definition("last", _last, None),
    Definition("join", _join, ("separator",)),
    Definition("length", _length, None),
    Definition("merge", _merge, ("items",)),
    Definition("reverse", _reverse, None),
    Definition("sort", _sort, None),
    Definition("rsort", _rsort, None),
    Definition("slice", _slice, ("fromIndex", "toIndex")),
    Definition("chunk", _chunk, ("size",)),
    Definition("distinct", _distinct, None),
    Definition("flatten", _flatten, ()),
    Definition("keys", _keys, None),
    Definition("values", _values, None),
)
