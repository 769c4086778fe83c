"""Namespace files: layout, conflicts, and the revisions of 2.0."""

import datetime as dt
import random
from pathlib import Path

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.errors import StorageError
from simulator.storage.local import LocalStorage
from simulator.storage.namespace_files import LocalNamespaceFiles

NS = "company.team"


@pytest.fixture(params=[V1, V2], ids=str)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    value: Dialect = request.param
    return value


@pytest.fixture
def files(tmp_path: Path, dialect: Dialect) -> LocalNamespaceFiles:
    return LocalNamespaceFiles(LocalStorage(tmp_path, dialect, random.Random(1)), dialect)


def test_put_read_list(files: LocalNamespaceFiles, tmp_path: Path) -> None:
    assert files.put(NS, "/sql/a b.sql", b"1") == "kestra:///company/team/_files/sql/a%20b.sql"
    files.put_all(NS, {"b.txt": b"2", "sql/c.sql": b"3"})
    assert (tmp_path / "main/company/team/_files/sql/a b.sql").read_bytes() == b"1"
    assert files.list(NS) == ["b.txt", "sql/a b.sql", "sql/c.sql"]
    assert files.read(NS, "./sql/a b.sql") == b"1"
    assert files.exists(NS, "sql/a b.sql")
    assert not files.exists(NS, "sql")
    assert files.list("other") == []
    assert files.known_namespaces() == [NS]


def test_conflicts(files: LocalNamespaceFiles) -> None:
    files.put(NS, "a", b"1")
    files.put(NS, "a", b"2", conflict="SKIP")
    assert files.read(NS, "a") == b"1"
    with pytest.raises(StorageError) as error:
        files.put(NS, "a", b"2", conflict="ERROR")
    assert (
        error.value.message
        == "File '/a' already exists in namespace 'company.team' and conflict is set to ERROR"
    )
    files.put(NS, "a", b"3")
    assert files.read(NS, "a") == b"3"


def test_missing(files: LocalNamespaceFiles, dialect: Dialect) -> None:
    text = (
        "No such file or directory"
        if dialect.major == 1
        else "^File '/a' was not found in namespace 'company.team'.$"
    )
    with pytest.raises(StorageError, match=text):
        files.read(NS, "a")


def test_revisions_in_2(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path, V2)
    now = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    files = LocalNamespaceFiles(storage, V2, lambda: now)
    for content in (b"1", b"2", b"3"):
        uri = files.put(NS, "a.sql", content)
    assert uri == "kestra:///company/team/_files/a.sql.v3"
    assert [files.read(NS, "a.sql", n) for n in (1, 2, 3)] == [b"1", b"2", b"3"]
    assert files.list(NS) == ["a.sql"]
    with pytest.raises(
        StorageError, match=r"^Revision 9 of file '/a.sql' was not found in namespace 'company.team'.$"
    ):
        files.read(NS, "a.sql", 9)
    # A later process reads the index from disk.
    again = LocalNamespaceFiles(storage, V2, lambda: now)
    assert again.delete(NS, "a.sql")
    assert not again.exists(NS, "a.sql")
    assert again.read(NS, "a.sql", 3) == b"3"
    again.put(NS, "a.sql", b"4")
    assert again.revisions(NS, "a.sql") == [1, 2, 3, 4]
    assert again.purge_versions(NS, lambda path: True, before=None, keep=1) == 3
    assert again.read(NS, "a.sql") == b"4"
    assert again.revisions(NS, "a.sql") == [4]


def test_delete_folder(files: LocalNamespaceFiles) -> None:
    files.put_all(NS, {"d/a": b"1", "d/e/b": b"2", "dd": b"3"})
    assert files.delete(NS, "d")
    assert files.list(NS) == ["dd"]
    assert not files.delete(NS, "d")
    with pytest.raises(StorageError, match="root directory"):
        files.delete(NS, "/")


def test_no_way_out(files: LocalNamespaceFiles) -> None:
    for bad in ("../x", "a/../../x", "a/%2e%2e/x", "a\\..\\x"):
        with pytest.raises(StorageError, match="relative '..' path"):
            files.put(NS, bad, b"x")
