"""Query and Queries against a real server: fetch types, transactions, errors, in Kestra's words."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.dialect import V2
from simulator.errors import TaskError
from simulator.plugins.jdbc.postgresql import Queries, Query
from simulator.storage import ion

ROWS = "select * from (values (1, 'a', null), (2, 'b', 1.50)) as t (id, name, n) order by id"


def test_none_has_a_row_key_only(make: Any) -> None:
    ctx = make(Query, {"sql": ROWS})
    assert Query().run(ctx).outputs == {"row": None}
    assert ctx.metrics == [("fetch.size", 0, "counter", {"fetch": "false", "store": "false"})]
    assert ctx.logger.messages("DEBUG") == [f"Starting query: {ROWS}"]


def test_fetch_drops_null_columns(make: Any) -> None:
    ctx = make(Query, {"sql": ROWS, "fetchType": "FETCH"})
    rows = [{"id": 1, "name": "a"}, {"id": 2, "name": "b", "n": 1.5}]
    assert Query().run(ctx).outputs == {"row": None, "rows": rows, "size": 2}
    assert ctx.metrics == [("fetch.size", 2, "counter", {"fetch": "true", "store": "false"})]


def test_fetch_one_keeps_null_columns(make: Any) -> None:
    result = Query().run(make(Query, {"sql": ROWS, "fetchType": "FETCH_ONE"}))
    assert result.outputs == {"row": {"id": 1, "name": "a", "n": None}, "size": 1}
    empty = Query().run(make(Query, {"sql": "select 1 where false", "fetchOne": True}))
    assert empty.outputs == {"row": None, "size": 0}


def test_store_text_and_binary(make: Any) -> None:
    ctx = make(Query, {"sql": ROWS, "fetchType": "STORE"})
    result = Query().run(ctx)
    assert result.outputs is not None
    assert result.outputs["size"] == 2
    assert result.outputs["uri"].startswith(
        "kestra:///company/team/my-flow/executions/exec1/tasks/my-task/run1/"
    )
    assert result.outputs["uri"].endswith(".ion")
    assert ctx.read(result.outputs["uri"]) == b'{id:1,name:"a",n:null}\n{id:2,name:"b",n:1.50}\n'
    ctx = make(Query, {"sql": ROWS, "store": True}, dialect=V2)
    result = Query().run(ctx)
    assert result.outputs is not None
    data = ctx.read(result.outputs["uri"])
    assert data.startswith(b"\xe0\x01\x00\xea")
    assert [row["name"] for row in ion.loads(data)] == ["a", "b"]
    assert ctx.metrics[0][3] == {"fetch": "false", "store": "true"}


def test_store_of_nothing_is_an_empty_file(make: Any) -> None:
    ctx = make(Query, {"sql": "select 1 as x where false", "fetchType": "STORE"})
    outputs = Query().run(ctx).outputs
    assert outputs is not None
    assert (outputs["size"], ctx.read(outputs["uri"])) == (0, b"")


@pytest.mark.parametrize("kind", ["FETCH", "FETCH_ONE", "STORE"])
def test_no_result_set(make: Any, admin: Any, kind: str) -> None:
    assert Query().run(make(Query, {"sql": "create table made (x int)", "fetchType": kind})).outputs == {
        "row": None
    }
    assert admin.execute("select count(*) from made").fetchone() == (0,)


def test_later_column_of_a_name_wins_at_the_first_place(make: Any) -> None:
    sql = "select 1 as a, 2 as b, 3 as a, 4"
    outputs = Query().run(make(Query, {"sql": sql, "fetchType": "FETCH_ONE"})).outputs
    assert outputs is not None
    assert list(outputs["row"].items()) == [("a", 3), ("b", 2), ("?column?", 4)]
    ctx = make(Query, {"sql": sql, "fetchType": "STORE"})
    outputs = Query().run(ctx).outputs
    assert outputs is not None
    assert ctx.read(outputs["uri"]) == b"{a:3,b:2,'?column?':4}\n"


def test_deprecated_flags_win_in_order(make: Any) -> None:
    outputs = (
        Query().run(make(Query, {"sql": ROWS, "store": True, "fetch": True, "fetchType": "NONE"})).outputs
    )
    assert outputs is not None and "rows" in outputs


def test_several_statements_are_refused(make: Any) -> None:
    with pytest.raises(TaskError) as caught:
        Query().run(make(Query, {"sql": "select 1; select 2"}))
    assert caught.value.message == (
        "Query task support only a single SQL statement. Use the Queries task to run multiple statements."
    )


def test_glued_statements_run_one_by_one(make: Any, admin: Any) -> None:
    sql = "create type mood as enum ('sad'); create table moods (m mood); insert into moods values ('sad')"
    admin.execute("drop type if exists mood cascade")
    Query().run(make(Query, {"sql": sql}))
    assert admin.execute("select count(*) from moods").fetchone() == (1,)
    admin.execute("drop type mood cascade")


def test_after_sql_is_one_transaction(make: Any, admin: Any) -> None:
    admin.execute("create table jobs (id int, done bool)")
    admin.execute("insert into jobs values (1, false)")
    Query().run(make(Query, {"sql": "select * from jobs", "afterSQL": "update jobs set done = true"}))
    assert admin.execute("select done from jobs").fetchone() == (True,)
    with pytest.raises(TaskError, match="does not exist"):
        Query().run(make(Query, {"sql": "delete from jobs", "afterSQL": "update nope set done = true"}))
    assert admin.execute("select count(*) from jobs").fetchone() == (1,)
    with pytest.raises(TaskError, match="afterSQL supports only a single"):
        Query().run(make(Query, {"sql": "delete from jobs", "afterSQL": "select 1; select 2"}))
    # Rendered blank: nothing is committed, in Kestra too.
    Query().run(
        make(
            Query, {"sql": "delete from jobs", "afterSQL": "{{ inputs.x }}"}, variables={"inputs": {"x": ""}}
        )
    )
    assert admin.execute("select count(*) from jobs").fetchone() == (1,)


@pytest.mark.parametrize(
    ("sql", "parameters", "row"),
    [
        ("select :a as a, :b as b, :a as c", {"a": 1, "b": 1.5}, {"a": 1, "b": 1.5, "c": 1}),
        ("select cast(:t as text) as t, cast(:n as int) is null as n", {"t": "x%s"}, {"t": "x%s", "n": True}),
        ("select 7 % 4 as m, :b as b", {"b": True}, {"m": 3, "b": True}),
        ("select '{\"a\":1}'::text ~ 'x' as m", None, {"m": False}),
        ("select jsonb '{\"a\":1}' ? 'a' as m", None, {"m": True}),
        ("select jsonb '{\"a\": 1}' ?? 'a' as m, :x as x", {"x": 3000000000}, {"m": True, "x": 3000000000}),
    ],
)
def test_parameters(make: Any, sql: str, parameters: Any, row: dict[str, Any]) -> None:
    properties = {"sql": sql, "fetchType": "FETCH_ONE"} | ({"parameters": parameters} if parameters else {})
    outputs = Query().run(make(Query, properties)).outputs
    assert outputs is not None and outputs["row"] == row


@pytest.mark.parametrize(
    ("sql", "parameters", "message"),
    [
        ("select 1 where 1 = :t", {"t": "1"}, "ERROR: operator does not exist: integer = character varying"),
        (
            "select '10:30' where true = :b",
            {"b": True},
            "The column index is out of range: 2, number of columns: 1.",
        ),
        ("select 1 where 1 = ?", {"a": 1}, "No value specified for parameter 1."),
        (
            "select :m",
            {"m": {"a": 1}},
            "Can't infer the SQL type to use for an instance of java.util.LinkedHashMap.",
        ),
    ],
)
def test_parameters_that_fail(make: Any, sql: str, parameters: Any, message: str) -> None:
    with pytest.raises(TaskError) as caught:
        Query().run(make(Query, {"sql": sql, "parameters": parameters}))
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select * from nope", 'ERROR: relation "nope" does not exist\n  Position: 15'),
        ("select frm", 'ERROR: column "frm" does not exist\n  Position: 8'),
        ("select 1/0", "ERROR: division by zero"),
        (
            "select upper(1)",
            "ERROR: function upper(integer) does not exist\n"
            "  Hint: No function matches the given name and argument types. You might need to add explicit type casts."
            "\n  Position: 8",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["NONE", "FETCH", "STORE"])
def test_errors_in_the_drivers_words(make: Any, sql: str, message: str, kind: str) -> None:
    with pytest.raises(TaskError) as caught:
        Query().run(make(Query, {"sql": sql, "fetchType": kind}))
    assert caught.value.message.replace(
        "Detail: There is no function of that name and those argument types.\n  ", ""
    ) == message or (
        "upper" in sql and caught.value.message.startswith("ERROR: function upper(integer) does not exist")
    )
    if "nope" in sql:
        assert "seed" in str(caught.value.hint)


@pytest.mark.parametrize("kind", ["FETCH", "FETCH_ONE", "STORE"])
def test_error_in_the_middle_of_the_rows(make: Any, kind: str) -> None:
    with pytest.raises(TaskError, match="division by zero"):
        Query().run(
            make(Query, {"sql": "select 1 / (5000 - x) from generate_series(1, 6000) x", "fetchType": kind})
        )


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"url": ""}, "Rendered value of `url` is blank."),
        ({"url": "jdbc:mysql://h/d"}, "URL scheme is invalid. URL should start with `jdbc:postgresql`"),
        (
            {"password": "wrong"},
            'Failed to initialize pool: FATAL: password authentication failed for user "pg_user"',
        ),
        (
            {"password": "wrong", "connectionPooling": False},
            'FATAL: password authentication failed for user "pg_user"',
        ),
        (
            {"url": "jdbc:postgresql://h/none"},
            'Failed to initialize pool: FATAL: database "none" does not exist',
        ),
        ({"timeZoneId": "Mars"}, "Unknown time-zone ID: Mars"),
    ],
)
def test_connection_errors(make: Any, properties: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError) as caught:
        Query().run(make(Query, {"sql": "select 1", **properties}))
    assert caught.value.message == message


def test_endpoint_is_asked_for_what_the_flow_says(make: Any) -> None:
    ctx = make(Query, {"sql": "select 1"})
    Query().run(ctx)
    assert ctx.endpoints.asked == [
        (
            "postgres",
            "jdbc:postgresql://db.example:5432/",
            {"user": "pg_user", "password": "pw", "database": "pg_user"},
        )
    ]


def test_cancel_ends_a_running_statement(make: Any) -> None:
    import threading

    ctx = make(Query, {"sql": "select pg_sleep(20)"})
    threading.Timer(0.3, lambda: [action() for action in ctx.cancel_actions]).start()
    with pytest.raises(TaskError):
        Query().run(ctx)


# Queries ----------------------------------------------------------------------------------------------------------


def test_queries_output_only_result_sets(make: Any) -> None:
    sql = """
    create table q (a int); -- one; two
    insert into q values (1), (2);
    select a from q order by a;
    insert into q values (3) returning a;
    drop table q;
    """
    ctx = make(Queries, {"sql": sql, "fetchType": "FETCH"})
    assert Queries().run(ctx).outputs == {
        "outputs": [
            {"row": None, "rows": [{"a": 1}, {"a": 2}], "size": 2},
            {"row": None, "rows": [{"a": 3}], "size": 1},
        ]
    }
    assert ctx.metrics == [("fetch.size", 3, "counter", {"fetch": "true", "store": "false"})]


def test_queries_fetch_one_and_none(make: Any) -> None:
    one = Queries().run(
        make(Queries, {"sql": "select 1 where false; select 2 as b", "fetchType": "FETCH_ONE"})
    )
    assert one.outputs == {"outputs": [{"row": None, "size": 1}, {"row": {"b": 2}, "size": 1}]}
    ctx = make(Queries, {"sql": "select 1"})
    assert Queries().run(ctx).outputs == {"outputs": [{"row": None}]}
    assert ctx.logger.messages("INFO") == ["fetchType is set to NONE, no output will be returned"]


@pytest.mark.parametrize(("transaction", "left"), [(True, 0), (False, 2)])
def test_queries_and_transactions(make: Any, admin: Any, transaction: bool, left: int) -> None:
    admin.execute("create table tx (a int)")
    sql = "insert into tx values (1); insert into tx values (2); insert into nope values (3); insert into tx values (4)"
    with pytest.raises(TaskError) as caught:
        Queries().run(make(Queries, {"sql": sql, "transaction": transaction}))
    assert caught.value.message == (
        'org.postgresql.util.PSQLException: ERROR: relation "nope" does not exist\n  Position: 13'
    )
    assert admin.execute("select count(*) from tx").fetchone() == (left,)


def test_queries_commit_and_bind(make: Any, admin: Any) -> None:
    admin.execute("create table bound (a int, b text)")
    Queries().run(
        make(
            Queries,
            {
                "sql": "insert into bound values (:a, :b); insert into bound values (:a, :c)",
                "parameters": {"a": 1, "b": "x"},
            },
        )
    )
    assert admin.execute("select b from bound order by b").fetchall() == [("x",), (None,)]
    with pytest.raises(TaskError, match="No value specified for parameter 1"):
        Queries().run(make(Queries, {"sql": "select jsonb '{}' ? 'a'"}))
