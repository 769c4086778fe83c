"""A whole run - files, a script, a query of a double - in which the n-th write, spawn or connection fails, for every n."""

from __future__ import annotations

import errno
import io
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.cli.console import Console
from simulator.cli.main import main
from simulator.engine.store import EVENTS, read_run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="children are looked up in /proc")

FLOW = """\
id: all
namespace: test.faults
tasks:
  - {id: write, type: io.kestra.plugin.core.storage.Write, content: hello}
  - id: script
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {type: io.kestra.plugin.core.runner.Process}
    inputFiles: {in.txt: "{{ outputs.write.uri }}"}
    outputFiles: [out.txt]
    commands: ["tr a-z A-Z < in.txt > out.txt"]
  - {id: ask, type: io.kestra.plugin.core.http.Request, uri: "http://api.example.com/users"}
  - {id: keep, type: io.kestra.plugin.core.kv.Set, key: k, value: "{{ outputs.ask.code }}"}
errors:
  - {id: sorry, type: io.kestra.plugin.core.log.Log, message: sorry}
"""
SIDE = "http: [{url: 'http://api.example.com/**', body: {id: 7}}]\n"


class Faults:
    """Counts what may fail; the `wanted`-th raises."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.seen: list[str] = []
        self._lock = threading.Lock()

    def wrap(self, name: str, call: Callable[..., Any], error: int) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            with self._lock:
                self.seen.append(name)
                hit = len(self.seen) == self.wanted
            if hit:
                raise OSError(error, os.strerror(error))
            return call(*args, **more)

        return wrapped


def children() -> set[str]:
    """Process ids of our own children."""
    found: set[str] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        found.update(path.read_text().split())
    return found


def simulate(folder: Path, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    folder.mkdir()
    (folder / "all.yml").write_text(FLOW, "utf-8")
    (folder / "all.sim.yml").write_text(SIDE, "utf-8")
    out, err = io.StringIO(), io.StringIO()
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(os, "fsync", faults.wrap("write", os.fsync, errno.ENOSPC))
        patch.setattr(subprocess, "Popen", faults.wrap("spawn", subprocess.Popen, errno.EAGAIN))
        connect = faults.wrap("connect", socket.socket.connect, errno.ECONNREFUSED)
        patch.setattr(socket.socket, "connect", lambda self, address: connect(self, address))
        options = ["--kestra", "2", "--seed", "1", "--state-dir", "state"]
        code = main(["run", "all.yml", *options], Console(out, err, {}))
    return code, out.getvalue() + err.getvalue()


@pytest.mark.slow
def test_the_run_ends_honestly_whatever_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Faults(0)
    code, text = simulate(tmp_path / "0", whole, monkeypatch)
    assert code == 0, text
    assert {"write", "spawn", "connect"} <= set(whole.seen)
    before = children()
    codes: list[int] = []
    for number in range(1, len(whole.seen) + 1):
        folder = tmp_path / str(number)
        code, text = simulate(folder, Faults(number), monkeypatch)
        what = f"{number}: {whole.seen[number - 1]}, exit code {code}\n{text}"
        assert "Traceback" not in text and "internal error" not in text, what
        assert children() <= before, what
        for events in folder.glob(f"state/**/{EVENTS}"):
            for execution in read_run(events.parent).executions.values():
                ended = execution.state.current
                assert ended.is_terminated, what
                # the last write may fail after the execution has ended: then the message says so
                assert code == 0 or ended != "SUCCESS" or "error SIM-" in text, what
                assert code != 0 or ended == "SUCCESS", what
        codes.append(code)
    assert any(codes), "no fault was noticed"
    assert threading.active_count() < 200
