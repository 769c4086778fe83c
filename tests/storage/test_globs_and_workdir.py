"""Globs as Java matches them, and the files of a working directory."""

import random
from pathlib import Path

import pytest

from simulator.dialect import V2
from simulator.errors import StorageError
from simulator.storage import workdir
from simulator.storage.globs import glob_regex, match_working_dir, namespace_matcher, wildcard_regex
from simulator.storage.local import LocalStorage
from simulator.storage.namespace_files import LocalNamespaceFiles


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("*.txt", ["a.txt", ".txt"], ["a/b.txt", "a.txtx"]),
        ("**.txt", ["a.txt", "a/b.txt"], ["a.csv"]),
        ("**/x", ["a/x", "a/b/x"], ["x"]),
        ("a?c", ["abc"], ["a/c", "ac"]),
        ("{a,b}.{txt,csv}", ["a.csv", "b.txt"], ["c.txt"]),
        ("[a-c].x", ["b.x"], ["d.x", "/.x"]),
        ("[!a].x", ["b.x"], ["a.x", "/.x"]),
        (r"a\*b", ["a*b"], ["axb"]),
        ("a+b(c)$", ["a+b(c)$"], ["aab(c)$"]),
    ],
)
def test_globs(glob: str, yes: list[str], no: list[str]) -> None:
    pattern = glob_regex(glob)
    assert all(pattern.fullmatch(text) for text in yes)
    assert not any(pattern.fullmatch(text) for text in no)


@pytest.mark.parametrize("glob", ["{a,{b}}", "{a", "[a", "a\\"])
def test_broken_globs(glob: str) -> None:
    with pytest.raises(StorageError):
        glob_regex(glob)


def test_namespace_patterns() -> None:
    sql = namespace_matcher(["a.sql", "/dir/**"], ["**/old/**"])
    assert sql("a.sql")
    assert sql("x/y/a.sql")
    assert sql("dir/z")
    assert not sql("b.sql")
    assert not sql("dir/old/z")
    assert namespace_matcher()("anything")
    assert wildcard_regex("a*?").fullmatch("a.bc")


def test_working_dir_patterns_skip_links(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name in ("a.txt", "d/b.txt", "c.csv"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link.txt").symlink_to("/etc/hostname")
    (tmp_path / "etc").symlink_to("/etc")

    def found(*patterns: str) -> list[str]:
        return [path.relative_to(tmp_path).as_posix() for path in match_working_dir(tmp_path, patterns)]

    assert found("*.txt") == ["a.txt"]
    assert found("**.txt") == ["a.txt", "d/b.txt"]
    assert found("/c.csv", "d/*") == ["c.csv", "d/b.txt"]
    assert found("regex:.*csv") == ["c.csv"]
    assert found() == []


def test_input_files(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "s", V2)
    storage.put_at("kestra:///x/y", b"stored")
    root = tmp_path / "w"
    root.mkdir()
    files = workdir.parse_input_files('{"a/b.txt": "text", "c": "kestra:///x/y", "n": null, "d": 12}')
    workdir.write_input_files(root, files, storage.open)
    assert (root / "a/b.txt").read_text() == "text"
    assert (root / "c").read_text() == "stored"
    assert (root / "d").read_text() == "12"
    assert not (root / "n").exists()
    with pytest.raises(StorageError, match="^The path to resolve must be a relative path inside"):
        workdir.write_input_files(root, {"../x": "1"}, storage.open)
    with pytest.raises(
        StorageError, match="^Invalid `files` properties with type 'class java.util.ArrayList'$"
    ):
        workdir.parse_input_files(["a"])


def test_output_files(tmp_path: Path) -> None:
    root = tmp_path / "w"
    (root / "d").mkdir(parents=True)
    (root / "d/a.txt").write_text("1")
    stored = workdir.collect_output_files(root, ["**.txt"], lambda path, name: name)
    assert list(stored) == ["d/a.txt"]
    assert stored["d/a.txt"].endswith("-a.txt")


def test_namespace_files_into_the_working_dir(tmp_path: Path) -> None:
    store = LocalNamespaceFiles(LocalStorage(tmp_path / "s", V2), V2)
    store.put_all("a", {"x.sql": b"a", "d/y.sql": b"a"})
    store.put("b", "x.sql", b"b")
    root = tmp_path / "w"
    root.mkdir()
    logs: list[tuple[str, str]] = []
    assert workdir.load_namespace_files(root, store, ["a", "b"], log=lambda *entry: logs.append(entry)) == 3
    assert (root / "x.sql").read_bytes() == b"b"
    assert [level for level, _ in logs] == ["INFO"]
    with pytest.raises(StorageError, match="already exist$"):
        workdir.load_namespace_files(root, store, ["a"], if_exists="FAIL")
    assert workdir.load_namespace_files(root, store, ["a"], if_exists="WARN", log=lambda *e: None) == 0
    assert workdir.load_namespace_files(root, store, ["a"], include=["y.sql"], folder_per_namespace=True) == 1
    assert (root / "a/d/y.sql").exists()


def test_temp_files(tmp_path: Path) -> None:
    first = workdir.make_temp_file(tmp_path, random.Random(1), ".ion")
    second = workdir.make_temp_file(tmp_path, random.Random(1), ".ion")
    assert first != second
    assert first.suffix == ".ion"
    assert first.stat().st_mode & 0o777 == 0o600
