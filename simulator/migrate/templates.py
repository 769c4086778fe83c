"""Templates with extents: the syntax tree of an expression, and where each node starts and ends in the text.

The parser is that of `simulator.expressions`, asked for the extent of every node. So a rewrite touches exactly one
name or one operand: never plain text, comments, verbatim or raw blocks, or texts in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from simulator.dialect import V1, Dialect
from simulator.expressions.lexer import ParseError, Token, tokenize
from simulator.expressions.nodes import Attribute, Literal, Name, Statement
from simulator.expressions.parser import parse as parse_template

__all__ = ["Parsed", "front", "parse", "part", "path_of", "same_meaning", "walk"]

_RAW = re.compile(r"\{%-*\s*raw\s*-*%}.*?\{%-*\s*endraw\s*-*%}")
"""Kestra takes raw blocks out before Pebble sees the text; only within one line (expressions.md 1)."""


class Parsed:
    """A template's tree with extents. Raises ParseError."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self.text = text
        # Filler of the same length: offsets stay those of the text.
        self._read = _RAW.sub(lambda found: "x" * len(found.group()), text)
        self._spans: dict[int, tuple[int, int]] = {}
        # The tree is kept whole: the extents are known by the identity of its nodes.
        self._tree = parse_template(self._read, dialect, self._spans)
        self.body: list[Statement] = self._tree.body

    def tokens(self) -> list[Token]:
        return tokenize(self._read)

    def extent(self, node: Any) -> tuple[int, int]:
        """Offsets of a node's first character and behind its last one, without parentheses around it."""
        start, end = self._spans[id(node)]
        if self._read.startswith(("}}", "%}"), end) and self._read[end - 1] == "-":
            end -= 1  # a mark that trims
        return start, start + len(self._read[start:end].rstrip())

    def in_parentheses(self, node: Any) -> bool:
        """Whether an operand stands in parentheses of its own."""
        start, end = self.extent(node)
        return self._read[:start].rstrip().endswith("(") and self._read[end:].lstrip().startswith(")")


def parse(text: str, dialect: Dialect = V1) -> Parsed | None:
    """The tree of a template; None when there is nothing to parse or it does not parse."""
    if "{{" not in text and "{%" not in text:
        return None
    try:
        return Parsed(text, dialect)
    except ParseError:
        return None


def walk(node: Any, parent: Any = None) -> Iterator[tuple[Any, Any]]:
    """All nodes below `node` (a node, or lists of them), each with the node it stands in; the outer ones first.

    With a stack of its own: a sum of thousands of terms is a tree of that depth.
    """
    stack = [(node, parent)]
    while stack:
        node, parent = stack.pop()
        if isinstance(node, (list, tuple)):
            stack += [(item, parent) for item in reversed(node)]
        elif is_dataclass(node):
            yield node, parent
            stack += [(getattr(node, part.name), node) for part in reversed(fields(node))]


def path_of(node: Any) -> list[Any] | None:
    """`a.b['c'][d]` as ["a", "b", "c", <node d>]; None when the node is no such path."""
    keys: list[Any] = []
    while isinstance(node, Attribute) and node.arguments is None:
        keys.append(node.key.value if isinstance(node.key, Literal) else node.key)
        node = node.target
    return [node.name, *reversed(keys)] if isinstance(node, Name) else None


def front(found: Any) -> list[Any]:
    """The path at the front of a chain: `a.b.size()` is `a.b`."""
    node = found
    while isinstance(node, Attribute):
        path = path_of(node)
        if path is not None:
            return path
        node = node.target
    return path_of(node) or []


def part(found: Any, length: int) -> Any:
    """The node of the first `length` parts of a path."""
    node = found
    while True:
        path = path_of(node)
        if path is not None and len(path) == length:
            return node
        node = node.target


def same_meaning(one: Parsed, other: Parsed) -> bool:
    """Whether two templates have the same tree (texts, names, grouping)."""
    stack: list[tuple[Any, Any]] = [(one.body, other.body)]
    while stack:
        left, right = stack.pop()
        if type(left) is not type(right):
            return False
        if isinstance(left, (list, tuple)):
            if len(left) != len(right):
                return False
            # A bare number in a tuple is an offset (values are literals).
            stack += [pair for pair in zip(left, right, strict=True) if type(pair[0]) is not int]
        elif is_dataclass(left):
            names = (part.name for part in fields(left) if part.name != "offset")
            stack += [(getattr(left, name), getattr(right, name)) for name in names]
        elif left != right:
            return False
    return True
