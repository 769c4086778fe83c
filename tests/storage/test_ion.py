"""Ion: Kestra's text forms and reading quirks, binary against amazon.ion, the fast way against the plain one."""

import contextlib
import datetime as dt
import io
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import StorageError
from simulator.storage import ion
from simulator.values import Instant, OffsetDateTime

PARIS = dt.timezone(dt.timedelta(hours=1))

TEXT = [
    ({"key": "v", "n": 1}, '{key:"v",n:1}'),
    (
        {"my key": 1, "null": 2, "$10": 3, "a-b": 4, "": 5, "it's": 6},
        "{'my key':1,'null':2,'$10':3,'a-b':4,'':5,'it\\'s':6}",
    ),
    (["string", 1, 1.1230000257492065], '["string",1,1.1230000257492065e0]'),
    ('a"b\\c\nd\te\x01é\x7f', '"a\\"b\\\\c\\nd\\te\\x01é\\x7f"'),
    (2**70, "1180591620717411303424"),
    (1.1, "1.1e0"),
    (2.0, "2e0"),
    (0.0, "0e0"),
    (1e7, "1.0e7"),
    (1.5e-5, "1.5e-5"),
    (float("inf"), "+inf"),
    (Decimal("1.20"), "1.20"),
    (Decimal("5"), "5."),
    (Decimal("12E9"), "12d9"),
    (Decimal("-0.00001"), "-0.00001"),
    (Decimal("1E-12"), "1d-12"),
    (True, "true"),
    (None, "null"),
    ({"nullable": None}, "{nullable:null}"),
    (b"ab", "{{YWI=}}"),
    (Instant(2008, 12, 25, 15, 30, 0, 123456, dt.UTC), "2008-12-25T15:30:00.123Z"),
    (Instant(2008, 12, 25, 15, 30, 0, 0, dt.UTC), "2008-12-25T15:30:00.000Z"),
    (dt.date(2008, 12, 25), "2008-12-25"),
    (dt.datetime(2008, 12, 25, 15, 30, 0, 123000), 'LocalDateTime::"2008-12-25T15:30:00.123"'),
    (
        OffsetDateTime(2008, 12, 25, 15, 30, 0, 123000, PARIS),
        'OffsetDateTime::"2008-12-25T15:30:00.123+01:00"',
    ),
    (dt.datetime(2008, 12, 25, 15, 30, 0, 123000, PARIS), 'ZonedDateTime::"2008-12-25T15:30:00.123+01:00"'),
    (
        dt.datetime(2008, 12, 25, 15, 30, tzinfo=ZoneInfo("Europe/Paris")),
        'ZonedDateTime::"2008-12-25T15:30:00+01:00[Europe/Paris]"',
    ),
    (dt.time(15, 30, 0, 123456), 'LocalTime::"15:30:00.123456"'),
    (dt.time(15, 30, tzinfo=PARIS), 'OffsetTime::"15:30:00+01:00"'),
    (dt.timedelta(seconds=5), "5.000000000"),
]


