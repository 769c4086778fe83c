"""`simulate schema [--flow | --test-suite | --side-file]`: JSON Schema for editors."""

from __future__ import annotations

import argparse
import json

from simulator.cli.check import CheckCatalog, dialect_option
from simulator.cli.console import Console
from simulator.errors import ExitCode

HELP = "JSON Schema of the flow language; editors read it by `# yaml-language-server: $schema=FILE` on top of a flow"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--flow", action="store_true", help="the schema of flows (default)")
    which.add_argument("--test-suite", action="store_true", help="the schema of test suites")
    which.add_argument("--side-file", action="store_true", help="the schema of side files (FLOW.sim.yml)")
    parser.add_argument("--kestra", choices=("1", "2"), default="2", help="dialect (default: 2)")


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.dialect import V2
    from simulator.model.schema import flow_schema, side_file_schema, suite_schema

    dialect = dialect_option(args.kestra) or V2
    if args.test_suite:
        from simulator.testing.suite_check import SUITE

        schema = suite_schema(CheckCatalog(), dialect, SUITE.fields)
    elif args.side_file:
        from simulator.world.sidefile import SIDE_FILE

        schema = side_file_schema(CheckCatalog(), dialect, SIDE_FILE.fields)
    else:
        schema = flow_schema(CheckCatalog(), dialect)
    console.out(json.dumps(schema, indent=2, ensure_ascii=False))
    return ExitCode.SUCCESS
