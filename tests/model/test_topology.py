from __future__ import annotations

from simulator.diagnostics import Collector
from simulator.dialect import V1, V2, Dialect
from simulator.model.build import build_flow
from simulator.model.draw import as_dot, as_mermaid, as_tree
from simulator.model.flow import Flow
from simulator.model.topology import topology
from tests.model.fake import FakeCatalog

LOG = "type: io.kestra.plugin.core.log.Log, message: hi"
CORE = "io.kestra.plugin.core.flow"


def flow_of(tasks: str, dialect: Dialect = V2) -> Flow:
    found = Collector()
    flow = build_flow(
        f"id: demo\nnamespace: team\ntasks:\n{tasks}", "f", dialect, FakeCatalog(), collector=found
    )
    assert flow is not None, [str(item) for item in found]
    return flow


def edges(tasks: str, dialect: Dialect = V2) -> list[str]:
    marks = {"next": "->", "branch": "=>", "error": "!>", "again": "<-"}
    return [
        f"{edge.source.removeprefix('flow:')} {marks[edge.kind]}{edge.label and f'({edge.label})'} {edge.target}"
        for edge in topology(flow_of(tasks, dialect)).edges
    ]


def test_branches_join_again() -> None:
    tasks = f"""
  - id: i
    type: {CORE}.If
    condition: "{{{{ true }}}}"
    then: [{{id: a, {LOG}}}, {{id: b, {LOG}}}]
    errors: [{{id: e, {LOG}}}]
  - {{id: z, {LOG}}}
"""
    assert edges(tasks) == ["demo -> i", "i =>(then) a", "a -> b", "i !>(errors) e", "b -> z", "i -> z"]


def test_parallel_dag_and_loop() -> None:
    parallel = f"  - {{id: p, type: {CORE}.Parallel, tasks: [{{id: a, {LOG}}}, {{id: b, {LOG}}}]}}\n  - {{id: z, {LOG}}}\n"
    assert edges(parallel) == ["demo -> p", "p => a", "p => b", "a -> z", "b -> z"]
    dag = f"""
  - id: d
    type: {CORE}.Dag
    tasks:
      - {{task: {{id: a, {LOG}}}, dependsOn: [b]}}
      - {{task: {{id: b, {LOG}}}}}
"""
    assert edges(dag) == ["demo -> d", "d => b", "b -> a"]
    loop = f"  - {{id: l, type: {CORE}.Loop, values: [1], tasks: [{{id: a, {LOG}}}]}}\n"
    assert edges(loop) == ["demo -> l", "l => a", "a <-(next) l"]


def test_blocks_and_triggers() -> None:
    tasks = f"""
  - {{id: a, {LOG}}}
errors: [{{id: e, {LOG}}}]
finally: [{{id: f, {LOG}}}]
afterExecution: [{{id: x, {LOG}}}]
triggers: [{{id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: "@daily"}}]
"""
    assert edges(tasks) == ["trigger:t -> flow:demo", "demo -> a", "demo !>(errors) e", "a -> f", "f -> x"]
    shape = topology(flow_of(tasks))
    assert [cluster.label for cluster in shape.clusters] == ["errors", "finally", "afterExecution"]


def test_tree() -> None:
    tasks = f"""
  - id: i
    type: {CORE}.If
    condition: x
    then: [{{id: a, {LOG}}}]
    else: [{{id: b, {LOG}, disabled: true}}]
  - {{id: z, {LOG}}}
"""
    assert as_tree(flow_of(tasks)) == (
        "team.demo\n"
        "├─ i        core.flow.If\n"
        "│  ├─ then\n"
        "│  │  └─ a  core.log.Log\n"
        "│  └─ else\n"
        "│     └─ b  core.log.Log (disabled)\n"
        "└─ z        core.log.Log"
    )


def test_labels_cannot_break_out() -> None:
    tasks = f"""
  - id: s
    type: {CORE}.Switch
    value: x
    cases: {{'a"]; x --> y': [{{id: a, {LOG}}}]}}
"""
    for drawn in (as_mermaid(flow_of(tasks)), as_dot(flow_of(tasks, V1))):
        assert 'case a"]' not in drawn
