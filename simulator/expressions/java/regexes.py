"""Java regular expressions on the `regex` library: translated syntax, Java's replacement text, split, a time limit.

    >>> replace_all(r"(\\d)", "a1", "-$1-", 1.0)
    'a-1-'

Source: expressions.md 10 (split), 11 (replace, regex*); java.util.regex.Pattern.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from simulator.expressions.java.backtracking import STEPS_PER_SECOND, estimated_steps
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import utf16_length

__all__ = ["PatternError", "compile_java", "extract", "find", "replace_all", "split"]

_LINE_ENDS = r"\n\r\u0085\u2028\u2029"
# Without UNIX_LINES: the end, or before a line end that is the last one.
_DOLLAR = r"(?=(?:\r\n|(?<!\r)\n|[\r\u0085\u2028\u2029])?\Z)"
_DOLLAR_MULTILINE = r"(?=\r\n|(?<!\r)\n|[\r\u0085\u2028\u2029]|\Z)"
_CARET_MULTILINE = r"(?:(?<=\A)|(?<=\n)|(?<=\r)(?!\n)|(?<=[\u0085\u2028\u2029]))(?:(?!\Z)|(?=\A))"
_POSIX = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`{-~",
    "Graph": "!-~",
    "Print": " -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": r" \t\n\x0b\f\r",
    "javaLowerCase": r"\p{Ll}",
    "javaUpperCase": r"\p{Lu}",
    "javaWhitespace": r"\s",
    "javaMirrored": r"\p{Bidi_Mirrored}",
    "IsAlphabetic": r"\p{Alphabetic}",
    "IsDigit": r"\p{Nd}",
    "IsLetter": r"\p{L}",
    "IsPunctuation": r"\p{P}",
    "IsUppercase": r"\p{Uppercase}",
    "IsLowercase": r"\p{Lowercase}",
    "IsWhite_Space": r"\p{White_Space}",
    "IsEmoji": r"\p{Emoji}",
    "IsIdeographic": r"\p{Ideographic}",
}
_BOUNDARY = r"(?:(?<=[a-zA-Z0-9_])(?![a-zA-Z0-9_])|(?<![a-zA-Z0-9_])(?=[a-zA-Z0-9_]))"
_NO_BOUNDARY = r"(?:(?<=[a-zA-Z0-9_])(?=[a-zA-Z0-9_])|(?<![a-zA-Z0-9_])(?![a-zA-Z0-9_]))"
_HORIZONTAL = r" \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000"
_VERTICAL = r"\n\x0b\f\r\x85\u2028\u2029"
_CONTROLS = {"t": r"\t", "n": r"\n", "r": r"\r", "f": r"\f", "a": r"\x07", "e": r"\x1b"}


_COUNTS = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?")
_GROUP_NAME = re.compile("[a-zA-Z][a-zA-Z0-9]*")


class PatternError(JavaError):
    """Java's PatternSyntaxException: description, place, the pattern, and a caret under the place."""

    def __init__(self, description: str, pattern: str, index: int) -> None:
        message = description + (f" near index {index}" if index >= 0 else "") + f"\n{pattern}"
        if 0 <= index < utf16_length(pattern):
            message += "\n" + " " * index + "^"
        super().__init__("PatternSyntaxException", message)
        self.description = description


