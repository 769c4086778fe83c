"""Rows by columns are the rows that the general reader gives."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import StorageError
from simulator.plugins.serdes.columns import Table, iter_batches
from simulator.storage import ion


def by_columns(data: bytes) -> list[Any]:
    found: list[Any] = []
    for batch in iter_batches(io.BytesIO(data)):
        assert len(batch)
        found += batch.rows() if isinstance(batch, Table) else batch
    return found


def same(data: bytes) -> None:
    expected = list(ion.iter_rows(io.BytesIO(data)))
    found = by_columns(data)
    assert repr(found) == repr(expected)
    assert [[*map(type, row.values())] for row in found if isinstance(row, dict)] == [
        [*map(type, row.values())] for row in expected if isinstance(row, dict)
    ]


CASES = [
    b"",
    b"\n",
    b"{a:1}",
    b"{a:1}\n{a:2}\n{a:3}",
    b"\xef\xbb\xbf{a:1}\n",
    b'{"a": 1, "b": "x"}\n{"a": -2, "b": ""}\n',
    b'{a:"x\\"y"}\n{a:"z"}\n',
    b"{a:1}\n\n{a:2}\n",
    b"{a:1} {a:2}\n{a:3}\n",
    b"{a:1,\nb:2}\n{a:3,b:4}\n",
    b"[\n{a:1},\n{a:2}\n]\n",
    b"{a:1.5}\n{a:2.25}\n",
    b"{a:1.5e0}\n{a:-2e3}\n{a:nan}\n{a:+inf}\n",
    b"{a:1.50}\n{a:2}\n{a:3e0}\n",
    b"{a:007}\n{a:0x1F}\n{a:1_000}\n",
    b"{a:12345678901234567890123}\n{a:1}\n",
    b'{a:null,b:"x"}\n{a:"y",b:null}\n',
    b"{a:null.int,b:true}\n{a:1,b:false}\n",
    b'{a:LocalDateTime::"2021-05-05T12:21:00"}\n{a:LocalTime::"12:21"}\n',
    b"{a:2021-05-05T}\n{a:2021-05-05T10:21:12.123Z}\n{a:word}\n",
    b"{a:1,b:2}\n{b:1,a:2}\n{a:1}\n",
    b"{a:{{aGVsbG8=}}}\n{a:[1,2]}\n",
    b"[1,2]\n[3,4]\n",
    b'{a:"\xff"}\n',
]


@pytest.mark.parametrize("data", CASES)
def test_as_the_general_reader(data: bytes) -> None:
    same(data)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.dates(), st.decimals(-9, 9)
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(["a", "b", "c d"]), VALUES, max_size=3), max_size=8),
    st.booleans(),
)
def test_as_the_general_reader_for_whatever_is_written(rows: list[dict[str, Any]], binary: bool) -> None:
    target = io.BytesIO()
    with ion.writer(target, binary=binary) as writer:
        writer.write_all(rows)
    same(target.getvalue())


def test_many_blocks_with_an_odd_row_between() -> None:
    lines = [b'{id:%d,name:"Name %d",amount:%d.25e0}\n' % (i, i, i) for i in range(40_000)]
    lines[20_000] = b'{id:20000,name:"with \\"quotes\\"",amount:1e0}\n'
    data = b"".join(lines)
    same(data)
    tables = [batch for batch in iter_batches(io.BytesIO(data)) if isinstance(batch, Table)]
    assert sum(map(len, tables)) > 20_000


def test_broken_data_fails_after_the_rows_before_it() -> None:
    batches = iter_batches(io.BytesIO(b"{a:1}\n{a:2}\n{a:]\n"))
    with pytest.raises(StorageError, match="Invalid Ion text"):
        list(batches)


def binary(rows: list[Any]) -> bytes:
    target = io.BytesIO()
    with ion.writer(target, binary=True) as writer:
        writer.write_all(rows)
    return target.getvalue()


WIDE = {
    "i": 1,
    "negative": -7,
    "text": "Name",
    "long": "x" * 100,
    "float": 1.5,
    "none": None,
    "flag": True,
    "decimal": Decimal("1.50"),
    "day": dt.date(2021, 5, 5),
    "moment": dt.datetime(2021, 5, 5, 12, 21),
    "time": dt.time(12, 21),
    "bytes": b"abc",
}


def test_binary_rows_of_all_kinds() -> None:
    rows = [
        {**WIDE, "i": i, "text": f"Näme {i}", "float": i / 3, "none": "x" if i % 7 == 0 else None}
        for i in range(8000)
    ]
    data = binary(rows)
    same(data)
    assert sum(len(b) for b in iter_batches(io.BytesIO(data)) if isinstance(b, Table)) > 5000


def test_binary_rows_of_other_shapes_between() -> None:
    rows: list[Any] = [{"a": i, "b": f"text {i}"} for i in range(40_000)]
    rows[20_000:20_000] = [
        {"b": "only"},
        {"a": [1, 2], "b": {"c": 1}},
        {"a": 1, "b": "y" * 5000},
        [1, 2],
        "word",
    ]
    rows[0:0] = [{"b": "first", "a": 0}]
    same(binary(rows))
    same(binary([{f"k{i % 50}": i, "b": "z" * 30} for i in range(9000)]))
    same(binary([{"a": "x" * 400, "b": i} for i in range(2000)]))


def test_a_binary_row_with_a_field_more_is_not_cut_short() -> None:
    """Its beginning looks like the rows before it."""
    rows: list[Any] = [{"a": i, "b": "text of some length"} for i in range(20_000)]
    rows[15_000] = {"a": 1, "b": "two", "c": 3}
    same(binary(rows))


def test_cut_binary_data_fails() -> None:
    data = binary([{"a": i, "b": "text of some length"} for i in range(20_000)])
    with pytest.raises(StorageError, match="cut"):
        by_columns(data[:-3])
