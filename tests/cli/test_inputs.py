"""Inputs on the command line: what a wrong or missing one is told, and what `@path` brings."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from simulator.cli.console import Console
from simulator.cli.main import main

FLOW = """id: f
namespace: a.b
inputs:
  - {id: name, type: STRING, description: who}
  - {id: token, type: STRING, required: false}
  - {id: choice, type: SELECT, values: [a, b], required: false}
  - {id: day, type: DATE, defaults: 2026-01-31}
  - {id: file, type: FILE, required: false}
tasks:
  - {id: t, type: io.kestra.plugin.core.log.Log, message: "{{ inputs.name }} {{ inputs.file is defined ? read(inputs.file) : '' }}"}
"""


def call(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(["f.yml", *argv], Console(out, err, {}))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.yml").write_text(FLOW)


def test_a_misspelt_name_is_told_beside_the_missing_one() -> None:
    code, _, err = call("-i", "nmae=Ada")
    assert code == 4 and "Missing required input:name" in err and "did you mean `name`?" in err


def test_the_signature_shows_choices_and_a_command_that_keeps_what_was_given() -> None:
    code, _, err = call("-i", "choice=a", "-i", "nope=1")
    assert code == 4 and "SELECT  a | b" in err
    assert err.rstrip().endswith("simulate f.yml -i choice=a -i name=...")


def test_the_command_shows_no_secret_input() -> None:
    Path("f.yml").write_text(FLOW.replace("{id: token, type: STRING", "{id: token, type: SECRET"))
    _, _, err = call("-i", "token=very-secret")
    assert "-i token=... -i name=..." in err and "very-secret" not in err


def test_a_wrong_value_gets_no_command_that_would_not_help() -> None:
    code, _, err = call("-i", "name=Ada", "-i", "day=tomorrow")
    assert code == 4 and "f.yml:7:10" in err and "simulate f.yml" not in err


def test_a_label_that_is_refused_is_no_matter_of_inputs() -> None:
    code, _, err = call("-i", "name=Ada", "--label", "system.x=1")
    assert code == 4 and "System labels" in err and "STRING" not in err


@pytest.mark.parametrize("name", ["a b.txt", "50%.txt", "a#b?c.txt", "\u00fc {x}.txt"])
def test_a_file_may_have_any_name(name: str) -> None:
    Path(name).write_text("its content")
    code, out, err = call("-i", "name=Ada", "-i", f"file=@{name}", "-v")
    assert code == 0, err
    assert "Ada its content" in out + err


def test_a_syntax_error_in_a_file_of_inputs_is_told_in_one_line() -> None:
    Path("in.yml").write_text("a: [\n")
    code, _, err = call("--inputs", "in.yml")
    assert code == 4 and "in 'reader'" not in err
    assert err.splitlines()[0].startswith("in.yml:2:1: error SIM-YAML-001: while parsing a flow node, ")


def test_a_secret_input_is_hidden_in_every_report() -> None:
    """Also when the run cannot start, as without an encryption key; the command line stands in the HTML report."""
    Path("f.yml").write_text(FLOW.replace("{id: token, type: STRING", "{id: token, type: SECRET"))
    Path("f.sim.yml").write_text("config: {encryption_key: I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK}\n")
    argv = [
        "-i",
        "name=Ada",
        "-i",
        "token=very-secret",
        "--report",
        "r.html",
        "--json",
        "j.json",
        "--events",
        "e",
    ]
    for code in (0, 4):
        assert call(*argv)[0] == code
        for name in ("r.html", "j.json", "e"):
            assert not Path(name).exists() or "very-secret" not in Path(name).read_text(), name
        Path("f.sim.yml").write_text("")
