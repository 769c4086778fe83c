"""The inputs of an execution: which are asked for, their defaults, their types, their rules (flow.md 3).

    values = resolve_inputs(flow, {"count": "3"}, renderer=renderer, scope=scope)

Works for a flow, for `onResume` of a Pause and for the children of a FORM alike; messages are Kestra's of the flow's
dialect. Values that are given may be texts or typed (a subflow's parent gives typed ones).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from simulator.diagnostics import Diagnostic, Severity
from simulator.dialect import Dialect
from simulator.errors import ExpressionError, InvalidInputError, SimulatorError
from simulator.expressions.property import render_property
from simulator.expressions.scope import Scope
from simulator.model.flow import Flow, Input
from simulator.model.flow_rules import leaves
from simulator.model.input_rules import RULES
from simulator.model.typing import TypedParser, ValueProblem, java_text, option_values
from simulator.values import Instant

if TYPE_CHECKING:
    from simulator.expressions.renderer import Renderer

__all__ = ["Renders", "default_value", "nest", "resolve_inputs", "resolve_values", "undeclared"]

_KEEPS_EMPTY = frozenset({"STRING", "SELECT", "EMAIL", "SECRET"})
#: what 2.0 makes of the `defaults` of a type before it takes them for a value (FlowInputOutput.resolveDefaultValue)
_DEFAULT_KINDS = {
    "INT": "integer",
    "FLOAT": "number",
    "BOOL": "boolean",
    "DATETIME": "datetime",
    "DATE": "date",
    "TIME": "time",
    "DURATION": "duration",
}


class Renders(Protocol):
    """What this module needs of `simulator.expressions.renderer.Renderer`."""

    def render(self, template: str | None, scope: Scope) -> str | None: ...
    def render_typed(self, template: str | None, scope: Scope) -> Any: ...
    def render_deep(self, value: Any, scope: Scope) -> Any: ...


def resolve_inputs(
    flow: Flow,
    given: Mapping[str, Any],
    *,
    renderer: Renders,
    scope: Scope,
    upload: Callable[[str, str], str] | None = None,
    encrypt: Callable[[str], str] | None = None,
) -> dict[str, Any]:
    """The typed inputs of an execution, dotted ids as nested maps, in declared order.

    `scope` holds flow, vars, secrets...; its `inputs` are replaced. `upload(input_id, path) -> uri` stores the file of
    a FILE input; `encrypt(text) -> base64` encrypts a SECRET (absent: no key is configured).
    Raises InvalidInputError: `message` is Kestra's whole text, one diagnostic per input that is wrong.
    """
    return resolve_values(
        flow.inputs,
        given,
        dialect=flow.dialect,
        renderer=renderer,
        scope=scope,
        upload=upload,
        encrypt=encrypt,
    )


def resolve_values(
    inputs: Iterable[Input],
    given: Mapping[str, Any],
    *,
    dialect: Dialect,
    renderer: Renders,
    scope: Scope,
    upload: Callable[[str, str], str] | None = None,
    encrypt: Callable[[str], str] | None = None,
    told: str = "`-i {0}=VALUE`",
) -> dict[str, Any]:
    """As `resolve_inputs`, for any list of inputs (`onResume`). `told`: how a user gives one, for the hints."""
    parser = TypedParser(dialect, upload=upload, encrypt=encrypt)
    return _Resolution(dict(leaves(inputs)), given, parser, renderer, scope, told).run()


def undeclared(flow: Flow, given: Mapping[str, Any]) -> list[str]:
    """Kestra's warnings for values of inputs that the flow does not declare (they are dropped)."""
    known = {name for name, _ in leaves(flow.inputs)}
    roots = {name.split(".")[0] for name in known} | {item.id for item in flow.inputs}
    return [
        f"Input {name} was provided for workflow {flow.namespace}.{flow.id} but isn't declared in the workflow inputs"
        for name in given
        if name not in known and name not in roots
    ]


