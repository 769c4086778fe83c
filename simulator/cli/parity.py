"""`simulate parity FLOW... --on URL`: the same flow here and on a server; what differs, as a table and JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.cli.console import Console
from simulator.cli.options import add_run_options, flags_of
from simulator.errors import ExitCode, UsageError

HELP = "compare a run here with a run on a Kestra server"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from simulator.remote.settings import add_remote_options

    parser.add_argument("flow", type=Path, nargs="+", metavar="FLOW", help="flow files")
    parser.add_argument(
        "--known", type=Path, metavar="FILE", help="known differences: {flow: {where: reason}} (YAML)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="the differences as JSON")
    add_run_options(parser)
    add_remote_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.remote.settings import client_of

    client = client_of(args, console.environ)
    reasons = _known(args.known) if args.known else {}
    report: dict[str, Any] = {}
    open_differences = 0
    for path in args.flow:
        differences = _compare(path, client, args, console, reasons)
        report[str(path)] = [
            {"where": item.where, "here": item.here, "there": item.there, "reason": item.reason}
            for item in differences
        ]
        unknown = [item for item in differences if item.reason is None]
        open_differences += len(unknown)
        style = console.style
        verdict = style("same", "green") if not unknown else style(f"{len(unknown)} differ", "red", "bold")
        console.out(f"{style(str(path), 'bold')}  {verdict}" + _aside(len(differences) - len(unknown)))
        for item in unknown:
            console.out(f"  {item.where}")
            console.out(f"    here   {json.dumps(item.here, ensure_ascii=False)}")
            console.out(f"    there  {json.dumps(item.there, ensure_ascii=False)}")
    if args.json:
        from simulator.reports.sink import file_writer

        file_writer(args.json, console.redactor)(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return ExitCode.FAILED if open_differences else ExitCode.SUCCESS


def _aside(known: int) -> str:
    return f"  ({known} known)" if known else ""


def _known(path: Path) -> Mapping[str, Mapping[str, str]]:
    from simulator.cli.options import value_file

    known = value_file(path, "--known")
    if not isinstance(known, dict):
        raise UsageError(f"--known: `{path}` must hold a map of flows")
    return known


def _compare(
    path: Path, client: Any, args: argparse.Namespace, console: Console, reasons: Mapping[str, Any]
) -> list[Any]:
    """One flow, first here and then there."""
    from simulator.api import Recorder
    from simulator.cli.remote_run import follow_remote, namespace_files_of
    from simulator.remote.parity import compare, known
    from simulator.remote.run import deploy
    from simulator.session import Session

    with Session.open(
        path, flags=flags_of(args), environ=console.environ, side_file=args.side_file, redactor=console.arm()
    ) as session:
        console.redactor = session.vault.redactor
        here = Recorder()
        session.reporters.append(here)
        mine = session.run()
        if not args.no_deploy:
            deploy(client, [session.flow], namespace_files_of(session.flow, session.settings))
        theirs = follow_remote(
            client,
            session.flow,
            session.settings.inputs,
            session.settings.labels,
            [],
            console,
            timeout=args.timeout,
        )
        own_logs = [entry for entry in here.logs if entry.execution_id == mine.id]
        found = compare(mine, theirs.execution, own_logs, theirs.logs)
        return known(found, reasons.get(str(session.flow.name)) or reasons.get(str(path)) or {})
