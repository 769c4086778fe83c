"""Data sources, files of rows, caches."""

import datetime as dt
import io
import zipfile
from pathlib import Path

import pytest

from simulator.dialect import V1, V2
from simulator.errors import StorageError
from simulator.storage import cache, fileserde
from simulator.storage.data import is_uri, iter_data
from simulator.storage.local import LocalStorage

NOW = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


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


def test_task_cache(storage: LocalStorage) -> None:
    key = cache.cache_id({"format": "x", "n": 1})
    assert key == cache.cache_id({"n": 1, "format": "x"}) != cache.cache_id({"format": "y", "n": 1})
    uri = cache.cache_uri("a.b", "My_Flow", key, "v")
    assert uri == f"kestra:///a/b/my-flow/{key}/cache/{cache.murmur3_128('v')}/cache.zip"
    assert cache.load_outputs(storage, uri, NOW) is None
    cache.save_outputs(storage, uri, {"value": "x"}, NOW)
    hour = dt.timedelta(hours=1)
    assert cache.load_outputs(storage, uri, NOW + hour, hour) == {"value": "x"}
    assert cache.load_outputs(storage, uri, NOW + 2 * hour, hour) is None
    assert not storage.exists(uri)


def test_directory_cache(storage: LocalStorage, tmp_path: Path) -> None:
    root, other = tmp_path / "w", tmp_path / "o"
    (root / "d").mkdir(parents=True)
    other.mkdir()
    (root / "d/a.txt").write_text("A")
    uri = cache.cache_uri("a.b", "f", "wd")
    assert not cache.load_files(storage, uri, other, NOW)
    assert cache.save_files(storage, uri, root, [root / "d/a.txt"], NOW) == 1
    assert cache.load_files(storage, uri, other, NOW)
    assert (other / "d/a.txt").read_text() == "A"
    assert not cache.load_files(storage, uri, other, NOW + dt.timedelta(days=1), dt.timedelta(hours=1))


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "a\\..\\..\\evil"])
def test_forged_archives(storage: LocalStorage, tmp_path: Path, name: str) -> None:
    root = tmp_path / "w"
    root.mkdir()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    storage.put_at("kestra:///c.zip", buffer.getvalue())
    with pytest.raises(StorageError):
        cache.load_files(storage, "kestra:///c.zip", root, NOW)
    assert not list(tmp_path.glob("**/evil"))


def test_a_bomb_and_no_archive(storage: LocalStorage, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("zeros", bytes(20 << 20))
    storage.put_at("kestra:///c.zip", buffer.getvalue())
    with pytest.raises(StorageError, match="too large"):
        cache.load_files(storage, "kestra:///c.zip", tmp_path, NOW)
    storage.put_at("kestra:///c.zip", b"no zip")
    with pytest.raises(StorageError, match="no archive"):
        cache.load_files(storage, "kestra:///c.zip", tmp_path, NOW)
