"""The story of a run in a few lines: one per task run as it ends, then the result.

postgres_to_s3  company.team  Kestra 2.0
  postgres  127.0.0.1:41234
  s3        http://127.0.0.1:41235

  SUCCESS  fetch        jdbc.postgresql.Query  0.03 s  6 rows
  SUCCESS  write_to_s3  aws.s3.Upload          0.05 s  s3://kestra-bucket/data/users.csv (412 bytes)

SUCCESS  2 task runs in 0.71 s
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from simulator.engine.events import (
    DiagnosticRaised,
    DoubleReady,
    Event,
    ExecutionChanged,
    ExecutionEnded,
    ExecutionStarted,
    LogEmitted,
    RunEnded,
    RunStarted,
    TaskRunChanged,
)
from simulator.engine.execution import Execution, StateType, TaskRun
from simulator.reports.sink import Writer
from simulator.reports.style import Style, clean

__all__ = ["ConsoleReporter", "state_color"]

_STATE_COLORS = {
    StateType.SUCCESS: ("green",),
    StateType.WARNING: ("yellow",),
    StateType.FAILED: ("red", "bold"),
    StateType.KILLED: ("red",),
    StateType.CANCELLED: ("magenta",),
    StateType.SKIPPED: ("dim",),
    StateType.PAUSED: ("cyan",),
    StateType.RETRYING: ("yellow",),
}
_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")
_LEVEL_COLORS = {"ERROR": ("red",), "WARN": ("yellow",), "INFO": (), "DEBUG": ("dim",), "TRACE": ("dim",)}
_SHOWN = {StateType.PAUSED}
#: A storage URI is mostly folders that nobody reads; the whole of it is in --json and in the report.
_STORED = re.compile(r"kestra:///\S{40,}/(?=[^/\s]+)")
#: Beyond so many lines of one kind, a loop is counted rather than told.
_FOLD_AFTER = 200


def state_color(state: StateType) -> tuple[str, ...]:
    return _STATE_COLORS.get(state, ())


class ConsoleReporter:
    """Writes the story to `out` and the logs to `err`.

    `quiet`: only the result. `log_level`: the lowest level shown (None: errors of failing task runs only, once the run
    is over, so that the ten lines stay ten).
    """

    def __init__(
        self,
        out: Writer,
        err: Writer,
        *,
        style: Style,
        err_style: Style,
        quiet: bool = False,
        log_level: str | None = None,
    ) -> None:
        self._out = out
        self._err = err
        self._style = style
        self._err_style = err_style
        self._quiet = quiet
        self._level = _LEVELS.index(log_level) if log_level else None
        self._width = 12
        self._type_width = 24
        self._root: str | None = None
        self._last: Execution | None = None
        self._shown = 0
        self._counted: set[str] = set()
        self._mocked: set[str] = set()
        self._told: dict[str, StateType] = {}
        self._folded: dict[StateType, int] = {}
        self._started: dt.datetime | None = None
        self._errors: list[tuple[str, str]] = []
        self._pointed: set[str] = set()
        self._flow_of: dict[str, str] = {}
        self._items: dict[str, str] = {}

    def size(self, task_ids: list[str], types: list[str]) -> None:
        """Column widths from what the flow declares, so that lines align from the first one."""
        self._width = min(32, max([len(name) for name in task_ids], default=12))
        self._type_width = min(34, max([len(short_type(name)) for name in types], default=20))

    def on_event(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._started = event.at
                if not self._quiet:
                    head = self._style(clean(event.flow_id), "bold")
                    facts = "".join(f"  {key} {value}" for key, value in event.facts.items())
                    self._line(f"{head}  {clean(event.namespace)}  Kestra {event.dialect}{facts}")
            case DoubleReady():
                if not self._quiet:
                    self._line(f"  {self._style(f'{event.name:<9}', 'dim')} {event.address}")
            case ExecutionStarted():
                self._flow_of[event.execution.id] = event.execution.flow_id
                if event.execution.loop is not None:
                    self._items[event.execution.id] = loop_item(event.execution.loop)
                if self._root is None:
                    self._root = event.execution.id
                    if not self._quiet:
                        self._line("")
            case TaskRunChanged() if not event.removed:
                self._task_run(event)
            case LogEmitted():
                self._log(event)
            case DiagnosticRaised():
                self._pointed.add(event.diagnostic.message)
            case ExecutionChanged() if event.execution.id == self._root:
                self._last = event.execution
            case ExecutionEnded() if event.execution.id == self._root:
                self._last = None
                self._result(event.execution)
            case RunEnded() if self._last is not None:
                self._result(self._last)

    def close(self) -> None:
        """Nothing is kept back."""

    def _line(self, text: str) -> None:
        self._out(text + "\n")

    def _task_run(self, event: TaskRunChanged) -> None:
        run = event.task_run
        state = run.state.current
        if not (state.is_terminated or state in _SHOWN):
            self._told.pop(run.id, None)
            return
        if self._told.get(run.id) is state:
            return
        self._told[run.id] = state
        if state.is_terminated:
            self._counted.add(run.id)
            if run.mocked:
                self._mocked.add(run.id)
        if self._quiet:
            return
        if self._shown >= _FOLD_AFTER and state not in (StateType.FAILED, StateType.KILLED):
            self._folded[state] = self._folded.get(state, 0) + 1
            return
        self._shown += 1
        self._line(self._task_line(run, event))

    def _task_line(self, run: TaskRun, event: TaskRunChanged) -> str:
        state = run.state.current
        name = run.task_id
        if run.value is not None:
            name += f"[{_short(run.value, 24)}]"
        if run.execution_id in self._items:
            name += f"[{_short(self._items[run.execution_id], 24)}]"
        elif run.execution_id != self._root:
            name = f"{self._flow_of.get(run.execution_id, run.flow_id)}.{name}"
        name = clean(name)
        parts = [
            "  " + self._style(f"{state:<9} ", *state_color(state)),
            f"{name:<{self._width}}  ",
            self._style(f"{short_type(event.task_type):<{self._type_width}}", "dim"),
            self._style(f" {_seconds(run, event):>9}", "dim"),
        ]
        facts = [_STORED.sub("kestra:///…/", clean(event.fact))] if event.fact else []
        if run.mocked:
            facts.append(self._style("(mock)", "magenta"))
        if run.attempts and len(run.attempts) > 1:
            facts.append(f"{len(run.attempts)} attempts")
        return ("".join(parts) + ("  " + "  ".join(facts) if facts else "")).rstrip()

    def _log(self, event: LogEmitted) -> None:
        entry = event.entry
        level = _LEVELS.index(entry.level) if entry.level in _LEVELS else 2
        if self._level is not None:
            if level >= self._level:
                self._err(self._log_line(event) + "\n")
        elif entry.level == "ERROR" and len(self._errors) < 20:
            self._errors.append((entry.message.split("\n")[0], self._log_line(event)))

    def _log_line(self, event: LogEmitted) -> str:
        entry = event.entry
        where = clean(entry.task_id or entry.flow_id)
        first, *rest = clean(entry.message.rstrip("\n")).split("\n")
        head = self._err_style(f"{entry.level:<5}", *_LEVEL_COLORS.get(entry.level, ()))
        lines = [f"    {head} {self._err_style(where, 'dim')}  {first}"]
        lines += [f"          {line}" for line in rest]
        return "\n".join(lines)

    def _result(self, execution: Execution) -> None:
        state = execution.state.current
        if self._folded and not self._quiet:
            counts = ", ".join(f"{count:,} {state}" for state, count in self._folded.items())
            self._line(f"  ... and {counts}")
        # What a diagnostic says with its place need not be said twice.
        errors = [line for message, line in self._errors if message not in self._pointed]
        if errors and state is not StateType.SUCCESS:
            self._err("\n" + "\n".join(errors) + "\n")
        count = len(self._counted)
        runs = f"{count:,} task run{'s' if count != 1 else ''}"
        duration = execution.state.duration
        took = f" in {_duration(duration)}" if duration is not None else ""
        # Always said, the last line above all: a run that looks real and is not would be worse than none.
        mocked = f", {len(self._mocked):,} mocked" if self._mocked else ""
        if not self._quiet:
            self._line("")
        self._line(
            f"{self._style(str(state), *state_color(state))}  {clean(execution.flow_id)}  {runs}{took}"
            f"{self._style(mocked, 'magenta')}"
        )
        if execution.outputs and not self._quiet:
            for key, value in execution.outputs.items():
                self._line(f"  {clean(str(key))}: {_short(clean(str(value)), 100)}")


def loop_item(loop: Mapping[str, Any]) -> str:
    """What an iteration of a Loop (2.0) is called: its key, value or number."""
    for name in ("key", "value", "index"):
        if loop.get(name) is not None:
            return str(loop[name])
    return ""


def short_type(name: str) -> str:
    """`io.kestra.plugin.jdbc.postgresql.Query` -> `jdbc.postgresql.Query`."""
    for prefix in ("io.kestra.plugin.core.", "io.kestra.plugin.", "io.kestra."):
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def _seconds(run: TaskRun, event: TaskRunChanged) -> str:
    if run.state.duration is None:
        return ""
    return _duration(run.state.duration)


def _duration(duration: dt.timedelta) -> str:
    seconds = duration.total_seconds()
    if seconds < 60:
        return f"{seconds:.2f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    if seconds < 48 * 3600:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
    return f"{seconds / 86400:.1f} days"


def _short(text: str, limit: int) -> str:
    text = text.replace("\n", " ")
    return text if len(text) <= limit else text[: limit - 1] + "…"
