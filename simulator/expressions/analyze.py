"""What a template refers to, without rendering it: for checks, completion and documentation.

    >>> [(r.kind, r.name, r.path) for r in references("{{ outputs.fetch.uri | upper }}", V2)]
    [('filter', 'upper', ()), ('variable', 'outputs', ('outputs', 'fetch', 'uri'))]

All offsets are character offsets into the template as written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from simulator.dialect import Dialect
from simulator.errors import ExpressionError
from simulator.expressions import nodes
from simulator.expressions.errors import java_error, parse_error
from simulator.expressions.hints import hint_for
from simulator.expressions.lexer import ParseError
from simulator.expressions.parser import parse
from simulator.expressions.raw import RawBlocks, take_raw
from simulator.expressions.tables import definitions

__all__ = ["DYNAMIC", "Problem", "Reference", "has_expression", "problems", "references"]


class _Dynamic:
    """An argument or key that is only known when rendered."""

    def __repr__(self) -> str:
        return "DYNAMIC"


DYNAMIC: Any = _Dynamic()
_SPECIAL = frozenset(("locale", "template", "_context"))


@dataclass(frozen=True, slots=True)
class Reference:
    """One use of a variable, function, macro, filter or test.

    `path` (variables only) is the whole access, root first; a computed key is DYNAMIC. `offsets` has the place of each
    part. `arguments` and `named` hold literal arguments, DYNAMIC for others. `guarded`: a missing value is survived
    there (`??`, `???`, `default`, `is defined`). `local`: a name that the template itself defines (`set`, `for`, macro
    parameter, `loop`). `called` is true for a path that ends in a method call.
    """

    kind: str
    name: str
    offset: int
    path: tuple[Any, ...] = ()
    offsets: tuple[int, ...] = ()
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    guarded: bool = False
    local: bool = False
    called: bool = False

    @property
    def end(self) -> int:
        """Just behind the name (the last plain name of a path)."""
        for part, offset in zip(reversed(self.path), reversed(self.offsets)):
            if isinstance(part, str):
                return offset + len(part)
        return self.offset + len(self.name)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that fails whenever it is reached. `message` is Kestra's text, without its suffix."""

    message: str
    offset: int
    hint: str | None = None


def has_expression(text: str) -> bool:
    """Does Kestra's engine see more than plain text in it?"""
    return "{{" in text or "{%" in text or "{#" in text


def references(template: str, dialect: Dialect) -> Sequence[Reference]:
    """All references in the order of the text. Raises ExpressionError (with its offset) when it cannot be parsed."""
    tree, raws = _tree(template, dialect)
    try:
        found = sorted(_Walker(tree).statements(tree.body, frozenset(), False), key=lambda one: one.offset)
    except RecursionError:
        raise _too_deep(template, dialect) from None
    return found if not raws.blocks else [_moved(one, raws) for one in found]


def problems(template: str, dialect: Dialect) -> Sequence[Problem]:
    """Parse errors, unknown filters, functions and tests, and arguments that they do not take."""
    try:
        found = references(template, dialect)
    except ExpressionError as error:
        message = getattr(error, "pebble_text", None) or error.message
        return [Problem(message, error.offset or 0, error.hint)]
    return [problem for one in found for problem in _of_call(one, dialect)]


_KNOWN = {"filter": "Filter [{}] does not exist.", "test": "Test [{}] does not exist."}


def _of_call(reference: Reference, dialect: Dialect) -> Iterator[Problem]:
    if reference.kind not in ("filter", "function", "test"):
        return
    table = definitions(reference.kind, dialect)
    definition = table.get(reference.name)
    if definition is None:
        text = _KNOWN.get(reference.kind, "Function or Macro [{}] does not exist.").format(reference.name)
        yield Problem(text, reference.offset, hint_for(reference.name, table))
        return
    parameters = definition.params
    if parameters is None or (not parameters and dialect.major >= 2):
        return
    if len(reference.arguments) > len(parameters):
        yield Problem(
            f"The argument at position {len(parameters) + 1} is not allowed."
            f" Only {len(parameters)} argument(s) are allowed.",
            reference.offset,
        )
    for name in reference.named:
        if name not in parameters:
            yield Problem(
                f"The following named argument does not exist: {name}",
                reference.offset,
                hint_for(name, parameters),
            )


