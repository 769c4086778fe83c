"""What a static reader can know of a flow, beyond Kestra's own validation: one small function per rule.

    found = check_text(text, "flow.yml", catalog=catalog)            # the dialect is chosen by the text
    found = check_flow(flow, catalog)                                # a model that is there already

Every finding has a stable code (`simulator.model.check.codes.CODES`), a place and mostly a hint. Errors are things that
fail for sure; what may be meant is a warning; what the reader should know is a notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.diagnostics import Collector, Diagnostic
from simulator.dialect import Dialect
from simulator.model.build import build_from_node
from simulator.model.catalog import Catalog
from simulator.model.check.context import CheckContext, Surroundings
from simulator.model.check.expressions import check_expressions
from simulator.model.check.ignores import filter_ignored
from simulator.model.check.references import check_references
from simulator.model.check.structure import check_dead_branches, check_ion_under_another_name
from simulator.model.check.surroundings import (
    check_files,
    check_secrets,
    check_secrets_in_clear,
    check_subflows,
)
from simulator.model.dialects import choose, read_or_report
from simulator.model.flow import Flow

__all__ = ["RULES", "Checked", "Surroundings", "check_flow", "check_text"]

#: in no particular order: findings are sorted by place
RULES: tuple[Callable[[CheckContext], None], ...] = (
    check_expressions,
    check_references,
    check_secrets,
    check_secrets_in_clear,
    check_files,
    check_subflows,
    check_dead_branches,
    check_ion_under_another_name,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of one file: the findings (sorted), the dialect it was read in, the flow as far as it could be built
    (None only when the text is no map)."""

    diagnostics: tuple[Diagnostic, ...]
    dialect: Dialect
    flow: Flow | None


def check_flow(
    flow: Flow,
    catalog: Catalog,
    *,
    surroundings: Surroundings | None = None,
    collector: Collector | None = None,
) -> list[Diagnostic]:
    """Runs every rule over a model; the findings, sorted. They also go to the collector."""
    found = Collector()
    context = CheckContext.of(flow, catalog, surroundings or Surroundings(), found)
    for rule in RULES:
        rule(context)
    if collector is not None:
        collector.extend(found)
    return found.sorted()


def check_text(
    text: str,
    file: str,
    *,
    catalog: Catalog,
    dialect: Dialect | None = None,
    surroundings: Surroundings | None = None,
) -> Checked:
    """Reads, validates and checks one flow file. Never raises for what the text holds.

    Without a dialect it is chosen as `simulator.model.dialects` says.
    """
    collector = Collector()
    flow: Flow | None
    if dialect is None:
        choice = choose(text, file, catalog)
        dialect, flow = choice.dialect, choice.flow
        collector.extend(choice.diagnostics)
        if choice.notice is not None:
            collector.add(choice.notice)
    else:
        root = read_or_report(text, file, dialect, collector)
        flow = None
        if root is not None:
            flow, _ = build_from_node(root, text, file, dialect, catalog, collector=collector)
    if flow is not None:
        check_flow(flow, catalog, surroundings=surroundings, collector=collector)
    unique = dict.fromkeys(collector.sorted())
    return Checked(tuple(filter_ignored(text, unique)), dialect, flow)
