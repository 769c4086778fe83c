"""A first suite for a flow, made to be edited: a case for the way that everything succeeds, and one for each further branch.

Tasks that reach out (their type is not core) get fixtures with sample outputs, made from what the flow reads. Branches of an
If or a Switch that hang on an input get a case that sets it; a block that only runs after a failure gets one where the
first task fails. The suite is run once: what it does not reach, and cases that end elsewhere, stand in its head.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simulator.model.flow import Flow, Task
from simulator.testing.writing import case_data, suite_text

__all__ = ["generate_suite"]

_SAMPLES: Mapping[str, Any] = {
    "INT": 1,
    "FLOAT": 1.5,
    "BOOLEAN": True,
    "BOOL": True,
    "DATE": "2026-01-31",
    "TIME": "09:00:00",
    "DATETIME": "2026-01-31T09:00:00Z",
    "DURATION": "PT1M",
    "JSON": "{}",
    "ARRAY": "[]",
    "MULTISELECT": "[]",
    "YAML": "{}",
    "URI": "https://example.com",
    "EMAIL": "someone@example.com",
}
_EQUALS = re.compile(r"inputs\.(\w+)\s*==\s*(?:'([^']*)'|\"([^\"]*)\"|(\d+(?:\.\d+)?))")
_ALONE = re.compile(r"\{\{\s*inputs\.(\w+)\s*\}\}")


def generate_suite(flow_file: Path, kestra: str = "auto") -> str:
    """The suite as YAML text. Raises what reading the flow raises."""
    from simulator.testing.case import built_flow
    from simulator.world.flowfile import read_flow_text

    flow = built_flow(str(flow_file), read_flow_text(flow_file), kestra)
    fixtures = _fixtures(flow)
    inputs = _inputs(flow)
    cases = [
        case_data(
            "succeeds",
            description="Everything that reaches out is a fixture. Edit the sample outputs.",
            fixtures={"inputs": inputs, "tasks": fixtures},
            assertions=_assertions(flow),
        )
    ]
    used = {"succeeds"}
    for name, task_id, more, changes in _ways(flow):
        case_name = _unique(f"{task_id}_{name}", used)
        cases.append(
            case_data(
                case_name,
                description=f"Goes the way `{name}` of `{task_id}`."
                if task_id
                else f"Goes the way `{name}`.",
                fixtures={"inputs": {**inputs, **more}, "tasks": _changed(fixtures, changes)},
                expected_state=_end(flow, changes),
                assertions=[{"value": "{{ execution.state }}", "equalTo": _end(flow, changes)}],
            )
        )
    head = [f"A first suite for {flow_file.name}: samples and expectations are guesses, made to be edited."]
    text = suite_text(namespace=flow.namespace, flow_id=flow.id, cases=cases)
    return "".join(f"# {line}\n" for line in (*head, *_findings(text, flow_file, kestra))) + text


def _findings(text: str, flow_file: Path, kestra: str) -> Iterator[str]:
    """What running the suite shows."""
    from simulator.testing.coverage import measure
    from simulator.testing.runner import FoundCase, Runner
    from simulator.testing.side import SuiteSide
    from simulator.testing.suite import read_suite

    suite = read_suite(text, f"{flow_file.stem}.test.yml")
    side = SuiteSide(flow_file.with_name(f"{flow_file.stem}.test.sim.yml"))
    flags = {"kestra": kestra} if kestra != "auto" else {}
    with Runner(environ={}, flags=flags, coverage=True) as runner:
        results = [runner.run(FoundCase(suite, case, side, flow_file)) for case in suite.cases]
    for result in results:
        if not result.ok:
            why = result.failures[0].message.split("\n")[0] if result.failures else str(result.state)
            yield f"look at the case {result.case}: {why}"
    for flow in measure(results, kestra).flows:
        for unit, count in flow.hits:
            if not count and unit.kind in ("task", "branch"):
                yield f"not reached yet: {unit.kind} {unit.name} (line {unit.line})"


def _unique(name: str, used: set[str]) -> str:
    base = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-") or "case"
    found, number = base, 2
    while found in used:
        found, number = f"{base}_{number}", number + 1
    used.add(found)
    return found


def _is_ours(task: Task) -> bool:
    """Whether a task runs as it is: core types but requests and scripts."""
    name = task.canonical or ""
    return name.startswith("io.kestra.plugin.core.") and not name.startswith("io.kestra.plugin.core.http.")


def _fixtures(flow: Flow) -> list[dict[str, Any]]:
    from simulator.plugins.registry import Registry
    from simulator.world.stubs import stubs

    wanted = {task.id for task in flow.walk_tasks() if not _is_ours(task) and not task.children}
    mocks = stubs(flow, Registry(), flow.dialect, wanted=lambda task: task.id in wanted)
    found = []
    for task in flow.walk_tasks():
        if task.id not in wanted or task.disabled:
            continue
        fixture: dict[str, Any] = {"id": task.id}
        mock = mocks.get(task.id) or {}
        outputs = dict(mock.get("outputs") or {})
        if mock.get("rows") is not None:
            outputs |= {"uri": "kestra:///sample.ion", "size": len(mock["rows"])}
        if outputs:
            fixture["outputs"] = outputs
        values = _values(flow, task)
        found += [{"id": task.id, "value": value, **fixture} for value in values] if values else [fixture]
    return found


def _values(flow: Flow, task: Task) -> list[str]:
    """In a 1.x loop a fixture counts for one value: those that the loop lists."""
    for loop in flow.walk_tasks():
        values = loop.properties.get("values")
        below = any(child.id == task.id for group in loop.children.values() for child in group)
        if below and isinstance(values, list) and flow.dialect.major == 1:
            return [str(value) for value in values if "{{" not in str(value)]
    return []


def _inputs(flow: Flow) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in flow.inputs:
        if not item.has_defaults and item.required:
            values = item.options.get("values")
            choice = values[0] if isinstance(values, list | tuple) and values else None
            keys = _asked(flow, item.id)
            found[item.id] = choice or (keys[0] if keys else _SAMPLES.get(item.type, f"sample {item.id}"))
    return found


def _asked(flow: Flow, name: str) -> list[str]:
    """Values of an input for which a Switch has a case: others fail it when it has no defaults."""
    return [
        key.removeprefix("cases.")
        for task in flow.walk_tasks()
        if (match := _ALONE.fullmatch(str(task.properties.get("value") or "").strip())) and match[1] == name
        for key in task.children
        if key.startswith("cases.")
    ]


def _assertions(flow: Flow) -> list[dict[str, Any]]:
    return [{"value": "{{ execution.state }}", "equalTo": "SUCCESS"}]


def _ways(flow: Flow) -> Iterator[tuple[str, str, dict[str, Any], dict[str, str]]]:
    """Further ways: name of the branch, task, inputs to set, states of fixtures to change."""
    for task in flow.walk_tasks():
        condition = str(task.properties.get("condition") or "")
        if "then" in task.children:
            match = _EQUALS.search(condition)
            alone = _ALONE.fullmatch(condition.strip())
            if match is not None:
                value = next(item for item in match.groups()[1:] if item is not None)
                yield "then", task.id, {match[1]: value}, {}
                yield "else", task.id, {match[1]: _other(flow, match[1], value)}, {}
            elif alone is not None:
                yield "then", task.id, {alone[1]: True}, {}
                yield "else", task.id, {alone[1]: False}, {}
        asked = _ALONE.fullmatch(str(task.properties.get("value") or "").strip())
        keys = [name.removeprefix("cases.") for name in task.children if name.startswith("cases.")]
        if asked is not None and keys:
            for key in keys:
                yield f"case {key}", task.id, {asked[1]: key}, {}
            if task.children.get("defaults"):
                yield "defaults", task.id, {asked[1]: _other(flow, asked[1], "", known=keys)}, {}
        if task.allow_failure and not task.children:
            yield "allowFailure", task.id, {}, {task.id: "FAILED"}
        if task.children.get("errors"):
            inner = next((child for group in task.children.values() for child in group), None)
            if inner is not None:
                yield "errors", task.id, {}, {inner.id: "FAILED"}
    first = next((task for task in flow.tasks if not task.disabled), None)
    if first is not None and flow.errors:
        yield "errors", "", {}, {first.id: "FAILED"}


def _other(flow: Flow, name: str, value: str, known: list[str] | None = None) -> Any:
    """Another value that the input takes."""
    taken = {value, *(known or ())}
    definition = next((item for item in flow.inputs if item.id == name), None)
    values = definition.options.get("values") if definition is not None else None
    for item in values if isinstance(values, list | tuple) else _asked(flow, name):
        if str(item) not in taken:
            return item
    if definition is not None and definition.type in ("INT", "FLOAT"):
        return int(float(value or 0)) + 1
    return "something else"


def _changed(fixtures: list[dict[str, Any]], states: Mapping[str, str]) -> list[dict[str, Any]]:
    rest = dict(states)
    found = []
    for item in fixtures:
        state = rest.pop(item["id"], None)
        found.append({"id": item["id"], "state": state} if state else item)
    return [*({"id": key, "state": state} for key, state in rest.items()), *found]


def _end(flow: Flow, changes: Mapping[str, str]) -> str:
    """The state in which the execution should end."""
    if not changes:
        return "SUCCESS"
    task = next((item for item in flow.walk_tasks() if item.id in changes), None)
    return "WARNING" if task is not None and task.allow_failure else "FAILED"
