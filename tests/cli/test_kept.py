"""executions, resume, restart, replay, kill, triggers: what was kept is shown, and gone on with."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from simulator.cli.console import Console
from simulator.cli.main import main

PAUSED = """\
id: asks
namespace: test.kept
tasks:
  - {id: before, type: io.kestra.plugin.core.debug.Return, format: one}
  - id: ask
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - {id: name, type: STRING}
  - {id: after, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.before.value }} {{ outputs.ask.onResume.name }}"}
triggers:
  - {id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 9 * * *"}
"""
FAILS = """\
id: fails
namespace: test.kept
tasks:
  - {id: first, type: io.kestra.plugin.core.log.Log, message: x}
  - {id: flaky, type: io.kestra.plugin.core.log.Log, message: "{{ 1 / taskrun.attemptsCount }}"}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asks.yml").write_text(PAUSED, "utf-8")
    (tmp_path / "fails.yml").write_text(FAILS, "utf-8")
    return tmp_path


def simulate(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(arguments, Console(out, err, {}))
    return code, out.getvalue(), err.getvalue()


def test_a_paused_execution_is_resumed_later(here: Path) -> None:
    code, _, _ = simulate("asks.yml", "--kestra", "2", "-q")
    assert code == 8
    rows = json.loads(simulate("executions", "--json")[1])
    assert [(row["flowId"], row["state"]["current"]) for row in rows] == [("asks", "PAUSED")]
    code, _, err = simulate("resume", rows[0]["id"][:10])
    assert (code, "name" in err) == (4, True)
    assert simulate("resume", rows[0]["id"], "-i", "name=Ada", "-q")[0] == 0
    shown = json.loads(simulate("executions", "show", rows[0]["id"], "--json")[1])
    assert shown["state"]["current"] == "SUCCESS"
    assert [run["taskId"] for run in shown["taskRunList"]] == ["before", "ask", "after"]
    assert "one Ada" in simulate("executions", "logs")[1]


def test_a_failed_execution_is_restarted_and_compared(here: Path) -> None:
    assert simulate("fails.yml", "--kestra", "2", "-q")[0] == 1
    first = json.loads(simulate("executions", "--json")[1])[0]["id"]
    assert simulate("restart", "-q")[0] == 0
    assert simulate("replay", first, "-q")[0] == 1
    ids = [row["id"] for row in json.loads(simulate("executions", "--json")[1])]
    assert len(ids) == 2
    code, out, _ = simulate("executions", "diff", *ids)
    assert code == 0
    assert '"state": "FAILED"' in out and '"state": "SUCCESS"' in out


def test_a_waiting_execution_is_killed(here: Path) -> None:
    simulate("asks.yml", "--kestra", "2", "-q")
    assert simulate("kill", "-q")[0] == 1
    assert "KILLED" in simulate("executions")[1]


def test_what_is_not_there(here: Path) -> None:
    assert simulate("executions")[0] == 0
    assert simulate("resume", "nobody")[0] == 5
    assert simulate("executions", "diff", "a")[0] == 2


def test_triggers_are_listed_and_played(here: Path) -> None:
    span = ("--from", "2025-01-01", "--to", "2025-01-04", "--kestra", "2")
    code, out, _ = simulate("triggers", "asks.yml", *span)
    assert (code, len(out.splitlines())) == (0, 3)
    code, out, err = simulate("triggers", "asks.yml", *span, "--run", "--json")
    assert (code, "1 PAUSED" in err) == (0, True)
    assert "the trigger daily waits since 2025-01-02T09:00:00+00:00" in err, "its execution is not over"
    assert [row["state"]["startDate"] for row in json.loads(out)] == ["2025-01-01T09:00:00.000Z"]
