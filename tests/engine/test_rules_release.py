"""Rules of 2.0 that its reference leaves open, as a Kestra 2.0.0 engine shows them (docker/parity), beside 1.x."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.dialect import V1, V2, Dialect
from tests.engine.harness import FAIL, LOG, RETURN, SLEEP, World, flow, history, ids, run_of, state

BOTH = pytest.mark.parametrize("dialect", [V1, V2], ids=["1.x", "2.0"])


@BOTH
def test_a_run_without_outputs_has_its_place_in_them(tmp_path: Path, dialect: Dialect) -> None:
    tasks = f"""
    - {{id: a, type: {LOG}, message: x}}
    - {{id: skipped, type: {LOG}, message: x, runIf: "false"}}
    - {{id: all, type: {RETURN}, format: "{{{{ outputs | keys }}}} {{{{ outputs.a is defined }}}}"}}
    """
    done = World(tmp_path, flow(tasks), dialect=dialect).run()
    expected = '["a","skipped","all"] true' if dialect is V2 else '["a"] true'
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
        assert set(world.messages("ERROR")) == {f"Ignoring SLA 'd' because of the error: {reason}"}


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
    assert state(run_of(done, "nap")) == "KILLED"


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


FLOW = "io.kestra.plugin.core.flow"


@BOTH
def test_what_a_flowable_evaluated_stays_when_it_is_skipped(tmp_path: Path, dialect: Dialect) -> None:
    leaf = f"[{{id: %s, type: {LOG}, message: x}}]"
    tasks = f"""
    - {{id: i, type: {FLOW}.If, runIf: "false", condition: "true", then: {leaf % "a"}}}
    - {{id: s, type: {FLOW}.Switch, runIf: "false", value: b, cases: {{b: {leaf % "b"}}}}}
    - {{id: u, type: {FLOW}.LoopUntil, runIf: "false", condition: "true", tasks: {leaf % "c"}}}
    """
    done = World(tmp_path, flow(tasks), dialect=dialect).run()
    assert [str(run.state.current) for run in done.task_runs] == ["SKIPPED"] * 3
    expected = [{"evaluationResult": True}, {"value": "b", "defaults": False}, {"iterationCount": 1}]
    assert [run.outputs for run in done.task_runs] == expected


@pytest.mark.parametrize("kind", ["If, condition: ", "Switch, value: "])
def test_a_broken_flowable_says_so_of_its_outputs_too(tmp_path: Path, kind: str) -> None:
    branch = "then" if kind.startswith("If") else "cases: {a"
    end = "" if kind.startswith("If") else "}"
    leaf = f"[{{id: a, type: {LOG}, message: x}}]"
    world = World(tmp_path, flow(f"- {{id: f, type: {FLOW}.{kind}'{{{{ nope }}}}', {branch}: {leaf}{end}}}"))
    run = run_of(world.run(), "f")
    why = "Unable to find `nope` used in the expression `{{ nope }}` at line 1"
    assert world.messages("ERROR") == [
        f"Unable to resolve {what} from the Flowable task: {why}" for what in ("state", "outputs")
    ]
    (warning,) = world.messages("WARN")
    assert warning.startswith(
        f"Unable to save output on taskRun 'TaskRun(tenantId=main, id={run.id}, executionId="
    )
    assert warning.endswith(
        "taskId=f, parentTaskRunId=null, value=null, attempts=null, assetEmits=null, state=State(current=CREATED, "
        "histories=[State.History(state=CREATED, date=2025-03-03T09:00:00Z)]), iteration=null, dynamic=null, "
        "forceExecution=null, outputs=null)'"
    )


def test_on_pause_stands_beside_its_pause(tmp_path: Path) -> None:
    leaf = f"{{id: on, type: {LOG}, message: x}}"
    done = World(
        tmp_path, flow(f"- {{id: p, type: {FLOW}.Pause, pauseDuration: PT1S, onPause: {leaf}}}")
    ).run()
    assert run_of(done, "on").parent_task_run_id is None


def test_a_pause_that_cancels_is_another_attempt_too(tmp_path: Path) -> None:
    done = World(
        tmp_path, flow(f"- {{id: p, type: {FLOW}.Pause, pauseDuration: PT1S, behavior: CANCEL}}")
    ).run()
    assert (state(done), done.attempt_number) == ("CANCELLED", 2)


@BOTH
def test_exit_to_killed(tmp_path: Path, dialect: Dialect) -> None:
    exit_ = "{id: x, type: io.kestra.plugin.core.execution.Exit, state: KILLED}"
    tasks = (
        f"- id: p\n  type: {FLOW}.Parallel\n  tasks: [{{id: nap, type: {SLEEP}, duration: PT1H}}, {exit_}]"
    )
    done = World(tmp_path, flow(tasks), dialect=dialect).run()
    through = [] if dialect is V2 else ["KILLING"]
    assert history(done) == ["CREATED", "RUNNING", *through, "KILLED"]
    assert {str(run.state.current) for run in done.task_runs} == {"KILLED"}


BAD = f"id: child\nnamespace: lab\ntasks:\n  - {{id: bad, type: {FAIL}}}\n"


@pytest.mark.parametrize(
    ("more", "states"),
    [
        ("transmitFailed: false", ["FAILED", "SUCCESS"]),
        ("allowFailure: true", ["FAILED", "WARNING"]),
        ("description: none", ["FAILED"]),
    ],
)
def test_a_subflow_ends_as_its_child_and_then_as_itself(tmp_path: Path, more: str, states: list[str]) -> None:
    text = flow(f"- {{id: s, type: {FLOW}.Subflow, namespace: lab, flowId: child, {more}}}")
    run = run_of(World(tmp_path, text, BAD).run(), "s")
    assert history(run) == ["CREATED", "RUNNING", *states]
    assert [history(attempt) for attempt in run.attempts] == [history(run)]


def test_a_retried_subflow_has_its_whole_history_in_each_attempt(tmp_path: Path) -> None:
    retry = "retry: {type: constant, interval: PT1S, maxAttempts: 2}"
    text = flow(f"- {{id: s, type: {FLOW}.Subflow, namespace: lab, flowId: child, {retry}}}")
    run = run_of(World(tmp_path, text, BAD).run(), "s")
    once = ["CREATED", "RUNNING", "FAILED"]
    assert [history(attempt) for attempt in run.attempts] == [once, [*once, "RETRYING", *once]]


@pytest.mark.parametrize(
    ("more", "places"),
    [
        ('flowId: "{{ nope }}"', [None]),
        ("flowId: child, inputs: {n: abc}", [None]),
        ("flowId: \"{{ 'no' }}\"", ["s", None]),
    ],
)
def test_where_a_subflow_that_cannot_start_says_so(
    tmp_path: Path, more: str, places: list[str | None]
) -> None:
    child = BAD.replace("tasks:", "inputs: [{id: n, type: INT}]\ntasks:")
    world = World(tmp_path, flow(f"- {{id: s, type: {FLOW}.Subflow, namespace: lab, {more}}}"), child)
    assert state(world.run()) == "FAILED"
    assert [entry.task_id for entry in world.executor.logs() if entry.level == "ERROR"] == places


@pytest.mark.parametrize(("given", "told"), [("{v: x, typo: y}", 1), ("{typo: y}", 0)])
def test_a_subflow_counts_its_inputs(tmp_path: Path, given: str, told: int) -> None:
    """Kestra compares how many were given with how many there are, defaults included."""
    child = f"id: child\nnamespace: lab\ninputs: [{{id: v, type: STRING, defaults: d}}]\ntasks: [{{id: a, type: {LOG}, message: x}}]\n"
    world = World(
        tmp_path,
        flow(f"- {{id: s, type: {FLOW}.Subflow, namespace: lab, flowId: child, inputs: {given}}}"),
        child,
    )
    done = world.run()
    assert state(done) == "SUCCESS"
    assert sum("provided by parent execution" in text for text in world.messages("WARN")) == told


@BOTH
def test_errors_of_a_working_directory_are_ordinary_tasks(tmp_path: Path, dialect: Dialect) -> None:
    tasks = f"""
    - id: w
      type: {FLOW}.WorkingDirectory
      tasks: [{{id: bad, type: {FAIL}}}]
      errors: [{{id: e, type: {LOG}, message: x}}]
    """
    done = World(tmp_path, flow(tasks), dialect=dialect).run()
    submitted = ["SUBMITTED"] if dialect is V2 else []
    assert history(run_of(done, "bad")) == ["CREATED", "RUNNING", "FAILED"]
    assert history(run_of(done, "e")) == ["CREATED", *submitted, "RUNNING", "SUCCESS"]


NAP = f"{{id: nap, type: {SLEEP}, duration: PT1M}}"


@pytest.mark.parametrize(
    ("kind", "more", "expected", "took"),
    [
        ("Parallel", "", "FAILED", 0),
        ("Parallel", ", onChildFailure: fail", "FAILED", 0),
        ("Parallel", ", onChildFailure: CANCEL", "CANCELLED", 0),
        ("Parallel", ", onChildFailure: CONTINUE", "SUCCESS", 60),
        ("Parallel", ", onChildFailure: CANCELLED", "SUCCESS", 60),  # not one of its words
        ("Dag", "", "SUCCESS", 60),
        ("Dag", ", onChildFailure: '{{ \"FAIL\" }}'", "FAILED", 0),
    ],
)
def test_what_becomes_of_the_siblings_of_a_failed_child(
    tmp_path: Path, kind: str, more: str, expected: str, took: int
) -> None:
    children = [NAP, f"{{id: bad, type: {FAIL}}}"]
    if kind == "Dag":
        children = [f"{{task: {child}}}" for child in children]
    world = World(tmp_path, flow(f"- {{id: p, type: {FLOW}.{kind}{more}, tasks: [{', '.join(children)}]}}"))
    done = world.run()
    nap = run_of(done, "nap")
    assert (state(done), state(nap)) == ("FAILED", expected)
    assert [history(attempt) for attempt in nap.attempts] == [["CREATED", "RUNNING", expected]]
    assert nap.state.duration.total_seconds() == took


def test_in_1x_siblings_that_have_begun_end_as_their_own_work_ends(tmp_path: Path) -> None:
    text = flow(f"- {{id: p, type: {FLOW}.Parallel, tasks: [{NAP}, {{id: bad, type: {FAIL}}}]}}")
    done = World(tmp_path, text, dialect=V1).run()
    assert (state(run_of(done, "p")), state(run_of(done, "nap"))) == ("FAILED", "SUCCESS")


@BOTH
def test_steps_of_the_executor_come_before_results_of_workers(tmp_path: Path, dialect: Dialect) -> None:
    """A branch beside a failing task gets its first run before the failure is known."""
    one = f"{{id: one, type: {LOG}, message: x}}"
    branch = f"{{id: s, type: {FLOW}.Sequential, tasks: [{one}, {{id: two, type: {LOG}, message: x}}]}}"
    text = flow(f"- {{id: p, type: {FLOW}.Parallel, tasks: [{{id: bad, type: {FAIL}}}, {branch}]}}")
    done = World(tmp_path, text, dialect=dialect).run()
    assert (ids(done), state(run_of(done, "s"))) == (["p", "bad", "s", "one"], "FAILED")
    assert state(run_of(done, "one")) == "SUCCESS"


@pytest.mark.parametrize("block", ["errors", "finally"])
@pytest.mark.parametrize("own", [True, False])
def test_whether_an_execution_fails_before_it_retries(tmp_path: Path, block: str, own: bool) -> None:
    """`errors` and `finally` wait for a retry of the task's own, so nothing is left to do for a moment."""
    retry = "retry: {type: constant, interval: PT1S, maxAttempts: 2}"
    task, head = (f"{{id: bad, type: {FAIL}, {retry}}}", "") if own else (f"{{id: bad, type: {FAIL}}}", retry)
    text = flow(f"- {task}", head=head, tail=f"{block}: [{{id: e, type: {LOG}, message: x}}]")
    first = ["FAILED", "RETRYING"] if own else ["RETRYING"]
    assert history(World(tmp_path, text).run())[2 : 2 + len(first)] == first


