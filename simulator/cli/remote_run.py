"""`simulate run FLOW --on URL`: the same story, told by a Kestra server."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.cli.console import Console
from simulator.engine.events import Event, Reporter, RunEnded
from simulator.errors import ExitCode, InvalidFlowError, SimulatorError
from simulator.model.flow import Flow
from simulator.remote.client import KestraClient
from simulator.remote.run import RemoteResult, RemoteRun, deploy
from simulator.reports.masking import mask_event
from simulator.session import exit_code_of

__all__ = ["follow_remote", "namespace_files_of", "run_remote"]


def namespace_files_of(flow: Flow, settings: Any) -> dict[str, dict[str, bytes]]:
    """Namespace files that the settings bring along, by namespace."""
    files = settings.namespace_files
    if files is None:
        return {}
    if isinstance(files, Path):
        found = {
            path.relative_to(files).as_posix(): path.read_bytes()
            for path in sorted(files.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }
    else:
        found = {name: str(content).encode() for name, content in files.items()}
    return {flow.namespace: found} if found else {}


def follow_remote(
    client: KestraClient,
    flow: Flow,
    inputs: Mapping[str, Any],
    labels: Mapping[str, str],
    reporters: list[Reporter],
    console: Console,
    *,
    timeout: float | None,
) -> RemoteResult:
    """Starts one execution and follows it. Ctrl-C asks whether to kill it there."""

    def sink(event: Event) -> None:
        if console.redactor is not None:
            event = mask_event(event, console.redactor)
        for reporter in reporters:
            reporter.on_event(event)

    run = RemoteRun(client, flow, sink)
    run.start(inputs, labels)
    try:
        return run.follow(timeout=timeout)
    except KeyboardInterrupt:
        _interrupted(client, run.execution_id, console)
        raise


def _interrupted(client: KestraClient, execution_id: str | None, console: Console) -> None:
    import sys

    if execution_id is None:
        return
    answer = ""
    if sys.stdin.isatty() and console.is_terminal:
        console.err(f"\nKill execution {execution_id} on the server, too? [y/N] ", end="")
        answer = sys.stdin.readline().strip().lower()
    if answer in ("y", "yes"):
        client.kill(execution_id)
        console.err("kill asked for")
    else:
        console.err(f"execution {execution_id} goes on at {client.url}")


def run_remote(session: Any, args: argparse.Namespace, console: Console) -> ExitCode:
    """Everything of `--on`: check, deploy what changed, run, tell. `session` was opened, but its engine is not used."""
    from simulator.remote.settings import client_of

    client = client_of(args, console.environ)
    flow: Flow = session.flow
    code = ExitCode.INTERNAL
    try:
        if not args.no_deploy:
            others = _subflows(session)
            done = deploy(client, [*others, flow], namespace_files_of(flow, session.settings))
            for name in done:
                console.err(f"deployed {name}")
        result = follow_remote(
            client,
            flow,
            _inputs(session),
            session.settings.labels,
            session.reporters,
            console,
            timeout=args.timeout,
        )
        session.execution = result.execution
        console.err(f"\n{result.url}")
        if args.export is not None:
            console.err(f"{_export(client, result, args.export)} files written to {args.export}")
        code = exit_code_of(result.execution.state.current, strict=args.strict)
    except SimulatorError as error:
        code = error.exit_code
        raise
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
        raise
    finally:
        import datetime as dt

        for reporter in session.reporters:
            facts = {"executionId": session.execution.id} if session.execution else {}
            reporter.on_event(RunEnded(dt.datetime.now(dt.UTC), int(code), facts))
            reporter.close()
    return code


def _inputs(session: Any) -> dict[str, Any]:
    """Files as paths: they become parts of the request."""
    types = {item.id: item.type for item in session.flow.inputs}
    given: dict[str, Any] = {}
    for name, value in session.settings.inputs.items():
        if types.get(name) == "FILE" and not isinstance(value, Path) and Path(str(value)).is_file():
            value = Path(str(value))
        elif isinstance(value, Path) and types.get(name) != "FILE":
            value = value.read_text("utf-8").removesuffix("\n")
        given[name] = value
    return given


def _subflows(session: Any) -> list[Flow]:
    """Flows that the flow calls by name, and those that they call; children first."""
    from simulator.world.deployed import DeployedFlows

    store = DeployedFlows(session.flow, session.settings.flows, session.registry, session.dialect)
    found: dict[str, Flow] = {}

    def visit(flow: Flow) -> None:
        for task in flow.walk_tasks():
            namespace, flow_id = task.properties.get("namespace"), task.properties.get("flowId")
            if isinstance(namespace, str) and isinstance(flow_id, str) and "{{" not in namespace + flow_id:
                child = store.find(namespace, flow_id)
                if child is None:
                    raise InvalidFlowError(
                        f"The subflow '{flow_id}' not found in namespace '{namespace}'.", span=task.span
                    )
                if str(child.name) not in found and child is not session.flow:
                    found[str(child.name)] = child
                    visit(child)

    visit(session.flow)
    return list(reversed(found.values()))


def _export(client: KestraClient, result: RemoteResult, folder: Path) -> int:
    """Downloads every stored file that an output names."""
    from urllib.parse import unquote, urlsplit

    from simulator.reports.sink import write_atomically
    from simulator.storage.guard import relative_inside

    def uris(value: Any) -> list[str]:
        if isinstance(value, str):
            return [value] if value.startswith("kestra://") else []
        if isinstance(value, Mapping):
            return [uri for item in value.values() for uri in uris(item)]
        return [uri for item in value for uri in uris(item)] if isinstance(value, list) else []

    found = dict.fromkeys(uri for run in result.execution.task_runs for uri in uris(run.outputs or {}))
    for uri in found:
        relative = unquote(urlsplit(uri).path).lstrip("/")
        target = relative_inside(folder.absolute(), f"storage/{relative}")
        write_atomically(target, client.file(result.execution.id, uri))
    return len(found)
