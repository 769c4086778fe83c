"""Properties and corners of the PostgreSQL tasks that no other file here looks at (postgresql.md 2, 3, 7)."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from simulator.errors import StorageError, TaskError
from simulator.plugins.jdbc.batch import Batch
from simulator.plugins.jdbc.copy import CopyIn, CopyOut
from simulator.plugins.jdbc.postgresql import Queries, Query


def test_a_glued_block_answers_with_its_first_statement(make: Any) -> None:
    # The driver's first result is that of BEGIN, which is no result set.
    sql = "begin; select 1 as a; commit;"
    assert Query().run(make(Query, {"sql": sql, "fetchType": "FETCH"})).outputs == {"row": None}


def test_returning_is_a_result_set(make: Any, admin: Any) -> None:
    admin.execute("create table r (id serial, t text)")
    sql = "insert into r (t) values ('a'), ('b') returning id, t"
    outputs = Query().run(make(Query, {"sql": sql, "fetchType": "FETCH"})).outputs
    assert outputs is not None and outputs["rows"] == [{"id": 1, "t": "a"}, {"id": 2, "t": "b"}]
    outputs = Queries().run(make(Queries, {"sql": sql + "; delete from r", "fetchType": "FETCH"})).outputs
    assert outputs is not None and [item["size"] for item in outputs["outputs"]] == [2]


def test_a_comment_after_the_statement_is_a_second_one(make: Any) -> None:
    with pytest.raises(TaskError, match="support only a single SQL statement"):
        Query().run(make(Query, {"sql": "select 1; -- done"}))
    assert Query().run(make(Query, {"sql": "select 1 -- done; really"})).outputs == {"row": None}


def test_empty_parameters_prepare(make: Any) -> None:
    with pytest.raises(TaskError, match="No value specified for parameter 1"):
        Query().run(make(Query, {"sql": "select jsonb '{\"a\":1}' ? 'a'", "parameters": {}}))


def test_a_literal_question_mark_fails_in_queries(make: Any) -> None:
    with pytest.raises(TaskError, match="No value specified for parameter 1"):
        Queries().run(make(Queries, {"sql": "select jsonb '{\"a\":1}' ? 'a'"}))


def test_session_state_does_not_leak(make: Any) -> None:
    Query().run(make(Query, {"sql": "set search_path = nowhere"}))
    outputs = Query().run(make(Query, {"sql": "show search_path", "fetchType": "FETCH_ONE"})).outputs
    assert outputs is not None and "nowhere" not in outputs["row"]["search_path"]


def test_a_cancelled_run_of_queries_stops_between_statements(make: Any, admin: Any) -> None:
    admin.execute("create table steps (n int)")
    sql = "insert into steps values (1); select pg_sleep(20); insert into steps values (2)"
    ctx = make(Queries, {"sql": sql, "transaction": False})

    def cancel_in_the_second() -> None:
        asleep = "select 1 from pg_stat_activity where state = 'active' and query = 'select pg_sleep(20)'"
        while admin.execute(asleep).fetchone() is None:
            time.sleep(0.02)
        for action in ctx.cancel_actions:
            action()

    watcher = threading.Thread(target=cancel_in_the_second)
    watcher.start()
    with pytest.raises(TaskError):
        Queries().run(ctx)
    watcher.join()
    assert admin.execute("select n from steps").fetchall() == [(1,)]


def test_copy_out_options_reach_the_server(make: Any, admin: Any) -> None:
    admin.execute("create table cars (id int, name text, note text)")
    admin.execute("insert into cars values (1, 'zażółć', null), (2, 'a,b', 'x')")
    options = {"format": "CSV", "header": True, "delimiter": ";", "quote": "~", "nullString": "NONE"}
    ctx = make(
        CopyOut,
        {
            "table": "cars",
            "columns": ["name", "note"],
            "forceQuote": ["name"],
            "encoding": "LATIN2",
            **options,
        },
    )
    outputs = CopyOut().run(ctx).outputs
    assert outputs is not None and outputs["rowCount"] == 2
    data = ctx.read(outputs["uri"])
    assert data.decode("iso8859-2") == "name;note\n~zażółć~;NONE\n~a,b~;x\n"
    assert ("rows", 2, "counter", {}) in ctx.metrics
    admin.execute("create table back (name text, note text)")
    back = make(CopyIn, {"table": "back", "encoding": "LATIN2", "from": outputs["uri"], **options})
    assert CopyIn().run(back).outputs == {"rowCount": 2}
    assert admin.execute("select * from back").fetchall() == [("zażółć", None), ("a,b", "x")]
    # the query wins over the table
    both = make(CopyOut, {"table": "nope", "sql": "select 1"})
    outputs = CopyOut().run(both).outputs
    assert outputs is not None and both.read(outputs["uri"]) == b"1\n"


def test_forced_nulls(make: Any, admin: Any) -> None:
    admin.execute("create table forced (a text, b text)")
    ctx = make(CopyIn, {"table": "forced", "format": "CSV", "forceNull": ["a"], "forceNotNull": ["b"]})
    ctx.properties["from"] = ctx.store('"",\n')
    CopyIn().run(ctx)
    assert admin.execute("select a, b from forced").fetchall() == [(None, "")]


def test_oids_are_refused_by_the_server(make: Any, admin: Any) -> None:
    admin.execute("create table o (a int)")
    with pytest.raises(TaskError, match='ERROR: option "oids" not recognized'):
        CopyOut().run(make(CopyOut, {"table": "o", "oids": True}))


def test_batch_reads_ion_only(make: Any, admin: Any) -> None:
    admin.execute("create table people (id int, name text)")
    ctx = make(Batch, {"table": "people"})
    ctx.properties["from"] = ctx.store("id,name\n1,Ada\n", "people.csv")
    with pytest.raises(StorageError, match="Invalid Ion text"):
        Batch().run(ctx)
    assert admin.execute("select count(*) from people").fetchone() == (0,)


def test_batch_of_nothing(make: Any, admin: Any) -> None:
    admin.execute("create table people (id int)")
    ctx = make(Batch, {"table": "people"})
    ctx.properties["from"] = ctx.store(b"")
    assert Batch().run(ctx).outputs == {"rowCount": 0, "updatedCount": 0}
    assert ctx.logger.messages("INFO") == ["Successfully executed 0 bulk queries and updated 0 rows"]
