"""`io.kestra.plugin.jdbc.*`; listed in simulator.plugins.registry."""

from __future__ import annotations

_POSTGRESQL = "simulator.plugins.jdbc.postgresql"

TYPES: dict[str, str] = {
    "io.kestra.plugin.jdbc.postgresql.Queries": f"{_POSTGRESQL}:Queries",
    "io.kestra.plugin.jdbc.postgresql.Query": f"{_POSTGRESQL}:Query",
}

ALIASES: dict[str, str] = {}
