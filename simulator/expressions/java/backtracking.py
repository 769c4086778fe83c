"""How long Java's regex engine would search: an estimate of its backtracking, without doing it.

The `regex` library finds many matches at once that java.util.regex finds only after minutes, so a pattern that times
out in Kestra would pass here. The steps of a plain backtracking search can be counted without making them: what a
place of the pattern costs at a place of the text is the same each time it is reached, so it is computed once and added
as often as Java would walk it. Java remembers failed places itself in one case, a greedy group loop beyond its
minimum, and so does the count.

Only patterns with a repeated group that can match in several ways are looked at; for anything out of the ordinary
(look-around, back references, flags, long texts) there is no estimate. Source: the JDK's Pattern (Curly, Loop, Branch).
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["STEPS_PER_SECOND", "estimated_steps"]

STEPS_PER_SECOND = 50_000_000
"""What a JVM does about; only orders of magnitude matter."""

_MAX_TEXT = 200
_MAX_STATES = 60_000
_UNLIMITED = 1 << 30

_Outcome: TypeAlias = "tuple[bool, int]"
_Next: TypeAlias = Callable[[int], _Outcome]


class _NoEstimateError(Exception):
    """The pattern or the text is out of the reach of the count."""


@functools.lru_cache(maxsize=256)
def _tree(pattern: str) -> Any | None:
    """Python's own parse of the pattern when it is simple enough to mean the same in Java, and worth a count."""
    if "(?" in pattern.replace("(?:", "") or "&&" in pattern or "\\Q" in pattern:
        return None
    try:
        tree = importlib.import_module("re._parser").parse(pattern)
        return tree if _ambiguous(tree, False) else None
    except Exception:
        # A private module: whatever it says, there is no estimate then.
        return None


def _ambiguous(items: Any, repeated: bool) -> bool:
    """Is there a repeated group with a choice inside?"""
    for operation, argument in items:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, body = argument
            if repeated and low != high:
                return True
            if _ambiguous(body, True):
                return True
        elif name == "SUBPATTERN":
            if _ambiguous(argument[3], repeated):
                return True
        elif name == "BRANCH":
            if repeated or any(_ambiguous(branch, repeated) for branch in argument[1]):
                return True
        elif name not in ("LITERAL", "NOT_LITERAL", "ANY", "IN", "AT"):
            raise _NoEstimateError
    return False


def estimated_steps(pattern: str, text: str) -> int | None:
    """Steps until Java's `find()` has its first match or knows that there is none; None when that cannot be told."""
    if len(text) > _MAX_TEXT:
        return None
    tree = _tree(pattern)
    if tree is None:
        return None
    try:
        return _Count(text).find(tree)
    except (_NoEstimateError, RecursionError):
        return None