class _Translator:
    """One pass over the Java pattern; keeps the flags in force, since they change `.`, `^` and `$`."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0
        self.out: list[str] = []
        self.flags = frozenset[str]()
        self.used: set[str] = set()
        self.names: set[str] = set()

    def _error(self, description: str, index: int | None = None) -> JavaError:
        """Java names the place it has read up to; `index` where that is not the last character taken here."""
        return PatternError(description, self.pattern, self.position - 1 if index is None else index)

    def translate(self) -> str:
        stack: list[frozenset[str]] = []
        repeatable = False
        while self.position < len(self.pattern):
            char = self.pattern[self.position]
            if char == "\\":
                self.out.append(self._escape(in_class=False))
                repeatable = True
            elif char == "[":
                self.out.append(self._class())
                repeatable = True
            elif char == "(":
                opened, keeps = self._group()
                if keeps:
                    stack.append(opened)
                repeatable = False
            elif char == ")":
                if not stack:
                    raise self._error("Unmatched closing ')'")
                self.flags = stack.pop()
                self._emit(")")
                repeatable = True
            elif char == ".":
                self._emit(
                    "(?s:.)" if "s" in self.flags else (r"[^\n]" if "d" in self.flags else f"[^{_LINE_ENDS}]")
                )
                repeatable = True
            elif char == "^":
                self._emit(_CARET_MULTILINE if "m" in self.flags else r"\A")
                repeatable = True
            elif char == "$":
                self._emit(_DOLLAR_MULTILINE if "m" in self.flags else _DOLLAR)
                repeatable = True
            elif char in "*+?":
                if not repeatable:
                    raise self._error(f"Dangling meta character '{char}'", self.position)
                repeatable = self._quantifier(char)
            elif char == "{":
                if not repeatable:
                    raise self._error("Illegal repetition", self.position + 1)
                repeatable = self._repetition()
            elif char == "|":
                self._emit("|")
                repeatable = False
            elif "x" in self.flags and char == "#":
                end = self.pattern.find("\n", self.position)
                self.position = len(self.pattern) if end < 0 else end
            elif "x" in self.flags and char.isspace():
                self.position += 1
            else:
                self._emit("\\" + char if char in "]}#&~- " else char)
                repeatable = True
        if stack:
            raise self._error("Unclosed group", self.position)
        return "".join(self.out)

    def _emit(self, text: str) -> None:
        self.out.append(text)
        self.position += 1

    def _quantifier(self, char: str) -> bool:
        self._emit(char)
        following = self.pattern[self.position : self.position + 1]
        if following and following in "?+":
            self._emit(following)
            return False
        return False

    def _repetition(self) -> bool:
        end = self.pattern.find("}", self.position)
        inside = self.pattern[self.position + 1 : end] if end >= 0 else ""
        low, comma, high = inside.partition(",")
        match = _COUNTS.match(self.pattern, self.position)
        if match is None:
            raise self._error("Illegal repetition", self.position + 1)
        if match.end() != end:
            raise self._error("Unclosed counted closure", match.end())
        if (high and int(high) < int(low)) or int(high or low) >= 2**31:
            raise self._error("Illegal repetition range", end)
        self.out.append("{" + low + comma + high + "}")
        self.position = end + 1
        following = self.pattern[self.position : self.position + 1]
        if following and following in "?+":
            self._emit(following)
        return False

    def _group(self) -> tuple[frozenset[str], bool]:
        """Opens a group. Returns the flags to restore at its end, and whether it is a group at all."""
        saved = self.flags
        rest = self.pattern[self.position :]
        if not rest.startswith("(?"):
            self._emit("(")
            return saved, True
        for start in ("(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"):
            if rest.startswith(start):
                self.out.append(start)
                self.position += len(start)
                return saved, True
        if rest.startswith("(?<"):
            end = rest.find(">")
            name = rest[3:end] if end > 0 else ""
            if not (name.isascii() and name.isalnum() and name[0].isalpha()):
                raise self._bad_group_name()
            if name in self.names:
                raise self._error(f"Named capturing group <{name}> is already defined", self.position + end)
            self.names.add(name)
            self.out.append(f"(?<{name}>")
            self.position += end + 1
            return saved, True
        return self._flags(saved)

    def _bad_group_name(self) -> JavaError:
        start = self.position + 3
        name = _GROUP_NAME.match(self.pattern, start)
        if name is None:
            return self._error("capturing group name does not start with a Latin letter", start)
        return self._error("named capturing group is missing trailing '>'", name.end())

    def _flags(self, saved: frozenset[str]) -> tuple[frozenset[str], bool]:
        position = self.position + 2
        on, off, target_on = set[str](), set[str](), True
        while position < len(self.pattern) and self.pattern[position] not in ":)":
            letter = self.pattern[position]
            if letter == "-":
                target_on = False
            elif letter in "idmsuxU":
                (on if target_on else off).add(letter)
            else:
                raise self._error("Unknown inline modifier", position)
            position += 1
        if position >= len(self.pattern):
            raise self._error("Unknown inline modifier", position)
        self.flags = frozenset((saved | on) - off)
        self.used |= on
        # Only the case flag is left to the library; the others are translated away.
        mode = ("i" if "i" in on else "") + ("-i" if "i" in off else "")
        self.position = position + 1
        if self.pattern[position] == ":":
            self.out.append(f"(?{mode}:" if mode else "(?:")
            return saved, True
        if mode:
            self.out.append(f"(?{mode})" if not mode.startswith("-") else "")
            if mode.startswith("-"):
                raise self._error("Unknown inline modifier")
        return saved, False

    def _escape(self, *, in_class: bool) -> str:
        pattern, start = self.pattern, self.position
        if start + 1 >= len(pattern):
            raise self._error("Unescaped trailing backslash", start + 1)
        char = pattern[start + 1]
        self.position = start + 2
        if char == "Q":
            end = pattern.find("\\E", self.position)
            text = pattern[self.position : end] if end >= 0 else pattern[self.position :]
            self.position = len(pattern) if end < 0 else end + 2
            return "".join(_literal(each) for each in text)
        if char in "pP":
            return self._property(char == "P", in_class)
        if char == "u":
            digits = pattern[self.position : self.position + 4]
            if not _hexadecimal(digits, 4):
                raise self._error("Illegal Unicode escape sequence", self._after_digits(4))
            self.position += 4
            return _literal(chr(int(digits, 16)))
        if char == "x":
            if pattern[self.position : self.position + 1] == "{":
                end = pattern.find("}", self.position)
                digits = pattern[self.position + 1 : end]
                if end < 0 or not _hexadecimal(digits, len(digits)) or int(digits, 16) > 0x10FFFF:
                    raise self._error("Unclosed hexadecimal escape sequence")
                self.position = end + 1
                return _literal(chr(int(digits, 16)))
            digits = pattern[self.position : self.position + 2]
            if not _hexadecimal(digits, 2):
                raise self._error("Illegal hexadecimal escape sequence", self._after_digits(2))
            self.position += 2
            return _literal(chr(int(digits, 16)))
        if char == "0":
            digits = ""
            while len(digits) < 3 and pattern[self.position : self.position + 1] in tuple("01234567"):
                if int(digits + pattern[self.position], 8) > 0o377:
                    break
                digits += pattern[self.position]
                self.position += 1
            if not digits:
                raise self._error("Illegal octal escape sequence", self.position)
            return _literal(chr(int(digits, 8)))
        if char == "c":
            if self.position >= len(pattern):
                raise self._error("Illegal control escape sequence")
            self.position += 1
            return _literal(chr(ord(pattern[self.position - 1]) ^ 64))
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char in "hHvV":
            inner = _HORIZONTAL if char in "hH" else _VERTICAL
            negated = "^" if char.isupper() else ""
            return inner if in_class and not negated else f"[{negated}{inner}]"
        if char in "dDwWsS":
            if char in "sS" and "U" not in self.flags:
                inner = r" \t\n\x0b\f\r"
                return inner if in_class and char == "s" else f"[{'^' if char == 'S' else ''}{inner}]"
            if "U" in self.flags:
                inner = {"d": r"\p{Nd}", "w": r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}", "s": r"\p{White_Space}"}[
                    char.lower()
                ]
            else:
                inner = {"d": "0-9", "w": "a-zA-Z_0-9"}[char.lower()]
            return inner if in_class and char.islower() else f"[{'^' if char.isupper() else ''}{inner}]"
        if in_class:
            if char.isascii() and char.isalnum():
                raise self._error("Illegal/unsupported escape sequence")
            return _literal(char)
        return self._anchor(char)

    def _after_digits(self, most: int) -> int:
        """The place of the first character that is no hexadecimal digit."""
        at = self.position
        while at < self.position + most and _hexadecimal(self.pattern[at : at + 1], 1):
            at += 1
        return at

    def _anchor(self, char: str) -> str:
        pattern = self.pattern
        if char == "k":
            end = pattern.find(">", self.position)
            if pattern[self.position : self.position + 1] != "<" or end < 0:
                raise self._error("\\k is not followed by '<' for named capturing group", self.position)
            name = pattern[self.position + 1 : end]
            self.position = end + 1
            if name not in self.names:
                raise self._error(f"named capturing group <{name}> does not exist")
            return f"(?P={name})"
        if char in "123456789":
            return f"(?:\\{char})"
        if char == "R":
            return r"(?:\r\n|[\n\x0b\f\r\x85\u2028\u2029])"
        if char == "Z":
            return _DOLLAR
        if char == "z":
            return r"\Z"
        if char in "bB" and "U" not in self.flags:
            return _BOUNDARY if char == "b" else _NO_BOUNDARY
        if char in "AGbBX":
            return f"\\{char}"
        if char.isascii() and char.isalpha():
            raise self._error("Illegal/unsupported escape sequence")
        return _literal(char)

    def _property(self, negated: bool, in_class: bool) -> str:
        pattern = self.pattern
        if pattern[self.position : self.position + 1] == "{":
            end = pattern.find("}", self.position)
            if end < 0:
                raise self._error("Unclosed character family", len(pattern))
            name = pattern[self.position + 1 : end]
            self.position = end + 1
        else:
            name = pattern[self.position : self.position + 1]
            self.position += 1
        inner = _POSIX.get(name)
        if inner is None:
            plain = name.split("=")[-1]
            if plain.startswith(("Is", "In")):
                plain = name if plain.startswith("In") else plain[2:]
            inner = rf"\p{{{plain}}}"
            if not _known_property(inner):
                raise self._error(f"Unknown character property name {{{name}}}")
        if negated:
            return f"[^{inner}]"
        return inner if in_class else f"[{inner}]"

    def _class(self) -> str:
        """A character class with Java's unions `[a[bc]]` and intersections `[a-z&&[^b]]`."""
        self.position += 1
        negated = self.pattern[self.position : self.position + 1] == "^"
        if negated:
            self.position += 1
        operands: list[list[str]] = [[]]
        first = True
        while True:
            if self.position >= len(self.pattern):
                raise self._error("Unclosed character class")
            char = self.pattern[self.position]
            if char == "]" and not first:
                self.position += 1
                break
            if self.pattern.startswith("&&", self.position):
                self.position += 2
                operands.append([])
                first = False
                continue
            operands[-1].append(self._class_item())
            first = False
        sets = ["".join(operand) for operand in operands if operand]
        body = sets[0] if len(sets) == 1 else "&&".join(f"[{each}]" for each in sets)
        return f"[{'^' if negated else ''}{body}]"

    def _class_item(self) -> str:
        char = self.pattern[self.position]
        if char == "[":
            return self._class()
        low = self._class_char()
        rest = self.pattern[self.position : self.position + 2]
        if rest.startswith("-") and len(rest) == 2 and rest[1] not in "][":
            if len(low) > 1 and not low.startswith("\\"):
                return low
            self.position += 1
            high = self._class_char()
            if _code(low) is not None and _code(high) is not None and (_code(low) or 0) > (_code(high) or 0):
                raise self._error("Illegal character range")
            return f"{low}-{high}"
        return low

    def _class_char(self) -> str:
        char = self.pattern[self.position]
        if char == "\\":
            return self._escape(in_class=True)
        if "x" in self.flags and char.isspace():
            self.position += 1
            return ""
        self.position += 1
        return _literal(char)


