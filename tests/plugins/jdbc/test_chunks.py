"""Stored rows whose cells stay bytes, and those beside them that don't: the file is that of the plain values."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.errors import TaskError
from simulator.plugins.jdbc.postgresql import Query
from simulator.storage import ion

MIXED = """select i as id, case when i % 7 = 0 then null else 'näme "' || i || E'"\\n' end as name, i % 2 = 0 as even,
array['a', null, i::text] as tags, array[i, null] as numbers, i::int8 * 1000000007 * (1 - i % 3) as big,
(i % 100)::int2 as small, 'x' || i as id from generate_series(1, 4500) i"""


@pytest.mark.parametrize("dialect", [V1, V2], ids=["1", "2"])
def test_rows_of_several_chunks(make: Any, dialect: Dialect) -> None:
    ctx = make(Query, {"sql": MIXED, "fetchType": "STORE"}, dialect=dialect)
    outputs = Query().run(ctx).outputs
    stored = ctx.read(outputs["uri"])
    rows = [
        {
            "id": f"x{i}",  # the later column of a name, at the place of the first
            "name": None if i % 7 == 0 else f'näme "{i}"\n',
            "even": i % 2 == 0,
            "tags": ["a", None, str(i)],
            "numbers": [i, None],
            "big": i * 1000000007 * (1 - i % 3),
            "small": i % 100,
        }
        for i in range(1, 4501)
    ]
    assert outputs["size"] == 4500
    assert stored == b"".join(ion.dump_row(row, binary=dialect.binary_ion) for row in rows)


@pytest.mark.parametrize("dialect", [V1, V2], ids=["1", "2"])
def test_a_database_without_an_encoding(make: Any, admin: Any, dialect: Dialect) -> None:
    admin.execute("create database plain owner pg_user encoding 'SQL_ASCII' template template0 locale 'C'")
    try:
        url = {"url": "jdbc:postgresql://db.example:5432/plain", "fetchType": "STORE"}
        ctx = make(Query, {"sql": "select 'ä' as c, 1 as n", **url}, dialect=dialect)
        outputs = Query().run(ctx).outputs
        assert ion.loads(ctx.read(outputs["uri"])) == [{"c": "ä", "n": 1}]
        with pytest.raises(TaskError, match='invalid byte sequence for encoding "UTF8"'):
            Query().run(make(Query, {"sql": r"select E'\xe4' as c", **url}, dialect=dialect))
    finally:
        admin.execute("drop database plain with (force)")


def test_an_error_on_the_way_is_the_servers_own(make: Any) -> None:
    sql = "select 1 / (3000 - i) as c from generate_series(1, 100000) i"
    with pytest.raises(TaskError, match="division by zero"):
        Query().run(make(Query, {"sql": sql, "fetchType": "STORE"}))


def test_a_refused_value_on_the_way_ends_the_statement(make: Any) -> None:
    """Ten billion rows are not read to the end for it."""
    series = "(select generate_series(1, 10000000000) as i) s"
    sql = f"select case when i = 3000 then 'infinity' else date '2024-01-01' end as c from {series}"
    with pytest.raises(TaskError, match="outside the years"):
        Query().run(make(Query, {"sql": sql, "fetchType": "STORE"}))
