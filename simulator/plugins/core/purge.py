"""What kv.PurgeKV and namespace.PurgeFiles share: which namespaces, which revisions (core-tasks.md 5, 8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from simulator.engine.task import RunContext
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T
from simulator.plugins.core.specs import prop, strings
from simulator.storage.globs import wildcard_regex

__all__ = ["NAMESPACES", "matcher", "namespaces_of", "version_limits"]

#: the properties that choose namespaces
NAMESPACES: tuple[PropertySpec, ...] = (
    strings("namespaces"),
    prop("namespacePattern"),
    prop("includeChildNamespaces", T.BOOLEAN, default=True),
)


def namespaces_of(ctx: RunContext, known: Iterable[str]) -> list[str]:
    """The known namespaces that are asked for; all of them when nothing is. Children are those with the name as prefix."""
    names, pattern = ctx.get("namespaces"), ctx.get("namespacePattern")
    if names and pattern is not None:
        raise TaskError(
            "Properties `namespaces` and `namespacePattern` can't be used at the same time \N{EM DASH} use one or the other."
        )
    candidates = sorted(set(known) | {ctx.flow.namespace})
    if pattern is not None:
        regex = wildcard_regex(pattern)
        return [name for name in candidates if regex.fullmatch(name)]
    if not names:
        return candidates
    if ctx.get("includeChildNamespaces", True):
        return [name for name in candidates if name.startswith(tuple(names))]
    return [name for name in candidates if name in names]


def matcher(pattern: str | None) -> Callable[[str], bool]:
    """Keys or paths that match a pattern of `*` and `?`; everything without one."""
    if pattern is None:
        return lambda name: True
    regex = wildcard_regex(pattern)
    return lambda name: regex.fullmatch(name) is not None


def version_limits(behavior: Mapping[str, Any]) -> tuple[dt.datetime | None, int | None]:
    """`before` and `keepAmount` of a `version` behaviour; exactly one must be there."""
    before, keep = behavior.get("before"), behavior.get("keepAmount")
    if (before is None) == (keep is None):
        raise TaskError("Either `before` or `keepAmount` must be set in the version behavior.")
    if keep is not None:
        try:
            return None, int(keep)
        except (TypeError, ValueError):
            raise TaskError(f"keepAmount: not a number: '{keep}'") from None
    try:
        moment = dt.datetime.fromisoformat(str(before))
    except ValueError:
        raise TaskError(f"Text '{before}' could not be parsed at index 0") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)), None