@pytest.mark.parametrize(
    ("more", "expected", "to"),
    [
        ("pauseDuration: PT1S, behavior: FAIL, allowFailure: true", "FAILED", "FAILED"),
        ("pauseDuration: PT1S, behavior: FAIL, allowFailure: true, finally: [%s]", "WARNING", "FAILED"),
        ("timeout: PT1S, allowFailure: true", "WARNING", "WARNING"),
        ("timeout: PT1S", "FAILED", "FAILED"),
    ],
)
def test_which_end_of_a_pause_may_fail(tmp_path: Path, more: str, expected: str, to: str) -> None:
    leaf = f"{{id: f, type: {LOG}, message: x}}"
    text = flow(f"- {{id: p, type: {FLOW}.Pause, {more.replace('%s', leaf)}}}")
    run = run_of(World(tmp_path, text).run(), "p")
    assert (state(run), run.outputs["resumed"]["to"]) == (expected, to)


@BOTH
def test_output_files_of_a_working_directory_that_cannot_be_collected(
    tmp_path: Path, dialect: Dialect
) -> None:
    tasks = f"- {{id: w, type: {FLOW}.WorkingDirectory, outputFiles: ['{{{{ nope }}}}'], tasks: [{{id: a, type: {LOG}, message: x}}]}}"
    world = World(tmp_path, flow(tasks), dialect=dialect)
    assert state(world.run()) == "FAILED"
    assert world.messages("ERROR") == [
        "Unable to capture WorkingDirectory output files",
        "Failed postExecuteTasks on WorkingDirectory: Unable to find `nope` used in the expression `{{ nope }}` at line 1",
    ]


