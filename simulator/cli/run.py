"""`simulate FLOW`: run a flow for real against test doubles."""

from __future__ import annotations

import argparse
import shlex
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.cli.console import Console
from simulator.cli.options import add_run_options, flags_of, key_values, value_file
from simulator.diagnostics import Severity
from simulator.errors import ExitCode, InvalidInputError, SimulatorError, UsageError

if TYPE_CHECKING:
    from simulator.engine.execution import Execution
    from simulator.session import Session

HELP = "run a flow for real against test doubles"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from simulator.remote.settings import add_remote_options

    parser.add_argument("flow", type=Path, metavar="FLOW", help="a flow file")
    add_run_options(parser)
    group = parser.add_argument_group("how it starts")
    group.add_argument("--trigger", metavar="ID", help="start it as this trigger would")
    group.add_argument("--at", metavar="ISO", help="the date of a schedule")
    group.add_argument("--payload", type=Path, metavar="FILE", help="what the trigger brings (YAML or JSON)")
    group.add_argument(
        "--from", dest="from_task", metavar="TASK", help="take over what came before from the last run"
    )
    group.add_argument("--until", dest="until_task", metavar="TASK", help="stop after this task")
    group.add_argument("--only", metavar="TASK", help="run this task only")
    group.add_argument(
        "--plan", action="store_true", help="show what would be done; start, write and send nothing"
    )
    group = parser.add_argument_group("what is shown")
    group.add_argument("-q", "--quiet", action="store_true", help="only the result, and why it failed")
    group.add_argument(
        "-v", "--verbose", action="count", default=0, help="logs as they come (-vv: DEBUG, -vvv: TRACE)"
    )
    group.add_argument("--json", metavar="FILE", help="one JSON document (- for stdout)")
    group.add_argument("--events", metavar="FILE", help="every event as a JSON line (- for stdout)")
    group.add_argument("--junit", type=Path, metavar="FILE", help="JUnit XML, a case per task run")
    group.add_argument("--report", type=Path, metavar="FILE", help="one HTML file that shows the execution")
    group.add_argument("--strict", action="store_true", help="exit 7 when the execution ends WARNING")
    group = parser.add_argument_group("after the run")
    group.add_argument("--keep-doubles", action="store_true", help="leave the doubles up until Ctrl-C")
    group.add_argument(
        "--export", type=Path, metavar="DIR", help="write uploaded objects and stored files to DIR"
    )
    group.add_argument(
        "--resume", action="append", default=[], metavar="KEY=VALUE", help="answer for a Pause task"
    )
    add_remote_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.session import Session

    _check_targets(args)
    flags = flags_of(args) | _start(args)
    flags["from_task"] = args.from_task or args.only
    flags["until_task"] = args.until_task or args.only
    local = not (args.on or args.plan)
    session = Session.open(
        args.flow,
        flags=flags,
        environ=console.environ,
        side_file=args.side_file,
        local=local,
        redactor=console.arm(),
    )
    with session:
        _add_reporters(session, args, console)
        if args.plan:
            return _plan(session, console)
        if args.on:
            from simulator.cli.remote_run import run_remote

            return int(run_remote(session, args, console))
        code = ExitCode.INTERNAL
        try:
            code = _run(session, args, console)
        except (KeyboardInterrupt, SimulatorError) as error:
            code = error.exit_code if isinstance(error, SimulatorError) else ExitCode.INTERRUPTED
            raise
        finally:
            if hasattr(session, "clock"):
                session.finish(int(code))
        if args.keep_doubles:
            _keep(session, console)
    return int(code)


def _plan(session: Session, console: Console) -> int:
    """The plan as text: each task, what would happen to it, its rendered properties."""
    import json

    from simulator.reports.console import short_type
    from simulator.world.plan import plan

    style = console.style
    console.out(f"{style(session.flow.id, 'bold')}  {session.flow.namespace}  Kestra {session.dialect}  plan")
    for item in plan(session):
        indent = "  " * (item.depth + 1)
        branch = style(f"{item.branch}: ", "dim") if item.branch else ""
        console.out(
            f"{indent}{branch}{style(item.id, 'bold')}  {style(short_type(item.type), 'dim')}  {item.what}"
        )
        for name, value in item.properties.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            first, *rest = text.split("\n")
            mark = style(f"  ({item.open[name]})", "yellow") if name in item.open else ""
            console.out(f"{indent}    {name}: {first}{' ...' if rest else ''}{mark}")
    return ExitCode.SUCCESS


