"""What a command writes to: results on stdout, everything else on stderr, all of it through the redactor."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol, TextIO

from simulator.diagnostics import Diagnostic
from simulator.reports.diagnostics import SourceLines, render_diagnostic
from simulator.reports.style import Style, wants_color

if TYPE_CHECKING:
    from simulator.secrets.redact import Redactor

__all__ = ["Console"]


class _Redactor(Protocol):
    def redact(self, text: str) -> str: ...


class _Region(Protocol):
    def write(self, text: str) -> None: ...


class RedactedStream(io.TextIOBase):
    """Stands for `sys.stderr`: tracebacks of threads, warnings, what a library logs. `console` knows the redactor."""

    def __init__(self, stream: TextIO, console: Console) -> None:
        self._stream = stream
        self._console = console

    def write(self, text: str) -> int:
        self._stream.write(self._console._safe(text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding


class Console:
    """Two text streams with one redactor in front of both.

    `redactor` is set as soon as a vault is loaded; until then no secret can have been read.
    """

    def __init__(
        self,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.stdout = stdout if stdout is not None else sys.stdout
        self.stderr = stderr if stderr is not None else sys.stderr
        self.environ = os.environ if environ is None else environ
        self.redactor: _Redactor | None = None
        self.color = wants_color(self.stdout, self.environ)
        self.style = Style(self.color)
        self.err_style = Style(wants_color(self.stderr, self.environ))
        self.is_terminal = self.stderr.isatty()
        self.region: _Region | None = None
        """What is drawn at the end of the terminal, when something is: all text goes above it."""

    def arm(self) -> Redactor:
        """The redactor that the next vault fills: in place before the first secret is read, so that no error on the way
        gets past it."""
        from simulator.secrets.redact import Redactor

        redactor = Redactor()
        self.redactor = redactor
        return redactor

    def _safe(self, text: str) -> str:
        return self.redactor.redact(text) if self.redactor is not None else text

    def out(self, text: str = "", end: str = "\n") -> None:
        """A result."""
        self._write(self.stdout, self._safe(text) + end)

    def err(self, text: str = "", end: str = "\n") -> None:
        """Anything that is no result."""
        self._write(self.stderr, self._safe(text) + end)

    def _write(self, stream: TextIO, text: str) -> None:
        if self.region is not None:
            self.region.write(text)
        else:
            stream.write(text)
            stream.flush()

    def report(
        self,
        diagnostics: Iterable[Diagnostic],
        sources: Mapping[str, str] | None = None,
        *,
        to_stdout: bool = False,
    ) -> None:
        """Each diagnostic with its line and caret, sorted, on stderr (or stdout, for commands whose result they are)."""
        redactor = self.redactor
        lines = SourceLines(sources, redactor.redact if redactor is not None else None)
        if redactor is not None:
            from simulator.reports.masking import mask_diagnostic

            diagnostics = [mask_diagnostic(item, redactor) for item in diagnostics]
        write, style = (self.out, self.style) if to_stdout else (self.err, self.err_style)
        for diagnostic in sorted(diagnostics, key=Diagnostic.sort_key):
            write(render_diagnostic(diagnostic, lines, style))
