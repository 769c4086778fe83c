"""Declared inputs and flow outputs: from nodes to the model, with the rules of each type (flow.md 3, 4, 8.2)."""

from __future__ import annotations

import re
from typing import Any

from simulator.model.common import INPUT_KEYS, INPUT_TYPES, OUTPUT_KEYS
from simulator.model.convert import ConversionError, as_bool, as_text
from simulator.model.fields import check_fields, is_null, named
from simulator.model.flow import DependsOn, FlowOutput, Input
from simulator.model.patterns import INPUT_ID
from simulator.model.problems import Problems, suggest
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = ["build_inputs", "build_outputs"]

_COMMON = named(INPUT_KEYS)
_TABLES = {name: {**_COMMON, **named(keys)} for name, (keys, _, _) in INPUT_TYPES.items()}
_OUTPUT_TABLE = named(OUTPUT_KEYS)
_ITEMS_2 = ("ARRAY", "SECRET", "MULTISELECT", "SELECT")


def build_inputs(
    node: Node | None, problems: Problems, path: str = "inputs", *, in_form: bool = False
) -> tuple[Input, ...]:
    """The inputs of a list (of a flow, a FORM, or `onResume` of a Pause)."""
    if not isinstance(node, ListNode):
        return ()
    inputs = []
    for index, item in enumerate(node.items):
        built = _input(item, problems, f"{path}[{index}]", in_form)
        if built is not None:
            inputs.append(built)
    return tuple(inputs)


def _scalar(node: MapNode, key: str) -> str | None:
    value = node.get(key)
    return value.text if isinstance(value, ScalarNode) and value.value is not None else None


def _input(node: Node, problems: Problems, path: str, in_form: bool) -> Input | None:
    if not isinstance(node, MapNode):
        hint = None
        if isinstance(node, ScalarNode) and ":" in node.text:
            key, _, rest = node.text.partition(":")
            hint = f"A blank is missing after the colon: `{key}: {rest}`"
        problems.illegal("Cannot construct instance of `io.kestra.core.models.flows.Input`: an input is a map with `id` and `type`", node.span, hint)  # fmt: skip
        return None
    name = _scalar(node, "type")
    type_node = node.get("type") or node
    if name is None:
        problems.parse("SIM-FLOW-010", "Invalid type: null", node.span, "missing type id property 'type' (for POJO property 'inputs'): every input needs a `type`, such as STRING.")  # fmt: skip
        return None
    entry = INPUT_TYPES.get(name)
    major = problems.dialect.major
    if entry is None or major < entry[1] or (entry[2] is not None and major > entry[2]):
        known = [key for key, (_, since, until) in INPUT_TYPES.items() if since <= major <= (until or major)]
        hint = suggest(name, known) or "Types: " + ", ".join(known)
        if entry is not None:
            problems.version_only = True
            hint = f"This type exists only in Kestra {'1.x' if major == 2 else '2.0'}."
            if name in ("ENUM", "BOOLEAN"):
                hint += f" Write `{ {'ENUM': 'SELECT', 'BOOLEAN': 'BOOL'}[name] }`."
        problems.parse("SIM-FLOW-010", f"Invalid type: {name}", type_node.span, hint)
        return None
    input_id = _scalar(node, "id")
    skip = ["type"]
    if input_id is None and major == 1 and _scalar(node, "name") is not None:
        input_id = _scalar(node, "name")
        skip.append("id")
    java_class = f"io.kestra.core.models.flows.input.{name.capitalize()}Input"
    check_fields(
        node, _TABLES[name], problems, path=input_id or path, java_class=java_class, skip=tuple(skip)
    )
    if input_id is not None and not INPUT_ID.fullmatch(input_id):
        problems.violation(f"{input_id}.id", f'must match "{INPUT_ID.pattern}"', (node.get("id") or node).span, code="SIM-FLOW-022")  # fmt: skip
    defaults = node.get("defaults")
    has_defaults = defaults is not None and not is_null(defaults)
    options: dict[str, Any] = {}
    for key, value in node.entries.items():
        if key in _COMMON or is_null(value) or key == "inputs":
            continue
        spec = _TABLES[name].get(key)
        # Text fields keep what was written: `validator: 012` is the text "012".
        options[key] = value.text if isinstance(value, ScalarNode) and spec is not None and spec.type.value == "string" else value.plain()  # fmt: skip
    required = node.get("required")
    built = Input(
        id=input_id or "",
        type=name,
        node=node,
        required=_truth(required, True),
        defaults=_defaults(defaults) if has_defaults else None,
        has_defaults=has_defaults,
        prefill=prefill.plain() if (prefill := node.get("prefill")) is not None else None,
        description=_scalar(node, "description"),
        display_name=_scalar(node, "displayName"),
        depends_on=_depends_on(node.get("dependsOn")),
        options=options,
        children=build_inputs(node.get("inputs"), problems, f"{path}.inputs", in_form=True)
        if name == "FORM"
        else (),
    )
    _rules(built, node, problems, in_form)
    return built


def _defaults(node: Node | None) -> Any:
    """A `Property`: a scalar is kept as its text."""
    if isinstance(node, ScalarNode):
        return node.text
    return node.plain() if node is not None else None


