"""The shapes in which one secret turns up in texts: encoded, escaped, quoted, split into lines.

Pure functions from a value to texts; `redact` decides what to do with them. Base64 deserves a word: base64 of
`user:secret` does not contain base64 of `secret`, since the letters depend on where in a group of three bytes the
secret begins. So there is one form for each of the three alignments, without the letters at the edges, which mix with
the neighbours (security.md, trap 4).
"""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["LINE_LENGTH", "MAX_LINES", "forms_of"]

#: A line of a secret is a secret of its own from this length on; shorter ones (`}`, `"a": 1`) would shred any text.
LINE_LENGTH = 8
#: Upper bound of lines and of JSON leaves taken from one secret.
MAX_LINES = 4096
#: JSON leaves shorter than this are words.
LEAF_LENGTH = 6


def forms_of(value: str) -> Iterator[str]:
    """Every form of a value, some of them several times or equal to it; of any length, also empty."""
    yield from _escaped(value)
    stripped = value.strip()
    if stripped != value:
        yield from _escaped(stripped)
    yield from _base64_forms(value.encode("utf-8", "surrogateescape"))
    yield from _hex_forms(stripped.encode("utf-8", "surrogateescape"))
    yield from _line_forms(value)
    if stripped[:1] in ("{", "["):
        yield from _json_forms(stripped)


def _escaped(value: str) -> Iterator[str]:
    """The ways in which texts are written into other texts."""
    yield value
    if value.isalnum() and value.isascii():
        return  # every escape leaves it alone
    data = value.encode("utf-8", "surrogateescape")
    for encoded in (quote(data, safe=""), quote(data, safe="/"), quote_plus(data)):
        yield encoded
        yield _lower_percent(encoded)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield json.dumps(value)[1:-1].replace("/", "\\/")
    yield repr(value)[1:-1]
    yield shlex.quote(value)
    yield value.replace("'", "'\\''")
    yield value.replace("'", "''")  # SQL
    yield "".join("\\" + char if char in '\\"$`' else char for char in value)
    yield "".join("\\" + char if not (char.isalnum() or char in "_-./@%+=:,") else char for char in value)
    yield _xml(value, {})
    yield _xml(value, {'"': "&quot;", "'": "&apos;"})
    yield html.escape(value)
    yield _xml(value, {'"': "&quot;", "'": "&#39;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _xml(value: str, entities: Mapping[str, str]) -> str:
    """As `xml.sax.saxutils.escape`, whose module takes all of `urllib.request` along."""
    text = html.escape(value, quote=False)
    for char, entity in entities.items():
        text = text.replace(char, entity)
    return text


def _lower_percent(text: str) -> str:
    """`%2F` as `%2f`: both are used."""
    parts = text.split("%")
    return parts[0] + "".join("%" + part[:2].lower() + part[2:] for part in parts[1:])


def _base64_forms(data: bytes) -> Iterator[str]:
    whole = base64.b64encode(data).decode("ascii")
    for form in (whole, _url_safe(whole)):
        yield form
        yield form.rstrip("=")
        # `base64` and MIME wrap long texts, at 76 or (PEM) 64 columns.
        for width in (76, 64):
            if len(form) > width:
                yield from (form[at : at + width] for at in range(0, len(form), width)[:MAX_LINES])
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + data).decode("ascii")
        core = encoded[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
        yield core
        yield _url_safe(core)


def _url_safe(text: str) -> str:
    return text.replace("+", "-").replace("/", "_")


def _hex_forms(data: bytes) -> Iterator[str]:
    lower = data.hex()
    yield lower
    yield lower.upper()


def _line_forms(value: str) -> Iterator[str]:
    lines = value.splitlines()
    if len(lines) < 2:
        return
    for line in lines[:MAX_LINES]:
        line = line.strip()
        if len(line) >= LINE_LENGTH:
            yield from _escaped(line)
            if len(line) >= 2 * LINE_LENGTH:
                yield from _base64_forms(line.encode("utf-8", "surrogateescape"))


def _json_forms(text: str) -> Iterator[str]:
    """The same document written otherwise, and its leaves: `secret('X', subkey='password')` gives one of them."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    for separators, indent in (((",", ":"), None), ((", ", ": "), None), ((",", ": "), 2), ((",", ": "), 4)):
        for ascii_only in (True, False):
            written = json.dumps(document, separators=separators, indent=indent, ensure_ascii=ascii_only)
            yield written
            yield json.dumps(written)[1:-1]
            yield from _line_forms(written)
    yield from _base64_forms(json.dumps(document, separators=(",", ":")).encode())
    for leaf in _leaves(document, MAX_LINES):
        if len(leaf) >= LEAF_LENGTH:
            yield from _escaped(leaf)
            yield from _base64_forms(leaf.encode("utf-8", "surrogatepass"))
            yield from _line_forms(leaf)


def _leaves(node: Any, limit: int) -> Iterator[str]:
    stack = [node]
    while stack and limit:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, str):
            limit -= 1
            yield item
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            limit -= 1
            yield str(item)
