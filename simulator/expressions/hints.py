"""Did you mean? The nearest of the names that exist where one was missing, and what to write instead of what is not
in the language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

__all__ = ["hint_for", "parse_hint"]

_SHOWN = 12
_TOO_MANY = 40


def hint_for(name: str | None, candidates: Any) -> str | None:
    """A sentence with the nearest name, or with the names that are there; None when nothing helps.

    `candidates` is a container of names or a function that returns one.
    """
    if name is None or candidates is None:
        return None
    names = [one for one in (candidates() if callable(candidates) else candidates) if isinstance(one, str)]
    close = [one for one in names if one.lower() == name.lower()][:1] or _close(name, names)
    if close:
        return f"did you mean `{close[0]}`?"
    if not names or len(names) > _TOO_MANY:
        return None
    names = sorted(one for one in names if not one.startswith("__"))
    shown = ", ".join(f"`{one}`" for one in names[:_SHOWN])
    return f"known here: {shown}{', ...' if len(names) > _SHOWN else ''}"


def _close(name: str, names: Sequence[str]) -> list[str]:
    import difflib  # only errors need it

    return difflib.get_close_matches(name, names, 1, 0.6)


_TAGS = ("if", "elseif", "else", "endif", "for", "endfor", "set", "macro", "endmacro", "block", "endblock", "filter", "endfilter", "verbatim")  # fmt: skip
_REMOVED = frozenset(
    ("autoescape", "extends", "embed", "flush", "import", "include", "parallel", "cache", "from")
)
_INSTEAD = (
    (r"Unexpected character \[&\]", "the operator is `and`"),
    (r"Unexpected character \[!\]", "the operator is `not`"),
    (r'value "\|" and type OPERATOR, expected token of type NAME', "the operator is `or`"),
    (r'value "in" and type NAME', "membership is `list contains x` or `x isIn list`"),
    (r'value "if" and type NAME', "a choice is written `condition ? a : b`"),
    (r'value "not" and type OPERATOR', "`not` stands before its operand; a test is denied by `is not`"),
    (r'Unexpected tag name "(elif|elsif)"', "the tag is `elseif`"),
    (r'Unexpected tag name "raw"', "a raw block begins and ends on one line; `verbatim` may span lines"),
    (r'Unexpected token "PRINT_END"', "an expression is missing before `}}`"),
    (r'value "\[" and type PUNCTUATION', "put a list or map literal in parentheses before `[`"),
    (
        r"and type STRING, expected token",
        "texts are joined with `~`; a quote inside is written with a backslash",
    ),
    (r"expected token of type PRINT_END", "`}}` was expected here"),
)


def parse_hint(message: str) -> str | None:
    """What to write instead, for a message of the parser; None when nothing is known."""
    tag = re.match(r'Unexpected tag name "(\w+)"', message)
    if tag and tag[1] in _REMOVED:
        return f"Kestra removes the tag `{tag[1]}`"
    for pattern, hint in _INSTEAD:
        if re.search(pattern, message):
            return hint
    close = _close(tag[1], _TAGS) if tag else []
    return f"did you mean `{close[0]}`?" if close else None
