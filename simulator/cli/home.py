"""`simulate` without arguments: the flows found here and what to do next."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from simulator.cli.console import Console
from simulator.errors import ExitCode
from simulator.reports.style import clean

HELP = "flows found here, and the next commands"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.source.project import Project

    flows = list(Project(Path.cwd()).flows())
    style = console.style
    if not flows:
        console.out("No Kestra flow here: a flow is a YAML file with `id`, `namespace` and `tasks`.")
        console.out("`simulate --help` lists the commands.")
        return ExitCode.NOT_FOUND
    console.out("Flows found here:")
    width = max(len(str(item.path)) for item in flows)
    for item in flows[:30]:
        console.out(
            f"  {style(clean(f'{item.path!s:<{width}}'), 'bold')}  {clean(f'{item.namespace}.{item.id}')}"
        )
    if len(flows) > 30:
        console.out(f"  ... and {len(flows) - 30} more (`simulate list`)")
    first = flows[0].path
    console.out("")
    console.out("Next:")
    commands = (
        (f"simulate {shlex.quote(str(first))}", "run it, for real, against test doubles"),
        ("simulate check", "find every mistake in all of them"),
        (f"simulate list {shlex.quote(str(first))}", "what it needs: inputs, secrets, doubles"),
        ("simulate --help", "everything else"),
    )
    width = max(len(command) for command, _ in commands)
    for command, text in commands:
        console.out(f"  {style(clean(f'{command:<{width}}'), 'cyan')}  {style(text, 'dim')}")
    return ExitCode.SUCCESS
