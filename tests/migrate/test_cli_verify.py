"""`simulate migrate --verify`: both runs are real, what differs is told, and the exit code says so."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from simulator.cli import migrate_verify
from simulator.cli.console import Console
from simulator.cli.main import main
from simulator.errors import ExitCode
from simulator.migrate.engine import Migration, migrate

FLOW = """\
id: a
namespace: n
inputs:
  - id: count
    type: INT
tasks:
  - id: call
    type: io.kestra.plugin.acme.Call
    url: x
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: ["x", "y"]
    tasks:
      - id: say
        type: io.kestra.plugin.core.log.Log
        message: "{{ taskrun.value }} {{ inputs.count }} {{ outputs.call.body.id }}"
"""


def run(*argv: str) -> tuple[int, str]:
    out = io.StringIO()
    return main(["migrate", *argv], Console(out, io.StringIO(), {})), out.getvalue()


def flow(folder: Path, text: str = FLOW) -> Path:
    path = folder / "a.yml"
    path.write_text(text)
    return path


def test_the_same_before_and_after(tmp_path: Path) -> None:
    path = flow(tmp_path)
    code, out = run(str(path), "--verify")
    assert code == ExitCode.SUCCESS
    assert "SUCCESS   SUCCESS   same       call" in out
    assert "1 compared: 1 same, 0 different, 0 not run" in out
    assert path.read_text() == FLOW


def _changed(migration: Migration, after: str) -> list[migrate_verify.Verdict]:
    class Changed:
        file, before, changed, open = migration.file, migration.before, True, migration.open

    Changed.after = after  # type: ignore[attr-defined]
    return migrate_verify.verify([Changed])  # type: ignore[list-item]


def test_a_difference_is_told(tmp_path: Path) -> None:
    path = flow(tmp_path)
    migration = migrate(FLOW, str(path))
    (verdict,) = _changed(migration, migration.after.replace("{{ inputs.count }}", "many"))
    assert verdict.result == "different"
    assert any("INFO 'x many " in text for text in verdict.differences)


def test_a_side_that_does_not_start_is_a_difference(tmp_path: Path) -> None:
    path = flow(tmp_path)
    migration = migrate(FLOW, str(path))
    (verdict,) = _changed(migration, migration.after.replace("message:", "mesage:"))
    assert verdict.after is None
    assert verdict.differences[0].startswith("cannot run after: ")


def test_exit_code_and_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = flow(tmp_path)
    code, out = run(str(path), "--verify", "--format", "json")
    assert code == ExitCode.SUCCESS
    assert json.loads(out)["verify"][0]["result"] == "same"
    bad = migrate_verify.Verdict(str(path), "SUCCESS", "FAILED", differences=("state",))
    monkeypatch.setattr(migrate_verify, "verify", lambda _: [bad])
    code, out = run(str(path), "--verify")
    assert code == ExitCode.FAILED
    assert "different" in out


def test_values_and_mocks_of_the_side_file_come_first(tmp_path: Path) -> None:
    path = flow(tmp_path)
    side = "inputs:\n  count: 7\nmocks:\n  call:\n    outputs:\n      body: {id: mine}\n"
    (tmp_path / "a.sim.yml").write_text(side)
    migration = migrate(FLOW, str(path))
    (verdict,) = _changed(migration, migration.after.replace("{{ inputs.count }}", "many"))
    assert any("INFO 'x 7 mine'" in text for text in verdict.differences)


def test_not_with_half_a_migration(tmp_path: Path) -> None:
    arguments: Any = (str(flow(tmp_path)), "--verify", "--stay-1-compatible")
    assert run(*arguments)[0] == ExitCode.USAGE


def test_what_is_left_to_a_person_is_no_difference(tmp_path: Path) -> None:
    text = FLOW + "triggers:\n  - {id: s, type: io.kestra.plugin.core.trigger.Schedule, cron: '* * * * *'}\n"
    (verdict,) = migrate_verify.verify([migrate(text, str(flow(tmp_path, text)))])
    assert verdict.result == "not run"
    assert verdict.reason is not None
    assert "Missing inputs for Schedule Trigger" in verdict.reason
