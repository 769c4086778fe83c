"""`simulate migrate`: what Kestra 2.0 refuses, ignores or reads otherwise in flows of 1.x, and the rewritten flows.

simulate migrate flows/ --diff
simulate migrate flows/ --verify
simulate migrate flows/ --write
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import ExitCode, InvalidFlowError, NotFoundError, UsageError

if TYPE_CHECKING:
    from simulator.cli.console import Console
    from simulator.migrate.engine import Migration

__all__ = ["HELP", "add_arguments", "run"]

HELP = "Find what Kestra 2.0 refuses, ignores or reads otherwise in flows of 1.x, and rewrite it."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="flow files and folders (default: the flows found here)",
    )
    parser.add_argument("--check", action="store_true", help="exit code 1 when there is something to do")
    parser.add_argument("--diff", action="store_true", help="show the changes as a unified diff on stdout")
    parser.add_argument("--write", action="store_true", help="rewrite the files")
    parser.add_argument(
        "--stay-1-compatible", action="store_true", help="only make changes that Kestra 1.x reads as well"
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="run each rewritten flow before and after, each in its own dialect, and compare (exit code 1: different)",
    )
    parser.add_argument("--advice", action="store_true", help="show remarks on what no file can tell, too")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.cli.migrate_verify import as_json as verdicts_as_json
    from simulator.cli.migrate_verify import table, verify
    from simulator.migrate.files import find, write

    if args.format == "json" and args.diff:
        raise UsageError("--diff and --format json both want stdout: choose one")
    if args.verify and args.stay_1_compatible:
        raise UsageError(
            "--verify compares 1.x with 2.0: what --stay-1-compatible leaves is no flow of 2.0 yet"
        )
    files = list(find(args.paths or [Path()]))
    if not files:
        raise NotFoundError(
            "no flow found here", hint="a flow is a YAML file with `id`, `namespace` and `tasks`"
        )
    migrations, invalid = _migrated(files, args.stay_1_compatible, console)
    verdicts = verify(migrations) if args.verify else []
    if args.write:
        for migration in migrations:
            if migration.changed:
                write(Path(migration.file), migration.after)
    if args.format == "json":
        from simulator.migrate.report import as_json

        found = as_json(migrations)
        if args.verify:
            found["verify"] = verdicts_as_json(verdicts)
        console.out(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _show(migrations, args, console)
        if args.verify:
            write_line = console.err if args.diff else console.out
            for line in ["", *table(verdicts)]:
                write_line(line)
    if invalid:
        return ExitCode.INVALID
    if any(verdict.differences for verdict in verdicts):
        return ExitCode.FAILED
    if not args.check:
        return ExitCode.SUCCESS
    if args.write:  # what could be done is done: what is left?
        left = any(not finding.advisory for migration in migrations for finding in migration.open)
        return ExitCode.FAILED if left else ExitCode.SUCCESS
    return ExitCode.FAILED if any(migration.to_do for migration in migrations) else ExitCode.SUCCESS


def _migrated(files: Sequence[Path], stay_v1: bool, console: Console) -> tuple[list[Migration], int]:
    """All migrations, and the number of files that are no flow (each is reported)."""
    from simulator.migrate.engine import migrate
    from simulator.migrate.files import read
    from simulator.plugins.registry import Registry

    catalog = Registry()
    migrations: list[Migration] = []
    invalid = 0
    for path in files:
        try:
            migrations.append(migrate(read(path), str(path), stay_v1=stay_v1, catalog=catalog))
        except InvalidFlowError as error:
            console.report(error.to_diagnostics())
            invalid += 1
    return migrations, invalid


def _show(migrations: Sequence[Migration], args: argparse.Namespace, console: Console) -> None:
    from simulator.migrate.report import diff

    # With --diff, stdout belongs to the diff.
    write = console.err if args.diff else console.out
    style = console.err_style if args.diff else console.style
    sources = {migration.file: migration.before for migration in migrations}
    for migration in migrations:
        if args.diff:
            console.out(diff(migration), end="")
        done = [finding for finding in migration.findings if finding.rewritten]
        left = [finding for finding in migration.open if args.advice or not finding.advisory]
        for finding in done:
            state = "rewritten" if args.write else "can be rewritten"
            write(f"{finding.span}: {style(state, 'green')} {finding.rule.code}: {finding.message}")
            if finding.hint:
                write(f"    {style('note:', 'cyan')} {finding.hint}")
        console.report([finding.to_diagnostic() for finding in left], sources, to_stdout=not args.diff)
    _summary(migrations, args, console)


def _summary(migrations: Sequence[Migration], args: argparse.Namespace, console: Console) -> None:
    from simulator.migrate.report import per_rule
    from simulator.migrate.rules import Kind

    write = console.err if args.diff else console.out
    counts = per_rule(migrations)
    shown = [count for count in counts if args.advice or count.rule.kind is not Kind.ADVICE]
    if shown:
        write("")
        write(f"{'rule':<9} {'kind':<17} {'rewritten':>9} {'left':>5}  what")
        for count in shown:
            kind = count.rule.kind.value
            write(f"{count.rule.id:<9} {kind:<17} {count.rewritten:>9} {count.open:>5}  {count.rule.what}")
        write("")
    hidden = sum(count.open for count in counts) - sum(count.open for count in shown)
    changed = sum(migration.changed for migration in migrations)
    open_files = sum(any(not finding.advisory for finding in migration.open) for migration in migrations)
    verb = "rewritten" if args.write else "can be rewritten"
    flows = f"{len(migrations)} flow{'' if len(migrations) == 1 else 's'}"
    write(f"{flows}: {changed} {verb}, {open_files} need a person, " + _clean(migrations))
    if hidden:
        write(f"{hidden} remarks on what no file can tell: `--advice` shows them")
    if changed and not args.write and not args.diff:
        write("`--diff` shows the changes, `--write` makes them")


def _clean(migrations: Sequence[Migration]) -> str:
    clean = sum(not migration.to_do for migration in migrations)
    return f"{clean} need nothing"
