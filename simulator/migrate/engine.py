"""Runs the steps of the migration over one flow and keeps the books.

Each step sees the text that the steps before it left, and is asked again until it changes nothing more; findings
are always placed in the *original* text. A change whose result is no YAML any more, or that overlaps another
one, is put off or reported: what comes out always parses.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.errors import InternalError, InvalidFlowError
from simulator.migrate.changes import Change, Context, Finding, Step
from simulator.migrate.editor import Document, Edit, EditConflictError, Trace, apply
from simulator.migrate.rules import Rule
from simulator.migrate.steps import STEPS, is_native_v2
from simulator.model.catalog import Catalog
from simulator.source.nodes import MapNode
from simulator.source.text import SourceText

__all__ = ["Migration", "migrate"]

_ROUNDS = 200
"""A step that still changes something after so many rounds goes round in a circle."""


@dataclass(frozen=True, slots=True)
class Migration:
    """What became of one flow."""

    file: str
    before: str
    after: str
    findings: tuple[Finding, ...]

    @property
    def changed(self) -> bool:
        return self.before != self.after

    @property
    def to_do(self) -> bool:
        """Whether the file, as it was, needs anything for 2.0."""
        return self.changed or any(not finding.advisory for finding in self.findings)

    @property
    def open(self) -> tuple[Finding, ...]:
        """What is left to a person."""
        return tuple(finding for finding in self.findings if not finding.rewritten)


def migrate(
    text: str, file: str = "<string>", *, stay_v1: bool = False, catalog: Catalog | None = None
) -> Migration:
    """Finds and rewrites everything in a 1.x flow that 2.0 refuses, ignores or reads differently.

    With `stay_v1` only rewrites that Kestra 1.1 reads as well are made; the others are reported.
    Raises InvalidFlowError when the text is no YAML map.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    body = text[len(mark) :]
    document = Document.read(body, file)
    if not isinstance(document.root, MapNode):
        raise InvalidFlowError("the file holds no map, so it is no flow", span=document.root.span)
    work = _Work(document, Context(stay_v1=stay_v1, native_v2=is_native_v2(document.map), catalog=catalog))
    for step in STEPS:
        work.run(step)
    findings = sorted(
        work.findings, key=lambda finding: (finding.span.start, finding.rule.id, finding.message)
    )
    return Migration(file, text, mark + work.document.text, tuple(dict.fromkeys(findings)))


class _Work:
    def __init__(self, document: Document, context: Context) -> None:
        self.document = document
        self.original = SourceText(document.file, document.text)
        self.context = context
        self.traces: list[Trace] = []
        self.findings: list[Finding] = []

    def run(self, step: Step) -> None:
        refused: set[tuple[str, int]] = set()
        for _ in range(_ROUNDS):
            changes = list(step(self.document, self.context))
            wanted = [each for each in changes if self._may(each) and self._key(each) not in refused]
            if not wanted:
                self._report(changes)
                return
            done = self._apply(wanted)
            if not done:
                refused |= {self._key(each) for each in wanted}
        raise InternalError(f"the migration step {getattr(step, '__name__', step)} does not come to an end")

    def _may(self, each: Change) -> bool:
        return bool(each.edits) and (each.rule.keeps_v1 or not self.context.stay_v1)

    def _key(self, each: Change) -> tuple[str, int]:
        return (each.rule.id, each.start)

    def _apply(self, wanted: Sequence[Change]) -> bool:
        """Applies as many changes as fit together; alone, if together they break the document."""
        fitting = _fitting(wanted)
        for group in (fitting, *([one] for one in fitting)):
            edits = [edit for each in group for edit in each.edits]
            try:
                text, trace = apply(self.document.text, edits)
                document = Document.read(text, self.document.file)
            except (EditConflictError, InvalidFlowError):
                continue
            if text == self.document.text:
                continue
            for each in group:
                self._found(each, rewritten=True)
            self.traces.append(trace)
            self.document = document
            return True
        return False

    def _report(self, changes: Iterable[Change]) -> None:
        for each in changes:
            self._found(each, rewritten=False)

    def _found(self, each: Change, *, rewritten: bool) -> None:
        hint = each.remark if rewritten else (each.hint or each.rule.advice)
        if not rewritten and each.edits and self.context.stay_v1 and not each.rule.keeps_v1:
            hint = "Kestra 1.x does not know the new form: rewritten without --stay-1-compatible"
        self._add(each.rule, each.message, each.start, each.end, rewritten, hint)
        for note in each.notes:
            done = rewritten and note.done
            self._add(
                note.rule,
                note.message,
                note.start,
                note.end,
                done,
                "" if done else note.hint or note.rule.advice,
            )

    def _add(self, rule: Rule, message: str, start: int, end: int, rewritten: bool, hint: str) -> None:
        for trace in reversed(self.traces):
            start, end = trace.back(start), trace.back(end)
        self.findings.append(
            Finding(rule, message, self.original.span(start, max(start, end)), rewritten, hint)
        )


def _fitting(wanted: Sequence[Change]) -> list[Change]:
    """The changes, first come first served, that do not touch each other."""
    taken: list[Edit] = []  # sorted, and apart from each other
    fitting: list[Change] = []
    for each in wanted:
        if any(_touches(edit, taken) for edit in each.edits):
            continue
        for edit in each.edits:
            insort(taken, edit)
        fitting.append(each)
    return fitting


def _touches(edit: Edit, taken: Sequence[Edit]) -> bool:
    at = bisect_left(taken, edit)
    # Edits of one change may meet in a point, so the two before are looked at.
    near = taken[max(at - 2, 0) : at + 1]
    return any(edit.start <= other.end and other.start <= edit.end for other in near)
