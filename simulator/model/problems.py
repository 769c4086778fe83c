"""Where the builder puts what it finds: Kestra's text first, our hint after it, always a place.

Kestra stops at the first parse error and merges all flow-level rules into one text; we report each finding by
itself, with its own place. `kestra_violations` puts them together again as Kestra would show them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from simulator.diagnostics import Collector, Diagnostic, Severity, Span
from simulator.dialect import Dialect
from simulator.model.catalog import Catalog
from simulator.source.yaml import one_line

__all__ = ["PARSE_CODES", "Problems", "kestra_violations", "suggest", "suggest_type"]

#: codes of findings at which Kestra's parser stops
PARSE_CODES = frozenset(
    {
        "SIM-FLOW-010",
        "SIM-FLOW-011",
        "SIM-FLOW-012",
        "SIM-FLOW-013",
        *(f"SIM-YAML-00{n}" for n in range(1, 8)),
    }
)
_FLOW_RULE = "Invalid Flow: "


def suggest(word: str, words: Iterable[str], *, count: int = 3) -> str | None:
    """`Did you mean ...?` for a misspelt word, or None."""
    import difflib

    candidates = list(words)
    cutoff = 0.6 if len(word) < 5 else 0.75  # one wrong letter weighs more in a short word
    folded = {candidate.lower(): candidate for candidate in candidates}
    near = [
        folded[found] for found in difflib.get_close_matches(word.lower(), folded, n=count, cutoff=cutoff)
    ]
    if not near:
        return None
    shown = [f"`{candidate}`" for candidate in near]
    listed = shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " or " + shown[-1]
    return f"Did you mean {listed}?"


def suggest_type(name: str, names: Iterable[str]) -> str | None:
    """As `suggest`, for type names: only within the plugin that the name belongs to (or nearly does), which keeps
    hundreds of unknown types cheap."""
    return _near_type(name, tuple(names))


@lru_cache(maxsize=2048)
def _near_type(name: str, names: tuple[str, ...]) -> str | None:
    import difflib

    by_plugin = _by_plugin(names)
    plugin = _plugin(name)
    if plugin not in by_plugin:
        near = difflib.get_close_matches(plugin, by_plugin, 1, 0.93)
        if not near:
            return None
        plugin = near[0]
    short = name.rpartition(".")[2].lower()
    same = [known for known in by_plugin[plugin] if known.rpartition(".")[2].lower() == short]
    if len(same) == 1:
        return f"Did you mean `{same[0]}`?"
    return suggest(name, by_plugin[plugin], count=1)


@lru_cache(maxsize=8)
def _by_plugin(names: tuple[str, ...]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for known in names:
        groups.setdefault(_plugin(known), []).append(known)
    return groups


def _plugin(name: str) -> str:
    return ".".join(name.split(".")[:4])


@dataclass(slots=True)
class Problems:
    """The collector of one build, with the dialect and the catalogue that every step needs."""

    dialect: Dialect
    catalog: Catalog
    collector: Collector
    other: Dialect
    """The other line of Kestra, for `exists in ... only`."""
    version_only: bool = False
    """Set when something was refused that the other dialect accepts."""
    injected: set[int] = field(default_factory=set)
    """id() of nodes that come from plugin defaults: Kestra reads them leniently."""
    keep: list[object] = field(default_factory=list)
    """Keeps the injected nodes alive, so that their id() stays theirs."""

    def parse(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.collector.error(code, message, span, hint)

    def illegal(self, detail: str, span: Span, hint: str | None = None) -> None:
        """`Illegal flow source`: a value that does not fit its field."""
        self.collector.error("SIM-FLOW-013", f"{illegal_source(detail, self.dialect, span)}", span, hint)

    def violation(
        self, path: str, message: str, span: Span, hint: str | None = None, code: str = "SIM-FLOW-020"
    ) -> None:
        """One broken rule of bean validation: `<path>: <message>`."""
        self.collector.error(code, f"{path}: {message}", span, hint)

    def flow_rule(
        self, message: str, span: Span, hint: str | None = None, code: str = "SIM-FLOW-030"
    ) -> None:
        """One part of `Invalid Flow: <a>, <b>`."""
        self.collector.error(code, _FLOW_RULE + message, span, hint)

    def warning(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.collector.warning(code, message, span, hint)

    def notice(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        self.collector.notice(code, message, span, hint)


_FRIENDLY = (
    ("Expected a field name", "YAML syntax error: Invalid structure. Check indentation and ensure all fields are properly formatted."),
    ("MappingStartEvent", "YAML syntax error: Unexpected mapping start. Verify that scalar values are properly quoted if needed."),
    ("Scalar value", "YAML syntax error: Expected a simple value but found complex structure. Check for unquoted special characters."),
)  # fmt: skip


def illegal_source(detail: str, dialect: Dialect, span: Span | None) -> str:
    """Kestra's text for a source that cannot be read (flow.md 2.3)."""
    if dialect.major < 2:
        return f"Illegal flow source: {detail}"
    shown = one_line(detail)
    default = f"YAML parsing error: {shown}"
    friendly = next((text for part, text in _FRIENDLY if part in detail), default)
    where = f" (at line {span.start.line})" if span is not None else ""
    # The validate endpoint puts its own words before what Jackson's parser itself refuses (an unquoted {{ }}).
    prefix = "Validation error: " if "Expected a field name" in detail else ""
    return f"{prefix}Illegal flow source: {friendly}{where}"


def kestra_violations(diagnostics: Sequence[Diagnostic]) -> list[str]:
    """The errors as the violations that Kestra would show: the first parse error alone (an invalid type counts as
    two), else one per broken rule, with all flow-level rules in a single text."""
    errors = [
        item
        for item in diagnostics
        if item.severity is Severity.ERROR and item.code.startswith(("SIM-FLOW", "SIM-YAML"))
    ]
    for item in errors:
        if item.code in PARSE_CODES:
            return [item.message, item.message] if item.code == "SIM-FLOW-010" else [item.message]
    rules = [item.message.removeprefix(_FLOW_RULE) for item in errors if item.message.startswith(_FLOW_RULE)]
    texts = [item.message for item in errors if not item.message.startswith(_FLOW_RULE)]
    if rules:
        texts.append(": " + _FLOW_RULE + ", ".join(rules))
    return texts
