"""kv.Put (2.0): updates inside an existing value (core-tasks.md 5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import T, TaskSpec
from simulator.plugins.core.kv import KEY, VALUE, find, missing, namespace_of, rendered_value
from simulator.plugins.core.specs import CORE, NAMESPACE, prop
from simulator.storage.kv import check_key

__all__ = ["Put", "deep_merge"]


class Put:
    """Merges a map into the stored one, sets single fields, or replaces the value. Metadata is kept."""

    spec = TaskSpec(
        f"{CORE}kv.Put",
        properties=(KEY, VALUE, NAMESPACE, prop("errorOnMissing", T.BOOLEAN, default=False)),
        since=2,
        doc="Updates a value of the KV store.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace = namespace_of(ctx)
        key = check_key(ctx.get("key"))
        entry = find(ctx, namespace, key)
        if entry is None and ctx.get("errorOnMissing", False):
            raise missing(key, namespace)
        value = updated(entry.value if entry is not None else None, rendered_value(ctx))
        ttl: dt.timedelta | None = None
        if entry is not None and entry.expiration is not None:
            ttl = entry.expiration - ctx.clock.now()
        ctx.kv.put(
            namespace, key, value, ttl=ttl, description=entry.description if entry is not None else None
        )
        return TaskResult(fact=f"{namespace}: {key}")


def updated(existing: Any, value: Any) -> Any:
    """The stored value after the update."""
    if isinstance(value, list) and value and all(_is_entry(item) for item in value):
        return _with_entries(existing, value)
    if isinstance(value, Mapping):
        _check_keys(value, "value")
        if isinstance(existing, Mapping):
            _check_keys(existing, "existing value")
            return deep_merge(existing, value)
        return dict(value)
    return value


def _is_entry(item: Any) -> bool:
    """`{key, value}` or `{value}`."""
    return isinstance(item, Mapping) and "value" in item and set(item) <= {"key", "value"}


def _with_entries(existing: Any, entries: list[Mapping[str, Any]]) -> Any:
    keyed = [entry for entry in entries if "key" in entry]
    if not keyed:
        if len(entries) > 1:
            raise TaskError("`value` entries without `key` can only be used as a single replacement item.")
        return entries[0]["value"]
    if len(keyed) != len(entries):
        raise TaskError("Cannot mix keyed and non-keyed entries in `value`.")
    if existing is None:
        result: dict[str, Any] = {}
    elif isinstance(existing, Mapping):
        _check_keys(existing, "existing value")
        result = dict(existing)
    else:
        raise TaskError("Cannot apply keyed `value` updates to a non-JSON existing KV value.")
    for entry in keyed:
        key = entry["key"]
        if not isinstance(key, str) or not key.strip():
            raise TaskError("Each keyed `value` entry must have a non-empty string `key`.")
        _set(result, key.split("."), entry["value"])
    return result


def _set(target: dict[str, Any], path: list[str], value: Any) -> None:
    """Sets a field; maps on the way are copied, so that the stored value is never touched in place."""
    for step in path[:-1]:
        inner = target.get(step)
        target[step] = dict(inner) if isinstance(inner, Mapping) else {}
        target = target[step]
    target[path[-1]] = value


def _check_keys(value: Mapping[Any, Any], name: str) -> None:
    if any(not isinstance(key, str) for key in value):
        raise TaskError(f"`{name}` map keys must be strings.")


def deep_merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Maps key by key, lists joined without repeating items, null in `second` ignored (MapUtils.deepMerge, 2.0)."""
    result = dict(first)
    for key, value in second.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            result[key] = deep_merge(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            result[key] = old + [item for item in value if item not in old]
        elif value is not None or key not in result:
            result[key] = value
    return result
