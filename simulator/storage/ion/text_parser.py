"""Ion text as Kestra's IonParser reads it: a recursive-descent parser over one piece of text."""

from __future__ import annotations

import base64
import re
from typing import Any

from simulator.errors import StorageError
from simulator.storage.ion.java import parse_annotated
from simulator.storage.ion.text_tokens import BLOB, CLOB, TOKEN, number, timestamp, unescape

__all__ = ["KEYWORDS", "SKIP", "Incomplete", "Parser"]

_MAX_DEPTH = 200

KEYWORDS: dict[str, Any] = {"null": None, "true": True, "false": False, "nan": float("nan")}
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


class Incomplete(Exception):  # noqa: N818 - no error: more text is needed
    """The text ends inside a value."""


class _Skip:
    """What a version marker or a symbol table gives: nothing."""


SKIP = _Skip()


class Parser:
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
            match = TOKEN.match(text, self.pos)
            if match is None:
                return self._no_token()
            kind = match.lastgroup or ""
            if kind != "space":
                break
            self.pos = match.end()
        # A number or name that touches the end may go on in text that has not been read yet.
        if match.end() == len(text) and not self.at_end and kind in ("number", "time", "symbol", "long"):
            raise Incomplete
        self.pos = match.end()
        self.kind = kind
        self.value = match[kind]
        return kind

    def _no_token(self) -> str:
        rest = self.text[self.pos : self.pos + 20]
        if not self.at_end and rest[0] in "\"'/+-":
            raise Incomplete
        raise StorageError(f"Invalid Ion text at offset {self.pos}: {rest!r}")

    def expect(self, punct: str) -> None:
        if self.next() != "punct" or self.value != punct:
            self.fail(f"expected `{punct}`")

    def fail(self, what: str) -> None:
        if self.kind == "":
            if self.at_end:
                raise StorageError(f"Invalid Ion text: {what}, but it ends")
            raise Incomplete
        raise StorageError(
            f"Invalid Ion text at offset {self.pos - len(self.value)}: {what}, got {self.value[:20]!r}"
        )

    def peek(self, punct: str) -> bool:
        """Consumes `punct` (which may be `::`) when it is next."""
        saved = self.pos
        text = self.text
        while True:
            match = TOKEN.match(text, self.pos)
            if match is None or match.lastgroup != "space":
                break
            self.pos = match.end()
        if text.startswith(punct, self.pos):
            self.pos += len(punct)
            return True
        self.pos = saved
        return False

    def top(self) -> Any:
        """The next top-level value; `SKIP` for what is no value. `self.kind` is "" when there was none."""
        if self.next() == "":
            return SKIP
        return self.parse(0, top=True)

    def parse(self, depth: int, top: bool = False) -> Any:
        """The value that begins with the current token."""
        kind, value = self.kind, self.value
        if kind == "plain":
            return value
        if kind == "string":
            return unescape(value[1:-1])
        if kind == "number":
            return number(value)
        if kind == "symbol" or kind == "quoted":
            return self.symbol(depth, top)
        if kind == "time":
            return timestamp(value)
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
                return SKIP
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
                return SKIP
            if name == "null" and self.text.startswith(".", self.pos):
                match = re.compile(r"\.(\w+)").match(self.text, self.pos)
                if match is None or match[1] not in _TYPES:
                    raise StorageError("Invalid Ion text: unknown type of null")
                self.pos = match.end()
                return None
            if name in KEYWORDS:
                return KEYWORDS[name]
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
        if (match := BLOB.match(self.text, start)) is not None:
            self.pos = match.end()
            return base64.b64decode("".join(match[1].split()))
        if (match := CLOB.match(self.text, start)) is not None:
            self.pos = match.end()
            quoted = match[1]
            body = quoted[3:-3] if quoted.startswith("'''") else quoted[1:-1]
            return unescape(body).encode("latin-1", "replace")
        self.kind = ""
        if self.at_end or "}}" in self.text[start:]:
            raise StorageError(f"Invalid Ion text at offset {start}: broken blob")
        raise Incomplete

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
