"""What lives during one render: variables and their frames, the output, the limits, the place of a call.

A `State` is made for each render and thrown away. Compiled templates (see compiler) are functions of a state and hold
nothing of a run, so that one compiled template serves every run.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from simulator.dialect import Dialect
from simulator.errors import ExpressionError
from simulator.expressions.errors import (
    AttributeNotFoundError,
    EvaluationError,
    attribute_error,
    java_error,
    line_of,
    pebble_error,
)
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.text import to_json
from simulator.expressions.java.values import class_name, is_number
from simulator.expressions.scope import Scope
from simulator.expressions.text import as_text, java_text

if TYPE_CHECKING:
    from simulator.expressions.renderer import Renderer

__all__ = [
    "MASK",
    "CallSite",
    "CannotConcatError",
    "JavaWriter",
    "State",
    "TextWriter",
    "TypedWriter",
    "Writer",
]

MASK = "******"
_EMPTY: Mapping[str, Any] = MappingProxyType({})
_PEBBLE_TYPES = frozenset(("PebbleException", "ClassAccessException"))
MAX_RENDER_DEPTH_V2 = 16
"""kestra.variables.max-render-depth"""


class CannotConcatError(Exception):
    """Typed rendering met two printed values that are no scalars. Never leaves the room."""


class TextWriter:
    """Gathers printed values as text: JSON for collections (Kestra's JsonWriter)."""

    __slots__ = ("dialect", "parts", "room", "zone")

    def __init__(self, scope: Scope, dialect: Dialect) -> None:
        self.parts: list[str] = []
        self.room = scope.limits.output_chars
        self.dialect = dialect
        self.zone = scope.zone

    def value(self, value: Any) -> None:
        self.text(value if type(value) is str else as_text(value, self.dialect, self.zone))

    def text(self, text: str) -> None:
        self.room -= len(text)
        if self.room < 0:
            raise JavaError("OutOfMemoryError", "the rendered text is longer than the limit of characters")
        self.parts.append(text)


class JavaWriter(TextWriter):
    """Inside macros and filter tags: Java's own text of collections."""

    __slots__ = ()

    def value(self, value: Any) -> None:
        self.text(java_text(value))


class TypedWriter:
    """Keeps the first printed value as it is; joins further ones when all are scalars (TypedObjectWriter)."""

    __slots__ = ("current", "room")

    def __init__(self, scope: Scope) -> None:
        self.current: Any = None
        self.room = scope.limits.output_chars

    def value(self, value: Any) -> None:
        if self.current is None:
            self.current = value
            return
        if not (_is_scalar(self.current) and _is_scalar(value)):
            raise CannotConcatError(f"Cannot concat {class_name(self.current)} with {class_name(value)}")
        joined = java_text(self.current) + java_text(value)
        if len(joined) > self.room:
            raise JavaError("OutOfMemoryError", "the rendered text is longer than the limit of characters")
        self.current = joined

    text = value


Writer = TextWriter | TypedWriter


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (bool, str)) or is_number(value)


