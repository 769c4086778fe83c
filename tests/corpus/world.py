"""Runs a real flow with what `simulate mocks --all` writes for it (`simulator.world.samples`): a side file beside it."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

from simulator.engine.execution import Execution, LogEntry
from simulator.errors import SimulatorError
from simulator.model.dialects import choose
from simulator.model.flow import Flow
from simulator.plugins.registry import Registry
from simulator.session import Session
from simulator.world.samples import reaches_out, render_samples, samples
from simulator.world.sidefile import side_file_of

__all__ = ["Outcome", "run_flow"]


class Outcome:
    """How a flow ended: a state, or the error that kept it from starting."""

    def __init__(
        self,
        execution: Execution | None,
        logs: list[LogEntry],
        error: SimulatorError | None,
        mocked: set[str],
        flow: Flow,
    ) -> None:
        self.execution = execution
        self.logs = logs
        self.error = error
        self.mocked = mocked
        self.flow = flow

    @property
    def state(self) -> str:
        return str(self.execution.state.current) if self.execution is not None else "NONE"

    @property
    def reasons(self) -> list[str]:
        if self.error is not None:
            return [self.error.message, *(item.message for item in self.error.diagnostics)]
        return [entry.message for entry in self.logs if entry.level == "ERROR"]


class _Recorder:
    def __init__(self) -> None:
        self.logs: list[LogEntry] = []

    def on_event(self, event: Any) -> None:
        entry = getattr(event, "entry", None)
        if entry is not None:
            self.logs.append(entry)

    def close(self) -> None:
        pass


def run_flow(path: Path, folder: Path, real: tuple[str, ...] = ()) -> Outcome:
    """Runs a copy of a flow beside a generated side file; nothing but a SimulatorError is caught.

    `real`: beginnings of types that are not mocked although they run code.
    """
    text = path.read_text("utf-8")
    registry = Registry()
    choice = choose(text, str(path), registry)
    assert choice.flow is not None
    found = samples(
        choice.flow,
        text,
        registry,
        choice.dialect,
        wanted=lambda task: reaches_out(task) and not task.type.startswith(real),
    )
    copy = Path(shutil.copy(path, folder))
    side_file_of(copy).write_text(render_samples(found, choice.flow), "utf-8")
    recorder = _Recorder()
    flags = {"seed": 1, "state_dir": folder, "now": dt.datetime(2026, 1, 31, 9, tzinfo=dt.UTC)}
    mocked = set(found.mocks)
    try:
        with Session.open(copy, flags=flags, environ={}, cwd=folder) as session:
            session.reporters.append(recorder)
            return Outcome(session.run(), recorder.logs, None, mocked, choice.flow)
    except SimulatorError as error:
        return Outcome(None, recorder.logs, error, mocked, choice.flow)
