"""Whatever ends a run takes the servers down: the matrix of security.md, trap 25."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from simulator.doubles import platform
from simulator.doubles.base import Address
from simulator.doubles.supervisor import Supervisor
from simulator.errors import DoubleError

PROGRAM = """
import sys, time, json
from simulator.doubles.postgres import PostgresDouble
from simulator.doubles.s3 import S3Double
from simulator.doubles.supervisor import Supervisor

how = sys.argv[1]
supervisor = Supervisor({"postgres": PostgresDouble(), "s3": S3Double()})
doubles = supervisor.__enter__()
doubles.start("postgres", "s3")
if how != "early":
    doubles.ready("postgres"); doubles.ready("s3")
children = [d._child.pid for d in (doubles.get("postgres"), doubles.get("s3")) if d._child]
folders = [str(d._run_dir) for d in (doubles.get("postgres"), doubles.get("s3")) if d._run_dir]
print(json.dumps({"pids": children, "folders": folders}), flush=True)
if how == "exit":
    sys.exit(3)
if how == "raise":
    raise ValueError("boom")
try:
    for _ in range(300):
        # As the engine's loop waits: the kernel may give a signal to another thread, which ends no sleep of this one.
        time.sleep(0.1)
finally:
    if how != "early":
        supervisor.__exit__(None, None, None)
"""


def gone(facts: Mapping[str, Any], seconds: float = 6.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(platform.start_time(pid) for pid in facts["pids"]):
            return True
        time.sleep(0.02)
    return False


def run(how: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert process.stdout is not None
    with process.stdout as stream:
        return process, json.loads(stream.readline())


@pytest.mark.parametrize(
    ("how", "number"),
    [
        ("wait", signal.SIGINT),
        ("wait", signal.SIGTERM),
        ("wait", signal.SIGHUP),
        ("wait", signal.SIGKILL),
        ("early", signal.SIGTERM),
        ("early", signal.SIGKILL),
        ("exit", None),
        ("raise", None),
    ],
)
def test_nothing_keeps_running(how: str, number: signal.Signals | None) -> None:
    process, facts = run(how)
    try:
        if number is not None:
            process.send_signal(number)
        process.wait(20)
    finally:
        process.kill()
    assert gone(facts)
    if number is not signal.SIGKILL:
        assert not [folder for folder in facts["folders"] if Path(folder).exists()]


def test_sweep_removes_what_a_dead_owner_left(tmp_path: Path) -> None:
    left, mine, foreign = (tmp_path / f"{platform.RUN_PREFIX}{name}" for name in ("left", "mine", "foreign"))
    for folder in (left, mine, foreign):
        folder.mkdir()
    orphan = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        children = [{"pid": orphan.pid, "started": platform.start_time(orphan.pid)}]
        (left / ".owner.json").write_text(json.dumps({"pid": 1, "started": "never", "children": children}))
        me = {"pid": os.getpid(), "started": platform.start_time(os.getpid()), "children": []}
        (mine / ".owner.json").write_text(json.dumps(me))
        assert platform.sweep(tmp_path) == [left]
        assert orphan.wait(30) == -signal.SIGKILL
        assert mine.exists() and foreign.exists() and not left.exists()
    finally:
        orphan.kill()
        orphan.wait()


def test_sweep_never_ends_a_process_that_only_has_the_same_number(tmp_path: Path) -> None:
    left = tmp_path / f"{platform.RUN_PREFIX}left"
    left.mkdir()
    other = subprocess.Popen(["sleep", "60"])
    try:
        children = [{"pid": other.pid, "started": "another time"}, {"pid": other.pid, "started": None}]
        (left / ".owner.json").write_text(json.dumps({"pid": 1, "started": "never", "children": children}))
        assert platform.sweep(tmp_path) == [left]
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


class Fake:
    """A double that notes what happens to it."""

    name = "fake"

    def __init__(self) -> None:
        self.events: list[str] = []

    def start(self) -> None:
        self.events.append("start")

    def ready(self, timeout: float = 30.0) -> Address:
        return Address("fake://127.0.0.1:1", "127.0.0.1", 1)

    def prepare(self, wanted: Mapping[str, Any]) -> None:
        self.events.append(f"prepare {wanted['x']}")

    def contents(self) -> Mapping[str, Any]:
        return {"events": len(self.events)}

    def stop(self) -> None:
        self.events.append("stop")
        raise RuntimeError("a broken promise")


def test_life_cycle() -> None:
    first, second, unused = Fake(), Fake(), Fake()
    with Supervisor({"first": first, "second": second}) as doubles:
        doubles.add("unused", unused)
        doubles.start("first")
        doubles.start("first")
        assert doubles.prepare("second", {"x": 1}).port == 1
        assert doubles.started() == ("first", "second")
        assert doubles.contents() == {"first": {"events": 1}, "second": {"events": 2}}
        with pytest.raises(DoubleError, match="already running"):
            doubles.add("first", Fake())
        with pytest.raises(DoubleError, match="no double for `none`"):
            doubles.get("none")
    doubles.stop()
    assert first.events == ["start", "stop"]
    assert second.events == ["start", "prepare 1", "stop"]
    assert unused.events == []
    with pytest.raises(DoubleError, match="have been stopped"):
        doubles.start("first")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