@functools.lru_cache(maxsize=256)
def _known_property(escape: str) -> bool:
    import regex

    try:
        regex.compile(escape)
    except regex.error:
        return False
    return True


def _hexadecimal(text: str, length: int) -> bool:
    return len(text) == length > 0 and all(each in "0123456789abcdefABCDEF" for each in text)


def _literal(char: str) -> str:
    if char.isalnum() or char == "_" or ord(char) > 127:
        return char
    return f"\\x{ord(char):02x}"


def _code(text: str) -> int | None:
    if len(text) == 1:
        return ord(text)
    return int(text[2:], 16) if text.startswith("\\x") and len(text) == 4 else None


@functools.lru_cache(maxsize=512)
def compile_java(pattern: str) -> Any:
    """The compiled pattern. Raises JavaError PatternSyntaxException (a PatternError)."""
    import regex

    translator = _Translator(pattern)
    translated = translator.translate()
    # Without `u` Java folds the case of ASCII letters only. The library's ASCII mode does that too, but it would cut
    # Unicode properties down to ASCII as well; where both meet, the properties win.
    ascii_case = "i" in translator.used and not translator.used & {"u", "U"} and "\\p{" not in translated
    flags = regex.VERSION1 | (regex.ASCII if ascii_case else 0)
    try:
        return regex.compile(translated, flags)
    except regex.error as error:
        description = str(error).split(" at position")[0].capitalize()
        raise PatternError(description, pattern, len(pattern) - 1) from error