@pytest.mark.parametrize(("value", "text"), TEXT, ids=[text for _, text in TEXT])
def test_text_forms(value: Any, text: str) -> None:
    assert ion.dumps(value) == text
    [back] = ion.loads(text)
    if isinstance(value, dt.timedelta):
        assert back == Decimal(5)
    elif isinstance(value, Instant):
        assert back == value.replace(microsecond=value.microsecond // 1000 * 1000)
        assert type(back) is Instant
    else:
        assert back == value
        assert type(back) is type(value)


@pytest.mark.parametrize("value", [value for value, _ in TEXT], ids=[text for _, text in TEXT])
def test_binary_gives_what_text_gives(value: Any) -> None:
    [from_text] = ion.loads(ion.dumps(value))
    data = ion.dump_row({"v": value}, binary=True)
    assert data[:4] == b"\xe0\x01\x00\xea"
    assert ion.loads(data) == [{"v": from_text}]


def test_amazon_ion_reads_our_binary_and_text() -> None:
    from amazon.ion import simpleion

    row = {
        "i": -300,
        "big": 2**80,
        "f": 1.5,
        "d": Decimal("-1.20"),
        "s": "x" * 300 + "é",
        "l": [1, {"x y": "z"}],
        "b": b"ab",
        "t": True,
    }
    for data in (ion.dump_row(row, binary=True), ion.dump_row(row, binary=False)):
        assert simpleion.loads(data if data[0] == 0xE0 else data.decode()) == row


def test_we_read_amazon_ion() -> None:
    from amazon.ion import simpleion
    from amazon.ion.simple_types import IonPySymbol  # noqa: F401 - must exist for the next line's values

    row = {
        "i": -300,
        "d": Decimal("1E+3"),
        "s": "x",
        "l": [[], {}, None],
        "when": dt.datetime(2020, 5, 6, 7, 8, tzinfo=PARIS),
    }
    for binary in (True, False):
        data = simpleion.dumps([row, row], binary=binary, sequence_as_stream=True)
        assert ion.loads(data) == [row, row]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2013-09-08T00:00:00.000Z", dt.date(2013, 9, 8)),
        ("2013-09-08T00:00-00:00", dt.date(2013, 9, 8)),
        ("2013-09-08", dt.date(2013, 9, 8)),
        ("2013T", dt.date(2013, 1, 1)),
        ("2013-09-08T10:00:00+02:00", dt.datetime(2013, 9, 8, 10, tzinfo=dt.timezone(dt.timedelta(hours=2)))),
        ("2013-09-08T00:00:00+02:00", dt.datetime(2013, 9, 8, tzinfo=dt.timezone(dt.timedelta(hours=2)))),
        ('LocalDate::"2013-09-08"', dt.date(2013, 9, 8)),
        ('other::"x"', "x"),
        ("a::b::1", 1),
        ("symbol", "symbol"),
        ("'quoted symbol'", "quoted symbol"),
        ("'''long ''' /* c */ '''string'''", "long string"),
        ("0xFF", 255),
        ("1_000", 1000),
        ("1e3", 1000.0),
        ("1d3", Decimal("1E+3")),
        ("95.5", Decimal("95.5")),
        ("null.string", None),
        ("(a + 1)", None),
        ('{{"clob"}}', b"clob"),
        ('"\\ud83d\\ude00\\u00e9\\/"', "😀é/"),
        ("// comment\n1", 1),
        ('{"json":[1,2.5,{"a":null}]}', {"json": [1, Decimal("2.5"), {"a": None}]}),
        ("[1,\n 2,\n 3,]", [1, 2, 3]),
    ],
)
def test_reading(text: str, value: Any) -> None:
    if text == "(a + 1)":
        with pytest.raises(StorageError, match="Invalid Ion text"):
            ion.loads(text)
        return
    [back] = ion.loads(text)
    assert back == value
    assert type(back) is type(value)


def test_values_over_several_lines_and_several_in_one() -> None:
    text = '$ion_1_0 {a:1} {a:2}\n{\n  a: 3,\n  b: "x\\n"\n}\n\n"end"\n12'
    assert ion.loads(text) == [{"a": 1}, {"a": 2}, {"a": 3, "b": "x\n"}, "end", 12]
    assert ion.loads("") == ion.loads("\n \n") == []


@pytest.mark.parametrize(
    "data",
    [
        "{a:",
        "{a 1}",
        '"open',
        "[1",
        "}",
        "{{YWI",
        "2013-13-45T00:00:00Z",
        'LocalDate::"x"',
        '"\\q"',
        "{a:1",
        "'x",
    ],
)
def test_broken_text_is_a_storage_error(data: str) -> None:
    with pytest.raises(StorageError, match="Invalid Ion"):
        ion.loads(data)


@pytest.mark.parametrize("cut", range(5, 40, 3))
def test_cut_binary_is_a_storage_error(cut: int) -> None:
    data = ion.dump_row({"name": "x" * 20, "n": 1}, binary=True)
    with pytest.raises(StorageError):
        ion.loads(data[:cut])


