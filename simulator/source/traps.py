"""The classic mistakes in a YAML file, told in words: what the reader's message means and what to write instead."""

from __future__ import annotations

import re

from simulator.diagnostics import Position
from simulator.source.text import SourceText

__all__ = ["hint_for"]

_UNQUOTED = re.compile(r"^(?P<lead>\s*(?:- +)*(?:[\w.\"'-]+\s*:\s+|-\s+)?)(?P<value>\{[{%].*)$")
_COLON = re.compile(r"^\s*(?:- +)*[\w.-]+\s*:\s+(?P<value>[^'\"|>\[{\s].*:(?:\s.*|$))")
_TIGHT = re.compile(r"^\s*(?:- +)*(?P<key>[A-Za-z_][\w-]*):(?P<value>[^\s/].*)$")


def hint_for(source: SourceText, position: Position, problem: str, opened: int | None = None) -> str | None:
    """What would help with a syntax error at this place; None when nothing is known.

    `opened`: the line in which the quoted text starts that the reader was in.
    """
    if opened is not None:
        return f"The quote that opens in line {opened} is never closed, or closed too early."
    line = source.line(position.line)
    if "\t" in line and ("TAB" in problem or "\\t" in problem):
        return "YAML allows no tab here: use blanks."
    for number in (position.line, position.line - 1):
        if match := _UNQUOTED.match(source.line(number)):
            value = match["value"].rstrip()
            quote = "'" if '"' in value else '"'
            return (
                f"In line {number} a value that starts with `{value[:2]}` needs quotes: {quote}{value}{quote}"
            )
    if "mapping values are not allowed" in problem:
        for number in range(position.line, max(0, position.line - 3), -1):
            if match := _TIGHT.match(source.line(number)):
                return f"In line {number} a blank is missing after the colon: `{match['key']}: {match['value'].strip()}`"
        if match := _COLON.match(line):
            return f"A text with a colon and a blank in it needs quotes: '{match['value'].strip()}'"
        return "Check the indentation, and quote texts that hold a colon followed by a blank."
    if "could not find expected ':'" in problem:
        return "A line here is no `key: value` pair: a colon and a blank are missing, or a text runs over its line without `|`."
    if "cannot start any token" in problem:
        char = line[position.column - 1 : position.column]
        return f"A text must not start with `{char}`: put it in quotes." if char else None
    if "sequence entries are not allowed" in problem:
        return "A list starts on a line of its own below its key."
    if "did not find expected" in problem or "expected <block end>" in problem:
        return "The indentation of this line fits no line above it."
    if "quoted scalar" in problem or "unexpected end of stream" in problem:
        return "A quote is opened and never closed."
    return None
