"""A source file as text: decoding, a line index, excerpts with a caret, and the way from an expression back to its place.

Lines are counted as YAML counts them (LF, CRLF, CR, NEL, LS, PS end a line), lines and columns from 1.

    >>> source = SourceText("flow.yml", "id: hello\\nnamespace: demo\\n")
    >>> source.position(14)
    Position(line=2, column=5)
    >>> print(source.excerpt(Span("flow.yml", Position(2, 12), Position(2, 16))))
    2 | namespace: demo
      |            ^^^^
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from simulator.diagnostics import Position, Span
from simulator.errors import InvalidFlowError
from simulator.source.nodes import ScalarNode

__all__ = ["MAX_CODE_POINTS", "SourceText", "decode", "template_position"]

MAX_CODE_POINTS = 3_145_728
"""SnakeYAML's default limit, which Kestra keeps (stack.md 5.3)."""

_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_BREAKS = "\n\r\x85\u2028\u2029"
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_WIDTH = 160
"""Longest stretch of a line that an excerpt shows."""


def decode(data: bytes, file: str) -> str:
    """The text of a file: UTF-8, or UTF-16/32 with a byte order mark; the mark itself is dropped.

    Raises InvalidFlowError (SIM-YAML-002) for bytes that are no text in that encoding.
    """
    mark, name = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    body = data[len(mark) :]
    try:
        return body.decode(name)
    except UnicodeDecodeError as error:
        before = body[: error.start].decode(name, "replace")
        position = SourceText(file, before).position(len(before))
        raise InvalidFlowError(
            f"Illegal flow path: not a text file, byte 0x{body[error.start]:02x} is not {name.upper()}",
            code="SIM-YAML-002",
            span=Span(file, position, position),
            hint="Save the file as UTF-8.",
        ) from None


