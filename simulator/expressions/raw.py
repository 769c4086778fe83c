"""`{% raw %}...{% endraw %}`: Kestra's own, done on the text before Pebble sees it.

Each block on one line, tags and all, is swapped for an identifier before parsing and put back afterwards; the tags go
at the very end, also those that came out of a variable. Source: expressions.md 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["RawBlocks", "strip_raw", "take_raw"]

# The dot of Java stops at five characters, Python's at one.
_RAW = re.compile(r"(\{%-*\s*raw\s*-*%\}([^\n\r\u0085\u2028\u2029]*?)\{%-*\s*endraw\s*-*%\})", re.ASCII)


@dataclass(frozen=True, slots=True)
class RawBlocks:
    """The blocks taken out of a template: identifier, block, and where it stood in the swapped text."""

    blocks: tuple[tuple[str, str, int], ...] = ()

    def restore(self, text: str) -> str:
        """The text with its blocks again."""
        for identifier, block, _ in self.blocks:
            text = text.replace(identifier, block)
        return text

    def original_offset(self, offset: int) -> int:
        """An offset of the swapped text in the text as written."""
        shift = 0
        for identifier, block, start in self.blocks:
            if offset >= start + len(identifier):
                shift += len(block) - len(identifier)
            elif offset > start:
                return start + shift
        return offset + shift


_NONE = RawBlocks()


def take_raw(template: str) -> tuple[str, RawBlocks]:
    """The template without its raw blocks, and the blocks."""
    if "endraw" not in template:
        return template, _NONE
    import uuid  # only raw blocks need it

    blocks: list[tuple[str, str, int]] = []
    parts: list[str] = []
    position = length = 0
    for match in _RAW.finditer(template):
        text = template[position : match.start()]
        identifier = str(uuid.uuid4())
        blocks.append((identifier, match[1], length + len(text)))
        parts += (text, identifier)
        length += len(text) + len(identifier)
        position = match.end()
    if not blocks:
        return template, _NONE
    parts.append(template[position:])
    return "".join(parts), RawBlocks(tuple(blocks))


def strip_raw(text: str) -> str:
    """The text without the tags of raw blocks, their inside kept."""
    if "endraw" not in text:
        return text
    return _RAW.sub(lambda match: match[2], text)
