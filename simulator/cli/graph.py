"""`simulate graph FLOW`: its topology, without running anything."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulator.cli.check import CheckCatalog, dialect_option
from simulator.cli.console import Console
from simulator.cli.show import draft_of
from simulator.errors import ExitCode

HELP = "topology of a flow: branches, loops, errors and finally"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("flow", type=Path, metavar="FLOW", help="a flow file")
    parser.add_argument("--format", choices=("text", "mermaid", "dot", "svg"), default="text")
    parser.add_argument(
        "--kestra", choices=("1", "2", "auto"), default="auto", help="dialect (default: auto)"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.model.draw import as_dot, as_mermaid, as_tree
    from simulator.reports.style import clean

    flow = draft_of(args.flow, dialect_option(args.kestra), CheckCatalog())
    if args.format == "svg":
        from simulator.reports.drawing import layout, svg

        console.out(svg(layout(flow), title=f"{flow.namespace}.{flow.id}"))
        return ExitCode.SUCCESS
    draw = {"text": as_tree, "mermaid": as_mermaid, "dot": as_dot}[args.format]
    for line in draw(flow).splitlines():
        console.out(clean(line))
    return ExitCode.SUCCESS
