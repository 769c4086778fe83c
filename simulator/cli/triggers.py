"""`simulate triggers`: when a flow would start; with `--run`, all of it played in simulated time."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.cli.console import Console
from simulator.cli.options import add_run_options, flags_of
from simulator.errors import ExitCode, UsageError
from simulator.world.config import parse_now

if TYPE_CHECKING:
    from simulator.session import Session

HELP = "when a flow would start, and play it in simulated time"
_SHOWN = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("flow", type=Path, metavar="FLOW", help="a flow file")
    parser.add_argument("--from", dest="start", metavar="ISO", help="default: the run's now")
    parser.add_argument("--to", dest="end", metavar="ISO", help="default: a day later")
    parser.add_argument("--run", action="store_true", help="run every start, flow triggers included")
    parser.add_argument("--trigger", metavar="ID", help="only this trigger")
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_run_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.session import Session

    flags = dict(flags_of(args))
    if args.start:
        flags["now"] = parse_now(args.start)
    session = Session.open(
        args.flow, flags=flags, environ=console.environ, side_file=args.side_file, redactor=console.arm()
    )
    with session:
        console.redactor = session.vault.redactor
        executor = session.prepare()
        start = session.clock.now()
        end = parse_now(args.end) if args.end else start + dt.timedelta(days=1)
        if end <= start:
            raise UsageError("--to must be later than --from")
        return _play(args, console, executor, end) if args.run else _list(args, console, session, start, end)


def _list(
    args: argparse.Namespace, console: Console, session: Session, start: dt.datetime, end: dt.datetime
) -> int:
    from simulator.engine.triggers.schedule import is_schedule

    rows: list[dict[str, Any]] = []
    others: list[str] = []
    for trigger in session.flow.triggers:
        if args.trigger and trigger.id != args.trigger:
            continue
        if not is_schedule(trigger):
            others.append(f"{trigger.id} ({(trigger.canonical or trigger.type).rpartition('.')[2]})")
            continue
        for fire in session.executor.trigger_dates(session.flow, trigger, start, end):
            rows.append({"trigger": trigger.id, "disabled": trigger.disabled, **fire.variables})
            if len(rows) >= _SHOWN:
                break
    rows.sort(key=lambda row: dt.datetime.fromisoformat(row["date"]))
    if args.json:
        console.out(json.dumps(rows, indent=2))
    else:
        for row in rows:
            console.out(f"{row['date']:<27}{row['trigger']}{'  (disabled)' if row['disabled'] else ''}")
        if not rows:
            console.err(f"no schedule fires between {start.isoformat()} and {end.isoformat()}")
        if others:
            console.err("not by the clock: " + ", ".join(others))
    return int(ExitCode.SUCCESS)


def _play(args: argparse.Namespace, console: Console, executor: Any, end: dt.datetime) -> int:
    executor.play_triggers(end)
    executions = [execution for execution in executor.executions() if execution.kind != "LOOP"]
    if args.json:
        from simulator.engine.jsonform import to_json

        console.out(json.dumps([to_json(item, task_runs=False) for item in executions], indent=2))
    else:
        for item in executions:
            began = item.state.start_date.isoformat(timespec="seconds")
            name = f"{item.namespace}.{item.flow_id}"
            console.out(f"{began:<27}{item.state.current.value:<11}{name}  {item.trigger_id or ''}")
    counts = Counter(item.state.current.value for item in executions)
    summary = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "nothing started"
    console.err(summary)
    return int(ExitCode.FAILED if counts.get("FAILED") or counts.get("KILLED") else ExitCode.SUCCESS)