def _timeout(seconds: float) -> JavaError:
    return JavaError(
        "RegexTimeoutException",
        f"Regex operation timed out after {round(seconds * 1000)}ms. "
        "The pattern may be vulnerable to catastrophic backtracking (ReDoS).",
    )


def _timed(seconds: float, call: Any) -> Any:
    try:
        return call()
    except TimeoutError:
        raise _timeout(seconds) from None


def _check_backtracking(pattern: str, text: str, seconds: float) -> None:
    """Fails where Java's engine would run out of time although the library here does not."""
    steps = estimated_steps(pattern, text)
    if steps is not None and steps > seconds * STEPS_PER_SECOND:
        raise _timeout(seconds)


def find(pattern: str, text: str, seconds: float) -> Any | None:
    """The first match (of the `regex` library), None when there is none."""
    compiled = compile_java(pattern)
    _check_backtracking(pattern, text, seconds)
    return _timed(seconds, lambda: compiled.search(text, timeout=seconds))


def extract(pattern: str, text: str, group: int, seconds: float) -> str | None:
    """A group of the first match. Raises JavaError IndexOutOfBoundsException for a group that is not there."""
    compiled = compile_java(pattern)
    if group < 0:
        raise JavaError("IndexOutOfBoundsException", f"Group index {group} is out of bounds: must be >= 0.")
    match = find(pattern, text, seconds)
    if match is None:
        return None  # a group that is not there matters only when there is a match
    if group > compiled.groups:
        raise JavaError(
            "IndexOutOfBoundsException",
            f"Group index {group} is out of bounds: the pattern has only {compiled.groups} capture group(s).",
        )
    found: str | None = match.group(group)
    return found


