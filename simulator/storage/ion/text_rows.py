"""Batches of rows as Ion text, column by column: the bytes are those of `to_text` (tested)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, AnyStr

from simulator.storage.ion.cells import DIGITS, INTEGERS, Frame, python_values, utf8
from simulator.storage.ion.text_writer import field_name, float_text, quote_string, to_text

__all__ = ["text_rows"]

#: Every byte that stands for itself inside a string, unless it begins a control character of two bytes.
_SAFE = bytes(byte for byte in range(256) if byte >= 0x20 and byte not in b'"\\\x7f')
_C1 = re.compile(rb"\xc2[\x80-\x9f]")
_NONE = type(None)


def text_rows(
    columns: Sequence[str], cells: Sequence[Sequence[Any]], kinds: Sequence[str | None], frame: Frame
) -> bytes:
    """A line per row. `cells`: a sequence per column, all of one length; `kinds`: what each holds (see `cells`)."""
    count = len(cells[0])
    kinds = [None if kind == INTEGERS else kind for kind in kinds]
    if not any(kinds):
        # Text all the way, encoded at the end: cheaper than a look at each cell.
        parts = _parts(columns, [_values(values) for values in cells])
        return frame.join(parts, count, "").encode("utf-8", "replace")
    found = []
    for values, kind in zip(cells, kinds):
        if kind is None:
            quote, texts = _values(values)
            found.append((quote, utf8(texts)))
        else:
            found.append(_raw(values, kind))
    raw = [part.encode() if isinstance(part, str) else part for part in _parts(columns, found)]
    return frame.join(raw, count, b"")


def _parts(
    columns: Sequence[str], found: Sequence[tuple[str, Sequence[AnyStr]]]
) -> list[str | Sequence[AnyStr]]:
    """What stands in a row: names and brackets, with the quotes that all cells of a column have, and the cells."""
    parts: list[str | Sequence[AnyStr]] = []
    close = ""
    for index, (name, (quote, cells)) in enumerate(zip(columns, found)):
        parts.append(f"{close}{',' if index else '{'}{field_name(name)}:{quote}")
        parts.append(cells)
        close = quote
    parts.append(f"{close}}}\n")
    return parts


def _plain(joined: bytes) -> bool:
    """No cell needs an escape. One look at all of them together is far cheaper than one at each."""
    return not joined.translate(None, _SAFE) and (b"\xc2" not in joined or _C1.search(joined) is None)


def _raw(values: Sequence[Any], kind: str) -> tuple[str, Sequence[bytes]]:
    """The quotes around each cell, if all have them, and the cells: of text or digits as they came."""
    try:
        joined = b"".join(values)
    except TypeError:
        return "", utf8(_values(python_values(values, kind))[1])
    if kind == DIGITS:
        return "", values
    if _plain(joined):
        return '"', values
    return "", utf8(list(map(quote_string, python_values(values, kind))))


def _values(values: Sequence[Any]) -> tuple[str, Sequence[str]]:
    """The same for Python values."""
    kinds = {*map(type, values)}
    if kinds == {str}:
        if _plain("".join(values).encode("utf-8", "replace")):
            return '"', values
        return "", list(map(quote_string, values))
    if kinds == {int}:
        return "", list(map(str, values))
    if kinds == {float}:
        return "", list(map(float_text, values))
    if kinds == {bool}:
        return "", ["true" if value else "false" for value in values]
    if kinds == {int, _NONE}:
        return "", ["null" if value is None else str(value) for value in values]
    if kinds == {str, _NONE}:
        return "", ["null" if value is None else quote_string(value) for value in values]
    return "", list(map(to_text, values))
