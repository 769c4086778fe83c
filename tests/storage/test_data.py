"""Data sources and files of rows."""

import io
from pathlib import Path

import pytest

from simulator.dialect import V1, V2
from simulator.errors import StorageError
from simulator.storage import fileserde
from simulator.storage.data import is_uri, iter_data
from simulator.storage.local import LocalStorage


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "s", V2)


def test_rows_per_dialect_and_either_reader() -> None:
    rows = [{"a": 1}, {"b": "x"}]
    text, binary = io.BytesIO(), io.BytesIO()
    assert fileserde.write_rows(text, rows, V1) == 2
    assert fileserde.write_rows(binary, rows, V2) == 2
    assert text.getvalue() == b'{a:1}\n{b:"x"}\n'
    assert binary.getvalue().startswith(b"\xe0\x01\x00\xea")
    for data in (text.getvalue(), binary.getvalue(), b'{"a": 1}\n{"b": "x"}\n'):
        assert list(fileserde.read_rows(io.BytesIO(data))) == rows


def test_data_sources(storage: LocalStorage) -> None:
    storage.put_at("kestra:///x/rows.ion", b"{a:1}\n{a:2}\n")
    cases: list[tuple[object, list[object]]] = [
        ("kestra:///x/rows.ion", [{"a": 1}, {"a": 2}]),
        ('[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
        ('{"a":1}', [{"a": 1}]),
        ({"a": 1}, [{"a": 1}]),
        ([1, {"a": 2}], [1, {"a": 2}]),
    ]
    for value, items in cases:
        assert list(iter_data(value, storage.open)) == items


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1, "Cannot handle structured data of type: class java.lang.Integer"),
        ("12", "Cannot handle structured data of type: class java.lang.Integer"),
        ("s3://a/b", "Scheme not supported: s3. Supported schemes are: [kestra, file, nsfile]"),
        ("no json", "Cannot parse structured data as JSON"),
    ],
)
def test_what_is_no_data(value: object, message: str, storage: LocalStorage) -> None:
    with pytest.raises(StorageError) as error:
        list(iter_data(value, storage.open))
    assert error.value.message.startswith(message)


def test_is_uri() -> None:
    assert is_uri("nsfile:///a")
    assert not is_uri("http://x")
    assert not is_uri(1)
