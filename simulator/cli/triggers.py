"""`simulate triggers`: when a flow would start; with `--run` all of it played in simulated time, with `--backfill` the past."""

from __future__ import annotations

import argparse
import datetime as dt
import heapq
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.cli.console import Console
from simulator.cli.executions import announce
from simulator.cli.options import add_run_options, flags_of
from simulator.cli.waiting import tell_how_to_go_on
from simulator.errors import ExitCode, UsageError
from simulator.world.config import parse_now

if TYPE_CHECKING:
    from simulator.engine.triggers.playing import Held, Span
    from simulator.engine.triggers.schedule import Fire
    from simulator.model.flow import Trigger
    from simulator.session import Session

HELP = "when a flow would start, and play it in simulated time"
_SHOWN = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("flow", type=Path, metavar="FLOW", help="a flow file")
    parser.add_argument("--from", dest="start", metavar="ISO", help="default: the run's now")
    parser.add_argument("--to", dest="end", metavar="ISO", help="default: a day later")
    parser.add_argument("--run", action="store_true", help="run every start, flow triggers included")
    parser.add_argument(
        "--down",
        nargs=2,
        metavar=("ISO", "ISO"),
        help="with --run: when the scheduler is down (recoverMissedSchedules, lateMaximumDelay)",
    )
    parser.add_argument(
        "--backfill",
        action="store_true",
        help="run the dates of one schedule between --from and --to afterwards, with -i and --label",
    )
    parser.add_argument("--trigger", metavar="ID", help="only this trigger")
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_run_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.engine.triggers.playing import Span
    from simulator.session import Session

    flags = dict(flags_of(args))
    _check(args, flags)
    start = parse_now(args.start) if args.start else None
    end = parse_now(args.end) if args.end else None
    if not args.backfill:
        flags["now"] = start or flags["now"]
    elif flags["now"] is None:
        flags["now"] = end
    session = Session.open(
        args.flow, flags=flags, environ=console.environ, side_file=args.side_file, redactor=console.arm()
    )
    with session:
        console.redactor = session.vault.redactor
        executor = session.prepare()
        span = _span(start, end, session.clock.now(), past=args.backfill)
        if args.trigger:
            executor.triggers.find(session.flow, args.trigger)
        if args.backfill:
            given = session._given_inputs()
            inputs = {name: given[name] for name in flags["inputs"]}  # not those of the side file
            return _backfill(args, console, session, span, inputs, flags["labels"])
        if args.run:
            down = Span(*map(parse_now, args.down)) if args.down else None
            announce(session, {"triggers": f"until {span.end.isoformat()}"})
            session.diagnostics.clear()  # what is told from here on
            held = executor.play_triggers(span.end, only=args.trigger, down=down, from_now=True)
            return _played(args, console, session, held)
        return _list(args, console, session, span.start, span.end)


def _check(args: argparse.Namespace, flags: dict[str, Any]) -> None:
    """Options that would do nothing are refused."""
    if args.down and not args.run:
        raise UsageError("--down belongs to --run")
    if args.backfill and args.down:
        raise UsageError("a backfill does not look at when the scheduler was down")
    if args.backfill and not (args.start and args.end):
        raise UsageError("--backfill takes --from and --to")
    if not args.backfill and (flags["inputs"] or flags["labels"]):
        raise UsageError(
            "-i, --inputs and --label belong to --backfill", hint="a trigger has inputs of its own"
        )


def _span(start: dt.datetime | None, end: dt.datetime | None, now: dt.datetime, *, past: bool) -> Span:
    from simulator.engine.triggers.playing import Span

    begin = start or now
    span = Span(begin, end or begin + dt.timedelta(days=1))
    if span.end <= span.start:
        raise UsageError("--to must be later than --from")
    if past and span.end > now:
        raise UsageError("a backfill is of the past: --to must not be later than --now")
    return span


# --- listing


