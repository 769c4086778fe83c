"""The live end of the story on a terminal: what runs and what waits, redrawn under the lines that are told already.

`LiveRegion` owns the last lines of the screen. Text written through it goes above them and stays; `LiveReporter` says
what the region shows: the open task runs as a tree, the run's clock when it is simulated. At the end the region is
gone and the story is what is left on screen. Not used in a pipe or in CI.
"""

from __future__ import annotations

import datetime as dt
import shutil
import threading
import time
import unicodedata
from typing import TextIO

from simulator.engine.events import Event, ExecutionEnded, ExecutionStarted, RunEnded, TaskRunChanged
from simulator.engine.execution import StateType, TaskRun
from simulator.reports.console import loop_item, short_type
from simulator.reports.sink import Redacts
from simulator.reports.style import Style, clean

__all__ = ["LiveRegion", "LiveReporter"]

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SECONDS = 0.1
#: nothing is drawn for what is over sooner
_PATIENCE = 0.25
_MOST = 12


class LiveRegion:
    """The redrawn lines at the bottom. All writing to the terminal goes through it while it is open."""

    def __init__(self, stream: TextIO, redactor: Redacts | None) -> None:
        self._stream = stream
        self._redactor = redactor
        self._lines: list[str] = []
        self._drawn = 0
        #: A question waits for its answer in this line: nothing is drawn below it.
        self._asking = False
        self._lock = threading.RLock()

    def write(self, text: str) -> None:
        """A `Writer`: the text goes above the region. One that does not end its line keeps the region away until the
        next that does."""
        if self._redactor is not None:
            text = self._redactor.redact(text)
        with self._lock:
            self._asking = not text.endswith("\n")
            self._put(text)

    def show(self, lines: list[str]) -> None:
        with self._lock:
            if lines == self._lines and self._drawn:
                return
            self._lines = lines
            self._put("")

    def update(self, lines: list[str]) -> None:
        """What is shown from the next writing on: a line that is told must not show as open below itself."""
        with self._lock:
            if self._drawn:
                self._lines = lines

    def _put(self, text: str) -> None:
        """Erases the region, writes above it and draws it again: one write, or the terminal shows the steps (flicker)."""
        width, height = shutil.get_terminal_size()
        lines = self._lines[: max(0, min(_MOST, height - 2))] if not self._asking else []
        redact = self._redactor.redact if self._redactor is not None else str
        erase = f"\x1b[{self._drawn}A\x1b[J" if self._drawn else ""
        self._drawn = len(lines)
        whole = "".join([erase, text, *(_cut(redact(line), width - 1) + "\n" for line in lines)])
        if whole:
            self._stream.write(whole)
            self._stream.flush()


def _cut(text: str, width: int) -> str:
    """At most `width` columns; escape codes take no room, wide characters two."""
    shown = 0
    result = []
    index = 0
    while index < len(text) and shown < width:
        if text[index] == "\x1b":
            end = text.find("m", index)
            end = len(text) - 1 if end < 0 else end
            result.append(text[index : end + 1])
            index = end + 1
            continue
        columns = 2 if unicodedata.east_asian_width(text[index]) in "WF" else 1
        if shown + columns > width:
            break
        result.append(text[index])
        shown += columns
        index += 1
    return "".join(result) + ("\x1b[0m" if "\x1b" in text else "")


class LiveReporter:
    """Keeps the open task runs and draws them ten times a second."""

    def __init__(self, region: LiveRegion, style: Style, *, simulated: bool = True) -> None:
        self._region = region
        self._style = style
        self._simulated = simulated
        self._open: dict[str, tuple[TaskRun, str, float]] = {}
        self._flows: dict[str, str] = {}
        self._items: dict[str, str] = {}
        self._root: str | None = None
        self._done = 0
        self._now: dt.datetime | None = None
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="live-view", daemon=True)
        self._thread.start()

    def on_event(self, event: Event) -> None:
        with self._lock:
            self._now = event.at
            match event:
                case ExecutionStarted():
                    self._root = self._root or event.execution.id
                    self._flows[event.execution.id] = event.execution.flow_id
                    if event.execution.loop is not None:
                        self._items[event.execution.id] = loop_item(event.execution.loop)
                case TaskRunChanged():
                    run = event.task_run
                    if event.removed or run.state.current.is_terminated:
                        if self._open.pop(run.id, None) is not None and not event.removed:
                            self._done += 1
                    else:
                        before = self._open.get(run.id)
                        started = before[2] if before else time.monotonic()
                        self._open[run.id] = (run, event.task_type, started)
                case ExecutionEnded() if event.execution.id == self._root:
                    self._open.clear()
            if isinstance(event, (TaskRunChanged, ExecutionEnded)):
                self._region.update(self._frame(_FRAMES[0]))
        if isinstance(event, RunEnded):
            self.close()

    def close(self) -> None:
        """Clears the region. Idempotent."""
        self._stop.set()
        self._region.show([])

    def _loop(self) -> None:
        frame = 0
        while not self._stop.wait(_SECONDS):
            if time.monotonic() - self._began < _PATIENCE:
                continue
            frame += 1
            with self._lock:
                lines = self._frame(_FRAMES[frame % len(_FRAMES)])
            if not self._stop.is_set():
                self._region.show(lines)

    def _depth(self, run: TaskRun) -> int:
        depth, parent = 0, run.parent_task_run_id
        while parent is not None and parent in self._open and depth < 10:
            depth += 1
            parent = self._open[parent][0].parent_task_run_id
        return depth

    def _frame(self, mark: str) -> list[str]:
        rows = []
        for run, type_name, started in list(self._open.values())[: _MOST - 2]:
            state = run.state.current
            waits = state in (StateType.PAUSED, StateType.RETRYING, StateType.CREATED, StateType.QUEUED)
            name = clean(run.task_id + (f"[{run.value[:24]}]" if run.value is not None else ""))
            if run.execution_id in self._items:
                name += f"[{clean(self._items[run.execution_id][:24])}]"
            elif run.execution_id != self._root:
                name = f"{clean(self._flows.get(run.execution_id, ''))}.{name}"
            sign = self._style("·", "dim") if waits else self._style(mark, "cyan")
            seconds = f"{time.monotonic() - started:5.1f} s"
            rows.append((sign, "  " * self._depth(run) + name, short_type(type_name), seconds, str(state)))
        # columns, so that the eye finds the time; one long name does not push the others away
        names = min(40, max((len(row[1]) for row in rows), default=0))
        kinds = min(30, max((len(row[2]) for row in rows), default=0))
        lines = [
            f"  {sign} {name:<{names}}  " + self._style(f"{kind:<{kinds}}  {seconds}  {state.lower()}", "dim")
            for sign, name, kind, seconds, state in rows
        ]
        more = len(self._open) - len(lines)
        if more > 0:
            lines.append(self._style(f"    ... and {more:,} more", "dim"))
        if lines:
            clock = f", clock {self._now:%Y-%m-%d %H:%M:%S}" if self._simulated and self._now else ""
            lines.append(self._style(f"    {self._done:,} done, {len(self._open):,} open{clock}", "dim"))
        return lines
