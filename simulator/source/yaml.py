"""YAML exactly as Kestra reads it: Jackson on SnakeYAML *events*, every node with its place.

Anchors are read but never resolved (`*a` is the text `a`), `<<` is an ordinary key, keys are always texts, a
duplicate key is an error, only the first document counts, an empty value is the empty text. So aliases cannot
explode; size, depth and number of nodes are limited all the same.

Source of the behaviour: flow.md 2.1 and the table of observed readings (yaml-scalars.txt), which wins where they differ.
Files are scanned by libyaml; a text that it refuses, or that holds a tab (where libyaml is more lenient than
SnakeYAML), is scanned again by PyYAML's own scanner, whose rules and messages are SnakeYAML's.

    >>> read_yaml("id: on\\nsteps: [012, 1e3]", "flow.yml").plain()
    {'id': True, 'steps': [10, 1000.0]}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from simulator.diagnostics import Collector, Diagnostic, Position, Severity, Span
from simulator.errors import InvalidFlowError
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode
from simulator.source.scalars import MalformedNumberError, resolve
from simulator.source.text import MAX_CODE_POINTS, SourceText
from simulator.source.traps import hint_for

__all__ = ["MAX_DEPTH", "MAX_NODES", "one_line", "read_own", "read_yaml"]

MAX_DEPTH = 200
_TOO_DEEP = f"Document nesting depth ({MAX_DEPTH + 1}) exceeds the maximum allowed ({MAX_DEPTH})"
"""Deepest nesting that we read (Jackson: 1000; a flow has about 20)."""
MAX_NODES = 500_000

_NO_CONTENT = "No content to map due to end-of-input"


def read_yaml(text: str, file: str = "<string>", *, collector: Collector | None = None) -> Node:
    """Reads the first document of a text.

    Raises InvalidFlowError with one diagnostic (SIM-YAML-001 syntax, 003 duplicate key, 004 field name, 005 number,
    006 limit, 007 empty) whose message is the reader's text, without Kestra's `Illegal flow source: ` in front.
    Notices and warnings about what Kestra reads otherwise than one would think (aliases, merge keys, further
    documents) go to the collector.
    """
    text = text.removeprefix("\ufeff")
    source = SourceText(file, text)
    if len(text) > MAX_CODE_POINTS:
        _fail(
            source,
            Position(1, 1),
            "SIM-YAML-006",
            f"The incoming YAML document exceeds the limit: {MAX_CODE_POINTS} code points.",
        )
    if "\t" in text:
        _strict_scan(source)
    try:
        return _Reader(source, collector).read()
    except yaml.YAMLError as error:
        _strict_scan(source)
        _syntax(source, error)
    except UnicodeEncodeError as error:
        _fail(source, source.position(error.start), "SIM-YAML-002", "special characters are not allowed")


def _events(text: str, *, fast: bool = True) -> Iterator[Any]:
    loader: Any = yaml.CLoader if fast and yaml.__with_libyaml__ else yaml.Loader
    return yaml.parse(text, Loader=loader)


def _position(event: Any) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)


def _strict_scan(source: SourceText) -> None:
    """Scans with the rules of SnakeYAML; raises InvalidFlowError for what it refuses in the first document.

    The scanner in Python looks at all open brackets for each token, so that depth has its limit here as well: libyaml
    refuses more than a thousand by itself, and what it refuses comes here.
    """
    depth = 0
    try:
        for event in _events(source.text, fast=False):
            if isinstance(event, DocumentEndEvent):
                return
            if isinstance(event, CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    _fail(source, _position(event), "SIM-YAML-006", _TOO_DEEP)
            elif isinstance(event, CollectionEndEvent):
                depth -= 1
    except yaml.YAMLError as error:
        _syntax(source, error)


def read_own(text: str, file: str, *, collector: Collector | None = None) -> Node:
    """`read_yaml` for files of ours (side files, suites, inputs): a syntax error is told in one line, since the excerpt
    shows the place that SnakeYAML's text repeats."""
    try:
        return read_yaml(text, file, collector=collector)
    except InvalidFlowError as error:
        found = [replace(item, message=one_line(item.message)) for item in error.diagnostics]
        raise InvalidFlowError(
            one_line(error.message), code=error.code, span=error.span, hint=error.hint, diagnostics=found
        ) from None


