"""Templates: text -> tree of statements. Tags are one method each, found in one table.

Kestra removes Pebble's tags that read files or run code (`include`, `import`, `extends`, `embed`, `from`, `cache`,
`parallel`, `flush`, `autoescape`): they are unknown here and fail with `Unexpected tag name "include"`.
Source: expressions.md 1 and 7.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.dialect import Dialect
from simulator.expressions.grammar import ExpressionParser
from simulator.expressions.lexer import ParseError, Token, tokenize
from simulator.expressions.nodes import (
    Block,
    FilterTag,
    For,
    If,
    Macro,
    Print,
    Set,
    Statement,
    Template,
    Text,
)

__all__ = ["MAX_TAGS", "parse"]

MAX_TAGS = 60
"""Depth of tags inside tags."""


def parse(source: str, dialect: Dialect, spans: dict[int, tuple[int, int]] | None = None) -> Template:
    """The tree of a template. Raises ParseError. `spans` is filled with the extent of each expression by id(node)."""
    parser = _Parser(source, tokenize(source), dialect)
    parser.spans = spans
    body = parser.body(frozenset())
    return Template(body, parser.macros, parser.blocks)


class _Parser(ExpressionParser):
    def __init__(self, source: str, tokens: list[Token], dialect: Dialect) -> None:
        super().__init__(tokens, dialect)
        self.source = source
        self.macros: list[Macro] = []
        self.blocks: dict[str, Block] = {}
        self._tags = 0

    def body(self, ends: frozenset[str]) -> list[Statement]:
        """Statements up to a tag of `ends` (its `{%` is consumed, its name is current) or the end of the text."""
        statements: list[Statement] = []
        while self.current.type != "EOF":
            token = self.next()
            if token.type == "TEXT":
                statements.append(Text(token.value, token.offset))
            elif token.type == "PRINT_START":
                start = self.current.offset
                statements.append(Print(self.expression(), start))
                self.expect("PRINT_END")
            else:
                name = self.current
                if name.type != "NAME":
                    raise ParseError("A block must start with a tag name.", name.offset)
                if name.value in ends:
                    return statements
                reader = _TAGS.get(name.value)
                if reader is None:
                    raise ParseError(f'Unexpected tag name "{name.value}"', name.offset)
                self._tags += 1
                if self._tags > MAX_TAGS:
                    raise ParseError(f"Tags are nested too deeply: more than {MAX_TAGS} levels.", name.offset)
                statements.append(reader(self, self.next()))
                self._tags -= 1
        return statements

    def close(self) -> None:
        self.expect("EXECUTE_END")

    def end(self, name: str) -> None:
        """The end tag `name`, which is current."""
        self.next()
        self.close()

    def if_tag(self, token: Token) -> Statement:
        condition = self.expression()
        self.close()
        branches = [(condition, self.body(_IF_FORK))]
        otherwise: list[Statement] | None = None
        while True:
            current = self.current
            if current.type == "EOF":
                raise ParseError(
                    'Unexpected end of template. Pebble was looking for the "endif" tag',
                    token.offset,
                    line_offset=current.offset,
                )
            self.next()
            if current.value == "endif":
                self.close()
                return If(branches, otherwise, token.offset)
            if current.value == "elseif":
                condition = self.expression()
                self.close()
                branches.append((condition, self.body(_IF_FORK)))
            else:
                self.close()
                otherwise = self.body(_IF_END)

    def for_tag(self, token: Token) -> Statement:
        name = self.new_name()
        self.expect("NAME", "in")
        iterable = self.expression()
        self.close()
        body = self.body(_FOR_FORK)
        otherwise: list[Statement] | None = None
        if self.at("NAME", "else"):
            self.next()
            self.close()
            otherwise = self.body(_FOR_END)
        if self.current.type == "EOF":
            raise ParseError(
                'Unexpected end of template. Pebble was looking for the "endfor" tag',
                token.offset,
                line_offset=self.current.offset,
            )
        self.end("endfor")
        return For(name, iterable, body, otherwise, token.offset)

    def set_tag(self, token: Token) -> Statement:
        name = self.new_name()
        self.expect("PUNCTUATION", "=")
        value = self.expression()
        self.close()
        return Set(name, value, token.offset)

    def macro_tag(self, token: Token) -> Statement:
        name = self.expect("NAME").value
        parameters = self.parameters()
        self.close()
        macro = Macro(name, parameters, self.body(frozenset(("endmacro",))), token.offset)
        self.end("endmacro")
        if any(other.name == name for other in self.macros):
            raise ParseError(
                f"More than one macro can not share the same name: {name}", token.offset, placed=False
            )
        self.macros.append(macro)
        return macro

    def block_tag(self, token: Token) -> Statement:
        if self.current.type not in ("NAME", "STRING"):
            self.expect("NAME")
        name = self.next().value
        self.close()
        block = Block(name, self.body(frozenset(("endblock",))), token.offset)
        if self.current.type == "EOF":
            line = 1 + self.source.count("\n", 0, token.offset)
            raise ParseError(
                f"endblock tag should be present with block tag starting line number {line}", token.offset
            )
        self.next()
        if self.current.type in ("NAME", "STRING"):
            self.next()
        self.close()
        self.blocks[name] = block
        return block

    def filter_tag(self, token: Token) -> Statement:
        filters = []
        while True:
            name = self.expect("NAME")
            filters.append((name.value, self.optional_arguments(), name.offset))
            if not self.at("OPERATOR", "|"):
                break
            self.next()
        self.close()
        body = self.body(frozenset(("endfilter",)))
        self.end("endfilter")
        return FilterTag(filters, body, token.offset)


_IF_FORK = frozenset(("else", "elseif", "endif"))
_IF_END = frozenset(("endif",))
_FOR_FORK = frozenset(("else", "endfor"))
_FOR_END = frozenset(("endfor",))

_TAGS: dict[str, Callable[[_Parser, Token], Statement]] = {
    "block": _Parser.block_tag,
    "filter": _Parser.filter_tag,
    "for": _Parser.for_tag,
    "if": _Parser.if_tag,
    "macro": _Parser.macro_tag,
    "set": _Parser.set_tag,
}
