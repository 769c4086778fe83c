"""Coverage of flows: which tasks, branches, inputs and expressions the tests reached.

    recorder = Recorder(session)        # before the run
    session.run()
    recorder.reached()                  # facts, picklable
    measure(results)                    # the facts of all cases, laid over the flows

A *branch* is a way that a flow can go: `then` and `else` of an If (also an `else` that is not written), each case of a
Switch and its defaults, errors, finally and afterExecution blocks, a failure that `allowFailure` forgives, a retry, and
both answers of `runIf`. An *expression* is reached when it was rendered, an *input* when an expression read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.engine.execution import StateType, TaskRun
from simulator.errors import ExpressionError
from simulator.expressions.renderer import Renderer
from simulator.model.flow import Flow, Task
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode
from simulator.testing.results import CaseResult

__all__ = ["Coverage", "FlowCoverage", "Recorder", "Unit", "measure", "units_of"]

Fact = tuple[str, ...]

_SWITCHED = ("then", "else", "defaults", "errors", "finally")


class _Recording(Renderer):
    """A renderer that remembers what it rendered."""

    def __init__(self, session: Any) -> None:
        super().__init__(session.dialect)
        self.seen: set[str] = set()

    def _compile(self, template: str, scope: Any) -> Any:
        # Every template comes by here the first time it is rendered.
        self.seen.add(template)
        return super()._compile(template, scope)


class Recorder:
    """Watches one case."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._renderer = session.watched = _Recording(session)

    def reached(self) -> frozenset[Fact]:
        """Facts about this run: ("task", id), ("branch", id, name), ("input", id), ("text", template)."""
        facts: set[Fact] = {("text", text) for text in self._renderer.seen}
        for text in self._renderer.seen:
            facts |= {("input", name) for name in _inputs_read(text, self._session.dialect)}
        flow: Flow = self._session.flow
        for execution in self._session.executor.executions():
            if (execution.namespace, execution.flow_id) == (flow.namespace, flow.id):
                facts |= set(_of_runs(flow, execution.task_runs))
        return frozenset(facts)


def _inputs_read(text: str, dialect: Any) -> Iterator[str]:
    from simulator.expressions.analyze import references

    try:
        found = references(text, dialect)
    except ExpressionError:
        return
    for item in found:
        if item.kind == "variable" and item.name == "inputs" and len(item.path) > 1:
            yield str(item.path[1])


def _of_runs(flow: Flow, runs: Sequence[TaskRun]) -> Iterator[Fact]:
    ran = {run.task_id for run in runs if run.state.current is not StateType.SKIPPED}
    by_parent: dict[str | None, set[str]] = {}
    for run in runs:
        by_parent.setdefault(run.parent_task_run_id, set()).add(run.task_id)
    tasks = {task.id: task for task in flow.walk_tasks()}
    for task_id in ran:
        yield ("task", task_id)
    for run in runs:
        task = tasks.get(run.task_id)
        if task is None:
            continue
        state = run.state.current
        if task.run_if is not None:
            yield ("branch", task.id, "runIf false" if state is StateType.SKIPPED else "runIf true")
        if task.retry is not None and len(run.attempts or ()) > 1:
            yield ("branch", task.id, "retry")
        if task.allow_failure and state is StateType.WARNING:
            yield ("branch", task.id, "allowFailure")
        below = by_parent.get(run.id, set())
        taken = [name for name, children in task.children.items() if below & {child.id for child in children}]
        for name in taken:
            yield ("branch", task.id, name)
        if _is_if(task) and "then" not in taken and not run.mocked and state is not StateType.FAILED:
            yield ("branch", task.id, "else")
    for name, group in _blocks(flow):
        if ran & {task.id for task in group}:
            yield ("branch", "", name)


def _is_if(task: Task) -> bool:
    return "then" in task.children


def _blocks(flow: Flow) -> Iterator[tuple[str, Sequence[Task]]]:
    for name, group in (
        ("errors", flow.errors),
        ("finally", flow.finally_),
        ("afterExecution", flow.after_execution),
    ):
        if group:
            yield name, group


