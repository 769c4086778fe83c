"""kv.Set, Get, GetKeys, Delete (core-tasks.md 5, storage.md 6)."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.core.specs import CORE, NAMESPACE, prop
from simulator.storage.base import KvEntry
from simulator.storage.javalike import json_like
from simulator.storage.kv import check_key, inherited_namespaces
from simulator.values import Instant, parse_duration

__all__ = ["KEY", "VALUE", "Delete", "Get", "GetKeys", "Set", "find", "namespace_of", "rendered_value"]

TYPES = ("STRING", "NUMBER", "BOOLEAN", "DATETIME", "DATE", "DURATION", "JSON")
KEY = prop("key", required=True)
VALUE = PropertySpec("value", T.ANY, required=True)


def namespace_of(ctx: RunContext) -> str:
    """The namespace asked for (default: the flow's), checked as Kestra checks it."""
    namespace = ctx.get("namespace") or ctx.flow.namespace
    ctx.kv.check_namespace(namespace, ctx.flow.namespace)
    return str(namespace)


def rendered_value(ctx: RunContext, name: str = "value") -> Any:
    """A value rendered typed: one expression gives what it is, maps and lists are rendered deep."""

    def render(value: Any) -> Any:
        if isinstance(value, str):
            return ctx.render_typed(value)
        if isinstance(value, dict):
            return {ctx.render(key): render(item) for key, item in value.items()}
        if isinstance(value, list):
            return [render(item) for item in value]
        return value

    raw = ctx.raw(name)
    return render(raw) if isinstance(raw, str) else ctx.render(raw)


def set_value(ctx: RunContext) -> Any:
    """The value of a Set: its property holds a text, so what is no text in the flow becomes its JSON text first.

    One expression still gives what it is.
    """
    import json

    raw = ctx.raw("value")
    if raw is None:
        return None
    text = raw if isinstance(raw, str) else json.dumps(raw, separators=(",", ":"), ensure_ascii=False)
    return ctx.render_typed(text)


class Set:
    """Sets a key."""

    spec = TaskSpec(
        f"{CORE}kv.Set",
        properties=(
            KEY,
            VALUE,
            prop("kvDescription"),
            NAMESPACE,
            prop("overwrite", T.BOOLEAN, default=True),
            prop("ttl", T.DURATION),
            prop("kvType", T.ENUM, values=TYPES),
        ),
        doc="Sets a value in the KV store.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace = namespace_of(ctx)
        key = check_key(ctx.get("key"))
        value = set_value(ctx)
        kind = ctx.get("kvType")
        if kind is not None:
            value = _converted(value, kind, ctx.dialect.major)
        ctx.kv.put(
            namespace,
            key,
            value,
            overwrite=ctx.get("overwrite", True),
            ttl=ctx.get("ttl"),
            description=ctx.get("kvDescription"),
        )
        return TaskResult(fact=f"{namespace}: {key}")


def _converted(value: Any, kind: str, major: int) -> Any:
    """What `kvType` makes of a rendered text; a number becomes text for STRING, anything else stays as it is."""
    if kind == "STRING":
        return _number_text(value) if isinstance(value, (int, float, Decimal)) else value
    if not isinstance(value, str):
        return value
    try:
        return _parse(value, kind, major)
    except (ValueError, ArithmeticError):
        raise TaskError(_unreadable(value, kind, major), hint=f"`{value}` is no {kind}") from None


_DAY = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?)?")


def _unreadable(value: str, kind: str, major: int) -> str:
    """What the JVM says of a text that is not of the type."""
    from simulator.expressions.java.json_errors import explain_json

    if kind in ("NUMBER", "JSON"):
        return explain_json(value) or f"Cannot read `{value}` as a {kind.lower()}"
    if major >= 2 and kind != "DATE":
        return f"Cannot convert value '{value}' to {'Duration' if kind == 'DURATION' else 'Instant'}"
    if kind == "DURATION":
        return "Text cannot be parsed to a Duration"
    begun = _DAY.match(value)
    return f"Text '{value}' could not be parsed at index {begun.end() if begun else 0}"


def _number_text(value: int | float | Decimal) -> Any:
    if isinstance(value, bool):
        return value
    return str(value)


def _parse(value: str, kind: str, major: int) -> Any:
    import orjson

    if kind == "NUMBER":
        number = orjson.loads(value)
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise ValueError("not a number")
        return number
    if kind == "BOOLEAN":
        return value.lower() == "true"
    if kind == "DATETIME":
        return _instant(value)
    if kind == "DATE":
        if major >= 2:
            try:
                return dt.date.fromisoformat(value)
            except ValueError:
                pass
        moment = _instant(value)
        return moment.date() if major >= 2 else moment
    if kind == "DURATION":
        duration = parse_duration(value)
        return value if major >= 2 else duration
    return orjson.loads(value)


def _instant(value: str) -> Instant:
    """`Instant.parse`: a full date-time with `Z` or an offset."""
    if "T" not in value.upper():
        raise ValueError("a date-time with a time zone is needed")
    moment = dt.datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time zone is needed")
    return Instant.of(moment)


def find(ctx: RunContext, namespace: str, key: str) -> KvEntry | None:
    """The entry; parents are searched too when the namespace is the flow's own."""
    names = inherited_namespaces(namespace) if namespace == ctx.flow.namespace else [namespace]
    for name in names:
        entry = ctx.kv.get(name, key)
        if entry is not None:
            return entry
    return None


def missing(key: str, namespace: str) -> TaskError:
    return TaskError(
        f"No value found for key '{key}' in namespace '{namespace}' and `errorOnMissing` is set to true"
    )


class Get:
    """Reads a key."""

    spec = TaskSpec(
        f"{CORE}kv.Get",
        properties=(KEY, NAMESPACE, prop("errorOnMissing", T.BOOLEAN, default=False)),
        outputs=(OutputSpec("value"),),
        doc="Gets a value from the KV store.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace = namespace_of(ctx)
        key = check_key(ctx.get("key"))
        entry = find(ctx, namespace, key)
        if entry is None and ctx.get("errorOnMissing", False):
            raise missing(key, namespace)
        if entry is None or entry.value is None:
            return TaskResult({})
        return TaskResult({"value": json_like(entry.value)})


class GetKeys:
    """Lists keys."""

    spec = TaskSpec(
        f"{CORE}kv.GetKeys",
        properties=(prop("prefix"), NAMESPACE),
        outputs=(OutputSpec("keys", T.LIST, item=OutputSpec("key", T.STRING)),),
        doc="Lists keys of the KV store.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        prefix = ctx.get("prefix") or ""
        keys = [entry.key for entry in ctx.kv.list(namespace_of(ctx)) if entry.key.startswith(prefix)]
        return TaskResult({"keys": keys}, fact=f"{len(keys)} keys")


class Delete:
    """Deletes a key."""

    spec = TaskSpec(
        f"{CORE}kv.Delete",
        properties=(KEY, NAMESPACE, prop("errorOnMissing", T.BOOLEAN, default=False)),
        outputs=(OutputSpec("deleted", T.BOOLEAN),),
        doc="Deletes a key of the KV store.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace = namespace_of(ctx)
        key = check_key(ctx.get("key"))
        deleted = ctx.kv.delete(namespace, key)
        if not deleted and ctx.get("errorOnMissing", False):
            raise missing(key, namespace)
        return TaskResult({"deleted": deleted})
