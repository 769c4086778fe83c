"""What a real flow needs to run here and nobody gave us: inputs, secrets, a trigger's variables, mocks, other flows.

Everything is derived from the flow itself: values by type, output keys by what its expressions read.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulator.engine.execution import Execution, LogEntry
from simulator.errors import NotFoundError, SimulatorError
from simulator.model.dialects import choose
from simulator.model.flow import Flow, Input, Task
from simulator.plugins.registry import Registry
from simulator.session import Session
from simulator.world.stubs import stubs
from simulator.world.usage import StoredFile, usage

__all__ = ["Outcome", "run_flow"]

_SECRET = re.compile(r"""secret\(\s*(?:key\s*=\s*)?['"]([\w-]+)['"]""")
#: numbers that somebody has to put there before the first run: kv('n') + 1
_KV = re.compile(r"""\bkv\(\s*['\"]([\w.-]+)['\"]\s*\)\s*[+-]""")
_ENV = re.compile(r"""\benvs\.(\w+)""")

_INPUTS: dict[str, Any] = {
    "STRING": "sample",
    "INT": 3,
    "FLOAT": 1.5,
    "BOOL": True,
    "BOOLEAN": "true",
    "DATE": "2026-01-31",
    "TIME": "09:30:00",
    "DATETIME": "2026-01-31T09:30:00Z",
    "DURATION": "PT10M",
    "JSON": '{"id": 1}',
    "YAML": "id: 1",
    "URI": "https://example.com/sample",
    "SECRET": "sample secret",
    "EMAIL": "somebody@example.com",
    "ION": "{id: 1}",
}


class Outcome:
    """How a flow ended: a state, or the error that kept it from starting."""

    def __init__(
        self,
        execution: Execution | None,
        logs: list[LogEntry],
        error: SimulatorError | None,
        mocked: set[str],
        flow: Flow,
    ) -> None:
        self.execution = execution
        self.logs = logs
        self.error = error
        self.mocked = mocked
        self.flow = flow

    @property
    def state(self) -> str:
        return str(self.execution.state.current) if self.execution is not None else "NONE"

    @property
    def reasons(self) -> list[str]:
        if self.error is not None:
            return [self.error.message, *(item.message for item in self.error.diagnostics)]
        return [entry.message for entry in self.logs if entry.level == "ERROR"]


def _input_value(item: Input, folder: Path) -> Any:
    options = item.options
    if item.type in ("SELECT", "ENUM", "MULTISELECT"):
        values = options.get("values") or options.get("options") or ["sample"]
        first = values[0] if isinstance(values, list) else "sample"
        first = first.get("value", "sample") if isinstance(first, Mapping) else first
        return [first] if item.type == "MULTISELECT" else first
    if item.type == "FILE":
        path = folder / f"{item.id}{options.get('extension') or '.txt'}"
        path.write_text("id,name\n1,sample\n2,other\n")
        return str(path)
    if item.type == "ARRAY":
        return [_INPUTS.get(str(options.get("itemType")), "sample")]
    if item.type == "INT" and options.get("max") is not None:
        return min(3, int(options["max"]))
    validator = re.fullmatch(r"\^?(\w+)\$?", str(options.get("validator") or ""))
    if validator is not None:
        return validator[1]
    return _INPUTS.get(item.type, "sample")


def _inputs(flow: Flow, folder: Path) -> Iterator[tuple[str, Any]]:
    for item in flow.inputs:
        for one in item.children or (item,):
            if not one.has_defaults and one.required:
                name = f"{item.id}.{one.id}" if item.children else one.id
                yield name, _input_value(one, folder)


class _Recorder:
    def __init__(self) -> None:
        self.logs: list[LogEntry] = []

    def on_event(self, event: Any) -> None:
        entry = getattr(event, "entry", None)
        if entry is not None:
            self.logs.append(entry)

    def close(self) -> None:
        pass


#: Families that run for real: they need nothing but this machine. Everything else is mocked.
_REAL = (
    "io.kestra.plugin.core.",
    "io.kestra.core.",
    "io.kestra.plugin.serdes.",
    "io.kestra.plugin.transform.",
    "io.kestra.plugin.compress.",
    "io.kestra.plugin.slack.",
    "io.kestra.plugin.discord.",
    "io.kestra.plugin.telegram.",
    "io.kestra.plugin.zulip.",
    "io.kestra.plugin.zenduty.",
    "io.kestra.plugin.microsoft365.teams.",
    "io.kestra.plugin.email.",
)


def _mocked(task: Task) -> bool:
    """Everything that would reach out; what cannot run here is mocked anyway."""
    name = task.canonical or task.type
    if name.startswith(
        ("io.kestra.plugin.core.http.", "io.kestra.core.tasks.http", "io.kestra.plugin.fs.http")
    ):
        return True
    return not name.startswith(_REAL) or name in ("io.kestra.plugin.core.flow.Subflow",)


def run_flow(path: Path, folder: Path, real: tuple[str, ...] = ()) -> Outcome:
    """Runs a flow with generated surroundings; nothing but a SimulatorError is caught.

    `real`: beginnings of types that are not mocked although they run code.
    """
    try:
        return _run(path, folder, real, by_trigger=True)
    except NotFoundError:
        # The trigger's conditions do not hold on the day of the test: somebody starts it by hand.
        return _run(path, folder, real, by_trigger=False)


def _run(path: Path, folder: Path, real: tuple[str, ...], *, by_trigger: bool) -> Outcome:
    recorder = _Recorder()
    text = path.read_text("utf-8")
    registry = Registry()
    choice = choose(text, str(path), registry)
    assert choice.flow is not None
    flow = choice.flow
    flags: dict[str, Any] = {
        "secrets": {name: _secret(name) for name in _SECRET.findall(text)},
        "env": {f"ENV_{name.upper()}": "sample" for name in _ENV.findall(text)},
        "kv": {flow.namespace: dict.fromkeys(_KV.findall(text), 1)},
        "inputs": dict(_inputs(flow, folder)),
        "mocks": stubs(
            flow,
            registry,
            choice.dialect,
            wanted=lambda task: _mocked(task) and not task.type.startswith(real),
        ),
        "kestra": str(choice.dialect.major),
        "seed": 1,
        "state_dir": folder,
        "now": dt.datetime(2026, 1, 31, 9, tzinfo=dt.UTC),
    }
    if by_trigger:
        flags |= _start(flow)
    try:
        with Session.open(path, flags=flags, environ={}, cwd=folder) as session:
            session.reporters.append(recorder)
            session.prepare()
            if session.settings.payload is not None:
                payload = _stored(session, session.settings.payload)
                session.settings = replace(session.settings, payload=payload)
            return Outcome(session.run(), recorder.logs, None, set(flags["mocks"]), flow)
    except NotFoundError:
        raise
    except SimulatorError as error:
        return Outcome(None, recorder.logs, error, set(flags["mocks"]), flow)


def _stored(session: Session, value: Any) -> Any:
    """A sample with its files put into the namespace, where tasks can open them."""
    match value:
        case StoredFile():
            name = f"sample{value.extension}"
            content = b"id,name\n1,sample\n" if value.extension == ".csv" else b'{id:1,name:"sample"}\n'
            session.namespace_files.put(session.flow.namespace, name, content)
            return f"nsfile:///{name}"
        case Mapping():
            return {key: _stored(session, item) for key, item in value.items()}
        case list():
            return [_stored(session, item) for item in value]
    return value


def _secret(name: str) -> str:
    """Webhooks are addresses, everything else is a word."""
    if "URL" in name or "WEBHOOK" in name or "HOOK" in name:
        return f"https://hooks.example.com/{name.lower()}"
    return "sample-secret"


def _start(flow: Flow) -> dict[str, Any]:
    """By hand, or as the trigger whose variables the flow reads."""
    shape = usage(flow)["trigger"]
    trigger = next(iter(flow.triggers), None)
    if not shape.fields or trigger is None:
        return {}
    return {"trigger": trigger.id, "payload": shape.sample("trigger")}
