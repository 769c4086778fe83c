"""Filters that write or query structured data: JSON, Ion, YAML, jq, class names. Source: expressions.md 11, 15, 16."""

from __future__ import annotations

from typing import Any

from simulator.errors import SimulatorError
from simulator.expressions.filters.text import text_of
from simulator.expressions.java.casts import as_string, pebble
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.text import to_json
from simulator.expressions.java.values import class_name
from simulator.expressions.java.yaml_write import to_yaml
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TABLE"]


def _described(what: str, value: Any) -> JavaError:
    return pebble(f"Unable to {what} value '{text_of(value)}' with type '{class_name(value)}'")


def _to_json(call: Call, value: Any, args: Args) -> str:
    try:
        return to_json(value, call.scope.zone)
    except JavaError as error:
        raise _described("transform to json", value) from error


def _to_ion(call: Call, value: Any, args: Args) -> str:
    from simulator.storage.ion import dumps

    if value is None:
        return "null"
    try:
        return dumps(value)
    except (SimulatorError, JavaError, TypeError, ValueError) as error:
        raise _described("transform to ion", value) from error


def _yaml(call: Call, value: Any, args: Args) -> str:
    if value is None:
        return "null"
    try:
        return to_yaml(value, call.scope.zone)
    except JavaError as error:
        raise _described("transform to yaml", value) from error


def _jq(call: Call, value: Any, args: Args) -> Any:
    from simulator.expressions.filters.jq import run_jq

    if value is None:
        return None
    if "expression" not in args:
        raise pebble("The 'jq' filter expects an argument 'expression'.")
    if args["expression"] is None:
        raise _described("parse jq", value)
    expression = as_string(args["expression"])
    try:
        return run_jq(expression, value, call.scope)
    except JavaError as error:
        if error.java_type == "OutOfMemoryError":
            raise
        raise _described("parse jq", value) from error


def _class_name(call: Call, value: Any, args: Args) -> Any:
    return None if value is None else class_name(value)


TABLE: Table = table(
    Definition("toJson", _to_json, None),
    Definition("json", _to_json, None, until=1),
    Definition("toIon", _to_ion, None),
    Definition("yaml", _yaml, None),
    Definition("jq", _jq, ("expression",)),
    Definition("className", _class_name, None),
)
