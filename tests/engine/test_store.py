"""Kept executions: written as they happen, read back, gone on with; never a secret in clear."""

import base64
import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulator.engine.clock import RunClock
from simulator.engine.events import RunEnded, RunStarted, TaskRunChanged
from simulator.engine.jsonform import execution_from_json, to_json
from simulator.engine.store import EVENTS, EventStore, Store, execution_ids, read_run
from simulator.errors import NotFoundError, StorageError, UsageError
from tests.engine.harness import LOG, RETURN, START, World, flow, ids, run_of, state

PAUSED = flow(f"""
- {{id: a, type: {RETURN}, format: one}}
- id: seq
  type: io.kestra.plugin.core.flow.Sequential
  tasks:
    - {{id: wait, type: io.kestra.plugin.core.flow.Pause}}
    - {{id: b, type: {RETURN}, format: "{{{{ outputs.a.value }}}} two"}}
""")


def kept(tmp_path: Path, *texts: str, env: dict[str, str] | None = None) -> tuple[World, Path]:
    folder = tmp_path / "state" / "runs" / "1"
    folder.mkdir(parents=True)
    world = World(tmp_path / "world", *texts, env=env)
    store = EventStore(folder, world.executor.kernel.redactor.redact)
    world.executor.kernel.sink = store.on_event
    store.on_event(RunStarted(START, "flow.yml", "test.engine", "flow", "2.0"))
    return world, folder


def test_what_is_read_is_what_was_there(tmp_path: Path) -> None:
    world, folder = kept(tmp_path, PAUSED)
    execution = world.run()
    run = read_run(folder)
    assert (folder / EVENTS).stat().st_mode & 0o777 == 0o600
    assert run.started["file"] == "flow.yml"
    assert run.exit_code is None
    assert to_json(run.executions[execution.id]) == to_json(execution)
    assert execution_from_json(to_json(execution)).task_runs == run.executions[execution.id].task_runs


def test_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    world, folder = kept(tmp_path, PAUSED)
    execution = world.run()
    path = folder / EVENTS
    whole = path.read_bytes()
    for cut in range(len(whole) - 400, len(whole), 37):
        path.write_bytes(whole[:cut])
        assert execution.id in read_run(folder).executions


def test_another_process_goes_on(tmp_path: Path) -> None:
    world, folder = kept(tmp_path, PAUSED)
    execution = world.run()
    run = read_run(folder)
    other = World(tmp_path / "other", PAUSED)
    other.executor.adopt(list(run.executions.values()), run.logs)
    other.executor.act("resume", execution.id)
    other.executor.run_until_idle()
    done = other.executor.execution(execution.id)
    assert (state(done), ids(done)) == ("SUCCESS", ["a", "seq", "wait", "b"])
    assert run_of(done, "b").outputs == {"value": "one two"}


def test_a_loop_that_failed_goes_on_in_another_process(tmp_path: Path) -> None:
    text = flow(f"""
    - id: loop
      type: io.kestra.plugin.core.flow.Loop
      values: [1, 2]
      tasks:
        - {{id: flaky, type: {LOG}, message: "{{{{ 1 / taskrun.attemptsCount }}}}"}}
    """)
    world, folder = kept(tmp_path, text)
    execution = world.run()
    assert state(execution) == "FAILED"
    run = read_run(folder)
    other = World(tmp_path / "other", text)
    other.executor.adopt(list(run.executions.values()), run.logs)
    other.executor.act("restart", execution.id)
    other.executor.run_until_idle()
    inner = [item for item in other.executor.executions() if item.kind == "LOOP"]
    assert [state(item) for item in inner] == ["SUCCESS", "FAILED"]


def test_no_secret_is_stored_in_clear(tmp_path: Path) -> None:
    secret = "correct-horse-battery"
    text = flow(f"""
    - {{id: a, type: {RETURN}, format: "{{{{ secret('TOKEN') }}}}"}}
    - {{id: b, type: {LOG}, message: "it is {{{{ outputs.a.value }}}}"}}
    """)
    encoded = base64.b64encode(secret.encode()).decode()
    world, folder = kept(tmp_path, text, env={"SECRET_TOKEN": encoded})
    assert state(world.run()) == "SUCCESS"
    content = (folder / EVENTS).read_text("utf-8")
    assert secret not in content
    assert encoded not in content
    assert "******" in content


