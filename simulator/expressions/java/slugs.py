"""Kestra's slug of a text. Source: expressions.md 11 (`slugify`)."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["slug"]


def slug(text: str) -> str:
    """Blanks to `-`, accents dropped, only letters, digits and single dashes left, lower case."""
    dashed = unicodedata.normalize("NFD", re.sub(r"[ \t\n\x0b\f\r]", "-", text))
    plain = re.sub(r"[^A-Za-z0-9_-]", "", dashed).replace("_", "-")
    single = re.sub("-{2,}", "-", plain)
    return single.removeprefix("-").removesuffix("-").lower()
