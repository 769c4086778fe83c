"""Flow control by its rules (execution.md 3, 4; core-tasks.md 2): flow, dialects, states and task runs in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, V2
from tests.engine.harness import FAIL, LOG, RETURN, SLEEP, START, World, flow, history, ids, run_of, state

DIALECTS = {"1.x": V1, "2.0": V2}
FLOW = "io.kestra.plugin.core.flow"
BOTH = pytest.mark.parametrize("name", DIALECTS)


def log(ident: str) -> str:
    return f"{{id: {ident}, type: {LOG}, message: x}}"


def fail(ident: str, more: str = "") -> str:
    return f"{{id: {ident}, type: {FAIL}{more}}}"


def shown(run: Any) -> str:
    return f"{run.task_id}={run.state.current.value}"


ALL = ("1.x", "2.0")

#: text of `tasks`, what stands beside it, dialects, state of the execution, task runs
CASES: dict[str, tuple[str, str, tuple[str, ...], str, str]] = {
    "finally runs without failure": (
        f"- {log('a')}",
        f"finally: [{log('f')}]\nerrors: [{log('e')}]",
        ALL,
        "SUCCESS",
        "a=SUCCESS f=SUCCESS",
    ),
    "a failing finally changes nothing": (
        f"- {log('a')}",
        f"finally: [{fail('f')}, {log('g')}]",
        ALL,
        "SUCCESS",
        "a=SUCCESS f=FAILED g=SUCCESS",
    ),
    "errors do not catch": (
        f"- {fail('a')}\n- {log('b')}",
        f"errors: [{log('e')}]",
        ALL,
        "FAILED",
        "a=FAILED e=SUCCESS",
    ),
    "a failing finally task after a warning": (
        f"- {fail('a', ', allowFailure: true')}",
        f"finally: [{fail('f')}]\nerrors: [{log('e')}]",
        ALL,
        "WARNING",
        "a=WARNING f=FAILED",
    ),
    "inner errors, then outer errors": (
        f"- id: s\n  type: {FLOW}.Sequential\n  errors: [{log('ie')}]\n  finally: [{log('if')}]\n"
        f"  tasks: [{fail('a')}, {log('b')}]\n- {log('c')}",
        f"errors: [{log('oe')}]\nfinally: [{log('of')}]",
        ALL,
        "FAILED",
        "s=FAILED a=FAILED ie=SUCCESS if=SUCCESS oe=SUCCESS of=SUCCESS",
    ),
    "afterExecution runs after a failure and changes nothing": (
        f"- {fail('a')}",
        f"afterExecution: [{fail('x')}, {log('y')}]\nerrors: [{log('e')}]",
        ALL,
        "FAILED",
        "a=FAILED e=SUCCESS x=FAILED y=SUCCESS",
    ),
    "AllowFailure softens, errors below still run": (
        f"- id: s\n  type: {FLOW}.AllowFailure\n  errors: [{log('e')}]\n  tasks: [{fail('a')}, {log('b')}]\n- {log('c')}",
        f"errors: [{log('oe')}]",
        ALL,
        "WARNING",
        "s=WARNING a=FAILED e=SUCCESS c=SUCCESS",
    ),
    "AllowFailure without failure": (
        f"- id: s\n  type: {FLOW}.AllowFailure\n  tasks: [{log('a')}]",
        "",
        ALL,
        "SUCCESS",
        "s=SUCCESS a=SUCCESS",
    ),
    "a flowable with allowFailure": (
        f"- id: s\n  type: {FLOW}.Sequential\n  allowFailure: true\n  tasks: [{fail('a')}]\n- {log('c')}",
        "",
        ALL,
        "WARNING",
        "s=WARNING a=FAILED c=SUCCESS",
    ),
    "a flowable with allowFailure and allowWarning": (
        f"- id: s\n  type: {FLOW}.Sequential\n  allowFailure: true\n  allowWarning: true\n  tasks: [{fail('a')}]",
        "",
        ALL,
        "SUCCESS",
        "s=SUCCESS a=FAILED",
    ),
    "a disabled task has no run": (
        f"- {log('a')}\n- {{id: b, type: {LOG}, message: x, disabled: true}}\n- {log('c')}",
        "",
        ALL,
        "SUCCESS",
        "a=SUCCESS c=SUCCESS",
    ),
    "only disabled tasks": (
        f"- {{id: b, type: {LOG}, message: x, disabled: true}}",
        "",
        ALL,
        "SUCCESS",
        "",
    ),
    "if without the branch": (
        f"- id: i\n  type: {FLOW}.If\n  condition: '{{{{ 1 == 2 }}}}'\n  errors: [{log('e')}]\n  then: [{log('a')}]",
        "",
        ALL,
        "SUCCESS",
        "i=SUCCESS",
    ),
    "if takes else": (
        f"- id: i\n  type: {FLOW}.If\n  condition: '0'\n  then: [{log('a')}]\n  else: [{log('b')}]",
        "",
        ALL,
        "SUCCESS",
        "i=SUCCESS b=SUCCESS",
    ),
    "a text that looks false is true": (
        f"- id: i\n  type: {FLOW}.If\n  condition: 'False'\n  then: [{log('a')}]\n  else: [{log('b')}]",
        "",
        ALL,
        "SUCCESS",
        "i=SUCCESS a=SUCCESS",
    ),
    "a blank condition in 2.0": (
        f"- id: i\n  type: {FLOW}.If\n  condition: '{{{{ \"  \" }}}}'\n  then: [{log('a')}]\n  else: [{log('b')}]",
        "",
        ("2.0",),
        "SUCCESS",
        "i=SUCCESS b=SUCCESS",
    ),
    "a blank condition in 1.x": (
        f"- id: i\n  type: {FLOW}.If\n  condition: '{{{{ \"  \" }}}}'\n  then: [{log('a')}]\n  else: [{log('b')}]",
        "",
        ("1.x",),
        "SUCCESS",
        "i=SUCCESS a=SUCCESS",
    ),
    "a broken condition": (
        f"- id: i\n  type: {FLOW}.If\n  condition: '{{{{ nope }}}}'\n  then: [{log('a')}]\n- {log('b')}",
        "",
        ALL,
        "FAILED",
        "i=FAILED",
    ),
    "switch by text": (
        f"- id: s\n  type: {FLOW}.Switch\n  value: '{{{{ 1 }}}}'\n  cases:\n    1: [{log('a')}]\n    true: [{log('b')}]",
        "",
        ALL,
        "SUCCESS",
        "s=SUCCESS a=SUCCESS",
    ),
    "switch defaults": (
        f"- id: s\n  type: {FLOW}.Switch\n  value: z\n  cases:\n    y: [{log('a')}]\n  defaults: [{log('d')}]",
        "",
        ALL,
        "SUCCESS",
        "s=SUCCESS d=SUCCESS",
    ),
    "switch without match, softened": (
        f"- id: s\n  type: {FLOW}.Switch\n  allowFailure: true\n  value: z\n  cases:\n    y: [{log('a')}]\n- {log('c')}",
        "",
        ALL,
        "WARNING",
        "s=WARNING c=SUCCESS",
    ),
    "parallel: a failure starts nothing more": (
        f"- id: p\n  type: {FLOW}.Parallel\n  concurrent: 1\n  tasks: [{log('a')}, {fail('b')}, {log('c')}]",
        "",
        ALL,
        "FAILED",
        "p=FAILED a=SUCCESS b=FAILED",
    ),
    "dag: a skipped dependency counts": (
        f"- id: d\n  type: {FLOW}.Dag\n  tasks:\n    - task: {{id: a, type: {LOG}, message: x, runIf: 'false'}}\n"
        f"    - task: {log('b')}\n      dependsOn: [a]",
        "",
        ALL,
        "SUCCESS",
        "d=SUCCESS a=SKIPPED b=SUCCESS",
    ),
    "dag: a failed dependency stops": (
        f"- id: d\n  type: {FLOW}.Dag\n  tasks:\n    - task: {fail('a')}\n"
        f"    - task: {log('b')}\n      dependsOn: [a]",
        "",
        ALL,
        "FAILED",
        "d=FAILED a=FAILED",
    ),
    "foreach: errors and finally once": (
        f"- id: e\n  type: {FLOW}.ForEach\n  values: [1, 2]\n  tasks: [{fail('a')}, {log('b')}]\n"
        f"  errors: [{log('x')}]\n  finally: [{log('y')}]",
        "",
        ("1.x",),
        "FAILED",
        "e=FAILED a=FAILED x=SUCCESS y=SUCCESS",
    ),
    "foreach: nothing to do": (
        f"- id: e\n  type: {FLOW}.ForEach\n  values: []\n  tasks: [{log('a')}]\n- {log('c')}",
        "",
        ("1.x",),
        "SUCCESS",
        "e=SUCCESS c=SUCCESS",
    ),
    "foreach: a null value": (
        f"- id: e\n  type: {FLOW}.ForEach\n  values: '[\"a\", null]'\n  tasks: [{log('a')}]",
        "",
        ("1.x",),
        "FAILED",
        "e=FAILED",
    ),
    "each parallel: all tasks of all values at once": (
        f"- id: e\n  type: {FLOW}.EachParallel\n  value: [a, b]\n  tasks: [{log('a')}, {log('b')}]",
        "",
        ("1.x",),
        "SUCCESS",
        "e=SUCCESS a=SUCCESS b=SUCCESS a=SUCCESS b=SUCCESS",
    ),
    "loop: one run in the parent, failure stops": (
        f"- id: l\n  type: {FLOW}.Loop\n  values: [1, 2]\n  tasks: [{fail('a')}]\n- {log('c')}",
        f"errors: [{log('e')}]",
        ("2.0",),
        "FAILED",
        "l=FAILED e=SUCCESS",
    ),
    "loop: failures not transmitted": (
        f"- id: l\n  type: {FLOW}.Loop\n  transmitFailed: false\n  values: [1, 2]\n  tasks: [{fail('a')}]\n- {log('c')}",
        "",
        ("2.0",),
        "SUCCESS",
        "l=SUCCESS c=SUCCESS",
    ),
    "loop: softened": (
        f"- id: l\n  type: {FLOW}.Loop\n  allowFailure: true\n  values: [1, 2]\n  tasks: [{fail('a')}]\n- {log('c')}",
        "",
        ("2.0",),
        "WARNING",
        "l=WARNING c=SUCCESS",
    ),
    "loop: a null value": (
        f"- id: l\n  type: {FLOW}.Loop\n  values: [1, null]\n  tasks: [{log('a')}]",
        "",
        ("2.0",),
        "FAILED",
        "l=FAILED",
    ),
    "until: max iterations, no failure": (
        f"- id: u\n  type: {FLOW}.LoopUntil\n  condition: '{{{{ false }}}}'\n"
        f"  checkFrequency: {{maxIterations: 2, interval: PT1S}}\n  tasks: [{log('a')}]",
        "",
        ALL,
        "SUCCESS",
        "u=SUCCESS a=SUCCESS",
    ),
    "until: a failing child ends it": (
        f"- id: u\n  type: {FLOW}.LoopUntil\n  condition: '{{{{ false }}}}'\n  errors: [{log('e')}]\n"
        f"  checkFrequency: {{maxIterations: 2, interval: PT1S}}\n  tasks: [{fail('a')}]",
        "",
        ALL,
        "FAILED",
        "u=FAILED a=FAILED e=SUCCESS",
    ),
    "exit ends everything at once": (
        f"- id: s\n  type: {FLOW}.Sequential\n  tasks:\n"
        f"    - {{id: x, type: io.kestra.plugin.core.execution.Exit, state: WARNING}}\n    - {log('n')}\n- {log('o')}",
        f"errors: [{log('e')}]\nfinally: [{log('f')}]",
        ALL,
        "WARNING",
        "s=WARNING x=WARNING",
    ),
    "a pause that fails runs errors": (
        f"- {{id: p, type: {FLOW}.Pause, pauseDuration: PT1S, behavior: FAIL}}\n- {log('n')}",
        f"errors: [{log('e')}]",
        ALL,
        "FAILED",
        "p=FAILED e=SUCCESS",
    ),
    "a pause that warns": (
        f"- {{id: p, type: {FLOW}.Pause, pauseDuration: PT1S, behavior: WARN}}\n- {log('n')}",
        f"errors: [{log('e')}]",
        ALL,
        "WARNING",
        "p=WARNING n=SUCCESS",
    ),
    "a pause that cancels": (
        f"- {{id: p, type: {FLOW}.Pause, pauseDuration: PT1S, behavior: CANCEL}}\n- {log('n')}",
        f"errors: [{log('e')}]\nafterExecution: [{log('z')}]",
        ALL,
        "CANCELLED",
        "p=CANCELLED z=SUCCESS",
    ),
    "a pause that runs out of time": (
        f"- {{id: p, type: {FLOW}.Pause, timeout: PT1S}}\n- {log('n')}",
        "",
        ALL,
        "FAILED",
        "p=FAILED",
    ),
    "a pause that runs out of time, softened": (
        f"- {{id: p, type: {FLOW}.Pause, timeout: PT1S, allowFailure: true}}\n- {log('n')}",
        "",
        ALL,
        "WARNING",
        "p=WARNING n=SUCCESS",
    ),
    "onPause is no child that anything waits for": (
        f"- {{id: p, type: {FLOW}.Pause, pauseDuration: PT1S, onPause: {log('o')}}}\n- {log('n')}",
        "",
        ALL,
        "SUCCESS",
        "p=SUCCESS o=SUCCESS n=SUCCESS",
    ),
    "a pause beside a branch that was sent already": (
        f"- id: q\n  type: {FLOW}.Parallel\n  tasks:\n"
        f"    - {{id: p, type: {FLOW}.Pause, pauseDuration: PT9S}}\n"
        f"    - id: s\n      type: {FLOW}.Sequential\n      tasks:\n"
        f"        - {{id: w, type: {SLEEP}, duration: PT5S}}\n        - {log('n')}",
        "",
        ALL,
        "SUCCESS",
        "q=SUCCESS p=SUCCESS s=SUCCESS w=SUCCESS n=SUCCESS",
    ),
    "working directory: a failure stops the rest": (
        f"- id: w\n  type: {FLOW}.WorkingDirectory\n  tasks: [{log('a')}, {fail('b')}, {log('c')}]",
        "",
        ALL,
        "FAILED",
        "w=FAILED a=SUCCESS b=FAILED",
    ),
    "working directory: a softened failure does not": (
        f"- id: w\n  type: {FLOW}.WorkingDirectory\n  tasks: [{fail('b', ', allowFailure: true')}, {log('c')}]",
        "",
        ALL,
        "WARNING",
        "w=WARNING b=WARNING c=SUCCESS",
    ),
    "working directory: skipped and disabled children": (
        f"- id: w\n  type: {FLOW}.WorkingDirectory\n  tasks:\n    - {{id: a, type: {LOG}, message: x, runIf: 'false'}}\n"
        f"    - {{id: b, type: {LOG}, message: x, disabled: true}}\n    - {log('c')}",
        "",
        ALL,
        "SUCCESS",
        "w=SUCCESS a=SKIPPED c=SUCCESS",
    ),
}


@pytest.mark.parametrize(
    ("case", "name"), [(case, name) for case, facts in CASES.items() for name in facts[2]]
)
def test_states_and_order(tmp_path: Path, case: str, name: str) -> None:
    tasks, tail, _, wanted, runs = CASES[case]
    execution = World(tmp_path, flow(tasks, tail=tail), dialect=DIALECTS[name]).run()
    assert " ".join(shown(run) for run in execution.task_runs) == runs
    assert state(execution) == wanted


@BOTH
@pytest.mark.parametrize(
    ("condition", "value"), [("'{{ true }}'", True), ("'0'", False), ("'no'", True), ("false", False)]
)
def test_if_says_what_it_found(tmp_path: Path, name: str, condition: str, value: bool) -> None:
    text = flow(
        f"- {{id: i, type: {FLOW}.If, condition: {condition}, then: [{log('a')}]}}\n"
        f'- {{id: r, type: {RETURN}, format: "{{{{ outputs.i.evaluationResult }}}}"}}'
    )
    execution = World(tmp_path, text, dialect=DIALECTS[name]).run()
    assert run_of(execution, "i").outputs == {"evaluationResult": value}
    assert run_of(execution, "r").outputs == {"value": str(value).lower()}


@BOTH
def test_until_counts_rounds_and_waits_between_them(tmp_path: Path, name: str) -> None:
    text = flow(
        f"""
        - id: u
          type: {FLOW}.LoopUntil
          condition: "{{{{ outputs.r.value == '2' }}}}"
          checkFrequency: {{interval: PT30S}}
          tasks:
            - {{id: r, type: {RETURN}, format: "{{{{ outputs.u.iterationCount }}}}"}}
        """
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    execution = world.run()
    assert run_of(execution, "u").outputs == {"iterationCount": 2}
    assert run_of(execution, "r").iteration in (1, 2)
    assert (world.clock.now() - START).seconds == 30
    assert history(execution) == ["CREATED", "RUNNING", "PAUSED", "RUNNING", "SUCCESS"]


@BOTH
@pytest.mark.parametrize(
    ("limits", "message", "count"),
    [
        ("maxIterations: 3, interval: PT1S", "Max iterations reached", 4),
        ("maxDuration: PT90S, interval: PT1M", "Max duration reached", 3),
    ],
)
def test_until_gives_up(tmp_path: Path, name: str, limits: str, message: str, count: int) -> None:
    if name == "2.0" and "maxDuration" in limits:
        limits = limits.replace("PT90S", "PT0S")
        count = 1
    text = flow(
        f"""
        - id: u
          type: {FLOW}.LoopUntil
          condition: "{{{{ false }}}}"
          failOnMaxReached: true
          checkFrequency: {{{limits}}}
          tasks:
            - {{id: s, type: {SLEEP}, duration: PT1S}}
        """
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    execution = world.run()
    assert world.messages("WARN") == [message]
    assert state(execution) == "FAILED"
    assert run_of(execution, "u").outputs == {"iterationCount": count}


@BOTH
def test_a_broken_output_is_warned_of(tmp_path: Path, name: str) -> None:
    text = flow(f"- {{id: i, type: {FLOW}.If, condition: '{{{{ nope }}}}', then: [{log('a')}]}}")
    world = World(tmp_path, text, dialect=DIALECTS[name])
    execution = world.run()
    (warning,) = world.messages("WARN")
    assert warning.startswith("Unable to save output on taskRun '") and run_of(execution, "i").id in warning
    assert world.messages("ERROR")[0].startswith("Unable to resolve state from the Flowable task: ")


@BOTH
def test_nested_values_and_outputs(tmp_path: Path, name: str) -> None:
    if name == "1.x":
        inner, outer = "taskrun.value", "parent.taskrun.value"
        kind, last = "ForEach", "{{ outputs.r.b['2'].value }}"
    else:
        inner, outer, kind = "item.value", "item.parent.value", "Loop"
        last = "{{ outputs.out.iterationCount }}"
    text = flow(
        f"""
        - id: out
          type: {FLOW}.{kind}
          values: [a, b]
          tasks:
            - id: in
              type: {FLOW}.{kind}
              values: [1, 2]
              tasks:
                - {{id: r, type: {RETURN}, format: "{{{{ {outer} }}}}{{{{ {inner} }}}}"}}
        - {{id: end, type: {RETURN}, format: "{last}"}}
        """
    )
    world = World(tmp_path, text, dialect=DIALECTS[name])
    execution = world.run()
    values = [
        run.outputs["value"]
        for item in world.executor.executions()
        for run in item.task_runs
        if run.task_id == "r"
    ]
    assert sorted(values) == ["a1", "a2", "b1", "b2"]
    assert run_of(execution, "end").outputs == {"value": "b2" if name == "1.x" else "2"}
    assert ids(execution)[-1] == "end"
