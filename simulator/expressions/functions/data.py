"""Functions that read structured text: fromJson, fromIon, yaml. Source: expressions.md 14."""

from __future__ import annotations

from typing import Any

from simulator.errors import SimulatorError
from simulator.expressions.java.casts import as_boolean, pebble
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.json_read import read_json
from simulator.expressions.java.values import is_string
from simulator.expressions.java.yaml_read import read_yaml
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TABLE"]


def _from_json(call: Call, args: Args) -> Any:
    if "json" not in args:
        raise pebble("The 'fromJson' function expects an argument 'json'.")
    text = args["json"]
    if text is None:
        return None
    if not is_string(text):
        raise pebble("The 'fromJson' function expects an argument 'json' with type string.")
    try:
        return read_json(str(text), token_end=call.dialect.major == 1)
    except JavaError as error:
        raise pebble(f"Invalid json: {error.message}") from error


def _yaml(call: Call, args: Args) -> Any:
    if "yaml" not in args:
        raise pebble("The 'yaml' function expects an argument 'yaml'.")
    text = args["yaml"]
    if not is_string(text):
        raise pebble("The 'yaml' function expects an argument 'yaml' with type string.")
    try:
        return read_yaml(str(text))
    except JavaError as error:
        raise pebble(f"Invalid yaml: {error.message}") from error


def _from_ion(call: Call, args: Args) -> Any:
    from simulator.storage.ion import loads

    kinds = "string" if call.dialect.major == 1 else "string or byte[]"
    if "ion" not in args:
        raise pebble("The 'fromIon' function expects an argument 'ion'.")
    given = args["ion"]
    if given is None:
        return None
    if not is_string(given) and not (isinstance(given, bytes) and call.dialect.major > 1):
        raise pebble(f"The 'fromIon' function expects an argument 'ion' with type {kinds}.")
    try:
        rows = loads(given)
    except SimulatorError as error:
        raise pebble(f"Invalid ion: {error.message}") from error
    except (ValueError, RecursionError) as error:
        raise pebble(f"Invalid ion: {error}") from error
    if any(row is None for row in rows):
        raise pebble("Invalid ion: t is null in sink.next(t)")
    if as_boolean(args.get("allRows"), False):
        return rows
    return rows[0] if rows else None


TABLE: Table = table(
    Definition("fromJson", _from_json, ("json",)),
    Definition("json", _from_json, ("json",), until=1),
    Definition("yaml", _yaml, ("yaml",)),
    Definition("fromIon", _from_ion, ("ion", "allRows")),
)
