"""DuckDB and SQLite for real: files in and out, types, transactions, no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1
from simulator.doubles.http import HttpDouble
from simulator.engine.task import Endpoint
from simulator.errors import NetworkRefusedError, TaskError
from simulator.plugins.jdbc import duckdb as duck
from simulator.plugins.jdbc import sqlite
from tests.plugins.fake_context import FakeContext

BOTH = pytest.mark.parametrize("module", [duck, sqlite], ids=["duckdb", "sqlite"])


def context(tmp_path: Path, plugin: Any, **properties: Any) -> FakeContext:
    return FakeContext(tmp_path, properties, spec=plugin.spec, dialect=V1)


@BOTH
def test_fetch_types(tmp_path: Path, module: Any) -> None:
    sql = "select 1 as a, 'x' as b, null as c union all select 2, 'y', null order by 1"
    fetched = module.Query().run(context(tmp_path, module.Query, sql=sql, fetchType="FETCH")).outputs
    assert fetched == {
        "row": None,
        "rows": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        "size": 2,
        "outputFiles": {},
    }
    one = module.Query().run(context(tmp_path, module.Query, sql=sql, fetchType="FETCH_ONE")).outputs
    assert one["row"] == {"a": 1, "b": "x", "c": None}
    ctx = context(tmp_path, module.Query, sql=sql, store=True)
    stored = module.Query().run(ctx).outputs
    assert ctx.read(stored["uri"]) == b'{a:1,b:"x",c:null}\n{a:2,b:"y",c:null}\n'
    assert ctx.metrics == [("fetch.size", 2, "counter", {"fetch": "false", "store": "true"})]


@BOTH
def test_queries_and_parameters(tmp_path: Path, module: Any) -> None:
    sql = "create table t (a int, b text); insert into t values (:x, :y); select a, b from t where a = :x; drop table t"
    ctx = context(tmp_path, module.Queries, sql=sql, fetchType="FETCH", parameters={"x": 5, "y": "z"})
    assert module.Queries().run(ctx).outputs == {
        "outputs": [{"row": None, "rows": [{"a": 5, "b": "z"}], "size": 1}],
        "outputFiles": {},
    }


@BOTH
def test_database_goes_on(tmp_path: Path, module: Any) -> None:
    ctx = context(
        tmp_path, module.Queries, sql="create table t (a int); insert into t values (1)", outputDbFile=True
    )
    uri = module.Queries().run(ctx).outputs["databaseUri"]
    stored = "databaseUri" if module is duck else "sqliteFile"
    next_ctx = context(
        tmp_path, module.Query, sql="select count(*) as n from t", fetchOne=True, **{stored: uri}
    )
    assert module.Query().run(next_ctx).outputs["row"] == {"n": 1}


@BOTH
def test_transaction_rolls_back(tmp_path: Path, module: Any) -> None:
    scheme = module.SCHEME
    module.Queries().run(
        context(tmp_path, module.Queries, url=f"{scheme}my.db", sql="create table t (a int)")
    )
    bad = "insert into t values (1); select * from nope"
    for transaction, left in ((True, 0), (False, 1)):
        with pytest.raises(TaskError, match="(?i)sql.*nope"):
            module.Queries().run(
                context(tmp_path, module.Queries, url=f"{scheme}my.db", sql=bad, transaction=transaction)
            )
        count = context(
            tmp_path, module.Query, url=f"{scheme}my.db", sql="select count(*) as n from t", fetchOne=True
        )
        assert module.Query().run(count).outputs["row"]["n"] == left


@BOTH
def test_one_statement_only(tmp_path: Path, module: Any) -> None:
    with pytest.raises(TaskError, match="Query task support only a single SQL statement"):
        module.Query().run(context(tmp_path, module.Query, sql="select 1; select 2"))


@BOTH
def test_wrong_url(tmp_path: Path, module: Any) -> None:
    with pytest.raises(TaskError, match="URL scheme is invalid. URL should start with"):
        module.Query().run(context(tmp_path, module.Query, sql="select 1", url="jdbc:mysql://h"))


# DuckDB ---------------------------------------------------------------------------------------------------------------


def test_duckdb_files_in_and_out(tmp_path: Path) -> None:
    ctx = context(
        tmp_path,
        duck.Queries,
        inputFiles={"in.csv": "id,name\n1,Ada\n2,Bob\n"},
        outputFiles=["out"],
        sql="create table t as select * from read_csv_auto('in.csv'); copy t to '{{ outputFiles.out }}' (header, delimiter ';')",
    )
    outputs = duck.Queries().run(ctx).outputs
    assert outputs is not None
    assert ctx.read(outputs["outputFiles"]["out"]) == b"id;name\n1;Ada\n2;Bob\n"
    assert outputs["outputs"] == []


@pytest.mark.parametrize(
    ("sql", "ion", "value"),
    [
        ("5::tinyint", "5", 5),
        ("9223372036854775807::hugeint", '"9223372036854775807"', "9223372036854775807"),
        ("sum(1)", '"1"', "1"),
        ("7::ubigint", '"7"', "7"),
        ("12345.123::decimal(8,3)", "12345.123", 12345.123),
        ("12345.12345::double", "12345.12345e0", 12345.12345),
        ("date '2020-06-10'", "2020-06-10", "2020-06-10"),
        (
            "timestamp '2020-06-10 15:55:23.383345'",
            'ZonedDateTime::"2020-06-10T15:55:23.383345+02:00[Europe/Paris]"',
            "2020-06-10T13:55:23.383345Z",
        ),
        (
            "timestamptz '2020-06-10 15:55:23+02'",
            'OffsetDateTime::"2020-06-10T13:55:23Z"',
            "2020-06-10T13:55:23Z",
        ),
        ("interval 28 days", '"28 days"', "28 days"),
        ("'b'::enum('a','b')", '"b"', "b"),
        ("[1, 2]", "[1,2]", [1, 2]),
        ("{'a': 1, 'b': 'x'}", '{a:1,b:"x"}', {"a": 1, "b": "x"}),
        ("'{\"a\": [1]}'::json", "{a:[1]}", {"a": [1]}),
    ],
)
def test_duckdb_types(tmp_path: Path, sql: str, ion: str, value: Any) -> None:
    base = {"sql": f"select {sql} as c", "timeZoneId": "Europe/Paris"}
    ctx = context(tmp_path, duck.Query, fetchType="STORE", **base)
    outputs = duck.Query().run(ctx).outputs
    assert outputs is not None
    expected = ion.replace("12345.12345e0", "12345.12345e0")
    assert ctx.read(outputs["uri"]).decode() == "{c:" + expected + "}\n"
    outputs = duck.Query().run(context(tmp_path, duck.Query, fetchType="FETCH_ONE", **base)).outputs
    assert outputs is not None and outputs["row"]["c"] == value


def test_duckdb_statements_without_rows(tmp_path: Path) -> None:
    for sql in ("create table t as select 1", "create table t (a int)"):
        outputs = duck.Query().run(context(tmp_path, duck.Query, sql=sql, fetchType="FETCH")).outputs
        assert outputs == {"row": None, "outputFiles": {}}


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv_auto('https://example.com/a.csv')",
        "select * from 's3://bucket/key.parquet'",
        "install httpfs",
    ],
)
def test_duckdb_never_reaches_out(tmp_path: Path, sql: str) -> None:
    with pytest.raises(NetworkRefusedError):
        duck.Query().run(context(tmp_path, duck.Query, sql=sql))


def test_duckdb_reads_addresses_through_the_double(tmp_path: Path) -> None:
    rules = [
        {"url": "https://example.com/a.csv", "body": "a,b\n7,it's\n"},
        {"url": "https://example.com/gone.csv", "status": 404},
    ]
    double = HttpDouble(rules)
    double.start()
    try:
        address = double.ready()

        def run(sql: str) -> Any:
            ctx = context(tmp_path, duck.Query, sql=sql, fetchType="FETCH")
            endpoint = Endpoint(address.url, address.host, address.port, "http", address.facts)
            ctx.endpoints.table |= {"http": endpoint, "s3": endpoint}
            return (duck.Query().run(ctx).outputs or {})["rows"]

        source = "read_csv_auto('https://example.com/a.csv')"
        assert run(f"select * from {source} union all select * from {source}") == [{"a": 7, "b": "it's"}] * 2
        with pytest.raises(TaskError, match="HTTP GET error on 'https://example.com/gone.csv' .HTTP 404."):
            run("select * from 'https://example.com/gone.csv'")
        with pytest.raises(
            NetworkRefusedError, match="no rule answers GET https://example.com/b.csv"
        ) as caught:
            run("select * from 'https://example.com/b.csv'")
        assert "url: https://example.com/b.csv" in (caught.value.hint or "")
        for sql in ("copy (select 1) to 'https://example.com/a.csv'", "select * from 's3://bucket/a.csv'"):
            with pytest.raises(NetworkRefusedError, match="a double cannot answer it"):
                run(sql)
    finally:
        double.stop()


# SQLite ---------------------------------------------------------------------------------------------------------------


def test_sqlite_declared_types(tmp_path: Path) -> None:
    url = "jdbc:sqlite:types.db"
    sql = """create table k (d date, t time, dt datetime, ts timestamp, x text);
    insert into k values ('2020-01-02', '03:04:05', '2020-01-02 03:04:05', '2020-01-02T03:04:05+01:00', 'y');
    insert into k values ('soon', null, 5, '', x'00')"""
    sqlite.Queries().run(context(tmp_path, sqlite.Queries, url=url, sql=sql))
    ctx = context(tmp_path, sqlite.Query, url=url, sql="select * from k", fetchType="FETCH")
    outputs = sqlite.Query().run(ctx).outputs
    assert outputs is not None
    assert outputs["rows"] == [
        {
            "d": "2020-01-02",
            "t": "03:04:05",
            "dt": "2020-01-02T03:04:05Z",
            "ts": "2020-01-02T02:04:05Z",
            "x": "y",
        },
        {"d": "soon", "dt": 5, "ts": "", "x": "AA=="},
    ]


def test_sqlite_errors(tmp_path: Path) -> None:
    with pytest.raises(TaskError) as caught:
        sqlite.Query().run(context(tmp_path, sqlite.Query, sql="select * from nope"))
    assert caught.value.message == "[SQLITE_ERROR] SQL error or missing database (no such table: nope)"
