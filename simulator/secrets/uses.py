"""Which secrets a flow asks for: every `secret('KEY')` in every text of the file, with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from simulator.diagnostics import Position, Span

__all__ = ["SecretUse", "secret_uses"]


@dataclass(frozen=True, slots=True)
class SecretUse:
    """`key` as written; None when it is computed and only known at run time."""

    key: str | None
    span: Span


def secret_uses(
    texts: Iterator[tuple[str, Callable[[int], Position], str]],
    references: Callable[[str], Any],
) -> Iterator[SecretUse]:
    """Uses in texts, each given as (template, offset -> position, file). `references` analyses a template.

    Texts that cannot be parsed are left to `simulate check`.
    """
    from simulator.errors import ExpressionError

    for template, place, file in texts:
        if "secret" not in template or "{" not in template:
            continue
        try:
            found = references(template)
        except ExpressionError:
            continue
        for one in found:
            if one.kind != "function" or one.name != "secret":
                continue
            key = one.named.get("key", one.arguments[0] if one.arguments else None)
            start = place(one.offset)
            end = Position(start.line, start.column + len("secret"))
            yield SecretUse(key if isinstance(key, str) else None, Span(file, start, end))