class State:
    """One render in progress.

    `frames` are the scopes inside the template (innermost last); `variables` the context that Kestra handed in.
    `place` maps an offset of the compiled text back to the template as written.
    """

    __slots__ = (
        "blocks",
        "copies",
        "depth",
        "dialect",
        "frames",
        "macros",
        "nesting",
        "out",
        "own",
        "renderer",
        "scope",
        "shown",
        "steps",
        "variables",
    )

    def __init__(
        self,
        renderer: Renderer,
        scope: Scope,
        variables: Mapping[str, Any],
        shown: str,
        out: Writer,
        depth: int,
        macros: Mapping[str, Any],
        blocks: Mapping[str, Any],
    ) -> None:
        self.renderer = renderer
        self.dialect = renderer.dialect
        self.scope = scope
        self.variables = variables
        self.shown = shown
        self.out: Writer = out
        self.depth = depth
        self.macros = macros
        self.blocks = blocks
        self.frames: list[dict[str, Any]] = []
        self.steps = 0
        self.nesting = 0
        self.copies: dict[int, tuple[Any, Any]] | None = None
        self.own: set[int] | None = None

    # Variables.

    def assign(self, name: str, value: Any, offset: int) -> None:
        """`set`: an existing variable is changed where it is, a new one belongs to the innermost frame."""
        for frame in reversed(self.frames):
            if name in frame:
                frame[name] = value
                return
        if name in self.variables and not isinstance(self.variables, dict):
            raise self.java(None, java_type="UnsupportedOperationException", offset=offset)
        if not self.frames:
            self.frames.append({})
        frame = self.frames[0] if name in self.variables else self.frames[-1]
        frame[name] = value

    def special(self, name: str, offset: int) -> Any:
        """`locale`, `template` and `_context`, which always exist; raises KeyError for any other name."""
        if name == "locale":
            return "en_US"
        if name == "template":
            return {"name": self.shown}
        if name == "_context":
            # Pebble's view of all variables refuses every access in strict mode.
            raise self.java(None, java_type="UnsupportedOperationException", offset=offset)
        raise KeyError(name)

    def context(self) -> dict[str, Any]:
        """All variables by name, those of the template included."""
        merged = dict(self.variables)
        for frame in self.frames:
            merged.update(frame)
        return merged

    # Java changes lists in place. The caller's lists are copied before, and read as the copy from then on.

    def current(self, value: Any) -> Any:
        """The changed copy of a list, when it has one."""
        if self.copies:
            found = self.copies.get(id(value))
            if found is not None:
                return found[1]
        return value

    def writable(self, value: list[Any]) -> list[Any]:
        """A list that may be changed in place of `value`."""
        if self.copies is None:
            self.copies, self.own = {}, set()
        assert self.own is not None
        if id(value) in self.own:
            return value
        copy = value.copy() if type(value) is list else type(value)(value)
        self.copies[id(value)] = (value, copy)
        self.own.add(id(copy))
        return copy

    # Limits.

    def step(self, count: int = 1) -> None:
        """Counts loop turns."""
        self.steps += count
        if self.steps > self.scope.limits.loop_steps:
            raise JavaError("OutOfMemoryError", f"more than {self.scope.limits.loop_steps} loop steps")

    def check_text(self, text: str) -> str:
        """A text that an operator or filter built, when it is not too long."""
        if len(text) > self.scope.limits.output_chars:
            raise JavaError("OutOfMemoryError", "the text is longer than the limit of characters")
        return text

    def check_list(self, items: Any) -> Any:
        if len(items) > self.scope.limits.loop_steps:
            raise JavaError("OutOfMemoryError", "the list is longer than the limit of items")
        return items

    # Errors.

    def line(self, offset: int) -> int:
        return line_of(self.shown, offset)

    def pebble(self, message: str, offset: int, engine_type: str = "PebbleException") -> EvaluationError:
        return pebble_error(
            message, template=self.shown, line=self.line(offset), offset=offset, engine_type=engine_type
        )

    def unplaced(self, message: str, offset: int, engine_type: str) -> EvaluationError:
        """An exception of Kestra's own below PebbleException, which it throws without template and line."""
        package = "io.kestra.core.runners.pebble."
        error = pebble_error(
            message, template=None, line=None, offset=offset, engine_type=engine_type, package=package
        )
        error.template = self.shown
        return error

    def java(self, message: str | None, *, java_type: str, offset: int) -> EvaluationError:
        return java_error(
            message, java_type=java_type, dialect=self.dialect, template=self.shown, offset=offset
        )

    def raised(self, error: JavaError, offset: int) -> EvaluationError:
        """A JavaError at a place."""
        if error.java_type == "RenderLimitExceededException":
            return self.unplaced(error.message, offset, error.java_type)
        if error.java_type in _PEBBLE_TYPES:
            return self.pebble(error.message, offset, error.java_type)
        return self.java(error.message or None, java_type=error.java_type, offset=offset)

    def wrapped(self, message: str, offset: int, error: JavaError | ExpressionError) -> EvaluationError:
        """A PebbleException around another error. It points at the inner place and tells the inner reason as a hint."""
        if isinstance(error, JavaError):
            result = self.pebble(message, offset)
            result.root_type, result.hint = error.java_type, error.message or error.java_type
            return result
        result = self.pebble(message, offset)
        if error.template == self.shown and error.offset is not None:
            result.offset = error.offset
        result.root_type, result.hint = error.cause_type, error.message
        if isinstance(error, EvaluationError):
            result.root_type = error.engine_type
            result.candidates, result.missing = error.candidates, error.missing
            result.hint = error.hint or error.pebble_text or error.engine_message or error.engine_type
        return result

    def missing(
        self, message: str, name: str, offset: int, *, root: bool, candidates: Any
    ) -> AttributeNotFoundError:
        return attribute_error(
            message,
            name=name,
            template=self.shown,
            line=self.line(offset),
            offset=offset,
            root=root,
            candidates=candidates,
        )

    # Rendering other templates from inside.

    def nested(self, value: Any, *, recursive: bool, extra: Mapping[str, Any] | None, offset: int) -> Any:
        """`render()` and `renderOnce()`: texts, maps, lists and sets in this context."""
        if self.dialect.major == 1:
            limit = self.scope.limits.depth
            if self.depth >= limit:
                raise self.java(None, java_type="StackOverflowError", offset=offset)
        elif self.depth >= MAX_RENDER_DEPTH_V2:
            raise self.pebble(
                f"Maximum render() nesting depth ({MAX_RENDER_DEPTH_V2}) exceeded at line {self.line(offset)}"
                " — check for circular render() calls in your template.",
                offset,
            )
        variables = self.context()
        if extra:
            variables.update(extra)
        try:
            return self.renderer.render_nested(
                value, self.scope, variables, recursive=recursive, depth=self.depth + 1
            )
        except EvaluationError as error:
            outer = pebble_error(error.message, template=None, line=None, offset=offset)
            outer.template = self.shown
            raise outer from error


