"""flow.md 1 to 8: what a flow may hold, and what is said of one that may not be."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.diagnostics import Collector, Severity
from simulator.model.build import build_flow
from simulator.model.flow import Flow
from simulator.plugins.registry import Registry
from tests.spec.walk import BOTH, DIALECTS, full

TASKS = "tasks: [{id: a, type: @log.Log, message: x}]"
REGISTRY = Registry(entry_points=False)


def load(name: str, text: str, **head: str) -> tuple[Flow | None, list[str]]:
    collector = Collector()
    flow = build_flow(full(text, **head), "flow.yml", DIALECTS[name], REGISTRY, collector=collector)
    return flow, [item.message for item in collector.sorted() if item.severity is Severity.ERROR]


#: text -> message in 1.x, in 2.0 (None: accepted; ...: the same)
REFUSED: dict[str, tuple[str | None, Any]] = {
    f"{TASKS}\nnope: 1": ('Unrecognized field "nope" (class io.kestra.core.models.flows.Flow)', ...),
    "tasks: []": ("must not be empty", ...),
    "description: x": ("must not be empty", ...),
    f"{TASKS}\nlabels: {{system.a: b}}": (
        "System labels can only be set by Kestra itself, offending label: system.a=b",
        ...,
    ),
    f"{TASKS}\nlabels: {{system.readOnly: 'true'}}": (None, ...),
    f"{TASKS}\nlabels: {{Big: x}}": (None, "Invalid label key. A valid key contains only lowercase letters"),
    f"{TASKS}\nlabels: {{a: [1]}}": ("Unsupported type for key: a, value: [1]", ...),
    f"{TASKS}\nlabels: text": ("Unable to deserialize value as it's neither an object neither an array", ...),
    "tasks: [{id: a, type: @log.Nope}]": ("Invalid type: io.kestra.plugin.core.log.Nope", ...),
    "tasks: [{id: a}]": ("Invalid type: null", ...),
    "tasks: [{id: a.b, type: @log.Log, message: x}]": ('must match "^[a-zA-Z0-9][a-zA-Z0-9_-]*"', ...),
    f"tasks: [{{id: {'x' * 257}, type: @log.Log, message: x}}]": (
        "Task id must be at most 256 characters",
        ...,
    ),
    "tasks: [{id: a, type: @log.Log, message: x}, {id: a, type: @log.Log, message: x}]": (
        "Invalid Flow: Duplicate task id with name [a]",
        ...,
    ),
    f"{TASKS}\nerrors: [{{id: a, type: @log.Log, message: x}}]": ("Duplicate task id with name [a]", ...),
    f"{TASKS}\nafterExecution: [{{id: a, type: @log.Log, message: x}}]": (
        "Duplicate task id with name [a]",
        ...,
    ),
    f"{TASKS}\ninputs: [{{id: x, type: STRING}}, {{id: x, type: INT}}]": (
        "Duplicate input with name [x]",
        ...,
    ),
    f"{TASKS}\noutputs: [{{id: x, type: STRING, value: a}}, {{id: x, type: STRING, value: b}}]": (
        "Duplicate output with name [x]",
        ...,
    ),
    f"{TASKS}\ntriggers: [{{id: x, type: @trigger.Webhook, key: a}}, {{id: x, type: @trigger.Webhook, key: b}}]": (
        "Duplicate trigger id with name [x]",
        ...,
    ),
    "tasks: [{id: a, type: @flow.Subflow, namespace: spec, flowId: main}]": (
        "Recursive call to flow [spec.main]",
        ...,
    ),
    f"{TASKS}\ninputs: [{{id: x, type: FOO}}]": ("Invalid type: FOO", ...),
    f"{TASKS}\ninputs: [{{id: x}}]": ("Invalid type: null", ...),
    f"{TASKS}\ninputs: [{{id: x, type: STRING, dependsOn: {{inputs: [y]}}}}]": (
        "Input with id 'x' depends on a non-existent input 'y'.",
        ...,
    ),
    f"{TASKS}\ninputs: [{{id: x, type: STRING, dependsOn: {{inputs: [y]}}}}, "
    "{id: y, type: STRING, dependsOn: {inputs: [x]}}]": (
        "Cycle dependency detected for input with id 'x'",
        ...,
    ),
    f"{TASKS}\ninputs: [{{id: x, type: STRING, defaults: a, required: false}}]": (
        None,
        "Inputs with a default value must be required, since the default is always applied.",
    ),
    f"{TASKS}\ninputs: [{{id: x, type: ARRAY, itemType: ARRAY}}]": (
        "`itemType` cannot be `ARRAY`",
        "`itemType` cannot be ARRAY",
    ),
    f"{TASKS}\ninputs: [{{id: x, type: FILE, defaults: 'http://x'}}]": (
        "inputs of type 'FILE' only support `defaults` as local files",
        ...,
    ),
    f"{TASKS}\ninputs: [{{id: x, type: STRING, validator: '['}}]": ("invalid pattern [[]", ...),
    f"{TASKS}\ninputs: [{{id: a.b, type: STRING}}, {{id: a, type: STRING}}]": (
        None,
        "Input path 'a' conflicts with 'a.b'; one cannot be nested under the other.",
    ),
    "inputs: [{id: my-x, type: STRING}]\ntasks: [{id: a, type: @log.Log, message: '{{ inputs.my-x }}'}]": (
        "Invalid input reference: use inputs[key-name] instead of inputs.key-name \u2014 "
        "keys with dashes require bracket notation, offending tasks: [a]",
        ...,
    ),
    "tasks: [{id: my-a, type: @debug.Return, format: x}, {id: b, type: @log.Log, message: '{{ outputs.my-a.value }}'}]": (
        "Invalid output reference: use outputs[key-name] instead of outputs.key-name \u2014 "
        "keys with dashes require bracket notation, offending tasks: [b]",
        ...,
    ),
    f"{TASKS}\nconcurrency: {{limit: 0}}": ("must be greater than or equal to 1", ...),
    f"{TASKS}\nconcurrency: {{behavior: FAIL}}": ("must not be null", ...),
    f"{TASKS}\ntriggers: [{{id: t, type: @trigger.Schedule, cron: nope}}]": (
        "invalid cron expression 'nope'",
        ...,
    ),
    f"{TASKS}\ntriggers: [{{id: t, type: @trigger.Schedule, cron: '@daily', timezone: Nope/X}}]": (
        "timezone '(Nope/X)' is not a valid time-zone ID",
        ...,
    ),
    f"{TASKS}\ntriggers: [{{id: t, type: @trigger.Schedule}}]": ("must not be null", ...),
    "tasks: [{id: d, type: @flow.Dag, tasks: [{task: {id: a, type: @log.Log, message: x}, dependsOn: [z]}]}]": (
        "Not existing task id in dependency: z",
        ...,
    ),
    "tasks: [{id: d, type: @flow.Dag, tasks: [{task: {id: a, type: @log.Log, message: x}, dependsOn: [b]}, "
    "{task: {id: b, type: @log.Log, message: x}, dependsOn: [a]}]}]": (
        "Cyclic dependency detected: a, b",
        ...,
    ),
    "tasks: [{id: s, type: @flow.Switch, value: x}]": (
        "No task defined, neither cases or default have any tasks",
        ...,
    ),
    "tasks: [{id: s, type: @flow.Sequential, tasks: []}]": ("The 'tasks' property cannot be empty", ...),
    "tasks: [{id: s, type: @flow.Parallel, tasks: []}]": (
        "must not be empty",
        "The 'tasks' property cannot be empty",
    ),
    "tasks: [{id: w, type: @flow.WorkingDirectory, tasks: [{id: s, type: @flow.Pause}]}]": (
        "Only runnable tasks are allowed as children of a WorkingDirectory task",
        ...,
    ),
    "id2: 1\ntasks: [{id: a, type: @log.Log, message: x, message: y}]": ("Duplicate field 'message'", ...),
}


@BOTH
@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused(name: str, text: str) -> None:
    old, new = REFUSED[text]
    expected = new if name == "2.0" and new is not ... else old
    flow, messages = load(name, text)
    if expected is None:
        assert flow is not None and not messages
    else:
        assert any(expected in message for message in messages), messages


RETRIES = {
    "type: constant, interval: PT10S, maxDuration: PT5S": "'interval' must be less than 'maxDuration'",
    "type: exponential, interval: PT10S, maxInterval: PT5S": "'interval' must be less than 'maxInterval'",
    "type: random, minInterval: PT10S, maxInterval: PT5S": "'minInterval' must be less than 'maxInterval'",
    "type: random, minInterval: PT10S, maxInterval: PT20S, maxDuration: PT5S": (
        "'minInterval' must be less than 'maxDuration'"
    ),
    "type: exponential, interval: PT1S, maxInterval: PT20S, maxDuration: PT5S": (
        "'maxInterval' must be less than 'maxDuration'"
    ),
}


@BOTH
@pytest.mark.parametrize("retry", RETRIES)
@pytest.mark.parametrize("at_flow", [True, False])
def test_intervals_of_a_retry(name: str, retry: str, at_flow: bool) -> None:
    block = f"retry: {{{retry}}}"
    text = f"{block}\n{TASKS}" if at_flow else f"tasks: [{{id: a, type: @log.Log, message: x, {block}}}]"
    _, messages = load(name, text)
    (found,) = [message for message in messages if RETRIES[retry] in message]
    assert ("but is" in found) == (name == "1.x")


@BOTH
@pytest.mark.parametrize(
    ("ident", "namespace", "message"),
    [
        ("_x", "spec", 'id: must match "^[a-zA-Z0-9][a-zA-Z0-9._-]*"'),
        ("x" * 101, "spec", "id: size must be between 1 and 100"),
        ("x", "Spec", 'namespace: must match "^[a-z0-9][a-z0-9._-]*"'),
        ("x", "s" * 151, "namespace: size must be between 1 and 150"),
    ],
)
def test_names_of_a_flow(name: str, ident: str, namespace: str, message: str) -> None:
    _, messages = load(name, TASKS, ident=ident, namespace=namespace)
    assert any(message in found for found in messages), messages


@pytest.mark.parametrize(
    "word", ["pause", "resume", "force-run", "change-status", "kill", "executions", "search"]
)
def test_words_that_1x_keeps_for_itself(word: str) -> None:
    text = f"Flow id is a reserved keyword: {word}. List of reserved keywords: pause, resume, force-run, change-status, "
    assert any(text in message for message in load("1.x", TASKS, ident=word)[1])
    assert load("2.0", TASKS, ident=word)[1] == []


#: what stands in the file -> the text that a text property becomes
SCALARS = {
    "12": "12",
    "'12'": "12",
    "yes": "yes",
    "12:30:45": "12:30:45",
    "2024-01-01": "2024-01-01",
    "1_000": "1_000",
}


@BOTH
@pytest.mark.parametrize("written", SCALARS)
def test_any_scalar_is_a_text_where_one_is_wanted(name: str, written: str) -> None:
    flow, messages = load(name, f"tasks: [{{id: a, type: @debug.Return, format: {written}}}]")
    assert flow is not None and not messages


@BOTH
def test_keys_stay_as_they_are_written(name: str) -> None:
    flow, _ = load(name, f"variables: {{on: 1, 1: b, true: c, ~: d}}\n{TASKS}")
    assert flow is not None and list(flow.variables) == ["on", "1", "true", "~"]


@BOTH
def test_anchors_are_texts_and_only_the_first_document_counts(name: str) -> None:
    flow, messages = load(name, f"variables: {{a: &x 1, b: *x}}\n{TASKS}\n---\nid: other")
    assert not messages and flow is not None
    assert flow.variables == {"a": 1, "b": "x"}
