"""Against a real Kestra server: `KESTRA_URL=http://127.0.0.1:8080 pytest -m kestra` (KESTRA_USERNAME, KESTRA_PASSWORD)."""

import io
import os
import uuid
from pathlib import Path

import pytest

from simulator.cli.console import Console
from simulator.cli.main import main
from simulator.remote.client import KestraClient

URL = os.environ.get("KESTRA_URL", "")

pytestmark = [pytest.mark.kestra, pytest.mark.skipif(not URL, reason="KESTRA_URL names no server")]

FLOW = """\
id: ID
namespace: simulator.tests
inputs:
  - {id: name, type: STRING, defaults: Ada}
outputs:
  - {id: text, type: STRING, value: "{{ outputs.say.value }}"}
tasks:
  - {id: say, type: io.kestra.plugin.core.debug.Return, format: "Hello {{ inputs.name }}"}
  - id: branch
    type: io.kestra.plugin.core.flow.If
    condition: "{{ inputs.name == 'Ada' }}"
    then:
      - {id: log, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.say.value | upper }}"}
"""


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "flow.yml"
    path.write_text(FLOW.replace("ID", f"parity-{uuid.uuid4().hex[:8]}"))
    return path


def simulate(*argv: str) -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(argv, Console(out, err, os.environ))
    return code, out.getvalue() + err.getvalue()


def test_the_same_flow_is_the_same_there(flow: Path) -> None:
    code, text = simulate("parity", str(flow), "--on", URL)
    assert code == 0, text


def test_run_on_a_server(flow: Path) -> None:
    code, text = simulate("run", str(flow), "--on", URL, "-i", "name=Grace", "--timeout", "60")
    assert code == 0, text
    assert "SUCCESS" in text


def test_an_unknown_flow_is_refused_there() -> None:
    client = KestraClient(
        URL, username=os.environ.get("KESTRA_USERNAME"), password=os.environ.get("KESTRA_PASSWORD")
    )
    assert client.flow_source("simulator.tests", f"absent-{uuid.uuid4().hex}") is None
