"""core-tasks.md 2.13 and execution.md 12: what a Subflow's run becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.walk import BOTH, Walk, attempts, history, shown

RAN = "tasks: [{id: c, type: @log.Log, message: x}]"
NEXT = "{id: z, type: @log.Log, message: x}"
LINK = '[[link execution="{}" flowId="child" namespace="spec"]]'


def parent(more: str = "", flow_id: str = "child") -> str:
    return f"tasks: [{{id: s, type: @flow.Subflow, namespace: spec, flowId: {flow_id}{', ' + more if more else ''}}}, {NEXT}]"


@BOTH
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", "FAILED: s=FAILED"),
        ("transmitFailed: false", "FAILED: s=FAILED"),
        ("allowFailure: true", "WARNING: s=WARNING z=SUCCESS"),
        ("allowFailure: true, allowWarning: true", "SUCCESS: s=SUCCESS z=SUCCESS"),
    ],
)
def test_outputs_of_the_child_that_cannot_be_rendered(
    tmp_path: Path, name: str, more: str, expected: str
) -> None:
    walk = Walk(
        tmp_path,
        name,
        parent(more),
        {"child": RAN + "\noutputs: [{id: o, type: STRING, value: '{{ nope }}'}]"},
    )
    done = walk.run()
    assert shown(done) == expected
    error = "Unable to find `nope` used in the expression `{{ nope }}` at line 1"
    assert walk.logs("ERROR", "s") == [f"Failed to extract outputs with the error: '{error}'"]
    state = done.task_runs[0].state.current.value
    assert attempts(done.task_runs[0]) == [f"CREATED {state}"]
    assert walk.of("child")[0].state.current == "FAILED"


@BOTH
@pytest.mark.parametrize("more", ["", "allowFailure: true"])
def test_a_child_that_cannot_start_is_not_softened(tmp_path: Path, name: str, more: str) -> None:
    walk = Walk(tmp_path, name, parent(more, flow_id="\"{{ 'no' }}\""))
    done = walk.run()
    assert shown(done) == "FAILED: s=FAILED"
    assert (history(done.task_runs[0]), attempts(done.task_runs[0])) == ("CREATED FAILED", ["FAILED"])
    assert walk.logs("ERROR") == ["Unable to find flow 'spec'.'no' with revision '0'"] * 2


@BOTH
@pytest.mark.parametrize(
    ("child", "more", "states", "level"),
    [
        ("@execution.Fail", "", "FAILED", "ERROR"),
        ("@execution.Fail", "transmitFailed: false", "FAILED SUCCESS", None),
        ("@execution.Fail", "allowFailure: true", "FAILED WARNING", "WARN"),
        ("@execution.Fail", "allowFailure: true, allowWarning: true", "FAILED SUCCESS", None),
        ("@execution.Fail, allowFailure: true", "", "WARNING", "WARN"),
        ("@execution.Fail, allowFailure: true", "allowWarning: true", "WARNING SUCCESS", None),
    ],
)
def test_the_run_goes_through_the_state_of_its_child(
    tmp_path: Path, name: str, child: str, more: str, states: str, level: str | None
) -> None:
    walk = Walk(tmp_path, name, parent(more), {"child": f"tasks: [{{id: c, type: {child}}}]"})
    done = walk.run()
    run = done.task_runs[0]
    assert history(run) == f"CREATED RUNNING {states}"
    assert attempts(run) == [history(run)]
    link = LINK.format(walk.of("child")[0].id)
    end = states.split()[-1]
    told = [f"{level} Subflow execution {link} ends in {end} state"] if level else []
    assert walk.logs(task="s") == [f"INFO Created new execution {link}", *told]


@BOTH
def test_values_and_labels_that_a_child_gets(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        """
        labels: {both: parent, own: parent}
        tasks:
          - id: s
            type: @flow.Subflow
            namespace: spec
            flowId: child
            inheritLabels: true
            labels: {own: given, more: "{{ flow.id }}"}
            inputs: {x: "{{ flow.id }}"}
          - {id: r, type: @debug.Return, format: "{{ outputs.s.outputs.o }} {{ outputs.s.outputs.n + 1 }} {{ outputs.s.state }}"}
        """,
        {
            "child": """
            inputs: [{id: x, type: STRING, defaults: d}]
            labels: {both: child}
            tasks: [{id: c, type: @debug.Return, format: "{{ inputs.x }} {{ trigger.flowId }} {{ trigger.taskId }}"}]
            outputs: [{id: o, type: STRING, value: "{{ outputs.c.value }}"}, {id: n, type: INT, value: "3"}]
            """
        },
    )
    done = walk.run()
    assert walk.task(done, "r").outputs == {"value": "main main s 4 SUCCESS"}
    child = dict(walk.of("child")[0].labels)
    assert child.pop("system.correlationId") == done.id
    assert child == {"both": "child", "own": "given", "more": "main"}
