"""`simulate executions`: what was kept: list, show, logs, outputs, diff. Also how the other commands open what was kept."""

from __future__ import annotations

import argparse
import datetime as dt
import difflib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.cli.console import Console
from simulator.cli.options import add_run_options, flags_of
from simulator.errors import ExitCode, NotFoundError, SimulatorError, UsageError

if TYPE_CHECKING:
    from simulator.engine.execution import Execution
    from simulator.engine.store import Store, StoredRun
    from simulator.session import Session

HELP = "kept executions: list, show, logs, outputs, diff"
_ACTIONS = ("list", "show", "logs", "outputs", "diff")
_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=_ACTIONS, default="list", help="what to show (default: list)"
    )
    parser.add_argument(
        "execution", nargs="*", metavar="EXECUTION", help="id, or its beginning; default: the newest"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--level", choices=_LEVELS, default="INFO", help="least level of log entries")
    parser.add_argument("--task", metavar="ID", help="only this task")
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="where executions are kept")


def run(args: argparse.Namespace, console: Console) -> int:
    store = store_of(args, console)
    actions: dict[str, Callable[[argparse.Namespace, Console, Store], None]] = {
        "list": _list,
        "show": _show,
        "logs": _logs,
        "outputs": _outputs,
        "diff": _diff,
    }
    wanted = {"list": 0, "diff": 2}.get(args.action, 1)
    if len(args.execution) > wanted or (args.action == "diff" and len(args.execution) != wanted):
        raise UsageError(f"`executions {args.action}` takes {wanted or 'no'} execution{'s' * (wanted != 1)}")
    actions[args.action](args, console, store)
    return int(ExitCode.SUCCESS)


def store_of(args: argparse.Namespace, console: Console) -> Store:
    """The state directory of a command."""
    from simulator.engine.store import Store
    from simulator.world.rundir import STATE_DIR

    folder = args.state_dir or Path(console.environ.get("SIMULATE_STATE_DIR") or STATE_DIR)
    return Store(folder)


def _reference(args: argparse.Namespace, number: int = 0) -> str | None:
    return args.execution[number] if len(args.execution) > number else None


