"""Mocks: rendered, stored, delayed, failing; honest about being one; checked against the type."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

import simulator
from simulator.errors import InvalidFlowError, UnsupportedError

FLOW = """\
id: mocked
namespace: company.team
inputs:
  - {id: name, type: STRING, defaults: Ada}
tasks:
  - id: call
    type: io.kestra.plugin.somewhere.Call
    retry: {type: constant, interval: PT1H, maxAttempts: 3}
  - id: read
    type: io.kestra.plugin.core.debug.Return
    format: "{{ outputs.call.body.user }} {{ outputs.call.code }}"
"""


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mocked.yml"
    path.write_text(FLOW)
    return path


def run(flow: Path, **mock: Any) -> simulator.Execution:
    return simulator.run(flow, mocks={"call": mock}, kestra="2")


def test_outputs_are_rendered_and_the_run_says_so(flow: Path) -> None:
    with run(flow, outputs={"code": 200, "body": {"user": "{{ inputs.name }}"}}) as execution:
        assert execution.task("read").outputs == {"value": "Ada 200"}
        assert execution.task("call").mocked and not execution.task("read").mocked


def test_the_first_attempts_fail_and_time_passes(flow: Path) -> None:
    with run(flow, outputs={"code": 1, "body": {"user": "x"}}, fail=2, delay="PT1M") as execution:
        call = execution.task("call")
        assert execution.state == "SUCCESS"
        assert call.attempts is not None and len(call.attempts) == 3
        assert call.state.duration is not None and call.state.duration >= dt.timedelta(hours=2, minutes=3)


def test_rows_and_files_are_really_stored(flow: Path) -> None:
    flow.write_text(
        FLOW.replace("{{ outputs.call.body.user }} {{ outputs.call.code }}", "{{ read(outputs.call.log) }}")
    )
    with run(flow, rows=[{"id": 1}, {"id": 2}], files={"log": "line of {{ inputs.name }}"}) as execution:
        outputs = execution.task("call").outputs or {}
        assert outputs["size"] == 2 and execution.rows(outputs["uri"]) == [{"id": 1}, {"id": 2}]
        assert execution.task("read").outputs == {"value": "line of Ada"}


def test_a_failing_mock_fails_the_flow(flow: Path) -> None:
    with run(flow, state="FAILED", message="no such {{ inputs.name }}") as execution:
        assert execution.state == "FAILED"
        assert any(entry.message == "no such Ada" for entry in execution.logs if entry.level == "ERROR")


def test_without_a_mock_the_run_is_refused_with_the_stub_to_write(flow: Path) -> None:
    with pytest.raises(UnsupportedError) as caught:
        simulator.run(flow, kestra="2")
    (finding,) = caught.value.diagnostics
    assert finding.span is not None and finding.span.start.line == 7
    assert "call:" in (finding.hint or "") and "user: sample user" in (finding.hint or "")


def test_a_mock_that_gives_what_the_type_does_not_is_refused(flow: Path) -> None:
    with pytest.raises(InvalidFlowError) as caught:
        simulator.run(flow, mocks={"call": {}, "read": {"outputs": {"valeu": 1}}}, kestra="2")
    (finding,) = caught.value.diagnostics
    assert finding.code == "SIM-MOCK-002" and finding.hint == "did you mean `value`?"


def test_a_mock_for_no_task_is_a_warning(flow: Path) -> None:
    mocks = {"call": {"outputs": {"code": 1, "body": {"user": 1}}}, "cal": {}}
    with simulator.run(flow, mocks=mocks, kestra="2") as execution:
        assert [item.code for item in execution.diagnostics] == ["SIM-MOCK-001"]


def test_by_type_and_by_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "loop.yml"
    path.write_text("""\
id: loop
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - {id: call, type: io.kestra.plugin.somewhere.Call}
""")
    mock = {"outputs": {"n": 0}, "values": {"b": {"outputs": {"n": 2}}}}
    with simulator.run(path, mock_types={"io.kestra.plugin.somewhere.Call": mock}) as execution:
        assert execution.task("call", "a").outputs == {"n": 0}
        assert execution.task("call", "b").outputs == {"n": 2}
