"""Did you mean? The nearest of the names that exist where one was missing."""

from __future__ import annotations

import difflib
from typing import Any

__all__ = ["hint_for"]

_SHOWN = 12
_TOO_MANY = 40


def hint_for(name: str | None, candidates: Any) -> str | None:
    """A sentence with the nearest name, or with the names that are there; None when nothing helps.

    `candidates` is a container of names or a function that returns one.
    """
    if name is None or candidates is None:
        return None
    names = [one for one in (candidates() if callable(candidates) else candidates) if isinstance(one, str)]
    close = difflib.get_close_matches(name, names, 1, 0.6)
    if not close:
        folded = [one for one in names if one.lower() == name.lower()]
        close = folded[:1]
    if close:
        return f"did you mean `{close[0]}`?"
    if not names or len(names) > _TOO_MANY:
        return None
    names = sorted(one for one in names if not one.startswith("__"))
    shown = ", ".join(f"`{one}`" for one in names[:_SHOWN])
    return f"known here: {shown}{', ...' if len(names) > _SHOWN else ''}"
