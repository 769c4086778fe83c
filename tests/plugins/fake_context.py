"""A run context for plugin tests: real storage in a temporary directory, everything else recorded.

ctx = FakeContext(tmp_path, {"format": "{{ inputs.x }}"}, spec=Return.spec, variables={"inputs": {"x": "a"}})
assert Return().run(ctx).outputs == {"value": "a"}
"""

from __future__ import annotations

import datetime as dt
import functools
import io
import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from simulator.diagnostics import Position, Span
from simulator.dialect import V2, Dialect
from simulator.engine.execution import LogEntry
from simulator.engine.task import Endpoint, InnerTask, ProcessResult
from simulator.errors import NetworkRefusedError, TaskError
from simulator.expressions.property import render_property
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Scope
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.model.flow import Flow, Task
from simulator.plugins.registry import Registry
from simulator.source.nodes import MapNode
from simulator.storage import guard
from simulator.storage.base import StorageContext
from simulator.storage.kv import LocalKv
from simulator.storage.local import LocalStorage
from simulator.storage.namespace_files import LocalNamespaceFiles
from tests.plugins import workdir

START = dt.datetime(2024, 5, 1, 12, 0, 0, tzinfo=dt.UTC)


class FakeClock:
    """Simulated time that starts at START; `slept` are the durations asked for."""

    simulated = True

    def __init__(self) -> None:
        self.time = START
        self.slept: list[dt.timedelta] = []

    def now(self) -> dt.datetime:
        return self.time

    def sleep(self, duration: dt.timedelta) -> None:
        self.slept.append(duration)
        self.time += duration


class FakeLogger:
    """Keeps (level, message); `messages()` for the texts."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []

    def log(self, level: str, message: str, *args: Any) -> None:
        for arg in args:
            message = message.replace("{}", str(arg), 1)
        self.entries.append((level, message))

    def messages(self, level: str | None = None) -> list[str]:
        return [text for name, text in self.entries if level in (None, name)]

    error = functools.partialmethod(log, "ERROR")
    warn = functools.partialmethod(log, "WARN")
    info = functools.partialmethod(log, "INFO")
    debug = functools.partialmethod(log, "DEBUG")
    trace = functools.partialmethod(log, "TRACE")


class FakeEndpoints:
    """`table` maps a kind (`http`) or a URL to an Endpoint; anything else is refused. `asked` records the calls."""

    def __init__(self) -> None:
        self.table: dict[str, Endpoint] = {}
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def resolve(self, kind: str, url: str, **wanted: Any) -> Endpoint:
        self.asked.append((kind, url, wanted))
        endpoint = self.table.get(url) or self.table.get(kind)
        if endpoint is None:
            raise NetworkRefusedError(f"{kind} {url} is not allowed")
        return endpoint


class FakeExecutions:
    """ExecutionService over lists that the test fills. `acts` records what was asked."""

    def __init__(self) -> None:
        self.known: list[Any] = []
        self.log_entries: list[LogEntry] = []
        self.known_flows: list[Flow] = []
        self.acts: list[tuple[Any, ...]] = []

    def create_execution(self, namespace: str, flow_id: str, inputs: Any, labels: Any, **options: Any) -> str:
        self.acts.append(("create", namespace, flow_id, dict(inputs), dict(labels), options))
        return "new-execution"

    def executions(self, **filters: Any) -> Iterable[Any]:
        self.acts.append(("executions", filters))
        wanted = {key: value for key, value in filters.items() if key in ("namespace", "flow_id") and value}
        return [e for e in self.known if all(getattr(e, key) == value for key, value in wanted.items())]

    def act(self, action: str, execution_id: str, **options: Any) -> Any:
        self.acts.append((action, execution_id, options))
        return None

    def logs(self, **filters: Any) -> Iterable[Any]:
        self.acts.append(("logs", filters))
        return list(self.log_entries)

    def purge_logs(self, **filters: Any) -> int:
        self.acts.append(("purge_logs", filters))
        return len(self.log_entries)

    def triggers(self, **filters: Any) -> Iterable[Any]:
        return []

    def set_trigger_disabled(self, namespace: str, flow_id: str, trigger_id: str, disabled: bool) -> None:
        self.acts.append(("trigger", namespace, flow_id, trigger_id, disabled))

    def flows(self, namespace: str | None = None) -> Iterable[Flow]:
        return [f for f in self.known_flows if namespace is None or f.namespace == namespace]

    def set_variables(self, variables: Mapping[str, Any], *, overwrite: bool = True) -> None:
        self.acts.append(("variables", dict(variables), overwrite))


class FakeProcesses:
    """Real child processes are the engine's; a test that needs them sets its own runner."""

    def run(self, argv: list[str], **options: Any) -> ProcessResult:
        raise AssertionError(f"no process expected: {argv}")