# --- what there is to reach


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that can be reached, and where it stands."""

    kind: str
    """task, branch, input or expression"""
    name: str
    line: int
    fact: Fact


@dataclass(frozen=True, slots=True)
class FlowCoverage:
    """One flow: all units, and the number of cases that reached each."""

    file: str
    flow: str
    hits: tuple[tuple[Unit, int], ...] = ()

    def counts(self, kind: str | None = None) -> tuple[int, int]:
        """Reached, and all."""
        chosen = [count for unit, count in self.hits if kind in (None, unit.kind)]
        return sum(count > 0 for count in chosen), len(chosen)

    @property
    def percent(self) -> float:
        reached, total = self.counts()
        return 100.0 * reached / total if total else 100.0


@dataclass(frozen=True, slots=True)
class Coverage:
    flows: tuple[FlowCoverage, ...] = field(default=())

    @property
    def percent(self) -> float:
        reached = sum(flow.counts()[0] for flow in self.flows)
        total = sum(flow.counts()[1] for flow in self.flows)
        return 100.0 * reached / total if total else 100.0


def units_of(flow: Flow) -> list[Unit]:
    """Everything in a flow that a test can reach, by line."""
    found: list[Unit] = []
    for item in flow.inputs:
        found.append(Unit("input", item.id, item.node.span.start.line, ("input", item.id)))
    for name, group in _blocks(flow):
        found.append(Unit("branch", name, group[0].span.start.line, ("branch", "", name)))
    for task in flow.walk_tasks():
        if task.disabled:
            continue
        line = task.span.start.line
        found.append(Unit("task", task.id, line, ("task", task.id)))
        found += [
            Unit("branch", f"{task.id}: {name}", place, ("branch", task.id, name))
            for name, place in _branches(task, line)
        ]
        children = {id(child.node) for group in task.children.values() for child in group}
        seen: set[tuple[str, int]] = set()
        for scalar in _templates(task.node, children):
            place = scalar.span.start.line
            if (scalar.text, place) not in seen:
                seen.add((scalar.text, place))
                shown = " ".join(scalar.text.split())[:60]
                found.append(Unit("expression", shown, place, ("text", scalar.text)))
    return sorted(found, key=lambda unit: unit.line)


def _branches(task: Task, line: int) -> Iterator[tuple[str, int]]:
    for name, group in task.children.items():
        if group and (name in _SWITCHED or name.startswith("cases.")):
            yield name, group[0].span.start.line
    if _is_if(task) and not task.children.get("else"):
        yield "else", line
    if task.run_if is not None:
        yield "runIf true", line
        yield "runIf false", line
    if task.retry is not None:
        yield "retry", line
    if task.allow_failure:
        yield "allowFailure", line


def _templates(node: Node, children: set[int]) -> Iterator[ScalarNode]:
    match node:
        case ScalarNode():
            if "{{" in node.text or "{%" in node.text:
                yield node
        case MapNode():
            for child in node.entries.values():
                if id(child) not in children:
                    yield from _templates(child, children)
        case ListNode():
            for child in node.items:
                if id(child) not in children:
                    yield from _templates(child, children)


def measure(results: Sequence[CaseResult], kestra: str = "auto") -> Coverage:
    """What the cases reached, flow by flow. A flow that cannot be read any more is left out."""
    from simulator.errors import SimulatorError
    from simulator.testing.case import built_flow
    from simulator.world.flowfile import read_flow_text

    by_file: dict[str, list[CaseResult]] = {}
    for result in results:
        if result.flow_file is not None:
            by_file.setdefault(result.flow_file, []).append(result)
    flows = []
    for file, items in sorted(by_file.items()):
        try:
            flow = built_flow(file, read_flow_text(Path(file)), kestra)
        except SimulatorError:
            continue
        hits = tuple((unit, sum(unit.fact in item.reached for item in items)) for unit in units_of(flow))
        flows.append(FlowCoverage(file, f"{flow.namespace}.{flow.id}", hits))
    return Coverage(tuple(flows))
