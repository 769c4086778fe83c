"""The event loop: what is ready now, what is due later, and who is waited for.

One thread. Ready work is done first in, first out; timers by date, then by the order they were set. When nothing is ready
and nobody works, a simulated clock jumps to the next timer; a real one is waited for. Same work, same order, always.

The work falls into turns of at most `_TURN` steps. A turn ends before task code gets the baton, before anything real is
waited for and before the loop returns: then `on_turn` may write and show what happened, much at a time.
"""

from __future__ import annotations

import datetime as dt
import gc
import heapq
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.engine.clock import RunClock, monotonic
from simulator.engine.jobs import Job, Jobs, Phase

__all__ = ["Loop", "Timer"]

_FOREVER = 3600.0
_TURN = 128
"""Steps of a turn: counted, not timed, so that the same run has the same turns."""
_GC_STEP = 200_000
"""Container objects made between two young collections while the loop works."""


@dataclass(order=True, slots=True)
class Timer:
    """Something due at `at`. `weak` timers (an SLA, a schedule far away) do not keep the loop alive."""

    at: dt.datetime
    number: int
    action: Callable[[], None] = field(compare=False)
    weak: bool = field(compare=False, default=False)
    cancelled: bool = field(compare=False, default=False)

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """See the module text. `on_job` is called for each job whose phase changed or whose outbox may be filled."""

    def __init__(self, clock: RunClock, jobs: Jobs) -> None:
        self.clock = clock
        self.jobs = jobs
        self.on_done: Callable[[Job], None] = lambda job: None
        self.on_outbox: Callable[[Job], None] = lambda job: None
        self.on_jump: Callable[[dt.datetime, dt.datetime], None] = lambda before, after: None
        self.on_turn: Callable[[], None] = lambda: None
        """What happened so far is to be handed on. One that fails stops the loop with its error."""
        self.working = False
        """Whether it is under way, so that there will be a turn."""
        self._steps = 0
        self._thread = 0
        self._ready: deque[Callable[[], None]] = deque()
        self._results: deque[Callable[[], None]] = deque()
        self._timers: list[Timer] = []
        self._weak: list[Timer] = []
        self._number = 0
        self._deadlines: list[tuple[float, int, Callable[[], None]]] = []
        self._sleeping: dict[int, Timer] = {}
        self.stopped = False
        self.failure: Exception | None = None
        """Why the loop must not go on: raised by `run`."""

    def call(self, action: Callable[[], None]) -> None:
        """Does `action` after what is ready already."""
        self._ready.append(action)

    def later(self, action: Callable[[], None]) -> None:
        """Does `action` when the executor has nothing else to do: what a worker sends comes after the executor's own steps,
        one result at a time (each is a message of its own in Kestra)."""
        self._results.append(action)

    def at(self, moment: dt.datetime, action: Callable[[], None], *, weak: bool = False) -> Timer:
        """Does `action` at `moment` of the run's clock."""
        self._number += 1
        timer = Timer(moment, self._number, action, weak)
        heapq.heappush(self._weak if weak else self._timers, timer)
        return timer

    def real_deadline(self, seconds: float, action: Callable[[], None]) -> None:
        """Does `action` after so many real seconds, while something else keeps the loop going."""
        self._number += 1
        heapq.heappush(self._deadlines, (monotonic() + seconds, self._number, action))

    def turn(self) -> None:
        """Ends a turn (in the loop's own thread; task code in others has had its turn before it got the baton)."""
        if self._thread and self._thread != threading.get_ident():
            return
        self._steps = 0
        if self.failure is None:
            try:
                self.on_turn()
            except Exception as error:  # noqa: BLE001 - raised again by `run`
                self.failure = error

    def _step(self) -> None:
        self._steps += 1
        if self._steps >= _TURN:
            self.turn()

    def start(self, job: Job) -> None:
        """Gives a job the baton and deals with what it did."""
        self.turn()
        began = monotonic()
        self.jobs.start(job)
        if job.phase is Phase.REAL:
            self.clock.advance(monotonic() - began)
        self._after(job)

    def cancel(self, job: Job, reason: str) -> None:
        self.turn()
        self.jobs.cancel(job, reason)
        self._after(job)

    def _after(self, job: Job) -> None:
        self.on_outbox(job)
        if job.phase is Phase.ASLEEP and job.wake_at is not None:
            timer = self._sleeping.pop(id(job), None)
            if timer is not None:
                timer.cancel()
            self._sleeping[id(job)] = self.at(job.wake_at, lambda: self._wake(job))
        self._collect()

    def _wake(self, job: Job) -> None:
        self._sleeping.pop(id(job), None)
        if job.phase is Phase.ASLEEP:
            self.turn()
            self.jobs.resume(job)
            self._after(job)

    def _collect(self) -> bool:
        """Takes what jobs finished or emitted; True when there was something."""
        done = self.jobs.take_done()
        for job in done:
            timer = self._sleeping.pop(id(job), None)
            if timer is not None:
                timer.cancel()
            self.on_outbox(job)
            self.on_done(job)
        return bool(done)

    def run(self, until: Callable[[], bool] | None = None, *, before: dt.datetime | None = None) -> bool:
        """Works until `until()` holds (True) or nothing more will happen (False).

        `before`: stops rather than jump or wait to this moment or later.
        """
        # Nothing here makes garbage in cycles, but everything is kept: with the usual thresholds the collector would
        # look through all task runs again and again, and the cost per step would grow.
        thresholds = gc.get_threshold()
        gc.set_threshold(max(thresholds[0], _GC_STEP), *(max(item, 50) for item in thresholds[1:]))
        self._thread = threading.get_ident()
        outer, self.working = self.working, True
        try:
            found = self._work(until, before)
        finally:
            self.turn()
            self.working = outer
            gc.set_threshold(*thresholds)
        if self.failure is not None:
            raise self.failure
        return found

    def _work(self, until: Callable[[], bool] | None, before: dt.datetime | None) -> bool:
        while not self.stopped:
            if self.failure is not None:
                raise self.failure
            if until is not None and until():
                return True
            if self._ready:
                self._ready.popleft()()
                self._step()
                continue
            if self._results:
                self._results.popleft()()
                self._step()
                continue
            for job in self.jobs.live():
                if job.outbox:
                    self.on_outbox(job)
                if job.phase is Phase.ASLEEP and id(job) not in self._sleeping and job.wake_at is not None:
                    self._after(job)
            if self._collect():
                self.turn()
                self.jobs.more()
                continue
            if self._fire_deadlines():
                continue
            due = self._next_due()
            if due is not None and due <= self.clock.now():
                self._pop(due).action()
                self._step()
                continue
            if self.jobs.real_count:
                self.turn()
                began = monotonic()
                self.jobs.wait(self._patience(due))
                self.clock.advance(monotonic() - began)
                continue
            if due is None or (before is not None and due >= before):
                return False
            if self.clock.simulated:
                now = self.clock.now()
                self.clock.jump(due)
                self.on_jump(now, due)
            else:
                self.turn()
                self.jobs.wait(self._patience(due))
        return False

    def _next_due(self) -> dt.datetime | None:
        """The next timer's date. Weak ones count only beside something that happens anyway."""
        for heap in (self._timers, self._weak):
            while heap and heap[0].cancelled:
                heapq.heappop(heap)
        if not self._timers and not self.jobs.busy:
            return None
        dates = [heap[0].at for heap in (self._timers, self._weak) if heap]
        return min(dates) if dates else None

    def _pop(self, due: dt.datetime) -> Timer:
        strong_first = bool(self._timers) and self._timers[0].at <= due
        return heapq.heappop(self._timers if strong_first else self._weak)

    def _patience(self, due: dt.datetime | None) -> float | None:
        waits: list[float] = []
        if self._deadlines:
            waits.append(self._deadlines[0][0] - monotonic())
        if due is not None and self.clock.follows:
            waits.append((due - self.clock.now()).total_seconds())
        # a bounded wait keeps Ctrl-C alive on every platform and drains outboxes of long jobs
        return max(0.0, min([*waits, 0.2 if self.jobs.real_count else _FOREVER]))

    def _fire_deadlines(self) -> bool:
        fired = False
        while self._deadlines and self._deadlines[0][0] <= monotonic():
            heapq.heappop(self._deadlines)[2]()
            fired = True
        return fired
