"""Amazon Ion, the format of Kestra's rows: text in 1.x, binary in 2.0, both readable by either.

    >>> dumps({"id": 1, "name": "Ada"})
    '{id:1,name:"Ada"}'
    >>> loads('{id:1} {id:2}')
    [{'id': 1}, {'id': 2}]

An own reader and writer because rows are the main job's bulk: amazon.ion reads 37,000 rows a second and writes 150,000;
it stays the oracle of the tests. Facts: storage.md section 2.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from simulator.errors import StorageError
from simulator.storage.ion.binary_reader import iter_binary, iter_raw
from simulator.storage.ion.binary_writer import VERSION_MARKER, stream
from simulator.storage.ion.cells import DIGITS, INTEGERS, TEXT
from simulator.storage.ion.rows import RowWriter, raw_kinds
from simulator.storage.ion.text_reader import iter_line_values, iter_text
from simulator.storage.ion.text_writer import to_text

__all__ = [
    "DIGITS",
    "INTEGERS",
    "TEXT",
    "RowWriter",
    "dump_row",
    "dumps",
    "is_binary",
    "iter_line_values",
    "iter_records",
    "iter_rows",
    "load",
    "loads",
    "raw_kinds",
    "writer",
]


def dumps(value: Any) -> str:
    """One value as Ion text (KV values, `toIon`, task outputs)."""
    return to_text(value)


def dump_row(row: Any, *, binary: bool) -> bytes:
    """One row as stored: a line of text, or a self-contained binary stream. None gives nothing (FileSerde.write)."""
    if row is None:
        return b""
    return stream(row) if binary else (to_text(row) + "\n").encode("utf-8", "replace")


def writer(target: BinaryIO, *, binary: bool) -> RowWriter:
    """A fast writer of rows (see `RowWriter`)."""
    return RowWriter(target, binary=binary)


def is_binary(head: bytes) -> bool:
    """The first bytes of a file are those of binary Ion."""
    return head[:4] == VERSION_MARKER


def iter_rows(source: BinaryIO) -> Iterator[Any]:
    """The values of an Ion (text or binary) or JSON lines stream, one at a time."""
    head = source.read(4)
    if is_binary(head):
        return iter_binary(cast(BinaryIO, _Prefixed(head, source)))
    return _iter_lines(head, source)


def iter_records(source: BinaryIO, *, decode: bool = True) -> Iterator[tuple[Any, bytes]]:
    """Each value of binary Ion with the bytes that keep it: a stream of its own (no value unless `decode`).

    Copying rows this way is much cheaper than writing them anew.
    """
    return iter_raw(source, decode=decode)


def _iter_lines(head: bytes, source: BinaryIO) -> Iterator[Any]:
    text = io.TextIOWrapper(
        io.BufferedReader(_Prefixed(head, source), 1 << 18),
        encoding="utf-8-sig",
        errors="replace",
        newline="\n",
    )
    try:
        yield from iter_text(text)
    finally:
        # The stream belongs to the caller: closing the wrapper must not close it.
        text.detach().detach()


class _Prefixed(io.RawIOBase):
    """A stream whose first bytes have been read already."""

    def __init__(self, head: bytes, source: BinaryIO) -> None:
        self._head = head
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head or self._source.read(len(buffer))
        self._head = data[len(buffer) :]
        data = data[: len(buffer)]
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        if size is None or size < 0:
            head, self._head = self._head, b""
            return head + self._source.read()
        data = self._head or self._source.read(size)
        self._head = data[size:]
        return data[:size]


def loads(data: bytes | str) -> list[Any]:
    """All values of Ion text or binary Ion. Raises StorageError for broken data."""
    if isinstance(data, str):
        return list(iter_text(io.StringIO(data, newline="\n")))
    return list(iter_rows(io.BytesIO(data)))


def load(data: bytes | str) -> Any:
    """The only (or first) value. Raises StorageError when there is none."""
    for value in loads(data):
        return value
    raise StorageError("No content to map due to end-of-input")
