"""What a check knows beside the flow itself, and where its findings go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field

from simulator.diagnostics import Collector, Severity, Span
from simulator.dialect import Dialect
from simulator.model.catalog import Catalog
from simulator.model.check.places import Places, Site, sites
from simulator.model.flow import Flow, FlowId
from simulator.source.text import SourceText, template_position

__all__ = ["CheckContext", "Surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around a flow, as far as it is known; None = not known, so nothing is said about it.

    `secrets`: names (upper case) that an env file gives. `namespace_file(namespace, path)`: does it exist.
    `flows`: the flows beside it. `unknown_flows`: say when a subflow is not among them.
    """

    secrets: Set[str] | None = None
    namespace_file: Callable[[str, str], bool] | None = None
    flows: Mapping[FlowId, Flow] = field(default_factory=dict)
    unknown_flows: bool = False


@dataclass(slots=True)
class CheckContext:
    """One check of one flow: what every rule gets."""

    flow: Flow
    catalog: Catalog
    surroundings: Surroundings
    collector: Collector
    places: Places
    sites: tuple[Site, ...]

    @classmethod
    def of(
        cls, flow: Flow, catalog: Catalog, surroundings: Surroundings, collector: Collector
    ) -> CheckContext:
        return cls(flow, catalog, surroundings, collector, Places(flow), tuple(sites(flow, catalog)))

    @property
    def dialect(self) -> Dialect:
        return self.flow.dialect

    def at(self, site: Site, start: int, end: int) -> Span:
        """The place in the file of characters `start` to `end` of a text."""
        first = template_position(site.node, start)
        last = template_position(site.node, max(start, end))
        return Span(site.node.span.file, first, last if last > first else first)

    def report(
        self,
        code: str,
        message: str,
        span: Span,
        hint: str | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        adders = {
            Severity.ERROR: self.collector.error,
            Severity.WARNING: self.collector.warning,
            Severity.NOTICE: self.collector.notice,
        }
        adders[severity](code, message, span, hint)

    def warn(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.report(code, message, span, hint, Severity.WARNING)

    def source(self) -> SourceText:
        return SourceText(self.flow.file, self.flow.source)
