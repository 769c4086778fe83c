"""The scheduler in simulated time: schedules and polling triggers of all deployed flows, played until a date.

As the schedulers of 1.1.15 and 2.0.0:

* a trigger whose execution is not over (a pause counts) does not fire again; its next date waits and is then late
  (2.0: not with `allowConcurrent`);
* the date after a start is fixed at that start, and `lateMaximumDelay` skips what is too late by then;
* `stopAfter` and Toggle disable it; dates that pass by meanwhile are lost;
* a scheduler that was down looks at `recoverMissedSchedules` when it is up again: ALL (the default), LAST, NONE;
* a backfill goes through past dates, one after the other, with inputs and labels of its own; neither
  `lateMaximumDelay` nor missed dates matter to it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from simulator.engine.context import duration_of
from simulator.engine.events import DiagnosticRaised
from simulator.engine.live import Live
from simulator.engine.triggers.schedule import Calendar, Fire, is_schedule
from simulator.errors import SimulatorError
from simulator.model.flow import Flow, Trigger

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["Backfill", "Held", "Scheduler", "Span"]

_INTERVAL = dt.timedelta(seconds=60)
_TICK = dt.timedelta(microseconds=1)
_CORE = "io.kestra.plugin.core.trigger."


@dataclass(frozen=True, slots=True)
class Span:
    """[start, end)."""

    start: dt.datetime
    end: dt.datetime

    def __contains__(self, moment: dt.datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Backfill:
    """What a backfill gives its executions, besides what the trigger gives them."""

    inputs: Mapping[str, Any]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Held:
    """A trigger that waits at the end because its execution is not over."""

    flow: Flow
    trigger: Trigger
    execution_id: str
    since: dt.datetime
    """The planned date that waits."""


@dataclass(eq=False, slots=True)
class _Entry:
    """One trigger that is played."""

    flow: Flow
    trigger: Trigger
    until: dt.datetime
    calendar: Calendar | None = None
    """None: a polling trigger."""
    backfill: Backfill | None = None
    running: Live | None = None
    """The execution that it started last; it locks the trigger."""
    due: dt.datetime | None = None
    """The date that is next; with a lock, it waits for the end of `running`."""

    @property
    def locked(self) -> bool:
        return self.running is not None and not self.running.over


class Scheduler:
    """See the module text. One per executor."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.kernel = executor.kernel
        self._entries: list[_Entry] = []
        self._by_execution: dict[str, _Entry] = {}
        self._down: Span | None = None

    def play(
        self,
        until: dt.datetime,
        flows: Sequence[Flow] | None = None,
        *,
        only: str | None = None,
        down: Span | None = None,
        from_now: bool = False,
    ) -> list[Held]:
        """Runs all schedules and polling triggers of the flows until `until`, in the run's time.

        `only`: the trigger with this id. `down`: when nobody schedules; executions under way go on. `from_now`: a date
        that is due now counts (a scheduler that starts now begins with the next one). Returns the triggers that wait
        for an execution.
        """
        self._down = down
        after = self.kernel.now() - (_TICK if from_now else dt.timedelta())
        for flow in flows if flows is not None else list(self.kernel.flows.all()):
            if flow.disabled:
                continue
            for trigger in flow.triggers:
                if only is not None and trigger.id != only:
                    continue
                if is_schedule(trigger):
                    entry = _Entry(flow, trigger, until, self.executor.triggers.calendar(flow, trigger))
                    self._entries.append(entry)
                    self._plan(entry, after)
                elif not (trigger.canonical or "").startswith(_CORE):
                    entry = _Entry(flow, trigger, until)
                    self._entries.append(entry)
                    self._wait(entry, self.kernel.now())
        return self._run(until)

    def backfill(self, flow: Flow, trigger: Trigger, span: Span, given: Backfill) -> list[Held]:
        """Runs the dates of one schedule in a span of the past, one after the other, in the run's time."""
        calendar = self.executor.triggers.calendar(flow, trigger)
        entry = _Entry(flow, trigger, span.end, calendar, backfill=given)
        self._entries.append(entry)
        self._plan(entry, span.start - _TICK)
        return self._run(None)

    def released(self, live: Live) -> None:
        """An execution is over: the trigger that started it may go on."""
        entry = self._by_execution.pop(live.id, None)
        if entry is not None and entry.running is live:
            entry.running = None
            if entry.due is not None and entry.due <= self.kernel.now():
                self._wait(entry, entry.due)

    # --- inside

    def _run(self, until: dt.datetime | None) -> list[Held]:
        self.executor.run_until_idle(before=until)
        if until is not None:
            self.kernel.clock.jump(until)
        held = [
            Held(entry.flow, entry.trigger, entry.running.id, entry.due)
            for entry in self._entries
            if entry.running is not None
            and entry.locked
            and entry.due is not None
            and (until is None or entry.due < until)
        ]
        self._entries.clear()
        self._by_execution.clear()
        self._down = None
        return held

    def _plan(self, entry: _Entry, after: dt.datetime) -> None:
        """Fixes the next date of a schedule."""
        assert entry.calendar is not None
        found = entry.calendar.next_fire(after, entry.until)
        late = None if entry.backfill else self._lateness(entry.trigger)
        while found is not None and late is not None and found.date + late < self.kernel.now():
            found = entry.calendar.next_fire(found.date, entry.until)
        entry.due = None if found is None else found.date
        if entry.due is not None:
            self._wait(entry, entry.due)

    def _wait(self, entry: _Entry, date: dt.datetime) -> None:
        entry.due = date
        self.kernel.loop.at(max(date, self.kernel.now()), lambda: self._due(entry, date))

    def _due(self, entry: _Entry, date: dt.datetime) -> None:
        if entry.due != date or entry.locked or self.kernel.overrun:
            return  # another date took its place, or it waits for `released`
        if self._down is not None and self.kernel.now() in self._down and entry.backfill is None:
            self.kernel.loop.at(self._down.end, lambda: self._up_again(entry, date))
            return
        if entry.calendar is None:
            self._poll(entry)
        else:
            self._fire(entry, entry.calendar, date)

    def _up_again(self, entry: _Entry, missed: dt.datetime) -> None:
        """The scheduler is back: what becomes of the dates that it missed."""
        now = self.kernel.now()
        wish = str(entry.trigger.properties.get("recoverMissedSchedules") or "ALL")
        if entry.calendar is None or wish == "ALL":
            self._due(entry, missed)
        elif wish == "LAST":
            last = entry.calendar.last_fire(now)
            self._wait(entry, last.date if last is not None and last.date > missed else missed)
        else:
            self._plan(entry, now - _TICK)

    def _fire(self, entry: _Entry, calendar: Calendar, date: dt.datetime) -> None:
        triggers = self.executor.triggers
        live: Live | None = None
        fire = calendar.fire(date)
        if fire is not None and not triggers.is_off(entry.flow, entry.trigger):
            live = self._start(entry, fire)
        self._lock(entry, live)
        self._plan(entry, date)

    def _start(self, entry: _Entry, fire: Fire) -> Live | None:
        given = entry.backfill
        return self.executor.triggers.start_schedule(
            entry.flow,
            entry.trigger,
            fire,
            inputs=given.inputs if given else None,
            labels=given.labels if given else None,
        )

    def _poll(self, entry: _Entry) -> None:
        now = self.kernel.now()
        interval = duration_of(entry.trigger.properties.get("interval")) or _INTERVAL
        if not self.executor.triggers.is_off(entry.flow, entry.trigger):
            try:
                self._lock(entry, self.executor.triggers.evaluate(entry.flow, entry.trigger))
            except SimulatorError as error:
                self._say_failed(entry, error)
        entry.due = None
        if now + interval < entry.until:
            self._wait(entry, now + interval)

    def _say_failed(self, entry: _Entry, error: SimulatorError) -> None:
        """The trigger's log says so; with `failOnTriggerError` there is an execution, too, FAILED."""
        triggers = self.executor.triggers
        live = triggers.context(entry.flow)
        for diagnostic in error.to_diagnostics():
            self.kernel.sink(DiagnosticRaised(self.kernel.now(), diagnostic))
        self.kernel.log(live, "ERROR", error.message)
        self.kernel.loose_logs.extend(replace(item, trigger_id=entry.trigger.id) for item in live.logs)
        if entry.trigger.fail_on_trigger_error:
            triggers.start_failed(entry.flow, entry.trigger, {}, error.message)

    def _lock(self, entry: _Entry, live: Live | None) -> None:
        concurrent = self.kernel.dialect.major >= 2 and entry.trigger.allow_concurrent
        if live is None or live.over or concurrent:
            return
        entry.running = live
        self._by_execution[live.id] = entry

    def _lateness(self, trigger: Trigger) -> dt.timedelta | None:
        raw = trigger.properties.get("lateMaximumDelay")
        return None if raw is None else duration_of(raw)
