"""Task code in threads, with one baton: reproducible as long as nothing real is waited for.

A job gets the baton and keeps it until it ends, sleeps in the run's time, or does real work (asks for an endpoint, starts
a process; at the latest after `PATIENCE` seconds). The loop waits for the baton, so simulated tasks run one after the
other in the order they were sent, whatever the threads do. Real work goes on beside the loop; at most `limit` at once.

Events that a job emits are kept in its outbox and handed on by the loop, in its thread.
"""

from __future__ import annotations

import datetime as dt
import enum
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from simulator.engine.clock import monotonic
from simulator.errors import Interrupted

__all__ = ["Job", "JobClock", "Jobs", "Phase"]

PATIENCE = 0.25


class Phase(enum.Enum):
    WAITING = "waiting"
    """Not started: no room for more real work."""
    HOLDING = "holding"
    """Has the baton."""
    ASLEEP = "asleep"
    """Waits in the run's time."""
    REAL = "real"
    """Does real work."""
    DONE = "done"


class Job:
    """One task run attempt in a thread. `work` returns the result; whatever it raises is kept in `error`."""

    def __init__(self, jobs: Jobs, key: tuple[str, str], work: Callable[[Job], Any]) -> None:
        self.key = key
        """execution id, task run id"""
        self.phase = Phase.WAITING
        self.result: Any = None
        self.error: BaseException | None = None
        self.cancelled = False
        self.reason: str | None = None
        """Why it was cancelled: `timeout` or `kill`."""
        self.outbox: deque[Any] = deque()
        self.started_at = monotonic()
        self.wake_at: dt.datetime | None = None
        self.abandoned = False
        self._jobs = jobs
        self._work = work
        self._wake = threading.Event()
        self._actions: list[Callable[[], None]] = []

    # --- called by task code, in the job's thread

    def real(self) -> None:
        """Real work begins: the loop need not wait for the baton."""
        if self.phase is Phase.HOLDING:
            self._jobs.hand_over(self, Phase.REAL)

    def sleep(self, until: dt.datetime) -> None:
        """Waits in the run's time. Raises Interrupted `sleep interrupted` when cancelled meanwhile."""
        if not self.cancelled:
            self._wake.clear()
            self.wake_at = until
            self._jobs.hand_over(self, Phase.ASLEEP)
            self._wake.wait()
        if self.cancelled:
            raise Interrupted("sleep interrupted")

    def on_cancel(self, action: Callable[[], None]) -> None:
        if self.cancelled:
            action()
        else:
            self._actions.append(action)

    # --- called by the loop

    def wake(self) -> None:
        self.wake_at = None
        self._wake.set()

    def cancel(self, reason: str) -> None:
        """Asks the task code to stop; what it gave to `on_cancel` is called here."""
        if self.cancelled:
            return
        self.cancelled = True
        self.reason = reason
        for action in self._actions:
            try:
                action()
            except Exception:  # noqa: BLE001 - a failing clean-up must not stop the others
                continue

    def run(self) -> None:
        try:
            self.result = self._work(self)
        except BaseException as error:  # noqa: BLE001 - judged by the loop
            self.error = error
        self._jobs.hand_over(self, Phase.DONE)


class JobClock:
    """The clock as task code sees it (task.Clock): sleeping gives the baton away."""

    def __init__(self, now: Callable[[], dt.datetime], simulated: bool, job: Job) -> None:
        self._now = now
        self._simulated = simulated
        self._job = job

    @property
    def simulated(self) -> bool:
        return self._simulated

    def now(self) -> dt.datetime:
        return self._now()

    def sleep(self, duration: dt.timedelta) -> None:
        if duration > dt.timedelta():
            self._job.sleep(self._now() + duration)


