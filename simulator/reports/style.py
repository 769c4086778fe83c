"""Colours and the cleaning of text for a terminal: the one place that knows escape codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TextIO

__all__ = ["Style", "clean", "wants_color"]

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}

# C0 and C1 controls except tab and newline, and the direction overrides that can turn a line around: a log line must
# not move the cursor, forge a hyperlink or set a title (security trap 29).
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """The text with control characters made visible (`\\x1b`)."""
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def wants_color(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Colour only on a terminal; NO_COLOR switches it off, FORCE_COLOR on."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


class Style:
    """Paints text, or leaves it when colour is off."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, text: str, *names: str) -> str:
        if not self.color or not names or not text:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"
