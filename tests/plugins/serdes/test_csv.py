"""CSV to Ion and back: the tables of the reference, one assertion each."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from simulator.dialect import V1, V2
from simulator.errors import TaskError
from simulator.plugins.serdes.csv import CsvToIon, IonToCsv
from simulator.storage import ion
from simulator.values import Instant, OffsetDateTime
from tests.plugins.fake_context import FakeContext


def to_ion(
    tmp_path: Path, text: str | bytes, dialect: Any = V2, **properties: Any
) -> tuple[list[Any], FakeContext]:
    ctx = FakeContext(tmp_path, spec=CsvToIon.spec, dialect=dialect)
    ctx.properties |= {"from": ctx.store(text, "in.csv"), **properties}
    outputs = CsvToIon().run(ctx).outputs
    assert outputs is not None
    with ctx.open_uri(outputs["uri"]) as stream:
        rows = list(ion.iter_rows(stream))
    assert outputs["size"] == len(rows)
    assert ("records", len(rows), "counter", {}) in ctx.metrics
    return rows, ctx


def to_csv(tmp_path: Path, rows: list[Any], **properties: Any) -> str:
    ctx = FakeContext(tmp_path, spec=IonToCsv.spec)
    data = b"".join(ion.dump_row(row, binary=True) for row in rows)
    ctx.properties |= {"from": ctx.store(data), **properties}
    outputs = IonToCsv().run(ctx).outputs
    assert outputs is not None
    assert outputs["uri"].endswith(".csv")
    assert outputs["size"] == len(rows)
    return ctx.read(outputs["uri"]).decode()


def test_values_stay_text(tmp_path: Path) -> None:
    rows, ctx = to_ion(tmp_path, 'id,name,note\r\n1,"Ada, ""L""",\r\n2,Bob,""\n')
    assert rows == [{"id": "1", "name": 'Ada, "L"', "note": ""}, {"id": "2", "name": "Bob", "note": ""}]
    assert ctx.logger.messages("WARN") == []


def test_the_1_x_file_is_text(tmp_path: Path) -> None:
    rows, ctx = to_ion(tmp_path, "policyID,statecode\n119736,FL\n", V1)
    assert rows == [{"policyID": "119736", "statecode": "FL"}]
    uri = next(info.uri for info in ctx.storage.list("kestra:///company") if info.uri.endswith(".ion"))
    assert ctx.read(uri) == b'{policyID:"119736",statecode:"FL"}\n'


def test_backslash_n_is_null(tmp_path: Path) -> None:
    assert to_ion(tmp_path, "a,b\n\\N,x\n")[0] == [{"a": None, "b": "x"}]


def test_without_header_rows_are_lists_of_any_length(tmp_path: Path) -> None:
    rows, _ = to_ion(tmp_path, "a,b\n1\n1,2,3\n", header=False)
    assert rows == [["a", "b"], ["1"], ["1", "2", "3"]]


def test_separator_delimiter_and_newlines_in_quotes(tmp_path: Path) -> None:
    rows, _ = to_ion(tmp_path, "a;b\n'x;1\ny';z\n", fieldSeparator=";", textDelimiter="'")
    assert rows == [{"a": "x;1\ny", "b": "z"}]


def test_skip_rows_counts_after_the_header(tmp_path: Path) -> None:
    assert to_ion(tmp_path, "a\n1\n2\n3\n", skipRows=2)[0] == [{"a": "3"}]
    assert to_ion(tmp_path, "a\n1\n2\n", skipRows=1, header=False)[0] == [["1"], ["2"]]
    assert to_ion(tmp_path, "a\n" + "1\n" * 2500, skipRows=2300)[0] == [{"a": "1"}] * 200


def test_bom_and_charset(tmp_path: Path) -> None:
    assert to_ion(tmp_path, b"\xef\xbb\xbfa\nx\n")[0] == [{"a": "x"}]
    assert to_ion(tmp_path, "a\né\n".encode("latin-1"), charset="ISO-8859-1")[0] == [{"a": "é"}]
    with pytest.raises(TaskError, match="^nonsense$"):
        to_ion(tmp_path, "a\n", charset="nonsense")


def test_carriage_return_alone_ends_a_line(tmp_path: Path) -> None:
    assert to_ion(tmp_path, "a,b\r1,2\r")[0] == [{"a": "1", "b": "2"}]


MISMATCH = "Bad line encountered (field count mismatch): Expected 3, got 2 fields."


