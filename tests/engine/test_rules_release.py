"""Rules of 2.0 that its reference leaves open, as a Kestra 2.0.0 engine shows them (docker/parity), beside 1.x."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.dialect import V1, V2, Dialect
from tests.engine.harness import LOG, RETURN, SLEEP, World, flow, history, ids, run_of, state

BOTH = pytest.mark.parametrize("dialect", [V1, V2], ids=["1.x", "2.0"])


@BOTH
def test_a_run_without_outputs_has_its_place_in_them(tmp_path: Path, dialect: Dialect) -> None:
    tasks = f"""
    - {{id: a, type: {LOG}, message: x}}
    - {{id: skipped, type: {LOG}, message: x, runIf: "false"}}
    - {{id: all, type: {RETURN}, format: "{{{{ outputs | keys }}}} {{{{ outputs.a is defined }}}}"}}
    """
    done = World(tmp_path, flow(tasks), dialect=dialect).run()
    expected = '["a","skipped","all"] true' if dialect is V2 else "[] false"
    assert run_of(done, "all").outputs == {"value": expected}


def sla(assertion: str, behavior: str, more: str = "") -> str:
    return (
        f'sla:\n  - {{id: d, type: EXECUTION_ASSERTION, assert: "{assertion}", behavior: {behavior}{more}}}'
    )


TWO = f"- {{id: a, type: {RETURN}, format: y}}\n- {{id: c, type: {LOG}, message: c}}"


@BOTH
def test_an_sla_that_does_not_render_counts_as_violated(tmp_path: Path, dialect: Dialect) -> None:
    world = World(tmp_path, flow(TWO, head=sla("{{ nothing }}", "CANCEL")), dialect=dialect)
    done = world.run()
    reason = "Unable to find `nothing` used in the expression `{{ nothing }}` at line 1"
    if dialect is V2:
        # it is looked at before the first task run exists
        assert (history(done), ids(done)) == (["CREATED", "CANCELLED"], [])
        assert world.messages("WARN") == [f"SLA 'd' violated: SLA could not be evaluated: {reason}"]
        assert world.messages("ERROR") == [
            f"SLA 'd' could not be evaluated and is treated as violated: {reason}"
        ]
    else:
        assert state(done) == "SUCCESS"
        assert set(world.messages("WARN")) == {f"Ignoring SLA 'd' because of the error: {reason}"}


def test_an_sla_that_changes_nothing_is_said_at_each_change(tmp_path: Path) -> None:
    head = sla("{{ (outputs.a.value ?? 'x') == 'x' }}", "NONE", ", labels: {sla: miss}")
    world = World(tmp_path, flow(TWO, head=head))
    done = world.run()
    assert (state(done), dict(done.labels)["sla"]) == ("SUCCESS", "miss")
    # a is over; then c is created, submitted, running and over
    assert len(world.messages("WARN")) == 5


def test_nothing_runs_after_an_sla_has_failed_the_execution(tmp_path: Path) -> None:
    world = World(tmp_path, flow(TWO, head=sla("{{ tasks.c.state is not defined }}", "FAIL")))
    done = world.run()
    assert (state(done), state(run_of(done, "c"))) == ("FAILED", "FAILED")
    assert "c" not in world.messages("INFO")


@BOTH
def test_a_run_that_an_sla_interrupts_is_killed(tmp_path: Path, dialect: Dialect) -> None:
    head = "sla:\n  - {id: d, type: MAX_DURATION, duration: PT8S, behavior: FAIL}"
    text = flow(f"- {{id: nap, type: {SLEEP}, duration: P1D}}", head=head)
    done = World(tmp_path, text, dialect=dialect).run()
    assert state(done) == "FAILED"
    assert state(run_of(done, "nap")) == ("KILLED" if dialect is V2 else "FAILED")


INPUTS = """
inputs:
  - {id: f, type: FLOAT, defaults: 3.14}
  - {id: d, type: DURATION, defaults: PT5M}
  - {id: t, type: TIME, defaults: "10:00"}
  - {id: none, type: STRING, dependsOn: {inputs: [f], condition: "{{ inputs.f > 4 }}"}, defaults: x}
  - {id: never, type: STRING, dependsOn: {inputs: [f], condition: "{{ inputs.f > 4 }}"}, defaults: "{{ inputs.f }}"}
"""


@BOTH
def test_inputs_are_what_json_makes_of_them(tmp_path: Path, dialect: Dialect) -> None:
    """A default stands in for an input that `dependsOn` leaves out, when it needs no other input."""
    task = f"- {{id: a, type: {RETURN}, format: '{{{{ inputs.d }}}} {{{{ inputs.t }}}} {{{{ inputs }}}}'}}"
    done = World(tmp_path, flow(task, head=INPUTS), dialect=dialect).run()
    assert done.inputs == {"f": 3.14, "d": 300.0, "t": "10:00:00"}
    seen = '{"f":3.14,"d":300.0,"t":"10:00:00","none":"x"}'
    assert run_of(done, "a").outputs == {"value": f"300.0 10:00:00 {seen}"}
