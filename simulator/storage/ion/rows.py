"""Rows on their way into a file: gathered into batches of the same columns, written column by column.

The batches are encoded by `text_rows` and `binary_rows`; rows of other shapes go through the general writers. Both ways
give the same bytes (tested).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, BinaryIO

from simulator.storage.ion.binary_rows import binary_rows
from simulator.storage.ion.binary_writer import VERSION_MARKER, stream
from simulator.storage.ion.cells import DIGITS, INTEGERS, TEXT, Frame
from simulator.storage.ion.text_rows import text_rows
from simulator.storage.ion.text_writer import to_text

__all__ = ["RowWriter", "raw_kinds"]

_BATCH = 2000


def raw_kinds(*, binary: bool) -> tuple[str, ...]:
    """The kinds of cells that cost less as they come from a wire than as Python values."""
    return (TEXT, INTEGERS) if binary else (TEXT, DIGITS)


class RowWriter:
    """Writes rows to a binary stream, buffered; `flush` (or leaving the `with` block) writes what is left.

    `binary` as in `Dialect.binary_ion`. `count` is the number of rows written. A None row writes nothing (FileSerde).
    The stream is not closed.
    """

    def __init__(self, target: BinaryIO, *, binary: bool) -> None:
        self._target = target
        self._binary = binary
        self._columns: tuple[str, ...] = ()
        self._pending: list[Sequence[Any]] = []
        self._frame = Frame()
        self.count = 0

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self.flush()

    def write(self, row: Any) -> None:
        """One row, usually a mapping."""
        if row is None:
            return
        if type(row) is dict:
            columns = tuple(row)
            if columns != self._columns:
                self.flush()
                self._columns = columns
            self._pending.append(tuple(row.values()))
            if len(self._pending) >= _BATCH:
                self.flush()
            return
        self.flush()
        self.count += 1
        self._target.write(stream(row) if self._binary else (to_text(row) + "\n").encode("utf-8", "replace"))

    def write_all(self, rows: Iterable[Any]) -> int:
        """All rows; the number of rows written so far."""
        for row in rows:
            self.write(row)
        self.flush()
        return self.count

    def write_rows(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        kinds: Sequence[str | None] | None = None,
    ) -> None:
        """A batch of rows as tuples in the order of `columns` (the fastest way; batches of some thousand).

        `kinds`: for each column None (Python values), or TEXT, DIGITS (bytes or None) or INTEGERS of `cells`.
        """
        self.flush()
        if not rows:
            return
        self.count += len(rows)
        if not columns:
            self._target.write((VERSION_MARKER + b"\xd0" if self._binary else b"{}\n") * len(rows))
            return
        width = len(columns)
        flat = list(chain.from_iterable(rows))
        assert len(flat) == width * len(rows), "a row has another number of columns"
        cells = [flat[index::width] for index in range(width)]
        encode_rows = binary_rows if self._binary else text_rows
        self._target.write(encode_rows(columns, cells, kinds or (None,) * width, self._frame))

    def flush(self) -> None:
        if self._pending:
            rows, self._pending = self._pending, []
            self.write_rows(self._columns, rows)
