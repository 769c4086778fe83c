"""`xml.XmlToIon` and `xml.IonToXml` (serdes.md 7): XML to plain values by the rules of org.json, and back.

The rules: attributes and child elements become keys, an element that comes twice a list, text beside them the key
`content`, an empty element `""`, and text that looks like a number or a boolean is one. Parsed by expat as a stream;
entity declarations are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, ClassVar
from xml.parsers import expat
from xml.sax.saxutils import escape

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.plugins.serdes.java import DATE_FORMATS, java_text, text_writers
from simulator.plugins.serdes.rows import CHARSET, FROM, OUTPUTS, charset, read_records, stored, to_ion

__all__ = ["IonToXml", "XmlToIon"]

_CHUNK = 1 << 18
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


class XmlToIon:
    """The whole document as one record, or every match of `query` (`/a/b`) as one."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.xml.XmlToIon",
        properties=(
            FROM,
            CHARSET,
            PropertySpec("query"),
            PropertySpec(
                "parserConfiguration",
                T.OBJECT,
                fields=(PropertySpec("forceList", T.LIST, item=PropertySpec("item")),),
            ),
        ),
        outputs=OUTPUTS,
        aliases=("io.kestra.plugin.serdes.xml.XmlReader",),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        configuration = ctx.get("parserConfiguration") or {}
        force = frozenset(str(name) for name in configuration.get("forceList") or ())
        query = ctx.get("query")
        path = tuple(part for part in str(query).split("/") if part) if query else ()
        encoding = charset(ctx, bom=False)
        with ctx.open_uri(str(ctx.get("from"))) as source:
            values = _Reader(force, path).read(source, encoding)
            return to_ion(ctx, lambda sink: sink.write_all(values if path else _unwrap(values)))


def _unwrap(values: Iterator[Any]) -> Iterator[Any]:
    """A root whose only child is repeated gives that child's values as the records."""
    for document in values:
        inner = next(iter(document.values()), None) if isinstance(document, dict) else None
        if (
            isinstance(inner, dict)
            and len(inner) == 1
            and isinstance(only := next(iter(inner.values())), list)
        ):
            yield from only
        else:
            yield document


class _Node:
    __slots__ = ("name", "text", "values")

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: dict[str, Any] = {}
        self.text: list[str] = []


class _Reader:
    """Builds values while the document is read. With a `path`, only what lies below a match is kept."""

    def __init__(self, force: frozenset[str], path: tuple[str, ...]) -> None:
        self._force = force
        self._path = path
        self._names: list[str] = []
        self._stack: list[_Node] = []
        self._found: list[Any] = []

    def read(self, source: BinaryIO, encoding: str) -> Iterator[Any]:
        parser = expat.ParserCreate(None if encoding == "utf-8" else encoding)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.EntityDeclHandler = _no_entities
        last = False
        empty = True
        try:
            while not last:
                chunk = source.read(_CHUNK)
                if empty and not chunk:
                    return
                empty = False
                last = not chunk
                parser.Parse(chunk, last)
                yield from self._found
                self._found.clear()
        except expat.ExpatError as error:
            raise TaskError(str(error)) from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._names.append(name)
        if not self._stack and self._path and tuple(self._names) != self._path:
            return
        node = _Node(name)
        for key, value in attributes.items():
            self._put(node.values, key, _typed(value))
        self._stack.append(node)

    def _data(self, text: str) -> None:
        if self._stack:
            self._stack[-1].text.append(text)

    def _end(self, name: str) -> None:
        self._names.pop()
        if not self._stack:
            return
        node = self._stack.pop()
        value = self._value(node)
        if self._stack:
            self._put(self._stack[-1].values, name, value)
        else:
            self._found.append(value if self._path else {name: [value] if name in self._force else value})

    def _value(self, node: _Node) -> Any:
        text = "".join(node.text).strip()
        if not node.values:
            return _typed(text) if text else ""
        if text:
            self._put(node.values, "content", _typed(text))
        return node.values

    def _put(self, values: dict[str, Any], name: str, value: Any) -> None:
        """org.json's `accumulate`."""
        if name not in values:
            values[name] = [value] if name in self._force else value
        elif isinstance(values[name], list):
            values[name].append(value)
        else:
            values[name] = [values[name], value]


def _no_entities(*declaration: Any) -> None:
    raise TaskError(
        "The document declares entities, which are not read", hint="remove the DOCTYPE's entities"
    )


def _typed(text: str) -> Any:
    """org.json's `XML.stringToValue`."""
    lower = text.lower()
    if lower in ("true", "false"):
        return lower == "true"
    if lower == "null":
        return None
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    return float(text) if match[1] or match[2] or text == "-0" else int(text)


class IonToXml:
    """`<items><item>...</item></items>`, indented."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.xml.IonToXml",
        properties=(FROM, CHARSET, PropertySpec("rootName", default="items"), *DATE_FORMATS),
        outputs=OUTPUTS,
        aliases=("io.kestra.plugin.serdes.xml.XmlWriter",),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        encoding = charset(ctx, bom=False)
        root = _element_name(str(ctx.get("rootName", "items")))
        writers = text_writers(ctx)
        path = ctx.temp_file(".xml")
        size = 0
        with (
            ctx.open_uri(str(ctx.get("from"))) as source,
            path.open("w", encoding=encoding, errors="xmlcharrefreplace", newline="\n") as target,
        ):
            target.write(f"<?xml version='1.0' encoding='{encoding.upper()}'?>\n<{root}>\n")
            for record in read_records(ctx, source):
                target.write("".join(_element("item", record, 1, writers)))
                size += 1
            target.write(f"</{root}>\n")
        return stored(ctx, path, size)


def _element(name: str, value: Any, depth: int, writers: dict[type, Callable[[Any], str]]) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(value, dict):
        yield f"{indent}<{name}>\n"
        for key, item in value.items():
            yield from _element(_element_name(str(key)), item, depth + 1, writers)
        yield f"{indent}</{name}>\n"
    elif isinstance(value, list):
        for item in value:
            yield from _element(name, item, depth, writers)
    elif value is None:
        yield f"{indent}<{name}/>\n"
    else:
        text = escape(writers.get(type(value), java_text)(value))
        yield f"{indent}<{name}>{text}</{name}>\n"


_NOT_IN_NAMES = re.compile(r"[^\w.:-]")


def _element_name(name: str) -> str:
    """A name that XML allows: other characters become `_`."""
    clean = _NOT_IN_NAMES.sub("_", name) or "_"
    return clean if clean[0].isalpha() or clean[0] == "_" else f"_{clean}"
