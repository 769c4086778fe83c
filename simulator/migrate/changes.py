"""What a step of the migration says about one place: a change with its edits, or a remark without.

Steps are functions from a document to changes (see `simulator.migrate.steps`). The engine applies the edits,
reads the text again, and asks the same step once more until it has nothing left to change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from simulator.diagnostics import Diagnostic, Severity, Span
from simulator.migrate.editor import Document, Edit, EditConflictError
from simulator.migrate.rules import Rule, rule
from simulator.model.catalog import Catalog
from simulator.source.nodes import MapNode, Node

__all__ = ["Change", "Context", "Finding", "Note", "Step", "change", "key_change"]


@dataclass(frozen=True, slots=True)
class Note:
    """A further finding that a change settles (`done`) or leaves to a person."""

    rule: Rule
    message: str
    start: int
    end: int
    done: bool = True
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One finding. With edits it is rewritten, without it is reported."""

    rule: Rule
    message: str
    start: int
    end: int
    edits: tuple[Edit, ...] = ()
    hint: str = ""
    notes: tuple[Note, ...] = ()
    remark: str = ""
    """What the reader has to know about the rewritten form."""


@dataclass(slots=True)
class Context:
    """What steps remember between rounds, and what they may do."""

    stay_v1: bool = False
    native_v2: bool = False
    """The flow already uses what only 2.0 knows, so its expressions are those of 2.0."""
    catalog: Catalog | None = None
    """Tells which properties a type has."""
    wrap: set[str] = field(default_factory=set)
    """Ids of loops whose tasks still have to be put into a Parallel."""


Step = Callable[[Document, Context], Iterable[Change]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One place of the original text. `rewritten` tells whether the new text no longer has it."""

    rule: Rule
    message: str
    span: Span
    rewritten: bool
    hint: str

    @property
    def advisory(self) -> bool:
        """Nothing has to be done in the file."""
        return self.rule.kind.value == "advice"

    def to_diagnostic(self) -> Diagnostic:
        severity = self.rule.kind.severity
        if self.rewritten and severity is Severity.ERROR:
            severity = Severity.WARNING
        return Diagnostic(self.rule.code, severity, self.message, self.span, self.hint or None)


def change(
    document: Document,
    rule_id: str,
    message: str,
    node: Node,
    edits: Callable[[], list[Edit]] | None = None,
    *,
    hint: str = "",
    remark: str = "",
    notes: Iterable[Note] = (),
) -> Change:
    """A change at a node. `edits` is called here; what it refuses becomes a report."""
    return _make(
        document, rule_id, message, document.start(node), document.end(node), edits, hint, remark, notes
    )


def key_change(
    document: Document,
    rule_id: str,
    message: str,
    parent: MapNode,
    key: str,
    edits: Callable[[], list[Edit]] | None = None,
    *,
    hint: str = "",
    remark: str = "",
    notes: Iterable[Note] = (),
) -> Change:
    """A change at a key."""
    start, end = document.key_range(parent, key)
    return _make(document, rule_id, message, start, end, edits, hint, remark, notes)


def _make(
    document: Document,
    rule_id: str,
    message: str,
    start: int,
    end: int,
    edits: Callable[[], list[Edit]] | None,
    hint: str,
    remark: str,
    notes: Iterable[Note],
) -> Change:
    made: tuple[Edit, ...] = ()
    if edits is not None:
        try:
            made = tuple(edits())
        except EditConflictError as error:
            hint = hint or f"not rewritten: {error}"
    return Change(rule(rule_id), message, start, end, made, hint, tuple(notes), remark)