def test_a_loop_that_failed_counts_the_iterations_beside_the_failed_one(tmp_path: Path) -> None:
    loop = f"- id: each\n  type: {FLOW}.Loop\n  values: [a, b, c]\n  concurrencyLimit: 0\n  tasks:\n    - {{id: bad, type: {FAIL}}}"
    world = World(tmp_path, flow(loop))
    run = run_of(world.run(), "each")
    assert history(run) == ["CREATED", "RUNNING", "FAILED"]
    assert run.outputs == {"runningIterations": 0, "iterationCount": 3, "terminatedIterations": 3}
    told = [text for text in world.messages("ERROR") if text.startswith("Loop iteration")]
    assert [text.split()[2] for text in told] == ["0", "1", "2"]


def test_errors_of_a_loop_until_have_its_round(tmp_path: Path) -> None:
    rounds = f"""
    - id: r
      type: {FLOW}.LoopUntil
      condition: "{{{{ false }}}}"
      checkFrequency: {{interval: PT1S}}
      tasks: [{{id: a, type: {FAIL}, condition: "{{{{ outputs.r.iterationCount == 2 }}}}"}}]
      finally: [{{id: f, type: {LOG}, message: x}}]
    """
    done = World(tmp_path, flow(rounds)).run()
    assert [(run.task_id, run.iteration) for run in done.task_runs] == [("r", 1), ("a", 1), ("f", 1)]


