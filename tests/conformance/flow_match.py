"""Matchers of flow cases: is a value what the case says? (`$equals`, `$contains`, `$ref`... in FORMAT.md)

A plain map means "these keys have these values, others are free"; lists are compared as a whole; numbers by value.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from tests.conformance.java import decode, differs

__all__ = ["Mismatch", "NotUnderstood", "References", "check", "only"]


class Mismatch(Exception):
    """The outcome differs; the text says where, what was expected and what came."""


class NotUnderstood(Exception):
    """A key of the case that this runner does not know: never ignored."""


class References:
    """What `$ref`, `$format`, `$file` ask of the world of a case."""

    def resolve(self, name: str) -> Any:
        raise NotUnderstood(f"$ref {name}")

    def read(self, uri: str) -> bytes:
        raise NotUnderstood("$file")

    def decrypt(self, text: str) -> str:
        raise NotUnderstood("$decrypts")

    def local_uri(self, name: str) -> str:
        raise NotUnderstood("$localFileUri")

    def now(self) -> dt.datetime:
        raise NotUnderstood("now")


def only(where: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
    """Every key of `given` is known, or the case is not understood."""
    unknown = set(given) - set(known)
    if unknown:
        raise NotUnderstood(f"{where}: unknown keys {sorted(unknown)}")


def check(where: str, expected: Any, actual: Any, refs: References, *, exact: bool = False) -> None:
    """Raises Mismatch when `actual` is not what `expected` says."""
    if isinstance(expected, Mapping):
        if any(str(key).startswith("$") for key in expected):
            _matcher(where, expected, actual, refs)
            return
        if not isinstance(actual, Mapping):
            raise Mismatch(f"{where}: expected a map {dict(expected)!r}, got {actual!r}")
        if exact and set(expected) != set(actual):
            raise Mismatch(f"{where}: keys {sorted(actual)}, expected {sorted(expected)}")
        for key, value in expected.items():
            if key not in actual and not (value is None and not exact):
                raise Mismatch(f"{where}.{key}: absent (there are {sorted(map(str, actual))})")
            check(f"{where}.{key}", value, actual.get(key), refs, exact=exact)
        return
    if isinstance(expected, list):
        if not isinstance(actual, (list, tuple)) or len(actual) != len(expected):
            raise Mismatch(f"{where}: expected {expected!r}, got {actual!r}")
        for number, (one, two) in enumerate(zip(expected, actual)):
            check(f"{where}[{number}]", one, two, refs, exact=True)
        return
    if not _same(expected, actual):
        raise Mismatch(f"{where}: expected {expected!r}, got {actual!r}")


def _same(expected: Any, actual: Any) -> bool:
    if expected is None or isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, (int, float)):
        if not isinstance(actual, (int, float, Decimal)):
            return False
        if isinstance(expected, float) and isinstance(actual, float):
            # a Java Float written in decimal
            return struct.pack("f", expected) == struct.pack("f", actual) or expected == actual
        return float(expected) == float(actual)
    return str(expected) == (str(actual) if isinstance(actual, str) else repr(actual))


def _matcher(where: str, expected: Mapping[str, Any], actual: Any, refs: References) -> None:
    if "$type" in expected:
        _typed(where, expected, actual)
        return
    for name, value in expected.items():
        if name not in _MATCHERS:
            raise NotUnderstood(f"{where}: matcher {name}")
        if not _MATCHERS[name](where, value, actual, refs):
            raise Mismatch(f"{where}: expected {name} {value!r}, got {actual!r}")


def _typed(where: str, expected: Mapping[str, Any], actual: Any) -> None:
    if expected["$type"] == "EncryptedString":
        good = isinstance(actual, Mapping) and actual.get("type") == "io.kestra.datatype:aes_encrypted"
        if not good:
            raise Mismatch(f"{where}: expected an encrypted text, got {actual!r}")
        return
    if expected["$type"] in ("Float", "Double", "Integer", "Long", "LocalTime", "LocalDate", "Duration"):
        value = (
            dt.time.fromisoformat(expected["value"])
            if expected["$type"] == "LocalTime"
            else decode(dict(expected))
        )
        if isinstance(value, float) and isinstance(actual, float):
            if abs(value - actual) > 1e-6:
                raise Mismatch(f"{where}: expected {value!r}, got {actual!r}")
            return
        if value != actual or isinstance(actual, bool) != isinstance(value, bool):
            raise Mismatch(f"{where}: expected {value!r}, got {actual!r}")
        return
    if differs(dict(expected), actual):
        raise Mismatch(f"{where}: expected {dict(expected)!r}, got {actual!r}")


def _passes(where: str, expected: Any, actual: Any, refs: References, *, exact: bool = False) -> bool:
    try:
        check(where, expected, actual, refs, exact=exact)
    except Mismatch:
        return False
    return True


def _json(where: str, value: Any, actual: Any, refs: References) -> bool:
    return isinstance(actual, str) and _passes(where, value, json.loads(actual), refs)


def _has(where: str, value: Any, actual: Any, refs: References) -> bool:
    if isinstance(value, Mapping):
        return _passes(where, value, actual, refs)
    return isinstance(actual, list) and all(
        any(_passes(where, item, found, refs) for found in actual) for item in value
    )


def _same_items(where: str, value: Any, actual: Any, refs: References) -> bool:
    left = list(actual or ())
    for item in value:
        found = next((one for one in left if _passes(where, item, one, refs, exact=True)), None)
        if found is None and item is not None:
            return False
        left.remove(found)
    return not left


def _format(where: str, value: Any, actual: Any, refs: References) -> bool:
    text = re.sub(r"\{([a-z.0-9]+)\}", lambda match: str(refs.resolve(match[1])), value)
    return bool(text == actual)


def _ion_file(where: str, value: Any, actual: Any, refs: References) -> bool:
    from simulator.storage.ion import load

    return _passes(where, value, load(refs.read(actual)), refs)


def _near_now(where: str, value: Any, actual: Any, refs: References) -> bool:
    moment = dt.datetime.fromisoformat(str(actual))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return abs(moment - refs.now()) < dt.timedelta(minutes=10)


def _text(actual: Any) -> str:
    return actual if isinstance(actual, str) else ""


_MATCHERS: dict[str, Callable[[str, Any, Any, References], bool]] = {
    "$equals": lambda where, value, actual, refs: _passes(where, value, actual, refs, exact=True),
    "$contains": lambda where, value, actual, refs: (
        str(refs.resolve(value["$ref"]) if isinstance(value, Mapping) else value) in _text(actual)
    ),
    "$startsWith": lambda where, value, actual, refs: _text(actual).startswith(value),
    "$endsWith": lambda where, value, actual, refs: _text(actual).endswith(value),
    "$regex": lambda where, value, actual, refs: re.fullmatch(value, str(actual), re.DOTALL) is not None,
    "$in": lambda where, value, actual, refs: any(_passes(where, item, actual, refs) for item in value),
    "$not": lambda where, value, actual, refs: not _passes(where, value, actual, refs, exact=True),
    "$gt": lambda where, value, actual, refs: actual is not None and actual > value,
    "$gte": lambda where, value, actual, refs: actual is not None and actual >= value,
    "$between": lambda where, value, actual, refs: actual is not None and value[0] <= actual <= value[1],
    "$notNull": lambda where, value, actual, refs: (actual is not None) is bool(value),
    "$notBlank": lambda where, value, actual, refs: bool(_text(actual).strip()) is bool(value),
    "$size": lambda where, value, actual, refs: (
        actual is not None and _passes(where, value, len(actual), refs)
    ),
    "$keys": lambda where, value, actual, refs: isinstance(actual, Mapping) and set(value) <= set(actual),
    "$has": _has,
    "$each": lambda where, value, actual, refs: all(_passes(where, value, item, refs) for item in actual),
    "$sameItems": _same_items,
    "$any": lambda where, value, actual, refs: True,
    "$json": _json,
    "$file": lambda where, value, actual, refs: refs.read(_text(actual)).decode() == value,
    "$ionFile": _ion_file,
    "$format": _format,
    "$decrypts": lambda where, value, actual, refs: refs.decrypt(_text(actual)) == value,
    "$isoDateTimeNearNow": _near_now,
    "$localFileUri": lambda where, value, actual, refs: refs.local_uri(value) == actual,
    "$ref": lambda where, value, actual, refs: refs.resolve(value) == actual,
}
