"""Ion text (and so JSON lines) to values, one top-level value at a time, in constant memory.

Lines are the unit: rows that Kestra writes are one a line, so each line is tried alone and joined with the next ones
only when it ends inside a value. Reading quirks follow Kestra's IonParser (storage.md 2.3).
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from simulator.errors import StorageError
from simulator.storage.ion.java import parse_annotated
from simulator.values import Instant

__all__ = ["iter_text", "timestamp_value"]

_MAX_DEPTH = 200

_TOKEN = re.compile(
    r"""(?P<space>[\s]+|//[^\n]*(?:\n|\Z)|/\*.*?\*/)
    |(?P<punct>[\[\]{},:()])
    |"(?P<plain>[^"\\\n]*)"
    |(?P<string>"(?:[^"\\\n]|\\[\s\S])*")
    |(?P<long>'''(?:[^'\\]|\\[\s\S]|'(?!''))*''')
    |(?P<quoted>'(?:[^'\\\n]|\\[\s\S])*')
    |(?P<time>\d{4}-\d{2}(?:-\d{2}(?:T(?:\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?)?|T)|\d{4}T)
    |(?P<number>-?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|\d[\d_]*(?:\.(?:\d[\d_]*)?)?(?:[eEdD][+-]?\d+)?)|[+-]inf\b)
    |(?P<symbol>[A-Za-z_$][A-Za-z0-9_$]*)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOB = re.compile(r"\{\{\s*([A-Za-z0-9+/=\s]*)\}\}")
_CLOB = re.compile(r"""\{\{\s*("(?:[^"\\]|\\[\s\S])*"|'''[\s\S]*?''')\s*\}\}""")
_TIME = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(?:(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:\d{2})?)?)?)?)?T?"
)
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}"
    r"|\r\n|[\s\S])"
)
_SIMPLE = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
    "\\": "\\", '"': '"', "'": "'", "/": "/", "?": "?", "\n": "",
}  # fmt: skip
_KEYWORDS: dict[str, Any] = {"null": None, "true": True, "false": False, "nan": float("nan")}
_TYPES = frozenset(
    [
        "null",
        "bool",
        "int",
        "float",
        "decimal",
        "timestamp",
        "symbol",
        "string",
        "clob",
        "blob",
        "list",
        "sexp",
        "struct",
    ]
)


class _Incomplete(Exception):  # noqa: N818 - no error: more text is needed
    """The text ends inside a value."""


class _Skip:
    """What a version marker or a symbol table gives: nothing."""


_SKIP = _Skip()


def unescape(text: str) -> str:
    """Ion and JSON escapes to characters; a pair of JSON surrogates becomes one character."""
    if "\\" not in text:
        return text

    def char(match: re.Match[str]) -> str:
        code = match[0][1:]
        if len(code) == 11:
            return code_pair(code)
        if code[0] in "uUx" and len(code) > 1:
            number = int(code[1:], 16)
            if number > 0x10FFFF:
                raise StorageError(f"Invalid Ion escape \\{code}")
            return chr(number)
        if code == "\r\n":
            return ""
        try:
            return _SIMPLE[code]
        except KeyError:
            raise StorageError(f"Invalid Ion escape \\{code}") from None

    def code_pair(code: str) -> str:
        high, low = int(code[1:5], 16), int(code[7:11], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    return _ESCAPE.sub(char, text)


def timestamp_value(moment: dt.datetime, offset_minutes: int | None) -> dt.date | dt.datetime:
    """Kestra's reading of a timestamp (2.3): UTC midnight is a date, another offset a ZonedDateTime, else Instant.

    `moment` is the local time, naive; no offset = unknown.
    """
    if offset_minutes:
        zone = dt.timezone(dt.timedelta(minutes=offset_minutes))
        return moment.replace(tzinfo=zone)
    if moment.time() == dt.time():
        return moment.date()
    return Instant.combine(moment.date(), moment.time(), dt.UTC)


def _timestamp(text: str) -> dt.date | dt.datetime:
    match = _TIME.fullmatch(text)
    assert match is not None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    micros = int((fraction or "").ljust(6, "0")[:6])
    try:
        moment = dt.datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            micros,
        )
        offset = None
        if zone not in (None, "Z", "-00:00"):
            sign = -1 if zone[0] == "-" else 1
            offset = sign * (int(zone[1:3]) * 60 + int(zone[4:6]))
        return timestamp_value(moment, offset)
    except ValueError as error:
        raise StorageError(f"Invalid Ion timestamp {text}: {error}") from None


def _number(text: str) -> int | float | Decimal:
    text = text.replace("_", "")
    if text.endswith("inf"):
        return float(text)
    lower = text.lower()
    if lower.lstrip("-").startswith(("0x", "0b")):
        return int(lower, 0)
    try:
        if "e" in lower:
            return float(text)
        if "d" in lower:
            return Decimal(lower.replace("d", "e"))
        return Decimal(text) if "." in text else int(text)
    except (ValueError, ArithmeticError):
        raise StorageError(f"Invalid Ion number {text[:40]}") from None