def _node() -> MapNode:
    place = Position(1, 1)
    return MapNode({}, {}, Span("flow.yml", place, place))


def make_flow(properties: Mapping[str, Any], dialect: Dialect, type_name: str) -> tuple[Flow, Task]:
    task = Task("my_task", type_name, type_name, dict(properties), {}, _node())
    flow = Flow("my_flow", "company.team", (task,), dialect, _node(), "", "flow.yml")
    return flow, task


class FakeContext:
    """Implements `simulator.engine.task.RunContext`. Everything recorded is a public attribute."""

    def __init__(
        self,
        tmp_path: Path,
        properties: Mapping[str, Any] | None = None,
        *,
        spec: TaskSpec,
        dialect: Dialect = V2,
        variables: Mapping[str, Any] | None = None,
        value: str | None = None,
    ) -> None:
        self.spec = spec
        self.dialect = dialect
        self.properties = dict(properties or {})
        self.flow, self.task = make_flow(self.properties, dialect, spec.type)
        self.execution_id = "exec1"
        self.task_run_id = "run1"
        self.task_run_value = value
        self.attempt = 0
        self.rng = random.Random(7)
        self.clock = FakeClock()
        self.logger = FakeLogger()
        self.storage = LocalStorage(tmp_path / "storage", dialect, self.rng, self.clock.now)
        self.kv = LocalKv(self.storage, self.clock, dialect, lambda: [self.flow.namespace])
        self.namespace_files = LocalNamespaceFiles(self.storage, dialect, self.clock.now)
        self.endpoints = FakeEndpoints()
        self.processes: Any = FakeProcesses()
        self.executions = FakeExecutions()
        self.variables: dict[str, Any] = {
            "flow": {"id": self.flow.id, "namespace": self.flow.namespace},
            "execution": {"id": self.execution_id},
            "task": {"id": self.task.id},
            "taskrun": {"id": self.task_run_id} | ({"value": value} if value is not None else {}),
            **(variables or {}),
        }
        self._working_dir = tmp_path / "work"
        self.metrics: list[tuple[str, float, str, dict[str, str]]] = []
        self.messages: list[tuple[str, Mapping[str, Any]]] = []
        self.cancel_actions: list[Callable[[], None]] = []
        self.cancelled = False
        self.allowed_paths: tuple[Path, ...] = ()
        self.docker = False

    # -- properties ---------------------------------------------------------------------------------------------

    def raw(self, name: str) -> Any:
        return self.properties.get(name)

    def get(self, name: str, default: Any = None, *, extra: Mapping[str, Any] | None = None) -> Any:
        spec = self.spec.property(name)
        assert spec is not None, f"{self.spec.type} declares no property {name}"
        raw = self.properties.get(name)
        for alias in spec.aliases:
            raw = self.properties.get(alias) if raw is None else raw
        value = None if raw is None else self._typed(spec, raw, extra)
        if value is None:
            return spec.default if spec.default is not None else default
        if spec.values and value not in spec.values:
            raise TaskError(f"{name}: not one of {', '.join(spec.values)}: '{value}'")
        return value

    def _typed(self, spec: PropertySpec, raw: Any, extra: Mapping[str, Any] | None) -> Any:
        kind = _AS.get(spec.type)
        if not spec.dynamic:
            return raw
        if kind is None or (not spec.as_property and spec.type in (T.LIST, T.MAP)):
            return self.render(raw, extra)
        if not spec.as_property and spec.type in (T.STRING, T.URI):
            return self.render(str(raw).lower() if isinstance(raw, bool) else str(raw), extra)
        item = _AS.get(spec.item.type) if spec.item is not None else None
        more = {"value": item} if spec.type is T.MAP else {"item": item}
        return render_property(real_renderer(self.dialect), raw, kind, self.scope(extra), **more)

    # -- rendering ----------------------------------------------------------------------------------------------

    def scope(self, extra: Mapping[str, Any] | None = None) -> Scope:
        variables = {**self.variables, **(extra or {})}
        return Scope(self.dialect, variables, files=_Files(self), now=self.clock.now, rng=self.rng)

    def render(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        renderer = real_renderer(self.dialect)
        if isinstance(template, str):
            return renderer.render(template, self.scope(extra))
        return renderer.render_deep(template, self.scope(extra))

    def render_typed(self, template: str, extra: Mapping[str, Any] | None = None) -> Any:
        return real_renderer(self.dialect).render_typed(template, self.scope(extra))

    def inner_task(self, source: str) -> InnerTask:
        """For TemplatedTask: the inner task runs in a context that shares everything but the properties."""
        import copy

        import yaml

        properties = yaml.safe_load(source)
        name = properties.pop("type")
        plugin = Registry(("simulator.plugins.core",), entry_points=False).load(name)
        assert plugin is not None, name
        inner = copy.copy(self)
        inner.spec, inner.properties = plugin.spec, properties
        return InnerTask(plugin.spec.type, plugin.spec.kind, lambda: plugin().run(inner))

    # -- records ------------------------------------------------------------------------------------------------

    def metric(
        self, name: str, value: float, *, type: str = "counter", tags: Mapping[str, str] | None = None
    ) -> None:
        self.metrics.append((name, value, type, dict(tags or {})))

    def outbox(self, channel: str, message: Mapping[str, Any]) -> None:
        self.messages.append((channel, message))

    def on_cancel(self, action: Callable[[], None]) -> None:
        self.cancel_actions.append(action)

    def encrypt(self, text: str) -> Any:
        self.logger.warn("Unable to encrypt the output as encryption is not configured")
        return {"value": text, "type": "io.kestra.datatype:aes_encrypted"}

    # -- files --------------------------------------------------------------------------------------------------

    @property
    def context(self) -> StorageContext:
        return StorageContext(
            self.flow.namespace, self.flow.id, self.execution_id, self.task.id, self.task_run_id
        )

    @property
    def working_dir(self) -> Path:
        self._working_dir.mkdir(mode=0o700, exist_ok=True)
        return self._working_dir

    def put_file(self, path: Path, name: str | None = None) -> str:
        return self.storage.put_file(self.context, path, name)

    def put_bytes(self, content: bytes | BinaryIO, name: str) -> str:
        return self.storage.put(self.context, content, name)

    def open_uri(self, uri: str) -> BinaryIO:
        if uri.startswith("nsfile://"):
            namespace, _, path = uri[9:].partition("/")
            return io.BytesIO(self.namespace_files.read(namespace or self.flow.namespace, path))
        if uri.startswith("file://"):
            return guard.open_path(Path(uri[7:]), (self.working_dir,)).open("rb")
        return self.storage.open(uri)

    def temp_file(self, extension: str = ".tmp") -> Path:
        return workdir.make_temp_file(self.working_dir, self.rng, extension)

    def input_files(self, files: Any) -> None:
        parsed = workdir.parse_input_files(self.render(files))
        workdir.write_input_files(self.working_dir, parsed, self.open_uri)

    def output_files(self, patterns: Iterable[str]) -> dict[str, str]:
        return workdir.collect_output_files(self.working_dir, patterns, self.put_file)

    def load_namespace_files(self, options: Any) -> None:
        if options and options.get("enabled", True):
            workdir.load_namespace_files(
                self.working_dir,
                self.namespace_files,
                options.get("namespaces") or [self.flow.namespace],
                include=options.get("include") or (),
                exclude=options.get("exclude") or (),
                log=self.logger.log,
            )

    # -- helpers for tests --------------------------------------------------------------------------------------

    def read(self, uri: str) -> bytes:
        with self.storage.open(uri) as stream:
            return stream.read()

    def store(self, content: bytes | str, name: str = "in.ion") -> str:
        """Puts a file into the storage, outside any execution; its URI."""
        data = content.encode() if isinstance(content, str) else content
        return self.storage.put_at(f"kestra:///test/{name}", data)


_AS = {
    T.STRING: "string",
    T.URI: "string",
    T.INTEGER: "integer",
    T.NUMBER: "number",
    T.BOOLEAN: "boolean",
    T.DURATION: "duration",
    T.DATE: "date",
    T.TIME: "time",
    T.DATETIME: "datetime",
    T.ENUM: "enum",
    T.LIST: "list",
    T.MAP: "map",
}


class _Files:
    """The FileService of expressions (`read()`, `fileSize()`...)."""

    def __init__(self, ctx: FakeContext) -> None:
        self._ctx = ctx

    def read(self, uri: str, *, namespace: str | None = None, version: int | None = None) -> bytes:
        with self._ctx.open_uri(uri) as stream:
            return stream.read()

    def exists(self, uri: str, *, namespace: str | None = None) -> bool:
        return self._ctx.storage.exists(uri)

    def size(self, uri: str, *, namespace: str | None = None) -> int:
        return self._ctx.storage.info(uri).size

    def namespace_file_uri(self, path: str, namespace: str, version: int | None = None) -> str:
        return self._ctx.namespace_files.uri(namespace, path, version)


@functools.lru_cache
def real_renderer(dialect: Dialect) -> Renderer:
    return Renderer(dialect)
