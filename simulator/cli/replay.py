"""`simulate replay`: run an execution again as a new one, from the start or from a task."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from simulator.cli.console import Console
from simulator.cli.executions import add_kept_arguments, go_on
from simulator.cli.options import read_inputs

if TYPE_CHECKING:
    from simulator.engine.execution import Execution
    from simulator.session import Session

HELP = "run an execution again as a new one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_arguments(parser)
    parser.add_argument("--from", dest="from_task", metavar="TASK", help="the first task to run again")
    parser.add_argument(
        "--value",
        action="append",
        default=[],
        metavar="VALUE",
        help="value of the loop around it, outermost first",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """With `-i` or `--inputs` the new execution gets these inputs instead of the old ones."""
    inputs = read_inputs(args.inputs, args.input)
    args.inputs, args.input = None, []

    def replay(session: Session, execution_id: str) -> Execution:
        options: dict[str, Any] = {}
        if args.from_task:
            options = {"task": args.from_task, "values": args.value or None}
        if inputs:
            options["inputs"] = inputs
        return session.executor.act("replay", execution_id, **options)  # type: ignore[no-any-return]

    return go_on(args, console, replay)
