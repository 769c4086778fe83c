"""The tree that a flow file becomes: plain values, each with the place it was written at.

A node without a span cannot exist. `plain()` drops the spans and gives what Kestra's reader would see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from simulator.diagnostics import Span

if TYPE_CHECKING:
    from simulator.source.text import SourceText

__all__ = ["ListNode", "MapNode", "Node", "ScalarNode"]


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A scalar as Kestra reads it.

    `value` is str, int, float, bool or None; `text` is the scalar's content as written (unquoted);
    `style` is the YAML style: '' plain, "'" or '"' quoted, '|' literal, '>' folded, '*' an alias that was read as
    the anchor's name. `source` is the file it stands in: `simulator.source.text.template_position` uses it to map an
    offset of `text` back to a line and column.
    """

    value: str | int | float | bool | bytes | None
    text: str
    style: str
    span: Span
    source: SourceText | None = field(default=None, compare=False, repr=False)

    def plain(self) -> Any:
        return self.value


@dataclass(frozen=True, slots=True)
class ListNode:
    items: tuple[Node, ...]
    span: Span

    def plain(self) -> list[Any]:
        return [item.plain() for item in self.items]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping; keys are always the text as written, in order, unique."""

    entries: dict[str, Node]
    key_spans: dict[str, Span]
    span: Span
    flow_style: bool = field(default=False)

    def plain(self) -> dict[str, Any]:
        return {key: node.plain() for key, node in self.entries.items()}

    def get(self, key: str) -> Node | None:
        return self.entries.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)


Node: TypeAlias = ScalarNode | ListNode | MapNode
