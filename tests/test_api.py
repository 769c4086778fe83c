"""The way in from Python: what it exports, and that an execution can be asked about everything."""

from pathlib import Path

import pytest

import simulator
from simulator.errors import InvalidInputError, NotFoundError

FLOW = """\
id: greet
namespace: company.team
inputs:
  - id: name
    type: STRING
outputs:
  - id: text
    type: STRING
    value: "{{ outputs.say.value }}"
tasks:
  - id: say
    type: io.kestra.plugin.core.debug.Return
    format: "Hello {{ inputs.name }} {{ secret('KEY') }}"
  - id: wait
    type: io.kestra.plugin.core.flow.Pause
"""


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "greet.yml"
    path.write_text(FLOW)
    return path


def test_exported_names_are_sorted_and_there() -> None:
    assert simulator.__all__ == sorted(simulator.__all__)
    for name in simulator.__all__:
        assert getattr(simulator, name) is not None
    with pytest.raises(AttributeError):
        simulator.nothing  # noqa: B018


def test_importing_costs_nothing() -> None:
    import subprocess
    import sys

    code = "import sys, simulator; print([m for m in ('yaml', 'jinja2', 'psycopg', 'boto3') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_an_execution_can_be_asked_about_everything(flow: Path) -> None:
    with simulator.run(flow, inputs={"name": "Ada"}, secrets={"KEY": "a-clear-secret"}, seed=1) as execution:
        assert execution.state == "PAUSED"
        assert execution.task("say").outputs == {"value": "Hello Ada a-clear-secret"}
        assert "a-clear-secret" not in str(execution.to_json())
        with pytest.raises(NotFoundError, match="no task run"):
            execution.task("nope")
        execution.resume()
        assert execution.state == "SUCCESS"
        assert execution.outputs == {"text": "Hello Ada a-clear-secret"}
        assert len(execution.s3) == 0
        assert not execution.aws.queues


def test_the_same_seed_gives_the_same_ids(flow: Path) -> None:
    import datetime as dt

    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    found = []
    for _ in range(2):
        with simulator.run(
            flow, inputs={"name": "x"}, secrets={"KEY": "abcdef"}, seed=3, now=now
        ) as execution:
            found.append(execution.to_json())
    assert found[0] == found[1]


def test_missing_inputs_are_an_error_of_ours(flow: Path) -> None:
    with pytest.raises(InvalidInputError, match="name"):
        simulator.run(flow)


def test_check(flow: Path) -> None:
    assert simulator.check(flow) == []
    flow.write_text(FLOW.replace("outputs.say.value", "outputs.sya.value"))
    assert [item.severity.label for item in simulator.check(flow)] == ["error"]
