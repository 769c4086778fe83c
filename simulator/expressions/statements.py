"""Tags: statements -> Python closures that write into a `State`. Source: expressions.md 6 and 7."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from simulator.errors import ExpressionError
from simulator.expressions import nodes, operators
from simulator.expressions.compiler import ExpressionCompiler, Run
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import SafeString
from simulator.expressions.runtime import JavaWriter, State, empty_variables
from simulator.expressions.text import java_text

__all__ = ["CompiledBlock", "CompiledMacro", "StatementCompiler", "Write"]

Write = Callable[[State], None]
_WRONG = "Wrong operand(s) type in conditional expression"


class StatementCompiler(ExpressionCompiler):
    """Compiles whole templates."""

    def body(self, statements: Sequence[nodes.Statement]) -> Write:
        parts = [_COMPILE[type(statement)](self, statement) for statement in statements]
        if len(parts) == 1:
            return parts[0]

        def write(state: State) -> None:
            for part in parts:
                part(state)

        return write

    def text(self, node: nodes.Text) -> Write:
        text = node.text

        def write(state: State) -> None:
            state.out.text(text)

        return write

    def print(self, node: nodes.Print) -> Write:
        value_of, offset = self.expression(node.value), node.offset

        def write(state: State) -> None:
            value = value_of(state)
            if value is not None:
                try:
                    state.out.value(value)
                except JavaError as error:
                    raise state.raised(error, offset) from error

        return write

    def if_tag(self, node: nodes.If) -> Write:
        major = self.major
        branches = [
            (self.expression(condition), self.body(body), condition.offset)
            for condition, body in node.branches
        ]
        otherwise = None if node.otherwise is None else self.body(node.otherwise)

        def holds(state: State, condition: Run, offset: int) -> bool:
            try:
                value = condition(state)
            except ExpressionError as error:
                raise state.wrapped(_WRONG, offset, error) from error
            truth = operators.is_true(value, major)
            if truth is None:
                wrapped = state.pebble(_WRONG, offset)
                wrapped.root_type = "PebbleException" if value is None else "IllegalArgumentException"
                wrapped.hint = (
                    "null value given to if statement and strict variables is set to true"
                    if value is None
                    else operators.unsupported_condition(value)
                )
                raise wrapped
            return truth

        def write(state: State) -> None:
            for condition, body, offset in branches:
                if holds(state, condition, offset):
                    body(state)
                    return
            if otherwise is not None:
                otherwise(state)

        return write

    def for_tag(self, node: nodes.For) -> Write:
        name, offset = node.name, node.offset
        iterable, body = self.expression(node.iterable), self.body(node.body)
        otherwise = None if node.otherwise is None else self.body(node.otherwise)

        def write(state: State) -> None:
            value = iterable(state)
            if value is None:
                return
            found = operators.iterate(value)
            if found is None:
                raise state.pebble(f"Not an iterable object. Value = [{java_text(value)}]", offset)
            items = list(found)
            if not items:
                if otherwise is not None:
                    otherwise(state)
                return
            if not state.frames:
                state.frames.append({})
            frame: dict[str, Any] = {}
            state.frames.append(frame)
            last = len(items) - 1
            try:
                for index, item in enumerate(items):
                    state.step()
                    frame["loop"] = {
                        "index": index,
                        "length": last + 1,
                        "revindex": last - index,
                        "first": index == 0,
                        "last": index == last,
                    }
                    frame[name] = item
                    body(state)
            except JavaError as error:
                raise state.raised(error, offset) from error
            finally:
                state.frames.pop()

        return write

    def set_tag(self, node: nodes.Set) -> Write:
        name, value_of, offset = node.name, self.expression(node.value), node.offset

        def write(state: State) -> None:
            state.assign(name, value_of(state), offset)

        return write

    def block_tag(self, node: nodes.Block) -> Write:
        name, offset = node.name, node.offset

        def write(state: State) -> None:
            state.blocks[name].write(state, offset)

        return write

    def filter_tag(self, node: nodes.FilterTag) -> Write:
        body, offset = self.body(node.body), node.offset

        def inside(state: State) -> str:
            return _captured(state, body)

        run: Run = inside
        for name, arguments, place in node.filters:
            run = self.filter_call(run, name, arguments, place)

        def write(state: State) -> None:
            value = run(state)
            if value is not None:
                try:
                    state.out.value(value)
                except JavaError as error:
                    raise state.raised(error, offset) from error

        return write

    @staticmethod
    def macro_tag(_: nodes.Macro) -> Write:
        return lambda state: None


def _captured(state: State, body: Write) -> str:
    outer, writer = state.out, JavaWriter(state.scope, state.dialect)
    state.out = writer
    try:
        body(state)
    finally:
        state.out = outer
    return "".join(writer.parts)


def _enter(state: State, offset: int) -> None:
    state.nesting += 1
    if state.nesting > state.scope.limits.depth:
        raise state.java(None, java_type="StackOverflowError", offset=offset)


class CompiledMacro:
    """A macro: called with arguments by name, sees nothing but them."""

    __slots__ = ("body", "defaults", "parameters")

    def __init__(self, compiler: StatementCompiler, node: nodes.Macro) -> None:
        self.parameters = tuple(name for name, _ in node.parameters)
        self.defaults = [
            (name, None if default is None else compiler.expression(default))
            for name, default in node.parameters
        ]
        self.body = compiler.body(node.body)

    def __call__(self, state: State, arguments: dict[str, Any], offset: int) -> SafeString:
        _enter(state, offset)
        frames, variables = state.frames, state.variables
        local: dict[str, Any] = {}
        state.frames, state.variables = [local], empty_variables()
        try:
            for name, default in self.defaults:
                local[name] = None if default is None else default(state)
            state.frames.append(arguments)
            return SafeString(_captured(state, self.body))
        finally:
            state.frames, state.variables = frames, variables
            state.nesting -= 1


class CompiledBlock:
    """A block: written in place, or captured by `block('name')`."""

    __slots__ = ("body",)

    def __init__(self, compiler: StatementCompiler, node: nodes.Block) -> None:
        self.body = compiler.body(node.body)

    def write(self, state: State, offset: int) -> None:
        _enter(state, offset)
        self.body(state)
        state.nesting -= 1

    def __call__(self, state: State, offset: int) -> str:
        _enter(state, offset)
        text = _captured(state, self.body)
        state.nesting -= 1
        return text


_C = StatementCompiler
_COMPILE: dict[type, Callable[[StatementCompiler, Any], Write]] = {
    nodes.Text: _C.text,
    nodes.Print: _C.print,
    nodes.If: _C.if_tag,
    nodes.For: _C.for_tag,
    nodes.Set: _C.set_tag,
    nodes.Block: _C.block_tag,
    nodes.FilterTag: _C.filter_tag,
    nodes.Macro: lambda compiler, node: _C.macro_tag(node),
}
