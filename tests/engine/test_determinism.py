"""The same seed and clock give the same bytes: what `--json`, `--events`, `--junit` and `--report` write."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from simulator.cli.console import Console
from simulator.cli.main import main

BUSY = {
    "2": """\
id: busy
namespace: test.same
inputs:
  - {id: name, type: STRING, defaults: "{{ subflow('test.same', 'child').outputs.got }}"}
variables: {token: "{{ uuid() }} {{ randomInt(lower=1, upper=1000) }}"}
tasks:
  - id: par
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: slow, type: io.kestra.plugin.core.flow.Sleep, duration: PT10S}
      - id: flaky
        type: io.kestra.plugin.core.execution.Fail
        condition: "{{ taskrun.attemptsCount < 2 }}"
        retry: {type: random, minInterval: PT1S, maxInterval: PT9S, maxAttempts: 5}
      - {id: mocked, type: io.kestra.plugin.core.http.Request, uri: http://nowhere.test}
  - id: loop
    type: io.kestra.plugin.core.flow.Loop
    values: [a, b, c, d]
    concurrencyLimit: 2
    tasks:
      - {id: show, type: io.kestra.plugin.core.debug.Return, format: "{{ render(vars.token) }} {{ uuid() }} {{ now() }}"}
      - {id: write, type: io.kestra.plugin.core.storage.Write, content: "{{ item.value }}"}
  - {id: sub, type: io.kestra.plugin.core.flow.Subflow, namespace: test.same, flowId: child}
  - {id: end, type: io.kestra.plugin.core.log.Log, message: "{{ inputs.name }} {{ outputs.sub.outputs.got }} {{ execution.id }}"}
""",
    "1": """\
id: busy
namespace: test.same
variables: {token: "{{ uuid() }} {{ randomInt(lower=1, upper=1000) }}"}
tasks:
  - id: par
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: slow, type: io.kestra.plugin.core.flow.Sleep, duration: PT10S}
      - id: flaky
        type: io.kestra.plugin.core.execution.Fail
        condition: "{{ taskrun.attemptsCount < 2 }}"
        retry: {type: random, minInterval: PT1S, maxInterval: PT9S, maxAttempts: 5}
      - {id: mocked, type: io.kestra.plugin.core.http.Request, uri: http://nowhere.test}
  - id: loop
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b, c, d]
    concurrencyLimit: 2
    tasks:
      - {id: show, type: io.kestra.plugin.core.debug.Return, format: "{{ render(vars.token) }} {{ uuid() }} {{ now() }}"}
      - {id: write, type: io.kestra.plugin.core.storage.Write, content: "{{ taskrun.value }}"}
  - {id: sub, type: io.kestra.plugin.core.flow.Subflow, namespace: test.same, flowId: child, wait: true, transmitFailed: true}
  - {id: end, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.sub.outputs.got }} {{ execution.id }}"}
""",
}
CHILD = """\
id: child
namespace: test.same
tasks:
  - {id: r, type: io.kestra.plugin.core.debug.Return, format: "{{ randomInt(lower=1, upper=1000000) }}"}
outputs:
  - {id: got, type: STRING, value: "{{ outputs.r.value }}"}
"""
FILES = ("run.json", "events.jsonl", "junit.xml", "report.html")


def written(folder: Path, dialect: str, seed: str) -> dict[str, bytes]:
    """What one run of the flow writes, by file name."""
    (folder / "flows").mkdir()
    (folder / "flows" / "busy.yml").write_text(BUSY[dialect], "utf-8")
    (folder / "flows" / "child.yml").write_text(CHILD, "utf-8")
    (folder / "mock.yml").write_text("outputs: {code: 200, body: hello}\n", "utf-8")
    json, events, junit, report = FILES
    out, err = io.StringIO(), io.StringIO()
    options = ["--kestra", dialect, "--seed", seed, "--now", "2025-03-03T09:00:00Z", "--flows", "flows"]
    options += ["--json", json, "--events", events, "--junit", junit, "--report", report]
    options += ["--mock", "mocked=mock.yml", "--state-dir", "state", "-q"]
    code = main(["run", "flows/busy.yml", *options], Console(out, err, {}))
    assert code == 0, out.getvalue() + err.getvalue()
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.mark.parametrize("dialect", ["1", "2"])
def test_the_same_seed_writes_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialect: str
) -> None:
    runs: list[dict[str, bytes]] = []
    for number, seed in enumerate(("5", "5", "6")):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        runs.append(written(folder, dialect, seed))
    for name in FILES:
        assert runs[0][name] == runs[1][name], name
        assert runs[0][name] != runs[2][name], name
