"""The JSON document: the execution that was asked for, also when it only paused."""

import json
from dataclasses import replace

from simulator.engine.events import (
    ExecutionChanged,
    ExecutionEnded,
    ExecutionStarted,
    RunEnded,
    TaskRunChanged,
)
from simulator.engine.execution import StateType
from simulator.reports.json_report import JsonReporter
from tests.reports.test_console import START, execution, task_run


def document(*events: object) -> dict[str, object]:
    written: list[str] = []
    reporter = JsonReporter(written.append)
    for event in events:
        reporter.on_event(event)  # type: ignore[arg-type]
    reporter.close()
    value: dict[str, object] = json.loads("".join(written))
    return value


def test_a_paused_execution_is_shown_as_it_is() -> None:
    paused = execution(StateType.PAUSED, 1)
    run = task_run("approve", StateType.PAUSED, 1)
    gone = task_run("gone", StateType.RUNNING, 0)
    found = document(
        ExecutionStarted(START, execution()),
        TaskRunChanged(START, gone),
        TaskRunChanged(START, gone, removed=True),
        TaskRunChanged(START, run),
        ExecutionChanged(START, paused),
        RunEnded(START, 8, {"executionId": "e1"}),
    )
    shown = found["execution"]
    assert isinstance(shown, dict) and shown["state"]["current"] == "PAUSED"
    assert [item["taskId"] for item in shown["taskRunList"]] == ["approve"]
    assert found["run"] == {"exitCode": 8}


def test_the_main_execution_is_apart_from_those_it_started() -> None:
    child = replace(execution(StateType.SUCCESS, 1), id="e2")
    found = document(
        ExecutionStarted(START, execution()),
        ExecutionEnded(START, child),
        ExecutionEnded(START, execution(StateType.SUCCESS, 2)),
        RunEnded(START, 0, {"executionId": "e1"}),
    )
    assert found["execution"]["id"] == "e1"  # type: ignore[index]
    assert [item["id"] for item in found["executions"]] == ["e2"]  # type: ignore[attr-defined]
