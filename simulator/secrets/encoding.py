"""Base64 as Kestra reads it, and the two ways of writing it that people bring along.

Kestra decodes secrets with Java's *basic* decoder, which is neither Python's nor RFC-strict: padding may be missing
altogether but not by half, unused bits may be anything, url-safe letters are refused. `decode_java` follows it to the
letter of its messages (secrets.md 1.1), because those messages stand in Kestra's log.

    >>> decode_java("cGFzc3dvcmQ")
    b'password'
    >>> decode_java("YQ=")
    Traceback (most recent call last):
    ...
    ValueError: Input byte array has wrong 4-byte ending unit
"""

from __future__ import annotations

import base64
import re

__all__ = [
    "clean_line_breaks",
    "decode_java",
    "encode_value",
    "expand_macro",
    "is_macro",
    "looks_encoded",
]

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUES = {byte: index for index, byte in enumerate(_ALPHABET)}
_PAD = ord("=")

#: Java's `\R`: what SecretService removes from a value before it decodes it.
_LINE_BREAK = re.compile("\r\n|[\n\x0b\x0c\r\x85\u2028\u2029]")

#: `{{ "text" | base64encode }}`, the third way of the documentation; the text may use either quote and backslashes.
_MACRO = re.compile(
    r"\{\{-?\s*(?P<quote>[\"'])(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\s*\|\s*base64encode\s*-?\}\}"
)


def clean_line_breaks(value: str) -> str:
    """The value without line breaks (every match of Java's `\\R`); blanks and tabs stay. secrets.md 1."""
    return _LINE_BREAK.sub("", value)


def decode_java(text: str) -> bytes:
    """What `java.util.Base64.getDecoder().decode(text)` gives.

    Raises ValueError with the text of Java's IllegalArgumentException.
    """
    source = text.encode("latin-1", "replace")
    if not source:
        return b""
    if len(source) < 2:
        raise ValueError("Input byte[] should at least have 2 bytes for base64 bytes")
    body, end = _significant(source)
    rest = len(body) % 4
    if rest == 1:
        raise ValueError("Last unit does not have enough valid bits")
    if end < len(source):
        raise ValueError(f"Input byte array has incorrect ending byte at {end}")
    return base64.b64decode(body + b"=" * (-len(body) % 4))


def _significant(source: bytes) -> tuple[bytes, int]:
    """The letters before the padding, and the index just after it (as Java counts when it stops reading)."""
    for index, byte in enumerate(source):
        if byte in _VALUES:
            continue
        if byte != _PAD:
            # Java prints the signed byte: e acute (0xe9) shows as -17.
            signed = byte - 256 if byte > 127 else byte
            raise ValueError(f"Illegal base64 character {'-' if signed < 0 else ''}{abs(signed):x}")
        position = index % 4
        if position == 0 or (position == 2 and source[index + 1 : index + 2] != b"="):
            raise ValueError("Input byte array has wrong 4-byte ending unit")
        return source[:index], index + (2 if position == 2 else 1)
    return source, len(source)


def encode_value(value: str | bytes) -> str:
    """Standard base64 with padding, on one line however long (GNU `base64` would wrap at 76 columns)."""
    raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return base64.b64encode(raw).decode("ascii")


def is_macro(value: str) -> bool:
    """Whether the value is written as an expression, expandable or not."""
    stripped = value.strip()
    return stripped.startswith("{{") and stripped.endswith("}}")


def expand_macro(value: str) -> str | None:
    """The base64 text that `{{ "actual" | base64encode }}` stands for; None for any other expression."""
    match = _MACRO.fullmatch(value.strip())
    if match is None:
        return None
    return encode_value(re.sub(r"\\(.)", r"\1", match["text"], flags=re.DOTALL))


def looks_encoded(value: str) -> bool:
    """Whether a clear value is probably base64 of some text itself (encoded twice).

    Only long, well-padded values whose decoded form is printable text count: `password` is base64 by chance.
    """
    if len(value) < 8 or len(value) % 4:
        return False
    try:
        text = decode_java(value).decode("utf-8")
    except ValueError:
        return False
    return bool(text) and all(char.isprintable() or char in "\r\n\t" for char in text)
