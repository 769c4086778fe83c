"""Values as binary Ion 1.0, for the rows of Kestra 2.0: each row a self-contained stream (storage.md 2.1).

The layout of the local symbol table is any Ion library's business ("not determined", storage.md 9): ours lists the
field names and annotations of the row in order of appearance, from id 10 on.
"""

from __future__ import annotations

import datetime as dt
import enum
import struct
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from simulator.errors import StorageError
from simulator.storage.ion.text_writer import annotated, duration_decimal
from simulator.values import Instant

__all__ = ["VERSION_MARKER", "Symbols", "encode", "encode_int", "encode_str", "stream", "tagged", "varuint"]

VERSION_MARKER = b"\xe0\x01\x00\xea"
#: ids 1-9 of the system symbol table
SYSTEM_SYMBOLS = (
    "$ion",
    "$ion_1_0",
    "$ion_symbol_table",
    "name",
    "version",
    "imports",
    "symbols",
    "max_id",
    "$ion_shared_symbol_table",
)
_SYMBOL_TABLE = 3
_SYMBOLS_FIELD = 7
_MICROSECOND = dt.timedelta(microseconds=1)


def varuint(value: int) -> bytes:
    """An unsigned number, seven bits a byte, the last one marked."""
    out = [value & 0x7F | 0x80]
    value >>= 7
    while value:
        out.append(value & 0x7F)
        value >>= 7
    return bytes(reversed(out))


def _varint(value: int) -> bytes:
    sign = 0x40 if value < 0 else 0
    value = abs(value)
    out = [value & 0x7F]
    value >>= 7
    while value:
        out.append(value & 0x7F)
        value >>= 7
    if out[-1] & 0x40:
        out.append(0)
    out[-1] |= sign
    out[0] |= 0x80
    return bytes(reversed(out))


def tagged(kind: int, body: bytes) -> bytes:
    """Type descriptor, length and body; `kind` is the type code in the high nibble."""
    size = len(body)
    if size < 14:
        return bytes((kind | size,)) + body
    return bytes((kind | 14,)) + varuint(size) + body


def encode_int(value: int) -> bytes:
    kind = 0x20
    if value < 0:
        kind, value = 0x30, -value
    return tagged(kind, value.to_bytes((value.bit_length() + 7) // 8, "big"))


def encode_str(value: str) -> bytes:
    return tagged(0x80, value.encode("utf-8", "replace"))


def _signed(value: int) -> bytes:
    """Ion's Int: magnitude with the sign in the highest bit; zero is no byte."""
    if value == 0:
        return b""
    body = bytearray(abs(value).to_bytes(abs(value).bit_length() // 8 + 1, "big"))
    if value < 0:
        body[0] |= 0x80
    return bytes(body)


def _decimal(value: Decimal) -> bytes:
    if not value.is_finite():
        raise StorageError(f"Cannot write {value} as an Ion decimal")
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    number = int("".join(map(str, digits)) or "0")
    coefficient = _signed(-number if sign else number)
    if sign and number == 0:
        coefficient = b"\x80"
    return tagged(0x50, _varint(exponent) + coefficient)


def _timestamp(value: Instant) -> bytes:
    millis = value.microsecond // 1000
    body = (
        b"\x80"
        + varuint(value.year)
        + bytes(
            (
                value.month | 0x80,
                value.day | 0x80,
                value.hour | 0x80,
                value.minute | 0x80,
                value.second | 0x80,
            )
        )
    )
    # Exponent -3 and the milliseconds: Kestra writes them always, also zero.
    return tagged(0x60, body + b"\xc3" + _signed(millis))


def _date(value: dt.date) -> bytes:
    # Offset unknown (negative zero), day precision.
    return tagged(0x60, b"\xc0" + varuint(value.year) + bytes((value.month | 0x80, value.day | 0x80)))


class Symbols:
    """The local symbol table of one stream."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {name: number for number, name in enumerate(SYSTEM_SYMBOLS, 1)}
        self._names: list[str] = []

    def id(self, name: str) -> int:
        number = self._ids.get(name)
        if number is None:
            number = len(self._ids) + 1
            self._ids[name] = number
            self._names.append(name)
        return number

    def table(self) -> bytes:
        """The encoded `$ion_symbol_table::{symbols:[...]}`; nothing when there are no local symbols."""
        if not self._names:
            return b""
        symbols = tagged(0xB0, b"".join([encode_str(name) for name in self._names]))
        return annotate(_SYMBOL_TABLE, tagged(0xD0, varuint(_SYMBOLS_FIELD) + symbols))


def annotate(symbol: int, value: bytes) -> bytes:
    ids = varuint(symbol)
    return tagged(0xE0, varuint(len(ids)) + ids + value)


def encode(value: Any, symbols: Symbols) -> bytes:
    """One value; new names go into `symbols`. Raises StorageError for a type outside `simulator.values`."""
    kind = type(value)
    if kind is str:
        return encode_str(value)
    if kind is int:
        return encode_int(value)
    if value is None:
        return b"\x0f"
    if value is True:
        return b"\x11"
    if value is False:
        return b"\x10"
    if kind is float:
        return b"\x48" + struct.pack(">d", value)
    if isinstance(value, Mapping):
        body = b"".join([varuint(symbols.id(str(k))) + encode(v, symbols) for k, v in value.items()])
        # A length of 1 means "sorted struct" in the format, but no field fits into one byte.
        return tagged(0xD0, body)
    if isinstance(value, (list, tuple, set, frozenset)):
        return tagged(0xB0, b"".join([encode(item, symbols) for item in value]))
    return _scalar(value, symbols)


def _scalar(value: Any, symbols: Symbols) -> bytes:
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return tagged(0xA0, bytes(value))
    if isinstance(value, Instant):
        return _timestamp(value)
    if isinstance(value, (dt.datetime, dt.time)):
        annotation, text = annotated(value)
        return annotate(symbols.id(annotation), encode_str(text))
    if isinstance(value, dt.date):
        return _date(value)
    if isinstance(value, dt.timedelta):
        return _decimal(duration_decimal(value))
    if isinstance(value, enum.Enum):
        return encode_str(str(value.value) if isinstance(value, str) else value.name)
    if isinstance(value, str):
        return encode_str(str(value))
    if isinstance(value, int):
        return encode_int(int(value))
    if isinstance(value, float):
        return b"\x48" + struct.pack(">d", float(value))
    if isinstance(value, uuid.UUID):
        return encode_str(str(value))
    raise StorageError(f"Cannot write a value of type {type(value).__name__} as Ion")


def stream(value: Any) -> bytes:
    """One value as a stream of its own: version marker, symbol table, value."""
    symbols = Symbols()
    body = encode(value, symbols)
    return VERSION_MARKER + symbols.table() + body
