"""Files of rows in a dialect's format: Ion text lines in 1.x, binary Ion in 2.0; the reader takes either, and JSON lines.

with path.open("wb") as target, row_writer(target, dialect) as rows:
    rows.write({"id": 1})
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from simulator.dialect import Dialect
from simulator.storage import ion

__all__ = ["raw_kinds", "read_rows", "row_writer", "write_rows"]


def row_writer(target: BinaryIO, dialect: Dialect) -> ion.RowWriter:
    """A writer of rows (FileSerde.write); use it as a context manager, it does not close `target`."""
    return ion.writer(target, binary=dialect.binary_ion)


def raw_kinds(dialect: Dialect) -> tuple[str, ...]:
    """The kinds of cells that a writer of rows takes as bytes, for less than Python values."""
    return ion.raw_kinds(binary=dialect.binary_ion)


def write_rows(target: BinaryIO, rows: Iterable[Any], dialect: Dialect) -> int:
    """Writes all rows; how many."""
    with row_writer(target, dialect) as writer:
        writer.write_all(rows)
    return writer.count


def read_rows(source: BinaryIO) -> Iterator[Any]:
    """The rows of a stored file, one at a time."""
    return ion.iter_rows(source)
