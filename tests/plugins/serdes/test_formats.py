"""Avro, Parquet, Excel, XML, YAML, Protobuf and TOON: both directions, types and messages."""

import datetime as dt
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import TaskError, UnsupportedError
from simulator.plugins import serdes
from simulator.plugins.registry import Registry
from simulator.plugins.serdes.avro import AvroToIon, InferAvroSchemaFromIon, IonToAvro
from simulator.plugins.serdes.excel import ExcelToIon, IonToExcel
from simulator.plugins.serdes.parquet import IonToParquet, ParquetToIon
from simulator.plugins.serdes.protobuf import ProtobufToIon
from simulator.plugins.serdes.toon import from_toon, to_toon
from simulator.plugins.serdes.xml import IonToXml, XmlToIon
from simulator.plugins.serdes.yaml import IonToYaml, JsonToYaml, YamlToIon, YamlToJson
from simulator.storage import ion
from simulator.values import Instant
from tests.plugins.fake_context import FakeContext


def ion_file(ctx: FakeContext, rows: list[Any], name: str = "in.ion") -> str:
    return ctx.store(b"".join(ion.dump_row(row, binary=True) for row in rows), name)


def run(tmp_path: Path, plugin: Any, source: Any, **properties: Any) -> tuple[dict[str, Any], FakeContext]:
    """Runs a plugin on rows, text or bytes."""
    ctx = FakeContext(tmp_path, spec=plugin.spec)
    uri = ion_file(ctx, source) if isinstance(source, list) else ctx.store(source, "in.data")
    ctx.properties |= {"from": uri, **properties}
    outputs = plugin().run(ctx).outputs
    assert outputs is not None
    return dict(outputs), ctx


def rows_of(ctx: FakeContext, uri: str) -> list[Any]:
    with ctx.open_uri(uri) as stream:
        return list(ion.iter_rows(stream))


def to_ion(tmp_path: Path, plugin: Any, source: Any, **properties: Any) -> list[Any]:
    outputs, ctx = run(tmp_path, plugin, source, **properties)
    rows = rows_of(ctx, outputs["uri"])
    assert outputs["size"] == len(rows)
    assert ("records", len(rows), "counter", {}) in ctx.metrics
    return rows


def content(tmp_path: Path, plugin: Any, source: Any, **properties: Any) -> bytes:
    outputs, ctx = run(tmp_path, plugin, source, **properties)
    return ctx.read(outputs["uri"])


# -- every type of the family ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(serdes.TYPES))
def test_every_type_loads_under_its_name(name: str) -> None:
    assert Registry(["simulator.plugins.serdes"], entry_points=False).load(name).spec.type == name


def test_old_names() -> None:
    registry = Registry(["simulator.plugins.serdes"], entry_points=False)
    for alias, name in serdes.ALIASES.items():
        assert registry.load(alias).spec.type == name


def test_an_absent_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "fastavro", None)
    with pytest.raises(UnsupportedError, match="`fastavro`") as caught:
        run(tmp_path, AvroToIon, b"")
    assert caught.value.hint == "pip install 'kestra-simulator[avro]'"


# -- avro and parquet ------------------------------------------------------------------------------------------------

SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "row",
        "fields": [
            {"name": "i", "type": "int"},
            {"name": "l", "type": ["null", "long"]},
            {"name": "b", "type": "boolean"},
            {"name": "s", "type": "string"},
            {"name": "d", "type": {"type": "int", "logicalType": "date"}},
            {"name": "t", "type": {"type": "int", "logicalType": "time-millis"}},
            {"name": "m", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "c", "type": {"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 2}},
            {"name": "a", "type": {"type": "array", "items": "double"}},
        ],
    }
)
ROW = {
    "i": "12",
    "l": "n/a",
    "b": "Yes",
    "s": 4,
    "d": "2021-05-05",
    "t": "12:21",
    "m": "2021-05-05T12:21:12.123456+02:00",
    "c": "12.345",
    "a": ["1.5", 2],
}
BACK = {
    "i": 12,
    "l": None,
    "b": True,
    "s": "4",
    "d": dt.date(2021, 5, 5),
    "t": dt.time(12, 21),
    "m": Instant(2021, 5, 5, 10, 21, 12, 123000, dt.UTC),
    "c": Decimal("12.34"),
    "a": [1.5, 2.0],
}