def _truth(node: Node | None, default: bool) -> bool:
    try:
        value = as_bool(node.value) if isinstance(node, ScalarNode) else None
    except ConversionError:
        return default
    return default if value is None else value


def _depends_on(node: Node | None) -> DependsOn | None:
    if not isinstance(node, MapNode):
        return None
    names = node.get("inputs")
    inputs = tuple(as_text(item) for item in names.plain()) if isinstance(names, ListNode) else ()
    return DependsOn(inputs, _scalar(node, "condition"))


def _rules(item: Input, node: MapNode, problems: Problems, in_form: bool) -> None:
    major = problems.dialect.major
    span = node.key_spans.get

    def broken(message: str, key: str) -> None:
        problems.violation(item.id, message, span(key) or node.span, code="SIM-FLOW-026")

    if item.type == "FORM":
        if in_form:
            broken(
                "A FORM input cannot contain another FORM input; grouping is limited to a single level.",
                "type",
            )
        if item.has_defaults or not is_null(node.get("prefill")):
            broken(
                "A FORM input groups other inputs and cannot declare a default value or a prefill.",
                "defaults",
            )
        return
    if major >= 2 and item.has_defaults and not item.required:
        broken(
            "Inputs with a default value must be required, since the default is always applied.", "required"
        )
    if major >= 2 and item.has_defaults and not is_null(node.get("prefill")):
        broken("Inputs with a default value cannot also have a prefill.", "prefill")
    item_type = item.options.get("itemType")
    if item.type in ("ARRAY", "MULTISELECT") and item_type in (_ITEMS_2 if major >= 2 else ("ARRAY",)):
        broken(
            f"`itemType` cannot be {item_type}" if major >= 2 else "`itemType` cannot be `ARRAY`", "itemType"
        )
    if item.type == "MULTISELECT" and major == 1 and "values" in item.options and "options" in item.options:
        broken("you can't define both `values` and `options`", "options")
    if item.type in ("SELECT", "ENUM") and "values" not in item.options and "expression" not in item.options:
        problems.warning("SIM-INPUT-010", f"The input `{item.id}` has neither `values` nor `expression`: nothing can be chosen", node.span)  # fmt: skip
    if item.type in ("SELECT", "MULTISELECT", "ENUM"):
        _options(item, node.get("values"), problems)
    if item.type == "FILE" and item.has_defaults:
        text = as_text(item.defaults)
        if not text.startswith(("file://", "nsfile://")) and "{{" not in text:
            broken("inputs of type 'FILE' only support `defaults` as local files using a file URI or as namespace files using a nsfile URI", "defaults")  # fmt: skip
    pattern = item.options.get("validator")
    if isinstance(pattern, str) and not _is_pattern(pattern):
        broken(f"invalid pattern [{pattern}]", "validator")


def _options(item: Input, values: Node | None, problems: Problems) -> None:
    """The values of a choice: texts, in 2.0 also maps with `value` (flow.md 3.2)."""
    for option in values.items if isinstance(values, ListNode) else ():
        if isinstance(option, ScalarNode):
            continue
        if problems.dialect.major < 2:
            shape = "Object" if isinstance(option, MapNode) else "Array"
            problems.illegal(
                f"Cannot deserialize value of type `java.lang.String` from {shape} value (token `JsonToken.START_{shape.upper()}`)",
                option.span,
                f"`{item.id}` takes texts; {{label, value}} exists in 2.0.",
            )
        elif not isinstance(option, MapNode) or option.get("value") is None:
            problems.illegal("Select option object must define a `value` field", option.span)


def _is_pattern(pattern: str) -> bool:
    """Whether it is a Java regular expression. The translation is loaded only for what is no plain one."""
    if re.fullmatch(r"[\w ^$.*+?|-]*", pattern) and not re.search(
        r"[*+?]{3}|^[*+?]|[|][*+?]|\^[*+?]", pattern
    ):
        return True
    from simulator.expressions.java.errors import JavaError
    from simulator.expressions.java.regexes import compile_java

    try:
        compile_java(pattern)
    except (JavaError, RecursionError, OverflowError):
        return False
    return True


def build_outputs(node: Node | None, problems: Problems, path: str = "outputs") -> tuple[FlowOutput, ...]:
    """The flow outputs of a list."""
    if not isinstance(node, ListNode):
        return ()
    outputs = []
    for index, item in enumerate(node.items):
        if not isinstance(item, MapNode):
            problems.illegal("Cannot construct instance of `io.kestra.core.models.flows.Output`", item.span)
            continue
        output_id = _scalar(item, "id")
        check_fields(
            item,
            _OUTPUT_TABLE,
            problems,
            path=output_id or f"{path}[{index}]",
            java_class="io.kestra.core.models.flows.Output",
        )
        if output_id is not None and not INPUT_ID.fullmatch(output_id):
            problems.violation(f"{output_id}.id", f'must match "{INPUT_ID.pattern}"', item.entries["id"].span, code="SIM-FLOW-022")  # fmt: skip
        value = item.get("value")
        required = item.get("required")
        outputs.append(
            FlowOutput(
                id=output_id or "",
                type=_scalar(item, "type"),
                value=value.plain() if value is not None else None,
                node=item,
                required=None if required is None or is_null(required) else _truth(required, True),
                display_name=_scalar(item, "displayName"),
                description=_scalar(item, "description"),
            )
        )
    return tuple(outputs)
