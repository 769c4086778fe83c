"""What task code gets in place of the engine's own log, endpoints and processes: each tells the loop what goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.engine.jobs import Job
from simulator.engine.task import Endpoint, ProcessResult

if TYPE_CHECKING:
    from simulator.engine.context import TaskContext
    from simulator.engine.kernel import Kernel

__all__ = ["JobEndpoints", "JobProcesses", "Logger"]


class Logger:
    """task.TaskLogger: entries go to the job's outbox, or straight to the execution's log."""

    def __init__(self, context: TaskContext) -> None:
        self._context = context

    def log(self, level: str, message: str, *args: Any) -> None:
        self._context.emit_log(level, message, args)

    def error(self, message: str, *args: Any) -> None:
        self._context.emit_log("ERROR", message, args)

    def warn(self, message: str, *args: Any) -> None:
        self._context.emit_log("WARN", message, args)

    def info(self, message: str, *args: Any) -> None:
        self._context.emit_log("INFO", message, args)

    def debug(self, message: str, *args: Any) -> None:
        self._context.emit_log("DEBUG", message, args)

    def trace(self, message: str, *args: Any) -> None:
        self._context.emit_log("TRACE", message, args)


class JobEndpoints:
    """Endpoints that tell the loop: real work begins."""

    def __init__(self, kernel: Kernel, job: Job | None) -> None:
        self._kernel = kernel
        self._job = job

    def resolve(self, kind: str, url: str, **wanted: Any) -> Endpoint:
        if self._job is not None:
            self._job.real()
        return self._kernel.endpoints.resolve(kind, url, **wanted)


class JobProcesses:
    """Child processes of one task run: real work, killed when the run is cancelled."""

    def __init__(self, kernel: Kernel, job: Job | None) -> None:
        self._kernel = kernel
        self._job = job

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
    ) -> ProcessResult:
        more: dict[str, Any] = {}
        if self._job is not None:
            self._job.real()
            more["on_cancel"] = self._job.on_cancel
        return self._kernel.processes.run(
            argv,
            cwd=cwd,
            env=env,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            timeout=timeout,
            stdin=stdin,
            **more,
        )