def test_deep_nesting_is_refused_not_a_crash() -> None:
    with pytest.raises(StorageError, match="nested deeper"):
        ion.loads("[" * 5000 + "]" * 5000)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_give_values_or_a_storage_error(data: bytes) -> None:
    for candidate in (data, b"\xe0\x01\x00\xea" + data):
        with contextlib.suppress(StorageError):
            ion.loads(candidate)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(max_size=20),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(dt.date(1000, 1, 1)),
    st.datetimes(dt.datetime(1000, 1, 1)),
    st.times(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_round_trips(value: Any) -> None:
    assert ion.loads(ion.dumps(value)) == [value]
    assert ion.loads(ion.dump_row({"v": value}, binary=True)) == [{"v": value}]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(VALUES, SCALARS, st.text(max_size=5), st.integers()), max_size=8), st.booleans())
def test_the_fast_writer_gives_the_plain_bytes(rows: list[tuple[Any, ...]], binary: bool) -> None:
    columns = ("id", "a b%d", "c", "d")
    out = io.BytesIO()
    with ion.writer(out, binary=binary) as writer:
        writer.write_rows(columns, rows)
    plain = b"".join(ion.dump_row(dict(zip(columns, row)), binary=binary) for row in rows)
    assert out.getvalue() == plain
    assert writer.count == len(rows)
    again = io.BytesIO()
    with ion.writer(again, binary=binary) as writer:
        for row in rows:
            writer.write(dict(zip(columns, row)))
        writer.write(None)
    assert again.getvalue() == plain


_COLUMNS = st.one_of(
    st.just(st.text(max_size=20)),
    st.just(
        st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\\\'), max_size=30)
    ),
    st.just(st.integers(0, 70_000)),
    st.just(st.integers(0, 2**16 - 1)),
    st.just(st.integers(2**16, 2**32 - 1)),
    st.just(st.integers(-(2**65), 2**65)),
    st.just(st.one_of(st.none(), st.text(max_size=20))),
    st.just(st.floats(allow_nan=False)),
    st.just(st.booleans()),
)
_NAMES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), unique=True, max_size=4)


_EDGES = [0, 1, *(2**bits + more for bits in (8, 16, 24, 32, 40, 48, 56, 63, 64) for more in (-1, 0))]


def _raw(value: Any) -> bytes | None:
    return None if value is None else str(value).encode("utf-8", "replace")


@settings(max_examples=200, deadline=None)
@given(st.data(), _NAMES, st.lists(st.integers(1, 6), min_size=1, max_size=3), st.booleans())
def test_columns_of_one_kind_under_any_name(
    data: st.DataObject, names: list[str], counts: list[int], binary: bool
) -> None:
    """One writer for several batches: nothing of one may show in the next."""
    kinds = [data.draw(_COLUMNS) for _ in names]
    out = io.BytesIO()
    expected = b""
    with ion.writer(out, binary=binary) as writer:
        for count in counts:
            rows = [tuple(data.draw(kind) for kind in kinds) for _ in range(count)]
            writer.write_rows(names, rows)
            expected += b"".join(ion.dump_row(dict(zip(names, row)), binary=binary) for row in rows)
    assert out.getvalue() == expected


