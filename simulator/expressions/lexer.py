"""Template text -> tokens, by Pebble's rules.

    >>> [(t.type, t.value) for t in tokenize("a{{ b }}")][:3]
    [('TEXT', 'a'), ('PRINT_START', '{{'), ('NAME', 'b')]

Token types carry Pebble's names, which stand in its messages. Source: expressions.md 2, read against Pebble's own
grammar; every rule there (trim marks, one-space `is not`, interpolation, verbatim) has a case.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["ParseError", "Token", "java_rstrip", "tokenize"]


class Token(NamedTuple):
    """One token; `offset` is its first character in the template."""

    type: str
    value: str
    offset: int


class ParseError(Exception):
    """A ParserException: `message` as Pebble words it. Never leaves the room (see renderer, analyze).

    `java_type` is set when Java's own exception comes out instead (a number too big for a Long); `placed` is false for
    a PebbleException that names neither template nor line. `line_offset` is where Pebble notices: its message has that
    line, although the mistake is at `offset`.
    """

    def __init__(
        self,
        message: str,
        offset: int,
        java_type: str | None = None,
        *,
        placed: bool = True,
        line_offset: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.java_type = java_type
        self.placed = placed
        self.line_offset = offset if line_offset is None else line_offset


# Character.isWhitespace: no-break spaces are none, the four separators of ASCII are.
_WHITESPACE = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029\u205f\u3000"

_ASCII_SPACE = r"[ \t\n\x0b\f\r]"
_OPEN = re.compile(r"\{\{|\{%|\{#")
_LEADING_TRIM = re.compile(rf"-{_ASCII_SPACE}+")
_PRINT_CLOSE = re.compile(rf"{_ASCII_SPACE}*(-?)\}}\}}")
_EXECUTE_CLOSE = re.compile(rf"{_ASCII_SPACE}*(-?)%\}}")
_COMMENT_CLOSE = re.compile(rf"({_ASCII_SPACE}*-)?#\}}")
_INTERPOLATION_CLOSE = re.compile(rf"{_ASCII_SPACE}*\}}")
_VERBATIM_START = re.compile(rf"{_ASCII_SPACE}*verbatim{_ASCII_SPACE}*-?%\}}")
_VERBATIM_END = re.compile(
    rf"\{{%(-)?{_ASCII_SPACE}*endverbatim{_ASCII_SPACE}*(-)?%\}}",
)
_STRING_PART = re.compile(r'[^#"\\]*(?:(?:\\.|#(?!\{))[^#"\\]*)*', re.DOTALL)

_EXPRESSION = re.compile(
    r"""
    (?P<OPERATOR> (?: is\x20not | isIn | is | not | and | or | contains | equals )(?!\w)
                | \?\?\?? | == | != | >= | <= | > | < | \.\. | [-+*/%~|] )
  | (?P<NAME> [^\W\d]\w* )
  | (?P<LONG> [0-9]+L )
  | (?P<NUMBER> [0-9]+(?:\.[0-9]+)? )
  | (?P<PUNCTUATION> [()\[\]{}?:.,=] )
  | (?P<STRING> "[^#"\\]*(?:\\.[^#"\\]*)*" | '[^'\\]*(?:\\.[^'\\]*)*' )
  | (?P<QUOTE> " )
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"(": ")", "[": "]", "{": "}", "#{": "}", '"': '"'}


def java_rstrip(text: str) -> str:
    """The text without trailing whitespace, as `Character.isWhitespace` sees it."""
    return text.rstrip(_WHITESPACE)


def tokenize(source: str) -> list[Token]:
    """All tokens, an EOF last. Raises ParseError."""
    return _Lexer(source).run()


class _Lexer:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens: list[Token] = []
        self.pos = 0
        self.trim_next = False
        self.brackets: list[tuple[str, int]] = []

    def run(self) -> list[Token]:
        source, size = self.source, len(self.source)
        while self.pos < size:
            match = _OPEN.search(source, self.pos)
            start, end = self.pos, match.start() if match else size
            text = source[start:end]
            if self.trim_next:
                text = text.lstrip(_WHITESPACE)
                self.trim_next = False
            self.pos = end
            if match:
                self.pos += 2
                trim = _LEADING_TRIM.match(source, self.pos)
                if trim:
                    text = java_rstrip(text)
                    self.pos = trim.end()
            if text:
                self.tokens.append(Token("TEXT", text, start))
            if match:
                self._inside(match.group(), end)
        self.tokens.append(Token("EOF", "null", size))
        if self.brackets:
            bracket, offset = self.brackets[-1]
            raise ParseError(f'Unclosed "{_CLOSING[bracket]}"', offset, line_offset=size)
        return self.tokens

    def _inside(self, opening: str, offset: int) -> None:
        if opening == "{#":
            match = _COMMENT_CLOSE.search(self.source, self.pos)
            if match is None:
                raise ParseError("Unclosed comment.", offset)
            self.trim_next = match[1] is not None
            self.pos = match.end()
        elif opening == "{{":
            self.tokens.append(Token("PRINT_START", "{{", offset))
            self._expression(_PRINT_CLOSE, "PRINT_END", "}}")
        elif verbatim := _VERBATIM_START.match(self.source, self.pos):
            self._verbatim(verbatim.end(), offset)
        else:
            self.tokens.append(Token("EXECUTE_START", "{%", offset))
            self._expression(_EXECUTE_CLOSE, "EXECUTE_END", "%}")

    def _verbatim(self, start: int, offset: int) -> None:
        match = _VERBATIM_END.search(self.source, start)
        if match is None:
            raise ParseError("Unclosed verbatim tag.", offset)
        # Pebble tests a group that always matches: the left side is trimmed with or without a dash.
        text = self.source[start : match.start()].lstrip(_WHITESPACE)
        if match[1]:
            text = java_rstrip(text)
        self.trim_next = match[2] is not None
        if text:
            self.tokens.append(Token("TEXT", text, start))
        self.pos = match.end()

    def _expression(self, close: re.Pattern[str], end_type: str, end_value: str) -> None:
        """Tokens up to the closing delimiter (or the end of the text: the parser then complains)."""
        source, size, tokens, brackets = self.source, len(self.source), self.tokens, self.brackets
        while self.pos < size:
            top = brackets[-1][0] if brackets else ""
            if top == '"':
                self._string_part()
                continue
            if not top:
                match = close.match(source, self.pos)
                if match:
                    tokens.append(Token(end_type, end_value, match.end() - 2))
                    self.trim_next = match[1] == "-"
                    self.pos = match.end()
                    return
            elif top == "#{" and (match := _INTERPOLATION_CLOSE.match(source, self.pos)):
                brackets.pop()
                tokens.append(Token("STRING_INTERPOLATION_END", "}", match.end() - 1))
                self.pos = match.end()
                continue
            while self.pos < size and source[self.pos] in _WHITESPACE:
                self.pos += 1
            if self.pos < size:
                self._token()

    def _token(self) -> None:
        source, offset = self.source, self.pos
        match = _EXPRESSION.match(source, offset)
        if match is None:
            raise ParseError(f"Unexpected character [{source[offset]}]", offset)
        kind, value = match.lastgroup or "", match.group()
        self.pos = match.end()
        if kind == "PUNCTUATION":
            self._bracket(value, offset)
        elif kind == "STRING":
            quote = value[0]
            value = value[1:-1].replace("\\" + quote, quote)
        elif kind == "QUOTE":
            self.brackets.append(('"', offset))
            kind = "STRING_OPEN"
        elif kind == "LONG":
            value = value[:-1]
        self.tokens.append(Token(kind, value, offset))

    def _bracket(self, value: str, offset: int) -> None:
        if value in "([{":
            self.brackets.append((value, offset))
        elif value in ")]}":
            if not self.brackets:
                raise ParseError(f'Unexpected "{value}"', offset)
            expected = _CLOSING[self.brackets.pop()[0]]
            if expected != value:
                raise ParseError(f'Unclosed "{expected}"', offset)

    def _string_part(self) -> None:
        source = self.source
        if source.startswith("#{", self.pos):
            self.tokens.append(Token("STRING_INTERPOLATION_START", "#{", self.pos))
            self.brackets.append(("#{", self.pos))
            self.pos += 2
            return
        match = _STRING_PART.match(source, self.pos)
        if match and match.end() > self.pos:
            self.tokens.append(Token("STRING", match.group(), self.pos))
            self.pos = match.end()
        elif source[self.pos] == '"':
            self.brackets.pop()
            self.tokens.append(Token("STRING_CLOSE", '"', self.pos))
            self.pos += 1
        else:
            raise ParseError(f"Unexpected character [{source[self.pos]}]", self.pos)
