"""`# simulate: ignore CODE`: findings that the author has seen and accepts.

On a line of its own it counts for the next line, behind a value for that line, before the first key for the file.
Codes may be cut short (`SIM-REF`); several are separated by commas; none at all means all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from simulator.diagnostics import Diagnostic, Severity

__all__ = ["filter_ignored", "selects"]

_COMMENT = re.compile(r"(?P<before>^|.*?\s)#\s*simulate:\s*ignore\b(?P<codes>[^#\n]*)", re.IGNORECASE)


def selects(patterns: Iterable[str], code: str) -> bool:
    """Whether one of the patterns is the code or its beginning."""
    return any(code.upper().startswith(pattern.strip().upper()) for pattern in patterns if pattern.strip())


def filter_ignored(text: str, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings that no comment in the text puts aside. Syntax errors stay: there is nothing to run."""
    if "simulate:" not in text:
        return list(diagnostics)
    whole: list[str] = []
    by_line: dict[int, list[str]] = {}
    seen_key = False
    for number, line in enumerate(text.splitlines(), 1):
        match = _COMMENT.match(line)
        stripped = line.strip()
        if match is not None:
            codes = [
                code for code in re.split(r"[,\s]+", match["codes"].strip()) if code.upper().startswith("SIM")
            ] or ["SIM"]
            alone = not match["before"].strip()
            if alone and not seen_key:
                whole += codes
            by_line.setdefault(number + 1 if alone else number, []).extend(codes)
        if stripped and not stripped.startswith("#") and stripped != "---":
            seen_key = True
    kept = []
    for item in diagnostics:
        if item.code.startswith("SIM-YAML-00") and item.severity is Severity.ERROR:
            kept.append(item)
            continue
        line_codes = by_line.get(item.span.start.line, []) if item.span else []
        if not selects([*whole, *line_codes], item.code):
            kept.append(item)
    return kept
