"""Java date patterns (`yyyy-MM-dd'T'HH:mm`) compiled to a list of elements.

    >>> compile_pattern("dd.MM")
    (Number('day', 2, 2, 'NOT_NEGATIVE'), Literal('.'), Number('month', 2, 2, 'NOT_NEGATIVE'))

Printing is in `dateformat`, reading in `dateparse`. Source: expressions.md 12 (pattern letters), the JDK's
DateTimeFormatterBuilder.appendPattern.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from simulator.expressions.java.errors import JavaError

__all__ = [
    "DayPeriod",
    "Element",
    "Fraction",
    "InstantText",
    "Literal",
    "LocalizedOffset",
    "Number",
    "Offset",
    "Optional",
    "Pad",
    "Reduced",
    "RegionId",
    "Text",
    "ZoneIdText",
    "ZoneName",
    "compile_pattern",
]


@dataclass(frozen=True, slots=True)
class Literal:
    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number of `minimum` to `maximum` digits. `sign`: NORMAL, NOT_NEGATIVE or EXCEEDS_PAD."""

    field: str
    minimum: int
    maximum: int
    sign: str = "NORMAL"

    @property
    def fixed(self) -> bool:
        return self.minimum == self.maximum and self.sign == "NOT_NEGATIVE"


@dataclass(frozen=True, slots=True)
class Reduced:
    """The last two digits of a year of 2000 to 2099."""

    field: str


