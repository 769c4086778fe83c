"""`simulate report [EXECUTION|last]`: one HTML file that shows a kept execution."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.cli.console import Console
from simulator.errors import ExitCode, NotFoundError, SimulatorError

if TYPE_CHECKING:
    from simulator.engine.store import StoredRun
    from simulator.model.flow import Flow
    from simulator.secrets.redact import Redactor

HELP = "one HTML file that shows an execution"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "execution", nargs="?", default="last", metavar="EXECUTION", help="id, its beginning, or last"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: <flow>.html")
    parser.add_argument("--open", action="store_true", help="open it in a browser")
    parser.add_argument("--flow", type=Path, metavar="FILE", help="the flow's file, when it has moved")
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="where executions are kept")


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.cli.executions import store_of
    from simulator.plugins.registry import Registry
    from simulator.reports.html import HtmlReporter
    from simulator.reports.masking import mask_deep
    from simulator.reports.sink import file_writer
    from simulator.world.deployed import DeployedFlows

    reference = None if args.execution == "last" else args.execution
    stored, execution = store_of(args, console).find(reference)
    flow = _flow(
        args.flow or Path(str(stored.started.get("file") or "")), str(stored.started.get("dialect") or "2.0")
    )
    target = args.output or Path(f"{execution.flow_id}.html")
    # Events were masked when they were written. Stored files were not: they are data, and need the secrets to be masked.
    redactor = _redactor(flow, console)
    flows = DeployedFlows(flow, (), Registry(), flow.dialect)
    reporter = HtmlReporter(
        file_writer(target, redactor),
        flow,
        command=f"simulate run {flow.file}",
        previews=(lambda: mask_deep(_previews(stored), redactor)) if redactor is not None else None,
        flows=flows.find,
    )
    for event in _events(stored, flow):
        reporter.on_event(event)
    reporter.close()
    console.out(str(target))
    if args.open:
        import webbrowser

        webbrowser.open(target.absolute().as_uri())
    return ExitCode.SUCCESS


def _flow(path: Path, dialect: str) -> Flow:
    from simulator.diagnostics import Collector
    from simulator.dialect import dialect_of
    from simulator.model.build import draft_flow
    from simulator.plugins.registry import Registry
    from simulator.world.flowfile import read_flow_text

    if not path.is_file():
        raise NotFoundError(
            f"The flow's file `{path}` is not there any more", hint="give it with --flow FILE"
        )
    flow, _ = draft_flow(
        read_flow_text(path), str(path), dialect_of(dialect), Registry(), collector=Collector()
    )
    if flow is None:
        raise NotFoundError(f"`{path}` holds no flow any more", hint="give the flow's file with --flow FILE")
    return flow


def _redactor(flow: Flow, console: Console) -> Redactor | None:
    """Knows the secrets of the flow's env files. None when they cannot be read, or when the flow asks for secrets and
    there are none: stored files are not shown then."""
    from simulator.session import Session

    redactor = console.arm()
    try:
        with Session.open(
            Path(flow.file), flags={"keep": 0}, environ=console.environ, local=False, redactor=redactor
        ) as session:
            known = bool(session.vault.names())
    except SimulatorError:
        return None
    return redactor if known or "secret(" not in (flow.source or "") else None


def _events(stored: StoredRun, flow: Flow) -> list[Any]:
    from dataclasses import replace

    from simulator.engine.events import (
        ExecutionEnded,
        ExecutionStarted,
        LogEmitted,
        MetricEmitted,
        RunStarted,
        TaskRunChanged,
    )

    events: list[Any] = []
    for number, execution in enumerate(stored.executions.values()):
        start = execution.state.start_date
        if number == 0:
            dialect = str(stored.started.get("dialect") or flow.dialect)
            facts = stored.started.get("facts") or {}
            events.append(RunStarted(start, flow.file, flow.namespace, flow.id, dialect, facts))
        events.append(ExecutionStarted(start, replace(execution, task_runs=())))
        events += [
            TaskRunChanged(
                run.state.histories[-1].date, run, stored.types.get(run.id, ""), stored.facts.get(run.id)
            )
            for run in execution.task_runs
        ]
        events += [LogEmitted(entry.timestamp, entry) for entry in stored.logs.get(execution.id, ())]
        events.append(ExecutionEnded(execution.state.histories[-1].date, execution))
    events += [MetricEmitted(metric.timestamp or start, metric) for metric in stored.metrics]
    return events


def _previews(stored: StoredRun) -> dict[str, Any]:
    from simulator.world.previews import preview

    files: dict[str, Any] = {}
    root = stored.folder / "storage"
    for path in sorted(root.rglob("*"))[:400] if root.is_dir() else ():
        if path.is_file() and "/executions/" in path.as_posix() and len(files) < 40:
            with path.open("rb") as stream:
                data = stream.read(256 * 1024)
            files[path.relative_to(root).as_posix()] = preview(data, path.stat().st_size)
    return {"Stored files": files} if files else {}
