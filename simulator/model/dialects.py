"""Which line of Kestra a flow is written for: 2.0, unless it uses what 2.0 refuses and 1.x accepts."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from simulator.diagnostics import Collector, Diagnostic, Severity
from simulator.dialect import V1, V2, Dialect
from simulator.errors import InvalidFlowError
from simulator.model.build import build_from_node
from simulator.model.catalog import Catalog
from simulator.model.flow import Flow
from simulator.model.problems import illegal_source
from simulator.source.nodes import Node
from simulator.source.yaml import read_yaml

__all__ = ["Choice", "choose", "choose_dialect", "read_or_report"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The dialect, the notice that says why it is 1.x, and the flow (a draft when there are errors) with its findings."""

    dialect: Dialect
    notice: Diagnostic | None
    flow: Flow | None
    diagnostics: tuple[Diagnostic, ...]


def choose_dialect(text: str, file: str, catalog: Catalog) -> tuple[Dialect, Diagnostic | None]:
    """The dialect of a flow's text, with a notice when it is 1.x. Raises nothing."""
    choice = choose(text, file, catalog)
    return choice.dialect, choice.notice


def read_or_report(text: str, file: str, dialect: Dialect, collector: Collector) -> Node | None:
    """The tree of a text, or None after reporting why it cannot be read, in Kestra's words of that dialect."""
    try:
        return read_yaml(text, file, collector=collector)
    except InvalidFlowError as error:
        for item in error.to_diagnostics():
            message = (
                illegal_source(item.message, dialect, item.span)
                if item.code.startswith("SIM-YAML")
                else item.message
            )
            collector.add(replace(item, message=message))
        return None


def choose(text: str, file: str, catalog: Catalog) -> Choice:
    """Reads once, builds for 2.0, and for 1.x only when 2.0 refuses the flow: then 1.x is chosen if it accepts it, or if
    it at least knows what 2.0 has dropped."""
    reading = Collector()
    root = read_or_report(text, file, V2, reading)
    if root is None:
        return Choice(V2, None, None, tuple(reading))
    new = Collector(list(reading))
    flow, version_only = build_from_node(root, text, file, V2, catalog, collector=new)
    if not new.has_errors:
        gone = _older_call(text)
        older = _older_expression(gone, root, text, file, catalog, reading) if gone is not None else None
        return older or Choice(V2, None, flow, tuple(new))
    old = Collector(list(reading))
    old_flow, newer_only = build_from_node(root, text, file, V1, catalog, collector=old)
    if old.has_errors and not (version_only and (not newer_only or _errors(old) < _errors(new))):
        return Choice(V2, None, flow, tuple(new))
    errors = [item for item in new.sorted() if item.severity is Severity.ERROR]
    only = next((item for item in errors if _of_the_older_line(item)), errors[0])
    what = only.message.removeprefix("Invalid type: ").removeprefix("Invalid Flow: ").split(" (class")[0]
    notice = Diagnostic(
        "SIM-DIALECT-001",
        Severity.NOTICE,
        f"Read as a flow for Kestra 1.x: 2.0 refuses it: {what}",
        only.span,
        "`simulate migrate` rewrites it for 2.0; `--kestra 1` or `--kestra 2` chooses by hand.",
    )
    return Choice(V1, notice, old_flow, tuple(old))


@lru_cache(maxsize=1)
def _older_names() -> re.Pattern[str]:
    """Calls of functions and uses of filters that only 1.x has."""
    from simulator.expressions.renderer import definitions

    functions, filters = (
        sorted(set(definitions(kind, V1)) - set(definitions(kind, V2))) for kind in ("function", "filter")
    )
    parts = [rf"\b(?:{'|'.join(functions)})\s*\("] if functions else []
    parts += [rf"\|\s*(?:{'|'.join(filters)})\b"] if filters else []
    return re.compile("|".join(parts) or r"(?!)")


def _older_call(text: str) -> str | None:
    """The first such name that stands in an expression; a quick look, the parser decides."""
    if "{{" not in text and "{%" not in text:
        return None
    from simulator.errors import ExpressionError
    from simulator.expressions.analyze import references
    from simulator.expressions.renderer import definitions

    if not _older_names().search(text):
        return None
    for template in re.findall(r"\{\{.*?\}\}|\{%.*?%\}", text, re.DOTALL):
        if not _older_names().search(template):
            continue
        try:
            found = references(template, V1)
        except ExpressionError:
            continue
        for one in found:
            if (
                one.kind in ("function", "filter")
                and one.name in definitions(one.kind, V1)
                and one.name not in definitions(one.kind, V2)
            ):
                return f"the {one.kind} `{one.name}`"
    return None


def _older_expression(
    what: str, root: Node, text: str, file: str, catalog: Catalog, reading: Collector
) -> Choice | None:
    """1.x for a flow that both lines accept, but whose expressions only 1.x can render."""
    old = Collector(list(reading))
    flow, _ = build_from_node(root, text, file, V1, catalog, collector=old)
    if old.has_errors:
        return None
    notice = Diagnostic(
        "SIM-DIALECT-001",
        Severity.NOTICE,
        f"Read as a flow for Kestra 1.x: 2.0 does not have {what}",
        root.span,
        "`simulate migrate` rewrites it for 2.0; `--kestra 1` or `--kestra 2` chooses by hand.",
    )
    return Choice(V1, notice, flow, tuple(old))


def _of_the_older_line(item: Diagnostic) -> bool:
    return item.severity is Severity.ERROR and (
        "only in Kestra 1" in (item.hint or "") or "old name is gone" in (item.hint or "")
    )


def _errors(collector: Collector) -> int:
    return sum(item.severity is Severity.ERROR for item in collector)
