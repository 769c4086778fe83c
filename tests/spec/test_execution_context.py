"""execution.md 10 and 11: the tree of outputs and what expressions see."""

from __future__ import annotations

from pathlib import Path

from tests.spec.walk import BOTH, Walk

RETURN = "{{id: {}, type: @debug.Return, format: '{}'}}"


@BOTH
def test_parents_are_there_although_there_are_none(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path, name, "tasks: [" + RETURN.format("r", "{{ parents }} {{ parent is defined }}") + "]"
    )
    assert walk.task(walk.run(), "r").outputs == {"value": "[] false"}


@BOTH
def test_task_code_without_outputs_leaves_an_empty_map(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        """
        tasks:
          - {id: a, type: @log.Log, message: x}
          - {id: s, type: @flow.Sequential, tasks: [{id: b, type: @log.Log, message: x}]}
          - {id: bad, type: @execution.Fail, allowFailure: true}
          - {id: off, type: @log.Log, message: x, disabled: true}
          - {id: skipped, type: @log.Log, message: x, runIf: "false"}
          - {id: z, type: @debug.Return, format: "{{ outputs | keys | join(' ') }}"}
        """,
    )
    seen = str((walk.task(walk.run(), "z").outputs or {})["value"]).split()
    assert set(seen) == {"a", "s", "b", "bad"} | ({"skipped", "z"} if name == "2.0" else set())


@BOTH
def test_a_resumed_pause_says_who_and_how(tmp_path: Path, name: str) -> None:
    walk = Walk(tmp_path, name, "tasks: [{id: p, type: @flow.Pause}]")
    outputs = walk.task(walk.act("resume", walk.run()), "p").outputs or {}
    assert outputs["onResume"] == {}
    assert outputs["resumed"] == {"on": "2025-03-03T09:00:00.000", "to": "SUCCESS"}


@BOTH
def test_a_pause_that_ends_by_itself_says_its_state(tmp_path: Path, name: str) -> None:
    tasks = [
        f"{{id: {behavior.lower()}, type: @flow.Pause, pauseDuration: PT1S, behavior: {behavior}}}"
        for behavior in ("RESUME", "WARN")
    ]
    tasks.append("{id: late, type: @flow.Pause, timeout: PT1S, allowFailure: true}")
    walk = Walk(tmp_path, name, f"tasks: [{', '.join(tasks)}]")
    done = walk.run()
    found = [(run.outputs or {})["resumed"]["to"] for run in done.task_runs]
    assert found == ["SUCCESS", "WARNING", "WARNING"]
    assert all("onResume" not in (run.outputs or {}) for run in done.task_runs)