def one_line(message: str) -> str:
    """A syntax error without the part that SnakeYAML adds: the place and a copy of the line."""
    return message.split("\n in 'reader'")[0].replace("\n", ", ")


def _syntax(source: SourceText, error: yaml.YAMLError) -> NoReturn:
    """A MarkedYAMLException in SnakeYAML's form: what was done, what was found, where, the line, a caret."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    if mark is not None:
        position = Position(mark.line + 1, mark.column + 1)
    else:
        offset = getattr(error, "position", 0)
        position = source.position(offset if isinstance(offset, int) else 0)
    problem = problem.replace("in this context", "here")
    if problem.startswith("found character '\\t'"):
        problem = problem.replace("'\\t'", r"'\t(TAB)'")
    if problem.startswith("found character ") and problem.endswith("that cannot start any token"):
        shown = problem.removeprefix("found character ").split(" that")[0].strip("'")
        problem += f". (Do not use {shown} for indentation)"
    line = source.line(position.line)
    message = "\n".join(
        [
            *([context] if context else []),
            problem,
            f" in 'reader', line {position.line}, column {position.column}:",
            f"    {line[:200]}",
            f"    {' ' * min(position.column - 1, 200)}^",
        ]
    )
    start = getattr(error, "context_mark", None)
    opened = start.line + 1 if start is not None and "quoted scalar" in (context or "") else None
    if opened is not None and ("escape" in problem or opened == position.line):
        opened = None
    _fail(source, position, "SIM-YAML-001", message, hint_for(source, position, problem, opened))


def _fail(
    source: SourceText,
    position: Position,
    code: str,
    message: str,
    hint: str | None = None,
    end: Position | None = None,
) -> NoReturn:
    span = Span(source.file, position, end or Position(position.line, position.column + 1))
    diagnostic = Diagnostic(code, Severity.ERROR, message, span, hint)
    raise InvalidFlowError(message, code=code, span=span, hint=hint, diagnostics=[diagnostic])


class _Reader:
    """Turns events into nodes with an explicit stack: depth costs no recursion."""

    def __init__(self, source: SourceText, collector: Collector | None) -> None:
        self.source = source
        self.file = source.file
        self.collector = collector
        self.count = 0

    def read(self) -> Node:
        events = _events(self.source.text)
        next(events)  # the start of the stream
        event = next(events)
        if isinstance(event, StreamEndEvent):
            _fail(
                self.source,
                Position(1, 1),
                "SIM-YAML-007",
                _NO_CONTENT,
                "The file is empty or holds only comments: a flow needs `id`, `namespace` and `tasks`.",
            )
        assert isinstance(event, DocumentStartEvent)
        node = self._document(events)
        if self.collector is not None:
            self._further_documents(events)
        return node

    def _further_documents(self, events: Iterator[Any]) -> None:
        assert self.collector is not None
        try:
            next(events)
            event = next(events)
            if isinstance(event, DocumentStartEvent):
                self.collector.warning(
                    "SIM-YAML-010",
                    "Only the first document of a file is read: what follows this `---` is ignored",
                    self._span(event),
                    "Put every flow into a file of its own.",
                )
        except (yaml.YAMLError, StopIteration):
            return  # Kestra does not look there either

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(
            self.file, Position(start.line + 1, start.column + 1), Position(end.line + 1, end.column + 1)
        )

    def _document(self, events: Iterator[Any]) -> Node:
        """One value. `stack` holds the open collections: (start event, items | entries, key spans, pending key)."""
        stack: list[_Open] = []
        for event in events:
            self.count += 1
            if self.count > MAX_NODES:
                _fail(
                    self.source,
                    _position(event),
                    "SIM-YAML-006",
                    f"The document has more than {MAX_NODES} nodes",
                )
            kind = type(event)
            top = stack[-1] if stack else None
            if top is not None and top.wants_key and kind is not MappingEndEvent:
                top.take_key(self, event)
                continue
            node: Node
            if kind is ScalarEvent:
                node = self._scalar(event)
            elif kind is AliasEvent:
                node = self._alias(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if len(stack) >= MAX_DEPTH:
                    _fail(self.source, _position(event), "SIM-YAML-006", _TOO_DEEP)
                stack.append(_Open(event, kind is MappingStartEvent))
                continue
            else:  # the end of a collection
                assert top is not None and kind in (MappingEndEvent, SequenceEndEvent)
                node = top.close(self.file, event)
                stack.pop()
                top = stack[-1] if stack else None
            if top is None:
                return node
            top.add(node)
        raise AssertionError("the parser ended inside a document")  # libyaml always closes what it opened

    def _scalar(self, event: Any) -> ScalarNode:
        text: str = event.value
        style = event.style or ""
        span = self._span(event)
        try:
            value = resolve(text, event.implicit[0], event.tag)
        except MalformedNumberError as error:
            _fail(
                self.source,
                span.start,
                "SIM-YAML-005",
                str(error),
                f'Quote it to get a text: "{text[:40]}"',
                span.end,
            )
        return ScalarNode(value, text, style, span, self.source)

    def _alias(self, event: Any) -> ScalarNode:
        span = self._span(event)
        name: str = event.anchor
        if self.collector is not None:
            self.collector.warning(
                "SIM-YAML-011",
                f"Kestra does not resolve aliases: `*{name}` is read as the text `{name}`",
                span,
                "Repeat the value, or put it into `variables` and use {{ vars.name }}.",
            )
        return ScalarNode(name, name, "*", span, self.source)


class _Open:
    """A collection that is being read."""

    __slots__ = ("entries", "event", "is_map", "items", "key", "key_spans", "wants_key")

    def __init__(self, event: Any, is_map: bool) -> None:
        self.event = event
        self.is_map = is_map
        self.wants_key = is_map
        self.key = ""
        self.items: list[Node] = []
        self.entries: dict[str, Node] = {}
        self.key_spans: dict[str, Span] = {}

    def take_key(self, reader: _Reader, event: Any) -> None:
        span = reader._span(event)
        if isinstance(event, ScalarEvent):
            key: str = event.value
        elif isinstance(event, AliasEvent):
            key = str(event.anchor)
        else:
            name = type(event).__name__
            message = f"Expected a field name (Scalar value in YAML), got this instead: <org.yaml.snakeyaml.events.{name}(anchor={event.anchor or 'null'}, tag={event.tag or 'null'}, implicit={str(event.implicit).lower()})>"
            hint = hint_for(reader.source, span.start, message)
            start, end = span.start, Position(span.start.line, span.start.column + 1)
            if reader.source.line(start.line)[: start.column].endswith("{{"):  # point at both braces
                start = Position(start.line, start.column - 1)
            _fail(reader.source, start, "SIM-YAML-004", message, hint, end)
        if key in self.key_spans:
            _fail(
                reader.source,
                span.start,
                "SIM-YAML-003",
                f"Duplicate field '{key}'",
                f"`{key}` already stands in line {self.key_spans[key].start.line}: keep one of them.",
                span.end,
            )
        if key == "<<" and reader.collector is not None:
            reader.collector.warning(
                "SIM-YAML-012",
                "Kestra knows no merge keys: `<<` is read as an ordinary key",
                span,
                "Write the keys out, or use `pluginDefaults` for values that tasks share.",
            )
        self.key = key
        self.key_spans[key] = span
        self.wants_key = False

    def add(self, node: Node) -> None:
        if self.is_map:
            self.entries[self.key] = node
            self.wants_key = True
        else:
            self.items.append(node)

    def close(self, file: str, end: Any) -> Node:
        mark = self.event.start_mark
        start = Position(mark.line + 1, mark.column + 1)
        flow = bool(self.event.flow_style)
        last = (
            next(reversed(self.entries.values()), None)
            if self.is_map
            else (self.items[-1] if self.items else None)
        )
        if flow or last is None:
            stop = Position(end.end_mark.line + 1, end.end_mark.column + 1)
        else:
            # The end mark of a block collection lies at the next token; its last child is the honest end.
            stop = max(last.span.end, start)
        span = Span(file, start, stop)
        if self.is_map:
            return MapNode(self.entries, self.key_spans, span, flow)
        return ListNode(tuple(self.items), span)
