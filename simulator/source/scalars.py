"""What Kestra takes a plain scalar to be: SnakeYAML's YAML 1.1 patterns, then Jackson's own conversion.

Source of the behaviour: the table of observed readings (yaml-scalars.txt) and stack.md 5.3. Booleans are YAML 1.1's
words without `y`/`n`, numbers have octal, hex, binary and underscores, dates and sexagesimal numbers stay text, an
empty value is the empty text.
"""

from __future__ import annotations

import base64
import binascii
import re

__all__ = ["MalformedNumberError", "resolve"]


class MalformedNumberError(ValueError):
    """A scalar that is a number to SnakeYAML but not to Jackson (`.inf`, `.nan`)."""


_WORDS: dict[str, bool | None] = {"~": None}
for _word, _value in (("true", True), ("yes", True), ("on", True), ("false", False), ("no", False), ("off", False), ("null", None)):  # fmt: skip
    for _form in (_word, _word.title(), _word.upper()):
        _WORDS[_form] = _value

_FIRST = frozenset("+-.0123456789")
_INT = re.compile(
    r"[-+]?(?:0b_*[01][01_]*|0_*[0-7][0-7_]*|(?:0|[1-9][0-9_]*)|0x_*[0-9a-fA-F][0-9a-fA-F_]*)", re.ASCII
)
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?",
    re.ASCII,
)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS = 1000
"""Jackson's limit on the length of a number."""


def resolve(text: str, plain: bool, tag: str | None) -> str | int | float | bool | bytes | None:
    """The value of a scalar. Raises MalformedNumberError with the reader's message.

    >>> [resolve(text, True, None) for text in ("on", "y", "012", "1e3", "12:30", "2024-01-01", "")]
    [True, 'y', 10, 1000.0, '12:30', '2024-01-01', '']
    """
    if not text:
        return ""
    if tag is None or tag == "!":
        if not plain:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _FIRST:
            return text
        if _INT.fullmatch(text):
            return _integer(text)
        if _FLOAT.fullmatch(text):
            return _float(text)
        if _NOT_FINITE.fullmatch(text):
            raise MalformedNumberError(f"Malformed numeric value '{text}'")
        return text
    return _tagged(text, tag.removeprefix("tag:yaml.org,2002:").split(",")[0])


def _tagged(text: str, tag: str) -> str | int | float | bool | bytes | None:
    if tag == "null":
        return None
    if tag == "bool":
        word = {"y": True, "n": False, **_WORDS}.get(text.lower())
        return word if word is not None else text
    if tag == "int":
        if _INT.fullmatch(text):
            return _integer(text)
        return _float(text) if _FLOAT.fullmatch(text) else text
    if tag == "float":
        return _float(text)
    if tag == "binary":
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise MalformedNumberError(f"Illegal base64 content in '{text[:40]}'") from None
    return text


def _integer(text: str) -> int:
    digits = text.replace("_", "").lstrip("+")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("-")
    if len(digits) > _MAX_DIGITS:
        raise MalformedNumberError(
            f"Number value length ({len(digits)}) exceeds the maximum allowed ({_MAX_DIGITS}, from `StreamReadConstraints.getMaxNumberLength()`)"
        )
    if digits.startswith("0b"):
        return sign * int(digits[2:], 2)
    if digits.startswith("0x"):
        return sign * int(digits[2:], 16)
    if len(digits) > 1 and digits.startswith("0"):
        return sign * int(digits, 8)
    return sign * int(digits)


def _float(text: str) -> float:
    try:
        return float(text.replace("_", ""))
    except ValueError:
        raise MalformedNumberError(f"Malformed numeric value '{text}'") from None
