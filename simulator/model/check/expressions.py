"""Expressions that cannot be parsed, and filters, functions and tests that do not exist."""

from __future__ import annotations

from simulator.diagnostics import Severity
from simulator.errors import ExpressionError
from simulator.expressions.analyze import Reference, problems, references
from simulator.model.check.context import CheckContext
from simulator.model.check.places import Site

__all__ = ["check_expressions", "references_of"]


def references_of(context: CheckContext, site: Site) -> tuple[Reference, ...]:
    """What a text refers to; nothing when it cannot be parsed (that is said by check_expressions)."""
    try:
        return tuple(references(site.node.text, context.dialect))
    except ExpressionError:
        return ()


def check_expressions(context: CheckContext) -> None:
    """SIM-EXPR-001 for a parse error, SIM-EXPR-002 for an unknown filter, function, test or argument.

    An error where Kestra renders the text for sure, else a warning: `variables` and the properties of unknown types
    may never be rendered.
    """
    for site in context.sites:
        if not site.has_expression:
            continue
        for problem in problems(site.node.text, context.dialect):
            code = (
                "SIM-EXPR-002"
                if "does not exist" in problem.message or "not allowed" in problem.message
                else "SIM-EXPR-001"
            )
            severity = Severity.ERROR if site.certain else Severity.WARNING
            span = context.at(site, problem.offset, problem.offset + 1)
            context.report(
                code,
                problem.message.splitlines()[0] if problem.message else "The expression cannot be parsed",
                span,
                problem.hint,
                severity,
            )
