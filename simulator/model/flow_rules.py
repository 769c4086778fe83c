"""Rules over the whole flow (flow.md 8.1): each adds one part to Kestra's `Invalid Flow: <a>, <b>`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from simulator.diagnostics import Span
from simulator.model.catalog import Kind
from simulator.model.convert import as_text
from simulator.model.flow import Flow, Input, Task
from simulator.model.labels import check_system_labels
from simulator.model.problems import Problems
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = ["check_flow_rules", "leaves"]

_RESERVED = (
    "pause",
    "resume",
    "force-run",
    "change-status",
    "kill",
    "executions",
    "search",
    "source",
    "disable",
    "enable",
)
_DASHED = (
    "Invalid {what} reference: use {what}s[key-name] instead of {what}s.key-name \u2014 keys with dashes require "
    "bracket notation, offending {where}: [{ids}]"
)


def leaves(inputs: Iterable[Input]) -> Iterator[tuple[str, Input]]:
    """Every input that takes a value, with its path: the children of a FORM are `<form>.<child>`."""
    for item in inputs:
        if item.type == "FORM":
            yield from ((f"{item.id}.{child.id}", child) for child in item.children)
        else:
            yield item.id, item


def _key_span(node: MapNode, key: str) -> Span:
    value = node.get(key)
    return value.span if value is not None else node.span


def _reserved_id(flow: Flow, problems: Problems) -> None:
    if problems.dialect.major == 1 and flow.id in _RESERVED:
        problems.flow_rule(
            f"Flow id is a reserved keyword: {flow.id}. List of reserved keywords: {', '.join(_RESERVED)}",
            _key_span(flow.node, "id"),
        )


def _repeated(names: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1 and name]


def _duplicate(what: str, items: Sequence[tuple[str, Span]], problems: Problems) -> None:
    """All repeated names in one text, as Kestra has it; the place is the second use of the first name."""
    names = _repeated([name for name, _ in items])
    if names:
        places = [span for name, span in items if name == names[0]]
        others = ", ".join(f"line {span.start.line}" for name, span in items if name in names)
        problems.flow_rule(
            f"Duplicate {what} with name [{', '.join(names)}]",
            places[1],
            f"Used in {others}.",
            code="SIM-FLOW-031",
        )


def _duplicate_tasks(flow: Flow, problems: Problems) -> None:
    _duplicate("task id", [(task.id, _key_span(task.node, "id")) for task in flow.walk_tasks()], problems)


def _duplicate_triggers(flow: Flow, problems: Problems) -> None:
    _duplicate("trigger id", [(item.id, _key_span(item.node, "id")) for item in flow.triggers], problems)


def _recursive_call(flow: Flow, problems: Problems) -> None:
    for task in flow.walk_tasks():
        spec = problems.catalog.spec(task.type, problems.dialect)
        if spec is None or spec.kind is not Kind.EXECUTABLE:
            continue
        if task.properties.get("namespace") == flow.namespace and task.properties.get("flowId") == flow.id:
            problems.flow_rule(
                f"Recursive call to flow [{flow.namespace}.{flow.id}]", task.span, code="SIM-FLOW-032"
            )
            return


def _duplicate_inputs(flow: Flow, problems: Problems) -> None:
    _duplicate("input", [(item.id, _key_span(item.node, "id")) for item in flow.inputs], problems)


def _input_paths(flow: Flow, problems: Problems) -> None:
    if problems.dialect.major < 2:
        return
    paths = list(leaves(flow.inputs))
    top = {item.id for item in flow.inputs}
    names = [path for path, _ in paths]
    for name in _repeated(names):
        if name not in _repeated([item.id for item in flow.inputs]):
            second = [item for path, item in paths if path == name][1]
            problems.flow_rule(f"Duplicate input path [{name}]", second.node.span, code="SIM-FLOW-031")
    for name, item in paths:
        for other in names:
            if other.startswith(name + ".") and (name in top or "." in name):
                problems.flow_rule(
                    f"Input path '{name}' conflicts with '{other}'; one cannot be nested under the other.",
                    item.node.span,
                )


def _depends_on(flow: Flow, problems: Problems) -> None:
    inputs = dict(leaves(flow.inputs))
    for item in flow.inputs:
        inputs.setdefault(item.id, item)
    needs = {name: item.depends_on.inputs if item.depends_on else () for name, item in inputs.items()}
    for name, names in needs.items():
        node = inputs[name].node.get("dependsOn") or inputs[name].node
        for needed in names:
            if needed not in inputs:
                problems.flow_rule(
                    f"Input with id '{name}' depends on a non-existent input '{needed}'.",
                    node.span,
                    code="SIM-FLOW-033",
                )
        cycle = _cycle(name, needs)
        if cycle:
            problems.flow_rule(
                f"Cycle dependency detected for input with id '{name}': [{', '.join(cycle)}]",
                node.span,
                code="SIM-FLOW-033",
            )


def _cycle(start: str, needs: dict[str, tuple[str, ...]]) -> list[str]:
    """The inputs reachable from `start` when `start` itself is among them."""
    seen: list[str] = []
    stack = list(needs[start])
    while stack:
        name = stack.pop(0)
        if name not in seen:
            seen.append(name)
            stack += needs.get(name, ())
    return seen if start in seen else []


def _duplicate_outputs(flow: Flow, problems: Problems) -> None:
    _duplicate("output", [(item.id, _key_span(item.node, "id")) for item in flow.outputs], problems)


def _schedule_inputs(flow: Flow, problems: Problems) -> None:
    if problems.dialect.major < 2:
        return
    wanted = [name for name, item in leaves(flow.inputs) if not item.has_defaults]
    for trigger in flow.triggers:
        if trigger.canonical != "io.kestra.plugin.core.trigger.Schedule":
            continue
        given = trigger.properties.get("inputs")
        given = given if isinstance(given, dict) else {}
        missing = [name for name in wanted if name not in given and not _nested(given, name)]
        if missing:
            problems.flow_rule(
                f"Missing inputs for Schedule Trigger '{trigger.id}', missing inputs: '{' | '.join(missing)}'",
                trigger.span, "Give them in the trigger's `inputs`, or give the inputs `defaults`.", code="SIM-FLOW-034",
            )  # fmt: skip


def _nested(given: object, path: str) -> bool:
    for step in path.split("."):
        if not isinstance(given, dict) or step not in given:
            return False
        given = given[step]
    return True


def _system_labels(flow: Flow, problems: Problems) -> None:
    check_system_labels(flow.node.get("labels"), problems)


def _texts(node: Node) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        yield node
    else:
        for child in node.entries.values() if isinstance(node, MapNode) else node.items:
            yield from _texts(child)


def _own_texts(task: Task) -> Iterator[ScalarNode]:
    """The texts of a task without those of its children."""
    children = {key.partition(".")[0] for key in task.children}
    for key, node in task.node.entries.items():
        if key not in children:
            yield from _texts(node)


def _dashes(flow: Flow, problems: Problems) -> None:
    inputs = [re.escape(item.id) for item in flow.inputs if "-" in item.id]
    tasks = [re.escape(task.id) for task in flow.walk_tasks() if "-" in task.id]
    if inputs:
        pattern = re.compile(r"\{\{\s*inputs\.(?:" + "|".join(inputs) + r")\s*\}\}")
        _dashed(
            "input", "tasks", pattern, ((task.id, _own_texts(task)) for task in flow.walk_tasks()), problems
        )
    if tasks:
        pattern = re.compile(r"\{\{\s*outputs\.(?:" + "|".join(tasks) + r")\.[^}]+\s*\}\}")
        _dashed(
            "output", "tasks", pattern, ((task.id, _own_texts(task)) for task in flow.walk_tasks()), problems
        )
        values = (
            (item.id, _texts(value)) for item in flow.outputs if (value := item.node.get("value")) is not None
        )
        _dashed("output", "outputs", pattern, values, problems)


def _dashed(
    what: str,
    where: str,
    pattern: re.Pattern[str],
    owners: Iterable[tuple[str, Iterable[ScalarNode]]],
    problems: Problems,
) -> None:
    offending: dict[str, Span] = {}
    for name, texts in owners:
        for text in texts:
            if name not in offending and isinstance(text.value, str) and pattern.search(text.text):
                offending[name] = text.span
    if offending:
        message = _DASHED.format(what=what, where=where, ids=", ".join(offending))
        hint = "`a.b-c` is read as a subtraction: write a['b-c']."
        problems.flow_rule(message, next(iter(offending.values())), hint, code="SIM-FLOW-035")


#: in the order of Kestra's message
_RULES: tuple[Callable[[Flow, Problems], None], ...] = (
    _reserved_id,
    _duplicate_tasks,
    _duplicate_triggers,
    _recursive_call,
    _duplicate_inputs,
    _input_paths,
    _depends_on,
    _duplicate_outputs,
    _schedule_inputs,
    _system_labels,
    _dashes,
)


def check_flow_rules(flow: Flow, problems: Problems) -> None:
    """All rules over the whole flow."""
    for rule in _RULES:
        rule(flow, problems)


def plugin_default_problems(node: Node | None, problems: Problems) -> None:
    """`Invalid Plugin Default: ...` for each item (flow.md 6)."""
    if not isinstance(node, ListNode):
        return
    for index, item in enumerate(node.items):
        if not isinstance(item, MapNode):
            continue
        parts: list[str] = []
        values, name = item.get("values"), item.get("type")
        if not isinstance(values, MapNode) or not values.entries:
            parts.append("No 'values' provided")
        if not isinstance(name, ScalarNode) or not name.text:
            parts.append("No 'type' provided")
        elif isinstance(values, MapNode):
            spec = problems.catalog.spec(name.text, problems.dialect)
            for key, value in values.entries.items():
                if isinstance(value, ScalarNode) and value.value is None:
                    parts.append(f"No value provided for key '{key}'")
                if spec is not None and not spec.open_properties:
                    from simulator.model.tasks import all_keys

                    if key.lower() not in {known.lower() for known in all_keys(spec)}:
                        parts.append(f"No property '{key}' exists in plugin '{as_text(name.value)}'")
        if parts:
            message = "Invalid Plugin Default: " + ", ".join(parts)
            problems.violation(f"pluginDefaults[{index}]", message, item.span, code="SIM-FLOW-027")
