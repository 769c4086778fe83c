"""Child processes: in a group of their own, killed as a group (task.ProcessRunner).

System-specific calls are in `_OWN_GROUP` and `_signal_group` only. A process that is left when the session closes is
killed there. Arguments and environment are the caller's business; nothing of them is logged here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from simulator.engine.clock import monotonic
from simulator.engine.task import ProcessResult
from simulator.errors import TaskError

__all__ = ["Processes"]

_GRACE = 2.0
"""Seconds between the polite signal and the other one."""


_OWN_GROUP = True
"""A child gets a session, and with it a process group, of its own."""


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


class Processes:
    """See the module text. Safe to use from several threads."""

    def __init__(
        self,
        started: Callable[[int], None] = lambda pid: None,
        ended: Callable[[int], None] = lambda pid: None,
    ) -> None:
        """`started` and `ended` are told each pid: after a `kill -9` of ours somebody has to end it."""
        self._started, self._ended = started, ended
        self._lock = threading.Lock()
        self._closed = False
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(
        self,
        argv: list[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        on_stdout: Callable[[str], None],
        on_stderr: Callable[[str], None],
        timeout: float | None = None,
        stdin: bytes | None = None,
        on_cancel: Callable[[Callable[[], None]], None] | None = None,
    ) -> ProcessResult:
        """Runs to the end. Raises TaskError when the program cannot be started."""
        try:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=_OWN_GROUP,
            )
        except OSError as error:
            raise TaskError(
                f'Cannot run program "{argv[0]}" (in directory "{cwd}"): error={error.errno}, {error.strerror}'
            ) from None
        with self._lock:
            self._running.add(process)
            closed = self._closed
        self._started(process.pid)
        if closed:
            # It was being started while everything was taken down.
            _signal_group(process, signal.SIGKILL)
        killed = threading.Event()

        def cancel() -> None:
            killed.set()
            self._terminate(process)

        if on_cancel is not None:
            on_cancel(cancel)
        try:
            return self._follow(process, on_stdout, on_stderr, timeout, stdin, killed)
        finally:
            _signal_group(process, signal.SIGKILL)
            with self._lock:
                self._running.discard(process)
            self._ended(process.pid)

    def _follow(
        self,
        process: subprocess.Popen[bytes],
        on_stdout: Callable[[str], None],
        on_stderr: Callable[[str], None],
        timeout: float | None,
        stdin: bytes | None,
        killed: threading.Event,
    ) -> ProcessResult:
        assert process.stdout is not None and process.stderr is not None
        readers = [
            threading.Thread(target=_pump, args=(process.stdout, on_stdout), daemon=True),
            threading.Thread(target=_pump, args=(process.stderr, on_stderr), daemon=True),
        ]
        for reader in readers:
            reader.start()
        if stdin is not None and process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(stdin)
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        timed_out = False
        deadline = None if timeout is None else monotonic() + timeout
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
            self._terminate(process)
        process.wait()
        left = _GRACE if deadline is None else max(_GRACE, deadline - monotonic())
        for reader in readers:
            reader.join(left)
        process.stdout.close()
        process.stderr.close()
        return ProcessResult(process.returncode, timed_out=timed_out, killed=killed.is_set())

    def _terminate(self, process: subprocess.Popen[bytes]) -> None:
        """The polite signal, then the other one, to the whole group."""
        _signal_group(process, signal.SIGTERM)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            _signal_group(process, signal.SIGKILL)

    def close(self) -> None:
        """Kills whatever still runs, and whatever is started from now on."""
        with self._lock:
            self._closed = True
            left = list(self._running)
        for process in left:
            _signal_group(process, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)


def _pump(stream: IO[bytes], give: Callable[[str], None]) -> None:
    """Hands on line by line; bytes that are no UTF-8 are replaced."""
    with contextlib.suppress(ValueError, OSError):
        for line in stream:
            give(line.decode("utf-8", "replace").rstrip("\r\n"))
