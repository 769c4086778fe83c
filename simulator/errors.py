"""The error tree. Everything that this package raises on purpose is one of these.

    SimulatorError                 exit code
    ├── UsageError                 2   wrong flags, wrong file kinds
    ├── InternalError              3   a bug of ours
    ├── InvalidFlowError           4   the flow or its inputs are not valid
    │   └── InvalidInputError      4   inputs of an execution
    ├── NotFoundError              5   nothing to run, no such execution
    ├── UnsupportedError           6   valid for Kestra, not run here
    ├── ExpressionError            4   an expression cannot be parsed or rendered
    ├── SecretError                4   an env file or a secret is unusable
    ├── StorageError               1   internal storage, namespace files, KV
    ├── TaskError                  1   a task run fails (its message is what Kestra logs)
    │   └── TaskTimeoutError       1
    ├── NetworkRefusedError        6   a call that would leave the machine
    ├── DoubleError                3   a double cannot start or died
    ├── RemoteError                3   a Kestra server cannot be reached, or refuses
    └── Interrupted                130

A run that *ends* FAILED is no exception: its `Execution` says so and the command's exit code is 1.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

from simulator.diagnostics import Diagnostic, Severity, Span

__all__ = [
    "DoubleError",
    "ExitCode",
    "ExpressionError",
    "InternalError",
    "Interrupted",
    "InvalidFlowError",
    "InvalidInputError",
    "NetworkRefusedError",
    "NotFoundError",
    "RemoteError",
    "SecretError",
    "SimulatorError",
    "StorageError",
    "TaskError",
    "TaskTimeoutError",
    "UnsupportedError",
    "UsageError",
]


class ExitCode(enum.IntEnum):
    """What the process says to its caller."""

    SUCCESS = 0
    """The execution ended SUCCESS (or WARNING without --strict); the check found no error."""
    FAILED = 1
    """The execution ended FAILED or KILLED; a test or a check failed."""
    USAGE = 2
    """The command line is wrong."""
    INTERNAL = 3
    """A bug of ours, or a double that cannot start."""
    INVALID = 4
    """The flow or its inputs are not valid."""
    NOT_FOUND = 5
    """Nothing found to work on."""
    UNSUPPORTED = 6
    """Kestra could run it, this simulator cannot (or may not leave the machine)."""
    WARNING = 7
    """The execution ended WARNING and --strict was given."""
    PAUSED = 8
    """The execution waits for somebody: `simulate resume` goes on."""
    INTERRUPTED = 130
    """Ctrl-C or a termination signal."""


class SimulatorError(Exception):
    """Root of the tree. Carries a message, a place, a hint and the diagnostics behind it."""

    exit_code: ExitCode = ExitCode.INTERNAL
    code: str = "SIM-INTERNAL-001"

    def __init__(
        self,
        message: str,
        *,
        span: Span | None = None,
        hint: str | None = None,
        code: str | None = None,
        diagnostics: Sequence[Diagnostic] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint
        if code is not None:
            self.code = code
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)

    def to_diagnostics(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that it carries, or itself as one."""
        return self.diagnostics or (
            Diagnostic(self.code, Severity.ERROR, self.message, self.span, self.hint),
        )


class UsageError(SimulatorError):
    exit_code = ExitCode.USAGE
    code = "SIM-USAGE-001"


class InternalError(SimulatorError):
    exit_code = ExitCode.INTERNAL
    code = "SIM-INTERNAL-001"


class InvalidFlowError(SimulatorError):
    exit_code = ExitCode.INVALID
    code = "SIM-FLOW-001"


class InvalidInputError(InvalidFlowError):
    code = "SIM-INPUT-001"


class NotFoundError(SimulatorError):
    exit_code = ExitCode.NOT_FOUND
    code = "SIM-USAGE-005"


class UnsupportedError(SimulatorError):
    exit_code = ExitCode.UNSUPPORTED
    code = "SIM-UNSUPPORTED-001"


class ExpressionError(SimulatorError):
    """An expression that cannot be parsed or rendered.

    `message` is Kestra's own text. `offset` is the 0-based character offset inside the template, when known.
    `java_type` is the simple name of the exception class that Kestra throws (`IllegalVariableEvaluationException`),
    `cause_type` that of its cause.
    """

    exit_code = ExitCode.INVALID
    code = "SIM-EXPR-001"

    def __init__(
        self,
        message: str,
        *,
        template: str | None = None,
        offset: int | None = None,
        java_type: str = "IllegalVariableEvaluationException",
        cause_type: str | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(message, **rest)
        self.template = template
        self.offset = offset
        self.java_type = java_type
        self.cause_type = cause_type


class SecretError(SimulatorError):
    exit_code = ExitCode.INVALID
    code = "SIM-SECRET-001"


class StorageError(SimulatorError):
    exit_code = ExitCode.FAILED
    code = "SIM-STORAGE-001"


class TaskError(SimulatorError):
    """A task run fails. `outputs` are kept on the FAILED task run (Kestra's RunnableTaskException)."""

    exit_code = ExitCode.FAILED
    code = "SIM-TASK-001"

    def __init__(self, message: str, *, outputs: dict[str, Any] | None = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.outputs = outputs


class TaskTimeoutError(TaskError):
    code = "SIM-TASK-002"


class NetworkRefusedError(TaskError):
    exit_code = ExitCode.UNSUPPORTED
    code = "SIM-NET-001"


class DoubleError(SimulatorError):
    exit_code = ExitCode.INTERNAL
    code = "SIM-DOUBLE-001"


class RemoteError(SimulatorError):
    """A Kestra server that cannot be reached, or that refuses. `status` is the HTTP status, None without an answer."""

    exit_code = ExitCode.INTERNAL
    code = "SIM-REMOTE-001"

    def __init__(self, message: str, *, status: int | None = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.status = status


class Interrupted(SimulatorError):  # noqa: N818 - it is no error of anybody
    exit_code = ExitCode.INTERRUPTED
    code = "SIM-USAGE-130"
