"""ForEachItem and more of ForEach and Loop by their rules (core-tasks.md 2.7, 2.9, 2.10)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1
from tests.engine.harness import FAIL, LOG, RETURN, SLEEP, START, World, flow, ids, run_of, state

FLOW = "io.kestra.plugin.core.flow"
FILE = "kestra:///test/engine/rows.ion"


def items(more: str = "wait: true") -> str:
    return flow(
        f"""
        - id: each
          type: {FLOW}.ForEachItem
          items: {FILE}
          namespace: test.engine
          flowId: child
          inputs: {{file: "{{{{ taskrun.items }}}}", n: "{{{{ taskrun.iteration }}}}"}}
          {more}
        - {{id: next, type: {LOG}, message: x}}
        """
    )


def child(task: str, tail: str = "") -> str:
    head = "inputs: [{id: file, type: STRING}, {id: n, type: INT}]"
    return flow(f"- {task}", head=head, tail=tail).replace("id: flow", "id: child", 1)


GOOD = child(f"{{id: r, type: {RETURN}, format: '{{{{ read(inputs.file) }}}}'}}")
#: fails for the second part only
BAD = child(f"{{id: r, type: {FAIL}, condition: '{{{{ inputs.n == 1 }}}}'}}")


@pytest.mark.parametrize(
    ("other", "more", "content", "runs", "counts"),
    [
        (GOOD, "wait: true", b"1\n2\n3\n", "each each_split each_items each_merge next", {"SUCCESS": 3}),
        (
            GOOD,
            "batch: {rows: 2}",
            b"1\n2\n3\n",
            "each each_split each_items each_merge next",
            {"SUCCESS": 2},
        ),
        (
            GOOD,
            "batch: {partitions: 2}",
            b"1\n2\n3\n",
            "each each_split each_items each_merge next",
            {"SUCCESS": 2},
        ),
        (GOOD, "wait: true", b"", "each each_split each_items each_merge next", {}),
        (BAD, "wait: true", b"1\n2\n3\n", "each each_split each_items", {"SUCCESS": 2, "FAILED": 1}),
        (
            BAD,
            "transmitFailed: false",
            b"1\n2\n3\n",
            "each each_split each_items each_merge next",
            {"SUCCESS": 2, "FAILED": 1},
        ),
        (
            BAD,
            "allowFailure: true",
            b"1\n2\n3\n",
            "each each_split each_items next",
            {"SUCCESS": 2, "FAILED": 1},
        ),
    ],
)
def test_one_subflow_per_part(
    tmp_path: Path, other: str, more: str, content: bytes, runs: str, counts: dict[str, int]
) -> None:
    world = World(tmp_path, items(more), other, dialect=V1)
    world.executor.kernel.storage.put_at(FILE, content)
    execution = world.run()
    assert " ".join(ids(execution)) == runs
    outputs = run_of(execution, "each_items").outputs
    if counts:
        assert outputs["iterations"] == {"CREATED": 0, "RUNNING": 0, **counts}
        assert outputs["numberOfBatches"] == sum(counts.values())
        base = outputs["subflowOutputsBaseUri"]
        assert base.startswith("/test/engine/flow/executions/") and "/tasks/each-items/" in base
    else:
        assert outputs is None
    made = [item for item in world.executor.executions() if item.flow_id == "child"]
    assert len(made) == sum(counts.values())
    expected = "SUCCESS" if "next" in runs else "FAILED"
    assert state(execution) == ("WARNING" if "allowFailure" in more else expected)


def test_no_storage_file_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path, items().replace(FILE, "/tmp/rows"), GOOD, dialect=V1)
    assert state(world.run()) == "FAILED"
    text = "Unable to split the items from /tmp/rows, this is not an internal storage URI!"
    assert text in world.messages("ERROR")


def loop(values: Any, more: str = "concurrencyLimit: 1", body: str = "") -> str:
    shown = values if isinstance(values, str) else json.dumps(values)
    inner = (
        body
        or f"{{id: r, type: {RETURN}, format: '{{{{ item.index }}}}:{{{{ item.value }}}}:{{{{ item.key ?? 0 }}}}'}}"
    )
    return flow(
        f"""
        - id: loop
          type: {FLOW}.Loop
          values: {shown}
          {more}
          tasks:
            - {inner}
        """
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", "b", "a"], ["0:a:0", "1:b:0"]),
        ([1, 2.5], ["0:1:0", "1:2.5:0"]),
        ('\'[1, true, "x", {"a": 1}]\'', ["0:1:0", "1:true:0", "2:x:0", '3:{"a":1}:0']),
        ('\'{"k": 1, "l": 1}\'', ["0:1:k", "1:1:l"]),
        ({"k": "v", "l": "v"}, ["0:v:k", "1:v:l"]),
        ("'{{ [7, 8] }}'", ["0:7:0", "1:8:0"]),
        ([], []),
        ("'[]'", []),
    ],
)
def test_values_of_a_loop(tmp_path: Path, values: Any, expected: list[str]) -> None:
    world = World(tmp_path, loop(values))
    execution = world.run()
    assert state(execution) == "SUCCESS"
    shown = [
        item.task_runs[0].outputs["value"] for item in world.executor.executions() if item.kind == "LOOP"
    ]
    assert shown == expected
    outputs = run_of(execution, "loop").outputs
    assert (outputs["iterationCount"], outputs["runningIterations"]) == (len(expected), 0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([True], "Unknown value element type: class java.lang.Boolean"),
        ([[1]], "Unknown value element type: class java.util.ArrayList"),
        (
            "'3'",
            "The `values` must be a list, a map, or an expression that renders to one, but got: '3'.",
        ),
        ("'[1, null]'", 'Found a null value inside the iteration values="[1, null]"'),
        ("'nothing'", "or an expression that renders to one, but got: 'nothing'."),
    ],
)
def test_values_that_are_none(tmp_path: Path, values: Any, message: str) -> None:
    world = World(tmp_path, loop(values))
    execution = world.run()
    assert (state(execution), ids(execution)) == ("FAILED", ["loop"])
    assert message in world.messages("ERROR")[0]


@pytest.mark.parametrize(("limit", "seconds"), [(1, 8), (2, 4), (3, 4), (0, 2)])
def test_how_many_iterations_run_at_once(tmp_path: Path, limit: int, seconds: int) -> None:
    body = f"{{id: s, type: {SLEEP}, duration: PT2S}}"
    world = World(tmp_path, loop([1, 2, 3, 4], f"concurrencyLimit: {limit}", body))
    assert state(world.run()) == "SUCCESS"
    assert (world.clock.now() - START).seconds == seconds


@pytest.mark.parametrize(
    ("more", "shape"),
    [
        ("fetchType: FETCH", {"o"}),
        ("fetchType: STORE", {"uri"}),
        ("fetchType: AUTO", {"o"}),
    ],
)
def test_where_outputs_of_iterations_are(tmp_path: Path, more: str, shape: set[str]) -> None:
    declared = "outputs: [{id: o, type: INT, value: '{{ outputs.r.value }}'}]"
    body = f"{{id: r, type: {RETURN}, format: '{{{{ item.value }}}}'}}"
    text = loop(["4", "5"], f"{more}\n          {declared}", body)
    execution = World(tmp_path, text).run()
    entries = run_of(execution, "loop").outputs["outputs"]
    assert [entry["item"]["iteration"] for entry in entries] == [0, 1]
    assert all(set(entry["outputs"]) == shape for entry in entries)


def test_an_output_that_cannot_be_rendered_fails_the_iteration(tmp_path: Path) -> None:
    text = loop(["x"], "outputs: [{id: o, type: INT, value: '{{ item.value }}'}]")
    world = World(tmp_path, text)
    execution = world.run()
    inner = next(item for item in world.executor.executions() if item.kind == "LOOP")
    assert (state(execution), state(inner), state(run_of(inner, "r"))) == ("FAILED", "FAILED", "SUCCESS")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("[true]", "Unknown value element type: class java.lang.Boolean"),
        ("'{}'", ""),
        ("'[\"a\", null]'", "null values on Each"),
    ],
)
def test_values_that_a_for_each_refuses(tmp_path: Path, values: str, message: str) -> None:
    text = flow(
        f"- {{id: e, type: {FLOW}.ForEach, values: {values}, tasks: [{{id: a, type: {LOG}, message: x}}]}}"
    )
    world = World(tmp_path, text, dialect=V1)
    assert state(world.run()) == "FAILED"
    assert message in world.messages("ERROR")[0]
