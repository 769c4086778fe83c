"""core-tasks.md 3: Labels, SetVariables, UnsetVariables, what they change and how they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.walk import BOTH, Walk, attempts, history

CAST = (
    "class {0} cannot be cast to class java.lang.String "
    "({0} and java.lang.String are in module java.base of loader 'bootstrap')"
)
NO_MAP = {
    "1.x": 'Cannot invoke "java.util.Map.remove(Object)" because "vars" is null',
    "2.0": 'Cannot invoke "java.util.Map.containsKey(Object)" because "vars" is null',
}


def error(walk: Walk, name: str) -> str:
    """The message of the failed task `x`; its run has not begun."""
    run = walk.task(walk.run(), "x")
    assert (history(run), attempts(run)) == ("CREATED FAILED", ["FAILED"])
    (text,) = walk.logs("ERROR", "x")
    before = "" if name == "1.x" else "Failed to process task: "
    assert text.startswith(before)
    return text[len(before) :]


@BOTH
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("{system.a: b}", "System labels can only be set by Kestra itself, offending label: system.a=b"),
        ("{a: ''}", "Label values cannot be empty, offending label: a"),
        ("oops", "com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'oops': was expecting"),
    ],
)
def test_labels_that_are_refused(tmp_path: Path, name: str, labels: str, message: str) -> None:
    walk = Walk(tmp_path, name, f"tasks: [{{id: x, type: @execution.Labels, labels: {labels}}}]")
    assert error(walk, name).startswith(message)


@BOTH
@pytest.mark.parametrize(("value", "kind"), [("1", "java.lang.Integer"), ("true", "java.lang.Boolean")])
@pytest.mark.parametrize("form", ["{{a: {}}}", "[{{key: a, value: {}}}]"])
def test_values_that_are_no_texts_are_refused_by_1x(
    tmp_path: Path, name: str, form: str, value: str, kind: str
) -> None:
    text = f"tasks: [{{id: x, type: @execution.Labels, labels: {form.format(value)}}}]"
    walk = Walk(tmp_path, name, text)
    if name == "1.x":
        assert error(walk, name) == CAST.format(kind)
    else:
        assert dict(walk.run().labels)["a"] == value


@BOTH
def test_labels_as_map_list_and_text(tmp_path: Path, name: str) -> None:
    to_json = "json" if name == "1.x" else "toJson"
    walk = Walk(
        tmp_path,
        name,
        f"""
        labels: {{a: flow, b: flow}}
        tasks:
          - {{id: map, type: @execution.Labels, labels: {{b: "{{{{ flow.id }}}}", c: map}}}}
          - {{id: list, type: @execution.Labels, labels: [{{key: "{{{{ flow.id }}}}", value: "{{{{ 1 }}}}"}}]}}
          - {{id: text, type: @execution.Labels, labels: "{{{{ {{'k': 'v'}} | {to_json} }}}}"}}
        """,
    )
    labels = dict(walk.run(labels={"c": "given", "d": "given"}).labels)
    del labels["system.correlationId"]
    assert labels == {"a": "flow", "b": "main", "c": "map", "d": "given", "main": "1", "k": "v"}


@BOTH
@pytest.mark.parametrize(
    ("variables", "names", "left"),
    [
        ("{a: 1, b: 2}", "[a]", {"b": 2}),
        ("{a: 1}", "[nope]", {"a": 1}),
        ("{a: {b: 1, c: 2}}", "[a.b]", {"a": {"c": 2}}),
        ("{a: {b: 1}}", "[a.nope]", {"a": {"b": 1}}),
        ("{a: {b: 1}}", "[nope.b]", None),
        ("{}", "[a]", None),
    ],
)
def test_what_is_unset(
    tmp_path: Path, name: str, variables: str, names: str, left: dict[str, object] | None
) -> None:
    text = f"variables: {variables}\ntasks: [{{id: x, type: @execution.UnsetVariables, variables: {names}}}]"
    walk = Walk(tmp_path, name, text)
    if left is None:
        assert error(walk, name) == NO_MAP[name]
    else:
        assert walk.run().variables == left


@BOTH
def test_variables_are_merged(tmp_path: Path, name: str) -> None:
    walk = Walk(
        tmp_path,
        name,
        """
        variables: {x: 1, keep: k, m: {a: [1, 2], b: 2, n: 1}}
        tasks:
          - {id: s, type: @execution.SetVariables, variables: {x: "{{ flow.id }}", m: {a: [2, 3], n: null, c: null}}}
        """,
    )
    lists = [1, 2, 2, 3] if name == "1.x" else [1, 2, 3]
    assert walk.run().variables == {"x": "main", "keep": "k", "m": {"a": lists, "b": 2, "n": 1}}


@BOTH
def test_variables_that_may_not_be_overwritten(tmp_path: Path, name: str) -> None:
    text = "{id: x, type: @execution.SetVariables, overwrite: false, variables: {a: 2, b: 3, c: 4}}"
    walk = Walk(tmp_path, name, f"variables: {{a: 1, b: 1}}\ntasks: [{text}]")
    message = "`overwrite` is set to false and the following variables already exist: a,b"
    assert error(walk, name) == message


@BOTH
def test_a_label_without_value_is_left_out(tmp_path: Path, name: str) -> None:
    walk = Walk(tmp_path, name, "tasks: [{id: x, type: @execution.Labels, labels: {a: null, b: c}}]")
    labels = dict(walk.run().labels)
    del labels["system.correlationId"]
    assert labels == {"b": "c"}


@BOTH
def test_the_executor_does_not_try_its_own_tasks_again(tmp_path: Path, name: str) -> None:
    retry = "retry: {type: constant, interval: PT1S, maxAttempts: 3}"
    walk = Walk(tmp_path, name, f"tasks: [{{id: x, type: @execution.Labels, {retry}, labels: {{a: ''}}}}]")
    assert error(walk, name).startswith("Label values cannot be empty")
