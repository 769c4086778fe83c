"""Pause, resume, kill, restart, replay; retries; concurrency; subflows (execution.md 5, 6, 7)."""

from pathlib import Path

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.errors import InvalidInputError, UsageError
from tests.engine.harness import FAIL, LOG, RETURN, SLEEP, START, World, flow, history, ids, run_of, state

BOTH = pytest.mark.parametrize("dialect", [V1, V2], ids=["1.x", "2.0"])
PAUSE = "io.kestra.plugin.core.flow.Pause"


@BOTH
def test_a_pause_waits_for_its_answer(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(f"""
    - id: ask
      type: {PAUSE}
      onResume:
        - {{id: name, type: STRING}}
    - {{id: use, type: {RETURN}, format: "{{{{ outputs.ask.onResume.name }}}}"}}
    """)
    world = World(tmp_path, text, dialect=dialect)
    execution = world.run()
    assert (state(execution), ids(execution)) == ("PAUSED", ["ask"])
    with pytest.raises(InvalidInputError):
        world.executor.act("resume", execution.id, inputs={})
    assert state(world.executor.execution(execution.id)) == "PAUSED"
    world.executor.act("resume", execution.id, inputs={"name": "Ada"})
    world.executor.run_until_idle()
    done = world.executor.execution(execution.id)
    assert run_of(done, "use").outputs == {"value": "Ada"}
    assert history(done) == ["CREATED", "RUNNING", "PAUSED", "RESTARTED", "RUNNING", "SUCCESS"]


@BOTH
def test_a_timed_pause_jumps(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(f"- {{id: wait, type: {PAUSE}, pauseDuration: P3D, behavior: WARN}}")
    world = World(tmp_path, text, dialect=dialect)
    assert state(world.run()) == "WARNING"
    assert (world.clock.now() - START).days == 3


@BOTH
def test_kill_interrupts_and_cascades(tmp_path: Path, dialect: Dialect) -> None:
    child = f"id: child\nnamespace: test.engine\ntasks:\n  - {{id: nap, type: {SLEEP}, duration: P9D}}\n"
    text = flow(
        "- {id: sub, type: io.kestra.plugin.core.flow.Subflow, namespace: test.engine, flowId: child}"
    )
    world = World(tmp_path, text, child, dialect=dialect)
    ident = world.create()
    world.executor.run_until(
        lambda: any(
            run.task_id == "nap" and state(run) == "RUNNING"
            for e in world.executor.executions()
            for run in e.task_runs
        )
    )
    world.executor.act("kill", ident)
    world.executor.run_until_idle()
    assert [state(item) for item in world.executor.executions()] == ["KILLED", "KILLED"]
    assert (world.clock.now() - START).seconds == 0


@BOTH
def test_restart_runs_only_what_failed(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(f"""
    - {{id: ok, type: {LOG}, message: x}}
    - {{id: flaky, type: {LOG}, message: "{{{{ 1 / taskrun.attemptsCount }}}}"}}
    - {{id: end, type: {LOG}, message: x}}
    """)
    world = World(tmp_path, text, dialect=dialect)
    execution = world.run()
    assert state(execution) == "FAILED"
    again = world.executor.act("restart", execution.id)
    assert (again.id, state(again)) == (execution.id, "RESTARTED")
    world.executor.run_until_idle()
    done = world.executor.execution(execution.id)
    assert state(done) == "SUCCESS"
    assert [len(run.attempts) for run in done.task_runs] == [1, 2, 1]
    assert dict(done.labels)["system.restarted"] == "true"


@BOTH
def test_replay_from_a_task_copies_what_came_before(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(f"""
    - {{id: a, type: {RETURN}, format: "{{{{ execution.id }}}}"}}
    - {{id: b, type: {RETURN}, format: "{{{{ outputs.a.value }}}}"}}
    """)
    world = World(tmp_path, text, dialect=dialect)
    first = world.run()
    new = world.executor.act("replay", first.id, task="b")
    world.executor.run_until_idle()
    done = world.executor.execution(new.id)
    assert (state(done), done.parent_id, ids(done)) == ("SUCCESS", first.id, ["a", "b"])
    assert run_of(done, "b").outputs == {"value": first.id}
    assert not {run.id for run in done.task_runs} & {run.id for run in first.task_runs}


def test_refused_actions_say_why(tmp_path: Path) -> None:
    world = World(tmp_path, flow(f"- {{id: a, type: {LOG}, message: x}}"))
    execution = world.run()
    with pytest.raises(UsageError, match="is not paused, can't resume it"):
        world.executor.act("resume", execution.id)
    with pytest.raises(UsageError, match="Cannot restart execution: current state is 'SUCCESS'"):
        world.executor.act("restart", execution.id)
    with pytest.raises(UsageError, match="Unknown action 'fly'") as caught:
        world.executor.act("fly", execution.id)
    assert "set-labels" in (caught.value.hint or "")


@BOTH
def test_a_retry_waits_in_simulated_time(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(f"""
    - id: bad
      type: {FAIL}
      retry: {{type: constant, interval: PT1H, maxAttempts: 3}}
    """)
    world = World(tmp_path, text, dialect=dialect)
    execution = world.run()
    assert (state(execution), len(execution.task_runs[0].attempts)) == ("FAILED", 3)
    assert (world.clock.now() - START).seconds == 7200
    assert "RETRYING" in history(execution)


@BOTH
def test_a_new_execution_takes_over(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(f"""
    - id: bad
      type: {FAIL}
      retry: {{type: constant, interval: PT1M, maxAttempts: 3, behavior: CREATE_NEW_EXECUTION}}
    """)
    world = World(tmp_path, text, dialect=dialect)
    first = world.run()
    states = [state(item) for item in world.executor.executions()]
    assert states == ["RETRIED", "RETRIED", "FAILED"]
    assert {item.original_id for item in world.executor.executions()} == {first.id}


@BOTH
def test_a_queue_is_first_in_first_out(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(
        f"- {{id: nap, type: {SLEEP}, duration: PT10S}}",
        head="concurrency: {limit: 1, behavior: QUEUE}",
    )
    world = World(tmp_path, text, dialect=dialect)
    made = [world.create() for _ in range(3)]
    world.executor.run_until_idle()
    found = [world.executor.execution(ident) for ident in made]
    assert [state(item) for item in found] == ["SUCCESS"] * 3
    assert [history(item)[1] for item in found] == ["RUNNING", "QUEUED", "QUEUED"]
    ends = [(item.state.end_date - START).seconds for item in found]  # type: ignore[operator]
    assert ends == [10, 20, 30]


@BOTH
def test_a_subflow_hands_over_outputs_and_failure(tmp_path: Path, dialect: Dialect) -> None:
    child = (
        "id: child\nnamespace: test.engine\ninputs:\n  - {id: n, type: INT}\n"
        "outputs:\n  - {id: twice, type: INT, value: '{{ inputs.n * 2 }}'}\n"
        f"tasks:\n  - {{id: log, type: {LOG}, message: x}}\n"
    )
    text = flow("""
    - id: sub
      type: io.kestra.plugin.core.flow.Subflow
      namespace: test.engine
      flowId: child
      inputs: {n: 21}
    - id: missing
      type: io.kestra.plugin.core.flow.Subflow
      namespace: test.engine
      flowId: nobody
    """)
    world = World(tmp_path, text, child, dialect=dialect)
    execution = world.run()
    assert state(execution) == "FAILED"
    assert run_of(execution, "sub").outputs["outputs"] == {"twice": 42}
    assert "Unable to find flow 'test.engine'.'nobody' with revision '0'" in world.messages("ERROR")


def test_an_sla_ends_what_takes_too_long(tmp_path: Path) -> None:
    text = flow(
        f"- {{id: nap, type: {SLEEP}, duration: P1D}}",
        head="sla:\n  - {id: quick, type: MAX_DURATION, duration: PT8S, behavior: FAIL}",
    )
    world = World(tmp_path, text)
    execution = world.run()
    assert (state(execution), state(run_of(execution, "nap"))) == ("FAILED", "KILLED")
    assert any("exceed the maximum duration of PT8S." in text for text in world.messages("WARN"))


def test_loop_until_counts_rounds(tmp_path: Path) -> None:
    text = flow(f"""
    - id: until
      type: io.kestra.plugin.core.flow.LoopUntil
      condition: "{{{{ outputs.until.iterationCount == 4 }}}}"
      checkFrequency: {{interval: PT1M}}
      tasks:
        - {{id: poll, type: {LOG}, message: x}}
    """)
    world = World(tmp_path, text)
    execution = world.run()
    assert run_of(execution, "until").outputs == {"iterationCount": 4}
    assert ids(execution) == ["until", "poll"]
    assert (world.clock.now() - START).seconds == 180


@pytest.mark.parametrize(
    "task",
    [
        f"""
        - id: until
          type: io.kestra.plugin.core.flow.LoopUntil
          condition: "{{{{ false }}}}"
          tasks: [{{id: poll, type: {LOG}, message: x}}]
        """,
        f"- {{id: bad, type: {FAIL}, retry: {{type: constant, interval: PT1S}}}}",
    ],
    ids=["loop", "retry"],
)
def test_what_never_ends_is_stopped(tmp_path: Path, task: str) -> None:
    world = World(tmp_path, flow(task), max_task_runs=50)
    assert state(world.run()) == "FAILED"
    assert any("without an end?" in text for text in world.messages("ERROR"))