@dataclass(frozen=True, slots=True)
class Fraction:
    """Digits of the fraction of the second, cut and not rounded; with `point` they bring their decimal point."""

    minimum: int
    maximum: int
    point: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A name. `width`: 0 wide, 1 abbreviated, 2 narrow. `english`: fixed RFC 1123 names."""

    field: str
    width: int
    standalone: bool = False
    english: bool = False


@dataclass(frozen=True, slots=True)
class Offset:
    """`style`: hour, hour-minute... as pattern text (`+HH:MM`); `zero`: what offset zero prints."""

    style: str
    zero: str


@dataclass(frozen=True, slots=True)
class LocalizedOffset:
    full: bool


@dataclass(frozen=True, slots=True)
class ZoneIdText:
    """Region or offset id (`VV`)."""


@dataclass(frozen=True, slots=True)
class RegionId:
    """Region id only; printing a moment with a bare offset drops the optional section around it."""


@dataclass(frozen=True, slots=True)
class ZoneName:
    full: bool


@dataclass(frozen=True, slots=True)
class DayPeriod:
    """`in the afternoon`"""


@dataclass(frozen=True, slots=True)
class InstantText:
    """ISO_INSTANT: always in UTC, a fraction of 0, 3 or 6 digits."""


@dataclass(frozen=True, slots=True)
class Pad:
    width: int
    element: Element


@dataclass(frozen=True, slots=True)
class Optional:
    elements: tuple[Element, ...]


Element: TypeAlias = (
    Literal
    | Number
    | Reduced
    | Fraction
    | Text
    | Offset
    | LocalizedOffset
    | ZoneIdText
    | RegionId
    | ZoneName
    | DayPeriod
    | InstantText
    | Pad
    | Optional
)


def _bad(message: str) -> JavaError:
    return JavaError("IllegalArgumentException", message)


def _too_many(letter: str) -> JavaError:
    return _bad(f"Too many pattern letters: {letter}")


def _year(field: str) -> Callable[[str, int], Element]:
    def build(letter: str, count: int) -> Element:
        if count == 2:
            return Reduced(field)
        if count < 4:
            return Number(field, count, 19, "NORMAL")
        # A field of its own class in Java, which checks no width.
        return Number(field, count if field == "week_year" else _width(count), 19, "EXCEEDS_PAD")

    return build


def _text(field: str, *, standalone: bool = False) -> Callable[[str, int], Element]:
    """Letters with number forms for one and two, names for three to five."""

    def build(letter: str, count: int) -> Element:
        if count == 1:
            return Number(field, 1, 19)
        if count == 2:
            return Number(field, 2, 2, "NOT_NEGATIVE")
        if count > 5:
            raise _too_many(letter)
        return Text(field, (1, 0, 2)[count - 3], standalone)

    return build


def _week_day(letter: str, count: int) -> Element:
    if letter == "E":
        if count > 5:
            raise _too_many(letter)
        return Text("weekday", 1 if count < 4 else (0, 2)[count - 4])
    if letter == "c" and count == 2:
        raise _bad('Invalid pattern "cc"')
    if count <= 2:
        return Number("localized_weekday", count, 2, "NOT_NEGATIVE")
    if count > 5:
        raise _too_many(letter)
    return Text("weekday", (1, 0, 2)[count - 3], letter == "c")


def _era(letter: str, count: int) -> Element:
    if count > 5:
        raise _too_many(letter)
    return Text("era", 1 if count < 4 else (0, 2)[count - 4])


def _number(field: str, most: int = 2) -> Callable[[str, int], Element]:
    def build(letter: str, count: int) -> Element:
        if count > most:
            raise _too_many(letter)
        if count == 1:
            return Number(field, 1, 19)
        return Number(field, count, count, "NOT_NEGATIVE")

    return build


def _day_of_year(letter: str, count: int) -> Element:
    if count > 3:
        raise _too_many(letter)
    return Number("day_of_year", 1, 19) if count == 1 else Number("day_of_year", count, 3, "NOT_NEGATIVE")


def _wide_number(field: str, sign: str = "NOT_NEGATIVE") -> Callable[[str, int], Element]:
    return lambda letter, count: Number(field, _width(count), 19, sign)


def _width(count: int) -> int:
    if count > 19:
        raise _bad(f"The minimum width must be from 1 to 19 inclusive but was {count}")
    return count


def _week(letter: str, count: int) -> Element:
    if count > 2:
        raise _too_many(letter)
    return Number("week", count, 2, "NOT_NEGATIVE")


def _only(field: str) -> Callable[[str, int], Element]:
    def build(letter: str, count: int) -> Element:
        if count > 1:
            raise _too_many(letter)
        return Text("ampm", 1) if field == "ampm" else Number(field, 1, 19)

    return build


def _fraction(letter: str, count: int) -> Element:
    if count > 9:
        raise _bad(f"Minimum width must be from 0 to 9 inclusive but was {count}")
    return Fraction(count, count)


_OFFSETS = ("+HHmm", "+HHMM", "+HH:MM", "+HHMMss", "+HH:MM:ss")


def _offset(letter: str, count: int) -> Element:
    if letter == "Z":
        if count < 4:
            return Offset("+HHMM", "+0000")
        if count == 4:
            return LocalizedOffset(True)
        if count == 5:
            return Offset("+HH:MM:ss", "Z")
        raise _too_many(letter)
    if letter == "O":
        if count not in (1, 4):
            raise _bad(f"Pattern letter count must be 1 or 4: {letter}")
        return LocalizedOffset(count == 4)
    if count > 5:
        raise _too_many(letter)
    if letter == "X":
        return Offset(_OFFSETS[count - 1], "Z")
    zero = "+00" if count == 1 else ("+0000" if count % 2 == 0 else "+00:00")
    return Offset(_OFFSETS[count - 1], zero)


def _zone(letter: str, count: int) -> Element:
    if letter == "V":
        if count != 2:
            raise _bad(f"Pattern letter count must be 2: {letter}")
        return ZoneIdText()
    if letter == "v":
        if count not in (1, 4):
            raise _bad(f"Wrong number of pattern letters: {letter}")
        return ZoneName(count == 4)
    if count > 4:
        raise _too_many(letter)
    return ZoneName(count == 4)


def _day_period(letter: str, count: int) -> Element:
    if count not in (1, 4, 5):
        raise _bad(f"Wrong number of pattern letters: {letter}")
    return DayPeriod()


LETTERS: dict[str, Callable[[str, int], Element]] = {
    "G": _era,
    "u": _year("year"),
    "y": _year("year_of_era"),
    "Y": _year("week_year"),
    "Q": _text("quarter"),
    "q": _text("quarter", standalone=True),
    "M": _text("month"),
    "L": _text("month", standalone=True),
    "D": _day_of_year,
    "d": _number("day"),
    "g": _wide_number("modified_julian_day", "NORMAL"),
    "F": _only("weekday_in_month"),
    "E": _week_day,
    "e": _week_day,
    "c": _week_day,
    "w": _week,
    "W": _only("week_of_month"),
    "a": _only("ampm"),
    "B": _day_period,
    "h": _number("clock_hour_12"),
    "K": _number("hour_12"),
    "k": _number("clock_hour_24"),
    "H": _number("hour"),
    "m": _number("minute"),
    "s": _number("second"),
    "S": _fraction,
    "A": _wide_number("milli_of_day"),
    "n": _wide_number("nano"),
    "N": _wide_number("nano_of_day"),
    "V": _zone,
    "v": _zone,
    "z": _zone,
    "O": _offset,
    "X": _offset,
    "x": _offset,
    "Z": _offset,
}


@functools.lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> tuple[Element, ...]:
    """The elements of a pattern. Raises JavaError (IllegalArgumentException with Java's text)."""
    stack: list[list[Element]] = [[]]
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char.isascii() and char.isalpha():
            start = position
            while position < len(pattern) and pattern[position] == char:
                position += 1
            count = position - start
            pad = 0
            if char == "p":
                following = pattern[position : position + 1]
                if not (following.isascii() and following.isalpha()):
                    raise _bad(f"Pad letter 'p' must be followed by valid pad pattern: {pattern}")
                pad, char, start = count, following, position
                while position < len(pattern) and pattern[position] == char:
                    position += 1
                count = position - start
            build = LETTERS.get(char)
            if build is None:
                raise _bad(f"Unknown pattern letter: {char}")
            element = build(char, count)
            stack[-1].append(Pad(pad, element) if pad else element)
            continue
        if char == "'":
            text, position = _quoted(pattern, position)
            stack[-1].append(Literal(text))
            continue
        if char == "[":
            stack.append([])
        elif char == "]":
            if len(stack) == 1:
                raise _bad("Pattern invalid as it contains ] without previous [")
            inner = tuple(stack.pop())
            stack[-1].append(Optional(inner))
        elif char in "{}#":
            raise _bad(f"Pattern includes reserved character: '{char}'")
        else:
            stack[-1].append(Literal(char))
        position += 1
    while len(stack) > 1:
        inner = tuple(stack.pop())
        stack[-1].append(Optional(inner))
    return tuple(stack[0])


def _quoted(pattern: str, start: int) -> tuple[str, int]:
    position = start + 1
    text: list[str] = []
    while position < len(pattern):
        if pattern[position] == "'":
            if pattern[position + 1 : position + 2] != "'":
                return "".join(text) or "'", position + 1
            position += 1
        text.append(pattern[position])
        position += 1
    raise _bad(f"Pattern ends with an incomplete string literal: {pattern}")
