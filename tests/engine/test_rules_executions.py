"""Executions among each other (execution.md 6-8, core-tasks.md 2.13): limits, agreements, labels, subflows, kill, restart."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, V2
from simulator.errors import InvalidInputError, UsageError
from tests.engine.harness import FAIL, LOG, RETURN, SLEEP, START, World, flow, history, ids, run_of, state

DIALECTS = {"1.x": V1, "2.0": V2}
BOTH = pytest.mark.parametrize("name", DIALECTS)
FLOW = "io.kestra.plugin.core.flow"
SLEEPY = f"- {{id: s, type: {SLEEP}, duration: PT10S}}"


def limited(behavior: str, limit: int = 1, tasks: str = SLEEPY) -> str:
    return flow(tasks, head=f"concurrency: {{behavior: {behavior}, limit: {limit}}}")


def states(world: World) -> list[str]:
    return [str(item.state.current.value) for item in world.executor.executions()]


# --- concurrency


@BOTH
@pytest.mark.parametrize(
    ("behavior", "ends", "message"),
    [
        ("QUEUE", "SUCCESS", None),  # said in the server's log only
        ("CANCEL", "CANCELLED", None),
        ("FAIL", "FAILED", "Execution is FAILED due to concurrency limit exceeded"),
    ],
)
def test_one_too_many(tmp_path: Path, name: str, behavior: str, ends: str, message: str | None) -> None:
    world = World(tmp_path, limited(behavior, 2), dialect=DIALECTS[name])
    for _ in range(3):
        world.create()
    world.executor.run_until_idle()
    assert states(world) == ["SUCCESS", "SUCCESS", ends]
    last = world.executor.executions()[-1]
    queued = ["QUEUED", "RUNNING"] if behavior == "QUEUE" else []
    assert history(last) == ["CREATED", *queued, ends]
    assert [entry.message for entry in world.executor.logs(last.id) if entry.task_id is None] == (
        [message] if message else []
    )


@BOTH
def test_a_paused_execution_keeps_its_slot(tmp_path: Path, name: str) -> None:
    world = World(
        tmp_path, limited("QUEUE", tasks=f"- {{id: p, type: {FLOW}.Pause}}"), dialect=DIALECTS[name]
    )
    first, second = world.create(), world.create()
    world.executor.run_until_idle()
    assert states(world) == ["PAUSED", "QUEUED"]
    world.executor.act("resume", first)
    world.executor.run_until_idle()
    assert states(world) == ["SUCCESS", "PAUSED"]
    world.executor.act("kill", second)
    world.executor.run_until_idle()
    assert states(world) == ["SUCCESS", "KILLED"]


@BOTH
def test_a_killed_execution_leaves_the_queue_and_frees_its_slot(tmp_path: Path, name: str) -> None:
    world = World(tmp_path, limited("QUEUE"), dialect=DIALECTS[name])
    made = [world.create() for _ in range(4)]
    world.executor.run_until(lambda: world.executor.execution(made[3]).state.current == "QUEUED")
    world.executor.act("kill", made[1])
    world.executor.act("kill", made[0])
    world.executor.run_until_idle()
    assert states(world) == ["KILLED", "KILLED", "SUCCESS", "SUCCESS"]


@BOTH
def test_a_restarted_execution_asks_for_a_slot_again(tmp_path: Path, name: str) -> None:
    tasks = f"- {{id: f, type: {FAIL}, condition: '{{{{ taskrun.attemptsCount < 1 }}}}'}}\n{SLEEPY}"
    world = World(tmp_path, limited("QUEUE", tasks=tasks), dialect=DIALECTS[name])
    first = world.create()
    world.executor.run_until_idle()
    second = world.create()
    world.executor.run_until(lambda: run_started(world, second))
    assert states(world) == ["FAILED", "RUNNING"]
    world.executor.act("restart", first)
    world.executor.run_until_idle()
    assert "QUEUED" in history(world.executor.execution(first))
    assert states(world) == ["SUCCESS", "FAILED"]


def run_started(world: World, ident: str) -> bool:
    return bool(world.executor.execution(ident).task_runs)


# --- agreements


@BOTH
@pytest.mark.parametrize(
    ("behavior", "ends", "levels"),
    [("FAIL", "FAILED", ["WARN", "ERROR"]), ("CANCEL", "CANCELLED", ["WARN"]), ("NONE", "SUCCESS", ["WARN"])],
)
def test_a_broken_agreement(tmp_path: Path, name: str, behavior: str, ends: str, levels: list[str]) -> None:
    text = flow(
        SLEEPY,
        head=f"sla: [{{id: quick, type: MAX_DURATION, duration: PT2S, behavior: {behavior}, labels: {{sla: missed}}}}]",
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    execution = world.run()
    assert state(execution) == ends
    assert dict(execution.labels)["sla"] == "missed"
    reason = "execution duration of PT2S exceed the maximum duration of PT2S."
    entries = [entry for entry in world.executor.logs() if "SLA" in entry.message]
    assert [entry.level for entry in entries] == levels
    assert entries[0].message == f"SLA 'quick' violated: {reason}"


@BOTH
def test_an_assertion_is_looked_at_after_each_change(tmp_path: Path, name: str) -> None:
    text = flow(
        f"- {{id: a, type: {RETURN}, format: x}}\n{SLEEPY}",
        head='sla: [{id: none, type: EXECUTION_ASSERTION, assert: "{{ outputs.a is not defined }}", behavior: FAIL}]',
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    assert state(world.run()) == "FAILED"
    assert "SLA 'none' violated: assertion is false: {{ outputs.a is not defined }}." in world.messages(
        "WARN"
    )


# --- labels


@BOTH
def test_where_labels_come_from(tmp_path: Path, name: str) -> None:
    text = flow(
        f'- {{id: l, type: {RETURN}, format: "{{{{ labels.team }}}} {{{{ labels.a.b }}}}"}}',
        head="labels: {team: one, a.b: two}",
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    ident = world.executor.create("test.engine", "flow", {}, {"team": "other"}).id
    world.executor.run_until_idle()
    execution = world.executor.execution(ident)
    assert dict(execution.labels) == {"a.b": "two", "team": "other", "system.correlationId": execution.id}
    assert run_of(execution, "l").outputs == {"value": "other two"}
    with pytest.raises(
        InvalidInputError, match="System labels can only be set by Kestra itself, offending label"
    ):
        world.executor.create("test.engine", "flow", {}, {"system.team": "x"})


CHILD = flow(f"- {{id: c, type: {LOG}, message: x}}", head="labels: {own: child, both: child}").replace(
    "id: flow", "id: child", 1
)


@BOTH
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", {"own": "child", "both": "child"}),
        ("inheritLabels: true", {"own": "child", "both": "child", "up": "parent"}),
        ("labels: {both: given, n: 1}", {"own": "child", "both": "given", "n": "1"}),
        ("labels: [{key: own, value: '{{ flow.id }}'}]", {"own": "flow", "both": "child"}),
    ],
)
def test_labels_of_a_subflow(tmp_path: Path, name: str, more: str, expected: dict[str, str]) -> None:
    text = flow(
        f"""
        - id: sub
          type: {FLOW}.Subflow
          namespace: test.engine
          flowId: child
          {more or "wait: true"}
        """,
        head="labels: {up: parent, both: parent}",
    )
    world = World(tmp_path, text, CHILD, dialect=DIALECTS[name])
    parent = world.run()
    child = world.executor.executions()[1]
    assert dict(child.labels) == {**expected, "system.correlationId": parent.id}


# --- subflows

ENDS = {
    "FAILED": f"- {{id: c, type: {FAIL}}}",
    "WARNING": f"- {{id: c, type: {FAIL}, allowFailure: true}}",
    "CANCELLED": f"- {{id: c, type: {FLOW}.Pause, pauseDuration: PT1S, behavior: CANCEL}}",
    "KILLED": "- {id: c, type: io.kestra.plugin.core.execution.Exit, state: KILLED}",
    "SUCCESS": f"- {{id: c, type: {LOG}, message: x}}",
}


@BOTH
@pytest.mark.parametrize(
    ("child", "more", "expected"),
    [
        ("FAILED", "", "FAILED"),
        ("FAILED", "transmitFailed: false", "SUCCESS"),
        ("FAILED", "allowFailure: true", "WARNING"),
        ("WARNING", "", "WARNING"),
        ("WARNING", "allowWarning: true", "SUCCESS"),
        ("CANCELLED", "", "SUCCESS"),
        ("KILLED", "", "KILLED"),
        ("KILLED", "transmitFailed: false", "SUCCESS"),
        ("FAILED", "wait: false", "SUCCESS"),
        ("SUCCESS", "", "SUCCESS"),
    ],
)
def test_what_the_end_of_a_subflow_means(
    tmp_path: Path, name: str, child: str, more: str, expected: str
) -> None:
    text = flow(
        f"""
        - id: sub
          type: {FLOW}.Subflow
          namespace: test.engine
          flowId: child
          {more or "wait: true"}
        """
    )
    other = flow(ENDS[child]).replace("id: flow", "id: child", 1)
    world = World(tmp_path, text, other, dialect=DIALECTS[name])
    execution = world.run()
    run = run_of(execution, "sub")
    assert state(run) == expected
    made = world.executor.executions()[1]
    assert (state(made), run.outputs["executionId"]) == (child, made.id)
    assert run.outputs["state"] == ("CREATED" if more == "wait: false" else child)
    link = f'[[link execution="{made.id}" flowId="child" namespace="test.engine"]]'
    assert world.messages("INFO")[0] == f"Created new execution {link}"
    told = f"Subflow execution {link} ends in FAILED state"
    # it says what the run ends with, not what the child did
    assert (told in world.messages("ERROR")) == (child == "FAILED" and more == "")
    told = f"Subflow execution {link} ends in WARNING state"
    assert (told in world.messages("WARN")) == (expected == "WARNING")


@BOTH
@pytest.mark.parametrize(
    ("other", "message"),
    [
        (ENDS["SUCCESS"], "Unable to find flow 'test.engine'.'child' with revision '0'"),
        ("disabled", "Cannot execute a flow which is disabled"),
    ],
)
def test_a_subflow_that_cannot_start(tmp_path: Path, name: str, other: str, message: str) -> None:
    text = flow(f"- {{id: sub, type: {FLOW}.Subflow, namespace: test.engine, flowId: \"{{{{ 'child' }}}}\"}}")
    texts = [text]
    if other == "disabled":
        texts.append(flow(ENDS["SUCCESS"], head="disabled: true").replace("id: flow", "id: child", 1))
    world = World(tmp_path, *texts, dialect=DIALECTS[name])
    assert state(world.run()) == "FAILED"
    if other == "disabled" and name == "2.0":
        message = "Cannot execute flow 'test.engine'.'child': it is disabled."
    assert world.messages("ERROR")[0] == message


@BOTH
def test_a_subflow_for_later(tmp_path: Path, name: str) -> None:
    text = flow(
        f"- {{id: sub, type: {FLOW}.Subflow, namespace: test.engine, flowId: child, "
        "scheduleDate: '2025-03-04T00:00:00Z'}"
    )
    world = World(tmp_path, text, CHILD, dialect=DIALECTS[name])
    assert state(world.run()) == "SUCCESS"
    child = world.executor.executions()[1]
    assert child.task_runs[0].state.start_date == dt.datetime(2025, 3, 4, tzinfo=dt.UTC)


# --- what people do


@BOTH
def test_a_kill_cascades_to_every_child(tmp_path: Path, name: str) -> None:
    child = flow(SLEEPY.replace("PT10S", "PT1H")).replace("id: flow", "id: child", 1)
    text = flow(
        f"""
        - {{id: away, type: {FLOW}.Subflow, namespace: test.engine, flowId: child, wait: false}}
        - {{id: sub, type: {FLOW}.Subflow, namespace: test.engine, flowId: child}}
        """,
        tail=f"finally: [{{id: f, type: {LOG}, message: x}}]\nafterExecution: [{{id: z, type: {LOG}, message: x}}]",
    )
    world = World(tmp_path, text, child, dialect=DIALECTS[name])
    ident = world.create()
    world.executor.run_until_idle(before=START + dt.timedelta(minutes=1))
    world.executor.act("kill", ident)
    world.executor.run_until_idle()
    assert states(world) == ["KILLED"] * 3
    execution = world.executor.execution(ident)
    assert ids(execution) == ["away", "sub", "z"]
    assert history(execution)[-2:] == ["KILLING", "KILLED"]
    assert world.clock.now() < START + dt.timedelta(minutes=2)


@BOTH
def test_a_restart_drops_what_ran_because_of_the_failure(tmp_path: Path, name: str) -> None:
    flaky = f"- {{id: f, type: {FAIL}, condition: '{{{{ taskrun.attemptsCount < 1 }}}}'}}"
    text = flow(
        f"- {{id: a, type: {LOG}, message: x}}\n{flaky}\n- {{id: b, type: {LOG}, message: x}}",
        tail=f"errors: [{{id: e, type: {LOG}, message: x}}]\nfinally: [{{id: g, type: {LOG}, message: x}}]",
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    first = world.run()
    assert ids(first) == ["a", "f", "e", "g"]
    world.executor.act("restart", first.id)
    world.executor.run_until_idle()
    again = world.executor.execution(first.id)
    assert (state(again), ids(again)) == ("SUCCESS", ["a", "f", "b", "g"])
    assert dict(again.labels)["system.restarted"] == "true"
    assert again.attempt_number == 2
    assert len(run_of(again, "f").attempts) == 2
    assert run_of(again, "a").state == run_of(first, "a").state


@BOTH
@pytest.mark.parametrize(
    ("action", "options", "message"),
    [
        ("resume", {}, "is not paused, can't resume it"),
        ("pause", {}, "The execution is not running"),
        ("force-run", {}, "Only non terminated executions can be forced run."),
        ("unqueue", {}, "Only QUEUED execution can be unqueued"),
        ("kill", {}, "already finished"),
        ("set-labels", {"labels": {"system.x": "y"}}, "System labels can only be set by Kestra itself"),
    ],
)
def test_what_an_ended_execution_refuses(
    tmp_path: Path, name: str, action: str, options: dict[str, Any], message: str
) -> None:
    world = World(tmp_path, flow(ENDS["SUCCESS"]), dialect=DIALECTS[name])
    execution = world.run()
    with pytest.raises(UsageError) as caught:
        world.executor.act(action, execution.id, **options)
    assert message in caught.value.message


@BOTH
@pytest.mark.parametrize(
    ("target", "ends"), [("SUCCESS", "SUCCESS"), ("WARNING", "WARNING"), ("FAILED", "FAILED")]
)
def test_a_changed_state_goes_on_from_there(tmp_path: Path, name: str, target: str, ends: str) -> None:
    text = flow(
        f"""
        - id: s
          type: {FLOW}.Sequential
          tasks:
            - {{id: f, type: {FAIL}}}
            - {{id: n, type: {LOG}, message: x}}
        """,
        tail=f"errors: [{{id: e, type: {LOG}, message: x}}]",
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    first = world.run()
    world.executor.act("change-state", first.id, task_run_id=run_of(first, "f").id, state=target)
    world.executor.run_until_idle()
    again = world.executor.execution(first.id)
    assert state(again) == ends
    assert ids(again) == (["s", "f", "e"] if target == "FAILED" else ["s", "f", "n"])
    assert ("system.restarted" in dict(again.labels)) == (name == "2.0")


@BOTH
def test_a_manual_pause_holds_what_is_next(tmp_path: Path, name: str) -> None:
    world = World(tmp_path, flow(f"{SLEEPY}\n- {{id: n, type: {LOG}, message: x}}"), dialect=DIALECTS[name])
    ident = world.create()
    world.executor.run_until(lambda: run_started(world, ident))
    world.executor.act("pause", ident)
    world.executor.run_until_idle()
    held = world.executor.execution(ident)
    assert (state(held), ids(held), state(run_of(held, "s"))) == ("PAUSED", ["s"], "SUCCESS")
    world.executor.act("resume", ident)
    world.executor.run_until_idle()
    assert ids(world.executor.execution(ident)) == ["s", "n"]


@pytest.mark.parametrize("values", [[1], [1, 2, 3]])
def test_pauses_inside_a_loop(tmp_path: Path, values: list[int]) -> None:
    text = flow(
        f"""
        - id: loop
          type: {FLOW}.Loop
          values: {values}
          tasks:
            - {{id: p, type: {FLOW}.Pause}}
            - {{id: n, type: {LOG}, message: x}}
        """
    )
    world = World(tmp_path, text)
    ident = world.create()
    for _ in values:
        world.executor.run_until_idle()
        assert state(world.executor.execution(ident)) == "PAUSED"
        world.executor.act("resume", ident)
    world.executor.run_until_idle()
    assert state(world.executor.execution(ident)) == "SUCCESS"
    assert states(world) == ["SUCCESS"] * (1 + len(values))


@BOTH
def test_two_pauses_side_by_side(tmp_path: Path, name: str) -> None:
    text = flow(
        f"""
        - id: par
          type: {FLOW}.Parallel
          tasks:
            - {{id: one, type: {FLOW}.Pause}}
            - {{id: two, type: {FLOW}.Pause, pauseDuration: PT1H, behavior: WARN}}
        - {{id: n, type: {LOG}, message: x}}
        """
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    ident = world.create()
    world.executor.run_until_idle()
    held = world.executor.execution(ident)
    assert (state(held), state(run_of(held, "two"))) == ("PAUSED", "WARNING")
    world.executor.act("resume", ident)
    world.executor.run_until_idle()
    done = world.executor.execution(ident)
    assert (state(done), ids(done)) == ("WARNING", ["par", "one", "two", "n"])
