"""What Jackson says of a text that is no JSON: the first thing that is wrong, with line and column.

Source: expressions.md 14 (`fromJson`); Jackson's `ReaderBasedJsonParser`.
"""

from __future__ import annotations

import re

from simulator.expressions.java.values import utf16_length

__all__ = ["explain_json", "place"]

_SOURCE = "Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled);"
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_BLANKS = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r"[\w$]+")
_DIGITS = re.compile(r"[0-9]*")
_KINDS = {"[": ("Array", "]"), "{": ("Object", "}")}


class _BadJsonError(Exception):
    """Found it. Never leaves the module."""


def place(text: str, index: int) -> str:
    """`[Source: ...; line: 1, column: 5]` for an index into the text."""
    before = text[:index].replace("\r\n", "\n").replace("\r", "\n")
    column = utf16_length(before[before.rfind("\n") + 1 :]) + 1
    return f"[{_SOURCE} line: {before.count(chr(10)) + 1}, column: {column}]"


def explain_json(text: str, *, token_end: bool = False) -> str | None:
    """The message for the first value of a text; None when nothing is wrong with it.

    `token_end`: an unknown word is placed at its end, as by the Jackson 2.20 of 1.1.15; 2.0.0 (Jackson 2.22) says where it
    begins.
    """
    try:
        _Walk(text, token_end=token_end).value_at(0)
    except _BadJsonError as found:
        return str(found)
    return None


def _shown(char: str) -> str:
    unit = int.from_bytes(char.encode("utf-16-be", "surrogatepass")[:2], "big")
    if unit < 32 or 127 <= unit < 160:
        return f"(CTRL-CHAR, code {unit})"
    visible = "?" if 0xD800 <= unit < 0xE000 else char
    return f"'{visible}' (code {unit})" if unit < 256 else f"'{visible}' (code {unit} / 0x{unit:x})"