class SourceText:
    """A named text with its line index. Cheap to make: the index is built when first asked for."""

    __slots__ = ("__dict__", "file", "text")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _BREAK.finditer(self.text))]

    @property
    def line_count(self) -> int:
        return len(self._starts)

    def position(self, index: int) -> Position:
        """The place of a 0-based character index (clamped to the text)."""
        index = max(0, min(index, len(self.text)))
        line = bisect_right(self._starts, index) - 1
        return Position(line + 1, index - self._starts[line] + 1)

    def index(self, position: Position) -> int:
        """The 0-based character index of a place (clamped to the text)."""
        if position.line > len(self._starts):
            return len(self.text)
        return min(self._starts[max(position.line, 1) - 1] + position.column - 1, len(self.text))

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its line end; "" beyond the file."""
        if not 1 <= number <= len(self._starts):
            return ""
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[self._starts[number - 1] : end].rstrip(_BREAKS)

    def span(self, start: int, end: int) -> Span:
        return Span(self.file, self.position(start), self.position(end))

    def excerpt(self, span: Span, *, context: int = 0) -> str:
        """The line of a span with carets under it; `context` lines before it. Control characters are shown as `.`."""
        first = max(1, span.start.line - context)
        gutter = len(str(span.start.line))
        shown: list[str] = []
        line = self.line(span.start.line)
        start = min(span.start.column - 1, len(line))
        end = span.end.column - 1 if span.end.line == span.start.line else len(line.rstrip())
        end = max(min(end, len(line)), start + 1)
        cut = max(0, start - _WIDTH // 2) if len(line) > _WIDTH else 0
        for number in range(first, span.start.line + 1):
            text = self.line(number)
            text = text[cut : cut + _WIDTH] if number == span.start.line else text[:_WIDTH]
            shown.append(f"{number:>{gutter}} | {_printable(text)}".rstrip())
        blank = re.sub(r"[^\t]", " ", line[cut:start])
        carets = "^" * max(1, min(end - start, _WIDTH - (start - cut)))
        shown.append(f"{'':>{gutter}} | {blank}{carets}")
        return "\n".join(shown)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() or char == "\t" else "." for char in text)


def template_position(node: ScalarNode, offset: int) -> Position:
    """The place in the file of character `offset` of a scalar's content (its `text`).

    Follows quotes, escapes, folded lines and block indentation. Falls back to the scalar's start when the node
    has no source.
    """
    source = node.source
    if source is None or node.style == "*":
        return node.span.start
    offset = max(0, min(offset, len(node.text)))
    start = source.index(node.span.start)
    if node.style in ("|", ">"):
        return _block_position(node, source, offset)
    if node.style in ("'", '"'):
        start += 1
    return source.position(_flow_index(source.text, start, node.text, node.style, offset))


def _flow_index(text: str, index: int, content: str, style: str, offset: int) -> int:
    """Walks a plain or quoted scalar and its content side by side up to `offset`."""
    at = 0
    while at < offset and index < len(text):
        char = text[index]
        if style == '"' and char == "\\":
            following = text[index + 1 : index + 2]
            if following and following in _BREAKS:
                index = _skip_blanks(text, _after_break(text, index + 1))
                continue
            index += {"x": 4, "u": 6, "U": 10}.get(following, 2)
            at += 1
        elif style == "'" and text.startswith("''", index):
            index += 2
            at += 1
        elif (
            char in " \t" + _BREAKS
            and (fold := _skip_blanks(text, index)) < len(text)
            and text[fold] in _BREAKS
        ):
            index, at = _fold(text, fold, content, at)
        else:
            index += 1
            at += 1
    return index


def _fold(text: str, index: int, content: str, at: int) -> tuple[int, int]:
    """Passes the line breaks at `index`: one reads as a blank, n as n - 1 line feeds."""
    breaks = 0
    while index < len(text) and text[index] in _BREAKS:
        index = _skip_blanks(text, _after_break(text, index))
        breaks += 1
    if breaks == 1:
        return index, at + 1
    return index, at + breaks - 1


def _after_break(text: str, index: int) -> int:
    return index + (2 if text.startswith("\r\n", index) else 1)


def _skip_blanks(text: str, index: int) -> int:
    while index < len(text) and text[index] in " \t":
        index += 1
    return index


def _block_position(node: ScalarNode, source: SourceText, offset: int) -> Position:
    """Block scalars: line k of a literal is source line k + 1; a folded one joins some of them.

    Folding only changes white space, so the characters between are counted: the n-th of the content is the n-th of
    the source.
    """
    first = node.span.start.line + 1
    # The end mark is column 1 of the line behind the scalar, or the end of the file inside its last line.
    last = node.span.end.line - (node.span.end.column == 1)
    lines = [source.line(number) for number in range(first, max(first, last) + 1)]
    lead = next((line for line in lines if line.strip()), "")
    content = node.text.lstrip("\n")
    # Blanks that the content keeps are there by an explicit indentation indicator (`|2`).
    indent = max(0, _blanks(lead) - _blanks(content))
    if node.style == "|":
        row = node.text.count("\n", 0, offset)
        column = offset - (node.text.rfind("\n", 0, offset) + 1)
        return Position(first + row, indent + column + 1)
    inside = node.text[offset : offset + 1].strip() != ""
    # White space stands behind the character before it.
    anchor = offset if inside else len(node.text[:offset].rstrip()) - 1
    if anchor < 0:
        return Position(first, indent + 1)
    left = _visible(node.text[:anchor])
    for row, line in enumerate(lines):
        here = _visible(line)
        if left < here:
            column = next(
                at for at, char in enumerate(line) if not char.isspace() and _visible(line[:at]) == left
            )
            return Position(first + row, column + 1 + offset - anchor)
        left -= here
    return Position(first + max(len(lines) - 1, 0), indent + 1)


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _visible(text: str) -> int:
    """The number of characters that are no white space."""
    return sum(map(len, text.split()))