class _Count:
    """One count: each place of the pattern is a function of the position, computed once per position."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.states = 0

    def find(self, tree: Any) -> int:
        start = self.sequence(list(tree), self._end)
        total = 0
        for position in range(len(self.text) + 1):
            found, steps = start(position)
            total += steps
            if found:
                break
        return total

    def _end(self, position: int) -> _Outcome:
        return True, 1

    def _once(self, compute: _Next) -> _Next:
        known: dict[int, _Outcome] = {}

        def run(position: int) -> _Outcome:
            found = known.get(position)
            if found is None:
                self.states += 1
                if self.states > _MAX_STATES:
                    raise _NoEstimateError
                found = known[position] = compute(position)
            return found

        return run

    def sequence(self, items: list[Any], following: _Next) -> _Next:
        for item in reversed(items):
            following = self._once(self._node(item, following))
        return following

    def _node(self, item: Any, following: _Next) -> _Next:
        operation, argument = item
        name = str(operation)
        if name in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            return self._char(item, following)
        if name == "AT":
            return self._anchor(str(argument), following)
        if name == "SUBPATTERN":
            return self.sequence(list(argument[3]), following)
        if name == "BRANCH":
            return self._branch([self.sequence(list(each), following) for each in argument[1]])
        if name not in ("MAX_REPEAT", "MIN_REPEAT"):
            raise _NoEstimateError
        low, high, body = argument
        high = _UNLIMITED if str(high) == "MAXREPEAT" else int(high)
        if len(body) == 1 and str(body[0][0]) in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            return self._run(body[0], int(low), high, name == "MIN_REPEAT", following)
        return self._loop(list(body), int(low), high, name == "MIN_REPEAT", following)

    def _char(self, item: Any, following: _Next) -> _Next:
        def step(position: int) -> _Outcome:
            if position < len(self.text) and _accepts(item, self.text[position]):
                found, steps = following(position + 1)
                return found, steps + 1
            return False, 1

        return step

    def _anchor(self, kind: str, following: _Next) -> _Next:
        def step(position: int) -> _Outcome:
            at_end = position == len(self.text) or (
                position == len(self.text) - 1 and self.text[position] == "\n"
            )
            holds = {
                "AT_BEGINNING": position == 0,
                "AT_BEGINNING_STRING": position == 0,
                "AT_END": at_end,
            }.get(kind)
            if holds is None:
                raise _NoEstimateError
            if not holds:
                return False, 1
            found, steps = following(position)
            return found, steps + 1

        return step

    @staticmethod
    def _branch(choices: list[_Next]) -> _Next:
        def step(position: int) -> _Outcome:
            total = 1
            for choice in choices:
                found, steps = choice(position)
                total += steps
                if found:
                    return True, total
            return False, total

        return step

    def _run(self, item: Any, low: int, high: int, lazy: bool, following: _Next) -> _Next:
        """One character again and again (Java's Curly): every length is tried."""

        def step(position: int) -> _Outcome:
            length = 0
            while (
                length < high
                and position + length < len(self.text)
                and _accepts(item, self.text[position + length])
            ):
                length += 1
            total = length + 1
            if length < low:
                return False, total
            lengths = range(low, length + 1) if lazy else range(length, low - 1, -1)
            for each in lengths:
                found, steps = following(position + each)
                total += steps
                if found:
                    return True, total
            return False, total

        return step

    def _loop(self, body: list[Any], low: int, high: int, lazy: bool, following: _Next) -> _Next:
        """A group again and again (Java's Loop): counted up to the minimum, failed places remembered beyond it."""
        if low > 1000:
            raise _NoEstimateError
        tried: set[int] = set()
        bodies: list[_Next] = []

        def free(position: int) -> _Outcome:
            total = 1
            if lazy:
                found, steps = following(position)
                if found:
                    return True, steps + 1
                total += steps
            if high > low and position not in tried:
                tried.add(position)
                found, steps = bodies[0](position)
                total += steps
                if found:
                    return True, total
            if lazy:
                return False, total
            found, steps = following(position)
            return found, total + steps

        def advance(position: int) -> _Outcome:
            return free(position)

        # The body within the free part leads back to it; the counted parts lead one to the next.
        bodies.append(self.sequence(body, advance))
        current: _Next = free
        for _ in range(low):
            current = self.sequence(body, current)
        return current


def _accepts(item: Any, char: str) -> bool:
    operation, argument = item
    name, code = str(operation), ord(char)
    if name == "LITERAL":
        return code == int(argument)
    if name == "NOT_LITERAL":
        return code != int(argument)
    if name == "ANY":
        return char not in "\n\r\u0085\u2028\u2029"
    negated = False
    for kind, value in argument:
        part = str(kind)
        if part == "NEGATE":
            negated = True
        elif part == "LITERAL":
            if code == int(value):
                return not negated
        elif part == "RANGE":
            if value[0] <= code <= value[1]:
                return not negated
        elif part == "CATEGORY":
            if _category(str(value), char):
                return not negated
        else:
            raise _NoEstimateError
    return negated


def _category(name: str, char: str) -> bool:
    plain = name.replace("_NOT_", "_")
    if plain == "CATEGORY_DIGIT":
        inside = char.isascii() and char.isdigit()
    elif plain == "CATEGORY_WORD":
        inside = char.isascii() and (char.isalnum() or char == "_")
    elif plain == "CATEGORY_SPACE":
        inside = char in " \t\n\x0b\f\r"
    else:
        raise _NoEstimateError
    return inside != ("_NOT_" in name)
