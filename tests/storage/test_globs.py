"""Globs as Java matches them."""

from pathlib import Path

import pytest

from simulator.errors import StorageError
from simulator.storage.globs import glob_regex, match_working_dir, namespace_matcher, wildcard_regex


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
