"""Splitting by lines and by records."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.errors import StorageError
from simulator.storage import ion
from simulator.storage.split import extension_of, iter_lines, parse_size, split_file

LINES = b"".join(b"line %d\n" % n for n in range(10))


@pytest.fixture
def new_file(tmp_path: Path) -> Callable[[], Path]:
    count = iter(range(1000))
    return lambda: tmp_path / f"part{next(count)}"


def texts(paths: list[Path]) -> list[str]:
    return [path.read_text() for path in paths]


def test_rows(new_file: Callable[[], Path]) -> None:
    parts = texts(split_file(io.BytesIO(LINES), new_file, rows=4))
    assert [part.count("\n") for part in parts] == [4, 4, 2]
    assert "".join(parts).encode() == LINES


def test_partitions_are_round_robin_and_never_empty(new_file: Callable[[], Path]) -> None:
    parts = texts(split_file(io.BytesIO(LINES), new_file, partitions=3))
    assert parts[0] == "line 0\nline 3\nline 6\nline 9\n"
    assert len(split_file(io.BytesIO(LINES), new_file, partitions=50)) == 10
    assert split_file(io.BytesIO(b""), new_file, partitions=3) == []


def test_bytes(new_file: Callable[[], Path]) -> None:
    parts = texts(split_file(io.BytesIO(LINES), new_file, size="20"))
    assert [part.count("\n") for part in parts] == [3, 3, 3, 1]


def test_separator_is_written_not_read(new_file: Callable[[], Path]) -> None:
    assert texts(split_file(io.BytesIO(b"a\r\nb\nc"), new_file, rows=2, separator=";")) == ["a;b;", "c;"]


def test_pattern(new_file: Callable[[], Path]) -> None:
    source = io.BytesIO(b"[A] 1\n[B] 2\nno\n[A] 3\n")
    assert texts(split_file(source, new_file, pattern=r"\[(\w)\]", rows=1)) == ["[A] 1\n[A] 3\n", "[B] 2\n"]
    with pytest.raises(StorageError, match="no group"):
        split_file(io.BytesIO(LINES), new_file, pattern="x")


def test_records(new_file: Callable[[], Path]) -> None:
    rows = [{"id": n, "t": "a\nb"} for n in range(5)]
    data = b"".join(ion.dump_row(row, binary=True) for row in rows)
    parts = split_file(io.BytesIO(data), new_file, rows=2, records=True)
    assert [ion.loads(path.read_bytes()) for path in parts] == [rows[:2], rows[2:4], rows[4:]]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (False, "Invalid configuration with no size, count, nor rows"),
        (True, "Invalid configuration with no size, count, rows, nor regexPattern"),
    ],
)
def test_nothing_given(new_file: Callable[[], Path], records: bool, message: str) -> None:
    with pytest.raises(StorageError) as error:
        split_file(io.BytesIO(LINES), new_file, records=records)
    assert error.value.message == message


def test_bytes_that_are_no_text_survive(new_file: Callable[[], Path]) -> None:
    [part] = split_file(io.BytesIO(b"\xff\xfe\n"), new_file, rows=5)
    assert part.read_bytes() == b"\xff\xfe\n"
    assert list(iter_lines(io.BytesIO("é\n".encode("latin-1")), "latin-1")) == ["é"]
    with pytest.raises(StorageError, match="Unsupported charset"):
        list(iter_lines(io.BytesIO(b""), "nope"))


def test_sizes_and_extensions() -> None:
    assert [parse_size(text) for text in ("12", "1KB", "10MB", "2gb")] == [
        12,
        1024,
        10 * 1024**2,
        2 * 1024**3,
    ]
    for text in ("many", "2B", "10 MB", "1GiB", ""):
        with pytest.raises(StorageError, match=f"^Invalid size with value '{text}'$"):
            parse_size(text)
    assert [extension_of(uri) for uri in ("kestra:///a.b/c.tar.gz", "kestra:///a.b/c", "x.ion")] == [
        ".gz",
        ".tmp",
        ".ion",
    ]