def _list(args: argparse.Namespace, console: Console, store: Store) -> None:
    from simulator.engine.jsonform import to_json
    from simulator.world.rundir import is_worked_on

    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for run_ in store.runs():  # newest first: a resumed execution is shown as it is now
        cut_short = run_.exit_code is None and not is_worked_on(run_.folder)
        for execution in run_.executions.values():
            if execution.kind != "LOOP" and execution.id not in seen:
                seen.add(execution.id)
                row = {"file": run_.started.get("file"), **to_json(execution, task_runs=False)}
                if cut_short and not execution.state.current.is_terminated:
                    row["interrupted"] = execution.state.current.value != "PAUSED"
                rows.append(row)
    if args.json:
        console.out(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        console.err(f"No execution is kept in {store.root}. `simulate FLOW` makes one.")
        return
    for row in rows:
        state = row["state"]
        console.out(
            f"{row['id']:<24}{state['current']:<11}{state['startDate'][:19]:<21}"
            f"{row['namespace']}.{row['flowId']}{'  (interrupted)' if row.get('interrupted') else ''}"
        )
    if any(row.get("interrupted") for row in rows):
        console.err("`simulate resume ID` goes on with an interrupted execution")


def _show(args: argparse.Namespace, console: Console, store: Store) -> None:
    from simulator.engine.jsonform import to_json

    _, execution = store.find(_reference(args))
    if args.json:
        console.out(json.dumps(to_json(execution), indent=2, ensure_ascii=False))
        return
    states = " > ".join(entry.state.value for entry in execution.state.histories)
    console.out(f"{execution.namespace}.{execution.flow_id}  {execution.id}")
    console.out(f"{states}")
    if execution.trigger_id:
        planned = execution.schedule_date
        of = f" of {planned.isoformat(timespec='seconds')}" if planned is not None else ""
        kind = (execution.trigger_type or "").rpartition(".")[2]
        console.out(f"started by  {execution.trigger_id} ({kind}){of}")
    if execution.labels:
        console.out("labels  " + ", ".join(f"{key}={value}" for key, value in execution.labels))
    for task_run in execution.task_runs:
        if args.task and task_run.task_id != args.task:
            continue
        value = f" [{task_run.value}]" if task_run.value is not None else ""
        count = len(task_run.attempts or ())
        attempts = f"  {count} attempts" if count > 1 else ""
        console.out(f"  {task_run.state.current.value:<11}{task_run.task_id}{value}{attempts}")


def _logs(args: argparse.Namespace, console: Console, store: Store) -> None:
    from simulator.engine.jsonform import log_to_json

    run_, execution = store.find(_reference(args))
    least = _LEVELS.index(args.level)
    entries = [
        entry
        for entry in run_.logs.get(execution.id, ())
        if _LEVELS.index(entry.level) >= least and (args.task is None or entry.task_id == args.task)
    ]
    if args.json:
        console.out(json.dumps([log_to_json(entry) for entry in entries], indent=2, ensure_ascii=False))
        return
    for entry in entries:
        moment = entry.timestamp.isoformat(timespec="milliseconds")[11:23]
        console.out(f"{moment} {entry.level:<5} {entry.task_id or '-'}  {entry.message}")


def _outputs(args: argparse.Namespace, console: Console, store: Store) -> None:
    _, execution = store.find(_reference(args))
    tasks: dict[str, Any] = {}
    for task_run in execution.task_runs:
        if task_run.outputs and (args.task is None or task_run.task_id == args.task):
            name = task_run.task_id if task_run.value is None else f"{task_run.task_id}[{task_run.value}]"
            tasks[name] = task_run.outputs
    found = {"outputs": execution.outputs, "tasks": tasks}
    console.out(json.dumps(found, indent=2, ensure_ascii=False))


def _diff(args: argparse.Namespace, console: Console, store: Store) -> None:
    """What differs between two executions, ids and times left out."""
    found = [store.find(name)[1] for name in args.execution]
    texts = [_comparable(execution) for execution in found]
    names = [execution.id for execution in found]
    lines = list(difflib.unified_diff(texts[0], texts[1], names[0], names[1], lineterm=""))
    for line in lines:
        console.out(line)
    if not lines:
        console.err("no difference")


def _comparable(execution: Execution) -> list[str]:
    value = {
        "flow": f"{execution.namespace}.{execution.flow_id}",
        "state": execution.state.current.value,
        "inputs": execution.inputs,
        "outputs": execution.outputs,
        "labels": {key: text for key, text in execution.labels if not key.startswith("system.")},
        "taskRuns": [
            {
                "task": run_.task_id,
                "value": run_.value,
                "state": run_.state.current.value,
                "attempts": len(run_.attempts or ()),
                "outputs": run_.outputs,
            }
            for run_ in execution.task_runs
        ],
    }
    return json.dumps(value, indent=1, ensure_ascii=False, default=str).splitlines()


# --- going on with a kept execution (resume, restart, replay, kill)


def add_kept_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the commands that go on with a kept execution."""
    parser.add_argument(
        "execution", nargs="?", metavar="EXECUTION", help="id, or its beginning; default: the newest"
    )
    parser.add_argument("--flow", type=Path, metavar="FILE", help="the flow's file, when it has moved")
    add_run_options(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="only the result")
    parser.add_argument("--strict", action="store_true", help="exit 7 when the execution ends WARNING")


def go_on(args: argparse.Namespace, console: Console, action: Callable[[Session, str], Execution]) -> int:
    """Opens a kept execution, does `action(session, id)` and runs until nothing more happens. The exit code."""
    from simulator.cli.waiting import code_of, tell_how_to_go_on
    from simulator.reports.masking import masked_values
    from simulator.world.rundir import is_worked_on

    stored, execution = store_of(args, console).find(args.execution)
    if is_worked_on(stored.folder):
        raise UsageError(f"Execution '{execution.id}' is being worked on by another process")
    session = _open(args, console, stored)
    with session:
        console.redactor = session.vault.redactor
        code = ExitCode.INTERNAL
        executor = session.prepare()
        _bring(session, stored)
        try:
            executor.adopt(list(stored.executions.values()), stored.logs)
            console.report(masked_values(stored.executions.values()))
            _report_to(session, args, console)
            changed = action(session, execution.id)
            executor.run_until_idle()
            session.execution = executor.execution(changed.id)
            code = code_of(session.execution, executor, strict=args.strict)
            tell_how_to_go_on(executor, args, console)
        except SimulatorError as error:
            code = error.exit_code
            raise
        finally:
            session.finish(int(code))
    return int(code)


def _open(args: argparse.Namespace, console: Console, stored: StoredRun) -> Session:
    from simulator.session import Session

    started = stored.started

    path = args.flow or Path(str(started.get("file") or ""))
    if not path.is_file():
        raise NotFoundError(
            f"The flow's file `{path}` is not there any more", hint="give it with --flow FILE"
        )
    flags = dict(flags_of(args))
    if flags.get("kestra") in (None, "auto") and started.get("dialect"):
        flags["kestra"] = "1" if str(started["dialect"]).startswith("1") else "2"
    goes_on = not flags.get("now") and not flags.get("real_time")
    if goes_on:
        flags["now"] = _last_moment(stored)  # the run's time goes on where it stopped
    session = Session.open(
        path, flags=flags, environ=console.environ, side_file=args.side_file, redactor=console.arm()
    )
    session.frozen = False if goes_on else None
    return session


def _last_moment(stored: StoredRun) -> dt.datetime:
    """The last thing that is known of a kept run."""
    executions = list(stored.executions.values())
    states = [execution.state for execution in executions]
    states += [task_run.state for execution in executions for task_run in execution.task_runs]
    told = [entry.timestamp for entries in stored.logs.values() for entry in entries]
    return max([state.histories[-1].date for state in states] + told)


def _bring(session: Session, stored: StoredRun) -> None:
    """Files, KV and caches of the kept run come along; the new run keeps its own events."""
    from simulator.engine.store import EventStore
    from simulator.reports.masking import mask_json_lines

    old = stored.folder / "storage"
    if session.rundir is None:
        return
    if old.is_dir():
        shutil.copytree(old, session.rundir.storage, dirs_exist_ok=True)
    if not any(isinstance(reporter, EventStore) for reporter in session.reporters):
        session.reporters.append(
            EventStore(session.rundir.root, lambda lines: mask_json_lines(lines, session.vault.redactor))
        )
    announce(session, {"continues": stored.folder.name})


def announce(session: Session, facts: dict[str, Any]) -> None:
    """The first line of the run's events names its flow, so that others can go on with it."""
    from simulator.engine.events import RunStarted

    event = RunStarted(
        session.clock.now(),
        str(session.flow_file),
        session.flow.namespace,
        session.flow.id,
        str(session.dialect),
        facts,
    )
    for reporter in session.reporters:
        reporter.on_event(event)


def _report_to(session: Session, args: argparse.Namespace, console: Console) -> None:
    from simulator.reports.console import ConsoleReporter
    from simulator.reports.sink import stream_writer

    redactor = session.vault.redactor
    session.reporters.append(
        ConsoleReporter(
            stream_writer(console.stdout, redactor),
            stream_writer(console.stderr, redactor),
            style=console.style,
            err_style=console.err_style,
            quiet=args.quiet,
        )
    )
