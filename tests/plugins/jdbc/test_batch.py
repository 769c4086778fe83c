"""Batch: rows of a file into a table, by the parameter's SQL type."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from simulator.errors import TaskError
from simulator.plugins.jdbc.batch import Batch
from simulator.storage import ion


def stored(ctx: Any, rows: list[Any]) -> str:
    buffer = io.BytesIO()
    with ion.writer(buffer, binary=True) as writer:
        writer.write_all(rows)
    return str(ctx.store(buffer.getvalue()))


def run(make: Any, rows: list[Any], **properties: Any) -> tuple[Any, Any]:
    ctx = make(Batch, properties)
    ctx.properties["from"] = stored(ctx, rows)
    return Batch().run(ctx).outputs, ctx


def test_rows_by_position(make: Any, admin: Any) -> None:
    admin.execute(
        """create table b (i int, bo bool, t text, s int2, l int8, f4 float4, f8 float8, n numeric, d date, tm time,
        tz timetz, ts timestamp, tsz timestamptz, iv interval, ai int[], at text[], j json, jb jsonb, by bytea, v tsvector)"""
    )
    row = [
        1, True, "a'b", 32767, 9223372036854775807, 1.5, 2.5, Decimal("2147483645.1234"), dt.date(2030, 12, 25),
        dt.time(4, 5, 30), dt.time(13, 5, 6, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        dt.datetime(2004, 10, 19, 10, 23, 54, 999999),
        dt.datetime(2004, 10, 19, 8, 23, 54, tzinfo=ZoneInfo("Europe/Paris")),
        "P10Y4M5DT0H0M10S", [100, 200, 300], [["a", 'b"c'], ["d", "e\\f"]], '{"a": 1}', {"color": "red"},
        b"\xde\xad", "brown:4 dice:2",
    ]  # fmt: skip
    marks = ", ".join("?" * 17) + ", ?::jsonb, ?, ?::tsvector"
    outputs, ctx = run(make, [row, [None] * 20, [7]], sql=f"insert into b values ({marks})", chunk=2)
    assert outputs == {"rowCount": 3, "updatedCount": 3}
    assert ctx.metrics == [("records", 3, "counter", {}), ("updated", 3, "counter", {})]
    assert ctx.logger.messages("INFO") == ["Successfully executed 2 bulk queries and updated 3 rows"]
    found = admin.execute(
        "select t, l, n, ts, tsz, iv::text, ai, at, j, jb, by from b where i = 1"
    ).fetchone()
    assert found[:4] == ("a'b", 9223372036854775807, Decimal("2147483645.1234"), row[11])
    assert found[4] == row[12]
    assert found[5:] == (
        "10 years 4 mons 5 days 00:00:10",
        row[14],
        row[15],
        {"a": 1},
        {"color": "red"},
        b"\xde\xad",
    )
    assert admin.execute("select count(*) from b where i = 7 and t is null").fetchone() == (1,)


def test_columns_and_discovered_columns(make: Any, admin: Any) -> None:
    admin.execute("create table people (id int, name text)")
    rows = [{"name": "Ada", "id": 1, "extra": 5}, {"id": 2}]
    run(make, rows, table="people")
    run(make, rows, table="people", columns=["name"])
    _, ctx = run(make, rows, table="people", sql="insert into people values (?, ?)", columns=["id", "name"])
    assert ctx.logger.messages("INFO")[0] == "table 'people' is ignored when sql is provided"
    assert admin.execute("select id, name from people order by id nulls last, name nulls last").fetchall() == [
        (1, "Ada"), (1, "Ada"), (2, None), (2, None), (None, "Ada"), (None, None)
    ]  # fmt: skip


def test_updates_are_counted(make: Any, admin: Any) -> None:
    admin.execute("create table u (a int); insert into u values (1), (1), (2)")
    outputs, _ = run(make, [[1], [3]], sql="delete from u where a = ?")
    assert outputs == {"rowCount": 2, "updatedCount": 2}


def test_earlier_chunks_stay(make: Any, admin: Any) -> None:
    admin.execute("create table c (a int primary key)")
    with pytest.raises(TaskError, match="duplicate key value violates unique constraint"):
        run(make, [[1], [2], [3], [1]], sql="insert into c values (?)", chunk=2)
    assert admin.execute("select count(*) from c").fetchone() == (2,)


@pytest.mark.parametrize(
    ("kind", "value", "java", "value_class"),
    [
        ("int4", "5", "java.lang.Integer", "java.lang.String"),
        ("int4", 1 << 40, "java.lang.Integer", "java.lang.Long"),
        ("int8", 1.5, "java.lang.Long", "java.lang.Double"),
        ("float8", 1, "java.lang.Double", "java.lang.Integer"),
        ("numeric", 1.5, "java.math.BigDecimal", "java.lang.Double"),
        ("text", 5, "java.lang.String", "java.lang.Integer"),
        ("bool", "true", "java.lang.Boolean", "java.lang.String"),
        ("timestamp", "yesterday", "java.sql.Timestamp", "java.lang.String"),
    ],
)
def test_mismatch(make: Any, admin: Any, kind: str, value: Any, java: str, value_class: str) -> None:
    admin.execute(f"create table m (a {kind})")
    with pytest.raises(TaskError) as caught:
        run(make, [[value]], sql="insert into m values (?)")
    assert caught.value.message == (
        f"Unable to transform data with type '{kind}', class 'class {java}', index '1', value '{value}', "
        f"valueClass 'class {value_class}'"
    )


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-02T03:04:05",
        "2024-01-02T03:04:05Z",
        "2024-01-02 03:04:05",
        "2024-01-02 03:04:05.5",
        "2024-01-02",
    ],
)
def test_texts_for_timestamps(make: Any, admin: Any, text: str) -> None:
    admin.execute("create table ts (a timestamp)")
    run(make, [[text]], sql="insert into ts values (?)")
    assert admin.execute("select a::date from ts").fetchone() == (dt.date(2024, 1, 2),)


def test_local_input_limit(make: Any, admin: Any) -> None:
    admin.execute("create table lim (a int)")
    with pytest.raises(TaskError) as caught:
        run(make, [[1]], sql="insert into lim values (?)", inputHandling="LOCAL", localBufferMaxBytes=1)
    assert caught.value.message == (
        "Input file exceeds `localBufferMaxBytes` (1 bytes) while using LOCAL input handling."
    )


def test_options_without_effect_are_named(make: Any, admin: Any) -> None:
    admin.execute("create table quiet (id int)")
    _, ctx = run(make, [[1]], sql="insert into quiet values (?)", maxRetries=5, resumeOnRetry=False)
    assert any("maxRetries, resumeOnRetry" in text for text in ctx.logger.messages("INFO"))
    _, ctx = run(make, [[1]], sql="insert into quiet values (?)")
    assert not any("Without effect" in text for text in ctx.logger.messages("INFO"))
