"""execution.md 6 and 7: concurrency, SLA, pause, restart and replay, as people see them."""

from __future__ import annotations

from pathlib import Path

from tests.spec.walk import BOTH, Walk, history, shown


@BOTH
def test_a_manual_pause_goes_on_where_it_was(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        "tasks: [{id: s, type: @flow.Sleep, duration: PT5S}, {id: n, type: @log.Log, message: x}]",
    )
    ident = walk.world.create()
    walk.executor.run_until(lambda: walk.executor.execution(ident).state.current == "RUNNING")
    held = walk.act("pause", walk.executor.execution(ident))
    assert shown(held) == "PAUSED: s=SUCCESS"
    done = walk.act("resume", held)
    assert shown(done) == "SUCCESS: s=SUCCESS n=SUCCESS"
    assert history(done) == "CREATED RUNNING PAUSED RUNNING SUCCESS"


@BOTH
def test_attempts_of_an_execution_are_counted(tmp_path: Path, name: str) -> None:
    fails_once = "{{ labels.system.restarted is not defined }}"
    walk = Walk(tmp_path, name, f"tasks: [{{id: a, type: @execution.Fail, condition: {fails_once!r}}}]")
    first = walk.run()
    assert first.attempt_number == 1
    again = walk.act("restart", first)
    assert (again.id, again.attempt_number) == (first.id, 2)
    copy = walk.act("replay", again)
    assert (copy.id != first.id, copy.attempt_number) == (True, 3)
    assert (copy.original_id, dict(copy.labels)["system.replay"]) == (first.id, "true")


@BOTH
def test_who_waits_for_a_slot_says_nothing_in_its_own_log(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        "concurrency: {limit: 1, behavior: QUEUE}\ntasks: [{id: s, type: @log.Log, message: x}]",
    )
    ids = [walk.world.create() for _ in range(2)]
    walk.executor.run_until_idle()
    assert [len(walk.executor.logs(ident)) for ident in ids] == [1, 1]


@BOTH
def test_a_restart_runs_what_is_left(tmp_path: Path, name: str) -> None:
    fails_once = "{{ labels.system.restarted is not defined }}"
    walk = Walk(
        tmp_path,
        name,
        f"""
        tasks:
          - {{id: a, type: @log.Log, message: x}}
          - id: q
            type: @flow.Sequential
            tasks: [{{id: k, type: @execution.Fail, condition: {fails_once!r}}}, {{id: b, type: @log.Log, message: x}}]
            errors: [{{id: qe, type: @log.Log, message: x}}]
        errors: [{{id: e, type: @log.Log, message: x}}]
        finally: [{{id: f, type: @log.Log, message: x}}]
        afterExecution: [{{id: ae, type: @log.Log, message: x}}]
        """,
    )
    done = walk.run()
    assert shown(done) == "FAILED: a=SUCCESS q=FAILED k=FAILED qe=SUCCESS e=SUCCESS f=SUCCESS ae=SUCCESS"
    again = walk.act("restart", done)
    assert shown(again) == "SUCCESS: a=SUCCESS q=SUCCESS k=SUCCESS b=SUCCESS f=SUCCESS ae=SUCCESS"
    assert history(again) == "CREATED RUNNING FAILED RESTARTED RUNNING SUCCESS"
    assert dict(again.labels)["system.restarted"] == "true"
    assert again.task_runs[0] == done.task_runs[0]


@BOTH
def test_an_sla_that_cannot_be_evaluated_is_an_error_in_the_log(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        """
        sla: [{id: d, type: EXECUTION_ASSERTION, assert: "{{ nope }}", behavior: NONE}]
        tasks: [{id: s, type: @log.Log, message: x}]
        """,
    )
    assert walk.run().state.current == "SUCCESS"
    what = "Ignoring SLA 'd' because of the error" if name == "1.x" else "SLA 'd' could not be evaluated"
    assert all(message.startswith(what) for message in walk.logs("ERROR")) and walk.logs("ERROR")
