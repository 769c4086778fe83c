"""Splitting and walking files by lines or by Ion records (storage.md 8): storage.Split, ForEachItem.

Text is handled by lines, whatever is in them; in 2.0 a binary Ion file by records. Constant memory.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from simulator.errors import StorageError
from simulator.storage import ion

__all__ = ["extension_of", "iter_lines", "parse_size", "split_file"]

_SIZE = re.compile(r"(\d+)(?:([KMG])B)?", re.IGNORECASE)
_UNITS = {"": 0, "K": 1, "M": 2, "G": 3}


def parse_size(text: str) -> int:
    """A human size in bytes: `10MB`, `512`, `1KB` (units of 1024; Kestra reads no others)."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise StorageError(f"Invalid size with value '{text}'")
    return int(match[1]) << (10 * _UNITS[(match[2] or "").upper()])


def extension_of(uri: str) -> str:
    """The text from the last `.` of the path on, `.tmp` when there is none."""
    path = uri.partition("?")[0]
    at = path.rfind(".")
    return path[at:] if at > path.rfind("/") else ".tmp"


def iter_lines(source: BinaryIO, encoding: str = "utf-8") -> Iterator[str]:
    """The lines without their ends (LF, CR LF, CR); bytes that are no UTF-8 survive a round trip."""
    errors = "surrogateescape" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else "replace"
    try:
        text = io.TextIOWrapper(source, encoding=encoding, errors=errors, newline=None)
    except LookupError:
        raise StorageError(f"Unsupported charset: {encoding}") from None
    try:
        for line in text:
            yield line.removesuffix("\n")
    finally:
        text.detach()


def _records(source: BinaryIO, separator: str, binary: bool, with_text: bool) -> Iterator[tuple[bytes, str]]:
    """What one row adds to a part, and (for a pattern) its text."""
    if binary:
        for row, data in ion.iter_records(source, decode=with_text):
            yield data, ion.dumps(row) if with_text else ""
        return
    end = separator.encode()
    for line in iter_lines(source):
        yield line.encode("utf-8", "surrogateescape") + end, line


class _Parts:
    """Part files in the order of their making; each is opened once and closed by the stack."""

    def __init__(self, new_file: Callable[[], Path], stack: ExitStack) -> None:
        self._new_file = new_file
        self._stack = stack
        self.paths: list[Path] = []

    def open(self) -> BinaryIO:
        path = self._new_file()
        self.paths.append(path)
        return self._stack.enter_context(path.open("wb"))


def split_file(
    source: BinaryIO,
    new_file: Callable[[], Path],
    *,
    size: str | None = None,
    partitions: int | None = None,
    rows: int | None = None,
    separator: str = "\n",
    pattern: str | None = None,
    records: bool = False,
) -> list[Path]:
    """The parts of a file, none of them empty.

    The first that is given decides: `pattern` (one part per value of the first group, other lines fall away), `size` (a
    new part once this one has reached it), `partitions` (round robin), `rows`. `records`: binary Ion is split by record
    (2.0). Raises StorageError with Kestra's text when none is given.
    """
    buffered = io.BufferedReader(_Raw(source), 1 << 18)
    binary = records and ion.is_binary(buffered.peek(4)[:4])
    lines = _records(buffered, separator, binary, pattern is not None)
    with ExitStack() as stack:
        parts = _Parts(new_file, stack)
        if pattern is not None:
            _by_pattern(lines, parts, pattern)
        elif size is not None:
            _by_size(lines, parts, parse_size(size))
        elif partitions is not None:
            _round_robin(lines, parts, partitions)
        elif rows is not None:
            _by_count(lines, parts, rows)
        else:
            names = "rows, nor regexPattern" if records else "nor rows"
            raise StorageError(f"Invalid configuration with no size, count, {names}")
        return parts.paths


class _Raw(io.RawIOBase):
    """A stream as a raw one, so that it can be buffered and looked into."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _by_pattern(lines: Iterator[tuple[bytes, str]], parts: _Parts, pattern: str) -> None:
    import regex

    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise StorageError(f"Invalid regexPattern '{pattern}': {error}") from None
    if compiled.groups < 1:
        raise StorageError(f"Invalid regexPattern '{pattern}': it has no group")
    files: dict[str, BinaryIO] = {}
    for data, text in lines:
        match = compiled.search(text, timeout=10)
        if match is None or match[1] is None:
            continue
        if match[1] not in files:
            files[match[1]] = parts.open()
        files[match[1]].write(data)


def _by_size(lines: Iterator[tuple[bytes, str]], parts: _Parts, size: int) -> None:
    current: BinaryIO | None = None
    written = 0
    for data, _ in lines:
        if current is None or written >= size:
            if current is not None:
                current.close()
            current, written = parts.open(), 0
        current.write(data)
        written += len(data)


def _by_count(lines: Iterator[tuple[bytes, str]], parts: _Parts, rows: int) -> None:
    if rows < 1:
        raise StorageError("rows: must be greater than or equal to 1")
    current: BinaryIO | None = None
    for number, (data, _) in enumerate(lines):
        if number % rows == 0:
            if current is not None:
                current.close()
            current = parts.open()
        assert current is not None
        current.write(data)


def _round_robin(lines: Iterator[tuple[bytes, str]], parts: _Parts, partitions: int) -> None:
    if partitions < 1:
        raise StorageError("partitions: must be greater than or equal to 1")
    files: list[BinaryIO] = []
    for number, (data, _) in enumerate(lines):
        if number < partitions:
            files.append(parts.open())
        files[number % partitions].write(data)