@pytest.mark.parametrize(("writer", "reader"), [(IonToAvro, AvroToIon), (IonToParquet, ParquetToIon)])
def test_cells_follow_the_schema_and_come_back(tmp_path: Path, writer: Any, reader: Any) -> None:
    data = content(tmp_path, writer, [ROW], schema=SCHEMA)
    assert to_ion(tmp_path, reader, data) == [BACK]


@pytest.mark.parametrize(("writer", "reader"), [(IonToAvro, AvroToIon), (IonToParquet, ParquetToIon)])
def test_inference(tmp_path: Path, writer: Any, reader: Any) -> None:
    rows = [
        {"i": 1, "s": "a", "f": 1.5, "n": None, "when": dt.datetime(2021, 5, 5, 12, 21), "inner": {"x": 1}},
        {"i": 2, "s": None, "f": 2.5, "n": None, "when": dt.datetime(2021, 5, 6), "inner": {"x": 2}},
    ]
    assert to_ion(tmp_path, reader, content(tmp_path, writer, rows)) == rows


def test_the_inferred_schema(tmp_path: Path) -> None:
    rows = [{"i": 1, "s": "a", "d": Decimal("1.5"), "day": dt.date(2021, 5, 5), "in": {"x": True}}]
    schema = json.loads(content(tmp_path, InferAvroSchemaFromIon, rows))
    types = {item["name"]: item["type"] for item in schema["fields"]}
    assert types["i"] == "int"
    assert types["s"] == types["d"] == ["null", "string"]
    assert types["day"] == {"type": "int", "logicalType": "date"}
    assert types["in"]["name"] == "in"
    assert types["in"]["namespace"] == "io.kestra.plugin.serdes.avro"


def test_nothing_to_infer_from(tmp_path: Path) -> None:
    with pytest.raises(TaskError) as caught:
        run(tmp_path, IonToAvro, [])
    assert caught.value.message == (
        "Cannot infer Avro schema from ION input: the file appears to be empty or contains no valid records."
    )
    with pytest.raises(TaskError, match="a Long has no rule"):
        run(tmp_path, IonToAvro, [{"n": 1 << 40}])


def one_field(kind: Any) -> str:
    return json.dumps({"type": "record", "name": "r", "fields": [{"name": "f", "type": kind}]})


def converted(tmp_path: Path, kind: Any, value: Any, **properties: Any) -> Any:
    data = content(tmp_path, IonToAvro, [{"f": value}], schema=one_field(kind), **properties)
    return to_ion(tmp_path, AvroToIon, data)[0]["f"]


ENUM = {"type": "enum", "name": "e", "symbols": ["A", "B"]}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("double", "1,5", 1.5),
        ("boolean", "OFF", False),
        ("boolean", 1, True),
        ("string", {"a": 1}, "{a=1}"),
        (["null", "int"], "#N/A", None),
        (["null", "int", "string"], "x", "x"),
        (ENUM, "B", "B"),
        ({"type": "map", "values": "int"}, {"k": "1"}, {"k": 1}),
        ({"type": "fixed", "name": "x", "size": 2}, "ab", b"ab"),
        ({"type": "string", "logicalType": "uuid"}, "12345678-1234-5678-1234-567812345678", "12345678-1234-5678-1234-567812345678"),
        ({"type": "long", "logicalType": "local-timestamp-millis"}, 0, dt.datetime(1970, 1, 1)),
    ],
)  # fmt: skip
def test_cells(tmp_path: Path, kind: Any, value: Any, expected: Any) -> None:
    assert converted(tmp_path, kind, value, decimalSeparator=",") == expected


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("int", "x", "IllegalCellConversion"),
        ("int", 1 << 31, "not an int"),
        (ENUM, "C", "Invalid enum value, found C, expected [A, B]"),
        (
            {"type": "fixed", "name": "x", "size": 2},
            "abc",
            "Invalid length for fixed size, found 3, expexted 2",
        ),
        (["null", "int"], "x", 'Invalid data for schema "UNION"'),
    ],
)
def test_cells_that_do_not_fit(tmp_path: Path, kind: Any, value: Any, reason: str) -> None:
    with pytest.raises(TaskError) as caught:
        converted(tmp_path, kind, value)
    assert caught.value.message.startswith("IllegalRowConvertion on field 'f' with data [")
    assert reason in str(caught.value.hint)


