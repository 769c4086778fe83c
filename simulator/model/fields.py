"""Checks a map against the specs of its keys: unknown keys, missing keys, values of the wrong type.

Strict as Kestra's create path is (flow.md 2.2), except for values that plugin defaults brought in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from simulator.model.catalog import PropertySpec, T
from simulator.model.common import TASK_KEYS, TRIGGER_KEYS
from simulator.model.convert import ConversionError, convert, is_dynamic, java_type, token_of
from simulator.model.problems import Problems, suggest
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = ["check_fields", "check_value", "is_null", "named"]

_LATER = re.compile(r"\.plugin\.|\.flows\.input\.")
_SHARED = frozenset(spec.name for spec in (*TASK_KEYS, *TRIGGER_KEYS))
_CHILDREN = frozenset({T.TASKS, T.TASK_MAP, T.DAG_TASKS})
_COLLECTIONS = frozenset({T.LIST, T.MAP, T.OBJECT, T.TYPED, *_CHILDREN})
_TESTED = frozenset({T.INTEGER, T.NUMBER, T.BOOLEAN, T.DURATION, T.ENUM})


def is_null(node: Node | None) -> bool:
    return node is None or (isinstance(node, ScalarNode) and node.value is None)


def named(specs: Iterable[PropertySpec]) -> dict[str, PropertySpec]:
    """By name and alias."""
    table: dict[str, PropertySpec] = {}
    for spec in specs:
        table[spec.name] = spec
        for alias in spec.aliases:
            table.setdefault(alias, spec)
    return table


def check_fields(
    node: MapNode,
    specs: Mapping[str, PropertySpec],
    problems: Problems,
    *,
    path: str,
    java_class: str,
    open_keys: bool = False,
    skip: Sequence[str] = (),
) -> None:
    """Reports unknown keys, required ones that are missing, and values of the wrong type.

    `path` is the bean's path in Kestra's messages; keys in `skip` are checked elsewhere (their presence is not).
    """
    dialect = problems.dialect
    for key, value in node.entries.items():
        spec = specs.get(key)
        if spec is None or not spec.in_dialect(dialect):
            if open_keys and spec is None:
                continue
            if id(value) not in problems.injected:
                _unknown(key, spec, node, specs, problems, java_class)
            continue
        if spec.deprecated is not None and id(value) not in problems.injected:
            problems.warning(
                "SIM-FLOW-040",
                f"`{key}` is deprecated: {spec.deprecated}",
                node.key_spans.get(key, node.span),
            )
        if key not in skip and not is_null(value):
            check_value(spec, value, problems, path=f"{path}.{key}" if path else key)
    for name, spec in specs.items():
        if spec.required and name == spec.name and spec.in_dialect(dialect) and name not in skip:
            keys = (spec.name, *spec.aliases)
            if all(is_null(node.get(key)) for key in keys):
                empty = "must not be null" if spec.type is not T.TASKS else "must not be empty"
                problems.violation(
                    f"{path}.{spec.name}" if path else spec.name,
                    empty,
                    node.span,
                    _needed(spec),
                    code="SIM-FLOW-021",
                )


def _needed(spec: PropertySpec) -> str:
    doc = f": {spec.doc}" if spec.doc else ""
    return f"Add `{spec.name}`{doc}"


def _unknown(
    key: str,
    spec: PropertySpec | None,
    node: MapNode,
    specs: Mapping[str, PropertySpec],
    problems: Problems,
    java_class: str,
) -> None:
    known = list(dict.fromkeys(s.name for s in specs.values() if s.in_dialect(problems.dialect)))
    listed = ", ".join(f'"{name}"' for name in known)
    hint = suggest(key, known)
    if (
        spec is not None
        and spec.since > problems.dialect.major
        and key not in _SHARED
        and _LATER.search(java_class)
    ):
        # Plugins and inputs moved on within 1.x, after the version whose shapes we know.
        problems.warning(
            "SIM-FLOW-014",
            f"Kestra {problems.dialect} has no `{key}` in {java_class}: it needs a later version",
            node.key_spans.get(key, node.span),
        )
        return
    if spec is not None:
        problems.version_only = True
        line = "1.x" if spec.until is not None else "2.0"
        hint = f"`{key}` exists only in Kestra {line}." + (f" {spec.deprecated}." if spec.deprecated else "")
        if problems.dialect.major == 2:
            hint += " `simulate migrate` helps."
    elif key in ("extend",):
        problems.notice(
            "SIM-FLOW-041", f"`{key}` belongs to the blueprint catalogue, not to the flow: it is ignored here",
            node.key_spans[key],
        )  # fmt: skip
        return
    problems.parse(
        "SIM-FLOW-011",
        f'Unrecognized field "{key}" (class {java_class}), not marked as ignorable ({len(known)} known properties: {listed}])',
        node.key_spans.get(key, node.span),
        hint,
    )


def check_value(spec: PropertySpec, node: Node, problems: Problems, *, path: str) -> None:
    """Reports a value that cannot be what the property wants."""
    if spec.type in _COLLECTIONS:
        _check_collection(spec, node, problems, path)
    elif spec.type in (T.ANY, T.DATA):
        return
    elif spec.as_property:
        _check_property(spec, node, problems, path)
    else:
        if spec.dynamic and isinstance(node, ScalarNode) and is_dynamic(node.text):
            return
        try:
            value = convert(spec.type, node, spec.values)
        except ConversionError as error:
            hint = suggest(node.text, spec.values) if isinstance(node, ScalarNode) and spec.values else None
            problems.illegal(str(error), node.span, hint)
            return
        _check_bounds(spec, value, node, problems, path)


def _check_property(spec: PropertySpec, node: Node, problems: Problems, path: str) -> None:
    """A `Property<T>` is kept as text and converted at run time: here a literal that can only fail then."""
    if isinstance(node, ScalarNode):
        if spec.type not in _TESTED or is_dynamic(node.text) or node.text == "":
            return
        try:
            value = convert(spec.type, node, spec.values)
        except ConversionError:
            if spec.type is T.ENUM:
                message = f"`{node.text}` is none of the values of `{spec.name}`: {', '.join(spec.values)}"
                hint = suggest(node.text, spec.values)
            else:
                message, hint = f"`{spec.name}` wants {_wanted(spec)}, got `{node.text[:60]}`", None
            problems.collector.error("SIM-TYPE-001", message, node.span, hint)
            return
        _check_bounds(spec, value, node, problems, path)
    elif spec.type in _TESTED:
        problems.collector.error(
            "SIM-TYPE-001", f"`{spec.name}` wants {_wanted(spec)}, got {_kind(node)}", node.span
        )


def _check_bounds(spec: PropertySpec, value: object, node: Node, problems: Problems, path: str) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    if spec.minimum is not None and value < spec.minimum:
        problems.violation(path, f"must be greater than or equal to {spec.minimum:g}", node.span)
    if spec.maximum is not None and value > spec.maximum:
        problems.violation(path, f"must be less than or equal to {spec.maximum:g}", node.span)


def _check_collection(spec: PropertySpec, node: Node, problems: Problems, path: str) -> None:
    if isinstance(node, ScalarNode):
        if (
            spec.as_property
            and node.text
            and not is_dynamic(node.text)
            and not _maybe_json(node.text)
            and spec.type in (T.LIST, T.MAP)
        ):
            message = f"`{spec.name}` wants {_wanted(spec)}, got the text `{node.text[:60]}`"
            hint = "Write a YAML list or map, JSON text, or one expression {{ ... }} that renders to JSON."
            problems.collector.warning("SIM-TYPE-002", message, node.span, hint)
        elif node.text == "":
            problems.warning("SIM-TYPE-003", f"`{spec.name}` has no value: Kestra reads the empty text here", node.span, f"Write a value, or take `{spec.name}` out.")  # fmt: skip
        elif not spec.as_property and not (spec.dynamic and is_dynamic(node.text)):
            wanted = java_type(T.MAP if spec.type in (T.MAP, T.OBJECT, T.TYPED, T.TASK_MAP) else T.LIST)
            problems.illegal(
                f"Cannot deserialize value of type `{wanted}` from {token_of(node)}",
                node.span,
                f"`{spec.name}` wants {_wanted(spec)}.",
            )
        return
    wants_map = spec.type in (T.MAP, T.OBJECT, T.TYPED, T.TASK_MAP)
    if isinstance(node, MapNode) != wants_map:
        message = f"Cannot deserialize value of type `{java_type(T.MAP if wants_map else T.LIST)}` from {token_of(node)}"
        if spec.as_property:
            problems.collector.error(
                "SIM-TYPE-001", f"`{spec.name}` wants {_wanted(spec)}, got {_kind(node)}", node.span
            )
        else:
            problems.illegal(message, node.span, f"`{spec.name}` wants {_wanted(spec)}.")
        return
    if spec.type is T.OBJECT and spec.fields and isinstance(node, MapNode):
        check_fields(
            node,
            named(spec.fields),
            problems,
            path=path,
            java_class=spec.name,
            open_keys=spec.as_property or id(node) in problems.injected,
        )
    elif spec.item is not None:
        children = node.entries.items() if isinstance(node, MapNode) else enumerate(node.items)
        for key, child in children:
            if not is_null(child):
                step = f".{key}" if isinstance(key, str) else f"[{key}]"
                check_value(spec.item, child, problems, path=path + step)


def _maybe_json(text: str) -> bool:
    return text.lstrip()[:1] in ("[", "{")


def _kind(node: Node) -> str:
    return "a map" if isinstance(node, MapNode) else "a list" if isinstance(node, ListNode) else "a scalar"


_WANTED = {T.INTEGER: "a whole number", T.NUMBER: "a number", T.BOOLEAN: "true or false", T.DURATION: "a duration (PT10S, P1D)", T.LIST: "a list", T.MAP: "a map", T.OBJECT: "a map", T.TYPED: "a map with a `type`", T.TASKS: "a list of tasks", T.TASK_MAP: "a map of lists of tasks", T.DAG_TASKS: "a list of {task, dependsOn}", T.ENUM: "one of its values", T.STRING: "a text"}  # fmt: skip


def _wanted(spec: PropertySpec) -> str:
    return _WANTED.get(spec.type, spec.type.value)
