"""Rows of known columns at full speed: a batch is looked at column by column, then written through one template.

A column of whole numbers or of plain strings costs nothing per value but the template itself; anything else is turned
into text (or bytes) first by the general writers, so that both ways give the same bytes (tested).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, BinaryIO

from simulator.storage.ion.binary_writer import (
    VERSION_MARKER,
    Symbols,
    encode,
    encode_int,
    stream,
    tagged,
    varuint,
)
from simulator.storage.ion.text_writer import field_name, float_text, to_text

__all__ = ["RowWriter"]

_BATCH = 2000
_Lines = Callable[[Iterable[Any]], list[str]]


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

    def write_rows(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A batch of rows as tuples in the order of `columns` (the fastest way; batches of some thousand)."""
        self.flush()
        if not rows:
            return
        names = tuple(columns)
        encode_rows = _binary_rows if self._binary else _text_rows
        self._target.write(encode_rows(names, rows))
        self.count += len(rows)

    def flush(self) -> None:
        if self._pending:
            rows, self._pending = self._pending, []
            self.write_rows(self._columns, rows)


# -- text -----------------------------------------------------------------------------------------------------------


def _plain(values: Sequence[str]) -> bool:
    """No value needs an escape. One look at the joined text is far cheaper than one per value."""
    joined = "".join(values)
    return joined.isprintable() and '"' not in joined and "\\" not in joined


