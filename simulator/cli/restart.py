"""`simulate restart`: run a failed execution again from where it failed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from simulator.cli.console import Console
from simulator.cli.executions import add_kept_arguments, go_on

if TYPE_CHECKING:
    from simulator.engine.execution import Execution
    from simulator.session import Session

HELP = "run a failed execution again from where it failed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    def restart(session: Session, execution_id: str) -> Execution:
        return session.executor.act("restart", execution_id)  # type: ignore[no-any-return]

    return go_on(args, console, restart)
