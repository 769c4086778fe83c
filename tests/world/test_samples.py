"""The side file that `simulate mocks --all` writes: what is in it, and that a flow runs with it at once."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import yaml

import simulator
from simulator.cli.console import Console
from simulator.cli.main import main
from simulator.diagnostics import Collector
from simulator.dialect import V2
from simulator.errors import ExitCode
from simulator.model.build import build_flow
from simulator.plugins.registry import Registry
from simulator.world.config import merge
from simulator.world.samples import render_samples, samples
from simulator.world.sidefile import read_side_file, side_file_of

FLOW = """\
id: needy
namespace: company.team
inputs:
  - {id: day, type: DATE}
  - {id: many, type: INT, min: 5}
  - {id: few, type: INT, max: 2}
  - {id: level, type: SELECT, values: [low, high]}
  - {id: table, type: FILE, extension: .csv}
  - {id: optional, type: STRING, required: false}
  - {id: given, type: STRING, defaults: x}
  - {id: password, type: SECRET}
tasks:
  - id: call
    type: io.kestra.plugin.somewhere.Call
    token: "{{ secret('API_TOKEN') }}"
  - id: ask
    type: io.kestra.plugin.core.http.Request
    uri: "{{ secret('HOOK_URL') }}"
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: >-
      {{ inputs.many }} {{ inputs.few }} {{ inputs.level }} {{ envs.region }} {{ kv('runs') + 1 }}
      {{ outputs.call.rows[0].name }} {{ outputs.ask.code == 200 }} {{ read(inputs.table) | length > 10 }}
"""
TRIGGERED = """\
id: triggered
namespace: company.team
tasks:
  - {id: log, type: io.kestra.plugin.core.log.Log, message: "{{ trigger.body.name }} {{ read(trigger.uri) }}"}
triggers:
  - {id: monday, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 9 * * *", when: "{{ false }}"}
  - {id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: abc}
"""


def command(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(["mocks", *arguments], Console(out, err, {}))
    return code, out.getvalue(), err.getvalue()


def written(tmp_path: Path, text: str) -> tuple[Path, dict[str, Any]]:
    """The flow with the side file that the command suggests."""
    flow = tmp_path / "flow.yml"
    flow.write_text(text)
    code, out, _ = command("--all", str(flow))
    assert code == ExitCode.SUCCESS
    side_file_of(flow).write_text(out)
    return flow, yaml.safe_load(out)


def test_everything_that_is_asked_for(tmp_path: Path) -> None:
    _, side = written(tmp_path, FLOW)
    assert side["inputs"] == {
        "day": "2026-01-31",
        "many": 5,
        "few": 2,
        "level": "low",
        "table": "nsfile:///table.csv",
        "password": "sample secret",
    }
    assert set(side["namespace_files"]) == {"table.csv"}
    assert side["secrets"] == {"API_TOKEN": "sample-secret", "HOOK_URL": "https://hooks.example.com/hook_url"}
    assert side["env"] == {"ENV_REGION": "sample"}
    assert side["kv"] == {"company.team": {"runs": 1}}
    assert set(side["mocks"]) == {"call", "ask"}
    assert "trigger" not in side


def test_the_flow_runs_with_it_at_once(tmp_path: Path) -> None:
    flow, _ = written(tmp_path, FLOW)
    with simulator.run(flow) as execution:
        assert execution.state == "SUCCESS", execution.logs
        assert {run.task_id for run in execution.task_runs if run.mocked} == {"call", "ask"}


def test_a_flow_that_reads_its_trigger_is_started_by_it(tmp_path: Path) -> None:
    flow, side = written(tmp_path, TRIGGERED)
    # Not by the schedule: it has a condition, which may not hold today.
    assert side["trigger"] == "hook"
    assert side["payload"]["body"] == {"name": "sample name"}
    assert side["payload"]["uri"] in {f"nsfile:///{name}" for name in side["namespace_files"]}
    settings = merge({}, {}, read_side_file(side_file_of(flow)))
    assert (settings.trigger, settings.payload) == ("hook", side["payload"])


@pytest.mark.parametrize("flags", [{"inputs": {"a": 1}}, {"trigger": "monday"}])
def test_flags_say_how_it_starts(tmp_path: Path, flags: dict[str, Any]) -> None:
    flow, _ = written(tmp_path, TRIGGERED)
    settings = merge(flags, {}, read_side_file(side_file_of(flow)))
    assert (settings.trigger, settings.payload) == (flags.get("trigger"), None)


def test_nothing_is_needed(tmp_path: Path) -> None:
    flow = tmp_path / "flow.yml"
    flow.write_text(
        "id: a\nnamespace: b\ntasks:\n  - {id: log, type: io.kestra.plugin.core.log.Log, message: hi}\n"
    )
    assert command("--all", str(flow)) == (ExitCode.SUCCESS, "", "a runs here as it is: it needs nothing\n")


def test_numbers_of_expressions_become_plain_yaml() -> None:
    text = """\
id: a
namespace: b
tasks:
  - {id: call, type: io.kestra.plugin.somewhere.Call}
  - {id: log, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.call.code == 2 }} {{ outputs.call.rate == 1.5 }}"}
"""
    flow = build_flow(text, "a.yml", V2, Registry(), collector=Collector())
    assert flow is not None
    side = yaml.safe_load(render_samples(samples(flow, text, Registry(), V2), flow))
    assert side["mocks"]["call"]["outputs"] == {"code": 2, "rate": 1.5}
