"""Sample executions for Flow triggers: they start it."""

from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.world.upstream import upstream
from tests.engine.harness import LOG, World, flow

CORE = "io.kestra.plugin.core"


@pytest.mark.parametrize(
    ("dialect", "options", "count"),
    [
        (V1, "states: [FAILED]", 1),
        (V1, f"conditions: [{{type: {CORE}.condition.ExecutionStatus, notIn: [SUCCESS]}}]", 1),
        (V1, f"conditions: [{{type: {CORE}.condition.ExecutionNamespace, namespace: a.b, prefix: true}}]", 1),
        (V1, f"conditions: [{{type: {CORE}.condition.ExecutionLabels, labels: {{sla: miss}}}}]", 1),
        (V1, f"conditions: [{{type: {CORE}.condition.ExecutionFlow, namespace: a, flowId: b}}]", 1),
        (V1, "preconditions: {id: p, flows: [{namespace: a, flowId: b, states: [FAILED]}, {flowId: c}]}", 2),
        (
            V1,
            "preconditions: {id: p, where: [{id: w, filters: [{field: NAMESPACE, type: STARTS_WITH, value: a},"
            " {field: STATE, type: IN, values: [FAILED]}]}]}",
            1,
        ),
        (V2, "dependsOn: [{namespace: a, flowId: b, labels: {x: y}}, {namespace: a, flowId: c}]", 2),
        (V2, "mode: AT_LEAST, minSatisfied: 2, dependsOn: [{flowId: b}, {flowId: c}, {flowId: d}]", 2),
        (V2, "mode: ANY, dependsOn: [{flowId: b}, {flowId: c}]", 1),
    ],
)
def test_it_starts_the_flow(tmp_path: Path, dialect: Dialect, options: str, count: int) -> None:
    tail = f"triggers:\n  - {{id: t, type: {CORE}.trigger.Flow, {options}}}"
    world = World(tmp_path, flow(f"- {{id: a, type: {LOG}, message: x}}", tail=tail), dialect=dialect)
    told: dict[str, Any] = {"executionId": "sample", "state": "sample state", "namespace": "sample namespace"}
    payload = upstream(world.flow.triggers[0], told)
    assert (len(payload) if isinstance(payload, list) else 1) == count
    made = world.executor.fire("test.engine", "flow", "t", payload=payload)
    assert made is not None and made.trigger is not None
    assert made.trigger["executionId"] == "sample"


def test_what_it_cannot_know_is_not_looked_at(tmp_path: Path) -> None:
    options = f"conditions: [{{type: {CORE}.condition.HasRetryAttempt, in: [FAILED]}}]"
    tail = f"triggers:\n  - {{id: t, type: {CORE}.trigger.Flow, {options}}}"
    world = World(tmp_path, flow(f"- {{id: a, type: {LOG}, message: x}}", tail=tail), dialect=V1)
    payload = upstream(world.flow.triggers[0], {"flowId": "sample flowId"})
    assert payload == {"flowId": "sample flowId", "state": "SUCCESS"}
    assert world.executor.fire("test.engine", "flow", "t", payload=payload) is not None
