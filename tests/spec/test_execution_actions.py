"""execution.md 6 and 7: concurrency, SLA, pause, restart and replay, as people see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.engine.execution import StateType
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


@BOTH
def test_a_replay_from_inside_a_directory_runs_all_of_it(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        """
        tasks:
          - {id: b, type: @log.Log, message: x}
          - id: w
            type: @flow.WorkingDirectory
            tasks: [{id: c, type: @log.Log, message: x}, {id: d, type: @log.Log, message: x}]
          - {id: z, type: @log.Log, message: x}
        """,
    )
    done = walk.run()
    copy = walk.act("replay", done, task_run_id=walk.task(done, "d").id)
    assert shown(copy) == "SUCCESS: b=SUCCESS w=SUCCESS c=SUCCESS d=SUCCESS z=SUCCESS"
    assert [entry.task_id for entry in walk.executor.logs(copy.id)] == ["c", "d", "z"]


@BOTH
def test_two_tasks_of_a_restarted_list(tmp_path: Path, name: str) -> None:
    fails_once = "{{ labels.system.restarted is not defined }}"
    bad = f"{{id: k, type: @execution.Fail, condition: {fails_once!r}}}"
    a, b, z = (f"{{id: {ident}, type: @log.Log, message: x}}" for ident in "abz")
    lists = {
        f"@flow.Parallel, tasks: [{a}, {bad}]": "a=SUCCESS k=SUCCESS",
        f"@flow.If, condition: 'true', then: [{a}, {bad}, {b}]": "a=SUCCESS k=SUCCESS b=SUCCESS",
        f"@flow.Dag, tasks: [{{task: {bad}}}, {{task: {b}, dependsOn: [k]}}]": "k=SUCCESS b=SUCCESS",
        f"@flow.WorkingDirectory, tasks: [{a}, {bad}, {b}]": "a=SUCCESS k=SUCCESS b=SUCCESS",
    }
    for number, (task, children) in enumerate(lists.items()):
        walk = Walk(tmp_path / str(number), name, f"tasks: [{{id: p, type: {task}}}, {z}]")
        again = walk.act("restart", walk.run())
        assert shown(again) == f"SUCCESS: p=SUCCESS {children} z=SUCCESS"


@BOTH
def test_a_changed_state_inside_a_directory_goes_on_as_in_a_list(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        """
        tasks:
          - id: w
            type: @flow.WorkingDirectory
            tasks: [{id: c, type: @execution.Fail}, {id: d, type: @log.Log, message: x}]
          - {id: z, type: @log.Log, message: x}
        """,
    )
    done = walk.run()
    again = walk.act("change-state", done, task_run_id=walk.task(done, "c").id, state=StateType.SUCCESS)
    assert shown(again) == "SUCCESS: w=SUCCESS c=SUCCESS d=SUCCESS z=SUCCESS"
    assert history(again) == "CREATED RUNNING FAILED RESTARTED RUNNING SUCCESS"


@BOTH
@pytest.mark.parametrize("action", ["restart", "replay"])
def test_a_switch_without_match_fails_again(tmp_path: Path, name: str, action: str) -> None:
    text = "tasks: [{id: s, type: @flow.Switch, value: z, cases: {a: [{id: a, type: @log.Log, message: x}]}}]"
    walk = Walk(tmp_path, name, text)
    done = walk.run()
    options = {"task_run_id": walk.task(done, "s").id} if action == "replay" else {}
    again = walk.act(action, done, **options)
    assert shown(again) == "FAILED: s=FAILED"
    assert len(walk.logs("WARN")) == 2


def test_a_pause_is_left_although_another_one_was_changed(tmp_path: Path) -> None:
    """2.0 refuses to change a run of an execution that is not over."""
    walk = Walk(
        tmp_path,
        "1.x",
        """
        tasks:
          - id: p
            type: @flow.Parallel
            tasks: [{id: a, type: @flow.Pause}, {id: b, type: @flow.Pause}]
          - {id: z, type: @log.Log, message: x}
        """,
    )
    done = walk.run()
    held = walk.act("change-state", done, task_run_id=walk.task(done, "a").id, state=StateType.SUCCESS)
    assert shown(held) == "PAUSED: p=RUNNING a=SUCCESS b=PAUSED"
    assert shown(walk.act("resume", held)) == "SUCCESS: p=SUCCESS a=SUCCESS b=SUCCESS z=SUCCESS"


def test_a_restarted_loop_waits_for_its_paused_iterations_again(tmp_path: Path) -> None:
    walk = Walk(
        tmp_path,
        "2.0",
        """
        tasks:
          - {id: o, type: @flow.Loop, values: [1, 2], tasks: [{id: p, type: @flow.Pause}, {id: n, type: @log.Log, message: x}]}
          - {id: z, type: @log.Log, message: x}
        """,
    )
    held = walk.act("restart", walk.run())
    assert shown(held) == "PAUSED: o=PAUSED"
    assert shown(walk.act("resume", walk.act("resume", held))) == "SUCCESS: o=SUCCESS z=SUCCESS"
