"""execution.md 3 and 4: order and end states, and the switches of a task, one flow a rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.walk import BOTH, Walk, history, shown

LOG = "{{id: {}, type: @log.Log, message: x}}"
BAD = "{id: bad, type: @execution.Fail}"


def log(*idents: str) -> str:
    return ", ".join(LOG.format(ident) for ident in idents)


#: flow -> state and task runs; the same in both dialects
RUNS = {
    "a broken runIf is not softened": (
        "tasks: [{id: a, type: @log.Log, message: x, runIf: '{{ nope }}', allowFailure: true}, "
        + log("b")
        + "]",
        "FAILED: a=FAILED",
    ),
    "nor tried again": (
        "tasks: [{id: a, type: @log.Log, message: x, runIf: '{{ nope }}', "
        "retry: {type: constant, interval: PT1S, maxAttempts: 3}}]",
        "FAILED: a=FAILED",
    ),
    "AllowFailure knows no allowWarning": (
        f"tasks: [{{id: af, type: @flow.AllowFailure, allowWarning: true, tasks: [{BAD}]}}, {log('z')}]",
        "WARNING: af=WARNING bad=FAILED z=SUCCESS",
    ),
    "an If that cannot be evaluated is not softened": (
        "tasks: [{id: i, type: @flow.If, allowFailure: true, condition: '{{ nope }}', then: ["
        + log("t")
        + "]}]",
        "FAILED: i=FAILED",
    ),
    "a Switch without match is": (
        "tasks: [{id: s, type: @flow.Switch, allowFailure: true, value: z, cases: {a: [" + log("t") + "]}}]",
        "WARNING: s=WARNING",
    ),
    "a Switch with defaults alone is a null pointer": (
        "tasks: [{id: s, type: @flow.Switch, value: z, defaults: [" + log("t") + "]}, " + log("z") + "]",
        "FAILED: s=FAILED",
    ),
    "errors and finally go on after their own failures": (
        f"tasks: [{BAD}, {log('ok')}]\n"
        f"errors: [{{id: e1, type: @execution.Fail}}, {log('e2')}]\n"
        f"finally: [{{id: f1, type: @execution.Fail}}, {log('f2')}]",
        "FAILED: bad=FAILED e1=FAILED e2=SUCCESS f1=FAILED f2=SUCCESS",
    ),
    "a list in errors may be a flowable": (
        f"tasks: [{BAD}]\nerrors: [{{id: p, type: @flow.Parallel, tasks: [{log('e1', 'e2')}]}}, {log('e3')}]",
        "FAILED: bad=FAILED p=SUCCESS e1=SUCCESS e2=SUCCESS e3=SUCCESS",
    ),
    "inner errors, then those around them": (
        f"tasks: [{{id: o, type: @flow.Sequential, errors: [{log('oe')}], tasks: [{{id: i, type: @flow.Sequential, "
        f"errors: [{log('ie')}], finally: [{log('if')}], tasks: [{BAD}, {log('no')}]}}, {log('no2')}]}}]\n"
        f"errors: [{log('fe')}]",
        "FAILED: o=FAILED i=FAILED bad=FAILED ie=SUCCESS if=SUCCESS oe=SUCCESS fe=SUCCESS",
    ),
    "a Pause that fails by its behavior is not softened": (
        "tasks: [{id: p, type: @flow.Pause, pauseDuration: PT1S, behavior: FAIL, allowFailure: true}, "
        + log("z")
        + "]",
        "FAILED: p=FAILED",
    ),
    "one that runs out of time is": (
        "tasks: [{id: p, type: @flow.Pause, timeout: PT1S, allowFailure: true}, " + log("z") + "]",
        "WARNING: p=WARNING z=SUCCESS",
    ),
    "rounds that fail at their limit are not softened": (
        "tasks: [{id: l, type: @flow.LoopUntil, allowFailure: true, condition: 'false', failOnMaxReached: true, "
        "checkFrequency: {interval: PT1S, maxIterations: 1}, tasks: [" + log("r") + "]}, " + log("z") + "]",
        "FAILED: l=FAILED r=SUCCESS",
    ),
    "a retry inherited from a flowable with errors": (
        "tasks: [{id: s, type: @flow.Sequential, retry: {type: constant, interval: PT1S, maxAttempts: 3}, "
        f"errors: [{log('e')}], tasks: [{BAD}, {log('no')}]}}]",
        "FAILED: s=FAILED bad=FAILED e=SUCCESS",
    ),
}


@BOTH
@pytest.mark.parametrize("rule", RUNS)
def test_states_and_runs(tmp_path: Path, name: str, rule: str) -> None:
    text, expected = RUNS[rule]
    assert shown(Walk(tmp_path, name, text).run()) == expected


@BOTH
def test_finally_of_rounds_runs_after_the_last_one(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        f"""
        tasks:
          - id: l
            type: @flow.LoopUntil
            condition: "{{{{ outputs.l.iterationCount == 3 }}}}"
            checkFrequency: {{interval: PT1S}}
            tasks: [{log("r")}]
            finally: [{log("f")}]
        """,
    )
    assert shown(walk.run()) == "SUCCESS: l=SUCCESS r=SUCCESS f=SUCCESS"
    assert [entry.task_id for entry in walk.executor.logs()] == ["r", "r", "r", "f"]


@BOTH
def test_finally_of_rounds_runs_before_they_fail_at_their_limit(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        f"""
        tasks:
          - id: l
            type: @flow.LoopUntil
            condition: "false"
            failOnMaxReached: true
            checkFrequency: {{interval: PT1S, maxIterations: 1}}
            tasks: [{log("r")}]
            errors: [{log("e")}]
            finally: [{log("f")}]
        """,
    )
    assert shown(walk.run()) == "FAILED: l=FAILED r=SUCCESS f=SUCCESS"
    assert walk.logs() == ["INFO x", "INFO x", "WARN Max iterations reached", "INFO x"]


@BOTH
@pytest.mark.parametrize(
    ("blocks", "retry", "fails_between"),
    [
        ("", "task", True),
        ("errors", "task", True),
        ("errors finally", "task", True),
        ("finally", "task", True),
        ("", "flow", True),
        ("errors", "flow", False),
    ],
)
def test_an_execution_that_fails_before_it_tries_again(
    tmp_path: Path, name: str, blocks: str, retry: str, fails_between: bool
) -> None:
    again = "retry: {type: constant, interval: PT1S, maxAttempts: 2}"
    text = f"{again}\n" if retry == "flow" else ""
    text += f"tasks: [{{id: a, type: @execution.Fail{', ' + again if retry == 'task' else ''}}}]\n"
    text += "\n".join(f"{block}: [{log(block[0])}]" for block in blocks.split())
    between = "FAILED RETRYING" if fails_between else "RETRYING"
    assert history(Walk(tmp_path, name, text).run()) == f"CREATED RUNNING {between} RUNNING FAILED"


@BOTH
def test_only_disabled_tasks_but_a_finally(tmp_path: Path, name: str) -> None:
    text = f"tasks: [{{id: a, type: @log.Log, message: x, disabled: true}}]\nerrors: [{log('e')}]\nfinally: [{log('f')}]"
    assert shown(Walk(tmp_path, name, text).run()) == "SUCCESS: f=SUCCESS"


FALSY = {
    "false": True,
    "0": True,
    "-0": True,
    "": True,
    "False": False,
    "no": False,
    "null": False,
    "[]": False,
}


@BOTH
@pytest.mark.parametrize("text", [*FALSY, " false ", "0 "])
def test_texts_of_a_condition(tmp_path: Path, name: str, text: str) -> None:
    falsy = FALSY.get(text, name == "2.0")
    flow = (
        f"tasks: [{{id: i, type: @flow.If, condition: {text!r}, then: [{log('t')}], else: [{log('e')}]}}, "
        f"{{id: r, type: @log.Log, message: x, runIf: {text!r}}}]"
    )
    done = Walk(tmp_path, name, flow).run()
    branch, after = ("e", "SKIPPED") if falsy else ("t", "SUCCESS")
    assert shown(done) == f"SUCCESS: i=SUCCESS {branch}=SUCCESS r={after}"
    assert done.task_runs[0].outputs == {"evaluationResult": not falsy}


@BOTH
def test_what_a_cached_task_says(tmp_path: Path, name: str) -> None:
    text = "tasks: [{id: a, type: @debug.Return, format: x, taskCache: {enabled: true}}]"
    walk = Walk(tmp_path, name, text)
    walk.run()
    walk.run()
    enabled = "DEBUG Task output caching is enabled for task 'a''"
    first, second = walk.logs()[:4], walk.logs()[4:]
    assert first[:3] == [enabled, "DEBUG x", "INFO Uploading a cache entry for task 'a'"]
    assert first[3].startswith("DEBUG Caching entry uploaded in URI kestra:///spec/main/")
    assert first[3].endswith("/cache/cache.zip")
    hit = "INFO Skipping task execution for task 'a' as there is an existing cache entry for it"
    assert second == [enabled, hit]
