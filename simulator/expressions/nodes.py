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


@dataclass(slots=True)
class Arguments:
    """Of a call: positional ones first, then named ones (name, value, offset)."""

    positional: list[Expression] = field(default_factory=list)
    named: list[tuple[str, Expression | None, int]] = field(default_factory=list)
    offset: int = 0


@dataclass(slots=True)
class Literal:
    value: Any
    offset: int


@dataclass(slots=True)
class Name:
    name: str
    offset: int


@dataclass(slots=True)
class Attribute:
    """`target.key`, `target[key]`, `target.key(arguments)`. `offset` is that of the key."""

    target: Expression
    key: Expression
    arguments: Arguments | None
    offset: int


@dataclass(slots=True)
class Function:
    name: str
    arguments: Arguments
    offset: int


@dataclass(slots=True)
class BlockCall:
    arguments: Arguments
    offset: int


@dataclass(slots=True)
class Parent:
    offset: int


@dataclass(slots=True)
class Unary:
    operator: str
    operand: Expression
    offset: int


@dataclass(slots=True)
class Binary:
    operator: str
    left: Expression
    right: Expression
    offset: int


@dataclass(slots=True)
class Filter:
    target: Expression
    name: str
    arguments: Arguments
    offset: int


@dataclass(slots=True)
class Test:
    target: Expression
    name: str
    arguments: Arguments
    negated: bool
    offset: int


@dataclass(slots=True)
class Ternary:
    condition: Expression
    yes: Expression
    no: Expression
    offset: int


@dataclass(slots=True)
class Concat:
    """An interpolated string."""

    parts: list[Expression]
    offset: int


@dataclass(slots=True)
class ListLiteral:
    items: list[Expression]
    offset: int


@dataclass(slots=True)
class MapLiteral:
    items: list[tuple[Expression, Expression]]
    offset: int


Expression: TypeAlias = (
    "Literal | Name | Attribute | Function | BlockCall | Parent | Unary | Binary | Filter | Test | Ternary"
    " | Concat | ListLiteral | MapLiteral"
)


@dataclass(slots=True)
class Text:
    text: str
    offset: int


@dataclass(slots=True)
class Print:
    value: Expression
    offset: int


@dataclass(slots=True)
class If:
    branches: list[tuple[Expression, list[Statement]]]
    otherwise: list[Statement] | None
    offset: int


@dataclass(slots=True)
class For:
    name: str
    iterable: Expression
    body: list[Statement]
    otherwise: list[Statement] | None
    offset: int


@dataclass(slots=True)
class Set:
    name: str
    value: Expression
    offset: int


@dataclass(slots=True)
class Macro:
    name: str
    parameters: list[tuple[str, Expression | None]]
    body: list[Statement]
    offset: int


@dataclass(slots=True)
class Block:
    name: str
    body: list[Statement]
    offset: int


@dataclass(slots=True)
class FilterTag:
    filters: list[tuple[str, Arguments, int]]
    body: list[Statement]
    offset: int


Statement: TypeAlias = "Text | Print | If | For | Set | Macro | Block | FilterTag"


@dataclass(slots=True)
class Template:
    """A parsed template: its statements, and the macros and blocks found anywhere in it."""

    body: list[Statement]
    macros: list[Macro]
    blocks: dict[str, Block]
