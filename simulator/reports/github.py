"""GitHub Actions: annotations as workflow commands, and the job summary."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.diagnostics import Diagnostic, Severity

__all__ = ["annotate_all", "annotation", "escape_data", "escape_property", "summary_table"]

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "notice"}


def escape_data(text: str) -> str:
    """A message that cannot forge another command (its own line breaks and percent signs are encoded)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def annotation(diagnostic: Diagnostic) -> str:
    """`::error file=a.yml,line=3,col=5,title=SIM-...::message`."""
    command = _COMMANDS[diagnostic.severity]
    properties = []
    if diagnostic.span is not None:
        span = diagnostic.span
        properties += [
            f"file={escape_property(span.file)}",
            f"line={span.start.line}",
            f"endLine={span.end.line}",
            f"col={span.start.column}",
        ]
    properties.append(f"title={escape_property(diagnostic.code)}")
    message = diagnostic.message + (f"\n{diagnostic.hint}" if diagnostic.hint else "")
    return f"::{command} {','.join(properties)}::{escape_data(message)}"


def annotate_all(diagnostics: Iterable[Diagnostic]) -> str:
    return "\n".join(annotation(item) for item in sorted(diagnostics, key=Diagnostic.sort_key))


def summary_table(title: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table for the job summary; cells cannot break out of it."""

    def line(cells: Iterable[str]) -> str:
        safe = (
            cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
            for cell in cells
        )
        return "| " + " | ".join(safe) + " |"

    head = list(header)
    return "\n".join([f"### {title}", "", line(head), "|" + " --- |" * len(head), *map(line, rows), ""])