class CallSite:
    """The place a filter, function or test is called from: `registry.Call` for them."""

    __slots__ = ("name", "offset", "state")

    def __init__(self, name: str, state: State, offset: int) -> None:
        self.name = name
        self.state = state
        self.offset = offset

    @property
    def scope(self) -> Scope:
        return self.state.scope

    @property
    def dialect(self) -> Dialect:
        return self.state.dialect

    @property
    def template(self) -> str:
        return self.state.shown

    @property
    def line(self) -> int:
        return self.state.line(self.offset)

    def error(self, message: str, *, cause_type: str | None = None) -> ExpressionError:
        error = self.state.pebble(message, self.offset)
        error.root_type = cause_type
        return error

    def raw_error(self, message: str, *, java_type: str, cause_type: str | None = None) -> ExpressionError:
        return java_error(
            message,
            java_type=java_type,
            dialect=self.state.dialect,
            template=self.state.shown,
            offset=self.offset,
            cause_type=cause_type,
        )

    def text(self, value: Any) -> str:
        return as_text(value, self.state.dialect, self.state.scope.zone)

    def json(self, value: Any) -> str:
        """Kestra's JSON of the value."""
        return to_json(value, self.state.scope.zone)

    def variable(self, name: str) -> Any | None:
        for frame in reversed(self.state.frames):
            if name in frame:
                return frame[name]
        return self.state.variables.get(name)

    def variables(self) -> Mapping[str, Any]:
        return self.state.context()

    def render(self, template: Any, *, recursive: bool, extra: Mapping[str, Any] | None = None) -> Any:
        return self.state.nested(template, recursive=recursive, extra=extra, offset=self.offset)


def empty_variables() -> Mapping[str, Any]:
    """What a macro sees of the context: nothing."""
    return _EMPTY
