"""`simulate` on a terminal, and where there is hardly any: a pseudo terminal, closed streams, a full disk."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.simulate import environment, simulate
from tests.reports.test_live import screen

PAUSE = """id: f
namespace: a.b
tasks:
  - {id: before, type: io.kestra.plugin.scripts.shell.Commands, commands: ["sleep 0.4"]}
  - {id: wait, type: io.kestra.plugin.core.flow.Pause, onResume: [{id: why, type: STRING}]}
  - {id: after, type: io.kestra.plugin.scripts.shell.Commands, commands: ["sleep 0.4"]}
  - {id: bad, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.wait.onResume.nope }}"}
"""


def on_terminal(flow: Path, answer: bytes, prompt: bytes = b"why") -> tuple[int, list[str]]:
    """Runs a flow on a terminal and answers its question; the exit code and what the screen shows in the end."""
    env = {key: value for key, value in environment(TERM="xterm").items() if key != "CI"}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(flow.parent)
        os.execve(sys.executable, [sys.executable, "-m", "simulator", flow.name], env)  # noqa: S606
    seen, answered, end = b"", False, time.monotonic() + 40
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        elif not answered and prompt in seen.rpartition(b"paused")[2]:
            os.write(terminal, answer)
            answered = True
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    text = seen.decode().replace("\r", "")
    return os.waitstatus_to_exitcode(status), [line.rstrip() for line in screen(text)]


@pytest.fixture
def paused(tmp_path: Path) -> Path:
    (tmp_path / "f.yml").write_text(PAUSE)
    return tmp_path / "f.yml"


@pytest.mark.slow
def test_the_story_is_what_is_left_on_screen(paused: Path) -> None:
    code, lines = on_terminal(paused, b"because\n")
    text = "\n".join(lines)
    assert code == 1
    assert "  why STRING: because" in lines, "asked without escape codes, below nothing that moves"
    assert "running" not in text and "open, clock" not in text, "the live lines are gone"
    # Diagnostics come after the end of the run: the live lines must not take them along.
    assert any("error SIM-EXPR-001" in line for line in lines) and "^" in lines[-2] + lines[-3] + lines[-4]


@pytest.mark.slow
def test_ctrl_c_at_a_question_leaves_it_paused(paused: Path) -> None:
    code, lines = on_terminal(paused, b"\x03")
    assert code == 8
    assert any(line.startswith("It waits. Go on with: simulate resume ") for line in lines)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["explain"], ["f.yml"]])
def test_a_full_disk_is_no_bug_of_ours(argv: list[str], paused: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "simulator", *argv],
            cwd=paused.parent,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert "bug" not in done.stderr and "Traceback" not in done.stderr
    assert argv == ["--version"] or (done.returncode == 1 and "cannot write" in done.stderr)


def test_a_terminal_of_another_encoding(paused: Path) -> None:
    paused.write_text(
        "id: f\nnamespace: a.b\ntasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: \u6771\u4eac x}]\n",
        "utf-8",
    )
    done = simulate("f.yml", "-v", cwd=paused.parent, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.code == 0 and "?? x" in done.err and "SUCCESS  f" in done.out


def test_closed_streams_lead_nowhere(paused: Path) -> None:
    paused.write_text(
        "id: f\nnamespace: a.b\ntasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: hi}]\n"
    )
    command = f'"{sys.executable}" -m simulator f.yml <&- >&- 2>&-'
    done = subprocess.run(["/bin/sh", "-c", command], cwd=paused.parent, env=environment(), check=False)
    assert done.returncode == 0
    assert simulate("executions", cwd=paused.parent).out.count("SUCCESS") == 1


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
@pytest.mark.parametrize("argv", [["/dev/zero"], ["f.yml", "--env-file", "/dev/zero"]])
def test_what_never_ends_is_too_large(argv: list[str], paused: Path) -> None:
    done = simulate(*argv, cwd=paused.parent)
    assert done.code == 4 and "is larger than" in done.err
