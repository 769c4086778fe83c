"""How events reach the reporters: kept first, then told, a turn of the engine's loop at a time."""

from __future__ import annotations

import threading
from collections import deque

from simulator.engine.events import Event, Reporter

__all__ = ["Telling"]


class Telling:
    """The events of a run on their way to `reporters`, which may grow.

    A reporter with `on_events` keeps (`EventStore`) and gets all events of a turn in one piece, before any other reporter
    hears of the first of them: what was reported anywhere is on disk. One thread takes and hands on; others announce.
    """

    def __init__(self) -> None:
        self.reporters: list[Reporter] = []
        self._lock = threading.Lock()
        self._names: set[str] = set()
        self._announced: list[Event] = []
        self._unkept: list[Event] = []
        self._untold: deque[Event] = deque()

    def announce(self, name: str, event: Event) -> None:
        """From any thread, once per name: the event waits for the next one that is taken."""
        with self._lock:
            if name not in self._names:
                self._names.add(name)
                self._announced.append(event)

    def take(self, event: Event) -> None:
        """Takes an event to be handed on."""
        if self._announced:
            with self._lock:
                waiting, self._announced = self._announced, []
            self._unkept += waiting
        self._unkept.append(event)

    def hand_on(self) -> None:
        """All that was taken. What a reporter emits meanwhile comes after it."""
        tellers = [reporter for reporter in self.reporters if not hasattr(reporter, "on_events")]
        if self._unkept:
            for reporter in self.reporters:
                if hasattr(reporter, "on_events"):
                    reporter.on_events(self._unkept)
            self._untold += self._unkept
            self._unkept = []
        while self._untold:
            event = self._untold.popleft()
            for reporter in tellers:
                reporter.on_event(event)

    def close(self) -> None:
        for reporter in self.reporters:
            reporter.close()
