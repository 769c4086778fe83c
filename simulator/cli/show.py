"""`simulate show FLOW`: the flow as Kestra reads it, with plugin defaults merged, aliases resolved, secrets masked."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cli.check import CheckCatalog, dialect_option
from simulator.cli.console import Console
from simulator.errors import ExitCode, InvalidFlowError, NotFoundError

if TYPE_CHECKING:
    from simulator.dialect import Dialect
    from simulator.model.catalog import Catalog
    from simulator.model.flow import Flow

HELP = "a flow with defaults merged and aliases resolved"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("flow", type=Path, metavar="FLOW", help="a flow file")
    parser.add_argument("--task", metavar="ID", help="only this task")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--kestra", choices=("1", "2", "auto"), default="auto", help="dialect (default: auto)"
    )


def draft_of(path: Path, dialect: Dialect | None, catalog: Catalog) -> Flow:
    """The flow of a file, also when rules are broken. Raises InvalidFlowError when it cannot be read as a flow."""
    from simulator.diagnostics import Collector
    from simulator.model.build import draft_flow
    from simulator.model.dialects import choose
    from simulator.world.flowfile import read_flow_text

    text = read_flow_text(path)
    if dialect is None:
        choice = choose(text, str(path), catalog)
        flow, found = choice.flow, list(choice.diagnostics)
    else:
        collector = Collector()
        flow, _ = draft_flow(text, str(path), dialect, catalog, collector=collector)
        found = list(collector)
    if flow is None:
        raise InvalidFlowError("the file cannot be read as a flow", diagnostics=found)
    return flow


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.model.show import flow_data, task_data, to_yaml

    catalog = CheckCatalog()
    flow = draft_of(args.flow, dialect_option(args.kestra), catalog)
    if args.task is not None:
        task = flow.task(args.task)
        if task is None:
            from simulator.model.problems import suggest

            raise NotFoundError(
                f"the flow has no task `{args.task}`",
                hint=suggest(args.task, [one.id for one in flow.walk_tasks()]),
            )
        data = task_data(task, flow, catalog)
    else:
        data = flow_data(flow, catalog)
    if args.json:
        console.out(json.dumps(data, indent=2, ensure_ascii=False, default=str))
    else:
        console.out(f"# {flow.namespace}.{flow.id} as Kestra {flow.dialect} reads it")
        console.out(to_yaml(data), end="")
    return ExitCode.SUCCESS