def test_bad_cells_may_become_null(tmp_path: Path) -> None:
    assert converted(tmp_path, ["null", "int"], "x", onBadLines="SKIP") is None


def test_strict_schema(tmp_path: Path) -> None:
    rows = [{"f": 1, "extra": 2}]
    assert to_ion(tmp_path, AvroToIon, content(tmp_path, IonToAvro, rows, schema=one_field("int"))) == [
        {"f": 1}
    ]
    with pytest.raises(TaskError, match="IllegalStrictRowConversion"):
        run(tmp_path, IonToAvro, rows, schema=one_field("int"), strictSchema=True)


MANY = [{"i": i, "s": "n/a" if i % 3 else f"Name {i}", "f": i / 4, "b": i % 2 == 0} for i in range(5000)]


@pytest.mark.parametrize(("writer", "reader"), [(IonToAvro, AvroToIon), (IonToParquet, ParquetToIon)])
def test_columns_of_one_kind_give_what_cells_give(tmp_path: Path, writer: Any, reader: Any) -> None:
    expected = [{**row, "s": None if row["s"] == "n/a" else row["s"]} for row in MANY]
    assert to_ion(tmp_path, reader, content(tmp_path, writer, MANY)) == expected


def test_one_bad_cell_among_many_is_named(tmp_path: Path) -> None:
    rows = [*MANY[:3000], {**MANY[0], "i": "x"}]
    with pytest.raises(TaskError, match="IllegalRowConvertion on field 'i' with data"):
        content(tmp_path, IonToParquet, rows)


def test_parquet_row_groups(tmp_path: Path) -> None:
    import pyarrow.parquet as parquet

    def groups(**properties: Any) -> int:
        data = content(tmp_path, IonToParquet, MANY, **properties)
        return int(parquet.ParquetFile(io.BytesIO(data)).num_row_groups)

    assert groups() == 1
    assert groups(rowGroupSize=20_000) > 1


def test_parquet_options(tmp_path: Path) -> None:
    import pyarrow.parquet as parquet

    def codec(**properties: Any) -> str:
        data = content(tmp_path, IonToParquet, [{"a": 1}], **properties)
        return str(parquet.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0).compression)

    assert codec() == "GZIP"
    assert codec(compressionCodec="SNAPPY", parquetVersion="V1") == "SNAPPY"


def test_broken_files(tmp_path: Path) -> None:
    for plugin in (AvroToIon, ParquetToIon, ExcelToIon):
        with pytest.raises(TaskError):
            run(tmp_path, plugin, b"not what it says")


# -- excel -----------------------------------------------------------------------------------------------------------


def test_excel_there_and_back(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "name": "Ada", "when": dt.date(2021, 5, 5), "none": None, "flag": True},
        {"id": 2.5, "name": "=1+1", "when": dt.datetime(2021, 5, 6, 7), "none": "x", "flag": False},
    ]
    data = content(tmp_path, IonToExcel, rows, sheetsTitle="People")
    outputs, ctx = run(tmp_path, ExcelToIon, data)
    assert list(outputs["uris"]) == ["People"]
    assert outputs["size"] == 2
    assert ("sheets", 1, "counter", {}) in ctx.metrics
    # A null cell holds the text `null` and booleans stay empty, as the plugin writes them.
    assert rows_of(ctx, outputs["uris"]["People"]) == [
        {"id": 1.0, "name": "Ada", "when": "2021-05-05", "none": "null", "flag": None},
        {"id": 2.5, "name": "=1+1", "when": "2021-05-06", "none": "x", "flag": None},
    ]


def test_excel_sheets_headers_and_rows(tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path, spec=IonToExcel.spec)
    ctx.properties["from"] = {
        "One": ion_file(ctx, [{"a": 1}, {"a": 2}, {"a": 3}], "one.ion"),
        "Two": ion_file(ctx, [{"b": 1}], "two.ion"),
    }
    outputs = IonToExcel().run(ctx).outputs
    assert outputs is not None
    assert outputs["size"] == 4
    data = ctx.read(outputs["uri"])
    found, ctx = run(tmp_path, ExcelToIon, data, sheetsTitle=["One"], skipRows=1)
    assert rows_of(ctx, found["uris"]["One"]) == [{"a": 2.0}, {"a": 3.0}]
    assert list(found["uris"]) == ["One"]
    found, ctx = run(tmp_path, ExcelToIon, data, header=False)
    assert rows_of(ctx, found["uris"]["Two"]) == [["b"], [1.0]]


