"""YAML text to values as Jackson's YAML reader does it (SnakeYAML events, Jackson's own scalars).

No merge keys, no timestamps; an alias is the anchor's name as text, so nothing ever expands. Keys are text.
Source: expressions.md 14 (`yaml`), stack notes on Kestra's YAML scalars.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from simulator.expressions.java.errors import JavaError

__all__ = ["read_yaml", "scalar"]

_TRUE = frozenset(["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"])
_FALSE = frozenset(["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"])
_NULL = frozenset(("~", "null", "Null", "NULL", ""))
_INTEGER = re.compile(r"[-+]?[0-9][0-9_]*")
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_HEX = re.compile(r"[-+]?0x[0-9a-fA-F_]+")
_BINARY = re.compile(r"[-+]?0b[01_]+")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_CORE = "tag:yaml.org,2002:"


def scalar(text: str) -> Any:
    """A plain scalar as a value. Raises JavaError for `.inf` and `.nan`."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text in _NULL:
        return None
    if _NOT_FINITE.fullmatch(text):
        raise JavaError("JsonParseException", f"Malformed numeric value '{text}'")
    if _INTEGER.fullmatch(text):
        digits = text.lstrip("+-").replace("_", "")
        if len(digits) > 1 and digits[0] == "0":
            return int(text.replace("_", ""), 8) if _OCTAL.fullmatch(text) else text
        return _whole(text.replace("_", ""), 10)
    if _HEX.fullmatch(text) or _BINARY.fullmatch(text):
        digits = text.replace("_", "")
        return _whole(digits, 16 if "x" in digits[:3] else 2) if digits[-1] not in "xb" else text
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    return text


def _whole(digits: str, radix: int) -> int:
    try:
        return int(digits, radix)
    except ValueError:
        raise JavaError(
            "StreamConstraintsException", "Number value length exceeds the maximum allowed"
        ) from None


def _tagged(text: str, tag: str) -> Any:
    kind = tag.removeprefix(_CORE)
    if kind == "int":
        found = scalar(text)
        return found if isinstance(found, int) else text
    if kind == "float":
        try:
            return float(text.replace("_", ""))
        except ValueError:
            raise JavaError("JsonParseException", f"Malformed numeric value '{text}'") from None
    if kind == "bool":
        return text in _TRUE
    if kind == "null":
        return None
    if kind == "binary":
        try:
            return base64.b64decode(re.sub(r"\s", "", text), validate=True)
        except (binascii.Error, ValueError):
            raise JavaError("JsonParseException", "Illegal base64 content") from None
    return text


def read_yaml(text: str) -> Any:
    """The first document. Raises JavaError: MismatchedInputException when there is none, JsonParseException."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    events = yaml.parse(text, Loader=loader)
    try:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                first = next(events)
                if isinstance(first, yaml.ScalarEvent) and first.value == "" and first.implicit[0]:
                    break
                return _node(first, events)
        raise JavaError("MismatchedInputException", "No content to map due to end-of-input")
    except yaml.YAMLError as error:
        message = str(error).replace('"<unicode string>"', "'reader'").replace('"<byte string>"', "'reader'")
        raise JavaError("JsonParseException", message) from None
    except RecursionError:
        raise JavaError(
            "StreamConstraintsException", "Document nesting depth exceeds the maximum allowed"
        ) from None


def _node(event: Any, events: Iterator[Any]) -> Any:
    import yaml

    if isinstance(event, yaml.AliasEvent):
        return event.anchor
    if isinstance(event, yaml.ScalarEvent):
        if event.tag is not None and event.tag != "!":
            return _tagged(event.value, event.tag)
        return scalar(event.value) if event.implicit[0] and not event.style else event.value
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_node(event, events))
        return items
    found: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if isinstance(event, yaml.AliasEvent):
            key = str(event.anchor)
        elif isinstance(event, yaml.ScalarEvent):
            key = event.value
        else:
            raise JavaError(
                "JsonParseException",
                f"Expected a field name (Scalar value in YAML), got this instead: <{type(event).__name__}>",
            )
        found[key] = _node(next(events), events)
    return found
