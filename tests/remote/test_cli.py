"""`run --on` and `parity` against the double of the protocol, through the command line."""

import io
import json
from pathlib import Path

import pytest

from simulator.cli.console import Console
from simulator.cli.main import main
from simulator.errors import ExitCode
from tests.remote.kestra_double import kestra_double

FLOW = """\
id: hello
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.debug.Return
    format: hello
"""


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "hello.yml"
    path.write_text(FLOW)
    return path


def simulate(*argv: str, environ: dict[str, str] | None = None) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(argv, Console(out, err, environ or {}))
    return code, out.getvalue(), err.getvalue()


def test_the_same_story_told_by_a_server(flow: Path) -> None:
    with kestra_double() as server:
        code, out, err = simulate(str(flow), "--on", server.url, "--json", "out.json", "-v")
        assert server.flows["company.team.hello"] == FLOW
    assert code == ExitCode.SUCCESS
    assert "SUCCESS   say" in out and out.rstrip().splitlines()[-1].startswith("SUCCESS  hello")
    assert "deployed company.team.hello" in err and "hello" in err
    document = json.loads(Path("out.json").read_text())
    assert document["execution"]["taskRunList"][0]["outputs"] == {"value": "hello"}


def test_a_failed_execution_there_is_exit_code_1(flow: Path) -> None:
    with kestra_double(states=["CREATED", "RUNNING", "FAILED"]) as server:
        code, out, _ = simulate(str(flow), "--on", server.url, "--no-deploy")
        assert server.flows == {}
    assert code == ExitCode.FAILED and "FAILED" in out


def test_parity_says_same_or_what_differs(flow: Path) -> None:
    with kestra_double(states=["CREATED", "RUNNING", "SUCCESS"]) as server:
        code, out, _ = simulate("parity", str(flow), "--on", server.url, "--json", "diff.json")
        found = json.loads(Path("diff.json").read_text())[str(flow)]
        assert code == ExitCode.FAILED and "differ" in out
        # what the double says about a log line that the flow does not write
        assert {"logs.INFO say: hello"} <= {item["where"] for item in found}
        Path("known.yml").write_text("company.team.hello: {'*': the double tells a fixed story}\n")
        code, out, _ = simulate("parity", str(flow), "--on", server.url, "--known", "known.yml")
    assert code == ExitCode.SUCCESS and "known" in out


def test_which_server(flow: Path) -> None:
    code, _, err = simulate("parity", str(flow), "--on", "")
    assert code == ExitCode.USAGE and "KESTRA_URL" in err


def test_a_secret_in_what_the_server_says_is_masked(flow: Path) -> None:
    Path(".env_encoded").write_text("SECRET_KEY=YS1jbGVhci1zZWNyZXQ=\n")  # a-clear-secret
    with kestra_double(outputs={"value": "it is a-clear-secret"}) as server:
        _, out, err = simulate(
            str(flow), "--on", server.url, "--json", "out.json", "--report", "r.html", "-v"
        )
    written = out + err + Path("out.json").read_text() + Path("r.html").read_text()
    assert "it is" in Path("out.json").read_text() and "a-clear-secret" not in written
