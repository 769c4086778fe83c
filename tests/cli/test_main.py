"""The front door: which command a command line means, and what a wrong one is told."""

from __future__ import annotations

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
