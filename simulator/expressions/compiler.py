"""Expressions: nodes -> Python closures of a `State`.

Each node becomes one small function; nothing is evaluated by Python's own operators, since none of them means what
Pebble means (README.md says why Jinja2's code generator is not used and what was measured).
Source: expressions.md 3 to 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.errors import ExpressionError
from simulator.expressions import nodes, operators
from simulator.expressions.access import no_attribute, read_attribute
from simulator.expressions.calls import CallCompiler, Run
from simulator.expressions.errors import AttributeNotFoundError
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import (
    ImmutableList,
    Long,
    MapEntry,
    SafeString,
    capacity_for,
    hash_map,
    is_list,
    is_string,
)
from simulator.expressions.runtime import State
from simulator.expressions.text import java_text

__all__ = ["ExpressionCompiler", "FrozenList", "FrozenMap", "Run"]

_WRAPPED = {
    "+": "Could not perform addition",
    "-": "Could not perform subtraction",
    "*": "Could not perform multiplication",
    "/": "Could not perform division",
    "%": "Could not perform greater modulus",
    "==": "Could not perform equals comparison",
    "equals": "Could not perform equals comparison",
    "!=": "Could not perform not equals comparison",
    ">": "Could not perform greater than comparison",
    ">=": "Could not perform greater than or equals comparison",
    "<=": "Could not perform less than or equals comparison",
    "<": "Could not perform less than comparisonPebb",
}


class ExpressionCompiler(CallCompiler):
    """Compiles the expressions of one template for one dialect."""

    changes_lists = False
    """The template may change a list in place, so reads must look for the changed copy."""

    def expression(self, node: nodes.Expression) -> Run:
        return _COMPILE[type(node)](self, node)

    # Leaves.

    def literal(self, node: nodes.Literal) -> Run:
        value = node.value
        return lambda state: value

    def name(self, node: nodes.Name) -> Run:
        name, offset = node.name, node.offset

        def read(state: State) -> Any:
            for frame in reversed(state.frames):
                if name in frame:
                    return frame[name]
            try:
                return state.variables[name]
            except KeyError:
                pass
            try:
                return state.special(name, offset)
            except KeyError:
                raise state.missing(
                    f"Root attribute [{name}] does not exist or can not be accessed and strict variables is set"
                    " to true.",
                    name,
                    offset,
                    root=True,
                    candidates=state.context,
                ) from None

        return self._reading(read)

    def _reading(self, read: Run) -> Run:
        if not self.changes_lists:
            return read
        return lambda state: state.current(read(state))

    def attribute(self, node: nodes.Attribute) -> Run:
        target, offset = self.expression(node.target), node.offset
        root = node.target.name if isinstance(node.target, nodes.Name) else None
        if node.arguments is None and isinstance(node.key, nodes.Literal) and type(node.key.value) is str:
            key = node.key.value

            def read_key(state: State) -> Any:
                value = target(state)
                if type(value) is dict:
                    try:
                        return value[key]
                    except KeyError:
                        raise no_attribute(state, value, key, root, offset) from None
                return read_attribute(state, value, key, None, root, offset)

            return self._reading(read_key)
        key_of = self.expression(node.key)
        given = None
        if node.arguments is not None:
            given = [self.expression(argument) for argument in node.arguments.positional]

        def read(state: State) -> Any:
            value, name = target(state), key_of(state)
            values = None if given is None else [argument(state) for argument in given]
            return read_attribute(state, value, name, values, root, offset)

        return self._reading(read)

    def list_literal(self, node: nodes.ListLiteral) -> Run:
        items = [self.expression(item) for item in node.items]
        return lambda state: [item(state) for item in items]

    def map_literal(self, node: nodes.MapLiteral) -> Run:
        items = [(self.expression(key), self.expression(value)) for key, value in node.items]
        capacity = capacity_for(-(-len(items) * 4 // 3))

        def build(state: State) -> Any:
            return hash_map([(_map_key(key(state)), value(state)) for key, value in items], capacity)

        return build

    def concat(self, node: nodes.Concat) -> Run:
        parts = [self.expression(part) for part in node.parts]
        return lambda state: state.check_text("".join(_piece(part(state)) for part in parts))

    # Operators.

    def unary(self, node: nodes.Unary) -> Run:
        operand, operator, offset, major = (
            self.expression(node.operand),
            node.operator,
            node.offset,
            self.major,
        )
        if operator != "not":

            def sign(state: State) -> Any:
                value = operand(state)
                try:
                    return operators.negate(operator, value, major)
                except JavaError as error:
                    raise state.raised(error, offset) from None

            return sign

        def negation(state: State) -> bool:
            value = operand(state)
            truth = operators.is_true(value, major)
            if truth is None:
                if value is None:
                    raise state.pebble(
                        "null value given to not() and strict variables is set to true", offset
                    )
                raise state.pebble(operators.unsupported_condition(value), offset)
            return not truth

        return negation

    def binary(self, node: nodes.Binary) -> Run:
        left, right = self.expression(node.left), self.expression(node.right)
        return _BINARY[node.operator](self, node, left, right)

    def wrapped(self, node: nodes.Binary, left: Run, right: Run) -> Run:
        """An operator that turns every error inside into its own."""
        operator, offset, major = node.operator, node.offset, self.major
        message = _WRAPPED[operator]
        if operator == "<" and major == 1:
            message = _WRAPPED["%"]
        apply = _apply(operator, major)

        def run(state: State) -> Any:
            try:
                return apply(state, left(state), right(state))
            except (JavaError, ExpressionError) as error:
                raise state.wrapped(message, offset, error) from error

        return run

    def comparison(self, node: nodes.Binary, left: Run, right: Run) -> Run:
        if self.major == 1:
            return self.wrapped(node, left, right)
        operator, offset, message = node.operator, node.offset, _WRAPPED[node.operator]

        def run(state: State) -> bool:
            first, second = left(state), right(state)
            try:
                return operators.compare(operator, first, second, 2)
            except JavaError as error:
                raise state.wrapped(message, offset, error) from error

        return run

    def join(self, node: nodes.Binary, left: Run, right: Run) -> Run:
        def run(state: State) -> str:
            return state.check_text(_piece(left(state)) + _piece(right(state)))

        return run

    def logic(self, node: nodes.Binary, left: Run, right: Run) -> Run:
        operator, offset, major = node.operator, node.offset, self.major
        stop = operator == "or"

        def truth(state: State, value: Any) -> bool:
            if value is None:
                raise state.pebble(
                    "null value used in and operator and strict variables is set to true", offset
                )
            try:
                return operators.logical(value, operator, major)
            except JavaError as error:
                raise state.raised(error, offset) from None

        def run(state: State) -> bool:
            if truth(state, left(state)) is stop:
                return stop
            return truth(state, right(state))

        return run

    def coalesce(self, node: nodes.Binary, left: Run, right: Run) -> Run:
        keep_null = node.operator == "???"

        def run(state: State) -> Any:
            try:
                value = left(state)
            except AttributeNotFoundError:
                return right(state)
            return right(state) if value is None and not keep_null else value

        return run

    def checked(self, node: nodes.Binary, left: Run, right: Run) -> Run:
        """`contains`, `isIn`, `..`: errors keep their own class."""
        offset = node.offset
        apply, lazy = _CHECKED[node.operator], node.operator == "contains"

        def run(state: State) -> Any:
            first = left(state)
            if first is None and lazy:
                return False  # the right side is not even looked at
            second = right(state)
            try:
                return apply(state, first, second)
            except JavaError as error:
                raise state.raised(error, offset) from None

        return run

    def ternary(self, node: nodes.Ternary) -> Run:
        condition, offset, major = self.expression(node.condition), node.offset, self.major
        yes, no = self.expression(node.yes), self.expression(node.no)

        def run(state: State) -> Any:
            value = condition(state)
            try:
                truth = value is not None and operators.logical(value, "?", major)
            except JavaError as error:
                raise state.raised(error, offset) from None
            return yes(state) if truth else no(state)

        return run


def _piece(value: Any) -> str:
    if type(value) is str:
        return value
    return "" if value is None else java_text(value)


def _map_key(key: Any) -> Any:
    """A key that Python can hash: collections become hashable copies."""
    if isinstance(key, Mapping):
        return FrozenMap(key)
    if isinstance(key, list):
        return FrozenList(key)
    if isinstance(key, set):
        return frozenset(key)
    if isinstance(key, MapEntry):
        return MapEntry(_map_key(key.key), _map_key(key.value))
    return key


class FrozenMap(dict[Any, Any]):
    """A map as the key of a map."""

    def __hash__(self) -> int:  # type: ignore[override]
        return len(self)


class FrozenList(list[Any]):
    """A list as the key of a map."""

    def __hash__(self) -> int:  # type: ignore[override]
        return len(self)


def _apply(operator: str, major: int) -> Callable[[State, Any, Any], Any]:
    if operator == "+":
        return _add
    if operator == "-":
        return _subtract
    if operator in "*/%":
        return lambda state, left, right: operators.arithmetic(operator, left, right, major)
    if operator in ("==", "equals"):
        return lambda state, left, right: operators.equals(left, right)
    if operator == "!=":
        return lambda state, left, right: not operators.equals(left, right)
    return lambda state, left, right: operators.compare(operator, left, right, major)


def _add(state: State, left: Any, right: Any) -> Any:
    if is_list(left) and not is_string(right) and not isinstance(right, SafeString):
        items = _changeable(state, left)
        items.extend(right) if is_list(right) else items.append(right)
        return state.check_list(items)
    result = operators.add(left, right, state.dialect.major)
    return state.check_text(result) if type(result) is str else result


def _subtract(state: State, left: Any, right: Any) -> Any:
    if is_list(left):
        items = _changeable(state, left)
        operators.subtract(items, right)
        return items
    return operators.arithmetic("-", left, right, state.dialect.major)


def _changeable(state: State, items: list[Any]) -> list[Any]:
    """2.0 copies, 1.1 changes the list itself (here: a copy that every later read in this render sees)."""
    if state.dialect.major >= 2:
        return list(items)
    if isinstance(items, ImmutableList):
        raise JavaError("UnsupportedOperationException", "")
    return state.writable(items)


def _range(state: State, left: Any, right: Any) -> Any:
    return operators.letter_or_number_range(
        left, right, Long(1), state.scope.limits.loop_steps, state.dialect.major
    )


_CHECKED: dict[str, Callable[[State, Any, Any], Any]] = {
    "contains": lambda state, left, right: operators.contains(left, right),
    "isIn": lambda state, left, right: operators.is_in(left, right),
    "..": _range,
}

_C = ExpressionCompiler
_BINARY: dict[str, Callable[[ExpressionCompiler, nodes.Binary, Run, Run], Run]] = {
    **dict.fromkeys(("+", "-", "*", "/", "%", "==", "equals", "!="), _C.wrapped),
    **dict.fromkeys((">", "<", ">=", "<="), _C.comparison),
    **dict.fromkeys(("and", "or"), _C.logic),
    **dict.fromkeys(("??", "???"), _C.coalesce),
    **dict.fromkeys(("contains", "isIn", ".."), _C.checked),
    "~": _C.join,
}
_COMPILE: dict[type, Callable[[ExpressionCompiler, Any], Run]] = {
    nodes.Literal: _C.literal,
    nodes.Name: _C.name,
    nodes.Attribute: _C.attribute,
    nodes.ListLiteral: _C.list_literal,
    nodes.MapLiteral: _C.map_literal,
    nodes.Concat: _C.concat,
    nodes.Unary: _C.unary,
    nodes.Binary: _C.binary,
    nodes.Ternary: _C.ternary,
    nodes.Filter: _C.filter,
    nodes.Test: _C.test,
    nodes.Function: _C.function,
    nodes.BlockCall: _C.block_call,
    nodes.Parent: _C.parent,
}
