"""The commands over the model: check, explain, list, graph, show, schema."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from simulator.cli.console import Console
from simulator.cli.main import main

GOOD = """\
id: good
namespace: team
inputs:
  - {id: day, type: DATE}
tasks:
  - id: hello
    type: io.kestra.plugin.core.log.Log
    message: "{{ inputs.day }} {{ secret('TOKEN') }}"
"""
BAD = GOOD.replace("id: good", "id: bad").replace("inputs.day", "inputs.dai") + "    massage: x\n"
WARN = GOOD.replace("id: good", "id: warn").replace(
    "tasks:\n", "tasks:\n  - {id: c, type: io.kestra.plugin.x.Y, password: abc}\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("good", GOOD), ("bad", BAD), ("warn", WARN)):
        (tmp_path / f"{name}.yml").write_text(text, "utf-8")
    (tmp_path / "broken.yml").write_text(
        GOOD.replace("\"{{ inputs.day }} {{ secret('TOKEN') }}\"", "{{ inputs.day }}"), "utf-8"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def simulate(*words: str, **environ: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(words, Console(out, err, environ))
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["check", "good.yml"], 0),
        (["check", "warn.yml"], 0),
        (["check", "warn.yml", "--strict"], 4),
        (["check", "bad.yml"], 4),
        (["check"], 4),
        (["check", "bad.yml", "--ignore", "SIM-REF", "--ignore", "SIM-FLOW-011"], 0),
        (["check", "bad.yml", "--select", "SIM-TYPE"], 0),
        (["check", "nothing.yml"], 5),
        (["check", "--format", "odd"], 2),
        (["explain", "SIM-NONE-000"], 5),
        (["show", "broken.yml"], 4),
        (["show", "good.yml", "--task", "helo"], 5),
        (["graph", "good.yml"], 0),
    ],
)
def test_exit_codes(folder: Path, words: list[str], code: int) -> None:
    assert simulate(*words)[0] == code


def test_check_as_text(folder: Path) -> None:
    code, out, err = simulate("check", "bad.yml")
    assert code == 4
    assert out.splitlines()[:4] == [
        "bad.yml:8:25: error SIM-REF-001: The flow has no input `dai`",
        "  8 |     message: \"{{ inputs.dai }} {{ secret('TOKEN') }}\"",
        "    |                         ^^^",
        "    hint: Did you mean `day`?",
    ]
    assert 'Unrecognized field "massage"' in out
    assert err == "1 file checked: 2 errors\n"
    assert "\x1b" not in out


def test_check_as_json(folder: Path) -> None:
    _, out, _ = simulate("check", "--format", "json")
    found = json.loads(out)["diagnostics"]
    assert [(item["file"], item["code"]) for item in found if item["severity"] == "error"] == [
        ("bad.yml", "SIM-REF-001"),
        ("bad.yml", "SIM-FLOW-011"),
        ("broken.yml", "SIM-YAML-004"),
    ]
    assert set(found[0]) == {
        "code",
        "severity",
        "message",
        "file",
        "line",
        "column",
        "end_line",
        "end_column",
        "hint",
    }


def test_check_as_sarif_and_github(folder: Path) -> None:
    _, out, _ = simulate("check", "bad.yml", "--format", "sarif")
    run = json.loads(out)["runs"][0]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {"SIM-REF-001", "SIM-FLOW-011"}
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 8
    _, out, _ = simulate("check", "bad.yml", GITHUB_ACTIONS="true")
    assert out.startswith("::error file=bad.yml,line=8,")


def test_check_knows_the_secrets_of_an_env_file(folder: Path) -> None:
    (folder / "env").write_text("SECRET_OTHER=eA==\n", "utf-8")
    _, out, _ = simulate("check", "good.yml", "--env-file", "env")
    assert "SIM-SECRET-030" in out and "eA==" not in out
    (folder / "env").write_text("SECRET_TOKEN=eA==\n", "utf-8")
    assert simulate("check", "good.yml", "--env-file", "env")[1] == ""


def test_an_unreadable_file_is_a_finding(folder: Path) -> None:
    (folder / "latin.yml").write_bytes(b"id: x\nnamespace: \xe9\ntasks: []\n")
    code, out, _ = simulate("check", "latin.yml")
    assert (code, out.startswith("latin.yml:2:12: error SIM-YAML-002")) == (4, True)


def test_side_files_and_suites_are_checked(folder: Path) -> None:
    (folder / "good.sim.yml").write_text("mokcs: {}\n", "utf-8")
    suite = "id: s\nnamespace: team\nflowId: good\ntestCases:\n  - id: c\n    type: io.kestra.core.tests.flow.UnitTest\n    fixtures: {tasks: [{id: helo}]}\n    assertions: [{value: x, equalTo: x}]\n"
    (folder / "suite.yml").write_text(suite, "utf-8")
    _, out, _ = simulate("check", "--format", "json")
    found = {(item["file"], item["code"]) for item in json.loads(out)["diagnostics"]}
    assert ("good.sim.yml", "SIM-SIDE-001") in found
    assert ("suite.yml", "SIM-TEST-006") in found


def test_explain(folder: Path) -> None:
    assert simulate("explain", "sim-data-001")[1].startswith("SIM-DATA-001: Ion under another name\n")
    assert "SIM-REF-001" in simulate("explain")[1]


def test_list(folder: Path) -> None:
    entries = {
        item["id"]: item for item in json.loads(simulate("list", "--json")[1])["flows"] if "id" in item
    }
    good = entries["good"]
    assert (good["secrets"], good["support"], good["inputs"][0]["required"]) == (["TOKEN"], "full", True)
    assert entries["warn"]["to_mock"] == ["c"]
    assert entries["bad"]["support"] == "invalid"
    assert "team.good  good.yml  (Kestra 2.0)" in simulate("list", "good.yml")[1]
    assert "io.kestra.plugin.core.log.Log" in simulate("list", "--support")[1]


def test_graph_and_show(folder: Path) -> None:
    assert simulate("graph", "good.yml")[1] == "team.good\n└─ hello  core.log.Log\n"
    assert simulate("graph", "good.yml", "--format", "mermaid")[1].startswith("flowchart TD\n")
    assert simulate("graph", "good.yml", "--format", "dot")[1].startswith('digraph "team.good" {\n')
    shown = simulate("show", "good.yml")[1]
    assert shown.startswith("# team.good as Kestra 2.0 reads it\nid: good\n")
    assert json.loads(simulate("show", "good.yml", "--task", "hello", "--json")[1])["id"] == "hello"


def test_schema(folder: Path) -> None:
    assert "io.kestra.plugin.core.log.Log" in json.loads(simulate("schema")[1])["definitions"]
    assert json.loads(simulate("schema", "--test-suite")[1])["title"] == "Kestra test suite"


def test_every_code_in_the_source_is_explained() -> None:
    import re

    import simulator
    from simulator.cli.explain import all_codes

    package = Path(simulator.__file__).parent
    used = {
        code
        for file in package.rglob("*.py")
        for code in re.findall(r"\bSIM-[A-Z]+-\d{3}\b", file.read_text("utf-8"))
    }
    assert used - set(all_codes()) == set()
