"""Suites on a server (a double of its protocol): the assertions are judged here, cases with fixtures are skipped."""

import io
import json
from pathlib import Path

import pytest

from simulator.cli.console import Console
from simulator.cli.main import main
from tests.remote.kestra_double import kestra_double

FLOW = """\
id: hello
namespace: company.team
tasks:
  - {id: say, type: io.kestra.plugin.core.debug.Return, format: hello}
"""
SUITE = """\
id: suite
namespace: company.team
flowId: hello
testCases:
  - id: good
    type: io.kestra.core.tests.flow.UnitTest
    assertions: [{value: "{{ outputs.say.value }}", equalTo: hello}]
  - id: bad
    type: io.kestra.core.tests.flow.UnitTest
    assertions: [{value: "{{ outputs.say.value }}", equalTo: bye}]
  - id: local
    type: io.kestra.core.tests.flow.UnitTest
    fixtures: {tasks: [{id: say, outputs: {value: x}}]}
    assertions: [{value: "{{ outputs.say.value }}", equalTo: x}]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hello.yml").write_text(FLOW)
    (tmp_path / "hello.test.yml").write_text(SUITE)
    return tmp_path


def simulate(*argv: str) -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(argv, Console(out, err, {}))
    return code, out.getvalue() + err.getvalue()


@pytest.mark.usefixtures("project")
def test_assertions_are_judged_on_what_the_server_did() -> None:
    with kestra_double() as server:
        code, text = simulate("test", "--on", server.url, "--json", "out.json")
        assert server.created == 2 and server.flows["company.team.hello"] == FLOW
    assert code == 1, text
    results = json.loads(Path("out.json").read_text())[0]["results"]
    assert [(item["testId"], item["state"]) for item in results] == [
        ("good", "SUCCESS"),
        ("bad", "FAILED"),
        ("local", "SKIPPED"),
    ]
    assert "bye" in text and "hello" in text


@pytest.mark.usefixtures("project")
def test_a_server_that_is_away_is_an_error_of_the_case() -> None:
    with kestra_double() as server:
        url = server.url
    code, text = simulate("test", "--on", url, "-k", "good")
    assert code == 1 and "cannot reach" in text


@pytest.mark.usefixtures("project")
def test_what_does_not_fit() -> None:
    assert simulate("test", "--on", "http://127.0.0.1:1", "-n", "2")[0] == 2
