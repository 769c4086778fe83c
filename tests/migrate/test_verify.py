"""Runs before and after, brought to the same form."""

from __future__ import annotations

from typing import Any

from simulator.migrate.engine import migrate
from simulator.migrate.verify import Difference, Run, compare, made_or_removed
from tests.migrate import test_loops
from tests.migrate.helpers import HEAD


def state(name: str) -> dict[str, Any]:
    return {"current": name, "histories": []}


def task_run(
    task: str,
    *,
    id: str = "",
    parent: str | None = None,
    value: str | None = None,
    outputs: Any = None,
    current: str = "SUCCESS",
) -> dict[str, Any]:  # noqa: A002
    run: dict[str, Any] = {"id": id or f"{task}{value}", "taskId": task, "state": state(current)}
    if parent:
        run["parentTaskRunId"] = parent
    if value is not None:
        run["value"] = value
    if outputs is not None:
        run["outputs"] = outputs
    return run


def execution(
    *runs: dict[str, Any], id: str = "main", current: str = "SUCCESS", **more: Any
) -> dict[str, Any]:  # noqa: A002
    return {"id": id, "state": state(current), "taskRunList": list(runs), **more}


ITERATIONS = [
    execution(task_run("ret", outputs={"value": value}), task_run("if"), task_run("deep", parent="if"), id=f"loop{value}", parentId="main",
              loop={"taskId": "each", "index": number, "value": value})
    for number, value in enumerate("ab")
]  # fmt: skip
BEFORE = execution(
    task_run("each"),
    *(
        run
        for value in "ab"
        for run in (
            task_run("ret", parent="eachNone", value=value, outputs={"value": value}),
            task_run("if", parent="eachNone", value=value, id=f"if{value}"),
            task_run("deep", parent=f"if{value}", id=f"deep{value}"),
        )
    ),
)
AFTER = execution(task_run("each", outputs={"iterationCount": 2}))


def test_a_loop_is_the_same_in_both_forms() -> None:
    assert compare(Run(BEFORE), Run(AFTER, ITERATIONS), ignore={"each"}) == []


def test_what_is_not_the_same_is_named() -> None:
    found = compare(Run(BEFORE), Run(execution(current="FAILED"), ITERATIONS[:1]), ignore={"each"})
    assert Difference("state", "the execution", "SUCCESS", "FAILED") in found
    assert Difference("task run", "deep[b]", "ran", "did not run") in found
    assert str(found[0]) == "state of the execution: 'SUCCESS' before, 'FAILED' after"


def test_outputs_and_states_of_task_runs() -> None:
    before = Run(execution(task_run("a", outputs={"x": 1})))
    after = Run(execution(task_run("a", outputs={"x": 2}, current="WARNING")))
    assert [item.what for item in compare(before, after)] == ["task state", "task outputs"]


def test_nested_loops() -> None:
    inner = execution(task_run("x"), id="in", parentId="out", loop={"value": "2"})
    outer = execution(task_run("inner"), id="out", parentId="main", loop={"value": "1"})
    after = Run(execution(task_run("outer")), [inner, outer])
    before = Run(
        execution(
            task_run("outer", id="o"),
            task_run("inner", id="i", parent="o", value="1"),
            task_run("x", id="x", parent="i", value="2"),
        )
    )
    assert compare(before, after) == []


def test_ids_times_and_files_differ_in_every_run() -> None:
    def run(id_: str, moment: str) -> Run:
        outputs = {
            "uri": f"kestra:///company/team/demo/executions/{id_}/tasks/a/{id_}/x.csv",
            "text": f"at {moment} in {id_}",
            "n": [1, moment],
        }
        return Run(execution(task_run("a", outputs=outputs), outputs={"when": moment}))

    first = run("2aHh7XKM4bNWTzuWvPmKp1", "2024-01-01T10:00:00.123Z")
    assert compare(first, run("5TtW2CzQqkZ8rXy1mNpLb3", "2025-06-01T11:30:00Z")) == []
    other = run("5TtW2CzQqkZ8rXy1mNpLb3", "never")
    assert {item.what for item in compare(first, other)} == {"outputs", "task outputs"}


def test_logs_are_counted() -> None:
    entry = {"taskId": "a", "level": "INFO", "message": "hi"}
    talk = {"taskId": "a", "level": "DEBUG", "message": "noise"}
    assert compare(Run(execution(), logs=[entry, talk]), Run(execution(), logs=[entry])) == []
    (found,) = compare(Run(execution(), logs=[entry, entry]), Run(execution(), logs=[entry]))
    assert (found.before, found.after) == ("2 times", "1 times")
    assert compare(Run(execution(), logs=[entry]), Run(execution()), ignore={"a"}) == []


def test_messages_may_quote_rewritten_expressions() -> None:
    def entry(expression: str) -> dict[str, str]:
        return {
            "taskId": "a",
            "level": "ERROR",
            "message": f"Unable to find `x` used in the expression `{{{{ {expression} }}}}` at line 1",
        }

    assert (
        compare(Run(execution(), logs=[entry("json(x)")]), Run(execution(), logs=[entry("fromJson(x)")]))
        == []
    )


def test_tasks_that_a_migration_makes() -> None:
    text = HEAD + test_loops.ITEM % "x"
    assert made_or_removed(text, migrate(text).after) == {"each", "each_split", "each_items", "each_merge"}
    assert made_or_removed(text, text) == {"each", "each_split", "each_items", "each_merge"}
    plain = HEAD + test_loops.loop()
    assert made_or_removed(plain, migrate(plain).after) == {"each"}