def nest(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Dotted names to nested maps; a clash overwrites.

    >>> nest([("a.b", 1), ("a.c", 2), ("d", 3)])
    {'a': {'b': 1, 'c': 2}, 'd': 3}
    """
    result: dict[str, Any] = {}
    for name, value in values:
        *path, last = name.split(".")
        target = result
        for step in path:
            child = target.get(step)
            if not isinstance(child, dict):
                child = target[step] = {}
            target = child
        target[last] = value
    return result


def default_value(item: Input, dialect: Dialect, renderer: Renders, scope: Scope) -> Any:
    """The rendered `defaults` of an input; in 2.0 of its type already. Raises ExpressionError."""
    kind = _DEFAULT_KINDS.get(item.type) if dialect.major >= 2 else None
    if kind is not None:
        value = render_property(cast("Renderer", renderer), item.defaults, kind, scope)
        return Instant.of(value) if item.type == "DATETIME" and value is not None else value
    if isinstance(item.defaults, str):
        return renderer.render(item.defaults, scope)
    return renderer.render_deep(item.defaults, scope)


@dataclass(slots=True)
class _Resolved:
    value: Any = None
    enabled: bool = True
    problems: list[str] = field(default_factory=list)


class _Resolution:
    """One call of resolve_inputs."""

    def __init__(
        self,
        inputs: dict[str, Input],
        given: Mapping[str, Any],
        parser: TypedParser,
        renderer: Renders,
        scope: Scope,
        told: str,
    ) -> None:
        self.told = told
        self.inputs = inputs
        self.given = given
        self.parser = parser
        self.dialect = parser.dialect
        self.renderer = renderer
        self.scope = scope
        self.done: dict[str, _Resolved] = {}

    def run(self) -> dict[str, Any]:
        for name in self.inputs:
            self._resolve(name)
        texts: list[str] = []
        diagnostics: list[Diagnostic] = []
        for name, item in self.inputs.items():
            if not texts:
                # Kestra stops at the first input that is wrong; the diagnostics tell of all
                texts = self.done[name].problems
            for text in self.done[name].problems:
                span = (item.node.get("id") or item.node).span
                hint = _hint(name, item, self.told)
                diagnostics.append(Diagnostic("SIM-INPUT-001", Severity.ERROR, text, span, hint))
        if texts:
            message = texts[0] if self.dialect.major == 1 else "\n".join(texts)
            raise InvalidInputError(message, diagnostics=diagnostics, span=diagnostics[0].span)
        return nest((name, self.done[name].value) for name in self.inputs if self.done[name].enabled)

    def _resolve(self, name: str) -> _Resolved:
        if name in self.done:
            return self.done[name]
        item = self.inputs[name]
        # Set before the dependencies, so that a cycle (refused by validation) ends here.
        result = self.done[name] = _Resolved()
        needed = [
            other
            for other in (item.depends_on.inputs if item.depends_on else ())
            if other != name and other in self.inputs
        ]
        for other in needed:
            self._resolve(other)
        scope = self._scope(needed)
        try:
            result.enabled = self._enabled(item, needed, scope)
            if result.enabled:
                result.value = self._value(name, item, scope, result)
        except ValueProblem as problem:
            result.problems.append(self._text(name, item, problem.message, self._given(name, item)))
        except ExpressionError as error:
            result.problems.append(self._text(name, item, error.message, self._given(name, item)))
        return result

    def _scope(self, needed: list[str]) -> Scope:
        """What conditions, expressions and defaults see: the inputs of `dependsOn`, null for others with a default."""
        visible: list[tuple[str, Any]] = [
            (n, None) for n, item in self.inputs.items() if item.has_defaults and n not in needed
        ]
        visible += [(n, self.done[n].value) for n in needed if self.done[n].enabled]
        return replace(self.scope, variables={**self.scope.variables, "inputs": nest(visible)})

    def _enabled(self, item: Input, needed: list[str], scope: Scope) -> bool:
        for other in needed:
            known = self.done[other]
            if not known.enabled or (self.dialect.major >= 2 and known.value is None):
                return False
        if item.depends_on is None or item.depends_on.condition is None:
            return True
        try:
            return self.renderer.render_typed(item.depends_on.condition, scope) is True
        except SimulatorError as error:
            if self.dialect.major >= 2:
                return False  # it keeps the error, but nobody asks an input that is not enabled for it
            raise ValueProblem(f"Invalid condition: {error.message}", plain=True) from error

    def _given(self, name: str, item: Input) -> Any:
        value: Any = self.given
        if name in self.given:
            value = self.given[name]
        else:
            for step in name.split("."):
                value = value.get(step) if isinstance(value, Mapping) else None
        if value == "" and self.dialect.major >= 2 and item.type not in _KEEPS_EMPTY:
            return None
        return value

    def _value(self, name: str, item: Input, scope: Scope, result: _Resolved) -> Any:
        options = self._options(item, scope)
        raw = self._given(name, item)
        if raw is None:
            raw = self._default(item, options, scope)
        if raw is None:
            if item.required:
                result.problems.append(self._missing(name))
            return None
        try:
            value = self.parser.parse(item.type, name, raw, item.options.get("itemType") or _multi(item))
        except ValueProblem as problem:
            text = problem.message if problem.plain else self._wrapped(item, raw, problem)
            bare = self.dialect.major >= 2 and not problem.plain
            result.problems.append(text if bare else self._text(name, item, text, raw))
            return None
        except SimulatorError as error:
            result.problems.append(self._text(name, item, error.message, raw))
            return None
        for text in self._broken(item, value, raw, options):
            message = f"{name}: {text}" if item.type == "SECRET" and self.dialect.major >= 2 else text
            result.problems.append(self._text(name, item, message, raw))
        return value

    def _default(self, item: Input, options: list[Any] | None, scope: Scope) -> Any:
        if item.has_defaults:
            return default_value(item, self.dialect, self.renderer, scope)
        if item.options.get("autoSelectFirst") in (True, "true") and options:
            return [options[0]] if item.type == "MULTISELECT" else options[0]
        return None

    def _options(self, item: Input, scope: Scope) -> list[Any] | None:
        """What may be chosen, None when the type has no choice."""
        expression = item.options.get("expression")
        values = item.options.get("values", item.options.get("options"))
        if item.type not in ("SELECT", "ENUM", "MULTISELECT"):
            return None
        if expression is None:
            return option_values(values, self.dialect) if isinstance(values, list) else None
        try:
            rendered = self.renderer.render_typed(str(expression), scope)
        except SimulatorError as error:
            raise ValueProblem(f"Cannot render 'expression'. Cause: {error.message}", plain=True) from error
        if isinstance(rendered, str) and rendered.strip().startswith("["):
            import json

            try:
                rendered = json.loads(rendered)
            except ValueError as error:
                raise ValueProblem(f"Cannot render 'expression'. Cause: {error}", plain=True) from error
        if not isinstance(rendered, (list, tuple)):
            from simulator.expressions.java.values import simple_class_name

            kind = "null" if rendered is None else simple_class_name(rendered)
            raise ValueProblem(
                f"Invalid expression result. Expected a list of strings, but received {kind}"
                if self.dialect.major == 1
                else "Invalid expression result. Expected a list of values",
                plain=True,
            )
        return option_values(rendered, self.dialect)

    # Rules and texts.

    def _broken(self, item: Input, value: Any, raw: Any, options: list[Any] | None) -> Iterator[str]:
        rule = RULES.get(item.type)
        if rule is not None:
            yield from rule(item, value, raw, options, self.dialect)

    def _missing(self, name: str) -> str:
        if self.dialect.major == 1:
            return f"{name}: Invalid input for `{name}`, missing required input, but received `null`"
        return f"Missing required input:{name}"

    def _wrapped(self, item: Input, raw: Any, problem: ValueProblem) -> str:
        fenced = f"errors:\n```\n{problem.message}\n```"
        if self.dialect.major == 1:
            shown = "******" if item.type == "SECRET" else java_text(raw)
            return f"java.lang.Exception: Expected `{item.type}` but received `{shown}` with {fenced}"
        return f" {fenced}"

    def _text(self, name: str, item: Input, message: str, raw: Any) -> str:
        if self.dialect.major == 1:
            # Kestra shows a SECRET's value here; we do not.
            shown = "******" if item.type == "SECRET" and raw is not None else java_text(raw)
            return f"{name}: Invalid input for `{name}`, {message}, but received `{shown}`"
        return f"Invalid value for input `{name}`. Cause: {message}"


def _multi(item: Input) -> str | None:
    return "STRING" if item.type == "MULTISELECT" else None


def _hint(name: str, item: Input, told: str) -> str:
    return f"Give it with {told.format(name)} ({item.type}{', required' if item.required else ''})."
