"""The cells of one column as bytes, and rows put together from them.

A batch of rows is one flat list of pieces, constant and changing ones side by side, joined in one go: no object per row
is made. What is the same in every row (field names, brackets, lengths) is put into the list once and stays there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, AnyStr, Final

__all__ = ["DIGITS", "INTEGERS", "TEXT", "Frame", "Table", "python_values", "utf8"]

#: What a reader may give instead of Python values: text in UTF-8, and whole numbers in decimal digits (or None).
TEXT: Final = "text"
DIGITS: Final = "digits"
#: Python values of which the reader knows that all are whole numbers (or None).
INTEGERS: Final = "integers"


class Frame:
    """Joins columns of pieces, row by row. One per writer: it keeps the constant pieces from batch to batch."""

    def __init__(self) -> None:
        self._shape: tuple[Any, ...] = ()
        self._pieces: list[Any] = []

    def join(self, columns: Sequence[AnyStr | Sequence[AnyStr]], count: int, empty: AnyStr) -> AnyStr:
        """`count` rows. A column is one piece for all rows, or one for each. `empty` says what is joined."""
        step = len(columns)
        shape = (count, *[column if isinstance(column, (bytes, str)) else None for column in columns])
        if shape != self._shape:
            self._pieces = [empty] * (count * step)
            for index, column in enumerate(columns):
                if isinstance(column, (bytes, str)):
                    self._pieces[index::step] = [column] * count
            self._shape = shape
        for index, column in enumerate(columns):
            if not isinstance(column, (bytes, str)):
                self._pieces[index::step] = column
        return empty.join(self._pieces)


class Table:
    """What a number becomes, made once each. `look` is a lookup per number, all of them inside the interpreter."""

    def __init__(self, make: Callable[[int], Any], limit: int = 1 << 13) -> None:
        self._make = make
        self._limit = limit
        self._made: dict[int, Any] = {}  # not a subclass: those cost twice as much to look into

    def look(self, numbers: Sequence[int]) -> Sequence[Any]:
        """One for each number."""
        if len(numbers) == 1:
            return [self._make(numbers[0])]
        try:
            return itemgetter(*numbers)(self._made)  # type: ignore[no-any-return]
        except KeyError:
            if len(self._made) > self._limit:
                return [self._make(number) for number in numbers]
        for number in {*numbers} - self._made.keys():
            self._made[number] = self._make(number)
        return itemgetter(*numbers)(self._made)  # type: ignore[no-any-return]


def utf8(values: Sequence[str]) -> Sequence[bytes]:
    """Strings as UTF-8. Encoding the joined text and splitting it is half the price of encoding each."""
    raw = "\0".join(values).encode("utf-8", "replace").split(b"\0")
    # A text with a NUL of its own gives more pieces.
    return raw if len(raw) == len(values) else [value.encode("utf-8", "replace") for value in values]


def python_values(values: Sequence[Any], kind: str | None) -> Sequence[Any]:
    """The cells of a column as Python values."""
    if kind is None or kind == INTEGERS:
        return values
    convert: Callable[[bytes], Any] = functools.partial(str, encoding="utf-8") if kind == TEXT else int
    return [None if value is None else convert(value) for value in values]
