"""Batches of rows as binary Ion, column by column: the bytes are those of `stream` (tested).

Each row is a stream of its own, as Kestra 2.0 writes them (storage.md 2.1): version marker, symbol table, struct.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterable, Sequence
from operator import add
from typing import Any

from simulator.storage.ion.binary_writer import VERSION_MARKER, Symbols, encode, encode_int, stream, varuint
from simulator.storage.ion.cells import DIGITS, INTEGERS, TEXT, Frame, Table, python_values, utf8

__all__ = ["binary_rows"]

_STRING = 0x80
_STRUCT = 0xD0
_POSITIVE = 0x20
_NULL = b"\x0f"

#: A piece of every row: the same bytes in each, or one for each.
_Piece = bytes | Sequence[bytes]
#: A length for each row, as bytes when none has more than 255.
_Lengths = bytes | Sequence[int]
#: How long a cell is: the same in every row, or one for each.
_Sizes = int | _Lengths


def binary_rows(
    columns: Sequence[str], cells: Sequence[Sequence[Any]], kinds: Sequence[str | None], frame: Frame
) -> bytes:
    """A stream per row. `cells`: a sequence per column, all of one length; `kinds`: what each holds (see `cells`)."""
    count = len(cells[0])
    start, fields = _layout(tuple(columns))
    symbols = _symbols(columns)
    known = symbols.table()
    parts: list[_Piece] = [b""]
    fixed = 0
    changing: list[_Lengths] = []
    for field, values, kind in zip(fields, cells, kinds):
        head, body, sizes = _column(field, values, kind, symbols)
        parts += (head, body)
        fixed += len(field)
        if isinstance(sizes, int):
            fixed += sizes
        else:
            changing.append(sizes)
    if symbols.table() != known:
        # Annotations or inner structs brought names of their own: each row gets the table it really needs.
        plain = [python_values(values, kind) for values, kind in zip(cells, kinds)]
        return b"".join([stream(dict(zip(columns, row))) for row in zip(*plain)])
    lead = parts.pop(1) if isinstance(parts[1], bytes) else b""
    heads = _struct_heads(start, fixed, lead)
    parts[0] = heads.look(_sums(changing, count)) if changing else heads.look([0])[0]
    return frame.join(parts, count, b"")


def _symbols(columns: Sequence[str]) -> Symbols:
    symbols = Symbols()
    for name in columns:
        symbols.id(name)
    return symbols


@functools.lru_cache(maxsize=64)
def _layout(columns: tuple[str, ...]) -> tuple[bytes, list[bytes]]:
    """What every row begins with, and each column's field name."""
    symbols = _symbols(columns)
    return VERSION_MARKER + symbols.table(), [varuint(symbols.id(name)) for name in columns]


def _head(kind: int, size: int) -> bytes:
    return bytes((kind | size,)) if size < 14 else bytes((kind | 14,)) + varuint(size)


@functools.lru_cache(maxsize=64)
def _struct_heads(start: bytes, fixed: int, lead: bytes) -> Table:
    """`start`, the head of a struct whose body has `fixed` bytes and as many again as the key says, and `lead`."""
    return Table(lambda size: start + _head(_STRUCT, fixed + size) + lead)


@functools.lru_cache(maxsize=256)
def _heads(field: bytes, kind: int) -> Table:
    """Field name and head of a value of so many bytes."""
    return Table(lambda size: field + _head(kind, size))


#: Bytes of a value with its head, by those of its body; and the same for short ones, 255 where that is no answer.
_WHOLE = Table(lambda size: size + len(_head(_STRING, size)))
_SHORT = bytes(min(255, size + len(_head(_STRING, size))) for size in range(256))
_SMALL = Table(encode_int, limit=1 << 16)


def _lengths(cells: Sequence[bytes]) -> _Lengths:
    """Raises TypeError when there is None among the cells."""
    try:
        return bytes(map(len, cells))
    except ValueError:
        return list(map(len, cells))


def _with_heads(lengths: _Lengths) -> _Lengths:
    if isinstance(lengths, bytes):
        sizes = lengths.translate(_SHORT)
        if 255 not in sizes:
            return sizes
    return _WHOLE.look(lengths)


def _sums(columns: Sequence[_Lengths], count: int) -> Sequence[int]:
    """The sum of each row. Short lengths are added for all rows at once: as one number of two bytes a row."""
    total = short = 0
    others = []
    for lengths in columns:
        if isinstance(lengths, bytes) and short < 256:  # more of them could overflow
            short += 1
            wide = bytearray(2 * count)
            wide[::2] = lengths
            total += int.from_bytes(wide, "little")
        else:
            others.append(lengths)
    sums: Iterable[int] = struct.unpack(f"<{count}H", total.to_bytes(2 * count, "little"))
    for lengths in others:
        sums = map(add, sums, lengths)
    return list(sums)


def _column(
    field: bytes, values: Sequence[Any], kind: str | None, symbols: Symbols
) -> tuple[_Piece, Sequence[bytes], _Sizes]:
    """Field name with the head (as far as it stands outside the cell), the cells, and bytes of head and cell."""
    if kind == INTEGERS:
        return _numbers(field, values, symbols)
    if kind == DIGITS:
        values = python_values(values, kind)
    if kind != TEXT:
        kinds = {*map(type, values)}
        if kinds == {int}:
            return _numbers(field, values, symbols)
        if kinds == {str}:
            values = utf8(values)
        elif kinds == {str, type(None)}:
            values = [None if value is None else value.encode("utf-8", "replace") for value in values]
        else:
            return _whole(field, [encode(value, symbols) for value in values])
    try:
        lengths = _lengths(values)
    except TypeError:
        return _whole(field, [_NULL if v is None else _head(_STRING, len(v)) + v for v in values])
    return _heads(field, _STRING).look(lengths), values, _with_heads(lengths)


def _whole(field: bytes, cells: Sequence[bytes]) -> tuple[_Piece, Sequence[bytes], _Sizes]:
    return field, cells, _lengths(cells)


def _numbers(field: bytes, values: Sequence[int], symbols: Symbols) -> tuple[_Piece, Sequence[bytes], _Sizes]:
    count = len(values)
    try:
        full, packed = _packed(values)
    except struct.error:  # a negative one, None, or more than eight bytes
        return _whole(field, [encode(value, symbols) for value in values])
    # The bytes of all numbers at one place: where the first of them begins, and whether all begin there.
    zeros = next((place for place in range(full) if packed[place::full].strip(b"\0")), full)
    width = full - zeros
    if width and 0 not in packed[zeros::full]:
        return field + _head(_POSITIVE, width), _cutter(full, width, count)(packed), width + 1
    if width <= 2:
        return _whole(field, _SMALL.look(values))
    bodies = [body.lstrip(b"\0") for body in _cutter(full, width, count)(packed)]
    lengths = _lengths(bodies)
    return _heads(field, _POSITIVE).look(lengths), bodies, _with_heads(lengths)


def _packed(values: Sequence[int]) -> tuple[int, bytes]:
    """All numbers in four or eight bytes each, and which. Raises struct.error when one needs more."""
    try:
        return 4, struct.pack(f">{len(values)}I", *values)
    except struct.error:
        return 8, struct.pack(f">{len(values)}Q", *values)


@functools.lru_cache(maxsize=32)
def _cutter(full: int, width: int, count: int) -> Callable[[bytes], tuple[bytes, ...]]:
    """Takes the last `width` of every `full` bytes."""
    return struct.Struct(f"{full - width}x{width}s" * count).unpack
