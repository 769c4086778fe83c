from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.diagnostics import Collector
from simulator.dialect import V1, V2, Dialect
from simulator.model.build import build_flow
from simulator.model.flow import Flow, Task
from simulator.model.show import MASK, flow_data, to_yaml
from simulator.source.yaml import read_yaml
from tests.model.fake import FakeCatalog

CATALOG = FakeCatalog()
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "flows"
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
    | st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\x85\u2028\u2029\ufeff"))
    | st.sampled_from(["on", "012", "1e3", "12:30:45", "2024-01-01", "~", "", "=", "0x1F", "a: b", "x #y", "- a", "{{ x }}", "it's", '"', "a\nb", "a\nb\n", " a\n b", "a \nb", ".inf", "<<", "*a", "&a", "!x", "%y", "@z", "`", "\ttab", "a\\b'c"])
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(alphabet="abon1:#{} ", min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "on", "1", "null", "x y", "k:"]), TREES, max_size=4))
def test_what_is_written_reads_back(data: dict[str, object]) -> None:
    assert read_yaml(to_yaml(data)).plain() == data


def build(text: str, dialect: Dialect) -> Flow:
    found = Collector()
    flow = build_flow(text, "f", dialect, CATALOG, collector=found)
    assert flow is not None, [str(item) for item in found]
    return flow


def essence(task: Task) -> tuple[object, ...]:
    children = {name: tuple(map(essence, group)) for name, group in task.children.items()}
    return (
        task.id,
        task.canonical,
        dict(task.properties),
        children,
        task.retry,
        task.timeout,
        task.disabled,
        task.run_if,
        task.depends_on,
    )


FLOW = """
id: demo
namespace: team
inputs: [{id: a, type: STRING, defaults: "012"}]
pluginDefaults:
  - type: io.kestra.plugin.test
    values: {url: jdbc, statements: [x], options: {timeout: 5}}
tasks:
  - {id: one, type: io.kestra.plugin.test.Query, statements: [y], password: "{{ secret('X') }}"}
  - id: two
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - {id: three, type: io.kestra.plugin.core.log.Log, message: "a\\nb", retry: {type: constant, interval: PT1S}}
"""


@pytest.mark.parametrize("dialect", [V1, V2])
def test_show_parses_back_to_the_same_tasks(dialect: Dialect) -> None:
    flow = build(FLOW, dialect)
    again = build(to_yaml(flow_data(flow, CATALOG)), dialect)
    assert [essence(task) for task in again.tasks] == [essence(task) for task in flow.tasks]
    assert again.inputs[0].defaults == "012"
    assert again.tasks[0].properties["statements"] == ["x", "y"]


def test_aliases_are_resolved_and_secrets_masked() -> None:
    text = FLOW.replace("\"{{ secret('X') }}\"", "hunter2").replace(
        "io.kestra.plugin.core.log.Log", "io.kestra.core.tasks.log.Log"
    )
    shown = to_yaml(flow_data(build(text, V1), CATALOG))
    assert "hunter2" not in shown and f"password: '{MASK}'" in shown.replace('"', "'")
    assert "type: io.kestra.plugin.core.log.Log" in shown


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real flows is not beside the repository")
def test_real_flows_read_back() -> None:
    for file in sorted(CORPUS.rglob("*.y*ml"))[::7]:
        data = read_yaml(file.read_text("utf-8")).plain()
        assert json.dumps(read_yaml(to_yaml(data)).plain()) == json.dumps(data)