@BOTH
@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("inputFiles: {a: '{{ nope }}'}", "Failed preExecuteTasks on WorkingDirectory: %s"),
        ("outputFiles: ['{{ nope }}']", "Failed postExecuteTasks on WorkingDirectory: %s"),
        ("description: runIf", "Failed evaluating runIf: %s"),
    ],
)
def test_how_a_working_directory_fails(tmp_path: Path, dialect: Dialect, more: str, reason: str) -> None:
    condition = ", runIf: '{{ nope }}'" if more.endswith("runIf") else ""
    children = f"[{{id: a, type: {LOG}, message: x}}, {{id: b, type: {LOG}, message: x{condition}}}]"
    world = World(
        tmp_path,
        flow(f"- {{id: w, type: {FLOW}.WorkingDirectory, {more}, tasks: {children}}}"),
        dialect=dialect,
    )
    run = run_of(world.run(), "w")
    assert (history(run), run.attempts) == (["CREATED", "FAILED"], None)
    entry = [entry for entry in world.executor.logs() if entry.level == "ERROR"][-1]
    assert entry.message == reason % "Unable to find `nope` used in the expression `{{ nope }}` at line 1"
    assert entry.task_id == ("b" if condition else "w")


@BOTH
def test_a_loop_until_that_cannot_be_evaluated(tmp_path: Path, dialect: Dialect) -> None:
    tasks = f"[{{id: a, type: {LOG}, message: x}}]"
    world = World(
        tmp_path,
        flow(f"- {{id: r, type: {FLOW}.LoopUntil, condition: '{{{{ nope }}}}', tasks: {tasks}}}"),
        dialect=dialect,
    )
    run = run_of(world.run(), "r")
    why = "Unable to find `nope` used in the expression `{{ nope }}` at line 1"
    expected = [f"Unable to resolve state from the Flowable task: {why}"]
    if dialect is V2:
        expected.append(f"Failed to process flowable task {run.id}: {why}")
    assert (state(run), world.messages("ERROR")) == ("FAILED", expected)


EXECUTION = "io.kestra.plugin.core.execution"
UNSET = f"- {{id: u, type: {EXECUTION}.UnsetVariables, variables: [%s]}}"


