"""What tasks see and change (core-tasks.md 3, execution.md 8-11): variables, labels, logs, outputs, templates."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, V2
from simulator.errors import InvalidFlowError
from tests.engine.harness import FAIL, LOG, RETURN, SLEEP, START, World, flow, history, ids, run_of, state

DIALECTS = {"1.x": V1, "2.0": V2}
BOTH = pytest.mark.parametrize("name", DIALECTS)
CORE = "io.kestra.plugin.core"


def show(template: str, ident: str = "r") -> str:
    return f'- {{id: {ident}, type: {RETURN}, format: "{template}"}}'


@BOTH
@pytest.mark.parametrize(
    ("task", "shown"),
    [
        ("SetVariables, variables: {a: {y: 2}}", '{"x":1,"y":2}'),
        ("SetVariables, variables: {a: '{{ 1 + 1 }}'}", "2"),
        ("UnsetVariables, variables: [a.x]", "{}"),
        ("UnsetVariables, variables: [none], ignoreMissing: true", '{"x":1}'),
    ],
)
def test_variables_change(tmp_path: Path, name: str, task: str, shown: str) -> None:
    kind, _, rest = task.partition(", ")
    text = flow(
        f"- {{id: s, type: {CORE}.execution.{kind}, {rest}}}\n{show('{{ vars.a }}')}",
        head="variables: {a: {x: 1}}",
    )
    execution = World(tmp_path, text, dialect=DIALECTS[name]).run()
    assert state(execution) == "SUCCESS"
    assert run_of(execution, "r").outputs["value"].replace(" ", "") == shown
    attempt = run_of(execution, "s").attempts[0]
    assert history(attempt) == (
        ["CREATED", "SUCCESS"] if name == "1.x" else ["CREATED", "RUNNING", "SUCCESS"]
    )


@BOTH
@pytest.mark.parametrize(
    ("name_", "message"),
    [
        (
            "SetVariables, overwrite: false, variables: {a: 1}",
            "`overwrite` is set to false and the following variables already exist: a",
        ),
        (
            "Labels, labels: {system.x: y}",
            "System labels can only be set by Kestra itself, offending label: system.x=y",
        ),
        ("Labels, labels: {x: ''}", "Label values cannot be empty, offending label: x"),
    ],
)
def test_changes_that_are_refused(tmp_path: Path, name: str, name_: str, message: str) -> None:
    kind, _, rest = name_.partition(", ")
    text = flow(f"- {{id: s, type: {CORE}.execution.{kind}, {rest}}}", head="variables: {a: {x: 1}}")
    world = World(tmp_path, text, dialect=DIALECTS[name])
    assert state(world.run()) == "FAILED"
    assert message in world.messages("ERROR")[0]


@BOTH
def test_the_context_of_a_task(tmp_path: Path, name: str) -> None:
    seen = {
        "{{ flow.id }} {{ flow.namespace }} {{ flow.revision }}": "flow test.engine 1",
        "{{ execution.state }}": "RUNNING",
        "{{ task.id }} {{ task.type }}": f"r {RETURN}",
        "{{ taskrun.attemptsCount }}": "0",
        "{{ taskrun.value is defined }} {{ parent is defined }}": "false false",
        "{{ labels.system.correlationId == execution.id }}": "true",
        "{{ inputs.n }} {{ inputs.o is null }}": "5 true" if name == "2.0" else "5 true",
        "{{ outputs['with-dash'].value }}": "d",
        "{{ tasks['with-dash'].state }}": "SUCCESS",
    }
    for template, expected in seen.items():
        text = flow(
            show("d", "with-dash") + "\n" + show(template),
            head="inputs: [{id: n, type: INT, defaults: 5}, {id: o, type: STRING, required: false}]",
        )
        execution = World(tmp_path, text, dialect=DIALECTS[name]).run()
        assert run_of(execution, "r").outputs == {"value": expected}, template


def test_parents_differ_between_the_dialects(tmp_path: Path) -> None:
    def nested(kind: str) -> str:
        return flow(
            f"""
            - id: each
              type: {CORE}.flow.{kind}
              values: [a]
              tasks:
                - id: seq
                  type: {CORE}.flow.Sequential
                  tasks:
                    - {{id: r, type: {RETURN}, format: "{{{{ parents | length }}}} {{{{ parent.task.id ?? parent.taskrun.value }}}}"}}
            """
        )

    old = World(tmp_path / "1", nested("ForEach"), dialect=V1).run()
    # 1.x leaves out ancestors without value and outputs
    assert run_of(old, "r").outputs == {"value": "1 a"}
    world = World(tmp_path / "2", nested("Loop"), dialect=V2)
    world.run()
    inner = next(item for item in world.executor.executions() if item.kind == "LOOP")
    assert run_of(inner, "r").outputs == {"value": "1 seq"}


@BOTH
def test_a_log_keeps_what_its_level_says(tmp_path: Path, name: str) -> None:
    text = flow(
        f"""
        - {{id: a, type: {LOG}, message: [one, two], level: WARN}}
        - {{id: b, type: {LOG}, message: hidden, logLevel: WARN}}
        - {{id: c, type: {LOG}, message: "{"x" * 16000}"}}
        - {{id: d, type: {LOG}, message: {{a: b}}}}
        """
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    execution = world.run()
    assert state(run_of(execution, "d")) == "FAILED"
    assert world.messages("WARN") == ["one", "two"]
    assert [len(text) for text in world.messages("INFO")] == [15360, 640]
    entry = next(item for item in world.executor.logs() if item.message == "one")
    assert (entry.task_id, entry.attempt_number, entry.flow_id) == ("a", 0, "flow")
    assert entry.task_run_id == run_of(execution, "a").id
    assert "Invalid message type" in world.messages("ERROR")[0]


@BOTH
def test_errors_are_seen_by_the_errors_branch(tmp_path: Path, name: str) -> None:
    text = flow(
        f"- {{id: bad, type: {FAIL}, errorMessage: it broke}}",
        tail=f"""
        errors:
          - {{id: e, type: {RETURN}, format: "{{{{ errorLogs()[0].message }}}} {{{{ tasksWithState('failed')[0].taskId }}}} {{{{ execution.state }}}}"}}
        """,
    )
    execution = World(tmp_path, text, dialect=DIALECTS[name]).run()
    assert run_of(execution, "e").outputs == {"value": "it broke bad RUNNING"}


@BOTH
@pytest.mark.parametrize(
    ("output", "ends"),
    [
        ("{id: o, type: STRING, value: x}", "SUCCESS"),
        ("{id: o, type: INT, value: '{{ 4 }}'}", "SUCCESS"),
        ("{id: o, type: INT, value: four}", "FAILED"),
        ("{id: o, type: STRING, value: '{{ nope }}'}", "FAILED"),
    ],
)
def test_outputs_of_the_flow(tmp_path: Path, name: str, output: str, ends: str) -> None:
    text = flow(
        show("x"),
        tail=f"outputs: [{output}]\nafterExecution: [{{id: z, type: {RETURN}, format: '{{{{ execution.outputs.o ?? 0 }}}}'}}]",
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    execution = world.run()
    assert state(execution) == ends
    if ends == "SUCCESS":
        assert run_of(execution, "z").outputs == {"value": str(execution.outputs["o"])}
    else:
        assert world.messages("ERROR")[0].startswith("Failed to render output values: ")
        assert run_of(execution, "z").outputs == {"value": "0"}


@BOTH
def test_exit_stops_at_every_depth(tmp_path: Path, name: str) -> None:
    word = "CANCELED" if name == "1.x" else "CANCELLED"
    for wanted, ends in {
        "SUCCESS": "SUCCESS",
        "FAILED": "FAILED",
        word: "CANCELLED",
        "KILLED": "KILLED",
    }.items():
        text = flow(
            f"""
            - id: s
              type: {CORE}.flow.Sequential
              tasks:
                - {{id: x, type: {CORE}.execution.Exit, state: {wanted}}}
                - {{id: n, type: {LOG}, message: x}}
            """,
            tail=f"finally: [{{id: f, type: {LOG}, message: x}}]",
        )
        execution = World(tmp_path / wanted, text, dialect=DIALECTS[name]).run()
        assert (state(execution), ids(execution)) == (ends, ["s", "x"])
        assert [state(run) for run in execution.task_runs] == [ends, ends]


@BOTH
def test_a_disabled_flow_does_not_start(tmp_path: Path, name: str) -> None:
    world = World(tmp_path, flow(show("x"), head="disabled: true"), dialect=DIALECTS[name])
    with pytest.raises(InvalidFlowError, match="Cannot execute a flow which is disabled"):
        world.create()


# --- triggers


def triggered(line: str) -> str:
    return flow(show("{{ trigger.date ?? 'none' }}"), tail=f"triggers:\n  - {{id: t, {line}}}")


@BOTH
@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("cron: '@hourly'", ["10:00", "11:00", "12:00"]),
        ("cron: '15,45 10-11 * * *'", ["10:15", "10:45", "11:15", "11:45"]),
        ("cron: '0 0/20 10 * * *', withSeconds: true", ["10:00", "10:20", "10:40"]),
        ("cron: '0 12 * * 7'", []),
        ("cron: '0 12 * * MON'", ["12:00"]),
        ("cron: '0 13 * * MON', timezone: Europe/Berlin", ["12:00"]),
        ("cron: '0 12 31 2 *'", []),
        ("cron: '@hourly', disabled: true", []),
        ("cron: '@hourly', stopAfter: [SUCCESS]", ["10:00"]),
    ],
)
def test_a_day_of_a_schedule(tmp_path: Path, name: str, cron: str, expected: list[str]) -> None:
    world = World(tmp_path, triggered(f"type: {CORE}.trigger.Schedule, {cron}"), dialect=DIALECTS[name])
    world.executor.play_triggers(START + dt.timedelta(hours=3, minutes=30))
    assert [f"{item.state.start_date:%H:%M}" for item in world.executor.executions()] == expected


@BOTH
def test_dates_of_a_list(tmp_path: Path, name: str) -> None:
    line = f"type: {CORE}.trigger.ScheduleOnDates, timezone: Europe/Berlin, dates: ['2025-03-03T11:00:00', '2025-03-03T10:30:00Z', '2020-01-01T00:00:00Z']"
    world = World(tmp_path, triggered(line), dialect=DIALECTS[name])
    world.executor.play_triggers(START + dt.timedelta(hours=3))
    made = world.executor.executions()
    assert [f"{item.state.start_date:%H:%M}" for item in made] == ["10:00", "10:30"]
    shown = [run_of(item, "r").outputs["value"] for item in made]
    assert shown == (
        ["none", "none"] if name == "1.x" else ["2025-03-03T11:00:00+01:00", "2025-03-03T11:30:00+01:00"]
    )


LISTENER: dict[str, Any] = {
    "1.x": "conditions: [{type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: test.engine, flowId: flow}]",
    "2.0": "dependsOn: [{namespace: test.engine, flowId: flow}]",
}


@BOTH
@pytest.mark.parametrize(
    ("states", "tasks", "count"),
    [
        ("", show("x"), 1),
        ("states: [FAILED], ", show("x"), 0),
        ("states: [FAILED], ", f"- {{id: f, type: {FAIL}}}", 1),
        ("states: [PAUSED], ", f"- {{id: p, type: {CORE}.flow.Pause}}", 1),
        ("states: [SUCCESS], ", f"- {{id: s, type: {SLEEP}, duration: PT1S}}", 1),
    ],
)
def test_a_flow_listens_to_another(tmp_path: Path, name: str, states: str, tasks: str, count: int) -> None:
    listener = flow(
        show("{{ trigger.flowId }} {{ trigger.state }}"),
        tail=f"triggers: [{{id: t, type: {CORE}.trigger.Flow, {states}{LISTENER[name]}}}]",
    ).replace("id: flow", "id: listener", 1)
    world = World(tmp_path, flow(tasks), listener, dialect=DIALECTS[name])
    first = world.run()
    made = [item for item in world.executor.executions() if item.flow_id == "listener"]
    assert len(made) == count
    for item in made:
        assert run_of(item, "r").outputs == {"value": f"flow {first.state.current.value}"}
        assert dict(item.labels)["system.correlationId"] == first.id


@BOTH
def test_task_code_sees_its_own_run_as_it_was_sent(tmp_path: Path, name: str) -> None:
    """The context is made before a worker gets it (1.1.15 and 2.0.0); what is around it is as it is."""
    text = flow(
        show("{{ tasks.a.state }}", "a")
        + f"""
