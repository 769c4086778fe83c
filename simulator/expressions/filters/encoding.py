"""Base64, hashes and URL encoding. Source: expressions.md 10 and 11."""

from __future__ import annotations

import base64
import hashlib
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

from simulator.expressions.filters.text import text_of
from simulator.expressions.java.casts import as_string, pebble
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import is_string
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TABLE", "base64_problem", "decode_base64"]

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def decode_base64(text: str) -> bytes | None:
    """`Base64.getDecoder().decode`: padding may be left out, nothing else; None when it is no Base64."""
    if _BASE64.fullmatch(text) is None:
        return None
    bare = text.rstrip("=")
    if len(bare) % 4 == 1 or (bare != text and len(text) % 4):
        return None
    return base64.b64decode(bare + "=" * (-len(bare) % 4))


def base64_problem(text: str) -> str:
    """What the JDK says of a text that `decode_base64` refuses."""
    if len(text) < 2:
        return "Input byte[] should at least have 2 bytes for base64 bytes"
    bare = text.rstrip("=")
    for char in bare:
        if char == "=":
            break
        if _BASE64.fullmatch(char) is None:
            code = ord(char) if ord(char) < 256 else ord("?")
            return f"Illegal base64 character {code if code < 128 else code - 256:x}"
    if "=" not in text:
        return "Last unit does not have enough valid bits"
    if len(bare) % 4 in (2, 3) and len(text) > len(bare) + 4 - len(bare) % 4:
        return f"Input byte array has incorrect ending byte at {len(bare) + 4 - len(bare) % 4}"
    return "Input byte array has wrong 4-byte ending unit"


def _base64encode(call: Call, value: Any, args: Args) -> Any:
    return None if value is None else base64.b64encode(_utf8(text_of(value))).decode("ascii")


def _base64decode(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    if not is_string(value):
        raise pebble("This filter applies to String\n")
    found = decode_base64(str(value))
    if found is None:
        raise pebble("Please provide a correctly Base64 encoded string containing an UTF-8 string\n")
    return found.decode("utf-8", "replace")


def _hash(algorithm: str) -> Callable[[Call, Any, Args], Any]:
    def run(call: Call, value: Any, args: Args) -> Any:
        if value is None:
            return None
        if not is_string(value):
            raise pebble("Need a string to hash\n")
        return hashlib.new(algorithm, _utf8(str(value)), usedforsecurity=False).hexdigest()

    return run


def _urlencode(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    return urllib.parse.quote_plus(_utf8(as_string(value)), safe="*-._").replace("~", "%7E")


def _urldecode(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    text = as_string(value)
    for found in re.finditer("%", text):
        digits = text[found.end() : found.end() + 2]
        if len(digits) < 2:
            raise JavaError("IllegalArgumentException", "URLDecoder: Incomplete trailing escape (%) pattern")
        if re.fullmatch("[0-9a-fA-F]{2}", digits) is None:
            raise JavaError(
                "IllegalArgumentException",
                f'URLDecoder: Illegal hex characters in escape (%) pattern - Error at index 0 in: "{digits}"',
            )
    return urllib.parse.unquote_plus(text, errors="replace")


TABLE: Table = table(
    Definition("base64encode", _base64encode, None),
    Definition("base64decode", _base64decode, None),
    Definition("md5", _hash("md5"), None),
    Definition("sha1", _hash("sha1"), None),
    Definition("sha256", _hash("sha256"), None),
    Definition("sha512", _hash("sha512"), None),
    Definition("urlencode", _urlencode, None),
    Definition("urldecode", _urldecode, None),
)
