"""Retries, timeouts and the softening of failures (execution.md 4, 5), as data: flow, dialects, what must come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, V2
from tests.engine.harness import FAIL, LOG, RETURN, SLEEP, START, World, flow, history, ids, run_of, state

DIALECTS = {"1.x": V1, "2.0": V2}


def seconds(run: Any) -> list[float]:
    """When each attempt began, in seconds from the start."""
    return [(attempt.state.start_date - START).total_seconds() for attempt in run.attempts]


def failing(retry: str, more: str = "") -> str:
    return flow(f"- {{id: bad, type: {FAIL}, retry: {{{retry}}}{more}}}")


@pytest.mark.parametrize(
    ("retry", "old", "new"),
    [
        ("type: constant, interval: PT10S, maxAttempts: 3", [0, 10, 20], [0, 10, 20]),
        ("type: constant, interval: PT10S, maxAttempts: 1", [0], [0]),
        ("type: constant, interval: PT10S, maxDuration: PT25S", [0, 10, 20], [0, 10, 20]),
        ("type: constant, interval: PT10S, maxDuration: PT20S", [0, 10, 20], [0, 10, 20]),
        (
            "type: exponential, interval: PT1S, maxInterval: PT1H, maxAttempts: 5",
            [0, 0, 2, 6, 12],
            [0, 1, 3, 7, 15],
        ),
        (
            "type: exponential, interval: PT1S, maxInterval: PT3S, maxAttempts: 5",
            [0, 0, 2, 5, 8],
            [0, 1, 3, 6, 9],
        ),
        (
            "type: exponential, interval: PT1S, delayFactor: 3.5, maxInterval: PT1H, maxAttempts: 3",
            [0, 0, 3],
            [0, 1, 4.5],
        ),
    ],
)
@pytest.mark.parametrize("name", DIALECTS)
def test_when_the_next_attempt_begins(
    tmp_path: Path, name: str, retry: str, old: list[float], new: list[float]
) -> None:
    execution = World(tmp_path, failing(retry), dialect=DIALECTS[name]).run()
    run = run_of(execution, "bad")
    assert seconds(run) == (old if name == "1.x" else new)
    assert state(execution) == "FAILED"
    submitted = ["SUBMITTED"] if name == "2.0" else []
    one = ["CREATED", *submitted, "RUNNING", "FAILED"]
    again = ["RETRYING", *one]
    assert history(run) == one + again * (len(run.attempts) - 1)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_random_retry_keeps_its_bounds(tmp_path: Path, name: str) -> None:
    retry = "type: random, minInterval: PT1S, maxInterval: PT2S, maxAttempts: 30"
    run = run_of(World(tmp_path, failing(retry), dialect=DIALECTS[name]).run(), "bad")
    starts = seconds(run)
    waits = [round(after - before, 3) for before, after in zip(starts, starts[1:])]
    assert len(set(waits)) > 10
    assert all(1 <= wait < 2 for wait in waits)


SOMETIMES = 'condition: "{{ taskrun.attemptsCount < 1 }}"'
CONSTANT = "type: constant, interval: PT1S, maxAttempts: 2"


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (f"retry: {{{CONSTANT}}}, {SOMETIMES}", "SUCCESS"),
        (f"retry: {{{CONSTANT}, warningOnRetry: true}}, {SOMETIMES}", "WARNING"),
        (f"retry: {{{CONSTANT}, warningOnRetry: true}}, {SOMETIMES}, allowWarning: true", "SUCCESS"),
        (f"retry: {{{CONSTANT}, warningOnRetry: true}}", "FAILED"),
        (f"retry: {{{CONSTANT}}}, allowFailure: true", "WARNING"),
        (f"retry: {{{CONSTANT}}}, allowFailure: true, allowWarning: true", "SUCCESS"),
        ("allowFailure: true", "WARNING"),
        ("allowFailure: true, allowWarning: true", "SUCCESS"),
        ("allowWarning: true", "FAILED"),
        ("runIf: '{{ false }}', allowFailure: true", "SKIPPED"),
        ("runIf: '{{ nope }}', allowFailure: true", "FAILED"),
    ],
)
@pytest.mark.parametrize("name", DIALECTS)
def test_what_softens_a_failure(tmp_path: Path, name: str, task: str, expected: str) -> None:
    text = flow(
        f"- {{id: bad, type: {FAIL}, {task}}}\n- {{id: next, type: {LOG}, message: x}}",
        tail=f"errors: [{{id: sorry, type: {LOG}, message: x}}]",
    )
    execution = World(tmp_path, text, dialect=DIALECTS[name]).run()
    assert state(run_of(execution, "bad")) == expected
    assert ids(execution)[1:] == (["sorry"] if expected == "FAILED" else ["next"])
    assert state(execution) == ("SUCCESS" if expected == "SKIPPED" else expected)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("level", ["flowable", "flow", "nearest"])
def test_a_retry_is_inherited(tmp_path: Path, name: str, level: str) -> None:
    own = "retry: {type: constant, interval: PT5S, maxAttempts: 2}"
    far = "retry: {type: constant, interval: PT50S, maxAttempts: 9}"
    inner = own if level in ("flowable", "nearest") else "description: none"
    head = {"flow": own, "nearest": far}.get(level, "description: none")
    text = flow(
        f"""
        - id: seq
          type: io.kestra.plugin.core.flow.Sequential
          {inner}
          tasks:
            - {{id: bad, type: {FAIL}}}
        """,
        head=head,
    )
    execution = World(tmp_path, text, dialect=DIALECTS[name]).run()
    assert seconds(run_of(execution, "bad")) == [0, 5]
    assert state(execution) == "FAILED"


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    ("retry", "count"),
    [("maxAttempts: 3", 3), ("maxDuration: PT25S", 3), ("maxAttempts: 1", 1)],
)
@pytest.mark.parametrize("at_flow", [False, True])
def test_a_new_execution_takes_over(tmp_path: Path, name: str, retry: str, count: int, at_flow: bool) -> None:
    line = f"retry: {{type: constant, interval: PT10S, behavior: CREATE_NEW_EXECUTION, {retry}}}"
    text = flow(f"- {{id: bad, type: {FAIL}{'' if at_flow else ', ' + line}}}", head=line if at_flow else "")
    world = World(tmp_path, text, dialect=DIALECTS[name])
    first = world.run()
    executions = world.executor.executions()
    assert [str(item.state.current.value) for item in executions] == ["RETRIED"] * (count - 1) + ["FAILED"]
    assert {item.original_id for item in executions} == {first.id}
    assert [item.attempt_number for item in executions] == list(range(1, count + 1))
    assert [item.parent_id for item in executions[1:]] == [item.id for item in executions[:-1]]
    assert all(dict(item.labels)["system.replay"] == "true" for item in executions[1:])
    assert {dict(item.labels)["system.correlationId"] for item in executions} == {first.id}


@pytest.mark.parametrize("name", DIALECTS)
def test_outputs_of_a_failed_attempt_are_replaced(tmp_path: Path, name: str) -> None:
    text = flow(
        f"""
        - id: bad
          type: {FAIL}
          {SOMETIMES}
          retry: {{{CONSTANT}}}
        - {{id: show, type: {RETURN}, format: "{{{{ tasks.bad.state }}}}"}}
        """
    )
    execution = World(tmp_path, text, dialect=DIALECTS[name]).run()
    assert run_of(execution, "show").outputs == {"value": "SUCCESS"}
    states = history(execution)
    assert states[-3:] == ["RETRYING", "RUNNING", "SUCCESS"]


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    ("timeout", "text"),
    [
        ("PT2S", "00:00:02.000"),
        ("PT1H1M1.5S", "01:01:01.500"),
        ('\'{{ "PT" ~ 3 ~ "S" }}\'', "00:00:03.000"),
        ("P2D", "48:00:00.000"),
    ],
)
def test_a_timeout_holds_per_attempt(tmp_path: Path, name: str, timeout: str, text: str) -> None:
    source = flow(f"- {{id: long, type: {SLEEP}, duration: P9D, timeout: {timeout}, retry: {{{CONSTANT}}}}}")
    world = World(tmp_path, source, dialect=DIALECTS[name])
    execution = world.run()
    assert world.messages("ERROR") == [f"Timeout after {text}"] * 2
    assert state(run_of(execution, "long")) == "FAILED"


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    ("condition", "skipped"),
    [
        ("false", True),
        ("'0'", True),
        ("'-0'", True),
        ("'{{ \"\" }}'", True),
        ("'False'", False),
        ("'null'", False),
        ("'no'", False),
        ("'0.0'", False),
        ("'{{ [] }}'", False),
        ("true", False),
    ],
)
def test_which_texts_skip(tmp_path: Path, name: str, condition: str, skipped: bool) -> None:
    text = flow(
        f"""
        - id: seq
          type: io.kestra.plugin.core.flow.Sequential
          runIf: {condition}
          tasks:
            - {{id: inner, type: {LOG}, message: x}}
        """
    )
    execution = World(tmp_path, text, dialect=DIALECTS[name]).run()
    assert ids(execution) == (["seq"] if skipped else ["seq", "inner"])
    attempts = run_of(execution, "seq").attempts
    assert (len(attempts or ())) == (1 if name == "2.0" else 0)
