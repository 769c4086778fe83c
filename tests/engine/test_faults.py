"""The n-th thing that may fail fails, for every n: the run ends honestly, nobody is left behind, the store is readable."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from simulator.engine.events import Event, RunStarted
from simulator.engine.execution import StateType
from simulator.engine.store import EventStore, read_run
from simulator.engine.task import RunContext, TaskResult
from simulator.errors import SimulatorError, StorageError, TaskError
from simulator.model.catalog import TaskSpec
from tests.engine.harness import LOG, RETURN, START, World, flow


class Worker:
    """Writes a file, starts a process, asks for an endpoint: every kind of work once."""

    spec: ClassVar[TaskSpec] = TaskSpec("test.Worker")

    def run(self, ctx: RunContext) -> TaskResult:
        uri = ctx.put_bytes(io.BytesIO(b"content"), "a.txt")
        lines: list[str] = []
        ctx.processes.run(
            ["sh", "-c", "echo done"],
            cwd=ctx.working_dir,
            env={"PATH": "/usr/bin:/bin"},
            on_stdout=lines.append,
            on_stderr=lines.append,
        )
        ctx.kv.put(ctx.flow.namespace, "k", lines[0])
        with ctx.open_uri(uri) as stream:
            return TaskResult({"uri": uri, "text": stream.read().decode() + lines[0]})


TEXT = flow(
    """
    - {id: one, type: test.Worker}
    - id: seq
      type: io.kestra.plugin.core.flow.Sequential
      tasks:
        - {id: two, type: test.Worker}
    """,
    tail=f"""
    errors:
      - {{id: sorry, type: {LOG}, message: x}}
    finally:
      - {{id: last, type: {RETURN}, format: x}}
    """,
)


class Countdown:
    """Raises at the n-th call."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.hit = False

    def wrap(self, call: Callable[..., Any], error: Callable[[], Exception]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                self.hit = True
                raise error()
            return call(*args, **more)

        return wrapped


def _world(tmp_path: Path, countdown: Countdown) -> tuple[World, Path]:
    folder = tmp_path / "run"
    folder.mkdir(parents=True)
    world = World(tmp_path, TEXT, plugins=[Worker])
    store = EventStore(folder, world.executor.kernel.redactor.redact)
    store.on_event(RunStarted(START, "flow.yml", "test.engine", "flow", "2.0"))
    world.executor.kernel.sink = store.on_event
    kernel = world.executor.kernel
    for thing, name, error in (
        (kernel.storage, "put", lambda: StorageError("disk full")),
        (kernel.storage, "open", lambda: StorageError("cannot read")),
        (kernel.processes, "run", lambda: TaskError("cannot start")),
        (kernel.kv, "put", lambda: StorageError("disk full")),
    ):
        setattr(thing, name, countdown.wrap(getattr(thing, name), error))
    return world, folder


@pytest.mark.parametrize("number", range(1, 11))
def test_the_nth_call_fails(tmp_path: Path, number: int) -> None:
    countdown = Countdown(number)
    world, folder = _world(tmp_path, countdown)
    execution = world.run()
    ids = [run.task_id for run in execution.task_runs]
    if countdown.hit:
        assert execution.state.current is StateType.FAILED
        assert ids[-2:] == ["sorry", "last"]
        assert any("disk full" in text or "cannot" in text for text in world.messages("ERROR"))
    else:
        assert execution.state.current is StateType.SUCCESS
    assert not world.executor.kernel.jobs.busy
    assert not list((tmp_path / "work").glob("*"))
    stored = read_run(folder).executions[execution.id]
    assert stored.state == execution.state
    assert [run.task_id for run in stored.task_runs] == ids


@pytest.mark.parametrize("number", range(1, 25, 3))
def test_the_nth_event_cannot_be_written(tmp_path: Path, number: int) -> None:
    """A store that fails stops the run with an error of ours; what was written stays readable."""
    countdown = Countdown(number)
    world, folder = _world(tmp_path, Countdown(10_000))
    write: Callable[[Event], None] = world.executor.kernel.sink
    world.executor.kernel.sink = countdown.wrap(write, lambda: StorageError("Cannot write: disk full"))
    with pytest.raises(SimulatorError, match="disk full"):
        world.run()
    assert len(read_run(folder).executions) <= 1
    world.executor.interrupt()
