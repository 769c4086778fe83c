"""The steps of a migration, in the order in which they see the text.

Names of types come first (everything after meets only present ones), plugin defaults are written out before
properties are looked at, the meaning of operators is pinned down while all expressions are still those of 1.x, and
conditions and loops, which write 2.0 expressions, come after that.
"""

from __future__ import annotations

from simulator.migrate.changes import Step
from simulator.migrate.steps import (
    conditions,
    defaults,
    expressions,
    flow,
    http,
    inputs,
    loops,
    properties,
    scripts,
    state,
    types,
)
from simulator.migrate.walk import CORE, list_at, tasks
from simulator.source.nodes import MapNode

__all__ = ["STEPS", "is_native_v2"]

STEPS: tuple[Step, ...] = (
    types.aliases,
    flow.flow_keys,
    inputs.inputs,
    inputs.outputs,
    properties.spelling,
    defaults.plugin_defaults,
    properties.properties,
    http.http,
    scripts.scripts,
    flow.workers,
    types.removed,
    state.state,
    expressions.dashes,
    expressions.binding,
    conditions.conditions,
    flow.limited_loops,
    loops.loops,
    loops.parallel_bodies,
    properties.pause_tasks,  # when it is settled which bodies run in order
    expressions.context,
    expressions.names,
    expressions.variables,
    inputs.given,
    flow.advice,
)

_ONLY_V2 = frozenset(
    CORE + name
    for name in (
        "flow.Loop",
        "http.SseRequest",
        "kv.Put",
        "namespace.PurgeFiles",
        "storage.PurgeStorage",
    )
)


def is_native_v2(root: MapNode) -> bool:
    """Whether the flow already uses what no 1.x knows: then its expressions are those of 2.0."""
    if any(task.type in _ONLY_V2 for task in tasks(root)):
        return True
    return any(
        isinstance(trigger, MapNode) and ("when" in trigger or "dependsOn" in trigger)
        for trigger in list_at(root, "triggers")
    )
