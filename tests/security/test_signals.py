"""Traps 12, 24, 25: whatever ends a run, whenever: no process, no folder, nothing for others to read."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from simulator.doubles.platform import OWNER_FILE, RUN_PREFIX, run_root, sweep
from tests.cli.simulate import environment, simulate

pytestmark = pytest.mark.slow

_SCRIPT = """
      - id: s
        type: io.kestra.plugin.scripts.shell.Commands
        taskRunner: {type: io.kestra.plugin.core.runner.Process}
        commands: ["(sleep 300 & sleep 301) & sleep 302"]
"""
_QUERY = """
      - id: q
        type: io.kestra.plugin.jdbc.postgresql.Query
        url: jdbc:postgresql://db.example.test/app
        username: app
        password: app_password
        sql: "%s"
"""


def flow_file(folder: Path, sql: str, more: str = "") -> Path:
    path = folder / "f.yml"
    path.write_text(
        "id: f\nnamespace: a.b\ntasks:\n  - id: p\n    type: io.kestra.plugin.core.flow.Parallel\n    tasks:"
        + _QUERY % sql
        + more
    )
    return path


class Run:
    """`simulate` as a process, with everything that it starts."""

    def __init__(self, flow: Path, tmp: Path, **options: object) -> None:
        self.tmp = tmp
        tmp.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator", str(flow)],
            cwd=flow.parent, env=environment(TMPDIR=str(tmp)), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, **options,
        )  # type: ignore[call-overload]  # fmt: skip
        self.family: dict[int, psutil.Process] = {}

    def wait_for(self, what: Callable[[list[str]], bool]) -> None:
        """Until the command lines of the tree are such."""
        for _ in range(400):
            lines = []
            for item in psutil.Process(self.process.pid).children(recursive=True):
                try:
                    lines.append(" ".join(item.cmdline()))
                    self.family[item.pid] = item
                except psutil.Error:
                    continue
            if what(lines):
                return
            time.sleep(0.02)
        raise AssertionError("that moment never came")

    def folders(self) -> list[Path]:
        """Folders that say they belong to this run."""
        found = []
        for root in {run_root(), self.tmp}:
            for folder in root.glob(f"{RUN_PREFIX}*"):
                try:
                    if json.loads((folder / OWNER_FILE).read_text())["pid"] == self.process.pid:
                        found.append(folder)
                except OSError:
                    continue
        return found

    def left(self, seconds: float = 8.0) -> list[str]:
        """Command lines of what still runs."""
        _, alive = psutil.wait_procs(list(self.family.values()), timeout=seconds)
        names = []
        for item in alive:
            try:
                if item.status() != psutil.STATUS_ZOMBIE:
                    names.append(" ".join(item.cmdline()))
            except psutil.Error:
                continue
        return names


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    made: list[Run] = []

    def make(flow: Path, **options: object) -> Run:
        made.append(Run(flow, tmp_path / "tmp", **options))
        return made[-1]

    yield make
    for run in made:
        for item in (run.process, *run.family.values()):
            try:
                item.kill()
            except (OSError, psutil.Error):
                continue
        run.process.communicate()


def moment(run: Run, name: str) -> None:
    if name == "starting":
        run.wait_for(lambda lines: any("postgres" in line for line in lines))
    elif name == "running":
        run.wait_for(lambda lines: any("sleep 301" in line for line in lines) and "SELECT" in " ".join(lines))
    else:
        run.wait_for(lambda lines: any("postgres" in line for line in lines))
        assert run.process.stdout is not None
        for line in run.process.stdout:
            if line.startswith("SUCCESS"):
                return


@pytest.mark.parametrize("name", ["starting", "running", "stopping"])
@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda n: n.name
)
def test_nothing_is_left(tmp_path: Path, runs: Callable[..., Run], number: signal.Signals, name: str) -> None:
    stopping = name == "stopping"
    flow = flow_file(
        tmp_path, "select 1 as n" if stopping else "select 1 from pg_sleep(60)", "" if stopping else _SCRIPT
    )
    run = runs(flow)
    moment(run, name)
    run.process.send_signal(number)
    text, _ = run.process.communicate(timeout=20)
    if number is signal.SIGKILL:
        # The servers notice; scripts are ended, and folders swept, by the next start.
        again = simulate(flow_file(tmp_path, "select 1 as n"), cwd=tmp_path, TMPDIR=str(run.tmp))
        assert again.code == 0, again.text
        sweep()
    else:
        assert "Traceback" not in text, text
        assert run.process.returncode in ((0, 130) if stopping else (130,)), text
    assert run.left() == []
    assert run.folders() == []
    assert [path.name for path in run.tmp.iterdir() if path.name.startswith(("simulate", RUN_PREFIX))] == []
    folders = (tmp_path / ".simulate" / "runs").glob("*/work")
    assert [item for folder in folders for item in folder.iterdir()] == []


def test_a_second_ctrl_c_leaves_nothing_either(tmp_path: Path, runs: Callable[..., Run]) -> None:
    run = runs(flow_file(tmp_path, "select 1 from pg_sleep(60)", _SCRIPT))
    moment(run, "running")
    for _ in range(2):
        run.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    run.process.communicate(timeout=20)
    assert run.left() == [] and run.folders() == []


def test_nobody_else_can_read_whatever_the_umask(tmp_path: Path, runs: Callable[..., Run]) -> None:
    run = runs(flow_file(tmp_path, "select 1 from pg_sleep(60)", _SCRIPT), umask=0)
    moment(run, "running")
    try:
        closed = [tmp_path / ".simulate", *run.folders()]
        assert len(closed) >= 2
        assert {str(path): oct(stat.S_IMODE(path.stat().st_mode)) for path in closed} == {
            str(path): "0o700" for path in closed
        }
        events = next((tmp_path / ".simulate" / "runs").glob("*/events.jsonl"))
        assert stat.S_IMODE(events.stat().st_mode) == 0o600
        outside = [
            item.laddr.path if hasattr(item.laddr, "path") else item.laddr
            for pid in [run.process.pid, *run.family]
            if psutil.pid_exists(pid)
            for item in psutil.Process(pid).net_connections("unix")
            if item.laddr and str(item.laddr).startswith("/")
        ]
        private = tuple(str(path) for path in run.folders())
        assert [
            path for path in outside if "kestra-simulator" in str(path) and not str(path).startswith(private)
        ] == []
    finally:
        run.process.terminate()
        run.process.communicate(timeout=20)


def test_an_encoded_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=hunter2\n")
    before = os.umask(0)
    try:
        assert simulate("secrets", "encode", cwd=tmp_path).code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / ".env_encoded").stat().st_mode) == 0o600
