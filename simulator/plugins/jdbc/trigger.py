"""`jdbc.postgresql.Trigger`: fires when a query gives rows (postgresql.md 4)."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TriggerResult
from simulator.errors import TaskError
from simulator.model.catalog import Kind, PropertySpec, T, TaskSpec
from simulator.plugins.jdbc.fetch import fetch_type
from simulator.plugins.jdbc.query import run_query
from simulator.plugins.jdbc.specs import CONNECTION, FETCH, POOL, QUERY_OUTPUTS, SSL, ZONE

__all__ = ["Trigger"]

_NEVER = (
    "fetchType NONE is not valid for triggers — the trigger would never fire. Use FETCH, FETCH_ONE, or STORE."
)


class Trigger:
    """Polls with a query; its result is what the new execution sees as `trigger`."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.jdbc.postgresql.Trigger",
        Kind.TRIGGER,
        properties=(
            *CONNECTION,
            *SSL,
            *POOL,
            ZONE,
            PropertySpec("interval", T.DURATION, default=dt.timedelta(seconds=60), as_property=False),
            PropertySpec("sql", required=True),
            PropertySpec("afterSQL"),
            *FETCH("FETCH"),
        ),
        outputs=QUERY_OUTPUTS,
        needs=("postgres",),
        doc="Start an execution when a PostgreSQL query gives rows.",
    )

    def evaluate(self, ctx: RunContext) -> TriggerResult | None:
        if fetch_type(ctx, "FETCH") == "NONE":
            raise TaskError(_NEVER)
        # The plugin hands neither ssl* nor pooling on to its inner query: pooling is then on.
        fetched = run_query(ctx, pooled=True, ssl=False, default="FETCH")
        ctx.logger.debug("Found '{}' rows from '{}'", fetched.size, ctx.get("sql"))
        if fetched.size == 0:
            return None
        variables: dict[str, Any] = {
            key: value for key, value in fetched.outputs.items() if value is not None
        }
        return TriggerResult(variables)
