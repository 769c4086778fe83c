"""JSON to Ion and back."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1
from simulator.errors import TaskError
from simulator.plugins.serdes import json as module
from simulator.plugins.serdes.json import IonToJson, JsonToIon, JsonToJsonl
from simulator.storage import ion
from tests.plugins.fake_context import FakeContext


def to_ion(tmp_path: Path, text: str | bytes, **properties: Any) -> list[Any]:
    ctx = FakeContext(tmp_path, spec=JsonToIon.spec)
    ctx.properties |= {"from": ctx.store(text, "in.json"), **properties}
    outputs = JsonToIon().run(ctx).outputs
    assert outputs is not None
    with ctx.open_uri(outputs["uri"]) as stream:
        rows = list(ion.iter_rows(stream))
    assert outputs["size"] == len(rows)
    return rows


def to_json(tmp_path: Path, rows: list[Any], **properties: Any) -> tuple[str, str]:
    ctx = FakeContext(tmp_path, spec=IonToJson.spec, dialect=V1)
    ctx.properties |= {
        "from": ctx.store(b"".join(ion.dump_row(row, binary=False) for row in rows)),
        **properties,
    }
    outputs = IonToJson().run(ctx).outputs
    assert outputs is not None
    assert outputs["size"] == len(rows)
    return ctx.read(outputs["uri"]).decode(), outputs["uri"].rpartition(".")[2]


def test_json_lines(tmp_path: Path) -> None:
    assert to_ion(tmp_path, '{"a":1,"b":[true,null]}\n{"a":2.5}\n"x"\n') == [
        {"a": 1, "b": [True, None]},
        {"a": 2.5},
        "x",
    ]


def test_dates_stay_text_and_numbers_keep_their_size(tmp_path: Path) -> None:
    rows = to_ion(tmp_path, '{"d":"2021-05-05","n":123456789012345678901234567890,"f":1e3}\n')
    assert rows == [{"d": "2021-05-05", "n": 123456789012345678901234567890, "f": 1000.0}]


@pytest.mark.parametrize("text", ['{"a":1}\n\n{"a":2}\n', '{"a":\n', "{'a':1}\n", '{"a":NaN}\n'])
def test_bad_lines_fail(tmp_path: Path, text: str) -> None:
    with pytest.raises(TaskError):
        to_ion(tmp_path, text)


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        TaskError, match=r"Unexpected character \('x' \(code 120\)\)\n at .*line: 2, column: 6"
    ):
        to_ion(tmp_path, '{"a":1}\n{"a":x}\n')


def test_one_document(tmp_path: Path) -> None:
    assert to_ion(tmp_path, ' [ {"a":1} , {"a":2}]', newLine=False) == [{"a": 1}, {"a": 2}]
    assert to_ion(tmp_path, '{"a":\n1}', newLine=False) == [{"a": 1}]
    assert to_ion(tmp_path, "[]", newLine=False) == []
    assert to_ion(tmp_path, "", newLine=False) == []


@pytest.mark.parametrize("text", ["[1, 2", "[1 2]", "[1,]", '{"a"', "[1,,2]"])
def test_broken_documents_fail(tmp_path: Path, text: str) -> None:
    with pytest.raises(TaskError):
        to_ion(tmp_path, text, newLine=False)


def test_elements_over_chunk_borders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [{"number": index * 1000, "text": "é" * index} for index in range(30)] + [12345, "end"]
    import json

    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr(module, "_CHUNK", size)
        assert to_ion(tmp_path, json.dumps(expected, ensure_ascii=False), newLine=False) == expected


def test_to_json_lines(tmp_path: Path) -> None:
    text, extension = to_json(tmp_path, [{"b": 1, "a": "é", "n": None}, {"x": [None, {"y": None}]}])
    assert extension == "jsonl"
    assert text == '{"b":1,"a":"é"}\n{"x":[null,{}]}\n'


def test_one_json_document(tmp_path: Path) -> None:
    assert to_json(tmp_path, [], newLine=False) == ("", "json")
    assert to_json(tmp_path, [{"a": 1}], newLine=False)[0] == '{"a":1}'
    assert to_json(tmp_path, [{"a": 1}, {"a": 2}, {"a": 3}], newLine=False)[0] == '[{"a":1},{"a":2},{"a":3}]'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.2, "3.2"),
        (3.200000047683716, "3.200000047683716"),
        (1e10, "1.0E10"),
        (1.0, "1.0"),
        (0.0001, "1.0E-4"),
        (float("nan"), '"NaN"'),
        (Decimal("1.20"), "1.20"),
        (2**70, str(2**70)),
        (True, "true"),
        (b"abc", '"YWJj"'),
        (dt.date(2021, 5, 5), '"2021-05-05"'),
        (dt.datetime(2021, 5, 5, 12, 21), '"2021-05-05T12:21:00"'),
        (dt.time(12, 21, 12), '"12:21:12"'),
    ],
)
def test_how_values_are_written(tmp_path: Path, value: Any, text: str) -> None:
    assert to_json(tmp_path, [{"k": value}])[0] == f'{{"k":{text}}}\n'


def test_kept_annotations_keep_nulls(tmp_path: Path) -> None:
    text, _ = to_json(tmp_path, [{"n": None, "b": b"abc"}], shouldKeepAnnotations=True)
    assert text == '{"n":null,"b":{"ion_annotations":["base64"],"value":"YWJj"}}\n'


def jsonl(tmp_path: Path, text: str) -> tuple[str, int]:
    ctx = FakeContext(tmp_path, spec=JsonToJsonl.spec)
    ctx.properties["from"] = ctx.store(text, "in.json")
    outputs = JsonToJsonl().run(ctx).outputs
    assert outputs is not None
    return ctx.read(outputs["uri"]).decode(), outputs["size"]


def test_json_to_jsonl(tmp_path: Path) -> None:
    assert jsonl(tmp_path, '[{"a": 1}, 2]') == ('{"a":1}\n2\n', 2)
    assert jsonl(tmp_path, '{"a":\n1}') == ('{"a":1}\n', 1)
    assert jsonl(tmp_path, '{"a":1}\n{"a":2}\n') == ('{"a":1}\n{"a":2}\n', 2)
    with pytest.raises(
        TaskError, match="^Invalid JSON format. Expected JSON array or object, but found: VALUE_STRING"
    ):
        jsonl(tmp_path, '"text"')
    with pytest.raises(TaskError, match="^Invalid JSON format: "):
        jsonl(tmp_path, "[1")


@pytest.mark.parametrize(
    ("text", "token"), [("12", "VALUE_NUMBER_INT"), ("-1.5", "VALUE_NUMBER_FLOAT"), ("true", "VALUE_TRUE")]
)
def test_jsonl_names_what_it_found_instead(tmp_path: Path, text: str, token: str) -> None:
    ctx = FakeContext(tmp_path, spec=JsonToJsonl.spec)
    ctx.properties["from"] = ctx.store(text, "in.json")
    with pytest.raises(TaskError, match=f"but found: {token}$"):
        JsonToJsonl().run(ctx)


@pytest.mark.parametrize("text", ['{"a": [1\n2]}\n', "1,2\n[3\n4]\n", "1],[2\n[3\n4]\n", "1\n,\n2\n"])
def test_lines_that_fit_together_only_as_one_array_fail(tmp_path: Path, text: str) -> None:
    """Blocks of lines are parsed at once; each line must still be a value of its own."""
    with pytest.raises(TaskError):
        to_ion(tmp_path, text)


def test_columns_of_doubles_are_written_as_java_writes_each(tmp_path: Path) -> None:
    numbers = [5.0, float("nan"), 3.0, 1e10, 1e-5, -2.5, 0.0]
    text, _ = to_json(tmp_path, [{"f": number} for number in numbers])
    assert text.splitlines() == [
        '{"f":5.0}', '{"f":"NaN"}', '{"f":3.0}', '{"f":1.0E10}', '{"f":1.0E-5}', '{"f":-2.5}', '{"f":0.0}'
    ]  # fmt: skip
    text, _ = to_json(tmp_path, [{"f": number} for number in numbers[:3]])
    assert '"NaN"' in text
