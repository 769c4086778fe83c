"""`simulate kill`: kill a kept execution that waits."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from simulator.cli.console import Console
from simulator.cli.executions import add_kept_arguments, go_on

if TYPE_CHECKING:
    from simulator.engine.execution import Execution
    from simulator.session import Session

HELP = "kill a kept execution"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_arguments(parser)
    parser.add_argument(
        "--no-cascade", action="store_true", help="leave the executions that it started alone"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    def kill(session: Session, execution_id: str) -> Execution:
        return session.executor.act("kill", execution_id, cascade=not args.no_cascade)  # type: ignore[no-any-return]

    return go_on(args, console, kill)