class Jobs:
    """The pool. Threads are daemons and are used again; `limit` bounds jobs that do real work at the same time."""

    def __init__(self, limit: int = 16) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._idle: list[_Thread] = []
        self._waiting: deque[Job] = deque()
        self._live: dict[int, Job] = {}
        self._done: deque[Job] = deque()
        self._poked = False
        self._closed = False

    def start(self, job: Job) -> bool:
        """Runs the job up to its first hand-over. False when it must wait for room (see `more`)."""
        if sum(1 for other in self._live.values() if other.phase is Phase.REAL) >= self._limit:
            self._waiting.append(job)
            return False
        self._live[id(job)] = job
        job.phase = Phase.HOLDING
        thread = self._idle.pop() if self._idle else _Thread(self)
        thread.give(job)
        self._await_baton(job)
        return True

    def more(self) -> None:
        """Starts jobs that waited for room."""
        while self._waiting and self.real_count < self._limit:
            job = self._waiting.popleft()
            if job.cancelled:
                job.error = Interrupted("interrupted")
                job.phase = Phase.DONE
                self._done.append(job)
            else:
                self.start(job)

    def resume(self, job: Job) -> None:
        """Wakes a sleeping job and waits for the baton again."""
        if job.phase is not Phase.ASLEEP:
            return
        job.phase = Phase.HOLDING
        job.wake()
        self._await_baton(job)

    def cancel(self, job: Job, reason: str) -> None:
        """Cancels a job; a sleeping one runs on to its end at once."""
        job.cancel(reason)
        if job.phase is Phase.ASLEEP:
            self.resume(job)

    @property
    def real_count(self) -> int:
        return sum(1 for job in self._live.values() if job.phase is Phase.REAL and not job.abandoned)

    @property
    def busy(self) -> bool:
        return bool(self._live or self._waiting or self._done)

    def take_done(self) -> list[Job]:
        """Jobs that have ended since the last call, in the order they ended."""
        with self._changed:
            done = list(self._done)
            self._done.clear()
        return done

    def live(self) -> list[Job]:
        return list(self._live.values())

    def abandon(self, job: Job) -> None:
        """A cancelled job that does not end: it is no longer waited for."""
        job.abandoned = True
        self._live.pop(id(job), None)

    def wait(self, seconds: float | None) -> None:
        """Waits (real time) until a job changes, somebody pokes, or the time is over."""
        with self._changed:
            if not self._done and not self._poked:
                self._changed.wait(seconds)
            self._poked = False

    def poke(self) -> None:
        """Wakes `wait`; may be called from any thread."""
        with self._changed:
            self._poked = True
            self._changed.notify_all()

    def hand_over(self, job: Job, phase: Phase) -> None:
        with self._changed:
            job.phase = phase
            if phase is Phase.DONE:
                self._live.pop(id(job), None)
                if not job.abandoned:
                    self._done.append(job)
            self._changed.notify_all()

    def _await_baton(self, job: Job) -> None:
        deadline = monotonic() + PATIENCE
        with self._changed:
            while job.phase is Phase.HOLDING:
                left = deadline - monotonic()
                if left <= 0:
                    job.phase = Phase.REAL
                    return
                self._changed.wait(left)

    def give_back(self, thread: _Thread) -> bool:
        """The thread is free again; False when the pool is closed and the thread may go."""
        with self._changed:
            if not self._closed:
                self._idle.append(thread)
            return not self._closed

    def close(self) -> None:
        """Lets the idle threads go, the others when they are done. Idempotent."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
        for thread in idle:
            thread.give(None)


class _Thread:
    """A daemon thread that takes one job after the other."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._job: Job | None = None
        self._work = threading.Semaphore(0)
        threading.Thread(target=self._loop, name="simulate-task", daemon=True).start()

    def give(self, job: Job | None) -> None:
        """Work; None: there will be no more."""
        self._job = job
        self._work.release()

    def _loop(self) -> None:
        while True:
            self._work.acquire()
            job, self._job = self._job, None
            if job is None:
                return
            job.run()
            del job
            if not self._jobs.give_back(self):
                return
