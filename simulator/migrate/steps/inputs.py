"""Inputs and outputs of a flow (rules INP-*, FLOW-09)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from simulator.migrate.changes import Change, Context, change, key_change
from simulator.migrate.editor import Document, Edit, EditConflictError, quoted
from simulator.migrate.walk import CORE, list_at, text_at, typed_maps
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = ["given", "inputs", "outputs"]

_TYPES = {"BOOLEAN": ("INP-02", "BOOL"), "ENUM": ("INP-03", "SELECT")}
_NOT_YET = re.compile(r"\{\{[^}]*\b(execution|taskrun|outputs|trigger)\s*[.\[]")


def declared(root: Node) -> Iterator[MapNode]:
    """All inputs: of the flow, of every `onResume`, and inside of FORM inputs."""

    def unfold(items: tuple[Node, ...]) -> Iterator[MapNode]:
        for item in items:
            if isinstance(item, MapNode):
                yield item
                yield from unfold(list_at(item, "inputs"))

    yield from unfold(list_at(root, "inputs"))
    for found in typed_maps(root):
        if found.type == f"{CORE}flow.Pause":
            yield from unfold(list_at(found.node, "onResume"))


def inputs(document: Document, context: Context) -> Iterator[Change]:
    """Renamed keys and types of inputs, combinations that 2.0 refuses."""
    for node in declared(document.root):
        if "name" in node and "id" not in node:
            yield key_change(
                document, "INP-01", "`name` of an input is called `id`", node, "name",
                partial(document.rename, node, "name", "id"),
            )  # fmt: skip
        yield from _types(document, node, _TYPES)
        kind = text_at(node, "type")
        if kind == "MULTISELECT" and "options" in node:
            if "values" in node:
                yield key_change(document, "INP-04", "`options` and `values` are both given", node, "options")
            else:
                yield key_change(
                    document, "INP-04", "`options` of a MULTISELECT are called `values`", node, "options",
                    partial(document.rename, node, "options", "values"),
                )  # fmt: skip
        if kind == "FILE" and "extension" in node:
            yield key_change(
                document, "INP-05", "`extension` of a FILE input is gone", node, "extension",
                partial(document.remove, node, "extension"),
                remark="Files keep the name they are uploaded with.",
            )  # fmt: skip
        yield from _defaults(document, node)


def _defaults(document: Document, node: MapNode) -> Iterator[Change]:
    default = node.get("defaults")
    if default is None:
        return
    required = node.get("required")
    if isinstance(required, ScalarNode) and required.value is False:
        yield key_change(
            document,
            "INP-06",
            "Inputs with a default value must be required, since the default is always applied.",
            node,
            "required",
            lambda: document.remove(node, "required"),
        )
    if "prefill" in node:
        yield key_change(
            document, "INP-07", "Inputs with a default value cannot also have a prefill.", node, "prefill"
        )
    if isinstance(default, ScalarNode) and (found := _NOT_YET.search(default.text)):
        yield change(
            document,
            "INP-08",
            f"the default reads `{found.group(1)}`, which does not exist before the execution",
            default,
        )


def _types(document: Document, node: MapNode, table: dict[str, tuple[str, str]]) -> Iterator[Change]:
    for key in ("type", "itemType"):
        value = node.get(key)
        if isinstance(value, ScalarNode) and value.text in table:
            rule_id, new = table[value.text]
            yield change(
                document, rule_id, f"the type {value.text} is called {new}", value,
                partial(document.set_scalar, value, new),
            )  # fmt: skip


def outputs(document: Document, context: Context) -> Iterator[Change]:
    """Types of the flow's outputs."""
    for node in list_at(document.root, "outputs"):
        if isinstance(node, MapNode):
            yield from _types(document, node, {old: ("FLOW-09", new) for old, (_, new) in _TYPES.items()})


def given(document: Document, context: Context) -> Iterator[Change]:
    """Values that triggers give: as a map, and for every input that has no default."""
    wanted = [
        (text_at(node, "id") or "", node)
        for node in list_at(document.root, "inputs")
        if isinstance(node, MapNode)
    ]
    leaves: dict[str, bool] = {}
    for name, node in wanted:
        if text_at(node, "type") == "FORM":
            children = [child for child in list_at(node, "inputs") if isinstance(child, MapNode)]
            leaves |= {
                f"{name}.{text_at(child, 'id')}": _required(child)
                for child in children
                if "defaults" not in child
            }
        elif "defaults" not in node:
            leaves[name] = _required(node)
    for trigger in list_at(document.root, "triggers"):
        if not isinstance(trigger, MapNode):
            continue
        values = trigger.get("inputs")
        if isinstance(values, ListNode):
            yield key_change(
                document, "INP-10", "`inputs` of a trigger is a map, not a list", trigger, "inputs",
                partial(_as_map, document, trigger, values),
            )  # fmt: skip
            continue
        kind = text_at(trigger, "type") or ""
        if kind not in (f"{CORE}trigger.Schedule", f"{CORE}trigger.Webhook"):
            continue
        if kind.endswith("Webhook") and "inputs" not in trigger:
            continue  # values may come with the request
        present = _paths(values)
        missing = [leaf for leaf in leaves if leaf not in present]
        if missing:
            names = " | ".join(missing)
            what = "Schedule" if kind.endswith("Schedule") else "Webhook"
            message = (
                f"Missing inputs for {what} Trigger '{text_at(trigger, 'id')}', missing inputs: '{names}'"
            )
            hint = ""
            if not any(leaves[leaf] for leaf in missing):
                hint = "give the value under `inputs` of the trigger: early versions of 2.0 ask for it although the input is not required"
            yield key_change(document, "INP-09", message, trigger, "type", hint=hint)


def _required(node: MapNode) -> bool:
    required = node.get("required")
    return not (isinstance(required, ScalarNode) and required.value is False)


def _paths(node: Node | None, prefix: str = "") -> set[str]:
    found: set[str] = set()
    if isinstance(node, MapNode):
        for key, child in node.entries.items():
            found.add(prefix + key)
            found |= _paths(child, f"{prefix}{key}.")
    return found


def _as_map(document: Document, trigger: MapNode, values: ListNode) -> list[Edit]:
    lines = ["inputs:"]
    for item in values.items:
        if not isinstance(item, MapNode) or set(item) != {"name", "value"}:
            raise EditConflictError("an item of the list is no pair of name and value")
        value = item.entries["value"]
        if not isinstance(value, ScalarNode) or value.span.start.line != value.span.end.line:
            raise EditConflictError("a value is written over several lines")
        lines.append(f"  {quoted(text_at(item, 'name') or '')}: {document.value_text(item, 'value')}")
    if trigger.flow_style:
        raise EditConflictError("the trigger is written in braces")
    return document.replace_entry(trigger, "inputs", lines)
