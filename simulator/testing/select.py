"""Which cases are run: `-k` expressions and the memory of what failed last.

`-k "copies and not (csv or slow)"`: words are looked for in `file::case` and in the suite's and flow's id, whatever their
case, and combined with and, or, not and brackets, as pytest does it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from simulator.errors import UsageError
from simulator.testing.runner import FoundCase

__all__ = ["LastFailed", "keyword", "select"]

_TOKEN = re.compile(r"\s*(\(|\)|[^\s()]+)")

Test = Callable[[str], bool]


def keyword(expression: str) -> Test:
    """A test of a text. Raises UsageError for an expression that cannot be read."""
    tokens = _TOKEN.findall(expression)
    position = 0

    def wrong() -> UsageError:
        return UsageError(
            f"-k: cannot read `{expression}`", hint="words, combined with and, or, not and brackets"
        )

    def peek() -> str | None:
        return tokens[position] if position < len(tokens) else None

    def take() -> str:
        nonlocal position
        if position >= len(tokens):
            raise wrong()
        position += 1
        return str(tokens[position - 1])

    def either() -> Test:
        left = both()
        while peek() == "or":
            take()
            left = _or(left, both())
        return left

    def both() -> Test:
        left = single()
        while peek() == "and":
            take()
            left = _and(left, single())
        return left

    def single() -> Test:
        token = take()
        if token == "not":
            inner = single()
            return lambda text: not inner(text)
        if token == "(":
            inner = either()
            if take() != ")":
                raise wrong()
            return inner
        if token in (")", "and", "or"):
            raise wrong()
        word = token.lower()
        return lambda text: word in text

    found = either()
    if peek() is not None:
        raise wrong()
    return found


def _or(one: Test, other: Test) -> Test:
    return lambda text: one(text) or other(text)


def _and(one: Test, other: Test) -> Test:
    return lambda text: one(text) and other(text)


def select(cases: Iterable[FoundCase], expression: str | None) -> list[FoundCase]:
    """The cases that `-k` wants."""
    if not expression:
        return list(cases)
    test = keyword(expression)
    return [item for item in cases if test(f"{item.id} {item.suite.id} {item.suite.flow_id}".lower())]


class LastFailed:
    """Ids of the cases that failed last, kept in the state directory."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "lastfailed.json"

    def read(self) -> set[str]:
        with suppress(OSError, ValueError):
            return set(json.loads(self._path.read_text("utf-8")))
        return set()

    def write(self, ran: Sequence[str], failed: Sequence[str]) -> None:
        """What did not run keeps its state."""
        known = (self.read() - set(ran)) | set(failed)
        from simulator.reports.sink import write_atomically

        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            ignore = self._path.parent / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", "utf-8")
            write_atomically(self._path, json.dumps(sorted(known)).encode())