def _targets(args: argparse.Namespace) -> dict[str, str]:
    """Where reports go, by flag."""
    given = {flag: getattr(args, flag) for flag in ("json", "events", "junit", "report")}
    return {f"--{flag}": str(target) for flag, target in given.items() if target}


def _check_targets(args: argparse.Namespace) -> None:
    """What cannot be written is told before the run, not after it."""
    targets = _targets(args)
    to_stdout = [flag for flag, target in targets.items() if target == "-"]
    if len(to_stdout) > 1:
        raise UsageError(
            f"{' and '.join(to_stdout)} would both write to stdout", hint="give one of them a file"
        )
    for flag, target in targets.items():
        if Path(target).is_dir():
            raise UsageError(f"{flag}: `{target}` is a folder")
    if args.export is not None and args.export.exists() and not args.export.is_dir():
        raise UsageError(f"--export: `{args.export}` is no folder")


def _start(args: argparse.Namespace) -> dict[str, Any]:
    """`--trigger`, `--at`, `--payload`."""
    from simulator.world.config import parse_now

    if args.trigger is None:
        if args.at or args.payload:
            raise UsageError("--at and --payload belong to --trigger ID")
        return {}
    flags: dict[str, Any] = {"trigger": args.trigger}
    if args.at:
        flags["at"] = parse_now(args.at)
        if args.now is None:
            flags["now"] = flags["at"]
        elif flags["at"] > parse_now(args.now):
            raise UsageError("--at is later than --now: the schedule is not due yet")
    if args.payload is not None:
        flags["payload"] = value_file(args.payload, "--payload")
    return flags


def _run(session: Session, args: argparse.Namespace, console: Console) -> ExitCode:
    from simulator.cli.waiting import code_of, waiting

    try:
        execution = session.run()
    except InvalidInputError as error:
        misspelt = [item for item in session.diagnostics if item.code == "SIM-INPUT-002"]
        console.report([*error.to_diagnostics(), *misspelt])
        if any(item.span for item in error.to_diagnostics()):
            _show_signature(session, args, console)
        return error.exit_code
    if waiting(session.executor):
        from simulator.cli.asking import go_on

        go_on(session, console, key_values(args.resume, "--resume"), bool(args.resume))
        assert session.execution is not None
        execution = session.execution
    _after(session, execution, args, console)
    return code_of(execution, session.executor, strict=args.strict)


def _after(session: Session, execution: Execution, args: argparse.Namespace, console: Console) -> None:
    """What follows the story: warnings with their places, the way to go on."""
    from simulator.cli.waiting import tell_how_to_go_on

    # quiet: what failed is told all the same, and the story leaves to a diagnostic what it says with its place
    shown = [item for item in session.diagnostics if not args.quiet or item.severity is Severity.ERROR]
    if shown:
        console.err()
        console.report(shown, {str(session.flow_file): session.text})
    if console.environ.get("GITHUB_ACTIONS") == "true":
        _github(session, execution, console)
    tell_how_to_go_on(session.executor, args, console)
    if args.export is not None:
        count = session.export(args.export)
        console.err(f"{count} file{'s' if count != 1 else ''} written to {args.export}")


def _show_signature(session: Session, args: argparse.Namespace, console: Console) -> None:
    from simulator.reports.signature import signature

    console.err()
    console.err(signature(session.flow, console.err_style, args.input))


