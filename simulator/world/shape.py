"""Checks a positioned tree against a declared shape: unknown keys with did-you-mean, wrong types, missing keys.

Shapes are `PropertySpec`s, the same that plugins use, so that our own files (side files, suites, settings) are checked
and documented (`simulate schema`) by the same words.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from simulator.diagnostics import Collector, Span
from simulator.model.catalog import PropertySpec, T
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode
from simulator.values import parse_duration

__all__ = ["check_shape", "did_you_mean"]

_WORDS = {
    T.STRING: "text",
    T.INTEGER: "a whole number",
    T.NUMBER: "a number",
    T.BOOLEAN: "true or false",
    T.DURATION: "an ISO duration (PT10S) or seconds",
    T.MAP: "a map",
    T.LIST: "a list",
    T.OBJECT: "a map",
}


def did_you_mean(word: str, names: Iterable[str]) -> str | None:
    """A hint for a misspelt word, or None."""
    close = difflib.get_close_matches(word, list(names), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else None


def check_shape(node: Node, spec: PropertySpec, collector: Collector, code: str, path: str = "") -> None:
    """Adds an error for everything in `node` that `spec` does not allow."""
    if isinstance(node, ScalarNode) and node.value in (None, "") and not spec.required:
        return
    match spec.type:
        case T.OBJECT:
            _check_object(node, spec, collector, code, path)
        case T.MAP:
            if not isinstance(node, MapNode):
                _wrong(node, spec, collector, code, path)
            elif spec.item is not None:
                for key, value in node.entries.items():
                    check_shape(value, spec.item, collector, code, f"{path}.{key}" if path else key)
        case T.LIST:
            if isinstance(node, ListNode):
                if spec.item is not None:
                    for index, value in enumerate(node.items):
                        check_shape(value, spec.item, collector, code, f"{path}[{index}]")
            else:
                _wrong(node, spec, collector, code, path)
        case T.ANY | T.DATA:
            return
        case _:
            _check_scalar(node, spec, collector, code, path)


def _check_object(node: Node, spec: PropertySpec, collector: Collector, code: str, path: str) -> None:
    if not isinstance(node, MapNode):
        _wrong(node, spec, collector, code, path)
        return
    fields = {field.name: field for field in spec.fields}
    for key, value in node.entries.items():
        where = f"{path}.{key}" if path else key
        field = fields.get(key)
        if field is None:
            hint = did_you_mean(key, fields) or f"known keys: {', '.join(fields)}"
            collector.error(code, f"unknown key `{where}`", node.key_spans[key], hint)
        else:
            check_shape(value, field, collector, code, where)
    for field in spec.fields:
        if field.required and field.name not in node.entries:
            name = f"{path}.{field.name}" if path else field.name
            collector.error(code, f"`{name}` is missing", _head(node.span), field.doc or None)


def _check_scalar(node: Node, spec: PropertySpec, collector: Collector, code: str, path: str) -> None:
    if not isinstance(node, ScalarNode):
        _wrong(node, spec, collector, code, path)
        return
    value = node.value
    fine = True
    match spec.type:
        case T.INTEGER:
            fine = isinstance(value, int) and not isinstance(value, bool)
        case T.NUMBER:
            fine = isinstance(value, int | float) and not isinstance(value, bool)
        case T.BOOLEAN:
            fine = isinstance(value, bool)
        case T.DURATION:
            fine = isinstance(value, int | float) or _is_duration(node.text)
        case T.ENUM:
            if str(node.text) not in spec.values:
                hint = did_you_mean(node.text, spec.values) or f"one of {', '.join(spec.values)}"
                collector.error(code, f"`{path}`: `{node.text}` is not allowed", node.span, hint)
            return
    if not fine:
        _wrong(node, spec, collector, code, path)


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except ValueError:
        return False
    return True


def _wrong(node: Node, spec: PropertySpec, collector: Collector, code: str, path: str) -> None:
    collector.error(
        code,
        f"`{path or spec.name}` must be {_WORDS.get(spec.type, 'text')}",
        _head(node.span),
        spec.doc or None,
    )


def _head(span: Span) -> Span:
    """The first line of a span: a caret under a whole block says nothing."""
    if span.end.line == span.start.line:
        return span
    return Span(span.file, span.start, span.start)
