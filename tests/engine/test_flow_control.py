"""Order, states and outputs of flow control in both dialects."""

from pathlib import Path

import pytest

from simulator.dialect import V1, V2, Dialect
from tests.engine.harness import FAIL, LOG, RETURN, SLEEP, START, World, flow, history, ids, run_of, state

BOTH = pytest.mark.parametrize("dialect", [V1, V2], ids=["1.x", "2.0"])


@BOTH
def test_tasks_run_in_order_and_see_earlier_outputs(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(f"""
    - {{id: a, type: {RETURN}, format: one}}
    - {{id: b, type: {RETURN}, format: "{{{{ outputs.a.value }}}} two"}}
    """)
    execution = World(tmp_path, text, dialect=dialect).run()
    assert (state(execution), ids(execution)) == ("SUCCESS", ["a", "b"])
    assert run_of(execution, "b").outputs == {"value": "one two"}
    submitted = ["SUBMITTED"] if dialect is V2 else []
    assert history(run_of(execution, "a")) == ["CREATED", *submitted, "RUNNING", "SUCCESS"]


@BOTH
def test_a_failure_runs_errors_then_finally_and_nothing_else(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(
        f"""
        - {{id: bad, type: {FAIL}}}
        - {{id: never, type: {LOG}, message: x}}
        """,
        tail=f"""
        errors:
          - {{id: worse, type: {FAIL}}}
          - {{id: still, type: {LOG}, message: x}}
        finally:
          - {{id: last, type: {LOG}, message: x}}
        """,
    )
    execution = World(tmp_path, text, dialect=dialect).run()
    assert (state(execution), ids(execution)) == ("FAILED", ["bad", "worse", "still", "last"])


@BOTH
def test_parallel_children_wait_side_by_side(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(f"""
    - id: both
      type: io.kestra.plugin.core.flow.Parallel
      tasks:
        - {{id: long, type: {SLEEP}, duration: P1D}}
        - {{id: short, type: {SLEEP}, duration: PT1H}}
    """)
    world = World(tmp_path, text, dialect=dialect)
    execution = world.run()
    assert state(execution) == "SUCCESS"
    end = {run.task_id: run.state.end_date for run in execution.task_runs}
    assert (end["long"] - START).days == 1
    assert (end["short"] - START).seconds == 3600
    assert world.clock.now() == end["both"]


@BOTH
def test_a_limit_holds_parallel_children_back(tmp_path: Path, dialect: Dialect) -> None:
    tasks = "\n".join(f"        - {{id: t{n}, type: {SLEEP}, duration: PT10S}}" for n in range(5))
    text = flow(f"""
    - id: some
      type: io.kestra.plugin.core.flow.Parallel
      concurrent: 2
      tasks:\n{tasks}
    """)
    execution = World(tmp_path, text, dialect=dialect).run()
    starts = [(run.state.start_date - START).seconds for run in execution.task_runs[1:]]
    assert starts == [0, 0, 10, 10, 20]


@BOTH
def test_dag_waits_for_what_a_task_depends_on(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(f"""
    - id: dag
      type: io.kestra.plugin.core.flow.Dag
      tasks:
        - task: {{id: last, type: {LOG}, message: x}}
          dependsOn: [left, right]
        - task: {{id: left, type: {SLEEP}, duration: PT5S}}
        - task: {{id: right, type: {SLEEP}, duration: PT9S}}
          dependsOn: [left]
    """)
    execution = World(tmp_path, text, dialect=dialect).run()
    assert ids(execution) == ["dag", "left", "right", "last"]
    assert (run_of(execution, "last").state.start_date - START).seconds == 14


@BOTH
def test_switch_without_a_match_fails_with_a_warning(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(f"""
    - id: choose
      type: io.kestra.plugin.core.flow.Switch
      value: none
      cases:
        "true":
          - {{id: t, type: {LOG}, message: x}}
    """)
    world = World(tmp_path, text, dialect=dialect)
    execution = world.run()
    assert (state(execution), ids(execution)) == ("FAILED", ["choose"])
    assert run_of(execution, "choose").outputs == {"value": "none", "defaults": True}
    expected = f"No task found on flow 'test.engine.flow', task 'choose', execution '{execution.id}'"
    assert world.messages("WARN") == [expected]


def test_for_each_keeps_outputs_by_value_and_drops_duplicates(tmp_path: Path) -> None:
    text = flow(f"""
    - id: each
      type: io.kestra.plugin.core.flow.ForEach
      values: [a, b, a]
      tasks:
        - {{id: one, type: {RETURN}, format: "{{{{ taskrun.value }}}}{{{{ taskrun.iteration }}}}"}}
        - {{id: two, type: {RETURN}, format: "{{{{ outputs.one[taskrun.value].value }}}}"}}
    - {{id: all, type: {RETURN}, format: "{{{{ outputs.two.b.value }}}}"}}
    """)
    execution = World(tmp_path, text, dialect=V1).run()
    assert ids(execution) == ["each", "one", "two", "one", "two", "all"]
    assert run_of(execution, "all").outputs == {"value": "b1"}


def test_groups_of_a_concurrent_for_each_go_on_by_themselves(tmp_path: Path) -> None:
    text = flow(f"""
    - id: each
      type: io.kestra.plugin.core.flow.ForEach
      concurrencyLimit: 2
      values: ["PT1S", "PT10S", "PT2S"]
      tasks:
        - {{id: wait, type: {SLEEP}, duration: "{{{{ taskrun.value }}}}"}}
        - {{id: then, type: {LOG}, message: x}}
    """)
    execution = World(tmp_path, text, dialect=V1).run()
    ends = {
        run.value: (run.state.end_date - START).seconds
        for run in execution.task_runs
        if run.task_id == "then"
    }
    assert ends == {"PT1S": 1, "PT10S": 10, "PT2S": 3}


def test_loop_iterations_are_executions_of_their_own(tmp_path: Path) -> None:
    text = flow(f"""
    - id: loop
      type: io.kestra.plugin.core.flow.Loop
      values: {{x: 1, y: 2}}
      outputs:
        - {{id: got, type: STRING, value: "{{{{ outputs.in.value }}}}"}}
      tasks:
        - {{id: in, type: {RETURN}, format: "{{{{ item.key }}}}={{{{ item.value }}}}"}}
    - {{id: end, type: {RETURN}, format: "{{{{ outputs.loop.outputs[1].outputs.got }}}}"}}
    """)
    world = World(tmp_path, text)
    execution = world.run()
    assert ids(execution) == ["loop", "end"]
    assert run_of(execution, "end").outputs == {"value": "y=2"}
    inner = [item for item in world.executor.executions() if item.kind == "LOOP"]
    assert [item.parent_id for item in inner] == [execution.id] * 2


def test_disabled_children_make_1x_sequential_and_2_not(tmp_path: Path) -> None:
    text = flow(f"""
    - id: par
      type: io.kestra.plugin.core.flow.Parallel
      tasks:
        - {{id: a, type: {SLEEP}, duration: PT5S}}
        - {{id: off, type: {LOG}, message: x, disabled: true}}
        - {{id: b, type: {SLEEP}, duration: PT5S}}
    """)
    old = World(tmp_path / "1", text, dialect=V1)
    new = World(tmp_path / "2", text, dialect=V2)
    assert state(old.run()) == state(new.run()) == "SUCCESS"
    assert (old.clock.now() - START).seconds == 10
    assert (new.clock.now() - START).seconds == 5


def test_a_flowable_without_enabled_children_never_ends_in_1x_and_says_so(tmp_path: Path) -> None:
    text = flow(f"""
    - id: seq
      type: io.kestra.plugin.core.flow.Sequential
      tasks:
        - {{id: off, type: {LOG}, message: x, disabled: true}}
    """)
    world = World(tmp_path / "1", text, dialect=V1)
    assert state(world.run()) == "RUNNING"
    assert any("never ends" in str(event) for event in world.events)
    assert state(World(tmp_path / "2", text, dialect=V2).run()) == "SUCCESS"


@BOTH
def test_run_if_skips_and_a_broken_one_fails(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(f"""
    - {{id: no, type: {LOG}, message: x, runIf: "{{{{ 1 == 2 }}}}"}}
    - {{id: bad, type: {LOG}, message: x, runIf: "{{{{ nope }}}}"}}
    """)
    world = World(tmp_path, text, dialect=dialect)
    execution = world.run()
    assert [state(run) for run in execution.task_runs] == ["SKIPPED", "FAILED"]
    assert world.messages("ERROR")[0].startswith(
        "Failed to evaluate the runIf condition for task bad. Cause: "
    )


@BOTH
def test_after_execution_sees_the_end_state(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(
        f"- {{id: bad, type: {FAIL}}}",
        tail=f"""
        afterExecution:
          - {{id: after, type: {RETURN}, format: "{{{{ execution.state }}}}"}}
        """,
    )
    execution = World(tmp_path, text, dialect=dialect).run()
    assert state(execution) == "FAILED"
    assert run_of(execution, "after").outputs == {"value": "FAILED"}


@BOTH
def test_a_timeout_interrupts_a_sleep_in_simulated_time(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(f"- {{id: long, type: {SLEEP}, duration: P30D, timeout: PT2S}}")
    world = World(tmp_path, text, dialect=dialect)
    assert state(world.run()) == "FAILED"
    assert "Timeout after 00:00:02.000" in world.messages("ERROR")
    assert (world.clock.now() - START).seconds == 2


def test_nesting_fifty_deep(tmp_path: Path) -> None:
    text = f"- {{id: leaf, type: {LOG}, message: x}}"
    for depth in range(50):
        indented = "\n".join("    " + line for line in text.splitlines())
        text = f"- id: s{depth}\n  type: io.kestra.plugin.core.flow.Sequential\n  tasks:\n{indented}"
    execution = World(tmp_path, flow(text)).run()
    assert (state(execution), len(execution.task_runs)) == ("SUCCESS", 51)


def test_a_thousand_branches(tmp_path: Path) -> None:
    tasks = "\n".join(f"    - {{id: t{n}, type: {LOG}, message: x}}" for n in range(1000))
    text = flow(f"- id: par\n  type: io.kestra.plugin.core.flow.Parallel\n  tasks:\n{tasks}")
    execution = World(tmp_path, text).run()
    assert (state(execution), len(execution.task_runs)) == ("SUCCESS", 1001)
