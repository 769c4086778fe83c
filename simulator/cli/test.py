"""`simulate test`: run test suites of flows."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.cli.console import Console
from simulator.errors import ExitCode, NotFoundError, UsageError

if TYPE_CHECKING:
    from simulator.testing.remote import Remote
    from simulator.testing.results import CaseResult
    from simulator.testing.runner import FoundCase

HELP = "run test suites of flows (Kestra's own format)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from simulator.remote.settings import add_remote_options

    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="suites, flows or folders (default: the working directory)",
    )
    group = parser.add_argument_group("which cases")
    group.add_argument("-k", dest="keyword", metavar="EXPR", help="words combined with and, or, not")
    group.add_argument("-x", "--exitfirst", action="store_true", help="stop at the first failure")
    group.add_argument(
        "--lf", action="store_true", help="only what failed last (everything when nothing did)"
    )
    group = parser.add_argument_group("how they run")
    group.add_argument("-n", dest="processes", type=int, default=1, metavar="N", help="in N processes")
    group.add_argument("--kestra", choices=("1", "2", "auto"), help="dialect")
    group.add_argument("--watch", action="store_true", help="run again whenever a file changes")
    group.add_argument("--state-dir", type=Path, metavar="DIR", help="where `--lf` remembers")
    group = parser.add_argument_group("what is shown and written")
    group.add_argument("-q", "--quiet", action="store_true", help="dots instead of lines")
    group.add_argument("-v", "--verbose", action="store_true", help="a line per case, however many there are")
    group.add_argument("--junit", type=Path, metavar="FILE", help="JUnit XML")
    group.add_argument("--report", type=Path, metavar="FILE", help="one HTML file")
    group.add_argument("--json", metavar="FILE", help="results as JSON (- for stdout)")
    group.add_argument(
        "--coverage",
        nargs="?",
        const="",
        metavar="FILE",
        help="what of the flows was reached: on the screen, or to FILE (.json, .info: LCOV, .xml: Cobertura)",
    )
    group.add_argument("--fail-under", type=float, metavar="PERCENT", help="fail when less is covered")
    group.add_argument(
        "--generate", type=Path, metavar="FLOW", help="write a first suite for a flow to stdout"
    )
    add_remote_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    if args.on and (args.processes > 1 or args.watch or args.coverage is not None):
        raise UsageError("--on takes neither -n, --watch nor --coverage: the server does the work")
    if args.generate is not None:
        from simulator.testing.generate import generate_suite

        console.out(generate_suite(args.generate, args.kestra or "auto"), end="")
        return ExitCode.SUCCESS
    if args.processes < 1:
        raise UsageError("-n takes a number of processes, 1 or more")
    if args.watch:
        from simulator.testing.watch import watch

        return watch(args, console)
    return run_once(args, console)


def run_once(args: argparse.Namespace, console: Console) -> int:
    """One round: find, run, tell. The exit code."""
    from simulator.diagnostics import Collector
    from simulator.testing.runner import check_tasks, read_suites
    from simulator.testing.select import LastFailed, select
    from simulator.world.rundir import STATE_DIR

    notes = Collector()
    paths = args.paths or [Path()]
    cases = select(read_suites(paths, kestra=args.kestra or "auto", collector=notes), args.keyword)
    memory = LastFailed(args.state_dir or Path(STATE_DIR))
    if args.lf:
        failed = memory.read()
        cases = [case for case in cases if case.id in failed] or cases
    if not cases:
        raise NotFoundError(
            "no test case found",
            hint="a suite is a YAML file with `flowId` and `testCases`: `simulate test --generate FLOW` writes one",
        )
    check_tasks(cases, args.kestra or "auto", notes)
    started = time.monotonic()
    results = _run(args, console, cases)
    seconds = time.monotonic() - started
    memory.write([item.id for item in results], [item.id for item in results if not item.ok])
    return _tell(args, console, results, notes.sorted(), seconds)


def _run(args: argparse.Namespace, console: Console, cases: Sequence[FoundCase]) -> list[CaseResult]:
    from simulator.testing.text import DOTS, case_line, paint

    results: list[CaseResult] = []
    lines = args.verbose or (not args.quiet and len(cases) <= 100)
    out = console.err if args.json == "-" else console.out
    style = console.err_style if args.json == "-" else console.style
    stream = _results(args, console, cases)
    try:
        for result in stream:
            results.append(result)
            if lines:
                out(case_line(result, style))
            else:
                out(paint(result.state, style, DOTS[result.state]), end="" if len(results) % 80 else "\n")
            if args.exitfirst and not result.ok:
                break
    finally:
        stream.close()
    if not lines:
        out()
    return results


def _results(args: argparse.Namespace, console: Console, cases: Sequence[FoundCase]) -> Any:
    from simulator.testing.runner import Runner

    flags: dict[str, Any] = {"kestra": args.kestra} if args.kestra not in (None, "auto") else {}
    coverage = args.coverage is not None or args.fail_under is not None

    def here() -> Iterator[CaseResult]:
        remote = _remote(args, console) if args.on else None
        with Runner(environ=console.environ, flags=flags, coverage=coverage, remote=remote) as runner:
            for case in cases:
                yield runner.run(case)

    if args.processes == 1 or len(cases) == 1:
        return here()
    from simulator.testing.parallel import run_parallel

    return run_parallel(
        cases,
        min(args.processes, len(cases)),
        environ=console.environ,
        flags=flags,
        coverage=coverage,
    )


def _remote(args: argparse.Namespace, console: Console) -> Remote:
    from simulator.remote.settings import client_of
    from simulator.testing.remote import Remote

    return Remote(client_of(args, console.environ), put_flows=not args.no_deploy, timeout=args.timeout)


def _tell(
    args: argparse.Namespace,
    console: Console,
    results: Sequence[CaseResult],
    notes: Sequence[Any],
    seconds: float,
) -> int:
    from simulator.testing.reports import github_annotations, html_report, job_summary, junit, results_json
    from simulator.testing.text import failure_text, summary

    to_stdout = args.json == "-"
    out = console.err if to_stdout else console.out
    style = console.err_style if to_stdout else console.style
    for result in results:
        if not result.ok:
            out()
            out(failure_text(result, style))
    if notes:
        console.err()
        console.report(notes)
    code = ExitCode.SUCCESS if all(result.ok for result in results) else ExitCode.FAILED
    percent = (
        _coverage(args, console, results, out)
        if args.coverage is not None or args.fail_under is not None
        else None
    )
    if percent is not None and args.fail_under is not None and percent < args.fail_under:
        out(style(f"coverage {percent:.1f} % is less than {args.fail_under:g} %", "red"))
        code = ExitCode.FAILED
    out()
    out(summary(results, seconds, style))
    if args.junit is not None:
        _write(args.junit, junit(results))
    if args.report is not None:
        _write(args.report, html_report(results, seconds))
    if args.json is not None:
        text = results_json(results)
        if to_stdout:
            console.out(text)
        else:
            _write(Path(args.json), text + "\n")
    if console.environ.get("GITHUB_ACTIONS") == "true":
        for line in github_annotations(results):
            out(line)
    if console.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(console.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as stream:
            stream.write(job_summary(results, seconds))
    return int(code)


def _coverage(args: argparse.Namespace, console: Console, results: Sequence[CaseResult], out: Any) -> float:
    from simulator.testing.coverage import measure
    from simulator.testing.coverage_reports import render, to_text

    found = measure(results, args.kestra or "auto")
    if args.coverage:
        path = Path(args.coverage)
        _write(path, render(found, path.suffix))
    else:
        out()
        out(to_text(found))
    return found.percent


def _write(path: Path, text: str) -> None:
    from simulator.reports.sink import write_atomically

    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
