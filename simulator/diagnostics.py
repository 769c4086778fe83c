"""Positions, spans and diagnostics: what every room uses to say *where* and *what*.

A diagnostic is data. It is collected, sorted and handed on; nothing in this module prints.

    >>> span = Span("flow.yml", Position(3, 5), Position(3, 9))
    >>> str(Diagnostic("SIM-FLOW-001", Severity.ERROR, "must not be null", span))
    'flow.yml:3:5: error SIM-FLOW-001: must not be null'
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

__all__ = ["Collector", "Diagnostic", "Position", "Severity", "Span"]


class Severity(enum.IntEnum):
    """How bad a finding is. The order is the order of weight: `max()` of several is the worst."""

    NOTICE = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text: line and column, both counted from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a named text, from `start` to just before `end`.

    `file` is the path as the user gave it (or `<string>`), shown as it is.
    """

    file: str
    start: Position
    end: Position
    shown: str | None = field(default=None, compare=False, repr=False)
    """The line as an excerpt may show it, where the file's own must not be shown: env files hold secrets."""

    def __str__(self) -> str:
        return f"{self.file}:{self.start.line}:{self.start.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a stable code, its weight, a message, where it is, and what to do about it.

    `message` is one sentence without a trailing newline; where Kestra has a text for the case it comes
    first, word for word. `hint` says what would help. Neither ever holds a secret value: the redactor
    stands behind every sink all the same.
    """

    code: str
    severity: Severity
    message: str
    span: Span | None = None
    hint: str | None = None
    related: tuple[Span, ...] = ()

    def __str__(self) -> str:
        where = f"{self.span}: " if self.span else ""
        return f"{where}{self.severity.label} {self.code}: {self.message}"

    def sort_key(self) -> tuple[str, int, int, int, str]:
        """By file, then position, then the worst first."""
        if self.span is None:
            return ("", 0, 0, -self.severity, self.code)
        return (self.span.file, self.span.start.line, self.span.start.column, -self.severity, self.code)


@dataclass(slots=True)
class Collector:
    """Gathers diagnostics so that a reader can go on after the first mistake."""

    items: list[Diagnostic] = field(default_factory=list)

    def add(self, diagnostic: Diagnostic) -> None:
        self.items.append(diagnostic)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.items.extend(diagnostics)

    def error(self, code: str, message: str, span: Span | None = None, hint: str | None = None) -> None:
        self.add(Diagnostic(code, Severity.ERROR, message, span, hint))

    def warning(self, code: str, message: str, span: Span | None = None, hint: str | None = None) -> None:
        self.add(Diagnostic(code, Severity.WARNING, message, span, hint))

    def notice(self, code: str, message: str, span: Span | None = None, hint: str | None = None) -> None:
        self.add(Diagnostic(code, Severity.NOTICE, message, span, hint))

    @property
    def has_errors(self) -> bool:
        return any(item.severity is Severity.ERROR for item in self.items)

    def sorted(self) -> list[Diagnostic]:
        return sorted(self.items, key=Diagnostic.sort_key)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