def test_bad_lines(tmp_path: Path) -> None:
    text = "a,b,c\n1,2,3\n1,2\n4,5,6\n"
    with pytest.raises(TaskError) as caught:
        to_ion(tmp_path, text)
    assert caught.value.message == MISMATCH
    rows, ctx = to_ion(tmp_path, text, onBadLines="WARN")
    assert [row["a"] for row in rows] == ["1", "4"]
    assert ctx.logger.messages("WARN") == [MISMATCH]
    rows, ctx = to_ion(tmp_path, text, onBadLines="SKIP")
    assert len(rows) == 2
    assert ctx.logger.messages("WARN") == []


def test_an_empty_line_counts_as_one_field(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="Expected 2, got 1 fields"):
        to_ion(tmp_path, "a,b\n1,2\n\n3,4\n")
    assert len(to_ion(tmp_path, "a,b\n1,2\n\n3,4\n", skipEmptyRows=True)[0]) == 2
    assert to_ion(tmp_path, "a\n\n1\n")[0] == [{"a": ""}, {"a": "1"}]


def test_a_leading_blank_line_is_no_header(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="Expected 0, got 2 fields"):
        to_ion(tmp_path, "\na,b\n1,2\n", skipEmptyRows=True)


def test_parse_errors(tmp_path: Path) -> None:
    text = 'a,b\n1,2\n"x"y,3\n4,5\n'
    with pytest.raises(TaskError, match="record that started in line 3"):
        to_ion(tmp_path, text)
    rows, ctx = to_ion(tmp_path, text, onBadLines="WARN")
    assert rows == [{"a": "1", "b": "2"}]
    assert ctx.logger.messages("WARN")[0].startswith("Bad line encountered (skipped): ")
    assert to_ion(tmp_path, text, onBadLines="SKIP")[1].logger.messages("WARN") == []
    rows, _ = to_ion(tmp_path, text, allowExtraCharsAfterClosingQuote=True)
    assert rows[1] == {"a": "xy", "b": "3"}
    with pytest.raises(TaskError, match="line 2"):
        to_ion(tmp_path, 'a\n"open\n')


def test_large_fields(tmp_path: Path) -> None:
    assert to_ion(tmp_path, f"a\n{'x' * 200_000}\n")[0][0]["a"] == "x" * 200_000
    with pytest.raises(TaskError, match="Maximum field size"):
        to_ion(tmp_path, f"a\n{'x' * 200}\n", maxFieldSize=100)
    with pytest.raises(TaskError, match="Maximum field size"):
        to_ion(tmp_path, f"{'x' * 200}\n", maxFieldSize=100, header=False)
    rows, ctx = to_ion(tmp_path, f"a\n1\n{'x' * 200}\n2\n", maxFieldSize=100, onBadLines="WARN")
    assert rows == [{"a": "1"}]
    assert ctx.logger.messages("WARN")[0].startswith("Bad line encountered (skipped): Maximum field size")


def test_headers(tmp_path: Path) -> None:
    rows, ctx = to_ion(tmp_path, "a,b,a\n1,2,3\n")
    assert rows == [{"a": "3", "b": "2"}]
    assert len(ctx.logger.messages("WARN")) == 1
    rows, ctx = to_ion(tmp_path, "a,,\n1,2,3\n")
    assert rows == [{"a": "1"}]
    assert ctx.logger.messages("WARN") == [
        "Dropped 2 trailing unnamed header column(s); their values are not emitted. "
        "Set onEmptyHeader=RENAME to keep them."
    ]
    rows, _ = to_ion(tmp_path, "col_1,,\n1,2,3\n", onEmptyHeader="RENAME")
    assert rows == [{"col_1": "1", "col_1_2": "2", "col_2": "3"}]
    assert to_ion(tmp_path, " a ,b\n1,2\n")[0] == [{" a ": "1", "b": "2"}]


def test_empty_files(tmp_path: Path) -> None:
    assert to_ion(tmp_path, "")[0] == []
    assert to_ion(tmp_path, "a,b\n")[0] == []
    assert to_csv(tmp_path, []) == ""


def test_to_csv(tmp_path: Path) -> None:
    assert to_csv(tmp_path, [{"id": 1, "name": "Ada"}, {"id": 2, "name": None}]) == "id,name\n1,Ada\n2,\n"
    assert to_csv(tmp_path, [{"a": 1}], header=False) == "1\n"
    assert to_csv(tmp_path, [{"a": 1, "b": 2}], fieldSeparator=";", lineDelimiter="\r\n") == "a;b\r\n1;2\r\n"


def test_missing_keys_shift_columns(tmp_path: Path) -> None:
    assert to_csv(tmp_path, [{"a": 1, "b": 2}, {"b": 3}]) == "a,b\n1,2\n3\n"


