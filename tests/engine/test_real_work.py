"""Task code in threads: real time, real processes, cancelling, and code that does not listen."""

from __future__ import annotations

import datetime as dt
import threading
import time
from pathlib import Path
from typing import ClassVar

import pytest

from simulator.engine import dispatch
from simulator.engine.clock import RunClock
from simulator.engine.task import RunContext, TaskResult
from simulator.model.catalog import TaskSpec
from tests.engine.harness import LOG, SLEEP, START, World, flow, ids, run_of, state


class Shell:
    """Sleeps in a real process."""

    spec: ClassVar[TaskSpec] = TaskSpec("test.Shell", open_properties=True)

    def run(self, ctx: RunContext) -> TaskResult:
        result = ctx.processes.run(
            ["sh", "-c", str(ctx.get("script"))],
            cwd=ctx.working_dir,
            env={"PATH": "/usr/bin:/bin"},
            on_stdout=ctx.logger.info,
            on_stderr=ctx.logger.error,
        )
        return TaskResult({"code": result.exit_code})


class Deaf:
    """Does not look at `cancelled`."""

    spec: ClassVar[TaskSpec] = TaskSpec("test.Deaf")
    release: ClassVar[threading.Event] = threading.Event()

    def run(self, ctx: RunContext) -> TaskResult:
        self.release.wait(20)
        return TaskResult()


def test_real_time_waits_for_real(tmp_path: Path) -> None:
    text = flow(f"- {{id: nap, type: {SLEEP}, duration: PT0.2S}}")
    world = World(tmp_path, text, clock=RunClock(simulated=False))
    began = time.monotonic()
    assert state(world.run()) == "SUCCESS"
    assert time.monotonic() - began >= 0.2


def test_real_work_runs_side_by_side_and_logs_as_it_goes(tmp_path: Path) -> None:
    tasks = "\n".join(
        f"    - {{id: t{n}, type: test.Shell, script: 'sleep 0.5; echo t{n}'}}" for n in range(4)
    )
    text = flow(f"- id: par\n  type: io.kestra.plugin.core.flow.Parallel\n  tasks:\n{tasks}")
    world = World(tmp_path, text, plugins=[Shell])
    began = time.monotonic()
    assert state(world.run()) == "SUCCESS"
    assert time.monotonic() - began < 1.8
    assert sorted(world.messages("INFO")) == ["t0", "t1", "t2", "t3"]


def test_a_real_timeout_kills_the_process(tmp_path: Path) -> None:
    text = flow("- {id: long, type: test.Shell, script: sleep 30, timeout: PT0.3S}")
    world = World(tmp_path, text, plugins=[Shell])
    began = time.monotonic()
    assert state(world.run()) == "FAILED"
    assert time.monotonic() - began < 5
    assert "Timeout after 00:00:00.300" in world.messages("ERROR")


def test_a_kill_reaches_real_work(tmp_path: Path) -> None:
    text = flow(
        f"- {{id: long, type: test.Shell, script: sleep 30}}\n- {{id: never, type: {LOG}, message: x}}"
    )
    world = World(tmp_path, text, plugins=[Shell])
    ident = world.create()
    world.executor.run_until(lambda: bool(world.executor.live(ident).jobs))
    world.executor.act("kill", ident)
    world.executor.run_until_idle()
    execution = world.executor.execution(ident)
    assert (state(execution), ids(execution)) == ("KILLED", ["long"])
    assert state(run_of(execution, "long")) == "KILLED"


def test_code_that_does_not_listen_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_GRACE", 0.2)
    text = flow("- {id: deaf, type: test.Deaf, timeout: PT0.3S}")
    world = World(tmp_path, text, plugins=[Deaf])
    began = time.monotonic()
    assert state(world.run()) == "FAILED"
    assert time.monotonic() - began < 5
    Deaf.release.set()


def test_simulated_time_stands_still_when_frozen(tmp_path: Path) -> None:
    text = flow("- {id: work, type: test.Shell, script: sleep 0.3}")
    frozen = World(tmp_path / "1", text, plugins=[Shell], clock=RunClock(start=START, frozen=True))
    frozen.run()
    assert frozen.clock.now() == START
    going = World(tmp_path / "2", text, plugins=[Shell], clock=RunClock(start=START))
    going.run()
    assert dt.timedelta(seconds=0.2) < going.clock.now() - START < dt.timedelta(seconds=3)


def test_no_working_directory_is_left(tmp_path: Path) -> None:
    text = flow("- {id: work, type: test.Shell, script: 'touch a b c'}")
    world = World(tmp_path, text, plugins=[Shell])
    world.run()
    assert list((tmp_path / "work").iterdir()) == []
