"""A round-trip editor for YAML: changes to the *text*, found by the positions of nodes.

A document is never loaded and dumped again. Whoever rewrites asks for edits (`rename`, `set_scalar`, `remove`,
`add_after`, ...), each a replaced stretch of the source, and `apply` puts them in. Everything else stays as it
was, byte for byte: comments, quotes, order, blank lines, line ends.

    >>> document = Document.read("id: a  # mine\\nold: 'x'\\n")
    >>> apply(document.text, document.rename(document.map, "old", "new"))[0]
    "id: a  # mine\\nnew: 'x'\\n"
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.diagnostics import Position, Span
from simulator.errors import InvalidFlowError
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode
from simulator.source.text import SourceText, template_position
from simulator.source.yaml import read_yaml

__all__ = ["Document", "Edit", "EditConflictError", "Trace", "apply", "quoted", "reindent"]


class EditConflictError(Exception):
    """Two edits touch the same place, or a place cannot be edited. Stays inside this room."""


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replaces `text[start:end]` (0-based character offsets) by `text`."""

    start: int
    end: int
    text: str


class Trace:
    """The way back: from an offset in the edited text to one in the text before."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        # For each kept stretch: where it starts now, and where it started before.
        self._now = [0]
        self._before = [0]
        shift = 0
        for edit in edits:
            self._now.append(edit.start + shift)
            self._before.append(edit.start)
            shift += len(edit.text) - (edit.end - edit.start)
            self._now.append(edit.end + shift)
            self._before.append(edit.end)
        self._edits = edits

    def back(self, offset: int) -> int:
        """The offset before the edits; inside of an inserted text, the start of what it replaced."""
        at = bisect_right(self._now, offset) - 1
        if at % 2 == 1:  # inside of a replacement
            return self._before[at]
        return self._before[at] + offset - self._now[at]


def apply(text: str, edits: Iterable[Edit]) -> tuple[str, Trace]:
    """The edited text and the way back. Raises EditConflictError when edits overlap or meet in one point."""
    ordered = sorted(set(edits))
    parts: list[str] = []
    at = 0
    previous: Edit | None = None
    for edit in ordered:
        if previous is not None and (edit.start < previous.end or edit.start == previous.start):
            raise EditConflictError(f"edits overlap at offset {edit.start}")
        parts += (text[at : edit.start], edit.text)
        at = edit.end
        previous = edit
    parts.append(text[at:])
    return "".join(parts), Trace(ordered)


_PLAIN = re.compile(r"[A-Za-z_/.$][A-Za-z0-9_/.$ (),+=-]*(?<! )")


def quoted(value: str) -> str:
    """A text as a YAML scalar on one line: plain where that reads back as the same text, else in double quotes."""
    if _PLAIN.fullmatch(value):
        try:
            if read_yaml(f"- {value}\n").plain() == [value]:
                return value
        except InvalidFlowError:
            pass
    return json.dumps(value, ensure_ascii=False)


def reindent(block: str, before: int, after: int) -> str:
    """Moves the lines of a block, all but the first, from one column to another. Blank lines stay blank."""
    lines = block.splitlines(keepends=True)
    moved = lines[:1]
    for line in lines[1:]:
        if not line.strip():
            moved.append(line)
        elif after >= before:
            moved.append(" " * (after - before) + line)
        else:
            blanks = len(line) - len(line.lstrip(" "))
            moved.append(line[min(blanks, before - after) :])
    return "".join(moved)


class Document:
    """A YAML text with its nodes and the edits one can ask for."""

    def __init__(self, source: SourceText, root: Node) -> None:
        self.source = source
        self.text = source.text
        self.file = source.file
        self.root = root
        found = re.search(r"\r\n|\n|\r", self.text)
        self.newline = found.group() if found else "\n"

    @classmethod
    def read(cls, text: str, file: str = "<string>") -> Document:
        """Reads a text without a byte order mark. Raises InvalidFlowError when it is no YAML."""
        return cls(SourceText(file, text), read_yaml(text, file))

    @property
    def map(self) -> MapNode:
        """The root as a map. Raises EditConflictError when it is none."""
        if not isinstance(self.root, MapNode):
            raise EditConflictError("the document is no map")
        return self.root

    # Places

    def index(self, position: Position) -> int:
        return self.source.index(position)

    def start(self, node: Node) -> int:
        return self.index(node.span.start)

    def end(self, node: Node) -> int:
        """Where a node's own text ends: without the line end of a block scalar or a comment behind it."""
        if isinstance(node, ScalarNode):
            end = self.index(node.span.end)
            if node.style in ("|", ">"):
                start = self.start(node)
                return start + len(self.text[start:end].rstrip())
            return end
        if self.is_flow(node):
            return self.index(node.span.end)
        children = list(node.entries.values()) if isinstance(node, MapNode) else list(node.items)
        return self.end(children[-1]) if children else self.index(node.span.end)

    def is_flow(self, node: Node) -> bool:
        """Whether a collection is written in brackets."""
        return not isinstance(node, ScalarNode) and self.text[self.start(node)] in "{["

    def span(self, start: int, end: int) -> Span:
        return self.source.span(start, end)

    def column(self, offset: int) -> int:
        """The 0-based column of an offset."""
        return self.source.position(offset).column - 1

    def line_start(self, offset: int) -> int:
        return offset - self.column(offset)

    def line_end(self, offset: int) -> int:
        """The offset of the line break at or behind `offset`."""
        found = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]").search(self.text, offset)
        return found.start() if found else len(self.text)

    def next_line(self, offset: int) -> int:
        end = self.line_end(offset)
        return end + (2 if self.text.startswith("\r\n", end) else 1) if end < len(self.text) else end

    def key_range(self, parent: MapNode, key: str) -> tuple[int, int]:
        span = parent.key_spans[key]
        return self.index(span.start), self.index(span.end)

    def entry_end(self, parent: MapNode, key: str) -> int:
        """Where an entry's own text ends (its value, or the colon when it has none)."""
        _, after_key = self.key_range(parent, key)
        colon = self.text.find(":", after_key)
        return max(self.end(parent.entries[key]), colon + 1)

    def entry_text(self, parent: MapNode, key: str) -> str:
        """An entry as written, from its key to the end of its last line with the comment that stands there."""
        start, _ = self.key_range(parent, key)
        end = self.entry_end(parent, key)
        return self.text[start:end] if parent.flow_style else self.text[start : self.line_end(end)]

    def entry_lines(self, parent: MapNode, key: str, new: str | None = None) -> list[str]:
        """An entry as lines without the map's indentation, under another name if one is given."""
        start, after_key = self.key_range(parent, key)
        column = self.column(start)
        first, *rest = self.entry_text(parent, key).splitlines()
        if rest and parent.flow_style:
            raise EditConflictError(f"{key} stands in braces over several lines")
        if new is not None:
            first = new + first[after_key - start :]
        return [first, *(line[min(column, len(line) - len(line.lstrip(" "))) :] for line in rest)]

    def add_into(self, parent: MapNode, lines: Sequence[str]) -> list[Edit]:
        """Adds entries at the end of a map."""
        if not parent.entries:
            raise EditConflictError("the map is empty")
        if parent.flow_style and any(line[:1] in " -" for line in lines):
            raise EditConflictError("the map stands in braces")
        return self.add_after(parent, next(reversed(parent.entries)), lines)

    def value_text(self, parent: MapNode, key: str) -> str:
        """A value as written (without the key)."""
        value = parent.entries[key]
        return self.text[self.start(value) : self.end(value)]

    def opens_item(self, parent: MapNode, key: str) -> bool:
        """Whether the entry stands behind the `- ` of a list item (or another key) and so has no line of its own."""
        start, _ = self.key_range(parent, key)
        return bool(self.text[self.line_start(start) : start].strip())

    # Edits

    def rename(self, parent: MapNode, key: str, new: str) -> list[Edit]:
        """Gives a key another name; its quotes stay."""
        start, end = self.key_range(parent, key)
        written = self.text[start:end]
        mark = written[0] if written[:1] in ("'", '"') else ""
        if not mark and written != key:
            raise EditConflictError(f"the key {key} is written in an unusual way")
        return [Edit(start, end, f"{mark}{new}{mark}")]

    def set_scalar(self, node: ScalarNode, value: str) -> list[Edit]:
        """Replaces a one-line scalar by another text; its quotes stay."""
        if node.style in ("|", ">", "*"):
            raise EditConflictError("a block scalar is not replaced as a whole")
        if node.style == "'":
            written = "'" + value.replace("'", "''") + "'"
        elif node.style == '"':
            written = json.dumps(value, ensure_ascii=False)
        else:
            written = quoted(value)
        return [Edit(self.start(node), self.end(node), written)]

    def place(self, node: ScalarNode, offset: int) -> int:
        """Where character `offset` of a scalar's content stands in the file."""
        if node.style in ("", "'", '"'):
            start = self.start(node) + len(node.style)
            if self.text.startswith(node.text, start):  # written as it reads: no escapes, no folded lines
                return start + min(offset, len(node.text))
        return self.index(template_position(node, offset))

    def set_content(self, node: ScalarNode, start: int, end: int, new: str) -> list[Edit]:
        """Replaces characters `start` to `end` of a scalar's content, in the scalar's own way of writing."""
        first = self.place(node, start)
        last = self.place(node, end) if end > start else first
        if end > start and self.text[first:last] != node.text[start:end]:
            # A stretch with escapes or folded lines: take the place behind its last character.
            last = self.place(node, end - 1) + 1
        for offset, index in ((start, first), (end - 1, last - 1)):
            char, written = node.text[offset : offset + 1], self.text[index : index + 1]
            if (
                end > start
                and char != written
                and not char.isspace()
                and (node.style != '"' or written != "\\")
            ):
                raise EditConflictError("the place of the expression in the file is not certain")
        if node.style == "'":
            new = new.replace("'", "''")
        elif node.style == '"':
            new = json.dumps(new, ensure_ascii=False)[1:-1]
        return [Edit(first, last, new)]

    def remove(self, parent: MapNode, key: str) -> list[Edit]:
        """Takes an entry out, with its lines and the comment behind it. Comments above it stay."""
        keys = list(parent.entries)
        at = keys.index(key)
        start, _ = self.key_range(parent, key)
        end = self.entry_end(parent, key)
        if len(keys) == 1:
            if parent.flow_style:
                return [Edit(start, end, "")]
            return [Edit(start, self.line_end(end), "{}")]
        if parent.flow_style:
            if at + 1 < len(keys):
                return [Edit(start, self.key_range(parent, keys[at + 1])[0], "")]
            return [Edit(self.entry_end(parent, keys[at - 1]), end, "")]
        if not self.opens_item(parent, key):
            return [Edit(self.line_start(start), self.next_line(end), "")]
        if at + 1 >= len(keys):
            raise EditConflictError(f"{key} cannot be taken out of its line")
        following = self.key_range(parent, keys[at + 1])[0]
        between = self.text[self.next_line(end) : self.line_start(following)]
        edits = [Edit(start, following, "")]
        if between.strip():  # comments between the two entries go above the item
            line = self.line_start(start)
            edits.append(Edit(line, line, between))
        return edits

    def add_after(self, parent: MapNode, key: str, lines: Sequence[str]) -> list[Edit]:
        """Adds entries (lines without the map's own indentation) behind an entry."""
        end = self.entry_end(parent, key)
        if parent.flow_style:
            return [Edit(end, end, "".join(f", {line}" for line in lines))]
        indent = " " * self.column(self.key_range(parent, key)[0])
        place = self.line_end(end)
        return [
            Edit(
                place,
                place,
                "".join(f"{self.newline}{indent}{line}" if line else self.newline for line in lines),
            )
        ]

    def replace_entry(self, parent: MapNode, key: str, lines: Sequence[str]) -> list[Edit]:
        """Replaces an entry by others (lines without the map's indentation). Comments inside it are kept above."""
        start, _ = self.key_range(parent, key)
        end = self.entry_end(parent, key)
        if parent.flow_style:
            return [Edit(start, end, ", ".join(lines))]
        indent = " " * self.column(start)
        trailing = self.text[end : self.line_end(end)].strip()
        if trailing and any(trailing in line for line in lines):
            end = self.line_end(end)
        kept = [
            comment
            for comment in self.comments(start, end, parent.entries[key])
            if not any(comment in line for line in lines)
        ]
        text = f"{self.newline}{indent}".join([*kept, *lines])
        return [Edit(start, end, text)]

    def comments(self, start: int, end: int, node: Node) -> list[str]:
        """The comments between two offsets that stand inside no scalar of `node`."""
        found: list[str] = []
        at = start
        for leaf in [*_leaves(node), None]:
            stop = self.start(leaf) if leaf is not None else end
            gap = self.text[at : max(stop, at)]
            # A `#` opens a comment at the start of a line or behind a blank; keys hold none in practice.
            found += [match.group().strip() for match in re.finditer(r"(?:(?<=\s)|^)#.*", gap, re.MULTILINE)]
            at = max(at, self.end(leaf)) if leaf is not None else at
        return found


def _leaves(node: Node) -> Iterable[ScalarNode]:
    if isinstance(node, ScalarNode):
        yield node
        return
    for child in node.entries.values() if isinstance(node, MapNode) else node.items:
        yield from _leaves(child)


def items_of(node: Node | None) -> tuple[Node, ...]:
    """The items of a list node; nothing for anything else."""
    return node.items if isinstance(node, ListNode) else ()
