"""execution.md 1: states, usual histories, attempts, fields of a task run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.walk import BOTH, Walk, attempts, history

RUNNABLE = {"1.x": "CREATED RUNNING SUCCESS", "2.0": "CREATED SUBMITTED RUNNING SUCCESS"}


@BOTH
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tasks: [{id: a, type: @log.Log, message: x}]", "CREATED RUNNING SUCCESS"),
        ("tasks: [{id: a, type: @log.Log, message: x, disabled: true}]", "CREATED SUCCESS"),
        (
            "tasks: [{id: a, type: @flow.Pause, pauseDuration: PT1S}, {id: b, type: @log.Log, message: x}]",
            "CREATED RUNNING PAUSED RESTARTED RUNNING SUCCESS",
        ),
        (
            "concurrency: {limit: 1}\ntasks: [{id: a, type: @log.Log, message: x}]",
            "CREATED RUNNING SUCCESS",
        ),
    ],
)
def test_usual_history_of_an_execution(tmp_path: Path, name: str, text: str, expected: str) -> None:
    assert history(Walk(tmp_path, name, text).run()) == expected


@BOTH
def test_history_of_a_queued_execution(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        "concurrency: {limit: 1, behavior: QUEUE}\ntasks: [{id: a, type: @flow.Sleep, duration: PT5S}]",
    )
    ids = [walk.world.create() for _ in range(2)]
    walk.executor.run_until_idle()
    first, second = (walk.executor.execution(ident) for ident in ids)
    assert history(first) == "CREATED RUNNING SUCCESS"
    assert history(second) == "CREATED QUEUED RUNNING SUCCESS"
    assert second.state.histories[2].date == first.state.histories[-1].date


@BOTH
def test_history_of_task_runs(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        """
        tasks:
          - id: s
            type: @flow.Sequential
            tasks:
              - {id: a, type: @debug.Return, format: x}
          - {id: skipped, type: @log.Log, message: x, runIf: "false"}
          - {id: skippedflowable, type: @flow.Sequential, runIf: "false", tasks: [{id: never, type: @log.Log, message: x}]}
          - {id: labels, type: @execution.Labels, labels: {a: b}}
          - {id: set, type: @execution.SetVariables, variables: {a: b}}
          - {id: unset, type: @execution.UnsetVariables, variables: [a]}
        """,
    )
    done = walk.run()
    new = name == "2.0"
    assert history(walk.task(done, "a")) == RUNNABLE[name]
    assert attempts(walk.task(done, "a")) == ["CREATED RUNNING SUCCESS"]
    assert history(walk.task(done, "s")) == "CREATED RUNNING SUCCESS"
    assert attempts(walk.task(done, "s")) == (["CREATED RUNNING SUCCESS"] if new else None)
    for ident in ("skipped", "skippedflowable"):
        assert history(walk.task(done, ident)) == "CREATED SKIPPED"
        assert len(attempts(walk.task(done, ident)) or ()) == (1 if new else 0)
        assert walk.task(done, ident).outputs is None
    outputs = walk.executor.evaluate("{{ outputs }}", execution_id=done.id) or ""
    assert ("skipped" in outputs) is new
    assert "never" not in {run.task_id for run in done.task_runs}
    for ident in ("labels", "set", "unset"):
        # the text of the reference names CREATED alone; LabelsTest of 2.0 and a 2.0.0 engine know RUNNING as well
        assert attempts(walk.task(done, ident)) == ["CREATED RUNNING SUCCESS" if new else "CREATED SUCCESS"]


@BOTH
def test_retried_task_run_keeps_its_attempts(tmp_path: Path, name: str) -> None:
    text = "tasks: [{id: a, type: @execution.Fail, retry: {type: constant, interval: PT1S, maxAttempts: 3}}]"
    walk = Walk(tmp_path, name, text)
    run = walk.task(walk.run(), "a")
    submitted = "SUBMITTED " if name == "2.0" else ""
    once = f"CREATED {submitted}RUNNING FAILED"
    assert history(run) == " RETRYING ".join([once] * 3)
    assert attempts(run) == ["CREATED RUNNING FAILED"] * 3


@BOTH
def test_ids_are_random_base62(tmp_path: Path, name: str) -> None:
    walk = Walk(tmp_path, name, "tasks: [{id: a, type: @log.Log, message: x}]")
    done = walk.run()
    for ident in (done.id, done.task_runs[0].id):
        assert ident.isalnum() and ident.isascii() and 18 <= len(ident) <= 22
    run = done.task_runs[0]
    assert (
        run.execution_id,
        run.namespace,
        run.flow_id,
        run.parent_task_run_id,
        run.value,
        run.iteration,
    ) == (
        done.id,
        "spec",
        "main",
        None,
        None,
        None,
    )
