"""A real PostgreSQL for the session, a database of its own for each test that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, Dialect
from simulator.doubles.postgres import PostgresDouble
from simulator.engine.task import Endpoint
from tests.plugins.fake_context import FakeContext

Make = Callable[..., FakeContext]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresDouble]:
    double = PostgresDouble()
    double.start()
    double.prepare({"user": "pg_user", "password": "pw", "database": "pg_user"})
    yield double
    double.stop()


@pytest.fixture
def make(tmp_path: Path, postgres: PostgresDouble) -> Make:
    """A context for a plugin class: `make(Query, {"sql": ...})`, connected to the double."""

    def build(
        plugin: Any, properties: Mapping[str, Any], *, dialect: Dialect = V1, **rest: Any
    ) -> FakeContext:
        base = {"url": "jdbc:postgresql://db.example:5432/", "username": "pg_user", "password": "pw"}
        ctx = FakeContext(tmp_path, {**base, **properties}, spec=plugin.spec, dialect=dialect, **rest)
        address = postgres.ready()
        ctx.endpoints.table["postgres"] = Endpoint(address.url, address.host, address.port, "postgres")
        return ctx

    return build


@pytest.fixture
def admin(postgres: PostgresDouble) -> Iterator[Any]:
    """A connection to the database of the tests, with all rights; every table made meanwhile is dropped."""
    with postgres.connect("pg_user") as connection:
        yield connection
        for schema, name in connection.execute(
            "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall():
            connection.execute(f'drop table "{schema}"."{name}" cascade')
