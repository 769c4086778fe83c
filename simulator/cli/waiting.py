"""Which executions of a run wait for somebody, what the exit code is then, and the command that goes on with them."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.cli.console import Console
from simulator.engine.execution import Execution, StateType
from simulator.errors import ExitCode

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["code_of", "tell_how_to_go_on", "waiting"]

#: Options that say what the world of the run is: who goes on with it needs them again.
_WORLD = (
    "flows",
    "side_file",
    "env_file",
    "env_format",
    "namespace_files",
    "live",
    "allow",
    "mock",
    "mock_type",
    "docker",
    "inherit_env",
    "timezone",
    "state_dir",
)


def waiting(executor: Executor) -> list[Execution]:
    """Paused executions, in order of creation; one that is paused in an iteration is told once."""
    return [
        execution
        for execution in executor.executions()
        if execution.kind != "LOOP" and execution.state.current is StateType.PAUSED
    ]


def code_of(execution: Execution, executor: Executor, *, strict: bool = False) -> ExitCode:
    """The exit code of a run that stopped: PAUSED also when the execution waits for one that is paused."""
    from simulator.session import exit_code_of

    state = execution.state.current
    if not state.is_terminated and waiting(executor):
        return ExitCode.PAUSED
    return exit_code_of(state, strict=strict)


def tell_how_to_go_on(executor: Executor, args: argparse.Namespace, console: Console) -> None:
    """One ready line per execution that waits."""
    options = "".join(f" {item}" for item in _options(args))
    for number, execution in enumerate(waiting(executor)):
        head = "\nIt waits. Go on with:" if number == 0 else "                     "
        console.err(f"{head} simulate resume {execution.id}{options}")


def _options(args: argparse.Namespace) -> Iterable[str]:
    for name in _WORLD:
        value: Any = getattr(args, name, None)
        flag = "--" + name.replace("_", "-")
        for item in value if isinstance(value, list) else [value]:
            if item is True:
                yield flag
            elif isinstance(item, (str, Path)):
                yield f"{flag} {shlex.quote(str(item))}"