@lru_cache(maxsize=256)
def _tree(template: str, dialect: Dialect) -> tuple[nodes.Template, RawBlocks]:
    shown, raws = take_raw(template)
    try:
        return parse(shown, dialect), raws
    except ParseError as error:
        raise parse_error(error, shown, template, raws, dialect) from None
    except RecursionError:
        raise _too_deep(template, dialect) from None


def _too_deep(template: str, dialect: Dialect) -> ExpressionError:
    return java_error(None, java_type="StackOverflowError", dialect=dialect, template=template, offset=None)


def _moved(reference: Reference, raws: RawBlocks) -> Reference:
    from dataclasses import replace

    return replace(
        reference,
        offset=raws.original_offset(reference.offset),
        offsets=tuple(map(raws.original_offset, reference.offsets)),
    )


class _Walker:
    """Goes through a tree. `local` are the names that the template defines around a node."""

    def __init__(self, tree: nodes.Template) -> None:
        self.macros = {macro.name for macro in tree.macros}
        self.assigned = frozenset(_assigned(tree.body))

    def statements(
        self, body: Sequence[nodes.Statement], local: frozenset[str], in_macro: bool
    ) -> Iterator[Reference]:
        for node in body:
            yield from self.statement(node, local, in_macro)

    def statement(self, node: nodes.Statement, local: frozenset[str], in_macro: bool) -> Iterator[Reference]:
        if isinstance(node, (nodes.Print, nodes.Set)):
            yield from self.expression(node.value, local)
        elif isinstance(node, nodes.If):
            for condition, body in node.branches:
                yield from self.expression(condition, local)
                yield from self.statements(body, local, in_macro)
            yield from self.statements(node.otherwise or (), local, in_macro)
        elif isinstance(node, nodes.For):
            yield from self.expression(node.iterable, local)
            yield from self.statements(node.body, local | {node.name, "loop"}, in_macro)
            yield from self.statements(node.otherwise or (), local, in_macro)
        elif isinstance(node, nodes.Block):
            yield from self.statements(node.body, local, in_macro)
        elif isinstance(node, nodes.FilterTag):
            for name, arguments, offset in node.filters:
                yield from self.call("filter", name, arguments, offset, local)
            yield from self.statements(node.body, local, in_macro)
        elif isinstance(node, nodes.Macro):
            names = frozenset(name for name, _ in node.parameters)
            for _, default in node.parameters:
                if default is not None:
                    yield from self.expression(default, names)
            yield from self.statements(node.body, names, True)

    def expression(
        self, node: nodes.Expression, local: frozenset[str], guarded: bool = False
    ) -> Iterator[Reference]:
        if isinstance(node, (nodes.Name, nodes.Attribute)):
            yield from self.access(node, local, guarded)
        elif isinstance(node, nodes.Function):
            kind = "macro" if node.name in self.macros else "function"
            yield from self.call(kind, node.name, node.arguments, node.offset, local)
        elif isinstance(node, nodes.BlockCall):
            yield from self.arguments(node.arguments, local)
        elif isinstance(node, nodes.Filter):
            yield from self.expression(node.target, local, guarded or node.name == "default")
            yield from self.call("filter", node.name, node.arguments, node.offset, local)
        elif isinstance(node, nodes.Test):
            yield from self.expression(node.target, local, guarded or node.name == "defined")
            yield from self.call("test", node.name, node.arguments, node.offset, local)
        elif isinstance(node, nodes.Binary):
            coalesces = node.operator in ("??", "???")
            yield from self.expression(node.left, local, guarded or coalesces)
            yield from self.expression(node.right, local, guarded)
        elif isinstance(node, nodes.Unary):
            yield from self.expression(node.operand, local, guarded)
        elif isinstance(node, nodes.Ternary):
            # `x is defined ? x : y` guards its branch as well; a check had better not complain there.
            tested = guarded or _asks_defined(node.condition)
            yield from self.expression(node.condition, local, guarded)
            yield from self.expression(node.yes, local, tested)
            yield from self.expression(node.no, local, tested)
        elif isinstance(node, (nodes.Concat, nodes.ListLiteral)):
            for item in node.parts if isinstance(node, nodes.Concat) else node.items:
                yield from self.expression(item, local, guarded)
        elif isinstance(node, nodes.MapLiteral):
            for key, value in node.items:
                yield from self.expression(key, local, guarded)
                yield from self.expression(value, local, guarded)

    def access(
        self, node: nodes.Name | nodes.Attribute, local: frozenset[str], guarded: bool
    ) -> Iterator[Reference]:
        """A path as one reference; what stands in its brackets and arguments by itself."""
        path: list[Any] = []
        offsets: list[int] = []
        called = False
        target: nodes.Expression = node
        while isinstance(target, nodes.Attribute):
            if target.arguments is not None:
                called = True
                yield from self.arguments(target.arguments, local)
                # What comes after a method call is no part of the variable's path.
                path.clear()
                offsets.clear()
            key = target.key
            if isinstance(key, nodes.Literal) and isinstance(key.value, (str, int)):
                path.append(str(key.value))
            else:
                path.append(DYNAMIC)
                yield from self.expression(key, local, guarded)
            offsets.append(target.offset)
            if target.arguments is not None:
                path.clear()
                offsets.clear()
            target = target.target
        if isinstance(target, nodes.Name):
            path.append(target.name)
            offsets.append(target.offset)
            yield Reference(
                "variable",
                target.name,
                target.offset,
                tuple(reversed(path)),
                tuple(reversed(offsets)),
                guarded=guarded,
                local=target.name in local or target.name in self.assigned or target.name in _SPECIAL,
                called=called,
            )
        else:
            yield from self.expression(target, local, guarded)

    def call(
        self, kind: str, name: str, arguments: nodes.Arguments, offset: int, local: frozenset[str]
    ) -> Iterator[Reference]:
        yield Reference(
            kind,
            name,
            offset,
            arguments=tuple(map(_literal, arguments.positional)),
            named={key: DYNAMIC if value is None else _literal(value) for key, value, _ in arguments.named},
        )
        yield from self.arguments(arguments, local)

    def arguments(self, arguments: nodes.Arguments, local: frozenset[str]) -> Iterator[Reference]:
        for value in arguments.positional:
            yield from self.expression(value, local)
        for _, named, _ in arguments.named:
            if named is not None:
                yield from self.expression(named, local)


def _literal(node: nodes.Expression) -> Any:
    return node.value if isinstance(node, nodes.Literal) else DYNAMIC


def _asks_defined(node: nodes.Expression) -> bool:
    if isinstance(node, nodes.Test):
        return node.name == "defined"
    if isinstance(node, nodes.Binary):
        return _asks_defined(node.left) or _asks_defined(node.right)
    return isinstance(node, nodes.Unary) and _asks_defined(node.operand)


def _assigned(body: Sequence[nodes.Statement]) -> Iterator[str]:
    for node in body:
        if isinstance(node, nodes.Set):
            yield node.name
        elif isinstance(node, nodes.If):
            for _, inner in node.branches:
                yield from _assigned(inner)
            yield from _assigned(node.otherwise or ())
        elif isinstance(node, (nodes.For, nodes.Block, nodes.FilterTag)):
            yield from _assigned(node.body)
