"""state.Get, Set, Delete (1.x only): small maps kept in the KV store (core-tasks.md 6, storage.md 6)."""

from __future__ import annotations

from typing import Any

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.core.specs import CORE, alias, prop
from simulator.storage.kv import state_key

__all__ = ["Delete", "Get", "Set"]

_COMMON: tuple[PropertySpec, ...] = (
    prop("name", default="default"),
    prop("namespace", T.BOOLEAN, default=False, doc="share the state in the namespace instead of the flow"),
    prop("taskrunValue", T.BOOLEAN, default=True, doc="one state per value of the iteration"),
)
_MISSING = prop("errorOnMissing", T.BOOLEAN, default=False)


def _key(ctx: RunContext) -> str:
    flow_id = None if ctx.get("namespace", False) else ctx.flow.id
    value = ctx.task_run_value if ctx.get("taskrunValue", True) else None
    if value is not None:
        from simulator.storage.ids import murmur3_128

        value = murmur3_128(value)
    return state_key(flow_id, ctx.get("name", "default"), value)


def _read(ctx: RunContext) -> dict[str, Any] | None:
    import orjson

    entry = ctx.kv.get(ctx.flow.namespace, _key(ctx))
    if entry is None:
        return None
    value = entry.value
    if isinstance(value, bytes):
        value = orjson.loads(value)
    return value if isinstance(value, dict) else {}


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """MapUtils.deepMerge of 1.x: maps key by key, lists joined, null ignored."""
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            result[key] = _merged(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            result[key] = before + value
        elif value is not None or key not in result:
            result[key] = value
    return result


class Set:
    """Merges data into the state."""

    spec = TaskSpec(
        f"{CORE}state.Set",
        properties=(*_COMMON, prop("data", T.MAP)),
        outputs=(OutputSpec("count", T.INTEGER), OutputSpec("key", T.STRING)),
        aliases=alias(f"{CORE}state.Set"),
        until=1,
        deprecated="use io.kestra.plugin.core.kv.Set",
        doc="Sets a state.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        import orjson

        data = _merged(_read(ctx) or {}, ctx.get("data") or {})
        key = _key(ctx)
        ctx.kv.put(ctx.flow.namespace, key, orjson.dumps(data, default=str))
        return TaskResult({"count": len(data), "key": key})


class Get:
    """Reads the state."""

    spec = TaskSpec(
        f"{CORE}state.Get",
        properties=(*_COMMON, _MISSING),
        outputs=(OutputSpec("count", T.INTEGER), OutputSpec("data", T.MAP)),
        aliases=alias(f"{CORE}state.Get"),
        until=1,
        deprecated="use io.kestra.plugin.core.kv.Get",
        doc="Gets a state.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        data = _read(ctx)
        if data is None and ctx.get("errorOnMissing", False):
            raise TaskError(f"State {_key(ctx)} not found")
        return TaskResult({"count": len(data or {}), "data": data or {}})


class Delete:
    """Deletes the state."""

    spec = TaskSpec(
        f"{CORE}state.Delete",
        properties=(*_COMMON, _MISSING),
        outputs=(OutputSpec("deleted", T.BOOLEAN),),
        aliases=alias(f"{CORE}state.Delete"),
        until=1,
        deprecated="use io.kestra.plugin.core.kv.Delete",
        doc="Deletes a state.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        deleted = ctx.kv.delete(ctx.flow.namespace, _key(ctx))
        if not deleted and ctx.get("errorOnMissing", False):
            raise TaskError(f"Unable to find the state file '{ctx.get('name', 'default')}'")
        return TaskResult({"deleted": deleted})
