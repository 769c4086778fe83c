"""secret() and kv(). Source: expressions.md 14.1, 14.2; secrets.md 2; storage.md 6."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.errors import SimulatorError, StorageError
from simulator.expressions.filters.text import text_of
from simulator.expressions.java.casts import FROM_ARGUMENTS, as_boolean, as_string, not_null, pebble
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.json_read import read_json
from simulator.expressions.java.text import to_json
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TABLE", "flow_namespace"]

_EXPIRED = "The requested value has expired"


def flow_namespace(call: Call) -> str | None:
    """`flow.namespace`, None when there is no flow around."""
    flow = call.variable("flow")
    found = flow.get("namespace") if isinstance(flow, Mapping) else None
    return found if isinstance(found, str) else None


def _secret(call: Call, args: Args) -> Any:
    if "key" not in args:
        raise pebble("The 'secret' function expects an argument 'key'.")
    key = as_string(not_null(args["key"], "String.toUpperCase()", FROM_ARGUMENTS))
    given = args.get("namespace")
    namespace = flow_namespace(call) if given is None else as_string(given)
    subkey = args.get("subkey")
    subkey = None if subkey is None else as_string(subkey)
    full = call.dialect.major > 1 and as_boolean(args.get("full"), False)
    if full and subkey:
        raise pebble("The 'secret' function cannot be called with both 'subkey' and 'full' arguments.")
    service = call.scope.secrets
    if service is None:
        error = call.error(f"Cannot find secret for key '{key}'.")
        error.hint = "No secrets are known here: give an env file with SECRET_ entries."
        raise error
    try:
        value = service.find(key, namespace)
    except SimulatorError as found:
        error = call.error(found.message, cause_type="SecretNotFoundException")
        error.hint = found.hint
        raise error from found
    if subkey:
        found_value = _sub_value(key, value, subkey)
        # As hidden as the whole: a sink knows only the values it was told.
        register = getattr(service, "register", None)
        if callable(register):
            for text in _texts(found_value):
                register(text)
        return found_value
    if full:
        # A store that keeps metadata beside the value offers `find_full`; the environment has none.
        find_full = getattr(service, "find_full", None)
        return dict(find_full(key, namespace)) if callable(find_full) else {"value": value}
    return value


def _sub_value(key: str, value: str, subkey: str) -> str:
    try:
        parsed = read_json(value)
    except JavaError:
        # No cause: its message may quote the secret.
        raise pebble(
            f"Failed to read secret sub-key '{subkey}' from secret '{key}'. "
            "Ensure the secret contains valid JSON value."
        ) from None
    if not isinstance(parsed, Mapping) or subkey not in parsed:
        raise pebble(f"Cannot find secret sub-key '{subkey}' in secret '{key}'.")
    found = parsed[subkey]
    return found if isinstance(found, str) else to_json(found, keep_nulls=True)


def _texts(value: str) -> list[str]:
    """A sub-value, and the texts inside when it is JSON itself: an expression may take it further apart."""
    found: list[str] = [value]
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str) and item[:1] in ("{", "["):
            try:
                item = read_json(item)
            except JavaError:
                continue
        if isinstance(item, (Mapping, list)):
            inner = list(item.values()) if isinstance(item, Mapping) else item
            found += [text for text in inner if isinstance(text, str)]
            waiting += [deeper for deeper in inner if isinstance(deeper, (Mapping, list))]
    return found


def _kv(call: Call, args: Args) -> Any:
    if args.get("key") is None:
        raise pebble("The 'kv' function expects an argument 'key'.")
    key = as_string(args["key"])
    own = flow_namespace(call)
    given = args.get("namespace")
    namespace = own if given is None else as_string(given)
    required = as_boolean(args.get("errorOnMissing"), True)
    service = call.scope.kv
    if service is None or namespace is None:
        error = call.error(f"The key '{key}' does not exist in the namespace '{namespace}'.")
        error.hint = "No KV store is at hand here."
        raise error
    try:
        # Without a namespace of its own the search goes up: a.b.c, a.b, a.
        at = namespace
        while True:
            value = service.get(at, key)
            if value is not None or given is not None or "." not in at:
                break
            at = at.rpartition(".")[0]
    except StorageError as found:
        if found.message == _EXPIRED and call.dialect.major > 1 and not required:
            return None
        raise call.error(found.message) from found
    if value is None and required:
        raise pebble(f"The key '{text_of(key)}' does not exist in the namespace '{namespace}'.")
    return value


TABLE: Table = table(
    Definition("secret", _secret, ("key", "namespace", "subkey"), until=1),
    Definition("secret", _secret, ("key", "namespace", "subkey", "full"), since=2),
    Definition("kv", _kv, ("key", "namespace", "errorOnMissing")),
)