class _Parser:
    """A recursive-descent parser over one piece of text; `at_end` says whether more may follow."""

    def __init__(self, text: str, at_end: bool) -> None:
        self.text = text
        self.pos = 0
        self.at_end = at_end
        self.kind = ""
        self.value = ""

    def next(self) -> str:
        """Moves to the next token; its kind ("" at the end of the text)."""
        text = self.text
        while True:
            if self.pos >= len(text):
                self.kind = ""
                return ""
            match = _TOKEN.match(text, self.pos)
            if match is None:
                return self._no_token()
            kind = match.lastgroup or ""
            if kind != "space":
                break
            self.pos = match.end()
        # A number or name that touches the end may go on in text that has not been read yet.
        if match.end() == len(text) and not self.at_end and kind in ("number", "time", "symbol", "long"):
            raise _Incomplete
        self.pos = match.end()
        self.kind = kind
        self.value = match[kind]
        return kind

    def _no_token(self) -> str:
        rest = self.text[self.pos : self.pos + 20]
        if not self.at_end and rest[0] in "\"'/+-":
            raise _Incomplete
        raise StorageError(f"Invalid Ion text at offset {self.pos}: {rest!r}")

    def expect(self, punct: str) -> None:
        if self.next() != "punct" or self.value != punct:
            self.fail(f"expected `{punct}`")

    def fail(self, what: str) -> None:
        if self.kind == "":
            if self.at_end:
                raise StorageError(f"Invalid Ion text: {what}, but it ends")
            raise _Incomplete
        raise StorageError(
            f"Invalid Ion text at offset {self.pos - len(self.value)}: {what}, got {self.value[:20]!r}"
        )

    def peek(self, punct: str) -> bool:
        """Consumes `punct` (which may be `::`) when it is next."""
        saved = self.pos
        text = self.text
        while True:
            match = _TOKEN.match(text, self.pos)
            if match is None or match.lastgroup != "space":
                break
            self.pos = match.end()
        if text.startswith(punct, self.pos):
            self.pos += len(punct)
            return True
        self.pos = saved
        return False

    def top(self) -> Any:
        """The next top-level value; `_SKIP` for what is no value. `self.kind` is "" when there was none."""
        if self.next() == "":
            return _SKIP
        return self.parse(0, top=True)

    def parse(self, depth: int, top: bool = False) -> Any:
        """The value that begins with the current token."""
        kind, value = self.kind, self.value
        if kind == "plain":
            return value
        if kind == "string":
            return unescape(value[1:-1])
        if kind == "number":
            return _number(value)
        if kind == "symbol" or kind == "quoted":
            return self.symbol(depth, top)
        if kind == "time":
            return _timestamp(value)
        if kind == "long":
            return self.long_string()
        if kind == "punct" and depth < _MAX_DEPTH:
            if value == "{":
                return self.struct(depth + 1)
            if value == "[":
                return self.sequence("]", depth + 1)
            if value == "(":
                return self.sequence(")", depth + 1)
        if depth >= _MAX_DEPTH:
            raise StorageError(f"Ion value is nested deeper than {_MAX_DEPTH}")
        self.fail("expected a value")
        raise AssertionError

    def symbol(self, depth: int, top: bool) -> Any:
        name = unescape(self.value[1:-1]) if self.kind == "quoted" else self.value
        bare = self.kind == "symbol"
        if self.peek("::"):
            if self.next() == "":
                self.fail("expected a value")
            value = self.parse(depth, top)
            if top and name in ("$ion_symbol_table", "$ion_shared_symbol_table"):
                return _SKIP
            if isinstance(value, str):
                try:
                    known = parse_annotated(name, value)
                except ValueError:
                    raise StorageError(f"Invalid Ion value {name}::{value!r}") from None
                if known is not None:
                    return known
            return value
        if bare:
            if top and re.fullmatch(r"\$ion_\d+_\d+", name):
                return _SKIP
            if name == "null" and self.text.startswith(".", self.pos):
                match = re.compile(r"\.(\w+)").match(self.text, self.pos)
                if match is None or match[1] not in _TYPES:
                    raise StorageError("Invalid Ion text: unknown type of null")
                self.pos = match.end()
                return None
            if name in _KEYWORDS:
                return _KEYWORDS[name]
        return name

    def long_string(self) -> str:
        """Adjacent ''' strings are one string."""
        parts = [unescape(self.value[3:-3])]
        while self.peek("'''"):
            self.pos -= 3
            self.next()
            parts.append(unescape(self.value[3:-3]))
        return "".join(parts)

    def lob(self) -> bytes | None:
        """A blob or clob when `{{` begins here (the first brace is consumed)."""
        if not self.text.startswith("{", self.pos):
            return None
        start = self.pos - 1
        if (match := _BLOB.match(self.text, start)) is not None:
            self.pos = match.end()
            return base64.b64decode("".join(match[1].split()))
        if (match := _CLOB.match(self.text, start)) is not None:
            self.pos = match.end()
            quoted = match[1]
            body = quoted[3:-3] if quoted.startswith("'''") else quoted[1:-1]
            return unescape(body).encode("latin-1", "replace")
        self.kind = ""
        if self.at_end or "}}" in self.text[start:]:
            raise StorageError(f"Invalid Ion text at offset {start}: broken blob")
        raise _Incomplete

    def struct(self, depth: int) -> Any:
        blob = self.lob()
        if blob is not None:
            return blob
        result: dict[str, Any] = {}
        while True:
            kind = self.next()
            if kind == "punct" and self.value == "}":
                return result
            if kind == "plain" or kind == "symbol":
                name = self.value
            elif kind in ("string", "quoted"):
                name = unescape(self.value[1:-1])
            elif kind == "long":
                name = self.long_string()
            else:
                self.fail("expected a field name")
            self.expect(":")
            if self.next() == "":
                self.fail("expected a value")
            result[name] = self.parse(depth)
            if self.next() == "punct":
                if self.value == ",":
                    continue
                if self.value == "}":
                    return result
            self.fail("expected `,` or `}`")

    def sequence(self, end: str, depth: int) -> list[Any]:
        result: list[Any] = []
        while True:
            kind = self.next()
            if kind == "punct" and self.value == end:
                return result
            if kind == "":
                self.fail("expected a value")
            result.append(self.parse(depth))
            if end == ")":
                continue
            if self.next() == "punct":
                if self.value == ",":
                    continue
                if self.value == end:
                    return result
            self.fail(f"expected `,` or `{end}`")


