"""Templates with extents: the syntax tree of an expression, and where each node starts and ends in the text.

The parser is that of `simulator.expressions`; here it also keeps, for every node, the tokens it came from. So a
rewrite touches exactly one name or one operand: never plain text, comments, verbatim or raw blocks, or texts in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from simulator.dialect import V1, Dialect
from simulator.expressions.grammar import MAX_NESTING, UNARY_PRECEDENCE, precedences
from simulator.expressions.lexer import ParseError, tokenize
from simulator.expressions.nodes import Attribute, Binary, Expression, Filter, Literal, Name, Test, Unary
from simulator.expressions.parser import _Parser

__all__ = ["Parsed", "parse", "path_of", "same_meaning", "walk"]

_RAW = re.compile(r"\{%-*\s*raw\s*-*%}.*?\{%-*\s*endraw\s*-*%}")
"""Kestra takes raw blocks out before Pebble sees the text; only within one line (expressions.md 1)."""


class Parsed:
    """A template's tree with extents."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        # Filler of the same length: offsets stay those of the text.
        self.text = text
        self._read = _RAW.sub(lambda found: "x" * len(found.group()), text)
        parser = _Spanned(self._read, dialect)
        self.body = parser.body(frozenset())
        self.tokens = parser.tokens
        self._ranges = parser.ranges
        self._bare = parser.bare

    def extent(self, node: Any) -> tuple[int, int]:
        """Offsets of a node's first character and behind its last one, with its own parentheses."""
        first, last = self._ranges[id(node)]
        return self.tokens[first].offset, self._end(last - 1)

    def in_parentheses(self, node: Any) -> bool:
        return self._bare[id(node)] != self._ranges[id(node)]

    def has_extent(self, node: Any) -> bool:
        return id(node) in self._ranges

    def _end(self, index: int) -> int:
        token, following = self.tokens[index], self.tokens[index + 1]
        stop = following.offset
        if following.type in ("PRINT_END", "EXECUTE_END") and self._read[stop - 1] == "-":
            stop -= 1
        return token.offset + len(self._read[token.offset : stop].rstrip())


def parse(text: str, dialect: Dialect = V1) -> Parsed | None:
    """The tree of a template; None when there is nothing to parse or it does not parse."""
    if "{{" not in text and "{%" not in text:
        return None
    try:
        return Parsed(text, dialect)
    except ParseError:
        return None


class _Spanned(_Parser):
    """The parser, which also notes the tokens of each node. Mirrors `ExpressionParser` step by step."""

    def __init__(self, source: str, dialect: Dialect) -> None:
        super().__init__(source, tokenize(source), dialect)
        self._precedence = precedences(dialect)
        self._open = 0
        self.ranges: dict[int, tuple[int, int]] = {}
        self.bare: dict[int, tuple[int, int]] = {}
        self._kept: list[Any] = []  # ids are only unique while the nodes live

    def _mark(self, node: Any, start: int) -> None:
        self._kept.append(node)
        self.ranges[id(node)] = (start, self.index)
        self.bare.setdefault(id(node), (start, self.index))

    def expression(self, minimum: int = 0) -> Expression:
        start = self.index
        self._open += 1
        if self._open > MAX_NESTING:
            raise ParseError("The expression is nested too deeply.", self.current.offset)
        left = self._operand()
        while self.current.type == "OPERATOR":
            precedence = self._precedence.get(self.current.value, -1)
            if precedence < minimum or precedence < 0:
                break
            token = self.next()
            if token.value == "|":
                name = self.expect("NAME")
                left = Filter(left, name.value, self.optional_arguments(), name.offset)
            elif token.value in ("is", "is not"):
                name = self.expect("NAME")
                left = Test(left, name.value, self.optional_arguments(), token.value != "is", name.offset)
            else:
                left = Binary(token.value, left, self.expression(precedence + 1), token.offset)
            self._mark(left, start)
        if minimum == 0 and self._punctuation("?"):
            left = self._ternary(left)
            self._mark(left, start)
        self._open -= 1
        return left

    def _operand(self) -> Expression:
        start = self.index
        token = self.current
        node: Expression
        if token.type == "OPERATOR" and token.value in ("not", "+", "-"):
            self.next()
            node = Unary(token.value, self.expression(UNARY_PRECEDENCE), token.offset)
        elif token.type == "PUNCTUATION" and token.value == "(":
            self.next()
            inner = self.expression()
            self.expect("PUNCTUATION", ")")
            self._mark(inner, start)
            return self._postfixes(inner, start)
        elif token.type == "PUNCTUATION" and token.value == "[":
            node = self._list()
        elif token.type == "PUNCTUATION" and token.value == "{":
            node = self._map()
        else:
            node = self._primary()
            self._mark(node, start)
            return self._postfixes(node, start)
        self._mark(node, start)
        return node

    def _postfixes(self, node: Expression, start: int) -> Expression:
        while True:
            before = self.index
            following = self._one_postfix(node)
            if self.index == before:
                return node
            node = following
            self._mark(node, start)

    def _one_postfix(self, node: Expression) -> Expression:
        if self.current.type != "PUNCTUATION" or self.current.value not in (".", "[", "("):
            return node
        if self.current.value == "[":
            self.next()
            offset = self.current.offset
            node = Attribute(node, self.expression(), None, offset)
            self.expect("PUNCTUATION", "]")
            return node
        if self.current.value == "(":
            self._unexpected(self.current)
        self.next()
        name = self.expect("NAME")
        arguments = self.arguments() if self._punctuation("(") else None
        return Attribute(node, Literal(name.value, name.offset), arguments, name.offset)


def walk(node: Any, parent: Any = None) -> Iterator[tuple[Any, Any]]:
    """All nodes below `node` (a node, or lists of them), each with the node it stands in."""
    if isinstance(node, (list, tuple)):
        for item in node:
            yield from walk(item, parent)
    elif is_dataclass(node):
        yield node, parent
        for part in fields(node):
            yield from walk(getattr(node, part.name), node)


def path_of(node: Any) -> list[Any] | None:
    """`a.b['c'][d]` as ["a", "b", "c", <node d>]; None when the node is no such path."""
    if isinstance(node, Name):
        return [node.name]
    if isinstance(node, Attribute) and node.arguments is None:
        front = path_of(node.target)
        if front is not None:
            key = node.key
            return [*front, key.value if isinstance(key, Literal) else key]
    return None


def _shape(node: Any) -> Any:
    if isinstance(node, (list, tuple)):
        return tuple(_shape(item) for item in node)
    if is_dataclass(node):
        return (
            type(node).__name__,
            *(_shape(getattr(node, part.name)) for part in fields(node) if part.name != "offset"),
        )
    return (type(node).__name__, node)


def same_meaning(one: Parsed, other: Parsed) -> bool:
    """Whether two templates have the same tree (texts, names, grouping)."""
    return bool(_shape(one.body) == _shape(other.body))
