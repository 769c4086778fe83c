"""SQL text as the plugin and the driver cut it: statements, named binds, placeholders.

Three different readers meet here, each with its own idea of SQL: the plugin's splitter (postgresql.md 6), which also
takes `[..]` for a quoted name and glues `CREATE FUNCTION` bodies; the plugin's regex for `:name` (section 5), which knows
no literals at all; and pgjdbc, which knows them well and turns `?` into `$1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["bind_names", "driver_placeholders", "driver_statements", "split_statements"]

_DOLLAR = re.compile(r"\$(?:[A-Za-z_\x80-\uffff][A-Za-z0-9_\x80-\uffff]*)?\$")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CREATE = re.compile(
    r"create\s+(?:or\s+replace\s+)?(?:procedure|function|trigger|type|package)\b", re.IGNORECASE
)
_NAME = re.compile(r":(\w+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Token:
    """`kind` is `text` (one character), `word`, `opaque` (literal, quoted name, dollar quote) or `comment`."""

    kind: str
    text: str
    start: int


def _tokens(sql: str, *, brackets: bool) -> Iterator[_Token]:
    index, size = 0, len(sql)
    while index < size:
        char = sql[index]
        end = index + 1
        kind = "text"
        if char in "'\"`" and (brackets or char != "`"):
            kind, end = "opaque", _quoted_end(sql, index, char, brackets)
        elif brackets and char == "[":
            closing = sql.find("]", index + 1)
            kind, end = "opaque", size if closing < 0 else closing + 1
        elif sql.startswith("--", index):
            newline = sql.find("\n", index)
            kind, end = "comment", size if newline < 0 else newline
        elif sql.startswith("/*", index):
            kind, end = "comment", _comment_end(sql, index, nested=not brackets)
        elif char == "$" and (dollar := _DOLLAR.match(sql, index)):
            closing = sql.find(dollar[0], dollar.end())
            kind, end = "opaque", size if closing < 0 else closing + len(dollar[0])
        elif word := _WORD.match(sql, index):
            kind, end = "word", word.end()
        yield _Token(kind, sql[index:end], index)
        index = end


def _quoted_end(sql: str, start: int, quote: str, brackets: bool) -> int:
    escapes = not brackets and quote == "'" and start > 0 and sql[start - 1] in "eE"
    index = start + 1
    while index < len(sql):
        if escapes and sql[index] == "\\":
            index += 2
            continue
        if sql[index] == quote:
            if sql.startswith(quote, index + 1):
                index += 2
                continue
            return index + 1
        index += 1
    return len(sql)


def _comment_end(sql: str, start: int, *, nested: bool) -> int:
    depth, index = 1, start + 2
    while index < len(sql):
        if sql.startswith("*/", index):
            depth -= 1
            index += 2
            if depth == 0 or not nested:
                return index
        elif nested and sql.startswith("/*", index):
            depth += 1
            index += 2
        else:
            index += 1
    return len(sql)


def split_statements(sql: str) -> list[str]:
    """The statements that the plugin sees, without their `;` (blocks keep it); blank ones are dropped."""
    parts: list[str] = []
    current: list[str] = []
    depth = 0
    routine = False
    do_block = False
    last_word = ""

    def close(keep: str = "") -> None:
        text = ("".join(current) + keep).strip()
        if text:
            parts.append(text)
        current.clear()

    for token in _tokens(sql, brackets=True):
        if token.kind == "word":
            word = token.text.upper()
            if not "".join(current).strip():
                routine = _CREATE.match(sql, token.start) is not None
                do_block = word == "DO"
            if word in ("BEGIN", "DECLARE") and not (word == "BEGIN" and depth and last_word == "DECLARE"):
                depth += 1
            elif word == "END" and depth:
                depth -= 1
            if word in ("BEGIN", "DECLARE", "END"):
                last_word = word
        if token.kind == "text" and token.text == ";":
            if depth or (routine and last_word != "END"):
                current.append(";")
                continue
            block = do_block or last_word == "END"
            close(";" if block else "")
            routine, do_block, last_word = False, False, ""
            continue
        current.append(token.text)
    close()
    return parts


def driver_statements(sql: str) -> list[str]:
    """The statements that pgjdbc sends one by one: cut at every `;` outside literals, comments and parentheses."""
    parts: list[str] = []
    start = 0
    depth = 0
    atomic = 0
    previous = ""
    filled = False

    def close(end: int) -> None:
        if filled:
            parts.append(sql[start:end])

    for token in _tokens(sql, brackets=False):
        if token.kind == "comment" or (token.kind == "text" and token.text.isspace()):
            continue
        if token.kind == "word":
            word = token.text.upper()
            # The body of a SQL-standard function holds statements of its own.
            if word == "ATOMIC" and previous == "BEGIN":
                atomic += 1
            elif word == "END" and atomic:
                atomic -= 1
            previous = word
        elif token.text == "(":
            depth += 1
        elif token.text == ")":
            depth -= 1
        elif token.text == ";" and token.kind == "text" and depth <= 0 and not atomic:
            close(token.start)
            start, filled, previous = token.start + 1, False, ""
            continue
        filled = True
    close(len(sql))
    return parts


def bind_names(sql: str) -> tuple[str, list[str]]:
    """Every `:name` as `?`, and the names in order: the plugin's regex, which also hits literals and casts."""
    names = [match[1] for match in _NAME.finditer(sql)]
    return _NAME.sub("?", sql), names


def driver_placeholders(sql: str) -> tuple[str, int]:
    """`?` as `$1`, `$2`... where pgjdbc sees a placeholder (`??` is a literal `?`), and how many there are."""
    out: list[str] = []
    count = 0
    skip = False
    tokens = list(_tokens(sql, brackets=False))
    for index, token in enumerate(tokens):
        if skip:
            skip = False
        elif token.kind == "text" and token.text == "?":
            following = tokens[index + 1] if index + 1 < len(tokens) else None
            if following is not None and following.kind == "text" and following.text == "?":
                out.append("?")
                skip = True
            else:
                count += 1
                out.append(f"${count}")
        else:
            out.append(token.text)
    return "".join(out), count
