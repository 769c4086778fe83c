"""The front door: which command a command line means, and what a wrong one is told."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import pytest

from simulator.cli.console import Console
from simulator.cli.main import COMMANDS, main

FLOW = "id: f\nnamespace: a.b\ntasks:\n  - {id: t, type: io.kestra.plugin.core.log.Log, message: hi}\n"


def call(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(argv, Console(out, err, {}))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_short_at_the_top_and_says_what_repeats(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = call(command, "--help")
    shown = capsys.readouterr().out
    assert (code, err) == (0, "")
    usage = shown.partition("\n\n")[0]
    assert usage.startswith(f"usage: simulate {command}") and len(usage.splitlines()) <= 4
    if "--env-file" in shown and command != "check":
        assert "repeatable" in shown


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["flow.yml", "--stict"], "did you mean `--strict`?"),
        (["check", "--env-fil=x"], "did you mean `--env-file`?"),
        (["chek"], "did you mean `simulate check`?"),
        (["flow.yml", "-i", "x"], "-i takes NAME=VALUE, not `x`"),
        (["flow.yml", "--mock", "x"], "--mock takes TASK=FILE, not `x`"),
        (["flow.yml", "--label", "x"], "--label takes KEY=VALUE, not `x`"),
    ],
)
def test_a_wrong_command_line_is_told_the_right_one(argv: list[str], told: str) -> None:
    Path("flow.yml").write_text(FLOW)
    code, out, err = call(*argv)
    assert (code, out) == (2, "") and told in err


def test_a_link_to_nowhere_is_not_what_was_meant() -> None:
    Path("flow.yml").symlink_to("nowhere.yml")
    code, _, err = call("flow.yml")
    assert code == 2 and "there is no file `flow.yml`" in err and "did you mean" not in err


def test_home_lines_up_and_quotes() -> None:
    Path("my flow.yml").write_text(FLOW)
    code, out, _ = call()
    lines = out.partition("Next:\n")[2].splitlines()
    assert code == 0 and lines[0].startswith("  simulate 'my flow.yml' ")
    columns = {
        line.index(text) for line, text in zip(lines, ("run it", "find", "what", "everything"), strict=True)
    }
    assert len(columns) == 1


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--json", "-", "--events", "-"], "--json and --events would both write to stdout"),
        (["--report", "."], "--report: `.` is a folder"),
        (["--json", "."], "--json: `.` is a folder"),
        (["--export", "flow.yml"], "--export: `flow.yml` is no folder"),
        (["--keep", "-1"], "argument --keep"),
        (["--live", "postgress"], "did you mean `postgres`?"),
        (["--only", "nope"], "--only: `nope` is no task"),
        (["--from", "nope"], "--from: `nope` is no task"),
    ],
)
def test_what_cannot_be_done_is_told_before_the_run(argv: list[str], told: str) -> None:
    Path("flow.yml").write_text(FLOW)
    code, out, err = call("flow.yml", *argv)
    assert (code, out) == (2, ""), err
    assert told in err


def test_a_file_of_outputs_is_a_mock_and_so_is_a_whole_one() -> None:
    Path("flow.yml").write_text(
        "id: f\nnamespace: a.b\ntasks:\n  - {id: t, type: io.kestra.plugin.core.debug.Return, format: real}\n"
        "outputs:\n  - {id: it, type: STRING, value: '{{ outputs.t.value }}'}\n"
    )
    Path("outputs.json").write_text('{"value": "canned"}')
    Path("whole.yml").write_text("outputs: {value: whole}\nlogs: [hello]\n")
    assert "it: canned" in call("flow.yml", "--mock", "t=outputs.json")[1]
    assert "it: whole" in call("flow.yml", "--mock", "t=whole.yml")[1]
    Path("wrong.json").write_text('{"valu": "canned"}')
    _, _, err = call("flow.yml", "--mock", "t=wrong.json")
    assert "valu" in err and "did you mean" in err


def test_the_same_seed_gives_the_same_events() -> None:
    from simulator.engine.events import DoubleReady, RunStarted
    from simulator.reports.events_jsonl import EventsReporter

    at = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
    lines: list[str] = []
    for port in (41234, 45678):
        reporter = EventsReporter(lines.append)
        reporter.on_event(RunStarted(at, "f.yml", "a.b", "f", "2.0", {"seed": 7}))
        reporter.on_event(DoubleReady(at, "s3", f"http://127.0.0.1:{port}", {}))
    assert lines[0] == lines[2] and lines[1] == lines[3] and "127.0.0.1" in lines[1]


def test_files_beside_a_flow_are_told_apart() -> None:
    Path("flow.yml").write_text(FLOW)
    Path("flow.sim.yml").write_text("seed: 7\n")
    Path("flow.test.yml").write_text("id: s\nnamespace: a.b\nflowId: f\ntestCases: []\n")
    Path("flow.test.sim.yml").write_text("cases: {}\n")
    code, _, err = call("flow.sim.yml")
    assert code == 2 and "is a side file, not a flow" in err and "`simulate flow.yml`" in err
    code, _, err = call("flow.test.yml")
    assert code == 2 and "is a test suite, not a flow" in err and "`simulate test flow.test.yml`" in err


def test_a_hook_may_name_every_file_of_a_folder() -> None:
    test_files_beside_a_flow_are_told_apart()
    Path("flow.test.yml").unlink()
    Path("flow.test.sim.yml").unlink()
    code, _, err = call("check", "flow.yml", "flow.sim.yml")
    assert code == 0 and "1 file checked" in err
    Path("flow.sim.yml").write_text("sed: 7\n")
    code, out, err = call("check", "flow.sim.yml")
    assert code == 4 and "flow.sim.yml:1:1" in out + err, "checked with its flow"


@pytest.mark.parametrize("command", [["record"], ["executions", "show"], ["report"]])
def test_last_is_the_newest_execution_everywhere(command: list[str]) -> None:
    Path("flow.yml").write_text(FLOW)
    assert call("flow.yml", "-q")[0] == 0
    code, _, err = call(*command, "last")
    assert code == 0, err


def test_quiet_still_says_why(tmp_path: Path) -> None:
    """What a diagnostic says with its place is left out of the story; quiet or not, it is said once."""
    flow = tmp_path / "f.yml"
    flow.write_text(
        "id: f\nnamespace: a.b\ntasks:\n"
        "  - {id: l, type: io.kestra.plugin.core.log.Log, message: \"{{ secret('NONE') }}\"}\n"
    )
    code, _, err = call(str(flow), "-q")
    assert code == 1
    assert err.count("Cannot find secret for key 'NONE'") == 1


def test_a_misspelt_type_that_cannot_run_is_named_with_the_nearest(tmp_path: Path) -> None:
    flow = tmp_path / "t.yml"
    flow.write_text(
        "id: t\nnamespace: a.b\ntasks:\n  - {id: q, type: io.kestra.plugin.jdbc.postgres.Query, sql: select 1}\n"
    )
    code, _, err = call(str(flow))
    assert code == 6
    assert "Did you mean `io.kestra.plugin.jdbc.postgresql.Query`? Or mock" in err