@pytest.mark.parametrize(
    ("variables", "name", "why"),
    [
        ("{a: 1}", "b", "Variable 'b' not found and `ignoreMissing` is false"),
        ("{a: 1}", "b], ignoreMissing: true, labels: [", None),
        ("{a.b: 1}", "a.b", 'Cannot invoke "java.util.Map.containsKey(Object)" because "vars" is null'),
        ("{a: {b: 1}}", "a.b", None),
        ("{a: {b: 1}}", "a.c", "Variable 'c' not found and `ignoreMissing` is false"),
        ("{a: {b: 1}}", "c.d.e", 'Cannot invoke "java.util.Map.get(Object)" because "vars" is null'),
        (
            "{a: 1}",
            "a.b",
            "class java.lang.Integer cannot be cast to class java.util.Map (java.lang.Integer and java.util.Map are in "
            "module java.base of loader 'bootstrap')",
        ),
        ("{}", "a", 'Cannot invoke "java.util.Map.containsKey(Object)" because "vars" is null'),
    ],
)
def test_variables_to_unset_must_be_there(tmp_path: Path, variables: str, name: str, why: str | None) -> None:
    text = (UNSET % name).replace(", labels: []", "")
    world = World(tmp_path, flow(text, head=f"variables: {variables}"))
    assert state(world.run()) == ("SUCCESS" if why is None else "FAILED")
    assert world.messages("ERROR") == ([] if why is None else [f"Failed to process task: {why}", why])


def test_a_task_of_the_executor_that_may_fail(tmp_path: Path) -> None:
    """It is not retried, and the execution's log says nothing."""
    retry = "retry: {type: constant, interval: PT1S, maxAttempts: 2}"
    world = World(
        tmp_path,
        flow(f"- {{id: l, type: {EXECUTION}.Labels, labels: {{a: ''}}, allowFailure: true, {retry}}}"),
    )
    run = run_of(world.run(), "l")
    assert (history(run), [history(attempt) for attempt in run.attempts]) == (
        ["CREATED", "WARNING"],
        [["WARNING"]],
    )
    assert world.messages("ERROR") == [
        "Failed to process task: Label values cannot be empty, offending label: a"
    ]


