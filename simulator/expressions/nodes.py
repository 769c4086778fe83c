"""The syntax tree of a template. `offset` is a character offset into the template text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = [
    "Arguments",
    "Attribute",
    "Binary",
    "Block",
    "BlockCall",
    "Concat",
    "Expression",
    "Filter",
    "FilterTag",
    "For",
    "Function",
    "If",
    "ListLiteral",
    "Literal",
    "Macro",
    "MapLiteral",
    "Name",
    "Parent",
    "Print",
    "Set",
    "Statement",
    "Template",
    "Ternary",
    "Test",
    "Text",
    "Unary",
]


@dataclass(eq=False)
class Arguments:
    """Of a call: positional ones first, then named ones (name, value, offset)."""

    positional: list[Expression] = field(default_factory=list)
    named: list[tuple[str, Expression | None, int]] = field(default_factory=list)
    offset: int = 0


@dataclass(eq=False)
class Literal:
    value: Any
    offset: int


@dataclass(eq=False)
class Name:
    name: str
    offset: int


@dataclass(eq=False)
class Attribute:
    """`target.key`, `target[key]`, `target.key(arguments)`. `offset` is that of the key."""

    target: Expression
    key: Expression
    arguments: Arguments | None
    offset: int


@dataclass(eq=False)
class Function:
    name: str
    arguments: Arguments
    offset: int


@dataclass(eq=False)
class BlockCall:
    arguments: Arguments
    offset: int


@dataclass(eq=False)
class Parent:
    offset: int


@dataclass(eq=False)
class Unary:
    operator: str
    operand: Expression
    offset: int


@dataclass(eq=False)
class Binary:
    operator: str
    left: Expression
    right: Expression
    offset: int


@dataclass(eq=False)
class Filter:
    target: Expression
    name: str
    arguments: Arguments
    offset: int


@dataclass(eq=False)
class Test:
    target: Expression
    name: str
    arguments: Arguments
    negated: bool
    offset: int


@dataclass(eq=False)
class Ternary:
    condition: Expression
    yes: Expression
    no: Expression
    offset: int


@dataclass(eq=False)
class Concat:
    """An interpolated string."""

    parts: list[Expression]
    offset: int


@dataclass(eq=False)
class ListLiteral:
    items: list[Expression]
    offset: int


@dataclass(eq=False)
class MapLiteral:
    items: list[tuple[Expression, Expression]]
    offset: int


Expression: TypeAlias = (
    "Literal | Name | Attribute | Function | BlockCall | Parent | Unary | Binary | Filter | Test | Ternary"
    " | Concat | ListLiteral | MapLiteral"
)


@dataclass(eq=False)
class Text:
    text: str
    offset: int


@dataclass(eq=False)
class Print:
    value: Expression
    offset: int


@dataclass(eq=False)
class If:
    branches: list[tuple[Expression, list[Statement]]]
    otherwise: list[Statement] | None
    offset: int


@dataclass(eq=False)
class For:
    name: str
    iterable: Expression
    body: list[Statement]
    otherwise: list[Statement] | None
    offset: int


@dataclass(eq=False)
class Set:
    name: str
    value: Expression
    offset: int


@dataclass(eq=False)
class Macro:
    name: str
    parameters: list[tuple[str, Expression | None]]
    body: list[Statement]
    offset: int


@dataclass(eq=False)
class Block:
    name: str
    body: list[Statement]
    offset: int


@dataclass(eq=False)
class FilterTag:
    filters: list[tuple[str, Arguments, int]]
    body: list[Statement]
    offset: int


Statement: TypeAlias = "Text | Print | If | For | Set | Macro | Block | FilterTag"


@dataclass(eq=False)
class Template:
    """A parsed template: its statements, and the macros and blocks found anywhere in it."""

    body: list[Statement]
    macros: list[Macro]
    blocks: dict[str, Block]
