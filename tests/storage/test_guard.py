"""The path guard: nothing that a flow can write leads out of a root."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.errors import StorageError
from simulator.storage import guard

PARENT = "File should be accessed with their full path and not using relative '..' path."


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (None, "Invalid internal storage uri, got null"),
        ("/a/b", "Invalid internal storage uri, got uri '/a/b'"),
        ("", "Invalid internal storage uri, got uri ''"),
        ("s3://b/k", "Invalid internal storage scheme, got uri 's3://b/k'"),
        ("kestra://host/x", "Invalid internal storage uri, got uri 'kestra://host/x'"),
        ("kestra:///a/../b", PARENT),
        ("kestra:///..", PARENT),
        ("kestra:///a/%2e%2e/b", PARENT),
        ("kestra:///a/%252e%252e/b", PARENT),
        ("kestra:///a/..%2Fb", PARENT),
        ("kestra:///a\\..\\b", PARENT),
        ("kestra:///a%5c..%5cb", PARENT),
        ("kestra:///a b", "Illegal character in path at index 11: kestra:///a b"),
        ("kestra:///a%zz", "Malformed escape pair at index 11: kestra:///a%zz"),
        ("kestra:///a%00b", "Invalid path: '/a<NUL>b'"),
    ],
)
def test_refused_uris(uri: str | None, message: str) -> None:
    with pytest.raises(StorageError) as error:
        guard.segments(uri)
    assert error.value.message == message


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("kestra:///a/b.txt", ("a", "b.txt")),
        ("kestra:/a//./b", ("a", "b")),
        ("kestra:///a%20b/c%2Fd", ("a b", "c", "d")),
        ("kestra:///..a/b..", ("..a", "b..")),
        ("kestra:///é?x=1#y", ("é",)),
    ],
)
def test_accepted_uris(uri: str, parts: tuple[str, ...]) -> None:
    assert guard.segments(uri) == parts


NASTY = st.lists(
    st.sampled_from(
        ["..", ".", "/", "\\", "%2e", "%2E%2e", "%2f", "%5c", "%00", "\0", "a", "etc", "~", "C:", " ", "link"]
    ),
    max_size=12,
).map("".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NASTY)
def test_no_uri_leaves_the_root(tmp_path: Path, text: str) -> None:
    root = (tmp_path / "root").resolve()
    root.mkdir(exist_ok=True)
    link = root / "link"
    if not link.is_symlink():
        link.symlink_to("/etc")
    for uri in (f"kestra:///{text}", f"kestra:{text}", f"kestra:///{quote(text)}"):
        try:
            path = guard.inside(root, guard.segments(uri))
        except StorageError:
            continue
        assert path.resolve() == root or root in path.resolve().parents


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NASTY)
def test_no_relative_path_leaves_the_working_directory(tmp_path: Path, text: str) -> None:
    root = (tmp_path / "work").resolve()
    root.mkdir(exist_ok=True)
    link = root / "link"
    if not link.is_symlink():
        link.symlink_to(tmp_path)
    try:
        path = guard.relative_inside(root, text)
    except StorageError as error:
        assert error.message == guard.ESCAPE
        return
    assert path.resolve() == root or root in path.resolve().parents


def test_links_that_leave_the_root_are_refused(tmp_path: Path) -> None:
    root = (tmp_path / "root").resolve()
    root.mkdir()
    (tmp_path / "secret").write_text("x")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "loop").symlink_to(root / "loop")
    for name in ("out", "loop"):
        with pytest.raises(StorageError):
            guard.inside(root, (name,))
            (root / name).resolve(strict=True)


def test_local_files_only_below_allowed_roots(tmp_path: Path) -> None:
    root = tmp_path / "ok"
    root.mkdir()
    (root / "a").write_text("x")
    (root / "b").symlink_to("/etc/passwd")
    assert guard.open_path(root / "a", (root,)) == (root / "a").resolve()
    for path in (root / "b", root / ".." / "x", Path("/etc/passwd")):
        with pytest.raises(StorageError, match=r"^The path .* is not authorized\. Only files inside"):
            guard.open_path(path, (root,))


def test_namespace_folders() -> None:
    assert guard.namespace_path("company.team") == "company/team"
    for bad in ("", "a..b", "a/b", "../x", ".a", "a b"):
        with pytest.raises(StorageError, match="Invalid namespace"):
            guard.namespace_path(bad)


@pytest.mark.parametrize(
    ("path", "expected"), [("/a/b", "a/b"), ("./a", "a"), ("a//b/", "a/b"), ("/", ""), ("a\\b", "a/b")]
)
def test_namespace_file_paths(path: str, expected: str) -> None:
    assert guard.normalize(path) == expected
