"""Values to YAML text as Kestra's `yaml` filter writes them (Jackson with minimal quotes and indented arrays).

Source: expressions.md 15, table "yaml filter".
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from simulator.expressions.java.text import double_text, to_json, to_string
from simulator.expressions.java.values import JavaDate
from simulator.values import Instant

__all__ = ["to_yaml"]

_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "y", "n", "null", "~", ""))
_FLOW = re.compile(r"[\[\]{},]|:(?: |\Z)|(?:^|[ \t])#")
_OCTAL = re.compile(r"0[0-7]+")
_NUMBER = re.compile(r"-?[0-9]*(?:\.[0-9]*)?|0x[0-9a-fA-F]+")


def to_yaml(value: Any, zone: dt.tzinfo = dt.UTC, *, indent_arrays: bool = True) -> str:
    """The YAML document of a value, with its final newline. Raises JavaError for classes without a form.

    `indent_arrays`: list items one blank further in, as the filter writes them; False is the plain Jackson form
    (`- x` under its key), as HTTP bodies have it.
    """
    if isinstance(value, str) and value == "":
        return '--- ""\n'
    if _is_block(value):
        lines: list[str] = []
        _block(value, 0, zone, lines, indent_arrays)
        return "\n".join(lines) + "\n"
    text = _scalar(value, 2, zone)
    # A literal block that keeps its last newlines ends with one already.
    return text if text.endswith("\n") else text + "\n"


def _is_block(value: Any) -> bool:
    return (isinstance(value, (Mapping, list, tuple, set, frozenset))) and bool(value)


def _block(value: Any, indent: int, zone: dt.tzinfo, lines: list[str], indent_arrays: bool) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            name = to_string(key)
            if name:
                head = " " * indent + _key(name) + ":"
            else:
                # An empty key is written in the long form.
                lines.append(" " * indent + '? ""')
                head = " " * indent + ":"
            if not _is_block(item):
                _append(lines, f"{head} {_scalar(item, indent + 2, zone)}")
                continue
            lines.append(head)
            inner = indent + 2 if isinstance(item, Mapping) else indent
            _block(item, inner, zone, lines, indent_arrays)
        return
    dash = " " * (indent + (1 if indent_arrays else 0)) + "-"
    for item in value:
        if not _is_block(item):
            _append(lines, f"{dash} {_scalar(item, indent + 2, zone)}")
        elif indent_arrays:
            lines.append(dash)
            _block(item, indent + 2, zone, lines, indent_arrays)
        else:
            # The first line of the inner block stands behind the dash.
            start = len(lines)
            _block(item, indent + 2, zone, lines, indent_arrays)
            lines[start] = f"{dash} {lines[start][indent + 2 :]}"


def _append(lines: list[str], text: str) -> None:
    lines.append(text.removesuffix("\n"))


def _scalar(value: Any, indent: int, zone: dt.tzinfo) -> str:
    if isinstance(value, str):
        return _text(value, indent)
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "[]"
    if (
        isinstance(value, dt.datetime)
        and value.tzinfo is not None
        and not isinstance(value, (JavaDate, Instant))
    ):
        return _text(to_json(value, value.tzinfo).strip('"'), indent)  # this mapper keeps the offset
    written = to_json(value, zone)
    if written.startswith('"'):
        # Dates and binaries: their JSON text without the quotes is plain YAML.
        return _text(written[1:-1], indent)
    return written


def _analysis(text: str) -> Any:
    import io

    from yaml.emitter import Emitter

    return Emitter(io.StringIO(), allow_unicode=True).analyze_scalar(text)


def _needs_quotes(text: str) -> bool:
    return text.lower() in _WORDS or _FLOW.search(text) is not None


def _key(text: str) -> str:
    if text.lower() in _WORDS or _NUMBER.fullmatch(text):
        return _double(text)
    analysis = _analysis(text)
    if analysis.allow_block_plain and not analysis.multiline:
        return text
    return _single(text) if analysis.allow_single_quoted and not analysis.multiline else _double(text)


def _text(text: str, indent: int) -> str:
    if _needs_quotes(text):
        return _double(text)
    if "\n" in text:
        return _literal(text, indent)
    analysis = _analysis(text)
    if analysis.allow_block_plain and not _OCTAL.fullmatch(text):
        return text
    return _single(text) if analysis.allow_single_quoted else _double(text)


def _literal(text: str, indent: int) -> str:
    analysis = _analysis(text)
    if not analysis.allow_block or re.search(r"[ \t]\n\Z", text):
        return _double(text)
    hint = "2" if text[0] in " \n\r\x85\u2028\u2029" else ""
    if not text.endswith("\n"):
        keep = "-"
    else:
        keep = "+" if len(text) == 1 or text[-2] == "\n" else ""
    body = text[:-1] if text.endswith("\n") else text
    lines = [" " * indent + line if line else "" for line in body.split("\n")]
    return f"|{hint}{keep}\n" + "\n".join(lines) + ("\n" if text.endswith("\n") else "")


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_ESCAPES = {
    "\0": "0",
    "\x07": "a",
    "\b": "b",
    "\t": "t",
    "\n": "n",
    "\x0b": "v",
    "\f": "f",
    "\r": "r",
    "\x1b": "e",
    '"': '"',
    "\\": "\\",
    "\x85": "N",
    "\xa0": "_",
    "\u2028": "L",
    "\u2029": "P",
}


def _double(text: str) -> str:
    out: list[str] = []
    for char in text:
        if char in _ESCAPES:
            out.append("\\" + _ESCAPES[char])
        elif char.isprintable():
            out.append(char)
        elif ord(char) <= 0xFF:
            out.append(f"\\x{ord(char):02x}")
        elif ord(char) <= 0xFFFF:
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(f"\\U{ord(char):08x}")
    return '"' + "".join(out) + '"'
