"""CopyIn and CopyOut."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import TaskError
from simulator.plugins.jdbc.copy import CopyIn, CopyOut, copy_options


def test_in_and_out(make: Any, admin: Any) -> None:
    admin.execute("create table copies (id int, name text)")
    ctx = make(
        CopyIn,
        {"table": "copies", "columns": ["id", "name"], "format": "CSV", "header": True, "delimiter": ";"},
    )
    ctx.properties["from"] = ctx.store('id;name\n1;"a;b"\n2;\n', "in.csv")
    assert CopyIn().run(ctx).outputs == {"rowCount": 2}
    assert ctx.metrics == [("rows", 2, "counter", {})]
    out = make(
        CopyOut,
        {"sql": "select * from {{ inputs.table }} order by id", "format": "CSV", "header": True},
        variables={"inputs": {"table": "copies"}},
    )
    outputs = CopyOut().run(out).outputs
    assert outputs is not None and outputs["rowCount"] == 2
    assert outputs["uri"].endswith("/copy-out")
    assert out.read(outputs["uri"]) == b"id,name\n1,a;b\n2,\n"
    table = make(CopyOut, {"table": "copies"})
    outputs = CopyOut().run(table).outputs
    assert outputs is not None
    assert table.read(outputs["uri"]) == b"1\ta;b\n2\t\\N\n"


def test_binary_goes_both_ways(make: Any, admin: Any) -> None:
    admin.execute("create table bin (a int); insert into bin select * from generate_series(1, 1000)")
    out = make(CopyOut, {"table": "bin", "format": "BINARY"})
    outputs = CopyOut().run(out).outputs
    assert outputs is not None
    ctx = make(CopyIn, {"table": "bin", "format": "BINARY", "from": outputs["uri"]})
    assert CopyIn().run(ctx).outputs == {"rowCount": 1000}
    assert admin.execute("select count(*), sum(a) from bin").fetchone() == (2000, 1001000)


def test_options_in_order(make: Any) -> None:
    properties = {
        "format": "CSV", "oids": True, "freeze": True, "delimiter": "|", "nullString": "-", "header": False, "quote": '"',
        "escape": "!", "forceQuote": ["a", "b"], "forceNotNull": ["c"], "forceNull": ["d"], "encoding": "UTF8",
    }  # fmt: skip
    assert copy_options(make(CopyIn, properties)) == (
        " WITH (FORMAT CSV, OIDS, FREEZE, DELIMITER '|', NULL '-', HEADER FALSE, QUOTE '\"', ESCAPE '!', "
        "FORCE_QUOTE (a, b), FORCE_NOT_NULL (c), FORCE_NULL (d), ENCODING 'UTF8')"
    )
    assert copy_options(make(CopyIn, {"forceQuote": ["*"]})) == " WITH (FORCE_QUOTE *)"
    assert copy_options(make(CopyIn, {})) == ""


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"table": "nope"}, 'ERROR: relation "nope" does not exist'),
        ({}, 'ERROR: syntax error at or near "null"\n  Position: 6'),
    ],
)
def test_errors(make: Any, properties: dict[str, Any], message: str) -> None:
    ctx = make(CopyIn, properties)
    ctx.properties["from"] = ctx.store("1\n")
    with pytest.raises(TaskError) as caught:
        CopyIn().run(ctx)
    assert caught.value.message == message


def test_bad_data_loads_nothing(make: Any, admin: Any) -> None:
    admin.execute("create table strict (a int)")
    ctx = make(CopyIn, {"table": "strict"})
    ctx.properties["from"] = ctx.store("1\nx\n")
    with pytest.raises(
        TaskError, match='invalid input syntax for type integer: "x"\n  Where: COPY strict, line 2'
    ):
        CopyIn().run(ctx)
    assert admin.execute("select count(*) from strict").fetchone() == (0,)
