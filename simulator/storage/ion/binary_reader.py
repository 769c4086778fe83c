"""Binary Ion 1.0 to values, streaming: one top-level value in memory at a time (plus one read buffer).

Shared symbol table imports are refused (Kestra never writes them).
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, BinaryIO

from simulator.errors import StorageError
from simulator.storage.ion.binary_writer import SYSTEM_SYMBOLS, VERSION_MARKER
from simulator.storage.ion.java import parse_annotated
from simulator.storage.ion.text_tokens import timestamp_value

__all__ = ["iter_binary", "iter_raw"]

_BUFFER = 1 << 18
_MAX_DEPTH = 200
_SYSTEM: tuple[str | None, ...] = (None, *SYSTEM_SYMBOLS)


class _Decoder:
    """Decodes values of one buffer. All positions are absolute in `data`."""

    def __init__(self) -> None:
        self.data = b""
        self.symbols: list[str | None] = list(_SYSTEM)
        self.extended = False
        """The last symbol table added to the one before it."""

    def varuint(self, pos: int) -> tuple[int, int]:
        data = self.data
        value = 0
        while True:
            byte = data[pos]
            pos += 1
            value = value << 7 | byte & 0x7F
            if byte & 0x80:
                return value, pos

    def varint(self, pos: int) -> tuple[int, int, bool]:
        """Value, next position, and whether it is negative (so that minus zero can be told)."""
        byte = self.data[pos]
        negative = bool(byte & 0x40)
        value = byte & 0x3F
        pos += 1
        while not byte & 0x80:
            byte = self.data[pos]
            pos += 1
            value = value << 7 | byte & 0x7F
        return (-value if negative else value), pos, negative

    def extent(self, pos: int) -> tuple[int, int, int, int]:
        """High nibble, low nibble, start and end of the body of the value at `pos`. IndexError when cut."""
        byte = self.data[pos]
        high, low = byte >> 4, byte & 15
        pos += 1
        if high == 15:
            raise StorageError("Invalid binary Ion: reserved type code")
        if low == 15 or high == 1:
            return high, low, pos, pos
        if high == 4:
            size = low
        elif low == 14 or (high == 13 and low == 1):
            size, pos = self.varuint(pos)
        else:
            size = low
        return high, low, pos, pos + size

    def text(self, symbol: int) -> str:
        if symbol >= len(self.symbols) or (name := self.symbols[symbol]) is None:
            raise StorageError(f"Invalid binary Ion: unknown symbol id {symbol}")
        return name

    def value(self, pos: int, depth: int = 0) -> tuple[Any, int]:
        """The value at `pos` and the position behind it."""
        high, low, start, end = self.extent(pos)
        if end > len(self.data):
            raise IndexError
        if high == 8 and low != 15:
            return self.data[start:end].decode("utf-8", "replace"), end
        if high == 2 and low != 15:
            return int.from_bytes(self.data[start:end], "big"), end
        if low == 15:
            return None, end
        if high == 13:
            return self.struct(start, end, depth), end
        if depth > _MAX_DEPTH:
            raise StorageError(f"Ion value is nested deeper than {_MAX_DEPTH}")
        if high in (11, 12):
            items = []
            while start < end:
                padding = self.data[start] >> 4 == 0 and self.data[start] != 0x0F
                item, start = self.value(start, depth + 1)
                if not padding:
                    items.append(item)
            return items, end
        return _SCALARS[high](self, low, start, end), end

    def struct(self, start: int, end: int, depth: int) -> dict[str, Any]:
        if depth > _MAX_DEPTH:
            raise StorageError(f"Ion value is nested deeper than {_MAX_DEPTH}")
        result: dict[str, Any] = {}
        data, symbols, from_bytes = self.data, self.symbols, int.from_bytes
        while start < end:
            byte = data[start]
            if byte & 0x80:
                field, start = byte & 0x7F, start + 1
            else:
                field, start = self.varuint(start)
            byte = data[start]
            size = byte & 15
            # The two most frequent kinds, short texts and numbers, without a call.
            if size < 14 and byte >= 0x80 and byte < 0x90:
                value: Any = data[start + 1 : start + 1 + size].decode("utf-8", "replace")
                start += 1 + size
            elif size < 14 and byte >> 4 == 2:
                value = from_bytes(data[start + 1 : start + 1 + size], "big")
                start += 1 + size
            else:
                value, start = self.value(start, depth + 1)
                if byte >> 4 == 0 and byte != 0x0F:
                    continue
            name = symbols[field] if field < len(symbols) else None
            result[name if name is not None else self.text(field)] = value
        if start != end:
            raise StorageError("Invalid binary Ion: a value is longer than its struct")
        return result

    def annotated(self, _low: int, start: int, end: int) -> Any:
        size, start = self.varuint(start)
        stop = start + size
        first, _ = self.varuint(start)
        value, behind = self.value(stop, 1)
        if behind != end:
            raise StorageError("Invalid binary Ion: annotation of wrong length")
        if isinstance(value, str):
            name = self.text(first)
            try:
                known = parse_annotated(name, value)
            except ValueError:
                raise StorageError(f"Invalid Ion value {name}::{value!r}") from None
            if known is not None:
                return known
        return value

    def timestamp(self, _low: int, start: int, end: int) -> Any:
        offset, pos, negative = self.varint(start)
        parts: list[int] = []
        while pos < end and len(parts) < 6:
            part, pos = self.varuint(pos)
            parts.append(part)
        micros = 0
        unknown = offset == 0 and negative
        try:
            if pos < end:
                exponent, pos, _ = self.varint(pos)
                coefficient = self.signed(pos, end)[0]
                if not -40 < exponent <= 0:
                    raise ValueError("fraction of seconds")
                micros = int(Decimal(coefficient).scaleb(exponent + 6))
            year, month, day, hour, minute, second = (*parts, *(0, 1, 1, 0, 0, 0)[len(parts) :])
            # The encoded time is UTC; Kestra looks at the local one.
            moment = dt.datetime(year, month, day, hour, minute, second, micros)
            if offset and not unknown:
                moment += dt.timedelta(minutes=offset)
            return timestamp_value(moment, offset)
        except (ValueError, ArithmeticError) as error:
            raise StorageError(f"Invalid Ion timestamp: {error}") from None

    def signed(self, start: int, end: int) -> tuple[int, bool]:
        body = self.data[start:end]
        if not body:
            return 0, False
        negative = bool(body[0] & 0x80)
        value = int.from_bytes(bytes((body[0] & 0x7F,)) + body[1:], "big")
        return (-value if negative else value), negative

    def decimal(self, _low: int, start: int, end: int) -> Decimal:
        if start == end:
            return Decimal(0)
        exponent, pos, _ = self.varint(start)
        value, negative = self.signed(pos, end)
        return Decimal((int(negative), tuple(map(int, str(abs(value)))), exponent))

    def floating(self, _low: int, start: int, end: int) -> float:
        size = end - start
        if size == 0:
            return 0.0
        if size not in (4, 8):
            raise StorageError("Invalid binary Ion: float of wrong length")
        number: float = struct.unpack(">d" if size == 8 else ">f", self.data[start:end])[0]
        return number

    def symbol_table(self, pos: int) -> int | None:
        """Takes a local symbol table at `pos`; the position behind it, None when there is none."""
        high, low, start, end = self.extent(pos)
        if high != 14 or low == 15:
            return None
        if end > len(self.data):
            raise IndexError
        size, ids = self.varuint(start)
        if self.varuint(ids)[0] != 3:
            return None
        table, _ = self.value(ids + size, 1)
        if not isinstance(table, dict):
            raise StorageError("Invalid binary Ion: symbol table is no struct")
        imports = table.get("imports")
        if isinstance(imports, list) and imports:
            raise StorageError("Binary Ion with shared symbol tables is not supported")
        self.extended = imports == "$ion_symbol_table"
        if not self.extended:
            self.symbols = list(_SYSTEM)
        names = table.get("symbols") or []
        self.symbols += [name if isinstance(name, str) else None for name in names]
        return end


_SCALARS: dict[int, Callable[[_Decoder, int, int, int], Any]] = {
    0: lambda decoder, low, start, end: None,
    1: lambda decoder, low, start, end: low == 1,
    2: lambda decoder, low, start, end: int.from_bytes(decoder.data[start:end], "big"),
    3: lambda decoder, low, start, end: -int.from_bytes(decoder.data[start:end], "big"),
    4: _Decoder.floating,
    5: _Decoder.decimal,
    6: _Decoder.timestamp,
    7: lambda decoder, low, start, end: decoder.text(int.from_bytes(decoder.data[start:end], "big")),
    9: lambda decoder, low, start, end: decoder.data[start:end],
    10: lambda decoder, low, start, end: decoder.data[start:end],
    14: _Decoder.annotated,
}


def iter_binary(source: BinaryIO) -> Iterator[Any]:
    """The top-level values of a binary Ion stream. Raises StorageError for broken or cut data."""
    for value, _ in _walk(source, decode=True, raw=False):
        yield value


def iter_raw(source: BinaryIO, *, decode: bool = False) -> Iterator[tuple[Any, bytes]]:
    """Each top-level value (None unless `decode`) with its bytes as a stream of its own: marker, symbols, value."""
    return _walk(source, decode=decode, raw=True)


def _walk(source: BinaryIO, *, decode: bool, raw: bool) -> Iterator[tuple[Any, bytes]]:
    decoder = _Decoder()
    pos = 0
    tables: dict[bytes, list[str | None]] = {}
    # The encoded symbol tables in force, for values that are to stand alone.
    prefix = VERSION_MARKER
    wanted = _BUFFER
    at_end = False
    while True:
        data = decoder.data
        try:
            while pos < len(data):
                byte = data[pos]
                if byte == 0xE0:
                    marker = data[pos : pos + 4]
                    if len(marker) < 4:
                        raise IndexError
                    if marker != VERSION_MARKER:
                        raise StorageError("Invalid binary Ion: unknown version")
                    decoder.symbols = list(_SYSTEM)
                    prefix = VERSION_MARKER
                    pos += 4
                    continue
                if byte >> 4 == 14:
                    # Each row of 2.0 repeats its table: the same bytes are decoded once.
                    end = decoder.extent(pos)[3]
                    table = data[pos:end]
                    fresh = len(decoder.symbols) == len(_SYSTEM)
                    known = tables.get(table)
                    if known is not None and fresh:
                        decoder.symbols, prefix, pos = known, VERSION_MARKER + table, end
                        continue
                    behind = decoder.symbol_table(pos)
                    if behind is not None:
                        if fresh and len(tables) < 64:
                            tables[table] = decoder.symbols
                        prefix = (prefix if decoder.extended else VERSION_MARKER) + table
                        pos = behind
                        continue
                padding = byte >> 4 == 0 and byte != 0x0F
                value: Any = None
                if decode:
                    value, behind = decoder.value(pos)
                else:
                    behind = decoder.extent(pos)[3]
                    if behind > len(data):
                        raise IndexError
                if not padding:
                    yield value, (prefix + data[pos:behind] if raw else b"")
                pos = behind
            if at_end:
                return
        except (IndexError, struct.error):
            if at_end:
                raise StorageError("Invalid binary Ion: the stream is cut") from None
            wanted = max(_BUFFER, 2 * (len(data) - pos))
        except (ValueError, ArithmeticError, TypeError) as error:
            # A number of impossible size, a symbol that is no text...
            raise StorageError(f"Invalid binary Ion: {error}") from None
        more = source.read(wanted)
        at_end = not more
        decoder.data = data[pos:] + more
        pos = 0
