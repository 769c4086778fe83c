"""`simulate explain CODE`: what a diagnostic code means; without a code, all of them."""

from __future__ import annotations

import argparse
import textwrap

from simulator.cli.console import Console
from simulator.errors import ExitCode, NotFoundError

HELP = "what a diagnostic code means"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "code", nargs="?", metavar="CODE", help="for example SIM-REF-005; all codes when left out"
    )


def all_codes() -> dict[str, tuple[str, str]]:
    """Title and explanation of every code: checks, runs, test suites, migration rules."""
    from simulator.migrate.rules import RULES
    from simulator.model.check.codes import CODES
    from simulator.model.check.codes_run import RUN_CODES
    from simulator.testing.codes import CODES as SUITE_CODES

    codes: dict[str, tuple[str, str]] = {code: (known.title, known.text) for code, known in CODES.items()}
    codes |= RUN_CODES | SUITE_CODES
    for rule in RULES.values() if isinstance(RULES, dict) else RULES:
        codes.setdefault(rule.code, (rule.what, rule.advice or "`simulate migrate` rewrites it."))
    return codes


def run(args: argparse.Namespace, console: Console) -> int:
    codes = all_codes()
    if args.code is None:
        for code, (title, _) in sorted(codes.items()):
            console.out(f"{code:<20} {title}")
        return ExitCode.SUCCESS
    code = args.code.upper()
    if code not in codes:
        import difflib

        near = difflib.get_close_matches(code, codes, 3)
        hint = f"did you mean {', '.join(near)}?" if near else "`simulate explain` lists all codes"
        raise NotFoundError(f"there is no code {args.code}", hint=hint)
    title, text = codes[code]
    console.out(console.style(f"{code}: {title}", "bold"))
    console.out("")
    console.out(textwrap.fill(text, 100))
    return ExitCode.SUCCESS
