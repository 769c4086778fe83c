"""The drawing: everything has a place, nothing overlaps its siblings, texts are escaped."""

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from simulator.diagnostics import Collector
from simulator.dialect import V1
from simulator.model.build import build_flow
from simulator.model.flow import Flow
from simulator.plugins.registry import Registry
from simulator.reports.drawing import Box, layout, svg

FLOW = """\
id: drawn
namespace: company.team
tasks:
  - id: par
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: a, type: io.kestra.plugin.core.log.Log, message: a}
      - {id: b, type: io.kestra.plugin.core.log.Log, message: b}
  - id: switch
    type: io.kestra.plugin.core.flow.Switch
    value: x
    cases:
      "<b>&": [{id: c, type: io.kestra.plugin.core.log.Log, message: c}]
    defaults: [{id: d, type: io.kestra.plugin.core.log.Log, message: d}]
  - id: dag
    type: io.kestra.plugin.core.flow.Dag
    tasks:
      - task: {id: e, type: io.kestra.plugin.core.log.Log, message: e}
      - task: {id: f, type: io.kestra.plugin.core.log.Log, message: f}
        dependsOn: [e]
errors:
  - {id: g, type: io.kestra.plugin.core.log.Log, message: g}
triggers:
  - {id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: "@daily"}
"""


@pytest.fixture(scope="module")
def flow() -> Flow:
    collector = Collector()
    found = build_flow(FLOW, "drawn.yml", V1, Registry(), collector=collector)
    assert found is not None, list(collector)
    return found


def boxes(items: list[Box]) -> list[Box]:
    return [box for item in items for box in (item, *boxes(item.children))]


def test_every_task_is_drawn_inside_its_parent_and_beside_its_siblings(flow: Flow) -> None:
    drawing = layout(flow)
    drawn = {box.id for box in boxes(drawing.boxes)}
    assert {task.id for task in flow.walk_tasks()} <= drawn and "trigger/t" in drawn
    for box in boxes(drawing.boxes):
        for child in box.children:
            assert box.x <= child.x and child.x + child.width <= box.x + box.width + 0.1, child.id
            assert box.y <= child.y and child.y + child.height <= box.y + box.height + 0.1, child.id
        for a, b in pairwise(box.children):
            apart = a.x + a.width <= b.x + 0.1 or b.x + b.width <= a.x + 0.1 or a.y + a.height <= b.y + 0.1
            assert apart, (a.id, b.id)


def test_a_dependency_points_down(flow: Flow) -> None:
    found = {box.id: box for box in boxes(layout(flow).boxes)}
    assert found["e"].y + found["e"].height < found["f"].y
    assert found["a"].y == found["b"].y


def test_the_svg_is_well_formed_and_escaped(flow: Flow) -> None:
    text = svg(layout(flow), title='a "title" <&>')
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg") and "<b>&" not in text
    assert [item.get("data-task") for item in root.iter() if item.get("data-task") == "dag"] == ["dag"]


def test_graph_writes_it(tmp_path: Path) -> None:
    from tests.cli.simulate import simulate

    path = tmp_path / "drawn.yml"
    path.write_text(FLOW)
    result = simulate("graph", path, "--format", "svg", "--kestra", "1", cwd=tmp_path)
    assert result.code == 0 and ElementTree.fromstring(result.out) is not None
