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

_VENDORS = [
    "as400",
    "clickhouse",
    "db2",
    "dremio",
    "druid",
    "hana",
    "mariadb",
    "mysql",
    "oracle",
    "pinot",
    "redshift",
    "snowflake",
    "sqlserver",
    "sybase",
    "trino",
    "vectorwise",
    "vertica",
]
TYPES.update(
    {
        f"io.kestra.plugin.jdbc.{vendor}.{kind}": f"simulator.plugins.jdbc.vendors:{vendor.capitalize()}{kind}"
        for vendor in _VENDORS
        for kind in ("Batch", "Queries", "Query", "Trigger")
    }
)
TYPES.update(
    {
        f"io.kestra.plugin.jdbc.snowflake.{kind}": f"simulator.plugins.jdbc.vendors:Snowflake{kind}"
        for kind in ("Download", "Upload")
    }
)

ALIASES: dict[str, str] = {}
