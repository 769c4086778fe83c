"""The type table: PostgreSQL value -> Ion text (STORE) and JSON value (FETCH), both directions of the reference."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import TaskError
from simulator.plugins.jdbc.postgresql import Query

PARIS = {"timeZoneId": "Europe/Paris"}

TABLE: list[tuple[str, str, Any]] = [
    ("32767::int2", "32767", 32767),
    ("'-9223372036854775808'::int8", "-9223372036854775808", -9223372036854775808),
    ("7::oid", "7", 7),
    ("2147483645.1234::numeric", "2147483645.1234", 2147483645.1234),
    ("5::numeric", "5.", 5),
    ("1.50::numeric", "1.50", 1.5),
    ("'NaN'::numeric", "nan", "NaN"),
    ("'-Infinity'::numeric", "-inf", "-Infinity"),
    ("3.2::float4", "3.200000047683716e0", 3.2),
    ("9223372036854775807::float8", "9.223372036854776e18", 9.223372036854776e18),
    ("2.5::float8", "2.5e0", 2.5),
    ("0::float8", "0e0", 0),
    ("'NaN'::float8", "nan", "NaN"),
    ("'Infinity'::float8", "+inf", "Infinity"),
    ("'-1234.5'::money", "-1234.5e0", -1234.5),
    ("true", "true", True),
    ("'four'::char(6)", '"four  "', "four  "),
    ("'v\u0105r \"q\"'::varchar", '"v\u0105r \\"q\\""', 'v\u0105r "q"'),
    ("'n'::name", '"n"', "n"),
    ("null::int", "null", None),
    (
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
        '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"',
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    ),
    ("date '2030-12-25'", "2030-12-25", "2030-12-25"),
    ("time '04:05:30.999'", 'LocalTime::"04:05:30"', "04:05:30"),
    ("timetz '04:05:06 PST'", 'LocalTime::"13:05:06"', "13:05:06"),
    (
        "timestamp '2004-10-19 10:23:54.999999'",
        'LocalDateTime::"2004-10-19T10:23:54.999999"',
        "2004-10-19T10:23:54.999999",
    ),
    (
        "timestamptz '2004-10-19 10:23:54.250+04'",
        'ZonedDateTime::"2004-10-19T08:23:54.25+02:00[Europe/Paris]"',
        "2004-10-19T06:23:54.25Z",
    ),
    ("interval '10 years 4 months 5 days 10 seconds'", '"P10Y4M5DT0H0M10S"', "P10Y4M5DT0H0M10S"),
    ("interval '-1 day -02:03:04.9'", '"P0Y0M-1DT-2H-3M-4S"', "P0Y0M-1DT-2H-3M-4S"),
    ("interval '0'", '"P0Y0M0DT0H0M0S"', "P0Y0M0DT0H0M0S"),
    ("'\\xDEADBEEF'::bytea", "{{3q2+7w==}}", "3q2+7w=="),
    (
        """'{"color":"red","n":[1,2.5,null]}'::json""",
        '{color:"red",n:[1,2.5e0,null]}',
        {"color": "red", "n": [1, 2.5, None]},
    ),
    ("""'{"value":"#f00"}'::jsonb""", '{value:"#f00"}', {"value": "#f00"}),
    ("to_tsvector('simple', 'dice brown')", "\"'brown':2 'dice':1\"", "'brown':2 'dice':1"),
    ("'{100,200,300}'::int[]", "[100,200,300]", [100, 200, 300]),
    ("array[array['a','b'],array['c',null]]", '[["a","b"],["c",null]]', [["a", "b"], ["c", None]]),
    ("'{2030-12-25}'::date[]", "[2030-12-25]", ["2030-12-25"]),
    ("pg_sleep(0)", "null", None),
    ("'1'::bit(1)", "true", True),
]


@pytest.mark.parametrize(("sql", "ion", "value"), TABLE, ids=[row[0] for row in TABLE])
def test_type(make: Any, sql: str, ion: str, value: Any) -> None:
    ctx = make(Query, {"sql": f"select {sql} as c", "fetchType": "STORE", **PARIS})
    outputs = Query().run(ctx).outputs
    assert outputs is not None
    assert ctx.read(outputs["uri"]).decode() == "{c:" + ion + "}\n"
    outputs = (
        Query().run(make(Query, {"sql": f"select {sql} as c", "fetchType": "FETCH_ONE", **PARIS})).outputs
    )
    assert outputs is not None
    assert outputs["row"]["c"] == value
    assert type(outputs["row"]["c"]) is type(value) or isinstance(value, (int, float))


def test_zone_is_utc_without_a_property(make: Any) -> None:
    ctx = make(Query, {"sql": "select timestamptz '2004-10-19 10:23:54+04' as c", "fetchType": "STORE"})
    outputs = Query().run(ctx).outputs
    assert outputs is not None
    assert ctx.read(outputs["uri"]) == b'{c:ZonedDateTime::"2004-10-19T06:23:54Z[UTC]"}\n'


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("'[1]'::json", "Invalid data type [json] with value [[1]]"),
        ("'5'::jsonb", "Invalid data type [jsonb] with value [5]"),
        ("'101'::bit(3)", "PGobject of type [bit] is not supported"),
        ("'101'::varbit", "PGobject of type [varbit] is not supported"),
        ("'10.0.0.1'::inet", "PGobject of type [inet] is not supported"),
        ("int4range(1, 2)", "PGobject of type [int4range] is not supported"),
        ("'a & b'::tsquery", "PGobject of type [tsquery] is not supported"),
        ("row(1, 2)", "PGobject of type [record] is not supported"),
        (
            "point(1, 2)",
            "Data of type 'class org.postgresql.geometric.PGpoint' for column 'c' is not supported, the column type is 'point'",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["FETCH", "FETCH_ONE", "STORE"])
def test_refused_types(make: Any, sql: str, message: str, kind: str) -> None:
    with pytest.raises(TaskError) as caught:
        Query().run(make(Query, {"sql": f"select {sql} as c", "fetchType": kind}))
    assert caught.value.message == message


def test_null_of_a_refused_type_is_null(make: Any) -> None:
    outputs = Query().run(make(Query, {"sql": "select null::inet as c", "fetchType": "FETCH_ONE"})).outputs
    assert outputs is not None and outputs["row"] == {"c": None}


def test_types_of_the_database(make: Any, admin: Any) -> None:
    admin.execute("drop type if exists mood, pair cascade; create extension if not exists hstore")
    admin.execute(
        "create type mood as enum ('sad', 'o k'); create type pair as (a int); create domain shortt as text"
    )
    try:
        sql = """select 'sad'::mood as e, '{sad,"o k"}'::mood[] as es, 'x'::shortt as d,
                 'foo=>bar, "a b"=>"c\\"d", n=>NULL'::hstore as h"""
        outputs = Query().run(make(Query, {"sql": sql, "fetchType": "FETCH_ONE"})).outputs
        assert outputs is not None
        # Null entries of inner maps are left out, as Jackson does.
        assert outputs["row"] == {
            "e": "sad",
            "es": ["sad", "o k"],
            "d": "x",
            "h": {"foo": "bar", "a b": 'c"d'},
        }
        with pytest.raises(TaskError) as caught:
            Query().run(make(Query, {"sql": "select row(1)::pair as c", "fetchType": "FETCH"}))
        assert caught.value.message == "PGobject of type [pair] is not supported"
    finally:
        admin.execute("drop type mood, pair cascade; drop domain shortt")


@pytest.mark.parametrize(
    "value", ["'infinity'::date", "'-infinity'::timestamptz", "'0044-03-15 BC'::timestamp"]
)
def test_dates_beyond_reach_are_named(make: Any, value: str) -> None:
    with pytest.raises(TaskError, match="is outside the years 1 to 9999"):
        Query().run(make(Query, {"sql": f"select {value} as a", "fetchType": "FETCH"}))
    assert Query().run(make(Query, {"sql": f"select ({value})::text as a", "fetchType": "FETCH_ONE"})).outputs
