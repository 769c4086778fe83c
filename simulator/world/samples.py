"""What a flow needs to reach its end on a bare machine and nobody has given yet: samples, made from the flow itself.

Inputs by their type and rules, secrets and variables by the names that expressions ask for, the trigger whose variables
are read, and mocks for whatever would run code or reach out. All of it is a guess to be edited; no value is a real one.

    found = samples(flow, text, catalog, dialect)
    side_file = render_samples(found, flow)
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.dialect import Dialect
from simulator.model.catalog import Catalog
from simulator.model.flow import Flow, Input, Task, Trigger
from simulator.world.stubs import as_yaml, render_stubs, stubs
from simulator.world.upstream import upstream
from simulator.world.usage import StoredFile, usage

__all__ = ["Samples", "reaches_out", "render_samples", "samples"]

_SECRET = re.compile(r"""\bsecret\(\s*(?:key\s*=\s*)?['"]([\w-]+)['"]""")
#: a number that somebody has to put there before the first run: kv('n') + 1
_KV_NUMBER = re.compile(r"""\bkv\(\s*['"]([\w.-]+)['"]\s*\)\s*[+-]""")
_ENV = re.compile(r"\benvs\.(\w+)")

_BY_TYPE: dict[str, Any] = {
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
#: 32 bytes that nobody can take for a real key
_KEY = base64.b64encode(b"sample-key-sample-key-sample-key").decode()
_TABLE = "id,name\n1,sample\n2,other\n"

#: Families that need nothing but this machine: they run for real. Notifications go to the outbox.
_LOCAL = (
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
_OUTSIDE = (
    "io.kestra.plugin.core.http.",
    "io.kestra.core.tasks.http",
    "io.kestra.plugin.fs.http",
    "io.kestra.plugin.core.flow.Subflow",
)


@dataclass(frozen=True, slots=True)
class Samples:
    """Sections of a side file, by the names that it gives them; what is empty is not needed."""

    inputs: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    """The key that SECRET inputs are encrypted with"""
    secrets: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    kv: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    namespace_files: Mapping[str, str] = field(default_factory=dict)
    trigger: str | None = None
    """The trigger that starts the flow; None: somebody does"""
    payload: Any = None
    """What that trigger brings"""
    mocks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def sections(self) -> dict[str, Any]:
        """What is needed, in the order of a side file, as flags of a session take it."""
        names = ("inputs", "config", "secrets", "env", "kv", "namespace_files", "trigger", "payload", "mocks")
        return {name: value for name in names if (value := getattr(self, name))}


def reaches_out(task: Task) -> bool:
    """Whether a task runs code of its own or asks a service: a first run is better off with a mock of it."""
    name = task.canonical or task.type
    return name.startswith(_OUTSIDE) or not name.startswith(_LOCAL)


def samples(
    flow: Flow,
    text: str,
    catalog: Catalog,
    dialect: Dialect,
    *,
    wanted: Callable[[Task], bool] = reaches_out,
) -> Samples:
    """Everything for a first run of a flow. `text` is its source; `wanted` says which tasks get a mock (beside those
    that cannot run here at all)."""
    files: dict[str, str] = {}
    trigger, payload = _start(flow, files)
    numbers = dict.fromkeys(_KV_NUMBER.findall(text), 1)
    return Samples(
        inputs=dict(_inputs(flow, files)),
        config={"encryption_key": _KEY} if any(item.type == "SECRET" for item in _leaves(flow)) else {},
        secrets={name: _secret(name) for name in _SECRET.findall(text)},
        env={f"ENV_{name.upper()}": "sample" for name in _ENV.findall(text)},
        kv={flow.namespace: numbers} if numbers else {},
        namespace_files=files,
        trigger=trigger,
        payload=payload,
        mocks=stubs(flow, catalog, dialect, wanted=wanted),
    )


def _leaves(flow: Flow) -> Iterator[Input]:
    for item in flow.inputs:
        yield from item.children or (item,)


def _inputs(flow: Flow, files: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """A value for each required input without a default; the files of FILE inputs go into `files`."""
    for item in flow.inputs:
        for one in item.children or (item,):
            if one.required and not one.has_defaults:
                yield f"{item.id}.{one.id}" if item.children else one.id, _input(one, files)


def _input(item: Input, files: dict[str, str]) -> Any:
    options = item.options
    if item.type in ("SELECT", "ENUM", "MULTISELECT"):
        values = options.get("values") or options.get("options")
        first = values[0] if isinstance(values, list) and values else "sample"
        first = first.get("value", "sample") if isinstance(first, Mapping) else first
        return [first] if item.type == "MULTISELECT" else first
    if item.type == "FILE":
        return _file(f"{item.id}{options.get('extension') or '.txt'}", _TABLE, files)
    if item.type == "ARRAY":
        return [_BY_TYPE.get(str(options.get("itemType")), "sample")]
    if item.type in ("INT", "FLOAT"):
        return _between(_BY_TYPE[item.type], options.get("min"), options.get("max"))
    validator = re.fullmatch(r"\^?(\w+)\$?", str(options.get("validator") or ""))
    return validator[1] if validator is not None else _BY_TYPE.get(item.type, "sample")


def _between(value: Any, low: Any, high: Any) -> Any:
    """The value, moved into its bounds; bounds that are expressions say nothing yet."""
    if isinstance(low, (int, float)):
        value = max(value, low)
    return min(value, high) if isinstance(high, (int, float)) else value


def _file(name: str, content: str, files: dict[str, str]) -> str:
    files[name] = content
    return f"nsfile:///{name}"


def _secret(name: str) -> str:
    """Webhooks are addresses, everything else is a word."""
    if "URL" in name.upper() or "HOOK" in name.upper():
        return f"https://hooks.example.com/{name.lower()}"
    return "sample-secret"


def _start(flow: Flow, files: dict[str, str]) -> tuple[str | None, Any]:
    """By hand, or as the trigger whose variables the flow reads, with a value for each of them."""
    shape = usage(flow)["trigger"]
    trigger = next((item for item in flow.triggers if not _has_days(item)), None)
    if not shape.fields or trigger is None:
        return None, None
    name = (trigger.canonical or trigger.type).rpartition(".")[2]
    if name in ("Schedule", "ScheduleOnDates"):
        return trigger.id, None  # it has dates of its own
    sample = _stored(shape.sample("trigger"), files)
    return trigger.id, upstream(trigger, sample) if name == "Flow" else sample


def _has_days(trigger: Trigger) -> bool:
    """A schedule with conditions fires on some days only: today a person starts the flow."""
    name = (trigger.canonical or trigger.type).rpartition(".")[2]
    return name == "Schedule" and bool(trigger.conditions or trigger.when)


def _stored(value: Any, files: dict[str, str]) -> Any:
    """A sample whose files are put where tasks can open them: into the namespace."""
    match value:
        case StoredFile():
            content = "id,name\n1,sample\n" if value.extension == ".csv" else '{id:1,name:"sample"}\n'
            return _file(f"sample{value.extension}", content, files)
        case Mapping():
            return {key: _stored(item, files) for key, item in value.items()}
        case list():
            return [_stored(item, files) for item in value]
    return value


def render_samples(found: Samples, flow: Flow) -> str:
    """A side file as YAML text."""
    sections = found.sections()
    mocks = sections.pop("mocks", None)
    lines = [
        f"# What {flow.id} needs to run here. Every value is a sample, made from how the flow uses it: edit them."
    ]
    for name, value in sections.items():
        note = "  # samples: real ones belong into an env file (`env_files`)" if name == "secrets" else ""
        first, *rest = as_yaml({name: value}).split("\n")
        lines += [first + note, *rest]
    if mocks:
        lines.append(render_stubs(mocks, flow))
    return "\n".join(lines)
