"""The grouping of `??`, `???` and `isIn`: 120 in 1.x, 30 in 2.0 (rule EXP-06, expressions.md 3).

`parentheses` gives the smallest set of operands to put in parentheses so that 2.0 reads a template as 1.x did. It is
found by trial against both grammars, not by a table of cases: what it answers has been parsed and compared.

    >>> parentheses("{{ a ?? 'x' | upper }}")
    [(3, 11)]
    >>> parentheses("{{ a ?? 'x' == k }}")
    []
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.dialect import V1, V2
from simulator.expressions.nodes import Binary, Filter, Test
from simulator.migrate.templates import parse, same_meaning, walk

__all__ = ["MOVED", "parentheses", "with_parentheses"]

MOVED = frozenset({"??", "???", "isIn"})


def with_parentheses(text: str, extents: Sequence[tuple[int, int]]) -> str:
    """The text with `(` and `)` around each stretch."""
    marks = [(start, "(") for start, _ in extents] + [(end, ")") for _, end in extents]
    for offset, mark in sorted(marks, reverse=True):
        text = text[:offset] + mark + text[offset:]
    return text


def parentheses(text: str) -> list[tuple[int, int]] | None:
    """The stretches that need parentheses, [] when the meaning is the same; None when no such set was found."""
    old, new = parse(text, V1), parse(text, V2)
    if old is None or (new is not None and same_meaning(old, new)):
        return []
    candidates = [
        old.extent(node)
        for node, parent in walk(old.body)
        if isinstance(node, Binary)
        and node.operator in MOVED
        and not old.in_parentheses(node)
        and (
            isinstance(parent, (Filter, Test))
            or (isinstance(parent, Binary) and parent.operator not in MOVED)
        )
    ]

    def keeps(extents: Sequence[tuple[int, int]]) -> bool:
        read = parse(with_parentheses(text, extents), V2)
        return read is not None and same_meaning(old, read)

    if not keeps(candidates):
        return None
    for candidate in list(candidates):
        fewer = [each for each in candidates if each != candidate]
        if keeps(fewer):
            candidates = fewer
    return sorted(candidates)
