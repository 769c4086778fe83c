"""`Renderer`: Kestra's `VariableRenderer` for one dialect.

    renderer = Renderer(V2)
    renderer.render("{{ inputs.name | upper }}", Scope(variables={"inputs": {"name": "x"}}))  # "X"

Compiled templates are cached by their text; the cache has a fixed size. Every failure is an ExpressionError whose
message is Kestra's, with the offset inside the template and, where it helps, a hint. Source: expressions.md 1, 13, 17.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulator.dialect import Dialect
from simulator.errors import ExpressionError, InternalError, SimulatorError
from simulator.expressions.errors import EvaluationError, java_error, parse_error
from simulator.expressions.hints import hint_for
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import (
    BigInteger,
    Byte,
    Float,
    Long,
    MapEntry,
    SafeString,
    Short,
    class_name,
)
from simulator.expressions.lexer import ParseError
from simulator.expressions.parser import parse
from simulator.expressions.raw import RawBlocks, strip_raw, take_raw
from simulator.expressions.registry import Definition
from simulator.expressions.runtime import CannotConcatError, State, TextWriter, TypedWriter
from simulator.expressions.scope import Scope
from simulator.expressions.statements import CompiledBlock, CompiledMacro, StatementCompiler, Write
from simulator.expressions.tables import LazyDefinitions, definitions
from simulator.expressions.text import hash_ordered, java_text

__all__ = ["CACHE_SIZE", "Compiled", "Renderer", "definitions", "plain"]

CACHE_SIZE = 1000
"""kestra.variables.cache-size"""
_MAX_ROUNDS = 100
_CHANGING = {1: re.compile(r"[-+]|\|\s*(?:r?sort|reverse)\b"), 2: re.compile(r"\|\s*(?:r?sort|reverse)\b")}
"""Templates that may change a list in place: by `+` and `-` in 1.x, by three filters in both."""


class Compiled:
    """A compiled template: no state of any run."""

    __slots__ = ("blocks", "macros", "raws", "shown", "write")

    def __init__(
        self,
        write: Write,
        macros: dict[str, CompiledMacro],
        blocks: dict[str, CompiledBlock],
        shown: str,
        raws: RawBlocks,
    ) -> None:
        self.write = write
        self.macros = macros
        self.blocks = blocks
        self.shown = shown
        self.raws = raws


class Renderer:
    """Renders templates of one dialect. One instance serves a whole process; it is safe to share between threads."""

    def __init__(self, dialect: Dialect, cache_size: int = CACHE_SIZE) -> None:
        self.dialect = dialect
        self.filters: Mapping[str, Definition] = LazyDefinitions("filter", dialect)
        self.functions: Mapping[str, Definition] = LazyDefinitions("function", dialect)
        self.tests: Mapping[str, Definition] = definitions("test", dialect)
        # Two generations make an LRU without a write on every hit: what is used again moves into the young one.
        self._young: dict[str, Compiled] = {}
        self._old: dict[str, Compiled] = {}
        self._half = max(1, cache_size // 2)

    # The four ways to render.

    def render(self, template: str | None, scope: Scope, *, recursive: bool | None = None) -> str | None:
        """The text of a template; None for None. Raises ExpressionError.

        `recursive` (default: the scope's setting) renders the result again until it does not change.
        """
        if template is None or "{" not in template:
            return template
        return self._text(template, scope, scope.variables, self._recursive(scope, recursive), 0) or ""

    def render_typed(self, template: str | None, scope: Scope, *, keep_classes: bool = False) -> Any:
        """The value that a template prints, with its type; text when it prints more than one value.

        With `keep_classes` the numbers and collections keep the classes of simulator.expressions.java.values, else
        they are plain Python. Raises ExpressionError.
        """
        if template is None or "{" not in template:
            return template
        value = self._typed(template, scope)
        try:
            return value if keep_classes else plain(value)
        except RecursionError as error:
            raise self._unforeseen(error, template) from None

    def render_deep(self, value: Any, scope: Scope, *, recursive: bool | None = None) -> Any:
        """Texts, keys and items of maps, lists and sets, rendered to text; other values as they are."""
        return self._deep(value, scope, scope.variables, self._recursive(scope, recursive), 0)

    def render_nested(
        self, value: Any, scope: Scope, variables: Mapping[str, Any], *, recursive: bool, depth: int
    ) -> Any:
        """`render()` from inside a template: as render_deep, with the variables of that template."""
        if isinstance(value, str):
            if "{" not in value:
                return str(value)
            return self._text(value, scope, variables, recursive, depth) or ""
        return self._deep(value, scope, variables, recursive, depth)

    @staticmethod
    def _recursive(scope: Scope, recursive: bool | None) -> bool:
        return scope.recursive if recursive is None else recursive

    def compiled(self, template: str, scope: Scope) -> Compiled:
        """The compiled template, from the cache when it is there. Raises ExpressionError when it cannot be parsed."""
        return self._young.get(template) or self._compile(template, scope)

    def run_text(self, compiled: Compiled, template: str, scope: Scope) -> str:
        """The text of a compiled template, one round."""
        out = TextWriter(scope, self.dialect)
        self._run(compiled, template, scope, scope.variables, out, 0)
        return strip_raw(compiled.raws.restore("".join(out.parts)))

    # Rounds.

    def _text(
        self, template: str, scope: Scope, variables: Mapping[str, Any], recursive: bool, depth: int
    ) -> str | None:
        result = self._once(template, scope, variables, depth)
        if recursive and result is not None:
            rounds, previous = 1, template
            while result is not None and result != previous and "{" in result:
                rounds += 1
                if rounds > _MAX_ROUNDS:
                    raise ExpressionError("Too many rendering attempts", template=template)
                previous, result = result, self._once(result, scope, variables, depth)
        return None if result is None else strip_raw(result)

    def _once(self, template: str, scope: Scope, variables: Mapping[str, Any], depth: int) -> str | None:
        compiled = self._young.get(template) or self._compile(template, scope)
        out = TextWriter(scope, self.dialect)
        self._run(compiled, template, scope, variables, out, depth)
        parts = out.parts
        if not parts:
            return None
        text = parts[0] if len(parts) == 1 else "".join(parts)
        return compiled.raws.restore(text) if compiled.raws.blocks else text

    def _run(
        self,
        compiled: Compiled,
        template: str,
        scope: Scope,
        variables: Mapping[str, Any],
        out: TextWriter | TypedWriter,
        depth: int,
    ) -> None:
        state = State(self, scope, variables, compiled.shown, out, depth, compiled.macros, compiled.blocks)
        try:
            compiled.write(state)
        except EvaluationError as error:
            self._finish(error, compiled, template)
            raise
        except JavaError as error:
            raise state.raised(error, 0) from error
        except (SimulatorError, CannotConcatError):
            raise
        except Exception as error:
            raise self._unforeseen(error, template) from None

    def _unforeseen(self, error: Exception, template: str | None) -> SimulatorError:
        """What Python could not do: too deep, too big, too long a number; anything else is a bug of ours."""
        if isinstance(error, RecursionError):
            kind = "StackOverflowError"
        elif isinstance(error, MemoryError):
            kind = "OutOfMemoryError"
        elif isinstance(error, ValueError) and "integer string conversion" in str(error):
            kind = "ArithmeticException"
        else:
            return InternalError(f"{type(error).__name__} in an expression")
        return java_error(None, java_type=kind, dialect=self.dialect, template=template, offset=None)

    @staticmethod
    def _finish(error: EvaluationError, compiled: Compiled, template: str) -> None:
        """Moves the place to the template as written, and adds a hint."""
        if error.template == compiled.shown and error.offset is not None and compiled.raws.blocks:
            error.offset = compiled.raws.original_offset(error.offset)
        error.template = template
        suggestion = hint_for(error.missing, error.candidates)
        if suggestion:
            error.hint = f"{error.hint}; {suggestion}" if error.hint else suggestion
        error.candidates = None

    def _typed(self, template: str, scope: Scope) -> Any:
        compiled = self._young.get(template) or self._compile(template, scope)
        out = TypedWriter(scope)
        try:
            self._run(compiled, template, scope, scope.variables, out, 0)
        except CannotConcatError as error:
            if self.dialect.major == 1:
                raise java_error(
                    str(error),
                    java_type="IllegalArgumentException",
                    dialect=self.dialect,
                    template=template,
                    offset=None,
                ) from None
            return _first_json(self._text(template, scope, scope.variables, scope.recursive, 0) or "")
        value = out.current
        if isinstance(value, str):
            value = (
                strip_raw(compiled.raws.restore(value)) if "{%" in value or compiled.raws.blocks else value
            )
            if scope.recursive and "{" in value:
                return self._text(value, scope, scope.variables, True, 0)
        elif scope.recursive and value is not None:
            raise java_error(
                f"class {class_name(value)} cannot be cast to class java.lang.String",
                java_type="ClassCastException",
                dialect=self.dialect,
                template=template,
                offset=None,
            )
        return value

    def _deep(
        self,
        value: Any,
        scope: Scope,
        variables: Mapping[str, Any],
        recursive: bool,
        depth: int,
        level: int = 0,
    ) -> Any:
        if level > scope.limits.depth:
            raise java_error(
                None, java_type="StackOverflowError", dialect=self.dialect, template=None, offset=None
            )
        if isinstance(value, str):
            if "{" not in value:
                return value
            text = self._text(value, scope, variables, recursive, depth)
            return "" if text is None and self.dialect.major == 1 else text
        if isinstance(value, Mapping):
            result: dict[Any, Any] = {}
            for key, item in value.items():
                if isinstance(key, str) and "{" in key:
                    key = self._text(key, scope, variables, scope.recursive, depth) or ""
                rendered = self._deep(item, scope, variables, recursive, depth, level + 1)
                result.setdefault(key, rendered)
            return result
        if isinstance(value, (list, tuple)):
            return [self._deep(item, scope, variables, recursive, depth, level + 1) for item in value]
        if isinstance(value, (set, frozenset)):
            return {
                self._deep(item, scope, variables, recursive, depth, level + 1)
                for item in hash_ordered(value)
            }
        return value

    # Compiling.

    def _compile(self, template: str, scope: Scope) -> Compiled:
        compiled = self._old.get(template)
        if compiled is None:
            compiled = self._compiled(template, scope)
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[template] = compiled
        return compiled

    def _compiled(self, template: str, scope: Scope) -> Compiled:
        if len(template) > scope.limits.template_chars:
            raise ExpressionError("The template is longer than the limit of characters.", template=None)
        shown, raws = take_raw(template)
        try:
            tree = parse(shown, self.dialect)
            compiler = StatementCompiler(self.dialect, self.filters, self.functions, self.tests)
            compiler.changes_lists = _CHANGING[self.dialect.major].search(shown) is not None
            return Compiled(
                compiler.body(tree.body),
                {macro.name: CompiledMacro(compiler, macro) for macro in tree.macros},
                {name: CompiledBlock(compiler, block) for name, block in tree.blocks.items()},
                shown,
                raws,
            )
        except ParseError as error:
            raise parse_error(error, shown, template, raws, self.dialect) from None
        except RecursionError:
            raise java_error(
                None, java_type="StackOverflowError", dialect=self.dialect, template=template, offset=None
            ) from None


def _first_json(text: str) -> Any:
    """The first JSON value of a text (2.0's answer to mixed output), the text itself when there is none."""
    from simulator.expressions.java.json_read import read_json  # only mixed typed output needs it

    try:
        return read_json(text)
    except (JavaError, RecursionError):
        return text


def plain(value: Any) -> Any:
    """The value in plain Python types: what leaves this room (see simulator.values)."""
    if isinstance(value, (Long, Short, Byte, BigInteger)):
        return int(value)
    if isinstance(value, Float):
        return float(value)
    if isinstance(value, SafeString):
        return value.text
    if isinstance(value, MapEntry):
        return {_plain_key(value.key): plain(value.value)}
    if isinstance(value, str):
        return value if type(value) is str else str(value)
    if isinstance(value, Mapping):
        return {_plain_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def _plain_key(key: Any) -> Any:
    """Collections are no keys outside of Java: their text is."""
    if isinstance(key, (Mapping, list, set, MapEntry)):
        return java_text(key)
    return plain(key)
