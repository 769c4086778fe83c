"""Coverage counts what the cases reached."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from simulator.errors import UsageError
from simulator.testing.coverage import Coverage, measure
from simulator.testing.coverage_reports import render, to_text
from simulator.testing.runner import Runner, read_suites
from tests.testing.project import case, flow, suite

BODY = """inputs:
  - {id: kind, type: STRING}
  - {id: unused, type: STRING, defaults: x}
tasks:
  - id: choose
    type: io.kestra.plugin.core.flow.If
    condition: "{{ inputs.kind == 'a' }}"
    then:
      - {id: yes, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.kind }}"}
  - id: switch
    type: io.kestra.plugin.core.flow.Switch
    value: "{{ inputs.kind }}"
    cases:
      a: [{id: one, type: io.kestra.plugin.core.debug.Return, format: "{{ flow.id }}"}]
      b: [{id: two, type: io.kestra.plugin.core.debug.Return, format: "{{ flow.namespace }}"}]
errors:
  - {id: tell, type: io.kestra.plugin.core.debug.Return, format: failed}
"""


def covered(folder: Path, *kinds: str) -> Coverage:
    flow(folder, BODY)
    suite(folder, "".join(case(f"case_{kind}", fixtures=f"inputs: {{kind: {kind}}}") for kind in kinds))
    with Runner(environ={}, coverage=True) as runner:
        results = [runner.run(found) for found in read_suites([folder])]
    assert all(result.ok for result in results)
    return measure(results)


def hits(coverage: Coverage) -> dict[str, int]:
    return {f"{unit.kind} {unit.name}": count for unit, count in coverage.flows[0].hits}


def test_one_way(tmp_path: Path) -> None:
    found = hits(covered(tmp_path, "a"))
    assert found["task yes"] == found["branch choose: then"] == found["branch switch: cases.a"] == 1
    assert found["branch choose: else"] == found["branch switch: cases.b"] == found["task two"] == 0
    assert found["input kind"] == 1
    assert found["input unused"] == found["branch errors"] == found["task tell"] == 0
    assert found["expression {{ flow.id }}"] == 1
    assert found["expression {{ flow.namespace }}"] == 0


def test_both_ways(tmp_path: Path) -> None:
    found = hits(covered(tmp_path, "a", "b"))
    assert found["branch choose: else"] == found["branch switch: cases.b"] == 1
    assert found["task choose"] == 2


def test_reports(tmp_path: Path) -> None:
    coverage = covered(tmp_path, "a")
    text = to_text(coverage)
    assert f"not reached: {tmp_path}/demo.yml:17 task two" in text
    assert json.loads(render(coverage, ".json"))["percent"] == pytest.approx(coverage.percent, abs=0.01)
    lcov = render(coverage, ".info").splitlines()
    assert f"SF:{tmp_path}/demo.yml" in lcov
    assert "DA:16,1" in lcov
    assert "DA:17,0" in lcov
    root = ElementTree.fromstring(render(coverage, ".xml"))
    lines = {line.get("number"): line.get("hits") for line in root.iter("line")}
    assert (lines["16"], lines["17"]) == ("1", "0")
    with pytest.raises(UsageError):
        render(coverage, ".pdf")
