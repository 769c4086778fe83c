"""Which states runs, attempts and executions pass through, as a Kestra 2.0.0 engine shows them (docker/parity)."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.dialect import V1
from tests.engine.harness import FAIL, LOG, World, flow, history, run_of, state

SUBFLOW = "io.kestra.plugin.core.flow.Subflow"
CHILD = f"id: child\nnamespace: lab\ntasks:\n  - {{id: x, type: {LOG}, message: hi}}\n"


def attempts(run: object) -> list[list[str]]:
    return [[str(item.state) for item in attempt.state.histories] for attempt in run.attempts or ()]  # type: ignore[attr-defined]


def test_an_attempt_keeps_the_state_that_allow_failure_softens_in_the_run(tmp_path: Path) -> None:
    done = World(tmp_path, flow(f"- {{id: bad, type: {FAIL}, allowFailure: true}}")).run()
    run = run_of(done, "bad")
    assert str(run.state.current) == "WARNING"
    assert attempts(run) == [["CREATED", "RUNNING", "FAILED"]]


def test_an_execution_fails_before_it_retries_at_the_top(tmp_path: Path) -> None:
    retry = "retry: {type: constant, interval: PT1S, maxAttempts: 2}"
    done = World(tmp_path, flow(f"- {{id: bad, type: {FAIL}, {retry}}}")).run()
    assert history(done) == ["CREATED", "RUNNING", "FAILED", "RETRYING", "RUNNING", "FAILED"]


def test_outputs_that_do_not_render_fail_an_execution_that_was_over(tmp_path: Path) -> None:
    tail = "outputs:\n  - {id: x, type: STRING, value: '{{ outputs.nope.value }}'}"
    done = World(tmp_path, flow(f"- {{id: a, type: {LOG}, message: hi}}", tail=tail)).run()
    assert history(done) == ["CREATED", "RUNNING", "SUCCESS", "FAILED"]


def test_a_subflow_is_never_submitted(tmp_path: Path) -> None:
    done = World(tmp_path, flow(f"- {{id: s, type: {SUBFLOW}, namespace: lab, flowId: child}}"), CHILD).run()
    assert history(run_of(done, "s")) == ["CREATED", "RUNNING", "SUCCESS"]


def test_a_subflow_without_flow_fails_before_it_begins(tmp_path: Path) -> None:
    world = World(tmp_path, flow(f"- {{id: s, type: {SUBFLOW}, namespace: lab, flowId: \"{{{{ 'no' }}}}\"}}"))
    run = run_of(world.run(), "s")
    assert history(run) == ["CREATED", "FAILED"]
    assert attempts(run) == [["FAILED"]]
    entries = [entry for entry in world.executor.logs() if entry.level == "ERROR"]
    assert [entry.task_id for entry in entries] == ["s", None]
    assert {entry.message for entry in entries} == {"Unable to find flow 'lab'.'no' with revision '0'"}


LABELS = flow('- {id: l, type: io.kestra.plugin.core.execution.Labels, labels: {a: ""}}')


def test_a_task_of_the_executor_fails_before_it_begins(tmp_path: Path) -> None:
    world = World(tmp_path, LABELS)
    run = run_of(world.run(), "l")
    assert (history(run), attempts(run)) == (["CREATED", "FAILED"], [["FAILED"]])
    text = "Label values cannot be empty, offending label: a"
    assert world.messages("ERROR") == [f"Failed to process task: {text}", text]


def test_in_1x_it_says_so_once(tmp_path: Path) -> None:
    world = World(tmp_path, LABELS, dialect=V1)
    run = run_of(world.run(), "l")
    assert (history(run), attempts(run)) == (["CREATED", "FAILED"], [["FAILED"]])
    assert world.messages("ERROR") == ["Label values cannot be empty, offending label: a"]


def test_children_of_a_working_directory_are_not_submitted(tmp_path: Path) -> None:
    tasks = f"- id: w\n  type: io.kestra.plugin.core.flow.WorkingDirectory\n  tasks:\n    - {{id: a, type: {LOG}, message: hi}}"
    done = World(tmp_path, flow(tasks)).run()
    assert state(done) == "SUCCESS"
    assert history(run_of(done, "a")) == ["CREATED", "RUNNING", "SUCCESS"]


@pytest.mark.parametrize("dialect", [None, V1])
def test_going_on_after_a_pause_is_another_attempt(tmp_path: Path, dialect: object) -> None:
    name = "pauseDuration" if dialect is None else "delay"
    pause = f"- {{id: p, type: io.kestra.plugin.core.flow.Pause, {name}: PT1S}}"
    options = {} if dialect is None else {"dialect": dialect}
    done = World(tmp_path, flow(pause), **options).run()  # type: ignore[arg-type]
    assert (state(done), done.attempt_number) == ("SUCCESS", 2)


def test_a_loop_says_which_iteration_failed(tmp_path: Path) -> None:
    loop = f"- id: each\n  type: io.kestra.plugin.core.flow.Loop\n  values: [a, b]\n  tasks:\n    - {{id: bad, type: {FAIL}}}"
    world = World(tmp_path, flow(loop))
    world.run()
    (entry,) = [
        entry for entry in world.executor.logs() if entry.task_id == "each" and entry.level == "ERROR"
    ]
    assert entry.message.startswith("Loop iteration 0 ended in FAILED in sub-execution [[link execution=")
    assert entry.message.endswith("]], check that execution's logs for details")


def test_rounds_stay_in_the_history_of_their_loop(tmp_path: Path) -> None:
    rounds = (
        "- id: r\n  type: io.kestra.plugin.core.flow.LoopUntil\n"
        '  condition: "{{ outputs.r.iterationCount >= 2 }}"\n'
        "  checkFrequency: {interval: PT1S}\n"
        f"  tasks:\n    - {{id: a, type: {LOG}, message: hi}}"
    )
    run = run_of(World(tmp_path, flow(rounds)).run(), "r")
    assert history(run) == ["CREATED", "RUNNING", "PAUSED", "RUNNING", "SUCCESS"]
    assert run.iteration == 1


def test_a_loop_counts_all_its_values_and_lists_no_empty_outputs(tmp_path: Path) -> None:
    loop = f"- id: each\n  type: io.kestra.plugin.core.flow.Loop\n  values: [a, b]\n  tasks:\n    - {{id: bad, type: {FAIL}}}"
    run = run_of(World(tmp_path, flow(loop)).run(), "each")
    assert run.outputs == {"runningIterations": 0, "iterationCount": 2, "terminatedIterations": 1}


def test_a_loop_says_what_is_no_list(tmp_path: Path) -> None:
    loop = f"- id: each\n  type: io.kestra.plugin.core.flow.Loop\n  values: abc\n  tasks:\n    - {{id: a, type: {LOG}, message: hi}}"
    world = World(tmp_path, flow(loop))
    run = run_of(world.run(), "each")
    expected = "The `values` must be a list, a map, or an expression that renders to one, but got: 'abc'."
    assert f"Failed to process flowable task {run.id}: {expected}" in world.messages("ERROR")


@pytest.mark.parametrize(("values", "end"), [("[]", "SUCCESS"), ("abc", "FAILED")])
def test_a_loop_without_iterations_never_runs(tmp_path: Path, values: str, end: str) -> None:
    loop = f"- id: each\n  type: io.kestra.plugin.core.flow.Loop\n  values: {values}\n  tasks:\n    - {{id: a, type: {LOG}, message: hi}}"
    run = run_of(World(tmp_path, flow(loop)).run(), "each")
    assert (history(run), run.attempts or ()) == (["CREATED", end], ())
