"""Properties and outputs of the JDBC tasks, said once (postgresql.md 1-4)."""

from __future__ import annotations

from simulator.model.catalog import OutputSpec, PropertySpec, T

__all__ = ["CONNECTION", "FETCH", "POOL", "QUERY_OUTPUTS", "SSL", "ZONE"]

CONNECTION = (
    PropertySpec("url", required=True, doc="jdbc:postgresql://host:port/database"),
    PropertySpec("username"),
    PropertySpec("password", secret=True),
)

SSL = (
    PropertySpec("ssl", T.BOOLEAN, default=False),
    PropertySpec(
        "sslMode",
        T.ENUM,
        values=("DISABLE", "ALLOW", "PREFER", "REQUIRE", "VERIFY_CA", "VERIFY_FULL"),
    ),
    PropertySpec("sslRootCert", doc="PEM text"),
    PropertySpec("sslCert", doc="PEM text"),
    PropertySpec("sslKey", secret=True, doc="PEM text"),
    PropertySpec("sslKeyPassword", secret=True),
)

POOL = (
    PropertySpec("connectionPooling", T.BOOLEAN, default=True),
    PropertySpec("connectionPoolSize", T.INTEGER, default=10),
)

ZONE = PropertySpec("timeZoneId", doc="Zone of zoned values; the server's (UTC) when absent.")


def _flag(name: str, kind: str) -> PropertySpec:
    return PropertySpec(
        name,
        T.BOOLEAN,
        default=False,
        dynamic=False,
        as_property=False,
        deprecated=f"use fetchType: {kind}",
    )


def FETCH(default: str) -> tuple[PropertySpec, ...]:  # noqa: N802 - a table with one blank
    """The properties that say what becomes of rows."""
    return (
        PropertySpec("fetchType", T.ENUM, default=default, values=("NONE", "FETCH", "FETCH_ONE", "STORE")),
        _flag("fetch", "FETCH"),
        _flag("fetchOne", "FETCH_ONE"),
        _flag("store", "STORE"),
        PropertySpec("fetchSize", T.INTEGER, default=10000),
        PropertySpec("parameters", T.MAP, doc="named binds: `:name` in the SQL"),
    )


QUERY_OUTPUTS = (
    OutputSpec("row", T.MAP, doc="fetchType FETCH_ONE"),
    OutputSpec("rows", T.LIST, OutputSpec("row", T.MAP), doc="fetchType FETCH"),
    OutputSpec("uri", T.URI, doc="fetchType STORE: an Ion file"),
    OutputSpec("size", T.INTEGER, doc="rows fetched"),
)