def _list(
    args: argparse.Namespace, console: Console, session: Session, start: dt.datetime, end: dt.datetime
) -> int:
    from simulator.engine.triggers.schedule import is_schedule

    others: list[str] = []
    dates: list[Iterator[tuple[dt.datetime, int, Trigger, Fire]]] = []
    for number, trigger in enumerate(session.flow.triggers):
        if args.trigger and trigger.id != args.trigger:
            continue
        if is_schedule(trigger):
            dates.append(_dates(session, number, trigger, start, end))
        else:
            others.append(f"{trigger.id} ({(trigger.canonical or trigger.type).rpartition('.')[2]})")
    found = heapq.merge(*dates, key=lambda item: item[:2])
    if args.json:
        rows = [
            {"trigger": trigger.id, "disabled": trigger.disabled or session.flow.disabled, **fire.variables}
            | ({"problem": fire.problem} if fire.problem else {})
            for _, _, trigger, fire in found
        ]
        console.out(json.dumps(rows, indent=2))
        return int(ExitCode.SUCCESS)
    shown = list(islice(found, _SHOWN))
    for _, _, trigger, fire in shown:
        note = "  (disabled)" if trigger.disabled or session.flow.disabled else ""
        note += f"  (fails: {fire.problem})" if fire.problem else ""
        console.out(f"{fire.variables['date']:<27}{trigger.id}{note}")
    if next(found, None) is not None:
        console.err(f"these are the first {_SHOWN}; --json lists all")
    if not shown:
        console.err(f"no schedule fires between {start.isoformat()} and {end.isoformat()}")
    if others:
        console.err("not by the clock: " + ", ".join(others))
    return int(ExitCode.SUCCESS)


def _dates(
    session: Session, number: int, trigger: Trigger, start: dt.datetime, end: dt.datetime
) -> Iterator[tuple[dt.datetime, int, Trigger, Fire]]:
    for fire in session.executor.trigger_dates(session.flow, trigger, start, end):
        yield fire.date, number, trigger, fire


# --- playing


def _backfill(
    args: argparse.Namespace,
    console: Console,
    session: Session,
    span: Span,
    inputs: dict[str, Any],
    labels: dict[str, str],
) -> int:
    from simulator.engine.triggers.playing import Backfill
    from simulator.engine.triggers.schedule import is_schedule

    schedules = [
        trigger
        for trigger in session.flow.triggers
        if is_schedule(trigger) and args.trigger in (None, trigger.id)
    ]
    if len(schedules) != 1:
        names = ", ".join(trigger.id for trigger in schedules) or "none"
        raise UsageError("a backfill is of one schedule: --trigger ID", hint=f"schedules: {names}")
    announce(session, {"triggers": "backfill"})
    session.diagnostics.clear()
    held = session.executor.backfill(session.flow, schedules[0], span, Backfill(inputs, labels))
    return _played(args, console, session, held)


def _played(args: argparse.Namespace, console: Console, session: Session, held: list[Held]) -> int:
    executions = [execution for execution in session.executor.executions() if execution.kind != "LOOP"]
    if args.json:
        from simulator.engine.jsonform import to_json

        console.out(json.dumps([to_json(item, task_runs=False) for item in executions], indent=2))
    else:
        for item in executions:
            began = item.state.start_date.isoformat(timespec="seconds")
            name = f"{item.namespace}.{item.flow_id}"
            planned = item.schedule_date
            late = planned is not None and (item.state.start_date - planned) >= dt.timedelta(seconds=1)
            note = f"  (of {planned.isoformat(timespec='seconds')})" if late and planned is not None else ""
            console.out(f"{began:<27}{item.state.current.value:<11}{name}  {item.trigger_id or ''}{note}")
    for one in held:
        console.err(
            f"{one.flow.namespace}.{one.flow.id}: the trigger {one.trigger.id} waits since "
            f"{one.since.isoformat(timespec='seconds')} for the end of its execution {one.execution_id}"
        )
    failures = Counter(
        (f"{entry.namespace}.{entry.flow_id}: the trigger {entry.trigger_id}", entry.message)
        for entry in session.executor.kernel.loose_logs
        if entry.level == "ERROR" and entry.trigger_id is not None
    )
    console.report(session.diagnostics)
    for (name, message), times in failures.items():
        console.err(f"{name} failed{f' {times} times' if times > 1 else ''}: {message}")
    counts = Counter(item.state.current.value for item in executions)
    summary = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "nothing started"
    console.err(summary)
    tell_how_to_go_on(session.executor, args, console)
    failed = failures or counts.get("FAILED") or counts.get("KILLED")
    code = ExitCode.FAILED if failed else ExitCode.SUCCESS
    session.finish(int(code))
    return int(code)
