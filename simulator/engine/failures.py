"""A failed task run as a diagnostic: Kestra's message, the place in the flow, our hint.

An expression's failure is mapped back from its offset in the template to the file; everything else stands at the task.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.diagnostics import Diagnostic, Position, Severity, Span
from simulator.errors import ExpressionError, SimulatorError
from simulator.model.flow import Task
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode
from simulator.source.text import template_position

__all__ = ["failure_diagnostic"]


def _scalars(node: Node) -> Iterator[ScalarNode]:
    match node:
        case ScalarNode():
            yield node
        case ListNode():
            for item in node.items:
                yield from _scalars(item)
        case MapNode():
            for key, item in node.entries.items():
                if key not in ("tasks", "errors", "finally"):
                    yield from _scalars(item)


def _place(task: Task, error: SimulatorError) -> Span:
    if error.span is not None:
        return error.span
    if isinstance(error, ExpressionError) and error.template:
        for node in _scalars(task.node):
            if node.text == error.template:
                start = template_position(node, error.offset or 0)
                end = Position(start.line, start.column + 1)
                if error.offset is None and node.span.end.line == start.line:
                    end = node.span.end
                return Span(node.span.file, start, end)
    name = task.node.get("id")
    return name.span if name is not None else task.span


def failure_diagnostic(task: Task, error: BaseException) -> Diagnostic | None:
    """The diagnostic of a task run that failed with `error`; None when the log says it all (no hint, no place)."""
    if not isinstance(error, SimulatorError):
        return None
    if error.hint is None and not (isinstance(error, ExpressionError) and error.template):
        return None
    return Diagnostic(
        error.code, Severity.ERROR, error.message.split("\n")[0], _place(task, error), error.hint
    )