_RAW_COLUMNS = st.sampled_from(
    [
        (ion.TEXT, st.text(st.characters(exclude_categories=["Cs"]), max_size=200)),
        (ion.TEXT, st.text(st.characters(min_codepoint=35, max_codepoint=91), max_size=20)),
        (ion.TEXT, st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))),
        (ion.DIGITS, st.integers(-(2**65), 2**65)),
        (ion.DIGITS, st.one_of(st.none(), st.integers(0, 300))),
        (None, st.sampled_from(_EDGES)),
        (ion.INTEGERS, st.sampled_from(_EDGES)),
        (ion.INTEGERS, st.one_of(st.none(), st.integers(-(2**65), 2**65))),
        (None, st.integers(1, 5)),
        (None, st.one_of(st.booleans(), st.floats(allow_nan=False), st.text(max_size=5), st.integers())),
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.lists(_RAW_COLUMNS, min_size=1, max_size=4), st.lists(st.integers(1, 6), max_size=3))
@pytest.mark.parametrize("binary", [False, True])
def test_cells_as_they_came_give_the_bytes_of_their_values(
    binary: bool, data: st.DataObject, columns: list[tuple[str | None, Any]], counts: list[int]
) -> None:
    names = [f"c{index}" for index in range(len(columns))]
    kinds = [kind for kind, _ in columns]
    out = io.BytesIO()
    expected = b""
    with ion.writer(out, binary=binary) as writer:
        for count in counts:
            rows = [tuple(data.draw(values) for _, values in columns) for _ in range(count)]
            raw = [
                tuple(_raw(v) if kind in (ion.TEXT, ion.DIGITS) else v for v, kind in zip(row, kinds))
                for row in rows
            ]
            writer.write_rows(names, raw, kinds)
            expected += b"".join(ion.dump_row(dict(zip(names, row)), binary=binary) for row in rows)
    assert out.getvalue() == expected


@pytest.mark.parametrize("binary", [False, True])
def test_texts_where_the_length_of_their_length_changes(binary: bool) -> None:
    """Alone, beside short ones, and in more columns than two bytes a sum would hold."""
    sizes = [0, 13, 14, 126, 127, 128, 129, 250, 251, 252, 253, 254, 255, 256, 16382, 16383, 16384]
    for names in (["a"], ["a", "b"], [f"c{index}" for index in range(300)]):
        out = io.BytesIO()
        rows = [tuple("x" * size for _ in names) for size in (sizes if len(names) < 300 else [200, 250, 253])]
        with ion.writer(out, binary=binary) as writer:
            writer.write_rows(names, [tuple(map(str.encode, row)) for row in rows], [ion.TEXT] * len(names))
            for row in rows:
                writer.write_rows(names, [row])
        each = [ion.dump_row(dict(zip(names, row)), binary=binary) for row in rows]
        assert out.getvalue() == b"".join(each + each)


@pytest.mark.parametrize("width", range(1, 9))
def test_whole_numbers_of_one_width(width: int) -> None:
    low, high = 1 << 8 * (width - 1), (1 << 8 * width) - 1
    for values in ([low, high], [low, high, low - 1], [high, 0], [high], [high, -1], [high, high + 1]):
        out = io.BytesIO()
        with ion.writer(out, binary=True) as writer:
            writer.write_rows(["n"], [(value,) for value in values])
        assert out.getvalue() == b"".join(ion.dump_row({"n": value}, binary=True) for value in values)


@pytest.mark.parametrize(
    "name", ["{v0}", "{{", "}", "'", '"', "\\", "\\N{DIGIT ONE}", "\n", "{__import__('os')}"]
)
@pytest.mark.parametrize("binary", [False, True])
def test_a_name_is_no_code(name: str, binary: bool) -> None:
    out = io.BytesIO()
    with ion.writer(out, binary=binary) as writer:
        writer.write_rows([name, "b"], [(1, "x")])
    assert out.getvalue() == ion.dump_row({name: 1, "b": "x"}, binary=binary)


def test_mixed_rows_keep_their_order() -> None:
    for binary in (False, True):
        out = io.BytesIO()
        with ion.writer(out, binary=binary) as writer:
            writer.write_all([{"a": 1}, {"b": 2}, "text", [1], {"a": 3}, {}])
        assert ion.loads(out.getvalue()) == [{"a": 1}, {"b": 2}, "text", [1], {"a": 3}, {}]


