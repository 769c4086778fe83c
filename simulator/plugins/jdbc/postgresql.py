"""`io.kestra.plugin.jdbc.postgresql.*`: the types, each a table of properties and one call (postgresql.md)."""

from __future__ import annotations

from typing import ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.jdbc.query import query_result, run_queries, run_query
from simulator.plugins.jdbc.specs import CONNECTION, FETCH, POOL, QUERY_OUTPUTS, SSL, ZONE

__all__ = ["Queries", "Query"]

PACKAGE = "io.kestra.plugin.jdbc.postgresql"
_COMMON = (*CONNECTION, *SSL, *POOL, ZONE)
_SQL = PropertySpec("sql", required=True)


class Query:
    """One SQL statement."""

    spec: ClassVar = TaskSpec(
        f"{PACKAGE}.Query",
        properties=(
            *_COMMON,
            _SQL,
            PropertySpec("afterSQL", doc="one statement in the same transaction"),
            *FETCH("NONE"),
            PropertySpec("outputFiles", T.LIST, item=PropertySpec("path")),
        ),
        outputs=QUERY_OUTPUTS,
        needs=("postgres",),
        doc="Run one SQL statement on PostgreSQL.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        return query_result(run_query(ctx))


class Queries:
    """Several SQL statements, in a transaction unless told otherwise."""

    spec: ClassVar = TaskSpec(
        f"{PACKAGE}.Queries",
        properties=(
            *_COMMON,
            _SQL,
            PropertySpec("afterSQL", doc="accepted, not used"),
            PropertySpec("transaction", T.BOOLEAN, default=True),
            *FETCH("NONE"),
            PropertySpec("outputFiles", T.LIST, item=PropertySpec("path")),
        ),
        outputs=(OutputSpec("outputs", T.LIST, OutputSpec("output", T.OBJECT, fields=QUERY_OUTPUTS)),),
        needs=("postgres",),
        doc="Run several SQL statements on PostgreSQL.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        return run_queries(ctx)