def _text_rows(columns: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> bytes:
    if not columns:
        return b"{}\n" * len(rows)
    lists: list[Sequence[Any]] = list(zip(*rows))
    converted = False
    quoted = []
    for index, values in enumerate(lists):
        kinds = {*map(type, values)}
        quoted.append(kinds == {str} and _plain(values))
        if not quoted[index] and kinds != {int}:
            lists[index] = _text_column(values, kinds)
            converted = True
    lines = _text_lines(columns, tuple(quoted))(zip(*lists) if converted else rows)
    return "".join(lines).encode("utf-8", "replace")


@functools.lru_cache(maxsize=64)
def _text_lines(columns: tuple[str, ...], quoted: tuple[bool, ...]) -> _Lines:
    """Rows to lines by one f-string made for these columns: half the time of `%`, a third of `str.join`."""
    parts = []
    for index, (name, plain) in enumerate(zip(columns, quoted)):
        quote = '"' if plain else ""
        parts.append(_literal(f"{'{' if index == 0 else ','}{field_name(name)}:{quote}"))
        parts.append(f"{{v{index}}}" + quote)
    return _compiled(f"f'{''.join(parts)}}}}}\\n'", len(columns), {})


def _literal(text: str) -> str:
    """A text as a part of an f-string between single quotes, whatever is in it."""
    return repr(text + '"')[1:-2].replace("{", "{{").replace("}", "}}")


def _compiled(row: str, columns: int, names: dict[str, Any]) -> _Lines:
    """`row`: an expression over v0, v1, ... (of 0 columns: over v0, the row itself). It holds literals only, made by
    `_literal`, and names of ours."""
    variables = "".join(f"v{index}," for index in range(columns)) or "v0"
    lines: _Lines = eval(f"lambda rows: [{row} for {variables} in rows]", names)
    return lines


def _text_column(values: Sequence[Any], kinds: set[type]) -> list[str]:
    if kinds == {float}:
        return [float_text(value) for value in values]
    if kinds <= {str, type(None)} and _plain([value for value in values if value is not None]):
        return ["null" if value is None else f'"{value}"' for value in values]
    if kinds <= {int, type(None)}:
        return ["null" if value is None else str(value) for value in values]
    if len(kinds) == 1 and kinds <= {bool}:
        return ["true" if value else "false" for value in values]
    return [to_text(value) for value in values]


# -- binary ---------------------------------------------------------------------------------------------------------
#
# Bytes are put together as text of the characters 0 to 255 and encoded once at the end: f-strings exist for text only,
# and most strings are ASCII, whose characters are their bytes.


class _Memo(dict[int, str]):
    """A table that fills itself, up to 65,536 entries."""

    def __init__(self, make: Callable[[int], bytes]) -> None:
        self._make = make

    def __missing__(self, key: int) -> str:
        made = self._make(key).decode("latin-1")
        if key < 1 << 16:
            self[key] = made
        return made


def _head(kind: int) -> Callable[[int], bytes]:
    return lambda size: bytes((kind | size,)) if size < 14 else bytes((kind | 14,)) + varuint(size)


_STRING = _Memo(_head(0x80))
_STRUCT = _Memo(_head(0xD0))
_SMALL = _Memo(encode_int)
#: Numbers from 65,536 on, in two halves of two bytes.
_HIGH = _Memo(lambda half: bytes((0x23, half)) if half < 256 else b"\x24" + half.to_bytes(2, "big"))
_LOW = _Memo(lambda half: half.to_bytes(2, "big"))
_TABLES = {"string": _STRING, "struct": _STRUCT, "small": _SMALL, "high": _HIGH, "low": _LOW}

#: How a column is written, as parts of an f-string: strings whose bytes are known, small and larger numbers, all else.
_CELLS = {
    "string": "{{string[len(v{0})]}}{{v{0}}}",
    "small": "{{small[v{0}]}}",
    "large": "{{high[v{0}>>16]}}{{low[v{0}&65535]}}",
    "done": "{{v{0}}}",
}


def _binary_rows(columns: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> bytes:
    symbols = Symbols()
    for name in columns:
        symbols.id(name)
    known = symbols.table()
    if not columns:
        return (VERSION_MARKER + b"\xd0") * len(rows)
    lists: list[Sequence[Any]] = list(zip(*rows))
    cells = []
    for index, values in enumerate(lists):
        cell, lists[index] = _cell(values, symbols)
        cells.append(cell)
    if symbols.table() != known:
        # Annotations or inner structs brought names of their own: each row gets the table it really needs.
        return b"".join([stream(dict(zip(columns, row))) for row in rows])
    return "".join(_binary_lines(columns, tuple(cells))(zip(*lists))).encode("latin-1")


@functools.lru_cache(maxsize=64)
def _binary_lines(columns: tuple[str, ...], cells: tuple[str, ...]) -> _Lines:
    symbols = Symbols()
    fields = [varuint(symbols.id(name)).decode("latin-1") for name in columns]
    start = _literal((VERSION_MARKER + symbols.table()).decode("latin-1"))
    body = "".join(
        _literal(field) + _CELLS[cell].format(index) for index, (field, cell) in enumerate(zip(fields, cells))
    )
    bodies = _compiled(f"f'{body}'", len(columns), _TABLES)
    whole = _compiled(f"f'{start}{{struct[len(v0)]}}{{v0}}'", 0, _TABLES)
    return lambda rows: whole(bodies(rows))


def _cell(values: Sequence[Any], symbols: Symbols) -> tuple[str, Sequence[Any]]:
    """How a column is written, and its values for that."""
    kinds = {*map(type, values)}
    if kinds == {str}:
        if "".join(values).isascii():
            return "string", values
        return "string", [value.encode("utf-8", "replace").decode("latin-1") for value in values]
    if kinds == {int}:
        low, high = min(values), max(values)
        if low >= 0 and high < 1 << 16:
            return "small", values
        if low >= 1 << 16 and high < 1 << 32:
            return "large", values
    if kinds == {str, type(None)}:
        return "done", ["\x0f" if value is None else _str_text(value) for value in values]
    return "done", [encode(value, symbols).decode("latin-1") for value in values]


def _str_text(value: str) -> str:
    raw = value.encode("utf-8", "replace").decode("latin-1")
    return _STRING[len(raw)] + raw


def struct_row(row: Mapping[str, Any]) -> bytes:
    """One row as its own binary stream (the reference for the fast way)."""
    symbols = Symbols()
    body = b"".join([varuint(symbols.id(str(k))) + encode(v, symbols) for k, v in row.items()])
    return VERSION_MARKER + symbols.table() + tagged(0xD0, body)
