"""Rules of 1.x that its reference leaves open, as a Kestra 1.1.15 engine shows them (docker/parity)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.dialect import V1, V2, Dialect
from tests.engine.harness import FAIL, LOG, RETURN, World, flow, history, ids, run_of, state

FLOW = "io.kestra.plugin.core.flow"


def test_entries_of_error_logs_say_that_they_are_not_deleted(tmp_path: Path) -> None:
    text = flow(
        f"- {{id: bad, type: {FAIL}, errorMessage: broken}}",
        tail=f"errors: [{{id: e, type: {RETURN}, format: '{{{{ errorLogs() }}}}'}}]",
    )

    def entry(dialect: Dialect) -> dict[str, object]:
        done = World(tmp_path / dialect.name, text, dialect=dialect).run()
        (found,) = json.loads((run_of(done, "e").outputs or {})["value"])
        return dict(found)

    old, new = entry(V1), entry(V2)
    assert list(old) == [*new, "deleted"]
    assert (old["message"], old["deleted"]) == ("broken", False)


def test_outputs_that_cannot_be_saved_name_the_whole_run(tmp_path: Path) -> None:
    text = flow(
        f"- {{id: i, type: {FLOW}.If, condition: '{{{{ nope }}}}', then: [{{id: a, type: {LOG}, message: x}}]}}"
    )
    world = World(tmp_path, text, dialect=V1)
    run = run_of(world.run(), "i")
    (warning,) = world.messages("WARN")
    assert warning == (
        f"Unable to save output on taskRun 'TaskRun(tenantId=main, id={run.id}, executionId={run.execution_id}, "
        "namespace=test.engine, flowId=flow, taskId=i, parentTaskRunId=null, value=null, attempts=null, outputs=null, "
        "state=State(current=CREATED, histories=[State.History(state=CREATED, date=2025-03-03T09:00:00Z)]), "
        "iteration=null, dynamic=null, forceExecution=null)'"
    )


def test_an_empty_file_has_no_items_to_begin_with(tmp_path: Path) -> None:
    """The run of the items ends as it was created; what a worker did has outputs, be they empty."""
    uri = "kestra:///test/engine/none.ion"
    items = f"- {{id: f, type: {FLOW}.ForEachItem, items: {uri}, namespace: test.engine, flowId: none}}"
    names = f"- {{id: all, type: {RETURN}, format: '{{{{ outputs | keys }}}}'}}"
    world = World(tmp_path, flow(f"{items}\n{names}"), dialect=V1)
    world.executor.kernel.storage.put_at(uri, b"")
    done = world.run()
    assert ids(done) == ["f", "f_split", "f_items", "f_merge", "all"]
    run = run_of(done, "f_items")
    assert (history(run), run.attempts, run.outputs) == (["CREATED", "SUCCESS"], None, None)
    assert run_of(done, "f_merge").outputs == {}
    assert "f_merge" in json.loads((run_of(done, "all").outputs or {})["value"])


def test_what_is_no_file_is_said_by_the_split_and_by_its_failure(tmp_path: Path) -> None:
    items = f"- {{id: f, type: {FLOW}.ForEachItem, items: abc, namespace: test.engine, flowId: none}}"
    world = World(tmp_path, flow(items), dialect=V1)
    assert state(world.run()) == "FAILED"
    told = [(entry.task_id, entry.message) for entry in world.executor.logs() if entry.level == "ERROR"]
    text = "Unable to split the items from abc, this is not an internal storage URI!"
    assert told == [("f_split", text)] * 2


@pytest.mark.parametrize(("dialect", "keys"), [(V1, ["w", "a"]), (V2, ["w", "a", "all"])], ids=["1.x", "2.0"])
def test_a_working_directory_has_outputs_as_its_worker_has(
    tmp_path: Path, dialect: Dialect, keys: list[str]
) -> None:
    tasks = f"""
    - {{id: w, type: {FLOW}.WorkingDirectory, tasks: [{{id: a, type: {LOG}, message: x}}]}}
    - {{id: all, type: {RETURN}, format: "{{{{ outputs | keys }}}}"}}
    """
    done = World(tmp_path, flow(tasks), dialect=dialect).run()
    assert sorted(json.loads((run_of(done, "all").outputs or {})["value"])) == sorted(keys)