def test_lists(tmp_path: Path) -> None:
    assert to_csv(tmp_path, [["x", 1], ["y", 2]], header=False) == "x,1\ny,2\n"
    with pytest.raises(TaskError, match="^Invalid data of type List with header$"):
        to_csv(tmp_path, [["x", 1], ["y", 2]])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a,b", '"a,b"'),
        ('say "hi"', '"say ""hi"""'),
        ("two\nlines", '"two\nlines"'),
        ("cr\rhere", '"cr\rhere"'),
        ("#hash", '"#hash"'),
        ("not # first", "not # first"),
        (" blank ", " blank "),
        ("", ""),
        (None, ""),
    ],
)
def test_quoting_where_required(tmp_path: Path, value: Any, text: str) -> None:
    assert to_csv(tmp_path, [{"k": value}], header=False) == f"{text}\n"


def test_quote_modes(tmp_path: Path) -> None:
    row = {"a": "x", "b": None, "c": 1, "d": "-1.5", "e": "1.", "f": ""}
    assert to_csv(tmp_path, [row], header=False, quoteMode="ALWAYS") == '"x","","1","-1.5","1.",""\n'
    assert to_csv(tmp_path, [row], header=False, alwaysDelimitText=True) == '"x","","1","-1.5","1.",""\n'
    assert to_csv(tmp_path, [row], header=False, quoteMode="NON_NUMERIC") == '"x",,1,-1.5,"1.",\n'
    assert (
        to_csv(tmp_path, [row], header=False, alwaysDelimitText=True, quoteMode="REQUIRED")
        == "x,,1,-1.5,1.,\n"
    )


ZONE = ZoneInfo("Europe/Lisbon")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2, "2"),
        (True, "true"),
        (3.2, "3.2"),
        (3.200000047683716, "3.200000047683716"),
        (1e10, "1.0E10"),
        (Decimal("1.20"), "1.20"),
        (Decimal("1E+3"), "1E+3"),
        (Instant(2021, 5, 5, 10, 21, 12, 123000, dt.UTC), "2021-05-05T10:21:12.123Z"),
        (
            dt.datetime(2021, 5, 5, 12, 21, 12, 123000, dt.timezone(dt.timedelta(hours=2))),
            "2021-05-05T11:21:12.123+01:00",
        ),
        (
            OffsetDateTime(2021, 5, 5, 12, 21, 12, 123000, dt.timezone(dt.timedelta(hours=2))),
            "2021-05-05T11:21:12.123+01:00",
        ),
        (dt.datetime(2021, 5, 5, 12, 21), "2021-05-05T12:21:00.000"),
        (dt.date(2021, 5, 5), "2021-05-05"),
        (dt.time(12, 21, 12), "12:21:12"),
        (dt.time(12, 21, 12, tzinfo=dt.timezone(dt.timedelta(hours=2))), "12:21:12+02:00"),
        ({"a": 1, "b": "x"}, '"{a=1, b=x}"'),
        ([1, 2.5, None], '"[1, 2.5, null]"'),
    ],
)
def test_how_values_are_written(tmp_path: Path, value: Any, text: str) -> None:
    assert to_csv(tmp_path, [{"k": value}], header=False, timeZoneId="Europe/Lisbon") == f"{text}\n"


def test_own_patterns(tmp_path: Path) -> None:
    row = {"d": dt.date(2021, 5, 5), "t": dt.time(7, 5), "m": Instant(2021, 5, 5, 10, 21, 12, 0, dt.UTC)}
    text = to_csv(
        tmp_path,
        [row],
        header=False,
        dateFormat="dd.MM.yy",
        timeFormat="h:mm a",
        dateTimeFormat="EEE d MMM yyyy",
    )
    assert text == "05.05.21,7:05 AM,Wed 5 May 2021\n"
    with pytest.raises(TaskError, match="Unknown pattern letter: Q"):
        to_csv(tmp_path, [row], dateFormat="QQ")
    with pytest.raises(TaskError, match="Unsupported field: HourOfDay"):
        to_csv(tmp_path, [row], dateFormat="HH")


def test_many_rows_mixed_with_specials_keep_their_order(tmp_path: Path) -> None:
    rows = [{"i": i, "t": "a,b" if i == 4321 else "plain"} for i in range(6000)]
    lines = to_csv(tmp_path, rows).split("\n")
    assert lines[0] == "i,t"
    assert lines[4322] == '4321,"a,b"'
    assert lines[6000] == "5999,plain"


def test_one_top_level_list_gives_its_elements(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, spec=IonToCsv.spec)
    ctx.properties["from"] = ctx.store("[{a:1},{a:2}]")
    outputs = IonToCsv().run(ctx).outputs
    assert outputs is not None
    assert ctx.read(outputs["uri"]) == b"a\n1\n2\n"
