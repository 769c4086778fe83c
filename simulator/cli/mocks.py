"""`simulate mocks FLOW > FLOW.sim.yml`: a skeleton of mocks, with the output keys that the flow reads.

With `--all` a whole side file: also mocks for what runs code or reaches out, and samples of inputs, secrets, variables and
the trigger that the flow asks for, so that `simulate FLOW` reaches its end at once.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from simulator.cli.console import Console
from simulator.diagnostics import Collector
from simulator.errors import ExitCode, InvalidFlowError

HELP = "a skeleton of mocks for a flow"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("flow", type=Path, metavar="FLOW", help="a flow file")
    parser.add_argument(
        "--kestra", choices=("1", "2", "auto"), default="auto", help="dialect (default: auto)"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="all that a first run needs: mocks of whatever runs code or reaches out, inputs, secrets, a trigger",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.dialect import dialect_of
    from simulator.model.build import build_flow
    from simulator.model.dialects import choose_dialect
    from simulator.plugins.registry import Registry
    from simulator.world.flowfile import read_flow_text
    from simulator.world.samples import render_samples, samples
    from simulator.world.stubs import render_stubs, stubs

    text = read_flow_text(args.flow)
    catalog = Registry()
    file = str(args.flow)
    dialect = choose_dialect(text, file, catalog)[0] if args.kestra == "auto" else dialect_of(args.kestra)
    collector = Collector()
    flow = build_flow(text, file, dialect, catalog, collector=collector)
    if flow is None:
        raise InvalidFlowError(f"{file} is not a valid flow", diagnostics=collector.sorted())
    if args.all:
        everything = samples(flow, text, catalog, dialect)
        if everything.sections():
            console.out(render_samples(everything, flow))
        else:
            console.err(f"{flow.id} runs here as it is: it needs nothing")
        return ExitCode.SUCCESS
    found = stubs(flow, catalog, dialect)
    if not found:
        console.err(f"every task of {flow.id} runs here: nothing to mock")
        return ExitCode.SUCCESS
    console.out(render_stubs(found, flow))
    return ExitCode.SUCCESS