- id: around
  type: {CORE}.flow.Sequential
  tasks:
    - {{id: in, type: {RETURN}, format: "{{{{ tasks.in }}}} {{{{ tasks.around.state }}}} {{{{ tasks.a.state }}}}"}}
- {{id: slow, type: {RETURN}, format: "{{{{ tasks.slow.state }}}}", timeout: PT1H}}"""
    )
    execution = World(tmp_path, text, dialect=DIALECTS[name]).run()
    seen = {run.task_id: (run.outputs or {}).get("value") for run in execution.task_runs}
    in_ = '{"state":"CREATED"} RUNNING SUCCESS'
    assert seen == {"a": "CREATED", "around": None, "in": in_, "slow": "CREATED"}


def test_a_run_of_a_value_sees_the_others_beside_its_own(tmp_path: Path) -> None:
    text = flow(
        f"""
- id: each
  type: {CORE}.flow.ForEach
  values: [x, y]
  tasks:
    - {{id: in, type: {RETURN}, format: "{{{{ tasks.in }}}}"}}"""
    )
    execution = World(tmp_path, text, dialect=V1).run()
    assert [(run.outputs or {}).get("value") for run in execution.task_runs][1:] == [
        '{"x":{"state":"CREATED"}}',
        '{"x":{"state":"SUCCESS"},"y":{"state":"CREATED"}}',
    ]
