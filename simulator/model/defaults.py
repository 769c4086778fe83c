"""pluginDefaults: merged into the tree of nodes before the model is built (flow.md 6).

Merging nodes rather than values keeps the place of everything: a property that came from a default points at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.diagnostics import Span
from simulator.model.catalog import Catalog
from simulator.model.fields import is_null
from simulator.model.problems import Problems
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = ["DefaultRule", "inject", "node_of", "rules_of"]


@dataclass(frozen=True, slots=True)
class DefaultRule:
    """One item: applies to every type that starts with `prefix` (or with the name that an alias stands for)."""

    prefixes: tuple[str, ...]
    values: MapNode
    forced: bool = False

    def matches(self, type_name: str) -> bool:
        return type_name.startswith(self.prefixes)


def node_of(value: Any, span: Span) -> Node:
    """Nodes of plain data that stands in no file (instance configuration)."""
    if isinstance(value, Mapping):
        entries = {str(key): node_of(item, span) for key, item in value.items()}
        return MapNode(entries, dict.fromkeys(entries, span), span)
    if isinstance(value, (list, tuple)):
        return ListNode(tuple(node_of(item, span) for item in value), span)
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return ScalarNode(value, text, "'" if isinstance(value, str) else "", span)


def rules_of(items: Iterable[Node], problems: Problems, *, allow_forced: bool) -> list[DefaultRule]:
    """The usable items of a list of defaults. 2.0 ignores `forced` at flow level."""
    rules = []
    for item in items:
        if not isinstance(item, MapNode):
            continue
        type_node, values, forced = item.get("type"), item.get("values"), item.get("forced")
        if isinstance(type_node, ScalarNode) and type_node.text and isinstance(values, MapNode):
            prefixes = [type_node.text]
            canonical = _canonical(type_node.text, problems.catalog, problems)
            if canonical and canonical not in prefixes:
                prefixes.append(canonical)
            is_forced = isinstance(forced, ScalarNode) and forced.value in (True, "true")
            rules.append(DefaultRule(tuple(prefixes), values, is_forced and allow_forced))
    return rules


def _canonical(name: str, catalog: Catalog, problems: Problems) -> str | None:
    return catalog.canonical(name, problems.dialect)


def inject(root: MapNode, rules: Sequence[DefaultRule], problems: Problems) -> MapNode:
    """The tree with the defaults merged into every map that holds a `type`, except below `pluginDefaults`."""
    if not rules:
        return root
    entries = {
        key: node if key in ("pluginDefaults", "taskDefaults") else _inject(node, rules, problems)
        for key, node in root.entries.items()
    }
    return MapNode(entries, root.key_spans, root.span, root.flow_style)


def _inject(node: Node, rules: Sequence[DefaultRule], problems: Problems) -> Node:
    if isinstance(node, ListNode):
        items = tuple(_inject(item, rules, problems) for item in node.items)
        return node if all(a is b for a, b in zip(items, node.items)) else ListNode(items, node.span)
    if not isinstance(node, MapNode):
        return node
    type_node = node.get("type")
    if isinstance(type_node, ScalarNode) and isinstance(type_node.value, str):
        matching = [rule for rule in rules if rule.matches(type_node.text)]
        for rule in matching:
            if not rule.forced:
                node = _merge(rule.values, node, problems, owner=node)
        for rule in reversed(matching):
            if rule.forced:
                node = _merge(node, rule.values, problems, owner=node)
    entries = {key: _inject(child, rules, problems) for key, child in node.entries.items()}
    for key, child in entries.items():
        if id(node.entries[key]) in problems.injected and child is not node.entries[key]:
            _mark(child, problems)
    if all(entries[key] is node.entries[key] for key in entries):
        return node
    return MapNode(entries, node.key_spans, node.span, node.flow_style)


def _mark(node: Node, problems: Problems) -> None:
    problems.injected.add(id(node))
    problems.keep.append(node)


def _merge(first: MapNode, second: MapNode, problems: Problems, *, owner: MapNode) -> MapNode:
    """`second` wins; maps key by key, lists one after the other, null counts as absent. The place is the owner's."""
    entries: dict[str, Node] = {}
    spans: dict[str, Span] = {}
    own = set(map(id, owner.entries.values()))
    for key in dict.fromkeys(
        (*second.entries, *first.entries) if owner is second else (*first.entries, *second.entries)
    ):
        one, two = first.get(key), second.get(key)
        if two is None or is_null(two):
            chosen = one if one is not None and not is_null(one) else (two or one)
            assert chosen is not None
            spans[key] = (first if chosen is one else second).key_spans.get(key, owner.span)
        elif one is None or is_null(one):
            chosen, spans[key] = two, second.key_spans.get(key, owner.span)
        elif isinstance(one, MapNode) and isinstance(two, MapNode):
            chosen = _merge(one, two, problems, owner=two if owner is second else one)
            spans[key] = owner.key_spans.get(key, owner.span)
        elif isinstance(one, ListNode) and isinstance(two, ListNode):
            items = two.items
            if problems.dialect.major >= 2:
                held = [item.plain() for item in one.items]
                items = tuple(item for item in items if item.plain() not in held)
            chosen = ListNode((*one.items, *items), two.span)
            spans[key] = owner.key_spans.get(key, owner.span)
        else:
            chosen, spans[key] = two, second.key_spans.get(key, owner.span)
        if id(chosen) not in own:
            _mark(chosen, problems)
        entries[key] = chosen
    return MapNode(entries, spans, owner.span, owner.flow_style)
