"""`simulate resume`: go on with a kept execution that is paused, or whose process went away in the middle of it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from simulator.cli.console import Console
from simulator.cli.executions import add_kept_arguments, go_on
from simulator.cli.options import read_inputs

if TYPE_CHECKING:
    from simulator.engine.execution import Execution
    from simulator.session import Session

HELP = "go on with a paused or interrupted execution"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """`-i` and `--inputs` are the answers of `onResume`."""
    answers = read_inputs(args.inputs, args.input)
    args.inputs, args.input = None, []

    def resume(session: Session, execution_id: str) -> Execution:
        state = session.executor.execution(execution_id).state.current
        if not state.is_terminated and state.value != "PAUSED" and not answers:
            return session.executor.act("recover", execution_id)  # type: ignore[no-any-return]
        return session.executor.act("resume", execution_id, inputs=answers)  # type: ignore[no-any-return]

    return go_on(args, console, resume)