@BOTH
def test_a_subflow_that_cannot_start_may_not_fail(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(
        f"- {{id: s, type: {FLOW}.Subflow, namespace: lab, flowId: \"{{{{ 'no' }}}}\", allowFailure: true}}"
    )
    done = World(tmp_path, text, dialect=dialect).run()
    assert state(done) == "FAILED"


@BOTH
def test_an_exit_state_that_is_none(tmp_path: Path, dialect: Dialect) -> None:
    world = World(
        tmp_path, flow(f"- {{id: x, type: {EXECUTION}.Exit, state: \"{{{{ 'NO' }}}}\"}}"), dialect=dialect
    )
    assert state(world.run()) == "FAILED"
    message = world.messages("ERROR")[-1]
    if dialect is V2:
        assert message.startswith(
            "com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'NO': was expecting"
        )
    else:
        assert message.startswith('Cannot deserialize value of type enum from String "NO"')


@BOTH
def test_a_templated_task_needs_no_id(tmp_path: Path, dialect: Dialect) -> None:
    spec = f'{{type: {RETURN}, format: \\"{{{{ task.id }}}}\\"}}'
    text = flow(f'- {{id: t, type: io.kestra.plugin.core.templating.TemplatedTask, spec: "{spec}"}}')
    assert run_of(World(tmp_path, text, dialect=dialect).run(), "t").outputs == {"value": "t"}


@BOTH
def test_a_flowable_outside_its_bounds(tmp_path: Path, dialect: Dialect) -> None:
    tasks = f"[{{id: a, type: {LOG}, message: x}}]"
    text = flow(f"- {{id: p, type: {FLOW}.Parallel, concurrent: '{{{{ 0 - 1 }}}}', tasks: {tasks}}}")
    world = World(tmp_path, text, dialect=dialect)
    run = run_of(world.run(), "p")
    before = (
        f"Failed to process flowable task {run.id}"
        if dialect is V2
        else "Unable to resolve state from the Flowable task"
    )
    assert world.messages("ERROR") == [f"{before}: concurrent: must be greater than or equal to 0"]


def test_a_loop_over_a_file_knows_where_it_is(tmp_path: Path) -> None:
    write = '- {id: w, type: io.kestra.plugin.core.storage.Write, content: "1\\n2\\n3\\n", extension: .ion}'
    loop = f"- {{id: l, type: {FLOW}.Loop, values: '{{{{ outputs.w.uri }}}}', tasks: [{{id: a, type: {FAIL}, condition: '{{{{ item.index == 1 }}}}'}}]}}"
    run = run_of(World(tmp_path, flow(f"{write}\n{loop}")).run(), "l")
    assert run.outputs["nextOffset"] == 2
    assert (run.outputs["iterationCount"], run.outputs["terminatedIterations"]) == (3, 2)


@BOTH
def test_tasks_with_a_state_come_in_javas_order(tmp_path: Path, dialect: Dialect) -> None:
    text = flow(
        f"- {{id: bad, type: {FAIL}, allowFailure: true}}\n- {{id: r, type: {RETURN}, format: \"{{{{ tasksWithState('WARNING') }}}}\"}}"
    )
    run = run_of(World(tmp_path, text, dialect=dialect).run(), "r")
    assert run.outputs == {"value": '[{"state":"WARNING","taskId":"bad"}]'}


def test_a_failure_of_the_executor_is_told_by_what_runs_around_it(tmp_path: Path) -> None:
    leaf = f"{{id: l, type: {EXECUTION}.Labels, labels: {{a: ''}}}}"
    world = World(tmp_path, flow(f"- {{id: s, type: {FLOW}.Sequential, tasks: [{leaf}]}}"))
    assert state(world.run()) == "FAILED"
    assert [entry.task_id for entry in world.executor.logs() if entry.level == "ERROR"] == ["l", "s"]


@BOTH
@pytest.mark.parametrize(("head", "unknown"), [("", "vars"), ("variables: {b: 1}", "a")])
def test_a_flow_without_variables_has_no_vars(
    tmp_path: Path, dialect: Dialect, head: str, unknown: str
) -> None:
    world = World(
        tmp_path, flow(f"- {{id: r, type: {RETURN}, format: '{{{{ vars.a }}}}'}}", head=head), dialect=dialect
    )
    assert state(world.run()) == "FAILED"
    assert world.messages("ERROR") == [
        f"Unable to find `{unknown}` used in the expression `{{{{ vars.a }}}}` at line 1"
    ]


@BOTH
def test_results_of_workers_come_one_at_a_time(tmp_path: Path, dialect: Dialect) -> None:
    """After the first one the executor sees what follows from it, before it knows of the second."""
    tasks = f"""
    - id: d
      type: {FLOW}.Dag
      tasks:
        - {{task: {{id: first, type: {LOG}, message: x}}}}
        - {{task: {{id: second, type: {FAIL}}}}}
        - {{task: {{id: third, type: {LOG}, message: x}}, dependsOn: [first]}}
        - {{task: {{id: never, type: {LOG}, message: x}}, dependsOn: [third]}}
    """
    done = World(tmp_path, flow(tasks), dialect=dialect).run()
    assert (state(done), ids(done)) == ("FAILED", ["d", "first", "second", "third"])


@pytest.mark.parametrize(
    "task",
    [
        f"type: {FLOW}.Loop, values: '3', tasks: [{{id: a, type: {LOG}, message: x}}]",
        f"type: {FLOW}.Parallel, concurrent: '{{{{ 0 - 1 }}}}', tasks: [{{id: a, type: {LOG}, message: x}}]",
    ],
)
def test_a_flowable_that_cannot_begin_may_not_fail(tmp_path: Path, task: str) -> None:
    world = World(tmp_path, flow(f"- {{id: f, allowFailure: true, {task}}}"))
    assert (state(world.run()), ids(world.executor.executions()[0])) == ("FAILED", ["f"])
    assert world.messages("ERROR")[0].startswith("Failed to process flowable task ")


def test_an_iteration_knows_its_loop_and_the_tasks_around_it(tmp_path: Path) -> None:
    seen = f'{{id: r, type: {RETURN}, format: "{{{{ tasks | keys }}}} {{{{ tasks.a.state }}}} {{{{ taskrun.parentId }}}}"}}'
    tasks = f"""
    - {{id: a, type: {LOG}, message: x}}
    - id: l
      type: {FLOW}.Loop
      values: [one]
      outputs: [{{id: o, type: STRING, value: "{{{{ outputs.r.value }}}}"}}]
      tasks: [{seen}]
    """
    run = run_of(World(tmp_path, flow(tasks)).run(), "l")
    assert run.outputs["outputs"][0]["outputs"] == {"o": f'["r","a","l"] SUCCESS {run.id}'}