def test_excel_rendering(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["n", None, "d"])
    sheet.append([1234.5, "=1+2", dt.datetime(2021, 5, 6)])
    sheet["A2"].number_format = "#,##0.00"
    sheet["C2"].number_format = "dd/mm/yyyy"
    buffer = io.BytesIO()
    book.save(buffer)

    def cells(**properties: Any) -> list[Any]:
        outputs, ctx = run(tmp_path, ExcelToIon, buffer.getvalue(), **properties)
        (row,) = rows_of(ctx, outputs["uris"]["Sheet"])
        assert list(row) == ["n", "Column1", "d"]
        return list(row.values())

    assert cells() == [1234.5, None, "2021-05-06"]
    assert cells(valueRender="FORMATTED_VALUE")[0] == "1,234.50"
    assert cells(valueRender="FORMULA")[1] == "=1+2"
    assert cells(dateTimeRender="SERIAL_NUMBER")[2] == 44322.0
    assert cells(dateTimeRender="FORMATTED_STRING")[2] == "06/05/2021"


# -- xml -------------------------------------------------------------------------------------------------------------


def test_xml_by_the_rules_of_org_json(tmp_path: Path) -> None:
    text = '<r a="1"><x>2.5</x><y>true</y><z/><t>text</t><m k="v">in</m><l>1</l><l>two</l></r>'
    assert to_ion(tmp_path, XmlToIon, text) == [
        {
            "r": {
                "a": 1,
                "x": 2.5,
                "y": True,
                "z": "",
                "t": "text",
                "m": {"k": "v", "content": "in"},
                "l": [1, "two"],
            }
        }
    ]


def test_a_root_with_one_repeated_child_gives_records(tmp_path: Path) -> None:
    assert to_ion(tmp_path, XmlToIon, "<a><b><c>1</c></b><b><c>007</c></b></a>") == [{"c": 1}, {"c": "007"}]


def test_xml_query_and_force_list(tmp_path: Path) -> None:
    text = "<a><b><c>1</c></b><x/><b><c>2</c><c>3</c></b></a>"
    assert to_ion(tmp_path, XmlToIon, text, query="/a/b") == [{"c": 1}, {"c": [2, 3]}]
    force = {"forceList": ["c"]}
    assert to_ion(tmp_path, XmlToIon, text, query="/a/b", parserConfiguration=force)[0] == {"c": [1]}
    assert to_ion(tmp_path, XmlToIon, "") == []


def test_xml_entities_and_errors(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'
    with pytest.raises(TaskError, match="declares entities"):
        run(tmp_path, XmlToIon, bomb)
    with pytest.raises(TaskError, match="mismatched tag: line 1"):
        run(tmp_path, XmlToIon, "<a><b></a>")


def test_xml_writing(tmp_path: Path) -> None:
    rows = [{"String": "a<b", "n": None, "list": [1, 2], "in": {"x y": dt.date(2021, 5, 5)}}]
    assert content(tmp_path, IonToXml, rows).decode() == (
        "<?xml version='1.0' encoding='UTF-8'?>\n<items>\n  <item>\n    <String>a&lt;b</String>\n    <n/>\n"
        "    <list>1</list>\n    <list>2</list>\n    <in>\n      <x_y>2021-05-05</x_y>\n    </in>\n  </item>\n"
        "</items>\n"
    )


# -- yaml ------------------------------------------------------------------------------------------------------------


def test_yaml_reading(tmp_path: Path) -> None:
    text = "a: 2021-05-05\nb: 12:30:45\nc: 1e3\nd: on\ne: 0x1F\n---\na: [1, null]\n"
    assert to_ion(tmp_path, YamlToIon, text) == [
        {"a": "2021-05-05", "b": "12:30:45", "c": 1000.0, "d": True, "e": 31},
        {"a": [1, None]},
    ]
    with pytest.raises(TaskError):
        run(tmp_path, YamlToIon, "a: [1\n")
    with pytest.raises(TaskError):
        run(tmp_path, YamlToIon, "a: !!python/object/apply:os.system [ls]\n")


def test_yaml_writing(tmp_path: Path) -> None:
    assert content(tmp_path, IonToYaml, [{"a": 1, "b": "x"}]) == b"a: 1\nb: x\n"
    assert content(tmp_path, IonToYaml, [{"a": 1}, {"a": dt.date(2021, 5, 5)}]) == (
        b"---\na: 1\n---\na: '2021-05-05'\n"
    )


def test_yaml_and_json(tmp_path: Path) -> None:
    assert content(tmp_path, JsonToYaml, '[{"a":1}]') == b"- a: 1\n"
    assert content(tmp_path, JsonToYaml, '{"a":1}\n{"a":2}\n', jsonl=True) == b"---\na: 1\n---\na: 2\n"
    assert content(tmp_path, YamlToJson, "a: 1\n") == b'{"a":1}'
    assert content(tmp_path, YamlToJson, "a: 1\n---\na: 2\n") == b'[{"a":1},{"a":2}]'
    assert content(tmp_path, YamlToJson, "a: 1\n---\na: 2\n", jsonl=True) == b'{"a":1}\n{"a":2}\n'


# -- protobuf --------------------------------------------------------------------------------------------------------


@pytest.fixture
def proto(tmp_path: Path) -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="p.proto", package="demo", syntax="proto3")
    message = file.message_type.add(name="Person")
    message.field.add(name="full_name", number=1, type=9, label=1, json_name="fullName")
    message.field.add(name="age", number=2, type=5, label=1, json_name="age")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    person = message_factory.GetMessageClass(pool.FindMessageTypeByName("demo.Person"))
    ctx = FakeContext(tmp_path, spec=ProtobufToIon.spec)
    descriptor = ctx.store(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString(), "p.desc")
    return person, descriptor