def _add_reporters(session: Session, args: argparse.Namespace, console: Console) -> None:
    from simulator.reports.console import ConsoleReporter
    from simulator.reports.sink import file_writer, stream_writer

    redactor = session.vault.redactor
    to_stdout = "-" in _targets(args).values()
    if to_stdout:
        story, style = stream_writer(console.stderr, redactor), console.err_style
    else:
        story, style = stream_writer(console.stdout, redactor), console.style
    errors = stream_writer(console.stderr, redactor)
    if console.is_terminal and console.stdout.isatty() and not args.quiet and not console.environ.get("CI"):
        from simulator.reports.live import LiveRegion, LiveReporter

        region = LiveRegion(console.stderr, redactor)
        live = LiveReporter(region, console.err_style, simulated=not session.settings.real_time)
        story = errors = region.write
        console.region = region
        # Before the story: what a line tells as done is no longer open below it.
        session.reporters.append(live)
    reporter = ConsoleReporter(
        story,
        errors,
        style=style,
        err_style=console.err_style,
        quiet=args.quiet,
        log_level={0: None, 1: "INFO", 2: "DEBUG"}.get(args.verbose, "TRACE"),
    )
    tasks = list(session.flow.walk_tasks())
    reporter.size([task.id for task in tasks], [task.type for task in tasks])
    session.reporters.append(reporter)

    def target(name: str, *, json: bool = False) -> Callable[[str], None]:
        if name == "-":
            return stream_writer(console.stdout, redactor, json=json)
        return file_writer(Path(name), redactor, json=json)

    if args.json:
        from simulator.reports.json_report import JsonReporter

        session.reporters.append(JsonReporter(target(args.json, json=True), session.contents, session.outbox))
    if args.events:
        from simulator.reports.events_jsonl import EventsReporter

        session.reporters.append(EventsReporter(_events_writer(args.events, session, console)))
    if args.junit:
        from simulator.reports.junit import JUnitReporter

        session.reporters.append(JUnitReporter(target(str(args.junit))))
    if args.report:
        from simulator.reports.html import HtmlReporter

        command = shlex.join(["simulate", *sys.argv[1:]])
        session.reporters.append(
            HtmlReporter(
                target(str(args.report)),
                session.flow,
                command=command,
                previews=session.previews,
                # The flows beside it are known once the session is prepared.
                flows=lambda namespace, ident: session.flows.find(namespace, ident),
            )
        )


def _events_writer(name: str, session: Session, console: Console) -> Callable[[str], None]:
    from simulator.reports.sink import stream_writer

    if name == "-":
        return stream_writer(console.stdout, session.vault.redactor, json=True)
    try:
        stream = open(name, "w", encoding="utf-8")  # noqa: SIM115 - closed with the process; every line is flushed
    except OSError as error:
        raise UsageError(f"--events: cannot write `{name}`: {error.strerror}") from None
    return stream_writer(stream, session.vault.redactor, json=True)


def _github(session: Session, execution: Execution, console: Console) -> None:
    """Under GitHub Actions: findings as annotations, the task runs as a table of the job's summary."""
    from simulator.reports.github import annotate_all, summary_table
    from simulator.reports.masking import mask_diagnostic

    redact = session.vault.redactor.redact
    # Masked before it is escaped: `%` in a secret would become `%25`.
    text = annotate_all(mask_diagnostic(item, session.vault.redactor) for item in session.diagnostics)
    if text:
        console.err(text)
    target = console.environ.get("GITHUB_STEP_SUMMARY")
    if not target:
        return
    rows = [
        (run.task_id, run.value or "", str(run.state.current), "mock" if run.mocked else "")
        for run in execution.task_runs[:500]
    ]
    title = f"{execution.namespace}.{execution.flow_id}: {execution.state.current}"
    table = summary_table(title, ("task", "value", "state", ""), rows)
    with Path(target).open("a", encoding="utf-8") as summary:
        summary.write(redact(table) + "\n")


def _keep(session: Session, console: Console) -> None:
    """Leaves the doubles up and says how to look inside."""
    console.err("\nThe doubles stay up until Ctrl-C; they take the flow's own users, passwords and keys:")
    waiting = threading.Event()
    try:
        for line in session.look_inside():
            console.err(f"  {line}")
        while not waiting.wait(0.5):  # not for ever: a signal that another thread gets does not end the wait
            continue
    except KeyboardInterrupt:
        console.err("stopping")
