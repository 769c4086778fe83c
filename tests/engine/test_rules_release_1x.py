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


SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            "abc",
            "com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'abc': was expecting (JSON String, "
            f"Number, Array, Object or token 'null', 'true' or 'false')\n at {SOURCE}, column: 4]",
        ),
        (
            "{{ null }}",
            "com.fasterxml.jackson.databind.exc.MismatchedInputException: No content to map due to end-of-input\n"
            f" at {SOURCE}]",
        ),
    ],
)
def test_values_that_are_no_json(tmp_path: Path, values: str, reason: str) -> None:
    text = (
        f"- {{id: f, type: {FLOW}.ForEach, values: '{values}', tasks: [{{id: a, type: {LOG}, message: x}}]}}"
    )
    world = World(tmp_path, flow(text), dialect=V1)
    assert state(world.run()) == "FAILED"
    assert f"Unable to resolve state from the Flowable task: {reason}" in world.messages("ERROR")


@pytest.mark.parametrize(("dialect", "column"), [(V1, 4), (V2, 1)], ids=["1.x", "2.0"])
def test_where_json_has_an_unknown_word(tmp_path: Path, dialect: Dialect, column: int) -> None:
    text = flow(f"- {{id: a, type: {LOG}, message: \"{{{{ fromJson('xyz') }}}}\"}}")
    world = World(tmp_path, text, dialect=dialect)
    world.run()
    assert f"line: 1, column: {column}] (" in world.messages("ERROR")[0]


def test_a_stored_file_is_gone_from_the_working_directory(tmp_path: Path) -> None:
    local = "{id: r, type: io.kestra.plugin.core.storage.LocalFiles, outputs: [a.txt]}"
    files = "inputFiles: {a.txt: A, b.txt: B}, outputFiles: ['*.txt']"
    done = World(
        tmp_path, flow(f"- {{id: w, type: {FLOW}.WorkingDirectory, {files}, tasks: [{local}]}}"), dialect=V1
    ).run()
    assert list((run_of(done, "r").outputs or {})["uris"]) == ["a.txt"]
    assert list((run_of(done, "w").outputs or {})["outputFiles"]) == ["b.txt"]


def test_a_loop_until_knows_its_round_from_the_second_on(tmp_path: Path) -> None:
    rounds = f"""
    - id: r
      type: {FLOW}.LoopUntil
      condition: "{{{{ outputs.r.iterationCount == 3 }}}}"
      checkFrequency: {{interval: PT1S}}
      tasks: [{{id: a, type: {LOG}, message: "{{{{ taskrun.iteration }}}}"}}]
    """
    world = World(tmp_path, flow(rounds), dialect=V1)
    done = world.run()
    assert [(run.task_id, run.iteration) for run in done.task_runs] == [("r", 2), ("a", 2)]
    assert run_of(done, "r").outputs == {"iterationCount": 3}
    assert world.messages("INFO") == ["0", "1", "2"]