def test_an_execution_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    world, folder = kept(tmp_path, PAUSED)
    first, second = world.run(), world.run()
    store = Store(tmp_path / "state")
    assert store.find(first.id[:8])[1].id == first.id
    assert store.find(None)[1].id == first.id
    with pytest.raises(UsageError, match="several executions begin with"):
        store.find("")
    with pytest.raises(NotFoundError, match="No execution found for execution id zzz"):
        store.find("zzz")
    assert second.id in read_run(folder).executions


def test_the_end_of_the_run_is_kept(tmp_path: Path) -> None:
    world, folder = kept(tmp_path, PAUSED)
    world.run()
    world.executor.kernel.sink(RunEnded(START, 8))
    assert read_run(folder).exit_code == 8
    assert all(json.loads(line) for line in (folder / EVENTS).read_text().splitlines())


def test_of_a_turn_the_last_word_on_each_thing_is_kept(tmp_path: Path) -> None:
    world, folder = kept(tmp_path, PAUSED)
    execution = world.run()
    alone = read_run(folder)
    other = tmp_path / "other"
    other.mkdir()
    store = EventStore(other, str)
    told = World(tmp_path / "again", PAUSED)
    told.run()
    store.on_events(told.events)
    together = read_run(other)
    assert list(together.executions.values()) == list(alone.executions.values()) == [execution]
    assert together.logs == alone.logs
    assert together.types == alone.types
    lines = [(folder / EVENTS).read_bytes().splitlines(), (other / EVENTS).read_bytes().splitlines()]
    others = sum(map(len, together.logs.values())) + len(together.metrics)
    assert len(lines[1]) == 1 + len(execution.task_runs) + others < len(lines[0])


def test_a_fact_and_a_removal_survive_a_turn(tmp_path: Path) -> None:
    world, folder = kept(tmp_path, PAUSED)
    run = run_of(world.run(), "a")
    other = run_of(world.executor.executions()[0], "seq")
    store = EventStore(folder, str)
    store.on_events(
        [
            TaskRunChanged(START, run, "t", fact="6 rows"),
            TaskRunChanged(START, run, "t"),
            TaskRunChanged(START, other, "t"),
            TaskRunChanged(START, other, "t", removed=True),
        ]
    )
    read = read_run(folder)
    assert read.facts == {run.id: "6 rows"}
    assert ids(read.executions[run.execution_id]) == ["a", "wait"]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (1 << 70, 1 << 70),
        ("half \ud83d pair", "half \ud83d pair"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (1e300, 1e300),
        (Decimal("Infinity"), "Infinity"),
    ],
)
def test_values_that_json_hardly_knows(tmp_path: Path, value: Any, read: Any) -> None:
    world, folder = kept(tmp_path, PAUSED)
    run = replace(run_of(world.run(), "a"), outputs={"v": value, "none": None})
    EventStore(folder, str).on_event(TaskRunChanged(START, run, "t"))
    found = run_of(read_run(folder).executions[run.execution_id], "a")
    assert found.outputs == {"v": read, "none": None}


def test_a_full_disk_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Cannot write"):
        EventStore(tmp_path / "nowhere", str)


def test_a_pause_goes_on_for_what_is_left_of_its_time(tmp_path: Path) -> None:
    text = PAUSED.replace("flow.Pause}", "flow.Pause, pauseDuration: PT1H}")
    world, folder = kept(tmp_path, text)
    ident = world.create()
    world.executor.run_until_idle(before=START + dt.timedelta(minutes=20))
    run = read_run(folder)
    assert state(run.executions[ident]) == "PAUSED"
    later = RunClock(start=START + dt.timedelta(minutes=50))
    other = World(tmp_path / "other", text, clock=later)
    other.executor.adopt(list(run.executions.values()), run.logs)
    other.executor.run_until_idle()
    done = other.executor.execution(ident)
    assert state(done) == "SUCCESS"
    assert run_of(done, "b").state.start_date == START + dt.timedelta(hours=1)


