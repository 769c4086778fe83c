"""Binary Ion rows cut into cells by one regular expression, for `columns.py`.

Each row of Kestra 2.0 is a stream of its own: version marker, symbol table, struct. Rows of one shape begin with the same
bytes and have the same field ids in the same order, and the length of a scalar is in its first byte, so an expression made
from the first row cuts those that follow. Each match is checked against the struct's own length.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulator.errors import StorageError
from simulator.storage import ion

__all__ = ["BinaryShape", "row_end"]

_MARKER = b"\xe0\x01\x00\xea"
_WIDEST = 30
_KNOWN = 2000
#: types whose length is what the first byte says: numbers, timestamps, texts, lobs, annotated values
_SCALARS = (2, 3, 4, 5, 6, 8, 9, 10, 14)


def _class(codes: Sequence[int]) -> bytes:
    return b"[" + b"".join(b"\\x%02x" % code for code in codes) + b"]"


def _cell() -> bytes:
    choices = [_class([high << 4 | low for high in _SCALARS]) + b".{%d}" % low for low in range(14)]
    longer = b"|".join(b"\\x%02x.{%d}" % (0x80 | size, size) for size in range(14, 128))
    choices.append(_class([high << 4 | 14 for high in _SCALARS]) + b"(?:" + longer + b")")
    choices.append(_class([0x10, 0x11, *[high << 4 | 15 for high in range(15)]]))
    return b"(" + b"|".join(choices) + b")"


def _varuint(data: bytes, pos: int) -> tuple[int, int]:
    """Raises IndexError when it is cut."""
    value = 0
    while True:
        byte = data[pos]
        pos += 1
        value = value << 7 | byte & 0x7F
        if byte & 0x80:
            return value, pos


def _extent(data: bytes, pos: int) -> tuple[int, int]:
    """Start and end of the body of the value at `pos`. Raises IndexError when it is cut."""
    low = data[pos] & 15
    if low == 15 or data[pos] >> 4 == 1:
        return pos + 1, pos + 1
    if low == 14 or data[pos] == 0xD1:
        size, start = _varuint(data, pos + 1)
        return start, start + size
    return pos + 1, pos + 1 + low


def row_end(data: bytes, pos: int) -> int:
    """The end of a row that begins at `pos` with its version marker; IndexError when it is cut or none."""
    if data[pos : pos + 4] != _MARKER:
        raise IndexError
    pos += 4
    while True:
        high = data[pos] >> 4
        end = _extent(data, pos)[1]
        if end > len(data):
            raise IndexError
        if high != 14:
            return end
        pos = end


@dataclass(frozen=True, slots=True)
class BinaryShape:
    """Rows of one flat shape."""

    names: tuple[str, ...]
    prefix: bytes
    """Version marker and symbol table"""
    pattern: re.Pattern[bytes]

    @classmethod
    def of(cls, row: bytes) -> BinaryShape | None:
        """The shape of a row (its bytes from marker to end); None when it has none that is worth it."""
        try:
            value = ion.load(row)
            start = 4
            while row[start] >> 4 == 14:
                start = _extent(row, start)[1]
            ids: list[bytes] = []
            pos, end = _extent(row, start)
            while pos < end:
                behind = _varuint(row, pos)[1]
                ids.append(row[pos:behind])
                pos = _extent(row, behind)[1]
        except (StorageError, IndexError):
            return None
        if row[start] >> 4 != 13 or not isinstance(value, dict) or not 0 < len(ids) <= _WIDEST:
            return None
        if len(ids) != len(value):
            return None
        cell = _cell()
        body = b"".join(re.escape(field) + cell for field in ids)
        head = b"(\\xde[\\x00-\\x7f]*[\\x80-\\xff]|[\\xd2-\\xdd])"
        pattern = re.compile(
            re.escape(row[:start]) + head + body + b"(?=" + re.escape(_MARKER) + b")", re.DOTALL
        )
        return cls(tuple(value), row[:start], pattern)

    def read(self, data: bytes, pos: int) -> tuple[list[Sequence[Any]], int]:
        """The columns of the rows of this shape from `pos` on, and the position behind them (`pos`: there are none)."""
        matches = list(iter(self.pattern.scanner(data, pos).match, None))  # type: ignore[attr-defined]
        groups = [match.groups() for match in matches]
        lengths = {head: _body_length(head) for head in {group[0] for group in groups}}
        for index, match in enumerate(matches):
            if match.end() - match.end(1) != lengths[groups[index][0]]:
                del matches[index:], groups[index:]
                break
        if not matches:
            return [], pos
        columns = list(zip(*groups))[1:]
        return [self._column(cells) for cells in columns], matches[-1].end()

    def _column(self, cells: Sequence[bytes]) -> Sequence[Any]:
        firsts = {cell[0] for cell in cells}
        kind = min(firsts) >> 4
        if max(firsts) >> 4 == kind and not any(first & 15 == 15 for first in firsts):
            short = all(first & 15 < 14 for first in firsts)
            if kind == 8 and short:
                return [cell[1:].decode("utf-8", "replace") for cell in cells]
            if kind == 8:
                return [cell[1 if cell[0] < 0x8E else 2 :].decode("utf-8", "replace") for cell in cells]
            if kind == 2 and short:
                number = int.from_bytes
                return [number(cell[1:], "big") for cell in cells]
            if firsts == {0x48}:
                return struct.unpack(f">{len(cells)}d", b"".join([cell[1:] for cell in cells]))
        known: dict[bytes, Any] = {b"\x10": False, b"\x11": True}
        return [self._value(cell, known) for cell in cells]

    def _value(self, cell: bytes, known: dict[bytes, Any]) -> Any:
        first = cell[0]
        if first & 15 == 15:
            return None
        if 0x80 <= first < 0x8E:
            return cell[1:].decode("utf-8", "replace")
        if 0x20 <= first < 0x2E:
            return int.from_bytes(cell[1:], "big")
        if cell in known:
            return known[cell]
        value = ion.load(self.prefix + cell)
        if len(known) < _KNOWN:
            known[cell] = value
        return value


def _body_length(head: bytes) -> int:
    return head[0] & 15 if len(head) == 1 else _varuint(head, 1)[0]
