"""kv.PurgeKV (core-tasks.md 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.core.purge import NAMESPACES, matcher, namespaces_of, version_limits
from simulator.plugins.core.specs import CORE, prop

__all__ = ["PurgeKv"]


class _Purgeable(Protocol):
    """What a KV store offers beyond the contract."""

    def known_namespaces(self) -> Sequence[str]: ...
    def purge_keys(self, namespace: str, matches: Callable[[str], bool], *, expired_only: bool) -> int: ...
    def purge_versions(
        self, namespace: str, matches: Callable[[str], bool], *, before: Any, keep: int | None
    ) -> int: ...


class PurgeKv:
    """Deletes expired keys, all keys, or (2.0) old revisions."""

    spec = TaskSpec(
        f"{CORE}kv.PurgeKV",
        properties=(
            prop("keyPattern"),
            *NAMESPACES,
            prop("expiredOnly", T.BOOLEAN, default=True, until=1),
            PropertySpec(
                "behavior",
                T.OBJECT,
                since=2,
                as_property=False,
                fields=(
                    PropertySpec("type", T.ENUM, values=("key", "version")),
                    PropertySpec("expiredOnly", T.BOOLEAN, default=True),
                    PropertySpec("before"),
                    PropertySpec("keepAmount", T.INTEGER),
                ),
            ),
        ),
        outputs=(OutputSpec("size", T.INTEGER),),
        doc="Purges the KV store.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        store = cast(_Purgeable, ctx.kv)
        names = namespaces_of(ctx, store.known_namespaces())
        ctx.logger.info("purging {} namespaces: {}", len(names), f"[{', '.join(names)}]")
        matches = matcher(ctx.get("keyPattern"))
        behavior: Mapping[str, Any] = (ctx.get("behavior") or {}) if ctx.dialect.major >= 2 else {}
        kind = behavior.get("type", "key")
        size = 0
        if kind == "version":
            before, keep = version_limits(behavior)
            size = sum(store.purge_versions(name, matches, before=before, keep=keep) for name in names)
        elif kind == "key":
            expired = behavior.get("expiredOnly", True) if behavior else True
            if ctx.dialect.major < 2:
                expired = ctx.get("expiredOnly", True)
            expired_only = str(expired).lower() == "true"
            size = sum(store.purge_keys(name, matches, expired_only=expired_only) for name in names)
        else:
            raise TaskError(f"Could not resolve type id '{kind}' as a subtype of a KV purge behavior")
        ctx.logger.info("purged {} keys", size)
        return TaskResult({"size": size}, fact=f"{size} keys")
