"""Faults of a double, as the side file or `--fault` writes them: checked, and counted down.

    Faults([{"kind": "status", "after": 1, "times": 2, "delay": "PT0.5S"}], KINDS)

`after`: the first n calls are fine. `times`: how often it strikes (always when absent). `delay`: waits first, in real
time. What a call is depends on the kind: a connection, a request, a statement.
"""

from __future__ import annotations

import datetime as dt
import difflib
import threading
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from simulator.errors import UsageError
from simulator.values import parse_duration

__all__ = ["Faults", "kind_hint", "normalize"]


def kind_hint(kind: str, kinds: Collection[str]) -> str:
    """What to write instead of a kind that is not there."""
    close = difflib.get_close_matches(kind, sorted(kinds), n=1)
    return f"did you mean `{close[0]}`?" if close else "there are: " + ", ".join(sorted(kinds))


def normalize(
    faults: Iterable[Mapping[str, Any]], kinds: Collection[str], double: str
) -> list[dict[str, Any]]:
    """Faults with `seconds` instead of `delay`. Raises UsageError for a kind that the double cannot play."""
    found: list[dict[str, Any]] = []
    for fault in faults:
        kind = str(fault.get("kind") or "")
        if kind not in kinds:
            raise UsageError(f"the {double} double has no fault `{kind}`", hint=kind_hint(kind, kinds))
        clean = {key: value for key, value in fault.items() if key not in ("delay", "double")}
        for name in clean:
            if name not in _KEYS:
                raise UsageError(f"a fault has no `{name}`", hint=kind_hint(name, _KEYS))
        delay = fault.get("delay")
        if delay is not None:
            clean["seconds"] = _seconds(delay)
        for name in ("after", "times", "status"):
            if clean.get(name) is not None:
                clean[name] = _count(name, clean[name])
        found.append(clean)
    return found


def _count(name: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        raise UsageError(f"`{name}` of a fault is a whole number, not `{value}`")
    return number


def _seconds(delay: Any) -> float:
    if isinstance(delay, dt.timedelta):
        return delay.total_seconds()
    try:
        return float(delay)
    except ValueError:
        pass
    try:
        return parse_duration(str(delay)).total_seconds()
    except ValueError:
        raise UsageError(f"`{delay}` is no duration", hint="for example PT0.5S") from None


_KEYS = frozenset({"kind", "after", "times", "delay", "status", "code"})


class Faults:
    """Counts calls and says which fault strikes. Safe to use from any thread."""

    def __init__(self, faults: Iterable[Mapping[str, Any]]) -> None:
        self._faults = [dict(fault) for fault in faults]
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._faults)

    def add(self, faults: Iterable[Mapping[str, Any]]) -> None:
        with self._lock:
            self._faults.extend(dict(fault) for fault in faults)

    def strike(self, kinds: Collection[str] | None = None) -> dict[str, Any] | None:
        """One call happens: the first fault (of these kinds) that strikes now, or None."""
        hit: dict[str, Any] | None = None
        with self._lock:
            for fault in self._faults:
                if kinds is not None and fault["kind"] not in kinds:
                    continue
                fault["seen"] = fault.get("seen", 0) + 1
                struck = fault.get("struck", 0)
                times = fault.get("times")
                if (
                    hit is None
                    and fault["seen"] > fault.get("after", 0)
                    and (times is None or struck < times)
                ):
                    fault["struck"] = struck + 1
                    hit = fault
        return hit
