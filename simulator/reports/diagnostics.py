"""Diagnostics as text: `file:line:col`, the line, a caret, a hint.

flows/a.yml:7:12: error SIM-REF-003: ...
  7 |     from: "{{ outputs.fech.uri }}"
    |            ^^^^^^^^^^^^^^^^^
    = hint: did you mean `fetch`?
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from simulator.diagnostics import Diagnostic, Severity, Span
from simulator.reports.style import Style, clean

__all__ = ["SourceLines", "diagnostic_json", "render_diagnostic", "summary"]

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}
_LONGEST_LINE = 160


class SourceLines:
    """The lines of the files that diagnostics point into; read once, missing files have none."""

    def __init__(
        self, known: Mapping[str, str] | None = None, redact: Callable[[str], str] | None = None
    ) -> None:
        """`redact` masks a line before a window of it is cut out."""
        self._redact = redact
        self._lines: dict[str, list[str]] = {name: text.splitlines() for name, text in (known or {}).items()}

    def line(self, span: Span) -> str | None:
        if span.shown is not None:
            return span.shown
        if span.file not in self._lines:
            try:
                text = Path(span.file).read_text("utf-8-sig", errors="replace")
            except (OSError, ValueError):
                text = ""
            self._lines[span.file] = text.splitlines()
        lines = self._lines[span.file]
        index = span.start.line - 1
        if not 0 <= index < len(lines):
            return None
        return self._redact(lines[index]) if self._redact is not None else lines[index]


def render_diagnostic(
    diagnostic: Diagnostic, lines: SourceLines, style: Style, *, cwd: Path | None = None
) -> str:
    """One diagnostic as a block of text without a trailing newline."""
    paint = _COLORS[diagnostic.severity]
    head = style(f"{diagnostic.severity.label} {diagnostic.code}", paint, "bold")
    message = clean(diagnostic.message)
    where = f"{style(str(diagnostic.span), 'bold')}: " if diagnostic.span else ""
    block = [f"{where}{head}: {message}"]
    if diagnostic.span is not None:
        block += _excerpt(diagnostic.span, lines, style, paint)
    if diagnostic.hint:
        first, *rest = clean(diagnostic.hint).splitlines()
        block.append(f"    {style('hint:', 'cyan')} {first}")
        block += [f"          {line}" for line in rest]
    return "\n".join(block)


def _excerpt(span: Span, lines: SourceLines, style: Style, paint: str) -> list[str]:
    line = lines.line(span)
    if not line:
        return []
    column = span.start.column - 1
    width = span.end.column - span.start.column if span.end.line == span.start.line else len(line) - column
    width = max(1, min(width, max(1, len(line) - column)))
    # A window around the caret keeps one very long line from flooding the screen.
    left = max(0, column - _LONGEST_LINE // 2) if len(line) > _LONGEST_LINE else 0
    shown = clean(line[left : left + _LONGEST_LINE]).replace("\t", " ")
    column, width = column - left, max(1, min(width, _LONGEST_LINE - (column - left)))
    number = str(span.start.line)
    bar = style("|", "dim")
    return [
        f"  {style(number, 'dim')} {bar} {shown}",
        f"  {' ' * len(number)} {bar} {' ' * column}{style('^' * width, paint, 'bold')}",
    ]


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """The form that `check --format json` and `run --json` share."""
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.label,
        "message": diagnostic.message,
        "file": span.file if span else None,
        "line": span.start.line if span else None,
        "column": span.start.column if span else None,
        "end_line": span.end.line if span else None,
        "end_column": span.end.column if span else None,
        "hint": diagnostic.hint,
    }


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`, or the empty text."""
    counts = dict.fromkeys((Severity.ERROR, Severity.WARNING, Severity.NOTICE), 0)
    for diagnostic in diagnostics:
        counts[diagnostic.severity] += 1
    return ", ".join(
        f"{count} {severity.label}{'s' if count != 1 else ''}" for severity, count in counts.items() if count
    )
