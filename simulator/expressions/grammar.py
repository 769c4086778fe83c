"""Expressions: tokens -> nodes, by one precedence-climbing loop as in Pebble.

`??`, `???` and `isIn` bind tighter than everything else in 1.x and as loosely as comparisons in 2.0: the one
difference between the grammars of the two dialects. Source: expressions.md 2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from simulator.dialect import Dialect
from simulator.expressions.java.values import Long
from simulator.expressions.lexer import ParseError, Token
from simulator.expressions.nodes import (
    Arguments,
    Attribute,
    Binary,
    BlockCall,
    Concat,
    Expression,
    Filter,
    Function,
    ListLiteral,
    Literal,
    MapLiteral,
    Name,
    Parent,
    Ternary,
    Test,
    Unary,
)

__all__ = ["MAX_NESTING", "ExpressionParser", "precedences"]

MAX_NESTING = 60
"""Depth of brackets, ternaries and unary operators. Java has no fixed bound (its stack is the bound)."""

UNARY_PRECEDENCE = 500
_UNARY = frozenset(("not", "+", "-"))
_CONSTANTS = {
    "true": True,
    "TRUE": True,
    "false": False,
    "FALSE": False,
    "null": None,
    "NULL": None,
    "none": None,
    "NONE": None,
}
_LONG_MAX = 2**63 - 1
_BINARY = {
    "..": 120,
    "~": 110,
    "|": 100,
    "*": 60,
    "/": 60,
    "%": 60,
    "+": 40,
    "-": 40,
    "==": 30,
    "equals": 30,
    "!=": 30,
    ">": 30,
    "<": 30,
    ">=": 30,
    "<=": 30,
    "is": 20,
    "is not": 20,
    "contains": 20,
    "and": 15,
    "or": 10,
}


_TABLES = {
    1: {**_BINARY, "??": 120, "???": 120, "isIn": 120},
    2: {**_BINARY, "??": 30, "???": 30, "isIn": 30},
}


def precedences(dialect: Dialect) -> Mapping[str, int]:
    """Binary operator -> precedence; higher binds tighter."""
    return _TABLES[dialect.major]


class ExpressionParser:
    """A cursor over tokens that reads expressions. Raises ParseError with Pebble's messages."""

    def __init__(self, tokens: list[Token], dialect: Dialect) -> None:
        self.tokens = tokens
        self.index = 0
        self.current = tokens[0]
        self._binary = _TABLES[dialect.major]
        self._depth = 0
        self.spans: dict[int, tuple[int, int]] | None = None
        """id(node) -> (start, end) of each expression; kept only when somebody asks (see steps)."""

    # The token stream.

    def next(self) -> Token:
        """The current token, which is left behind."""
        token = self.current
        if token.type != "EOF":
            self.index += 1
            self.current = self.tokens[self.index]
        return token

    def peek(self) -> Token:
        return self.tokens[min(self.index + 1, len(self.tokens) - 1)]

    def at(self, kind: str, value: str) -> bool:
        return self.current.type == kind and self.current.value == value

    def expect(self, kind: str, value: str | None = None) -> Token:
        token = self.current
        if token.type != kind or (value is not None and token.value != value):
            raise ParseError(
                f'Unexpected token of value "{token.value}" and type {token.type}, expected token of type {kind}',
                token.offset,
            )
        return self.next()

    def _punctuation(self, value: str) -> bool:
        return self.current.type == "PUNCTUATION" and self.current.value == value

    def _mark(self, node: Expression, start: int) -> Expression:
        if self.spans is not None:
            self.spans[id(node)] = (start, self.current.offset)
        return node

    # Expressions.

    def expression(self, minimum: int = 0) -> Expression:
        """An expression whose binary operators have at least the precedence `minimum`."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise ParseError(
                f"The expression is nested too deeply: more than {MAX_NESTING} levels.", self.current.offset
            )
        start = self.current.offset
        left = self._operand()
        while self.current.type == "OPERATOR":
            precedence = self._binary.get(self.current.value, -1)
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
            left = self._mark(self._ternary(left), start)
        self._depth -= 1
        return left

    def _ternary(self, condition: Expression) -> Expression:
        token = self.next()
        yes = self.expression()
        self.expect("PUNCTUATION", ":")
        return Ternary(condition, yes, self.expression(), token.offset)

    def _operand(self) -> Expression:
        token = self.current
        if token.type == "OPERATOR" and token.value in _UNARY:
            self.next()
            return self._mark(
                Unary(token.value, self.expression(UNARY_PRECEDENCE), token.offset), token.offset
            )
        if token.type == "PUNCTUATION":
            if token.value == "(":
                self.next()
                inner = self.expression()
                self.expect("PUNCTUATION", ")")
                return self._postfix(inner, token.offset)
            if token.value == "[":
                return self._mark(self._list(), token.offset)
            if token.value == "{":
                return self._mark(self._map(), token.offset)
        return self._postfix(self._mark(self._primary(), token.offset), token.offset)

    def _primary(self) -> Expression:
        token = self.current
        if token.type == "NAME":
            self.next()
            if token.value in _CONSTANTS:
                return Literal(_CONSTANTS[token.value], token.offset)
            if self._punctuation("("):
                return self._call(token)
            return Name(token.value, token.offset)
        if token.type in ("NUMBER", "LONG"):
            self.next()
            if "." in token.value:
                return Literal(float(token.value), token.offset)
            number = int(token.value) if len(token.value) <= 30 else _LONG_MAX + 1
            if number > _LONG_MAX:
                raise ParseError(f'For input string: "{token.value}"', token.offset, "NumberFormatException")
            return Literal(Long(number), token.offset)
        if token.type == "STRING":
            self.next()
            return Literal(token.value, token.offset)
        if token.type == "STRING_OPEN":
            return self._string()
        return self._unexpected(token)

    @staticmethod
    def _unexpected(token: Token) -> NoReturn:
        raise ParseError(f'Unexpected token "{token.type}" of value "{token.value}"', token.offset)

    def _string(self) -> Expression:
        """An interpolated string: its parts stand between STRING_OPEN and STRING_CLOSE."""
        offset = self.next().offset
        parts: list[Expression] = []
        while self.current.type != "STRING_CLOSE":
            token = self.current
            if token.type == "STRING":
                self.next()
                parts.append(Literal(token.value, token.offset))
            else:
                self.expect("STRING_INTERPOLATION_START")
                parts.append(self.expression())
                self.expect("STRING_INTERPOLATION_END")
        self.next()
        if len(parts) == 1:
            return parts[0]  # one interpolation alone keeps its class
        return Concat(parts, offset)

    def _list(self) -> Expression:
        offset = self.expect("PUNCTUATION", "[").offset
        items: list[Expression] = []
        if not self._punctuation("]"):
            items.append(self.expression())
            while not self._punctuation("]"):
                self.expect("PUNCTUATION", ",")
                items.append(self.expression())
        self.expect("PUNCTUATION", "]")
        return ListLiteral(items, offset)

    def _map(self) -> Expression:
        offset = self.expect("PUNCTUATION", "{").offset
        items: list[tuple[Expression, Expression]] = []
        if not self._punctuation("}"):
            items.append(self._entry())
            while not self._punctuation("}"):
                self.expect("PUNCTUATION", ",")
                items.append(self._entry())
        self.expect("PUNCTUATION", "}")
        return MapLiteral(items, offset)

    def _entry(self) -> tuple[Expression, Expression]:
        key = self.expression()
        self.expect("PUNCTUATION", ":")
        return key, self.expression()

    def _postfix(self, node: Expression, start: int) -> Expression:
        while self.current.type == "PUNCTUATION":
            if self.current.value == ".":
                self.next()
                name = self.expect("NAME")
                arguments = None
                if self._punctuation("("):
                    arguments = self.arguments()
                    if arguments.named:
                        raise ParseError(
                            "Can not use named arguments when calling a bean method", arguments.named[0][2]
                        )
                node = Attribute(node, Literal(name.value, name.offset), arguments, name.offset)
            elif self.current.value == "[":
                self.next()
                offset = self.current.offset
                node = Attribute(node, self.expression(), None, offset)
                self.expect("PUNCTUATION", "]")
            elif self.current.value == "(":
                self._unexpected(self.current)
            else:
                break
            self._mark(node, start)
        return node

    def _call(self, token: Token) -> Expression:
        arguments = self.arguments()
        if token.value == "parent":
            return Parent(token.offset)
        if token.value == "block":
            return BlockCall(arguments, token.offset)
        return Function(token.value, arguments, token.offset)

    # Arguments.

    def optional_arguments(self) -> Arguments:
        return self.arguments() if self._punctuation("(") else Arguments(offset=self.current.offset)

    def arguments(self) -> Arguments:
        """`(a, b, name=c)`."""
        result = Arguments(offset=self.expect("PUNCTUATION", "(").offset)
        while not self._punctuation(")"):
            if result.positional or result.named:
                self.expect("PUNCTUATION", ",")
            offset = self.current.offset
            following = self.peek()
            if following.type == "PUNCTUATION" and following.value == "=":
                name = self.new_name()
                self.expect("PUNCTUATION", "=")
                result.named.append((name, self.expression(), offset))
            else:
                value = self.expression()
                if result.named:
                    raise ParseError(
                        "Positional arguments must be declared before any named arguments.", offset
                    )
                result.positional.append(value)
        self.expect("PUNCTUATION", ")")
        return result

    def parameters(self) -> list[tuple[str, Expression | None]]:
        """Of a macro: names with optional defaults."""
        self.expect("PUNCTUATION", "(")
        result: list[tuple[str, Expression | None]] = []
        while not self._punctuation(")"):
            if result:
                self.expect("PUNCTUATION", ",")
            name, default = self.new_name(), None
            if self._punctuation("="):
                self.next()
                default = self.expression()
            result.append((name, default))
        self.expect("PUNCTUATION", ")")
        return result

    def new_name(self) -> str:
        """A name that may be assigned to."""
        token = self.expect("NAME")
        if token.value in ("true", "false", "null", "none"):
            raise ParseError(f"Can not assign a value to {token.value}", token.offset)
        return token.value
