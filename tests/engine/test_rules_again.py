"""Running again, and what is kept between runs (execution.md 7; core-tasks.md 2.13, 2.14; flow.md 7)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from simulator.dialect import V1, V2
from simulator.engine.clock import RunClock
from simulator.errors import InvalidInputError
from tests.engine.harness import FAIL, LOG, RETURN, START, World, flow, ids, run_of, state

DIALECTS = {"1.x": V1, "2.0": V2}
BOTH = pytest.mark.parametrize("name", DIALECTS)
CORE = "io.kestra.plugin.core"
FLAKY = f"{{id: f, type: {FAIL}, condition: '{{{{ taskrun.attemptsCount < 1 }}}}'}}"


@BOTH
def test_a_subflow_is_restarted_with_its_parent(tmp_path: Path, name: str) -> None:
    child = flow(f"- {{id: a, type: {LOG}, message: x}}\n- {FLAKY}").replace("id: flow", "id: child", 1)
    text = flow(f"- {{id: sub, type: {CORE}.flow.Subflow, namespace: test.engine, flowId: child}}")
    world = World(tmp_path, text, child, dialect=DIALECTS[name])
    first = world.run()
    assert state(first) == "FAILED"
    world.executor.act("restart", first.id)
    world.executor.run_until_idle()
    parent, again = world.executor.executions()
    assert (state(parent), state(again)) == ("SUCCESS", "SUCCESS")
    assert len(run_of(again, "a").attempts) == 1
    assert len(run_of(again, "f").attempts) == 2


@BOTH
def test_or_a_new_one_is_made(tmp_path: Path, name: str) -> None:
    child = flow(f"- {{id: f, type: {FAIL}}}").replace("id: flow", "id: child", 1)
    text = flow(
        f"- {{id: sub, type: {CORE}.flow.Subflow, namespace: test.engine, flowId: child, restartBehavior: NEW_EXECUTION}}"
    )
    world = World(tmp_path, text, child, dialect=DIALECTS[name])
    first = world.run()
    world.executor.act("restart", first.id)
    world.executor.run_until_idle()
    assert [item.flow_id for item in world.executor.executions()] == ["flow", "child", "child"]


@BOTH
def test_each_try_of_a_subflow_makes_a_new_child(tmp_path: Path, name: str) -> None:
    child = flow(f"- {{id: f, type: {FAIL}}}").replace("id: flow", "id: child", 1)
    text = flow(
        f"- {{id: sub, type: {CORE}.flow.Subflow, namespace: test.engine, flowId: child, "
        "retry: {type: constant, interval: PT1M, maxAttempts: 3}}"
    )
    world = World(tmp_path, text, child, dialect=DIALECTS[name])
    execution = world.run()
    assert len(run_of(execution, "sub").attempts) == 3
    assert [state(item) for item in world.executor.executions()] == ["FAILED"] * 4


def test_a_failed_iteration_runs_again_in_place(tmp_path: Path) -> None:
    text = flow(
        f"""
        - id: loop
          type: {CORE}.flow.Loop
          values: [1, 2, 3]
          tasks:
            - {{id: a, type: {LOG}, message: x}}
            - {{id: f, type: {FAIL}, condition: "{{{{ item.value == '2' and taskrun.attemptsCount < 1 }}}}"}}
        """
    )
    world = World(tmp_path, text)
    first = world.run()
    assert run_of(first, "loop").outputs["iterationCount"] == 3
    world.executor.act("restart", first.id)
    world.executor.run_until_idle()
    done = world.executor.execution(first.id)
    assert state(done) == "SUCCESS"
    inner = [item for item in world.executor.executions() if item.kind == "LOOP"]
    assert [state(item) for item in inner] == ["SUCCESS"] * 3
    outputs = run_of(done, "loop").outputs
    assert (outputs["iterationCount"], outputs["terminatedIterations"]) == (3, 3)


def test_a_failed_value_of_a_for_each_runs_again_alone(tmp_path: Path) -> None:
    text = flow(
        f"""
        - id: each
          type: {CORE}.flow.ForEach
          values: [a, b, c]
          tasks:
            - {{id: f, type: {FAIL}, condition: "{{{{ taskrun.value == 'b' and taskrun.attemptsCount < 1 }}}}"}}
            - {{id: n, type: {LOG}, message: x}}
        """
    )
    world = World(tmp_path, text, dialect=V1)
    first = world.run()
    world.executor.act("restart", first.id)
    world.executor.run_until_idle()
    done = world.executor.execution(first.id)
    assert state(done) == "SUCCESS"
    assert [(run.task_id, run.value, len(run.attempts)) for run in done.task_runs[1:]] == [
        ("f", "a", 1),
        ("n", "a", 1),
        ("f", "b", 2),
        ("n", "b", 1),
        ("f", "c", 1),
        ("n", "c", 1),
    ]


@BOTH
def test_a_replay_from_the_start_and_from_a_task(tmp_path: Path, name: str) -> None:
    text = flow(
        "\n".join(f"- {{id: {ident}, type: {RETURN}, format: '{{{{ execution.id }}}}'}}" for ident in "abc")
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    first = world.run()
    for options, kept in (({}, 0), ({"task": "b"}, 1)):
        made = world.executor.act("replay", first.id, **options)
        world.executor.run_until_idle()
        done = world.executor.execution(made.id)
        assert (done.id != first.id, state(done), ids(done)) == (True, "SUCCESS", ["a", "b", "c"])
        assert dict(done.labels)["system.replay"] == "true"
        values = [run.outputs["value"] for run in done.task_runs]
        assert values == [first.id] * kept + [done.id] * (3 - kept)
        assert done.original_id == first.id


CACHED = flow(
    f"""
    - id: dir
      type: {CORE}.flow.WorkingDirectory
      cache: {{patterns: ["kept/**"], ttl: PT1H}}
      tasks:
        - id: sh
          type: io.kestra.plugin.scripts.shell.Commands
          taskRunner: {{type: {CORE}.runner.Process}}
          commands: ["mkdir -p kept; echo x >> kept/n; echo lines $(wc -l < kept/n)"]
    """
)


@BOTH
def test_a_folder_is_kept_until_it_is_too_old(tmp_path: Path, name: str) -> None:
    clock = RunClock(start=START, frozen=True)
    world = World(tmp_path, CACHED, dialect=DIALECTS[name], clock=clock)
    counted: list[str] = []
    for minutes in (0, 10, 120):
        clock.jump(START + dt.timedelta(minutes=minutes))
        execution = world.run()
        assert state(execution) == "SUCCESS"
        counted += [entry.message for entry in world.executor.logs(execution.id) if "lines" in entry.message]
    assert [text.split()[-1] for text in counted if text.startswith("lines")] == ["1", "2", "1"]


@pytest.mark.parametrize(
    ("behavior", "ends"),
    [("BLOCK_EXECUTION", None), ("FAIL_EXECUTION", "FAILED"), ("CREATE_EXECUTION", "SUCCESS")],
)
def test_checks_before_an_execution(tmp_path: Path, behavior: str, ends: str | None) -> None:
    text = flow(
        f"- {{id: a, type: {LOG}, message: x}}",
        head=f"inputs: [{{id: n, type: INT}}]\nchecks: [{{when: '{{{{ inputs.n > 3 }}}}', message: too small, behavior: {behavior}}}]",
    )
    world = World(tmp_path, text)
    assert state(world.run({"n": 4})) == "SUCCESS"
    if ends is None:
        with pytest.raises(InvalidInputError, match="too small"):
            world.create({"n": 3})
        return
    execution = world.run({"n": 3})
    assert state(execution) == ends
    assert ids(execution) == ([] if ends == "FAILED" else ["a"])


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("DayWeek, dayOfWeek: MONDAY", True),
        ("DayWeek, dayOfWeek: TUESDAY", False),
        ("DayWeekInMonth, dayOfWeek: MONDAY, dayInMonth: FIRST", True),
        ("DayWeekInMonth, dayOfWeek: MONDAY, dayInMonth: LAST", False),
        ("Weekend", False),
        ("TimeBetween, after: '08:00:00Z', before: '11:00:00Z'", True),
        ("TimeBetween, after: '10:00:00Z'", False),
        ("DateTimeBetween, after: '2025-03-01T00:00:00Z'", True),
        ("DateTimeBetween, before: '2025-03-01T00:00:00Z'", False),
        ("Expression, expression: '0'", True),
        ("Expression, expression: 'false'", False),
        ("Expression, expression: ' '", False),
        ("Not, conditions: [{type: io.kestra.plugin.core.condition.Weekend}]", True),
        (
            "Or, conditions: [{type: io.kestra.plugin.core.condition.Weekend}, "
            "{type: io.kestra.plugin.core.condition.DayWeek, dayOfWeek: MONDAY}]",
            True,
        ),
        ("PublicHoliday, country: DE", False),
    ],
)
def test_conditions_of_a_schedule(tmp_path: Path, condition: str, expected: bool) -> None:
    kind, _, rest = condition.partition(", ")
    line = f"{{type: {CORE}.condition.{kind}{', ' + rest if rest else ''}}}"
    text = flow(
        f"- {{id: a, type: {LOG}, message: x}}",
        tail=f"triggers: [{{id: t, type: {CORE}.trigger.Schedule, cron: '0 10 * * *', conditions: [{line}]}}]",
    )
    world = World(tmp_path, text, dialect=V1)
    made = world.executor.fire("test.engine", "flow", "t", at=dt.datetime(2025, 3, 3, 10, tzinfo=dt.UTC))
    assert (made is not None) == expected


def test_a_template_reads_its_arguments(tmp_path: Path) -> None:
    from simulator.diagnostics import Collector
    from simulator.model.build import build_flow
    from simulator.plugins.registry import Registry

    inner = flow(f"- {{id: r, type: {RETURN}, format: '{{{{ parent.outputs.args.who }}}}'}}")
    built = build_flow(inner, "t.yml", V1, Registry(entry_points=False), collector=Collector())
    assert built is not None
    task = f"- {{id: t, type: {CORE}.flow.Template, namespace: n.s, templateId: one, args: {{who: '{{{{ flow.id }}}}'}}}}"
    world = World(tmp_path, flow(task), dialect=V1, templates={("n.s", "one"): built.tasks})
    execution = world.run()
    assert run_of(execution, "r").outputs == {"value": "flow"}
    missing = World(tmp_path / "2", flow(task.replace("one", "two")), dialect=V1)
    assert state(missing.run()) == "FAILED"
    assert "Can't find flow template 'n.s.two'" in missing.messages("ERROR")[0]


@BOTH
@pytest.mark.parametrize(("call", "status"), [("key", 200), ("other", 404), ("off", 404)])
def test_what_a_webhook_answers(tmp_path: Path, name: str, call: str, status: int) -> None:
    text = flow(
        f"- {{id: r, type: {RETURN}, format: '{{{{ trigger.body.a }}}} {{{{ trigger.parameters.q[0] }}}}'}}",
        tail=f"""
        triggers:
          - {{id: on, type: {CORE}.trigger.Webhook, key: " {{{{ 'k' ~ 'ey' }}}} "}}
          - {{id: off, type: {CORE}.trigger.Webhook, key: off, disabled: true}}
        """,
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    answer = world.executor.webhook("test.engine", "flow", call, body='{"a": 1}', query="q=x")
    assert answer.status == status
    world.executor.run_until_idle()
    made = world.executor.executions()
    assert len(made) == (status == 200)
    for item in made:
        assert run_of(item, "r").outputs == {"value": "1 x"}