class _Walk:
    def __init__(self, text: str, *, token_end: bool) -> None:
        self.text = text
        self.token_end = token_end
        self.open: list[tuple[str, int]] = []
        self.empty = False

    def fail(self, message: str, index: int) -> _BadJsonError:
        return _BadJsonError(f"{message}\n at {place(self.text, index)}")

    def unexpected(self, index: int, why: str, at: int | None = None) -> _BadJsonError:
        message = f"Unexpected character ({_shown(self.text[index])}){why}"
        return self.fail(message, index if at is None else at)

    def skip(self, index: int) -> int:
        """The next character that counts."""
        found = _BLANKS.match(self.text, index)
        index = found.end() if found else index
        char = self.text[index : index + 1]
        if char == "/":
            raise self.unexpected(
                index,
                ": maybe a (non-standard) comment? "
                "(not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)",
            )
        if char and char < " ":
            raise self.fail(
                f"Illegal character ({_shown(char)}): only regular white space (\\r, \\n, \\t) is allowed "
                "between tokens",
                index,
            )
        return index

    def value_at(self, index: int) -> None:
        """Walks over the first value, with a stack of its own: nesting may be deep."""
        index = self.value(self.skip(index))
        while self.open:
            index = self.skip(index)
            kind, close = _KINDS[self.open[-1][0]]
            char = self.text[index : index + 1]
            if not char:
                raise self.ended(kind)
            if char in "]}":
                self.closed(char, kind, close, index)
                index += 1
                continue
            if not self.empty:
                if char != ",":
                    raise self.unexpected(index, f": was expecting comma to separate {kind} entries")
                index = self.skip(index + 1)
                if index >= len(self.text):
                    raise self.fail(f"Unexpected end-of-input within/between {kind} entries", index)
            self.empty = False
            index = self.value(self.name(index) if kind == "Object" else index)

    def ended(self, kind: str) -> _BadJsonError:
        start = place(self.text, self.open[-1][1])
        return self.fail(
            f"Unexpected end-of-input: expected close marker for {kind} (start marker at {start})",
            len(self.text),
        )

    def closed(self, char: str, kind: str, close: str, index: int) -> None:
        if char != close:
            start = place(self.text, self.open[-1][1])
            raise self.fail(
                f"Unexpected close marker '{char}': expected '{close}' (for {kind} starting at {start})",
                index,
            )
        self.open.pop()
        self.empty = False

    def name(self, index: int) -> int:
        """Over a name and its colon, to the value."""
        if self.text[index] != '"':
            raise self.unexpected(index, ": was expecting double-quote to start field name")
        index = self.skip(self.string(index + 1, "in field name", "name"))
        if self.text[index : index + 1] != ":":
            if index >= len(self.text):
                raise self.fail("Unexpected end-of-input within/between Object entries", index)
            raise self.unexpected(index, ": was expecting a colon to separate field name and value")
        index = self.skip(index + 1)
        if index >= len(self.text):
            raise self.fail("Unexpected end-of-input within/between Object entries", index)
        return index

    def value(self, index: int) -> int:
        char = self.text[index : index + 1]
        if char == "":
            return index
        if char == '"':
            return self.string(index + 1, ": was expecting closing quote for a string value", "string value")
        if char in "[{":
            self.open.append((char, index))
            self.empty = True
            return index + 1
        if char in "]}" and not self.open:
            kind = "Array" if char == "]" else "Object"
            raise self.fail(f"Unexpected close marker '{char}': no open {kind} to close", index)
        if char == "-" or "0" <= char <= "9":
            return self.number(index)
        if char == "+":
            raise self.unexpected(
                index,
                " in numeric value: JSON spec does not allow numbers to have plus signs: "
                "enable `JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow",
                index + 1,
            )
        token = _TOKEN.match(self.text, index)
        if token is None:
            raise self.unexpected(index, f": expected a valid value {_VALUES}")
        if token[0] in ("NaN", "Infinity"):
            raise self.no_number(token[0], token.end())
        if token[0] not in ("true", "false", "null"):
            place_of = token.end() if self.token_end else index
            raise self.fail(f"Unrecognized token '{token[0]}': was expecting {_VALUES}", place_of)
        return token.end()

    def no_number(self, token: str, end: int) -> _BadJsonError:
        return self.fail(
            f"Non-standard token '{token}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow", end
        )

    def string(self, index: int, end: str, kind: str) -> int:
        text = self.text
        while index < len(text):
            char = text[index]
            if char == '"':
                return index + 1
            if char < " ":
                raise self.fail(
                    f"Illegal unquoted character ({_shown(char)}): has to be escaped using backslash to be "
                    f"included in {kind}",
                    index,
                )
            index = self.escape(index + 1) if char == "\\" else index + 1
        raise self.fail(f"Unexpected end-of-input{'' if end[0] == ':' else ' '}{end}", len(text))

    def escape(self, index: int) -> int:
        char = self.text[index : index + 1]
        most = 4 if char == "u" else 0
        for at in range(index + 1, index + 1 + most):
            digit = self.text[at : at + 1]
            if digit and digit not in "0123456789abcdefABCDEF":
                raise self.unexpected(at, ": expected a hex-digit for character escape sequence")
        if index + most >= len(self.text):
            raise self.fail("Unexpected end-of-input in character escape sequence", len(self.text))
        if char not in '"\\/bfnrtu':
            raise self.fail(f"Unrecognized character escape {_shown(char)}", index)
        return index + 1 + most

    def digits(self, index: int) -> int:
        found = _DIGITS.match(self.text, index)
        return found.end() if found else index

    def number(self, index: int) -> int:
        text, start = self.text, index + (self.text[index] == "-")
        end = self.digits(start)
        if end == start:
            if start >= len(text):
                raise self.fail("Unexpected end-of-inputNo digit following sign", start)
            if text.startswith("Infinity", start):
                raise self.no_number("-Infinity", start + len("Infinity"))
            raise self.unexpected(
                start, " in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value"
            )
        if text[start] == "0" and end > start + 1:
            raise self.fail("Invalid numeric value: Leading zeroes not allowed", start + 1)
        if text[end : end + 1] == ".":
            point, end = end, self.digits(end + 1)
            if end == point + 1:
                raise self.unexpected(
                    end if end < len(text) else point,
                    " in numeric value: Decimal point not followed by a digit",
                    point,
                )
        if text[end : end + 1] in ("e", "E"):
            first = end + 1 + (text[end + 1 : end + 2] in ("+", "-"))
            end = self.digits(first)
            if end == first:
                if end >= len(text):
                    raise self.fail("Unexpected end-of-inputexpected a digit for number exponent", end)
                raise self.unexpected(end, " in numeric value: Exponent indicator not followed by a digit")
        if not self.open and text[end : end + 1] not in ("", " ", "\t", "\n", "\r"):
            raise self.unexpected(end, ": Expected space separating root-level values")
        return end
