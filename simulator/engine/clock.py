"""The run's time: the only module that reads the wall clock.

`RunClock(simulated=True)` stands still until the loop finds that everybody waits; then it jumps to the next moment at
which something happens. A three-day pause therefore takes no time and still leaves the right timestamps. With
`simulated=False` it is the wall clock. Waiting itself is the business of `simulator.engine.loop`.
"""

from __future__ import annotations

import datetime as dt
import time

__all__ = ["RunClock", "monotonic", "wall_now"]


def wall_now() -> dt.datetime:
    """The wall clock, aware, UTC."""
    return dt.datetime.now(dt.UTC)


def monotonic() -> float:
    """Seconds of real time, for durations and real deadlines."""
    return time.monotonic()


class RunClock:
    """The clock of one session; see the module text.

    A simulated clock goes along with real work (a query takes the time it takes); a `frozen` one does not, so that
    two runs have the same timestamps. `start`
    (aware) is the first moment, by default the wall clock's. A real-time clock with a `start` runs from there.
    """

    def __init__(
        self, *, simulated: bool = True, start: dt.datetime | None = None, frozen: bool = False
    ) -> None:
        self._simulated = simulated
        self._frozen = frozen
        self._now = start.astimezone(dt.UTC) if start else wall_now()
        self._shift = (self._now - wall_now()) if start and not simulated else dt.timedelta()

    @property
    def simulated(self) -> bool:
        return self._simulated

    def now(self) -> dt.datetime:
        """Aware, UTC."""
        return self._now if self._simulated else wall_now() + self._shift

    def jump(self, to: dt.datetime) -> None:
        """Goes forward to `to` (never back). Only a simulated clock can jump."""
        if self._simulated and to > self._now:
            self._now = to.astimezone(dt.UTC)

    def advance(self, seconds: float) -> None:
        """Real work took so many seconds: a simulated clock goes along, unless it is frozen."""
        if self._simulated and not self._frozen and seconds > 0:
            self._now += dt.timedelta(milliseconds=int(seconds * 1000))

    @property
    def frozen(self) -> bool:
        """Whether real time leaves no trace: two runs are to have the same bytes."""
        return self._simulated and self._frozen

    @property
    def follows(self) -> bool:
        """Whether the clock goes forward while real work goes on."""
        return not self._simulated or not self._frozen

    def sleep(self, duration: dt.timedelta) -> None:
        """Waits outside of any task run: jumps when simulated. Task code gets its own clock from its context."""
        if self._simulated:
            self.jump(self._now + duration)
        else:
            time.sleep(max(0.0, duration.total_seconds()))
