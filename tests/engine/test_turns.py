"""Turns of the loop: what happened is kept in one piece before anybody is told, and nothing real begins untold."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from simulator.engine.events import Event, LogEmitted, TaskRunChanged
from simulator.engine.jsonform import task_run_to_json
from simulator.engine.store import EVENTS, Store, StoredRun, read_run
from simulator.engine.task import RunContext, TaskResult
from simulator.errors import StorageError
from simulator.model.catalog import TaskSpec
from simulator.session import Session
from tests.engine.harness import LOG, RETURN, SLEEP, World, flow

LOOP = flow(f"""
- id: loop
  type: io.kestra.plugin.core.flow.Loop
  values: {list(range(40))}
  tasks:
    - {{id: log, type: {LOG}, message: "Hi {{{{ item.value }}}}"}}
- id: nap
  type: {SLEEP}
  duration: PT1H
- {{id: end, type: {RETURN}, format: "over"}}
""")


class Witness:
    """A reporter that looks into the store whenever it is told something."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.told = 0
        self._read: StoredRun | None = None
        self._size = -1

    def _stored(self) -> StoredRun:
        assert self.session.rundir is not None
        size = (self.session.rundir.root / EVENTS).stat().st_size
        if self._read is None or size != self._size:
            self._read, self._size = read_run(self.session.rundir.root), size
        return self._read

    def on_event(self, event: Event) -> None:
        stored = self._stored()
        match event:
            case TaskRunChanged():
                runs = stored.executions[event.task_run.execution_id].task_runs
                kept = next(run for run in runs if run.id == event.task_run.id)
                told = task_run_to_json(event.task_run)["state"]["histories"]
                assert task_run_to_json(kept)["state"]["histories"][: len(told)] == told
                self.told += 1
            case LogEmitted():
                assert event.entry.message in [item.message for item in stored.logs[event.entry.execution_id]]
                self.told += 1

    def close(self) -> None:
        """Nothing is kept back."""


def test_whoever_is_told_finds_it_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "flow.yml"
    path.write_text(LOOP, "utf-8")
    with Session.open(path, flags={"kestra": "2", "state_dir": tmp_path / "state", "seed": 1}) as session:
        witness = Witness(session)
        session.reporters.append(witness)
        assert session.run().state.current == "SUCCESS"
        session.finish(0)
    assert witness.told > 40 * 5
    stored = read_run(next((tmp_path / "state" / "runs").iterdir()))
    assert stored.exit_code == 0
    assert [item.state.current for item in stored.executions.values()] == ["SUCCESS"] * 41


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    yield from process.stdout


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize("count", [5, 90])
def test_kill_9_loses_nothing_that_was_shown(tmp_path: Path, count: int) -> None:
    (tmp_path / "flow.yml").write_text(LOOP.replace(f"{list(range(40))}", f"{list(range(2000))}"), "utf-8")
    command = [sys.executable, "-m", "simulator", "flow.yml", "--kestra", "2", "-vv"]
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    shown: list[str] = []
    for line in _lines(process):
        shown.append(line)
        if len(shown) == count:
            process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    run = next(Store(tmp_path / ".simulate").runs())
    kept = [entry.message for entries in run.logs.values() for entry in entries]
    ended = [item for execution in run.executions.values() for item in execution.task_runs]
    said = [found[1] for line in shown if (found := re.search(r"\b(Hi \d+)$", line))]
    runs = [line for line in shown if re.match(r"\s+SUCCESS\s+log\b", line)]
    assert runs and said
    assert set(said) <= set(kept)
    assert len(runs) <= sum(item.task_id == "log" and item.state.current == "SUCCESS" for item in ended)


class Work:
    """Says what had been handed on when its code began."""

    spec: ClassVar[TaskSpec] = TaskSpec("test.Work")
    seen: ClassVar[list[int]] = []
    handed: ClassVar[list[int]] = []

    def run(self, ctx: RunContext) -> TaskResult:
        Work.seen.append(Work.handed[-1])
        return TaskResult()


def _counted(tmp_path: Path, text: str) -> tuple[World, list[Event]]:
    """A world whose turns note how many events there were."""
    world = World(tmp_path, text, plugins=[Work])
    Work.seen, Work.handed = [], []
    world.executor.kernel.loop.on_turn = lambda: Work.handed.append(len(world.events))
    return world, world.events


def test_a_turn_ends_before_task_code_begins(tmp_path: Path) -> None:
    world, events = _counted(
        tmp_path, flow(f"- {{id: a, type: {LOG}, message: x}}\n- {{id: b, type: test.Work}}")
    )
    world.run()
    running = next(
        number
        for number, event in enumerate(events)
        if isinstance(event, TaskRunChanged)
        and event.task_run.task_id == "b"
        and event.task_run.state.current == "RUNNING"
    )
    assert Work.seen == [running + 1]
    assert Work.handed[-1] == len(events)
    assert not world.executor.working


def test_a_turn_is_short_and_always_the_same(tmp_path: Path) -> None:
    turns: list[list[int]] = []
    for name in ("first", "second"):
        world, events = _counted(tmp_path / name, LOOP)
        world.run()
        turns.append(list(Work.handed))
        steps = [after - before for before, after in zip(turns[-1], turns[-1][1:], strict=False)]
        assert max(steps) < 500
        assert len(turns[-1]) < len(events) / 10
    assert turns[0] == turns[1]


def test_a_turn_that_fails_ends_the_run_with_its_error(tmp_path: Path) -> None:
    world = World(tmp_path, LOOP)

    def full() -> None:
        raise StorageError("Cannot write: disk full")

    world.executor.kernel.loop.on_turn = full
    with pytest.raises(StorageError, match="disk full"):
        world.run()
    assert len(world.events) < 300
    assert not world.executor.working