def test_the_next_round_of_a_kept_loop_comes_when_it_is_due(tmp_path: Path) -> None:
    text = flow(f"""
    - id: until
      type: io.kestra.plugin.core.flow.LoopUntil
      condition: "{{{{ outputs.until.iterationCount == 3 }}}}"
      checkFrequency: {{interval: PT10M}}
      tasks:
        - {{id: in, type: {LOG}, message: x}}
    """)
    world, folder = kept(tmp_path, text)
    ident = world.create()
    world.executor.run_until_idle(before=START + dt.timedelta(minutes=5))
    run = read_run(folder)
    other = World(tmp_path / "other", text, clock=RunClock(start=START + dt.timedelta(minutes=8)))
    other.executor.adopt(list(run.executions.values()), run.logs)
    other.executor.run_until_idle()
    done = other.executor.execution(ident)
    assert run_of(done, "until").outputs == {"iterationCount": 3}
    assert run_of(done, "until").state.end_date == START + dt.timedelta(minutes=20)


def test_a_wait_for_the_next_try_goes_on_in_another_process(tmp_path: Path) -> None:
    text = flow(f"""
    - id: flaky
      type: {LOG}
      message: "{{{{ 1 / (taskrun.attemptsCount - 2) }}}}{{{{ taskrun.attemptsCount < 2 ? nope : '' }}}}"
      retry: {{type: constant, interval: PT1H, maxAttempts: 3}}
    - {{id: after, type: {LOG}, message: done}}
    """)
    world, folder = kept(tmp_path, text)
    execution = world.run()
    lines = (folder / EVENTS).read_bytes().splitlines(keepends=True)
    for count in range(len(lines), 0, -1):
        (folder / EVENTS).write_bytes(b"".join(lines[:count]))
        run = read_run(folder)
        flaky = run_of(run.executions[execution.id], "flaky")
        if state(run.executions[execution.id]) == flaky.state.current == "RETRYING":
            break
    other = World(tmp_path / "other", text)
    other.executor.adopt(list(run.executions.values()), run.logs)
    other.executor.run_until_idle()
    done = other.executor.execution(execution.id)
    assert done.state.current.is_terminated
    assert len(flaky.attempts or ()) < len(run_of(done, "flaky").attempts or ()) == 3


def test_ids_are_found_without_reading_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, folder = kept(tmp_path, PAUSED)
    first, second = world.run(), world.run()
    with (folder / EVENTS).open("ab") as stream:
        stream.write(b'{"e":"started","execution":{"id":"cutshort"')
    assert execution_ids(folder) == [first.id, second.id]
    (folder.parent / "2").mkdir()
    (folder.parent / "2" / EVENTS).touch()
    turn = tmp_path / "turn"
    turn.mkdir()
    told = World(tmp_path / "again", PAUSED)
    third = told.run()
    EventStore(turn, str).on_events(told.events)  # only the last word on each thing
    assert execution_ids(turn) == [third.id]
    store = Store(tmp_path / "state")
    monkeypatch.setattr("simulator.engine.store.read_run", lambda folder: pytest.fail(f"{folder} was read"))
    with pytest.raises(NotFoundError):
        store.find("nobody")
    with pytest.raises(UsageError):
        store.find("")


def test_what_started_an_execution_is_kept(tmp_path: Path) -> None:
    text = flow(
        f"- {{id: a, type: {LOG}, message: x}}",
        tail="triggers:\n  - {id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: '@daily'}",
    )
    world, folder = kept(tmp_path, text)
    made = world.executor.fire("test.engine", "flow", "t")
    assert made is not None
    world.executor.run_until_idle()
    kept_one = read_run(folder).executions[made.id]
    assert (kept_one.trigger_id, kept_one.trigger_type) == ("t", "io.kestra.plugin.core.trigger.Schedule")
    assert kept_one.schedule_date == made.schedule_date
    assert to_json(kept_one)["trigger"]["variables"]["date"] == "2025-03-03T00:00:00Z"