def iter_text(lines: Iterable[str]) -> Iterator[Any]:
    """The top-level values of Ion text given as lines (with their line ends). Raises StorageError for broken text."""
    waiting: list[str] = []
    size = tried = 0
    shape: Shape | None = None
    for line in lines:
        if waiting:
            # Tried again only when it has grown by enough, so that a long value costs linear time.
            waiting.append(line)
            size += len(line)
            grown = size - tried
            if grown < tried and not (grown * 4 >= tried and line.rstrip().endswith(("}", "]"))):
                continue
            line = "".join(waiting)
        elif shape is not None and (row := shape.read(line)) is not None:
            yield row
            continue
        values, rest = _values(line, at_end=False)
        yield from values
        shape = Shape.of(values[0], line) if len(values) == 1 and not rest else None
        waiting = [rest] if rest else []
        size = tried = len(rest)
    if waiting:
        yield from _values("".join(waiting), at_end=True)[0]


class Shape:
    """Rows of the same flat columns, one a line: one regular expression reads the whole line.

    Five times faster than the parser, which gives the same values (tested); a line that does not fit goes there.
    """

    # A string without escapes (perhaps annotated), or a bare token.
    _CELL = r"""((?:[A-Za-z]+::)?"[^"\\\n]*"|[-+0-9A-Za-z_.:]{1,400})"""

    def __init__(self, names: list[str], pattern: re.Pattern[str]) -> None:
        self._names = names
        self._match = pattern.fullmatch

    @classmethod
    def of(cls, row: Any, line: str) -> Shape | None:
        """The shape of a row that was just read from a line; None when it has none that is worth it."""
        if type(row) is not dict or not row or len(row) > 80:
            return None
        heads = [rf'(?:{re.escape(name)}|"{re.escape(name)}")' for name in row]
        if not all(_PLAIN_NAME.fullmatch(name) for name in row):
            return None
        body = r",\s?".join(rf"{head}:\s?{cls._CELL}" for head in heads)
        pattern = re.compile(rf"\{{{body}\}}\s*")
        return cls(list(row), pattern) if pattern.fullmatch(line) else None

    def read(self, line: str) -> dict[str, Any] | None:
        match = self._match(line)
        if match is None:
            return None
        return {
            name: (cell[1:-1] if cell[0] == '"' else int(cell) if cell.isdigit() else _cell(cell))
            for name, cell in zip(self._names, match.groups())
        }


_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _cell(text: str) -> Any:
    """A bare token or an annotated string."""
    if text in _KEYWORDS:
        return _KEYWORDS[text]
    parser = _Parser(text, at_end=True)
    parser.next()
    value = parser.parse(0)
    if parser.next() != "":
        raise StorageError(f"Invalid Ion text: {text[:40]!r}")
    return value


def _values(text: str, *, at_end: bool) -> tuple[list[Any], str]:
    """The whole values of a text and what is left of it (the start of a value that goes on)."""
    parser = _Parser(text, at_end)
    values: list[Any] = []
    while True:
        start = parser.pos
        try:
            value = parser.top()
        except _Incomplete:
            return values, text[start:]
        except (ValueError, ArithmeticError) as error:
            # Broken base64, a number of impossible size...
            raise StorageError(f"Invalid Ion text: {error}") from None
        if value is not _SKIP:
            values.append(value)
        elif parser.kind == "":
            return values, ""