def test_streaming_reads_across_buffers() -> None:
    rows = [{"id": i, "name": "n" * (i % 50), "x": None, "d": dt.date(2024, 1, 1)} for i in range(20_000)]
    for binary in (False, True):
        out = io.BytesIO()
        with ion.writer(out, binary=binary) as writer:
            writer.write_all(rows)
        out.seek(0)
        assert all(a == b for a, b in zip(ion.iter_rows(out), rows, strict=True))
        assert not out.closed


def test_one_stream_of_many_values_with_one_symbol_table() -> None:
    from amazon.ion import simpleion

    rows = [{"id": i, "name": "x"} for i in range(50_000)]
    data = simpleion.dumps(rows, binary=True, sequence_as_stream=True)
    assert ion.loads(data) == rows


def test_lone_surrogates_do_not_break_a_write() -> None:
    assert ion.dump_row({"a": "\ud800"}, binary=False) == b'{a:"?"}\n'
    assert ion.loads(ion.dump_row({"a": "\ud800"}, binary=True)) == [{"a": "?"}]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"id": SCALARS, "name_1": SCALARS, "z": VALUES}), min_size=2, max_size=6)
)
def test_rows_read_by_their_shape_are_those_that_the_parser_reads(rows: list[dict[str, Any]]) -> None:
    text = "".join(ion.dumps(row) + "\n" for row in rows)
    assert ion.loads(text) == rows
    # On one line there is no shape.
    assert ion.loads(text.replace("\n", " ")) == rows


def test_json_lines_and_mixed_shapes() -> None:
    text = '{"id": 1, "n": "a"}\n{"id": 2, "n": "b\\n"}\n{"id": 3, "n": null}\n{"id": -4, "n": 2.50}\n{id:5}\n{id:x y}\n'
    with pytest.raises(StorageError):
        ion.loads(text)
    assert ion.loads(text.rsplit("\n", 2)[0]) == [
        {"id": 1, "n": "a"},
        {"id": 2, "n": "b\n"},
        {"id": 3, "n": None},
        {"id": -4, "n": Decimal("2.50")},
        {"id": 5},
    ]


def test_records_stand_alone() -> None:
    from amazon.ion import simpleion

    rows = [{"id": i, "n": f"x{i}", "t": [{"deep": None}]} for i in range(2000)]
    ours = b"".join(ion.dump_row(row, binary=True) for row in rows)
    theirs = simpleion.dumps(rows, binary=True, sequence_as_stream=True)
    for data in (ours, theirs):
        for decode in (True, False):
            found = list(ion.iter_records(io.BytesIO(data), decode=decode))
            assert [ion.load(raw) for _, raw in found] == rows
            assert [row for row, _ in found] == (rows if decode else [None] * len(rows))
    assert [raw for _, raw in ion.iter_records(io.BytesIO(ours))] == [
        ion.dump_row(row, binary=True) for row in rows
    ]


def test_symbol_tables_that_add_to_the_one_before() -> None:
    # $ion_symbol_table::{imports:$ion_symbol_table,symbols:["b"]} after a table with "a"
    marker = b"\xe0\x01\x00\xea"
    first = bytes.fromhex("e78183d487b28161")
    second = bytes.fromhex("ea8183d786710387b28162")
    row = bytes.fromhex("d68a21018b2102")
    data = marker + first + bytes.fromhex("d38a2105") + second + row
    assert ion.loads(data) == [{"a": 5}, {"a": 1, "b": 2}]
    assert [ion.load(raw) for _, raw in ion.iter_records(io.BytesIO(data))] == [{"a": 5}, {"a": 1, "b": 2}]


def test_values_by_line() -> None:
    lines = ["{a:1}", "{a:2}", "// nothing", '{"a": 3} {a:4}', "{b:5}"]
    assert list(ion.iter_line_values(lines)) == [
        ({"a": 1}, "{a:1}"),
        ({"a": 2}, "{a:2}"),
        ({"a": 3}, '{"a": 3} {a:4}'),
        ({"b": 5}, "{b:5}"),
    ]
    with pytest.raises(StorageError):
        list(ion.iter_line_values(["{a:1}", "{a:"]))