def replace_all(pattern: str, text: str, replacement: str, seconds: float) -> str:
    """`String.replaceAll`: `$1` and `${name}` are groups, a backslash takes the next character as it is."""
    compiled = compile_java(pattern)

    def build(match: Any) -> str:
        return _expand(match, replacement, compiled.groups)

    _check_backtracking(pattern, text, seconds)
    result: str = _timed(seconds, lambda: compiled.sub(build, text, timeout=seconds))
    return result


def _expand(match: Any, replacement: str, groups: int) -> str:
    out: list[str] = []
    position = 0
    while position < len(replacement):
        char = replacement[position]
        position += 1
        if char == "\\":
            if position >= len(replacement):
                raise JavaError("IllegalArgumentException", "character to be escaped is missing")
            out.append(replacement[position])
            position += 1
        elif char != "$":
            out.append(char)
        elif position >= len(replacement):
            raise JavaError("IllegalArgumentException", "Illegal group reference: group index is missing")
        elif replacement[position] == "{":
            end = replacement.find("}", position)
            if end < 0:
                raise JavaError("IllegalArgumentException", "named capturing group is missing trailing '}'")
            name = replacement[position + 1 : end]
            if name not in match.re.groupindex:
                raise JavaError("IllegalArgumentException", f"No group with name {{{name}}}")
            out.append(match.group(name) or "")
            position = end + 1
        else:
            if not "0" <= replacement[position] <= "9":
                raise JavaError("IllegalArgumentException", "Illegal group reference")
            number = int(replacement[position])
            position += 1
            if number > groups:
                raise JavaError("IndexOutOfBoundsException", f"No group {number}")
            while position < len(replacement) and "0" <= replacement[position] <= "9":
                longer = number * 10 + int(replacement[position])
                if longer > groups:
                    break
                number = longer
                position += 1
            out.append(match.group(number) or "")
    return "".join(out)


def split(pattern: str, text: str, limit: int, seconds: float) -> list[str]:
    """`String.split(regex, limit)`: no empty leading part for an empty match, trailing empty parts only with a limit."""
    compiled = compile_java(pattern)

    def run() -> list[str]:
        parts: list[str] = []
        start = 0
        for match in compiled.finditer(text, timeout=seconds):
            if limit > 0 and len(parts) == limit - 1:
                break
            if match.end() == 0:
                continue
            parts.append(text[start : match.start()])
            start = match.end()
        if not parts:
            return [text]
        parts.append(text[start:])
        return parts

    parts: list[str] = _timed(seconds, run)
    if limit == 0 and len(parts) > 1:
        while parts and parts[-1] == "":
            parts.pop()
    return parts
