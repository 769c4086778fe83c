"""Rows of known columns at full speed: a batch is looked at column by column, then written through one template.

A column of whole numbers or of plain strings costs nothing per value but the template itself; anything else is turned
into text (or bytes) first by the general writers, so that both ways give the same bytes (tested).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, BinaryIO

from simulator.storage.ion.binary_writer import (
    VERSION_MARKER,
    Symbols,
    encode,
    encode_int,
    encode_str,
    stream,
    tagged,
    varuint,
)
from simulator.storage.ion.text_writer import field_name, float_text, to_text

__all__ = ["RowWriter"]

_BATCH = 2000


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
    parts: list[str] = []
    converted: dict[int, list[str]] = {}
    for index, name in enumerate(columns):
        values = [row[index] for row in rows]
        kinds = set(map(type, values))
        head = field_name(name).replace("%", "%%") + ":"
        if kinds == {int}:
            parts.append(head + "%d")
        elif kinds == {str} and _plain(values):
            parts.append(head + '"%s"')
        else:
            parts.append(head + "%s")
            converted[index] = _text_column(values, kinds)
    template = "{" + ",".join(parts) + "}"
    if not columns:
        return ("{}\n" * len(rows)).encode()
    lines: list[str]
    if not converted:
        lines = [template % tuple(row) for row in rows]
    else:
        lists = [converted.get(index) or [row[index] for row in rows] for index in range(len(columns))]
        lines = [template % values for values in zip(*lists)]
    lines.append("")
    return "\n".join(lines).encode("utf-8", "replace")


def _text_column(values: list[Any], kinds: set[type]) -> list[str]:
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

_SMALL_INTS = [encode_int(value) for value in range(1 << 12)]
_STR_HEADS = [bytes((0x80 | size,)) if size < 14 else b"\x8e" + varuint(size) for size in range(1 << 10)]


def _int_bytes(value: int) -> bytes:
    if 0 <= value < 4096:
        return _SMALL_INTS[value]
    if 0 < value < 1 << 32:
        size = (value.bit_length() + 7) >> 3
        return (0x20 | size).to_bytes(1, "big") + value.to_bytes(size, "big")
    return encode_int(value)


def _str_bytes(value: str) -> bytes:
    raw = value.encode("utf-8", "replace")
    size = len(raw)
    return _STR_HEADS[size] + raw if size < 1024 else encode_str(value)


def _maybe(convert: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    return lambda value: b"\x0f" if value is None else convert(value)


def _binary_rows(columns: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> bytes:
    symbols = Symbols()
    fields = [varuint(symbols.id(name)) for name in columns]
    fast = VERSION_MARKER + symbols.table()
    known = symbols.table()
    lists: list[list[bytes]] = []
    for index in range(len(columns)):
        values = [row[index] for row in rows]
        kinds = set(map(type, values))
        convert: Callable[[Any], bytes]
        if kinds == {str}:
            convert = _str_bytes
        elif kinds == {int}:
            convert = _int_bytes
        elif kinds == {str, type(None)}:
            convert = _maybe(_str_bytes)
        elif kinds == {int, type(None)}:
            convert = _maybe(_int_bytes)
        else:
            convert = _general(symbols)
        lists.append([convert(value) for value in values])
    if symbols.table() != known:
        # Annotations or inner structs brought names of their own: each row gets the table it really needs.
        return b"".join([stream(dict(zip(columns, row))) for row in rows])
    template = b"".join([field.replace(b"%", b"%%") + b"%b" for field in fields])
    bodies = [template % values for values in zip(*lists)] if columns else [b""] * len(rows)
    short = [fast + bytes((0xD0 | size,)) if size != 14 else b"" for size in range(14)]
    long = [fast + b"\xde" + varuint(size) for size in range(1 << 9)]
    out: list[bytes] = []
    append = out.append
    for body in bodies:
        size = len(body)
        if size < 14:
            append(short[size])
        elif size < 512:
            append(long[size])
        else:
            append(fast + b"\xde" + varuint(size))
        append(body)
    return b"".join(out)


def _general(symbols: Symbols) -> Callable[[Any], bytes]:
    return lambda value: encode(value, symbols)


def struct_row(row: Mapping[str, Any]) -> bytes:
    """One row as its own binary stream (the reference for the fast way)."""
    symbols = Symbols()
    body = b"".join([varuint(symbols.id(str(k))) + encode(v, symbols) for k, v in row.items()])
    return VERSION_MARKER + symbols.table() + tagged(0xD0, body)
