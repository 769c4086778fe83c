"""Calls: filters, functions, tests, macros and blocks, with Pebble's mapping of arguments.

Names are looked up when a template is compiled, but an unknown one fails only when it is reached, as in Pebble.
Source: expressions.md 7 (call arguments) and 8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.dialect import Dialect
from simulator.errors import InternalError, SimulatorError
from simulator.expressions import nodes
from simulator.expressions.errors import AttributeNotFoundError
from simulator.expressions.java.casts import as_string
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import ImmutableList, SafeString, is_list
from simulator.expressions.registry import Definition
from simulator.expressions.runtime import MASK, CallSite, State

__all__ = ["ArgumentsOf", "CallCompiler", "Run"]

Run = Callable[[State], Any]
ArgumentsOf = Callable[[State], "dict[str, Any]"]

_IN_PLACE = frozenset(("sort", "rsort", "reverse"))
_RENDERING = frozenset(("render", "renderOnce"))


class CallCompiler:
    """The part of a compiler that knows the registries."""

    def __init__(
        self,
        dialect: Dialect,
        filters: Mapping[str, Definition],
        functions: Mapping[str, Definition],
        tests: Mapping[str, Definition],
    ) -> None:
        self.dialect = dialect
        self.major = dialect.major
        self.filters = filters
        self.functions = functions
        self.tests = tests

    def expression(self, node: nodes.Expression) -> Run:
        raise NotImplementedError

    def arguments(
        self, given: nodes.Arguments, parameters: tuple[str, ...] | None, offset: int
    ) -> ArgumentsOf:
        """Arguments by parameter name; None (in 2.0 also an empty tuple) puts positional ones under "0", "1"..."""
        if parameters is None or (not parameters and self.major >= 2):
            numbered = [(str(index), self.expression(value)) for index, value in enumerate(given.positional)]
            return lambda state: {name: value(state) for name, value in numbered}
        pairs = [(name, self.expression(value)) for name, value in zip(parameters, given.positional)]
        problem = None
        if len(given.positional) > len(parameters):
            problem = (
                f"The argument at position {len(parameters) + 1} is not allowed."
                f" Only {len(parameters)} argument(s) are allowed."
            )
        else:
            for name, value, _ in given.named:
                if name not in parameters:
                    problem = f"The following named argument does not exist: {name}"
                    break
                if value is not None:
                    pairs.append((name, self.expression(value)))
        if problem is None:
            return lambda state: {name: value(state) for name, value in pairs}
        text = problem

        def refuse(state: State) -> dict[str, Any]:
            for _, value in pairs:
                value(state)
            raise state.pebble(text, offset)

        return refuse

    def filter(self, node: nodes.Filter) -> Run:
        target = self.expression(node.target)
        return self.filter_call(target, node.name, node.arguments, node.offset)

    def filter_call(self, target: Run, name: str, given: nodes.Arguments, offset: int) -> Run:
        definition = self.filters.get(name)
        if definition is None:
            return self._unknown(f"Filter [{name}] does not exist.", name, offset, self.filters)
        arguments = self.arguments(given, definition.params, offset)
        func = definition.func
        forgives_missing = name == "default"
        in_place = name in _IN_PLACE

        def run(state: State) -> Any:
            values = arguments(state)
            try:
                value = target(state)
            except AttributeNotFoundError:
                if not forgives_missing:
                    raise
                value = None
            if type(value) is SafeString:
                value = value.text
            if in_place and is_list(value) and not isinstance(value, ImmutableList):
                value = state.writable(value)
            return _call(func, state, name, offset, value, values)

        return run

    def test(self, node: nodes.Test) -> Run:
        target, name, offset, negated = self.expression(node.target), node.name, node.offset, node.negated
        definition = self.tests.get(name)
        if definition is None:
            return self._unknown(f"Test [{name}] does not exist.", name, offset, self.tests)
        arguments = self.arguments(node.arguments, definition.params, offset)
        func = definition.func
        forgives_missing = name == "defined"

        def run(state: State) -> bool:
            values = arguments(state)
            try:
                value = target(state)
            except AttributeNotFoundError:
                if not forgives_missing:
                    raise
                value = None
            return bool(_call(func, state, name, offset, value, values)) is not negated

        return run

    def function(self, node: nodes.Function) -> Run:
        name, offset = node.name, node.offset
        definition = self.functions.get(name)
        if definition is None:
            return self._macro_call(node)
        arguments = self.arguments(node.arguments, definition.params, offset)
        func = definition.func
        rendering = name in _RENDERING

        def run(state: State) -> Any:
            if rendering and state.scope.recursive:
                raise state.pebble(f"Function or Macro [{name}] does not exist.", offset)
            result = _call_function(func, state, name, offset, arguments(state))
            return MASK if name in state.scope.masked_functions else result

        return run

    def _macro_call(self, node: nodes.Function) -> Run:
        name, offset = node.name, node.offset
        functions = self.functions
        by_parameters: dict[tuple[str, ...], ArgumentsOf] = {}

        def run(state: State) -> Any:
            macro = state.macros.get(name)
            if macro is None:
                error = state.pebble(f"Function or Macro [{name}] does not exist.", offset)
                error.candidates, error.missing = [*functions, *state.macros], name
                raise error
            arguments = by_parameters.get(macro.parameters)
            if arguments is None:
                arguments = by_parameters[macro.parameters] = self.arguments(
                    node.arguments, macro.parameters, offset
                )
            return macro(state, arguments(state), offset)

        return run

    def _unknown(self, message: str, name: str, offset: int, known: Mapping[str, Any]) -> Run:
        def run(state: State) -> Any:
            error = state.pebble(message, offset)
            error.candidates, error.missing = known, name
            raise error

        return run

    def block_call(self, node: nodes.BlockCall) -> Run:
        """The first positional argument names the block; Pebble does not look at the others."""
        offset = node.offset
        name = self.expression(node.arguments.positional[0]) if node.arguments.positional else None

        def run(state: State) -> str:
            try:
                if name is None:
                    raise JavaError("IndexOutOfBoundsException", "Index 0 out of bounds for length 0")
                found = name(state)
                block = None if found is None else state.blocks.get(as_string(found))
            except JavaError as error:
                raise state.raised(error, offset) from None
            return "" if block is None else str(block(state, offset))

        return run

    def parent(self, node: nodes.Parent) -> Run:
        offset = node.offset

        def run(state: State) -> Any:
            raise state.pebble(
                "Can not use parent function if template does not extend another template.", offset
            )

        return run


def _call(func: Callable[..., Any], state: State, name: str, offset: int, value: Any, arguments: Any) -> Any:
    try:
        result = func(CallSite(name, state, offset), value, arguments)
        return state.check_text(result) if type(result) is str else result
    except SimulatorError:
        raise
    except JavaError as error:
        raise state.raised(error, offset) from error
    except RecursionError:
        raise
    except MemoryError:
        raise state.java("Java heap space", java_type="OutOfMemoryError", offset=offset) from None
    except Exception as error:
        raise InternalError(f"{name}: {type(error).__name__} in an expression") from error


def _call_function(func: Callable[..., Any], state: State, name: str, offset: int, arguments: Any) -> Any:
    return _call(lambda call, _, given: func(call, given), state, name, offset, None, arguments)
