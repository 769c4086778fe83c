"""`simulate restart`: run a failed execution again from where it failed, or go on from another state of one task."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from simulator.cli.console import Console
from simulator.cli.executions import add_kept_arguments, go_on
from simulator.errors import UsageError

if TYPE_CHECKING:
    from simulator.engine.execution import Execution
    from simulator.session import Session

HELP = "run a failed execution again from where it failed"
_STATES = ("SUCCESS", "WARNING", "FAILED", "CANCELLED")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_arguments(parser)
    parser.add_argument(
        "--state", choices=_STATES, help="with --task: give its run this state, and go on from there"
    )
    parser.add_argument("--task", metavar="TASK", help="the task whose run gets --state")
    parser.add_argument(
        "--value",
        action="append",
        default=[],
        metavar="VALUE",
        help="value of the loop around the task, outermost first",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    if bool(args.state) != bool(args.task) or (args.value and not args.task):
        raise UsageError("--task TASK, --value and --state STATE belong together")

    def restart(session: Session, execution_id: str) -> Execution:
        if args.task:
            options = {"task": args.task, "values": args.value or None, "state": args.state}
            return session.executor.act("change-state", execution_id, **options)  # type: ignore[no-any-return]
        return session.executor.act("restart", execution_id)  # type: ignore[no-any-return]

    return go_on(args, console, restart)
