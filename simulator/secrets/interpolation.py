"""`$X` and `${X:-default}` in env files, by the rules of compose's templates.

>>> interpolate("a${B:-2}$$", {}.get, lambda name: None)
'a2$'
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["expand_escapes", "interpolate"]

_ESCAPE = re.compile(r"\\(?:([abcfnrtv$\"\\])|0(\d{0,3}))")
_LETTERS = {
    "a": "\a",
    "b": "\b",
    "c": "\\c",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    '"': '"',
    "\\": "\\",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":-|-|:\?|\?|:\+|\+")


def expand_escapes(text: str, *, dollar: str = "$$") -> str:
    """The escapes of a double-quoted value; `dollar` is what `\\$` becomes (`$$` when interpolation follows)."""

    def one(match: re.Match[str]) -> str:
        if match[1] is None:
            return chr(int(match[2], 8)) if match[2] and set(match[2]) <= set("01234567") else "\0"
        return dollar if match[1] == "$" else _LETTERS[match[1]]

    return _ESCAPE.sub(one, text)


def interpolate(text: str, lookup: Callable[[str], str | None], unset: Callable[[str], None]) -> str:
    """Fills in variables. `unset` is told each one that has neither value nor default (it becomes "").

    Raises ValueError for a form that compose refuses (`${`, `${1x}`, `${X:?message}` without X).
    """
    out: list[str] = []
    index = 0
    while (at := text.find("$", index)) >= 0:
        out.append(text[index:at])
        following = text[at + 1 : at + 2]
        if following == "$":
            out.append("$")
            index = at + 2
        elif following == "{":
            end = _closing(text, at + 2)
            out.append(_braced(text[at + 2 : end], lookup, unset))
            index = end + 1
        elif name := _NAME.match(text, at + 1):
            out.append(_plain(name[0], lookup, unset))
            index = name.end()
        else:
            raise ValueError("invalid interpolation format: a lone $")
    out.append(text[index:])
    return "".join(out)


def _closing(text: str, start: int) -> int:
    depth = 1
    for index in range(start, len(text)):
        if text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
        elif text.startswith("${", index):
            depth += 1
    raise ValueError("invalid interpolation format: ${ without }")


def _plain(name: str, lookup: Callable[[str], str | None], unset: Callable[[str], None]) -> str:
    value = lookup(name)
    if value is None:
        unset(name)
        return ""
    return value


def _braced(inside: str, lookup: Callable[[str], str | None], unset: Callable[[str], None]) -> str:
    name = _NAME.match(inside)
    if name is None:
        raise ValueError("invalid interpolation format: no variable name in ${}")
    if name.end() == len(inside):
        return _plain(name[0], lookup, unset)
    operator = _OPERATOR.match(inside, name.end())
    if operator is None:
        raise ValueError(f"invalid interpolation format after ${{{name[0]}")
    value = lookup(name[0])
    there = bool(value) if operator[0].startswith(":") else value is not None
    argument = inside[operator.end() :]
    if operator[0].endswith("+"):
        return interpolate(argument, lookup, unset) if there else ""
    if there:
        return value or ""
    if operator[0].endswith("?"):
        raise ValueError(f"required variable {name[0]} is missing a value")
    return interpolate(argument, lookup, unset)
