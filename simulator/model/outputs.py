"""The outputs of a flow: rendered when its tasks are over, converted like inputs (flow.md 4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from simulator.dialect import Dialect
from simulator.errors import InvalidInputError, SimulatorError
from simulator.expressions.java.values import Float
from simulator.expressions.scope import Scope
from simulator.model.flow import FlowOutput
from simulator.model.inputs import Renders
from simulator.model.typing import TypedParser, ValueProblem, java_text

__all__ = ["json_friendly", "render_outputs", "through_json"]


def render_outputs(
    outputs: Sequence[FlowOutput],
    *,
    dialect: Dialect,
    renderer: Renders,
    scope: Scope,
    warn: Callable[[str], None],
    encrypt: Callable[[str], str] | None = None,
) -> dict[str, Any]:
    """The typed, JSON friendly values by output id.

    An optional output that cannot be rendered is left out after a call of `warn` with Kestra's text. Raises
    ExpressionError or InvalidInputError for the others; the caller logs `Failed to render output values: <message>`.
    """
    parser = TypedParser(dialect, encrypt=encrypt)
    rendered: dict[str, Any] = {}
    for output in outputs:
        if output.required is False:
            try:
                rendered[output.id] = _render(output.value, renderer, scope)
            except SimulatorError:
                warn(f"Failed to render optional flow output '{output.id}'. Output is ignored.")
        else:
            rendered[output.id] = _render(output.value, renderer, scope)
    return {
        output.id: json_friendly(_typed(output, rendered[output.id], parser))
        for output in outputs
        if output.id in rendered
    }


def _render(value: Any, renderer: Renders, scope: Scope) -> Any:
    return renderer.render_deep({"value": value}, scope).get("value")


def _typed(output: FlowOutput, value: Any, parser: TypedParser) -> Any:
    if value is None and output.required is False:
        return None
    try:
        return parser.parse(output.type, output.id, value)
    except ValueProblem as problem:
        message = problem.message
        if not problem.plain:
            fenced = f"errors:\n```\n{message}\n```"
            message = f" {fenced}"
            if parser.dialect.major >= 2:
                raise InvalidInputError(message, span=output.node.span, code="SIM-OUTPUT-001") from problem
            if parser.dialect.major == 1:
                message = f"java.lang.Exception: Expected `{output.type}` but received `{java_text(value)}` with {fenced}"
        if parser.dialect.major == 1:
            text = (
                f"{output.id}: Invalid output for `{output.id}`, {message}, but received `{java_text(value)}`"
            )
        else:
            text = f"Invalid value for output `{output.id}`. Cause: {message}"
        raise InvalidInputError(text, span=output.node.span, code="SIM-OUTPUT-001") from problem


def json_friendly(value: Any) -> Any:
    """Dates and times as ISO text, durations as seconds (execution.md 10), deep; everything else as it is."""
    if isinstance(value, dict):
        return {key: json_friendly(item) for key, item in value.items()}
    if isinstance(value, list):
        return [json_friendly(item) for item in value]
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, dt.time):
        return value.isoformat()
    if isinstance(value, dt.date):
        return java_text(value)
    return value


def through_json(value: Any) -> Any:
    """A typed value as Kestra's executions hand it on, which is as JSON: dates and times are text, a DURATION its seconds,
    a FLOAT the double that is written the same, deep."""
    if isinstance(value, dict):
        return {key: through_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [through_json(item) for item in value]
    return float(java_text(value)) if isinstance(value, Float) else json_friendly(value)
