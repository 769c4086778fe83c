"""Labels in both forms (flow.md 5): a map, or a list of {key, value}; always texts in the model."""

from __future__ import annotations

from simulator.diagnostics import Span
from simulator.model.convert import as_text
from simulator.model.patterns import is_label_key
from simulator.model.problems import Problems
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = ["check_system_labels", "read_labels"]

_BAD_KEY = "Invalid label key. A valid key contains only lowercase letters numbers hyphens (-) underscores (_) or periods (.) and must begin with a lowercase letter."


def _pairs(node: Node | None, problems: Problems) -> list[tuple[str, Node, Span]]:
    """(key, value, place of the key)"""
    if node is None or (isinstance(node, ScalarNode) and not node.text):
        return []
    if isinstance(node, MapNode):
        return [(key, value, node.key_spans[key]) for key, value in node.entries.items()]
    if not isinstance(node, ListNode):
        if node.value is not None:
            problems.illegal(
                "Unable to deserialize value as it's neither an object neither an array", node.span
            )
        return []
    pairs: list[tuple[str, Node, Span]] = []
    for item in node.items:
        key = item.get("key") if isinstance(item, MapNode) else None
        value = item.get("value") if isinstance(item, MapNode) else None
        if isinstance(key, ScalarNode) and value is not None:
            pairs.append((key.text, value, key.span))
        else:
            problems.illegal("a label is a map with `key` and `value`", item.span)
    return pairs


def read_labels(node: Node | None, problems: Problems) -> tuple[tuple[str, str], ...]:
    """The labels; an empty key or value is dropped, the later of two equal keys wins."""
    labels: dict[str, str] = {}
    is_list = isinstance(node, ListNode)
    for key, value, where in _pairs(node, problems):
        if not isinstance(value, ScalarNode):
            problems.illegal(f"Unsupported type for key: {key}, value: {as_text(value.plain())}", value.span)
            continue
        if value.value is None:
            continue
        if is_list and problems.dialect.major == 1 and not isinstance(value.value, str):
            problems.illegal(
                f"class java.lang.{type(value.value).__name__.capitalize()} cannot be cast to class java.lang.String",
                value.span,
                f'Quote the value: "{value.text}"',
            )
            continue
        text = as_text(value.value)
        if problems.dialect.major >= 2 and key and not is_label_key(key):
            problems.violation("labels", _BAD_KEY, where)
        if key and text:
            labels[key] = text
    return tuple(labels.items())


def check_system_labels(node: Node | None, problems: Problems) -> None:
    """No label of the system in a flow, `system.readOnly` excepted."""
    pairs: list[tuple[str, Node, Span]] = []
    if isinstance(node, MapNode):
        pairs = [(key, value, node.key_spans[key]) for key, value in node.entries.items()]
    if isinstance(node, ListNode):
        for item in node.items:
            if isinstance(item, MapNode) and isinstance(key_node := item.get("key"), ScalarNode):
                pairs.append((key_node.text, item.get("value") or key_node, key_node.span))
    for key, value, where in pairs:
        if key.startswith("system.") and key != "system.readOnly":
            problems.flow_rule(
                f"System labels can only be set by Kestra itself, offending label: {key}={as_text(value.plain())}",
                where,
            )
