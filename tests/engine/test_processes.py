"""Child processes: their lines, their end, and that nobody is left behind."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from simulator.engine.processes import Processes
from simulator.errors import TaskError


def lines(tmp_path: Path, script: str, **options: object) -> tuple[list[str], list[str], object]:
    out: list[str] = []
    err: list[str] = []
    result = Processes().run(
        ["sh", "-c", script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        on_stdout=out.append,
        on_stderr=err.append,
        **options,  # type: ignore[arg-type]
    )
    return out, err, result


def alive(pid: int) -> bool:
    """Whether it still runs a moment later: a signal takes its time."""
    for _ in range(100):
        if not _alive(pid):
            return False
        time.sleep(0.02)
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().split(") ")[1][0] != "Z"


def test_lines_and_exit_code(tmp_path: Path) -> None:
    out, err, result = lines(tmp_path, "echo one; echo two >&2; exit 3")
    assert (out, err) == (["one"], ["two"])
    assert result.exit_code == 3  # type: ignore[attr-defined]


def test_standard_input_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    out, _, _ = lines(tmp_path, "cat; printf '\\377\\n'", stdin=b"in\n")
    assert out == ["in", "\N{REPLACEMENT CHARACTER}"]


def test_a_timeout_takes_the_whole_group(tmp_path: Path) -> None:
    _, _, result = lines(tmp_path, "sleep 60 & echo $! > pid; sleep 60", timeout=0.3)
    assert result.timed_out  # type: ignore[attr-defined]
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_background_child_does_not_outlive_its_task(tmp_path: Path) -> None:
    lines(tmp_path, "sleep 60 >/dev/null 2>&1 & echo $! > pid")
    assert not alive(int((tmp_path / "pid").read_text()))


def test_cancel_from_another_thread(tmp_path: Path) -> None:
    actions: list[object] = []
    threading.Timer(0.2, lambda: actions[0]()).start()  # type: ignore[operator]
    began = time.monotonic()
    _, _, result = lines(tmp_path, "sleep 30", on_cancel=actions.append)
    assert result.killed  # type: ignore[attr-defined]
    assert time.monotonic() - began < 5


def test_what_cannot_be_started_says_why(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match='Cannot run program "no-such-program"'):
        Processes().run(
            ["no-such-program"], cwd=tmp_path, env={}, on_stdout=print, on_stderr=print, timeout=1
        )


def test_close_kills_what_runs(tmp_path: Path) -> None:
    processes = Processes()
    pid: list[str] = []

    def work() -> None:
        processes.run(
            [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"],
            cwd=tmp_path,
            env={},
            on_stdout=pid.append,
            on_stderr=lambda line: None,
        )

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while not pid:
        time.sleep(0.01)
    processes.close()
    thread.join(10)
    assert not alive(int(pid[0]))
