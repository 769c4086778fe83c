"""Rows of an Ion file as columns: for conversions that work on thousands of values at once.

Kestra writes a row a line. A block of such lines that all have the flat shape of the first one is cut into cells by one
regular expression, and each column becomes values together: three times faster than row by row. Binary rows of 2.0 likewise
(`binary_columns.py`). Whatever does not fit
(nested rows, escapes, values over many lines) takes the general reader, whose values are the same (tested).
"""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO, cast

from simulator.errors import StorageError
from simulator.plugins.serdes.binary_columns import BinaryShape, row_end
from simulator.storage import ion

__all__ = ["Table", "iter_batches"]

_BLOCK = 1 << 18
_ROWS = 2000
_WIDEST = 60
#: a text without escapes, perhaps annotated; or a bare token
_CELL = r"""((?:[A-Za-z]+::)?"[^"\\\n]*"|[-+0-9A-Za-z_.:]{1,400})"""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: cells of one kind, each with a comma behind it
_INTS = re.compile(r"(?:-?(?:0|[1-9][0-9]{0,17}),)+")
_FLOATS = re.compile(r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?[eE][-+]?[0-9]{1,3},)+")
_TEXT = operator.methodcaller("startswith", '"')
_DECIMALS = re.compile(r"(?:-?(?:0|[1-9][0-9]*)\.[0-9]+,)+")

_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (_INTS, int),
    (_FLOATS, float),
    (_DECIMALS, Decimal),
)


@dataclass(frozen=True, slots=True)
class Table:
    """Some rows of one flat shape: `columns[i]` are the values of `names[i]`."""

    names: tuple[str, ...]
    columns: Sequence[Sequence[Any]]

    @classmethod
    def of(cls, rows: Sequence[Any]) -> Table | None:
        """Records that all have the same keys in the same order; None for others."""
        first = rows[0] if rows else None
        if type(first) is not dict or not first:
            return None
        names = tuple(first)
        if not all(type(row) is dict and tuple(row) == names for row in rows):
            return None
        return cls(names, list(zip(*[row.values() for row in rows])))

    def __len__(self) -> int:
        return len(self.columns[0])

    def rows(self) -> list[dict[str, Any]]:
        """The same as records."""
        names = self.names
        return [dict(zip(names, values)) for values in zip(*self.columns)]


def iter_batches(source: BinaryIO) -> Iterator[Table | list[Any]]:
    """The values of an Ion or JSON lines stream, in order: tables where rows are flat and alike, lists elsewhere.

    Never an empty batch. Raises StorageError for broken data. Memory: one block.
    """
    head = source.read(_BLOCK)
    if head.startswith(b"\xef\xbb\xbf"):
        head = head[3:]
    if ion.is_binary(head):
        yield from _binary(head, source)
        return
    block = head
    pattern: re.Pattern[str] | None = None
    names: tuple[str, ...] = ()
    while block:
        end = block.rfind(b"\n") + 1
        if not end:
            # The last line, or a value that is longer than a block.
            yield from _in_lists(ion.iter_rows(_joined(block, source)))
            return
        lines, rest = block[:end].decode("utf-8", "replace"), block[end:]
        if pattern is None:
            names, pattern = _shape(lines)
        table = _table(names, pattern, lines) if pattern is not None else None
        if table is None:
            values = _alone(lines)
            if values is None:
                # A value goes on behind this block: from here on value by value.
                yield from _in_lists(ion.iter_rows(_joined(block, source)))
                return
            pattern = None
            for start in range(0, len(values), _ROWS):
                yield values[start : start + _ROWS]
        else:
            yield table
        block = rest + source.read(_BLOCK)


def _binary(data: bytes, source: BinaryIO) -> Iterator[Table | list[Any]]:
    """Tables as long as rows come in few shapes; else, and for what is left at the end, value by value."""
    pos = changes = rows = 0
    shape: BinaryShape | None = None
    # A short file is read before an expression for it is made.
    while len(data) >= _BLOCK or shape is not None:
        if shape is not None:
            columns, pos = shape.read(data, pos)
            if columns:
                table = Table(shape.names, columns)
                rows += len(table)
                yield table
        more = source.read(_BLOCK) if len(data) - pos < _BLOCK else b""
        data, pos = data[pos:] + more, 0
        if not more and len(data) < _BLOCK:
            break
        if shape is None or shape.pattern.match(data) is None:
            changes += 1
            if changes > 8 and rows < changes * _ROWS:
                break
            try:
                end = row_end(data, 0)
            except IndexError:
                break
            shape = BinaryShape.of(data[:end])
            if shape is None:
                break
    if data:
        yield from _in_lists(ion.iter_rows(_joined(data, source)))


def _in_lists(values: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(itertools.islice(values, _ROWS)):
        yield batch


def _joined(head: bytes, source: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, _Joined(head, source))


class _Joined:
    """A stream whose beginning has been read already."""

    def __init__(self, head: bytes, source: BinaryIO) -> None:
        self._head = head
        self._source = source

    def read(self, size: int = -1) -> bytes:
        if not self._head:
            return self._source.read(size)
        if size is None or size < 0:
            data, self._head = self._head + self._source.read(), b""
            return data
        data, self._head = self._head[:size], self._head[size:]
        return data


def _alone(lines: str) -> list[Any] | None:
    """The values of a block; None when its last one goes on."""
    try:
        return ion.loads(lines)
    except StorageError:
        return None


def _shape(lines: str) -> tuple[tuple[str, ...], re.Pattern[str] | None]:
    """The columns of a block's first line, and the expression that cuts such lines into cells."""
    first = lines[: lines.find("\n") + 1]
    if not first.startswith("{"):
        return (), None
    try:
        values = ion.loads(first)
    except StorageError:
        return (), None
    row = values[0] if len(values) == 1 else None
    if type(row) is not dict or not 0 < len(row) <= _WIDEST or not all(map(_NAME.fullmatch, row)):
        return (), None
    body = r",\s?".join(rf'(?:{name}|"{name}"):[ ]?{_CELL}' for name in row)
    pattern = re.compile(rf"^\{{{body}\}}[ \r]*\n", re.MULTILINE)
    return tuple(row), pattern if pattern.fullmatch(first) else None


def _table(names: tuple[str, ...], pattern: re.Pattern[str], lines: str) -> Table | None:
    """The block as a table; None unless every line is of the shape."""
    cells = pattern.findall(lines)
    if len(cells) != lines.count("\n") or not lines.endswith("\n"):
        return None
    if len(names) == 1:
        return Table(names, [_column(cells)])
    return Table(names, [_column(column) for column in zip(*cells)])


def _column(cells: Sequence[str]) -> Sequence[Any]:
    """The values of some cells. Most columns hold one kind, which one look at all of them tells."""
    first = cells[0]
    if first[0] == '"' and all(map(_TEXT, cells)):
        return [cell[1:-1] for cell in cells]
    if first[0] in "-0123456789":
        joined = ",".join(cells) + ","
        for pattern, number in _NUMBERS:
            if pattern.fullmatch(joined):
                return list(map(number, cells))
    known: dict[str, Any] = {"null": None, "true": True, "false": False}
    values: list[Any] = []
    for cell in cells:
        if cell[0] == '"':
            values.append(cell[1:-1])
        elif cell in known:
            values.append(known[cell])
        else:
            value = ion.load(cell)
            if len(known) < _ROWS:
                known[cell] = value
            values.append(value)
    return values
