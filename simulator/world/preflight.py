"""What is known to be wrong before a run: mocks that give nothing, inputs that nobody knows, tasks that cannot run here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulator.diagnostics import Collector, Diagnostic
from simulator.dialect import Dialect
from simulator.errors import InvalidFlowError, UnsupportedError
from simulator.model.flow import Flow
from simulator.plugins.registry import Registry
from simulator.world.mocks import Mocks
from simulator.world.shape import did_you_mean

__all__ = ["check_mocks", "refuse_unsupported", "undeclared_inputs"]


def check_mocks(
    flow: Flow, mocks: Mapping[str, Any], registry: Registry, dialect: Dialect
) -> list[Diagnostic]:
    """Warnings. Raises InvalidFlowError when a mock gives what its task type does not."""
    from simulator.world.mocks import check_mock

    collector = Collector()
    tasks = {task.id: task for task in flow.walk_tasks()}
    for task_id, mock in mocks.items():
        task = tasks.get(task_id)
        if task is None:
            collector.warning(
                "SIM-MOCK-001",
                f"a mock for `{task_id}`, which is no task of {flow.id}",
                hint=did_you_mean(task_id, tasks),
            )
        elif task.canonical is not None:
            check_mock(mock, registry.spec(task.type, dialect), task_id, task.span, collector)
    if collector.has_errors:
        raise InvalidFlowError("a mock gives what its task type does not", diagnostics=collector.sorted())
    return collector.sorted()


def undeclared_inputs(flow: Flow, given: Iterable[str]) -> list[Diagnostic]:
    """Inputs that the flow does not know: Kestra drops them with a warning; mostly they are misspelt."""
    from simulator.model.flow_rules import leaves
    from simulator.model.inputs import undeclared

    names = [name for name, _ in leaves(flow.inputs)]
    collector = Collector()
    for name in given:
        for message in undeclared(flow, {name: None}):
            hint = did_you_mean(name, names) or (
                f"it has: {', '.join(names)}" if names else "it takes no inputs"
            )
            collector.warning("SIM-INPUT-002", message, hint=hint)
    return collector.items


def refuse_unsupported(
    flow: Flow,
    mocks: Mocks,
    registry: Registry,
    dialect: Dialect,
    *,
    known: Sequence[Diagnostic],
    side_file: Path,
) -> list[Diagnostic]:
    """A task that cannot run here and has no mock ends the run before it starts: nothing is skipped silently.

    Returns `known` without what no longer matters: a mocked task needs no advice on how to mock it. Raises
    UnsupportedError, which names every other such task and what to write into `side_file`.
    """
    from simulator.world.stubs import needs_mock

    tasks = [task for task in flow.walk_tasks() if needs_mock(task, registry, dialect)]
    if not tasks:
        return list(known)
    from simulator.model.problems import suggest_type
    from simulator.world.stubs import render_stubs, stubs

    mocked = [task for task in tasks if mocks.find(task) is not None]
    places = [node.span for task in mocked if (node := task.node.get("type")) is not None]
    left = [item for item in known if item.code != "SIM-TYPE-010" or item.span not in places]
    needed = stubs(flow, registry, dialect)
    missing = [task for task in tasks if task.id in needed and task not in mocked]
    if not missing:
        return left
    collector = Collector()
    for task in missing:
        node = task.node.get("type")
        collector.error(
            UnsupportedError.code,
            f"`{task.id}`: the type {task.type} cannot run here",
            node.span if node is not None else task.span,
            hint=suggest_type(task.type, registry.names(dialect)),
        )
    stub = render_stubs({task.id: needed[task.id] for task in missing}, flow)
    last = collector.items[-1]
    advice = f"mock what cannot run, in {side_file}:\n{stub}"
    collector.items[-1] = replace(last, hint=f"{last.hint} Or {advice}" if last.hint else advice)
    raise UnsupportedError("tasks of this flow cannot run here", diagnostics=collector.sorted())