def test_protobuf(tmp_path: Path, proto: Any) -> None:
    person, descriptor = proto
    data = person(full_name="Ada", age=36).SerializeToString()
    for name in ("demo.Person", "Person"):
        rows = to_ion(tmp_path, ProtobufToIon, data, descriptorFile=descriptor, typeName=name)
        assert rows == [{"fullName": "Ada", "age": 36}]
    delimited = b"".join(bytes([len(data)]) + data for _ in range(3))
    rows = to_ion(
        tmp_path, ProtobufToIon, delimited, descriptorFile=descriptor, typeName="Person", delimited=True
    )
    assert len(rows) == 3


def test_protobuf_errors(tmp_path: Path, proto: Any) -> None:
    person, descriptor = proto
    data = person(full_name="Ada").SerializeToString()
    with pytest.raises(TaskError, match="^Message type not found in descriptor: Nobody$"):
        run(tmp_path, ProtobufToIon, data, descriptorFile=descriptor, typeName="Nobody")
    with pytest.raises(TaskError, match="middle of a message"):
        run(tmp_path, ProtobufToIon, b"\x05ab", descriptorFile=descriptor, typeName="Person", delimited=True)
    unknown = data + b"\x1d\x00\x00\x00\x00"
    assert to_ion(tmp_path, ProtobufToIon, unknown, descriptorFile=descriptor, typeName="Person")
    with pytest.raises(TaskError, match="Unknown fields"):
        run(
            tmp_path,
            ProtobufToIon,
            unknown,
            descriptorFile=descriptor,
            typeName="Person",
            errorOnUnknownFields=True,
        )


# -- toon ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": {"c": "x"}}, "a: 1\nb:\n  c: x"),
        ({"k": [1, 2, "a"]}, "k[3]: 1,2,a"),
        ({"k": []}, "k[0]:"),
        ({"u": [{"id": 1, "name": "Ada"}, {"id": 2, "name": "B,b"}]}, 'u[2]{id,name}:\n  1,Ada\n  2,"B,b"'),
        ({"m": [{"a": 1}, {"b": [1]}]}, "m[2]:\n  - a: 1\n  - b[1]: 1"),
        ([1, 2], "[2]: 1,2"),
        ({"s": "true", "n": "12", "e": ""}, 's: "true"\nn: "12"\ne: ""'),
        ({"f": 1e21, "g": 0.5}, "f: 1000000000000000000000\ng: 0.5"),
    ],
)
def test_toon(value: Any, text: str) -> None:
    assert to_toon(value) == text
    assert from_toon(text) == value


def test_broken_toon() -> None:
    for text in ("k[2]: 1", "a: 1\n    b: 2", "t[1]{a,b}:\n  1"):
        with pytest.raises(TaskError, match="Invalid TOON"):
            from_toon(text)
