"""Filters on text. Source: expressions.md 10 and 11. Null gives null unless a filter says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.expressions.java.casts import FROM_ARGUMENTS, as_long, as_string, not_null, pebble
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.formatter import format_text
from simulator.expressions.java.slugs import slug
from simulator.expressions.java.text import to_string
from simulator.expressions.java.values import hash_map, is_list, is_string, utf16_length, utf16_slice
from simulator.expressions.registry import Args, Call, Definition, Table, table
from simulator.expressions.text import hash_ordered

__all__ = ["TABLE", "TRIMMED", "text_of"]

TRIMMED = "".join(map(chr, range(33)))
"""What Java's trim removes."""

_ESCAPES = {"single": ("'", r"\'"), "double": ('"', r"\""), "shell": ("'", r"'\''")}


def text_of(value: Any) -> str:
    """`value.toString()`; sets in Java's order."""
    return to_string(hash_ordered(value) if isinstance(value, (set, frozenset)) else value)


def _abbreviate(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    text = as_string(value)
    width = as_long(not_null(args.get("length"), "java.lang.Long.intValue()", FROM_ARGUMENTS))
    if width < 0:
        raise pebble("Invalid argument to abbreviate filter; must be greater than zero")
    length = utf16_length(text)
    if length < width or length <= 3:
        return text
    if width <= 3:
        return utf16_slice(text, 0, width)
    return utf16_slice(text, 0, width - 3) + "..."


def _is_blank(char: str) -> bool:
    """`Character.isWhitespace`: no-break spaces and NEL are none."""
    return char.isspace() and char not in "\u00a0\u2007\u202f\x85"


def _title_char(char: str) -> str:
    title = char.title()
    return title if len(title) == 1 else char


def _capitalize(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    text = as_string(value)
    for index, char in enumerate(text):
        if not _is_blank(char):
            return text[:index] + _title_char(char) + text[index + 1 :]
    return text


def _title(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    starts = True
    out: list[str] = []
    for char in as_string(value):
        out.append(_title_char(char) if starts else char)
        starts = _is_blank(char)
    return "".join(out)


def _upper(call: Call, value: Any, args: Args) -> Any:
    return None if value is None else text_of(value).upper()


def _lower(call: Call, value: Any, args: Args) -> Any:
    return None if value is None else text_of(value).lower()


def _trim(call: Call, value: Any, args: Args) -> Any:
    return None if value is None else as_string(value).strip(TRIMMED)


def _string(call: Call, value: Any, args: Args) -> Any:
    return None if value is None else text_of(value)


def _slugify(call: Call, value: Any, args: Args) -> Any:
    return None if value is None else slug(text_of(value))


def _sides(call: Call, value: Any, args: Args) -> tuple[str, str] | None:
    """Both sides of startsWith and endsWith as text; None when 2.0 answers false because the input is null."""
    if call.dialect.major > 1:
        if value is None:
            return None
        if args.get("value") is None:
            raise pebble("The argument 'value' is required.")
    text = text_of(not_null(value, what='"input"'))
    return text, text_of(not_null(args.get("value"), what=FROM_ARGUMENTS))


def _starts_with(call: Call, value: Any, args: Args) -> bool:
    sides = _sides(call, value, args)
    return sides is not None and sides[0].startswith(sides[1])


def _ends_with(call: Call, value: Any, args: Args) -> bool:
    sides = _sides(call, value, args)
    return sides is not None and sides[0].endswith(sides[1])


def map_leaves(value: Any, change: Callable[[str], str], what: str = "input") -> Any:
    """Maps (into a HashMap) and lists deep, every other value by its text. A null leaf is Java's NullPointerException."""
    if isinstance(value, Mapping):
        return hash_map((key, map_leaves(item, change, "value")) for key, item in value.items())
    if is_list(value):
        return [map_leaves(item, change, "item") for item in value]
    return change(text_of(not_null(value, what=f'"{what}"')))


def _escape_char(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None

    def change(text: str) -> str:
        # Looked at with the first text: a list without any needs no type.
        if "type" not in args:
            raise pebble("The 'escapeChar' filter expects an argument 'type'.")
        pair = _ESCAPES.get(as_string(args["type"]).lower()) if args["type"] is not None else None
        if pair is None:
            raise pebble(
                "The 'escapeChar' filter expects the value of 'type' to be either 'single', 'double', or 'shell'."
            )
        return text.replace(*pair)

    return map_leaves(value, change)


def _newline(text: str) -> str:
    for found in ("\r\n", "\n\r", "\n", "\r"):
        if found in text:
            return found
    return "\n"


def _indented(call: Call, value: Any, args: Args) -> tuple[str, str, str]:
    """The text, its newline and the prefix of a line."""
    if "amount" not in args:
        raise pebble(f"The '{call.name}' filter expects an integer as argument 'amount'.")
    amount = as_long(not_null(args["amount"], "java.lang.Long.intValue()", FROM_ARGUMENTS))
    if amount < 0:
        raise pebble(f"The '{call.name}' filter expects a positive integer >=0 as argument 'amount'.")
    prefix = " " if args.get("prefix") is None else as_string(args["prefix"])
    text = text_of(value)
    newline = _newline(text)
    if amount * len(prefix) * (text.count(newline) + 1) > call.scope.limits.output_chars:
        raise JavaError("OutOfMemoryError", "the indented text is longer than the limit of characters")
    return text, newline, prefix * amount


def _indent(call: Call, value: Any, args: Args) -> Any:
    if value is None or value == "":
        return value
    text, newline, prefix = _indented(call, value, args)
    return text.replace(newline, newline + prefix)


def _nindent(call: Call, value: Any, args: Args) -> Any:
    if value is None or value == "":
        return value
    text, newline, prefix = _indented(call, value, args)
    return newline + prefix + text.replace(newline, newline + prefix) if text else text


def _separated(
    cut: Callable[[str, str], str], without: Callable[[str], str]
) -> Callable[[Call, Any, Args], Any]:
    """commons-lang's substring functions; `without` is the answer for a null separator."""

    def run(call: Call, value: Any, args: Args) -> Any:
        if value is None:
            return None
        if "separator" not in args:
            raise pebble(f"The '{call.name}' filter expects an argument 'separator'.")
        text = text_of(value)
        separator = args["separator"]
        return without(text) if separator is None else cut(text, as_string(separator))

    return run


def _before(text: str, separator: str) -> str:
    return "" if separator == "" else text.partition(separator)[0]


def _after(text: str, separator: str) -> str:
    return text if separator == "" else text.partition(separator)[2]


def _before_last(text: str, separator: str) -> str:
    if separator == "" or separator not in text:
        return text
    return text.rpartition(separator)[0]


def _after_last(text: str, separator: str) -> str:
    if separator == "" or separator not in text:
        return ""
    return text.rpartition(separator)[2]


def _format(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    positional = sorted((key for key in args if key.isdigit()), key=int)
    return format_text(text_of(value), [args[key] for key in positional])


def _nl2br(call: Call, value: Any, args: Args) -> Any:
    if value is None:
        return None
    if not is_string(value):
        raise JavaError("IllegalArgumentException", "nl2br filters only supports String input.")
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\n", "<br />")


def _whole(text: str) -> str:
    return text


def _nothing(text: str) -> str:
    return ""


_DATE_PARAMS = ("format", "timeZone", "existingFormat", "locale")

TABLE: Table = table(
    Definition("abbreviate", _abbreviate, ("length",)),
    Definition("capitalize", _capitalize, None),
    Definition("title", _title, None),
    Definition("upper", _upper, None),
    Definition("lower", _lower, None),
    Definition("trim", _trim, None),
    Definition("string", _string, None),
    Definition("slugify", _slugify, _DATE_PARAMS),
    Definition("startsWith", _starts_with, ("value",)),
    Definition("endsWith", _ends_with, ("value",)),
    Definition("escapeChar", _escape_char, ("type",)),
    Definition("indent", _indent, ("amount", "prefix")),
    Definition("nindent", _nindent, ("amount", "prefix")),
    Definition("substringBefore", _separated(_before, _whole), ("separator",)),
    Definition("substringAfter", _separated(_after, _nothing), ("separator",)),
    Definition("substringBeforeLast", _separated(_before_last, _whole), ("separator",)),
    Definition("substringAfterLast", _separated(_after_last, _nothing), ("separator",)),
    Definition("format", _format, None, since=2),
    Definition("nl2br", _nl2br, None, since=2),
)
