"""From an execution to a suite: every task run that did something becomes a fixture, what it gave becomes assertions.

The suite replays the execution without any service. Where a fixture held a stored file, its content comes along when it
is at hand (a kept execution) and is text; of an execution of a server only the URI is known, and a comment says so.
What was masked stays masked (`******`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from simulator.engine.execution import Execution, TaskRun
from simulator.model.flow import Flow
from simulator.testing.writing import case_data, suite_text

__all__ = ["record"]

_FILE_LIMIT = 64 * 1024
_ASSERTIONS = 20


def record(
    execution: Execution,
    *,
    loops: Sequence[Execution] = (),
    flow: Flow | None = None,
    storage: Path | None = None,
    name: str = "recorded",
) -> str:
    """The suite as YAML. `loops`: iterations of 2.0 loops; `flow`: leaves out what has children (they run again);
    `storage`: the folder of the execution's files."""
    files: dict[str, str] = {}
    notes = [f"Recorded from execution {execution.id}, which ended {execution.state.current}."]
    runs = [run for item in (execution, *loops) for run in item.task_runs]
    fixtures = []
    seen: set[tuple[str, str | None]] = set()
    for run in runs:
        if (
            not run.state.current.is_terminated
            or _has_children(run, runs, flow)
            or run.state.current == "SKIPPED"
        ):
            continue
        if (run.task_id, run.value) in seen:
            notes.append(
                f"`{run.task_id}` ran more than once with the same value: a fixture holds for all of them."
            )
            continue
        seen.add((run.task_id, run.value))
        fixtures.append(_fixture(run, files, storage, notes))
    assertions = [{"value": "{{ execution.state }}", "equalTo": str(execution.state.current)}]
    for key, value in (execution.outputs or {}).items():
        if _is_plain(value):
            assertions.append({"value": f"{{{{ execution.outputs.{key} }}}}", "equalTo": _expected(value)})
    assertions += _of_outputs(execution)[: _ASSERTIONS - len(assertions)]
    data = case_data(
        name,
        description=f"What execution {execution.id} did.",
        expected_state=str(execution.state.current),
        fixtures={
            "inputs": dict(execution.inputs),
            "files": files,
            "tasks": fixtures,
            "trigger": _trigger(execution),
        },
        assertions=assertions,
    )
    return suite_text(namespace=execution.namespace, flow_id=execution.flow_id, cases=[data], head=notes)


def _has_children(run: TaskRun, runs: Sequence[TaskRun], flow: Flow | None) -> bool:
    task = flow.task(run.task_id) if flow is not None else None
    if task is not None and task.children:
        return True
    return any(other.parent_task_run_id == run.id for other in runs)


def _fixture(run: TaskRun, files: dict[str, str], storage: Path | None, notes: list[str]) -> dict[str, Any]:
    fixture: dict[str, Any] = {"id": run.task_id}
    if run.value is not None:
        fixture["value"] = run.value
    if run.state.current != "SUCCESS":
        fixture["state"] = str(run.state.current)
    if run.outputs:
        fixture["outputs"] = _with_files(run.outputs, run, files, storage, notes)
    return fixture


def _with_files(
    value: Any, run: TaskRun, files: dict[str, str], storage: Path | None, notes: list[str]
) -> Any:
    match value:
        case str() if value.startswith("kestra://"):
            content = _content(value, storage)
            if content is None:
                notes.append(f"`{run.task_id}`: the content of {value} is not at hand.")
                return value
            name = f"{run.task_id}-{len(files) + 1}{Path(value).suffix}"
            files[name] = _raw(content)
            return f"{{{{ files['{name}'] }}}}"
        case str() if "{{" in value or "{%" in value:
            return _raw(value)
        case Mapping():
            return {key: _with_files(item, run, files, storage, notes) for key, item in value.items()}
        case list() | tuple():
            return [_with_files(item, run, files, storage, notes) for item in value]
    return value


def _content(uri: str, storage: Path | None) -> str | None:
    """The text of a stored file; None when it is not there, too long, or no text."""
    if storage is None:
        return None
    from simulator.dialect import V2
    from simulator.errors import SimulatorError
    from simulator.storage.local import LocalStorage

    with suppress(SimulatorError, OSError, UnicodeDecodeError):
        path = LocalStorage(storage, V2).path(uri)
        if path.stat().st_size <= _FILE_LIMIT:
            data = path.read_bytes()
            if data.startswith(b"\xe0\x01\x00\xea"):
                return _ion_text(data)
            return data.decode("utf-8")
    return None


def _ion_text(data: bytes) -> str:
    """Binary Ion rows as Ion text: a fixture is readable."""
    import io

    from simulator.storage import ion

    return "".join(ion.dumps(row) + "\n" for row in ion.iter_rows(io.BytesIO(data)))


def _trigger(execution: Execution) -> dict[str, Any] | None:
    if not execution.trigger:
        return None
    return {
        "id": execution.trigger_id or "trigger",
        **({"type": execution.trigger_type} if execution.trigger_type else {}),
        "variables": dict(execution.trigger),
    }


def _raw(text: str) -> str:
    """A text that rendering leaves as it is."""
    return "{% raw %}" + text + "{% endraw %}" if "{{" in text or "{%" in text else text


def _is_plain(value: Any) -> bool:
    return (
        isinstance(value, str | int | bool) and "kestra://" not in str(value) and "******" not in str(value)
    )


def _expected(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return _raw(text)


def _of_outputs(execution: Execution) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for run in execution.task_runs:
        if run.value is not None or not run.outputs or run.parent_task_run_id is not None:
            continue
        for key, value in run.outputs.items():
            if _is_plain(value) and len(str(value)) <= 200 and str(key).isidentifier():
                name = f"outputs.{run.task_id}" if run.task_id.isidentifier() else f"outputs['{run.task_id}']"
                found.append(
                    {"taskId": run.task_id, "value": f"{{{{ {name}.{key} }}}}", "equalTo": _expected(value)}
                )
    return found
