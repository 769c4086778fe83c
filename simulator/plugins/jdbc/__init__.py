"""`io.kestra.plugin.jdbc.*`; listed in simulator.plugins.registry."""

from __future__ import annotations

_POSTGRESQL = "simulator.plugins.jdbc.postgresql"

TYPES: dict[str, str] = {
    "io.kestra.plugin.jdbc.duckdb.Queries": "simulator.plugins.jdbc.duckdb:Queries",
    "io.kestra.plugin.jdbc.duckdb.Query": "simulator.plugins.jdbc.duckdb:Query",
    "io.kestra.plugin.jdbc.postgresql.Batch": "simulator.plugins.jdbc.batch:Batch",
    "io.kestra.plugin.jdbc.postgresql.CopyIn": "simulator.plugins.jdbc.copy:CopyIn",
    "io.kestra.plugin.jdbc.postgresql.CopyOut": "simulator.plugins.jdbc.copy:CopyOut",
    "io.kestra.plugin.jdbc.postgresql.Queries": f"{_POSTGRESQL}:Queries",
    "io.kestra.plugin.jdbc.postgresql.Query": f"{_POSTGRESQL}:Query",
    "io.kestra.plugin.jdbc.postgresql.Trigger": "simulator.plugins.jdbc.trigger:Trigger",
    "io.kestra.plugin.jdbc.sqlite.Queries": "simulator.plugins.jdbc.sqlite:Queries",
    "io.kestra.plugin.jdbc.sqlite.Query": "simulator.plugins.jdbc.sqlite:Query",
}

ALIASES: dict[str, str] = {}
