"""Local storage: layout, names per dialect, atomic writes, big files, guards."""

import datetime as dt
import io
import random
import re
from pathlib import Path

import pytest

from simulator.dialect import V1, V2
from simulator.errors import StorageError
from simulator.storage.base import StorageContext
from simulator.storage.local import LocalStorage, execution_prefix

CONTEXT = StorageContext("company.team", "My_Flow", "exec1", "my_task", "run1")


@pytest.fixture
def v1(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "s", V1, random.Random(1))


@pytest.fixture
def v2(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "s", V2, random.Random(1))


def read(storage: LocalStorage, uri: str) -> bytes:
    with storage.open(uri) as stream:
        return stream.read()


def test_layout(v1: LocalStorage, tmp_path: Path) -> None:
    uri = v1.put(CONTEXT, b"x", "a.ion")
    assert uri == "kestra:///company/team/my-flow/executions/exec1/tasks/my-task/run1/a.ion"
    assert (
        tmp_path / "s/main/company/team/my-flow/executions/exec1/tasks/my-task/run1/a.ion"
    ).read_bytes() == b"x"
    assert v1.prefix(StorageContext("a", "f", "e")) == "kestra:///a/f/executions/e"
    trigger = StorageContext("a", "f", "e", trigger_id="On_Schedule")
    assert v1.prefix(trigger) == "kestra:///a/f/executions/e/trigger/on-schedule"
    assert execution_prefix("a.b", "F", "e") == "kestra:///a/b/f/executions/e"


def test_names_in_1_are_encoded_as_a_whole(v1: LocalStorage, tmp_path: Path) -> None:
    uri = v1.put(CONTEXT, b"x", "a b/c+~*.txt")
    assert uri.endswith("/run1/a%20b%2Fc%2B%7E*.txt")
    assert (
        tmp_path / "s/main/company/team/my-flow/executions/exec1/tasks/my-task/run1/a b/c+~*.txt"
    ).exists()
    assert read(v1, uri) == b"x"


def test_names_in_2_keep_their_slashes(v2: LocalStorage) -> None:
    uri = v2.put(CONTEXT, b"x", "/a b/c+.txt")
    assert uri.endswith("/run1/a%20b/c+.txt")
    assert read(v2, uri) == b"x"


def test_long_names_are_cut_in_2_and_refused_in_1(v1: LocalStorage, v2: LocalStorage) -> None:
    name = "n" * 300 + ".ion"
    uri = v2.put(CONTEXT, b"x", name)
    last = uri.rsplit("/", 1)[1]
    assert re.fullmatch(r"[a-z0-9]{5}-n{245}\.ion", last)
    assert len(last) == 255
    assert read(v2, uri) == b"x"
    with pytest.raises(StorageError, match="File name too long"):
        v1.put(CONTEXT, b"x", name)


def test_put_file_moves_and_put_at_copies(v2: LocalStorage, tmp_path: Path) -> None:
    path = tmp_path / "12.ion"
    path.write_bytes(b"rows")
    inode = path.stat().st_ino
    uri = v2.put_file(CONTEXT, path)
    assert uri.endswith("/run1/12.ion")
    assert not path.exists()
    assert v2.path(uri).stat().st_ino == inode
    path.write_bytes(b"again")
    v2.put_at("kestra:///x/y", path)
    assert path.exists()
    assert read(v2, "kestra:///x/y") == b"again"


def test_only_the_owner_reads(v2: LocalStorage, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    path.chmod(0o644)
    for uri in (v2.put_file(CONTEXT, path), v2.put(CONTEXT, b"y", "b")):
        assert v2.path(uri).stat().st_mode & 0o777 == 0o600


def test_links_are_not_followed_when_stored(v2: LocalStorage, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/etc/hostname")
    with pytest.raises(StorageError):
        v2.put_file(CONTEXT, link)


def test_a_failed_write_leaves_the_old_file_and_no_rest(v2: LocalStorage, tmp_path: Path) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(28, "No space left on device")

    uri = v2.put(CONTEXT, b"old", "a")
    with pytest.raises(StorageError, match="No space left on device"):
        v2.put(CONTEXT, Broken(), "a")  # type: ignore[arg-type]
    assert read(v2, uri) == b"old"
    assert list((tmp_path / "s/.incoming").iterdir()) == []


def test_missing_files(v2: LocalStorage, tmp_path: Path) -> None:
    missing = "kestra:///a/b.txt"
    with pytest.raises(StorageError) as error:
        v2.open(missing)
    assert error.value.message == f"File not found for URI: {missing}"
    with pytest.raises(StorageError) as error:
        LocalStorage(tmp_path / "s", V1).open(missing)
    assert error.value.message == f"{(tmp_path / 's').resolve()}/main/a/b.txt (No such file or directory)"
    assert not v2.exists(missing)
    assert not v2.delete(missing)
    assert v2.delete_by_prefix("kestra:///a") == []
    assert list(v2.list("kestra:///a")) == []


def test_list_info_delete(v2: LocalStorage) -> None:
    for name in ("b/2.txt", "a.txt", "b/c/3 3.txt"):
        v2.put_at(f"kestra:///x/{name.replace(' ', '%20')}", name.encode())
    assert [info.uri for info in v2.list("kestra:///x")] == [
        "kestra:///x/a.txt",
        "kestra:///x/b/2.txt",
        "kestra:///x/b/c/3%203.txt",
    ]
    assert [info.uri for info in v2.list("kestra:///x", recursive=False)] == ["kestra:///x/a.txt"]
    assert v2.info("kestra:///x/b/2.txt").size == 7
    assert not v2.exists("kestra:///x/b")
    with pytest.raises(StorageError, match="Is a directory"):
        v2.open("kestra:///x/b")
    assert v2.delete("kestra:///x/a.txt")
    assert v2.delete_by_prefix("kestra:///x/b") == ["kestra:///x/b/2.txt", "kestra:///x/b/c/3%203.txt"]
    assert list(v2.list("kestra:///x")) == []
    with pytest.raises(StorageError, match="whole internal storage"):
        v2.delete_by_prefix("kestra:///")


def test_a_link_inside_the_storage_leads_nowhere(v2: LocalStorage, tmp_path: Path) -> None:
    v2.put_at("kestra:///x/a", b"1")
    (tmp_path / "s/main/x/link").symlink_to("/etc")
    with pytest.raises(StorageError):
        v2.open("kestra:///x/link/passwd")
    assert [info.uri for info in v2.list("kestra:///x")] == ["kestra:///x/a"]
    v2.delete_by_prefix("kestra:///x")
    assert Path("/etc/passwd").exists()


def test_a_big_file_is_not_held_in_memory(v2: LocalStorage) -> None:
    import tracemalloc

    class Zeros(io.RawIOBase):
        left = 100 * 1024 * 1024

        def read(self, size: int = -1) -> bytes:
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    tracemalloc.start()
    uri = v2.put(CONTEXT, Zeros(), "big")  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert v2.info(uri).size == 100 * 1024 * 1024
    assert peak < 8 * 1024 * 1024


def test_files_carry_the_time_of_the_run(tmp_path: Path) -> None:
    now = dt.datetime(2031, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
    storage = LocalStorage(tmp_path / "s", V2, now=lambda: now)
    local = tmp_path / "local"
    local.write_bytes(b"x")
    for uri in (storage.put(CONTEXT, b"x", "a"), storage.put_file(CONTEXT, local, "b")):
        assert storage.info(uri).modified == now
