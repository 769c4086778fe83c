"""RunContext for task code: properties, files, log, metrics, of one attempt of one task run (task.py says what each gives).

The same class serves flowables as their `View`: there is no job then, and everything happens in the loop's thread.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from simulator.engine.encryption import MARKER, encrypt
from simulator.engine.events import MetricEmitted, PropertiesRendered
from simulator.engine.execution import LogEntry, Metric, TaskRun, replace
from simulator.engine.files import Files
from simulator.engine.jobs import Job, JobClock
from simulator.engine.live import Live
from simulator.engine.properties import CONVERSIONS, check, duration_of, java_class, plain_text, static_value
from simulator.engine.proxies import JobEndpoints, JobProcesses, Logger
from simulator.engine.scope import as_created, scope_of, variables_of
from simulator.engine.task import Clock, ExecutionService, InnerTask, TaskResult
from simulator.engine.workdir import WorkDir
from simulator.errors import ExpressionError, TaskError
from simulator.expressions.scope import Scope
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.model.flow import Task
from simulator.storage.base import StorageContext

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel

__all__ = ["TaskContext", "duration_of"]


class TaskContext:
    """task.RunContext. `directory` is shared inside a WorkingDirectory; `executions` is there for task code alone."""

    def __init__(
        self,
        kernel: Kernel,
        live: Live,
        run: TaskRun,
        task: Task,
        spec: TaskSpec | None,
        *,
        executions: ExecutionService | None = None,
        job: Job | None = None,
        directory: WorkDir | None = None,
        extra: Mapping[str, Any] | None = None,
        trigger_id: str | None = None,
    ) -> None:
        self._trigger_id = trigger_id
        self._kernel = kernel
        self._live = live
        self._run = run
        self._spec = spec
        self._job = job
        self._directory = directory or WorkDir(kernel, f"{run.id}-{len(run.attempts or ())}")
        self._shared = directory is not None
        self._rng: random.Random | None = None
        self._rendered: dict[str, Any] | None = {} if kernel.settings.record_properties else None
        self.task = task
        self.flow = live.flow
        self.dialect = kernel.dialect
        self.execution_id = live.id
        self.task_run_id = run.id
        self.task_run_value = run.value
        self.run_outputs = run.outputs
        """Outputs of the run so far (a flowable that goes on after a restart)."""
        self.attempt = max(len(run.attempts or ()) - 1, 0)
        # the attempt under way is not counted: attemptsCount is 0 at first
        before = (
            replace(run, attempts=(run.attempts or ())[:-1]) if run.attempts and spec is not None else run
        )
        variables = variables_of(kernel, live, before, task)
        if executions is not None and "tasks" in variables:
            variables["tasks"] = as_created(variables["tasks"], (task.id, *live.path(run)))
        if job is not None:
            # for a thread of its own: what the loop adds meanwhile is not seen
            for name in ("outputs", "tasks"):
                if name in variables:
                    variables[name] = dict(variables[name])
        self.variables: Mapping[str, Any] = variables
        if extra:
            self.variables = {**self.variables, **extra}
        self.storage = kernel.storage
        self.kv = kernel.kv
        self.namespace_files = kernel.namespace_files
        self._executions = executions
        self.dynamic: list[TaskRun] = []

    # --- services

    @property
    def logger(self) -> Logger:
        return Logger(self)  # not kept: the two would be a cycle, which only the garbage collector takes away

    @property
    def clock(self) -> Clock:
        if self._job is None:
            return self._kernel.clock
        return JobClock(self._kernel.now, self._kernel.clock.simulated, self._job)

    @property
    def endpoints(self) -> JobEndpoints:
        return JobEndpoints(self._kernel, self._job)

    @property
    def processes(self) -> JobProcesses:
        return JobProcesses(self._kernel, self._job)

    @property
    def allowed_paths(self) -> tuple[Path, ...]:
        return self._kernel.settings.allowed_paths

    @property
    def docker(self) -> bool:
        return self._kernel.settings.docker

    @property
    def executions(self) -> ExecutionService:
        if self._executions is None:
            raise TaskError("There is no execution service here")
        return self._executions

    # --- rendering

    def _scope(self, extra: Mapping[str, Any] | None = None) -> Scope:
        variables = {**self.variables, **extra} if extra else self.variables
        directory = self._directory.path if self._directory.made else None
        rng = self._kernel.rng if self._job is None else self._own_rng()
        return scope_of(self._kernel, self._live, variables, rng=rng, working_dir=directory)

    def _own_rng(self) -> random.Random:
        if self._rng is None:
            self._rng = random.Random(f"{self._kernel.settings.seed}:{self.task_run_id}:{self.attempt}")
        return self._rng

    def raw(self, name: str) -> Any:
        value = self.task.properties.get(name)
        if value is None and self._spec is not None:
            prop = self._spec.property(name)
            for alias in prop.aliases if prop is not None else ():
                if self.task.properties.get(alias) is not None:
                    return self.task.properties[alias]
        return value

    def get(self, name: str, default: Any = None, *, extra: Mapping[str, Any] | None = None) -> Any:
        prop = self._spec.property(name) if self._spec is not None else None
        raw = self.raw(name)
        fallback = prop.default if prop is not None and prop.default is not None else default
        if raw is None:
            return fallback
        if prop is None:
            return self.render(raw, extra)
        value = self._typed(prop, raw, extra)
        if self._rendered is not None:
            self._rendered[name] = value
        if value is None:
            return fallback
        check(prop, value, self.dialect)
        return value

    def _typed(self, prop: PropertySpec, raw: Any, extra: Mapping[str, Any] | None) -> Any:
        if not prop.dynamic:
            return static_value(prop, raw)
        kind = CONVERSIONS.get(prop.type)
        if kind is None or (not prop.as_property and prop.type in (T.LIST, T.MAP)):
            return self.render(raw, extra)
        if not prop.as_property and prop.type in (T.STRING, T.URI):
            return self.render(plain_text(raw), extra)
        from simulator.expressions.property import render_property

        item = CONVERSIONS.get(prop.item.type) if prop.item is not None else None
        more = {"value": item} if prop.type is T.MAP else {"item": item}
        return render_property(self._kernel.renderer, raw, kind, self._scope(extra), **more)

    def render(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        if isinstance(template, str):
            if "{" not in template and not self._kernel.settings.recursive_rendering:
                return template
            return self._kernel.renderer.render(template, self._scope(extra))
        if isinstance(template, (dict, list)):
            return self._kernel.renderer.render_deep(template, self._scope(extra))
        return template

    def render_typed(self, template: str, extra: Mapping[str, Any] | None = None) -> Any:
        return self._kernel.renderer.render_typed(template, self._scope(extra))

    # --- log, metrics, messages

    def emit_log(self, level: str, message: str, args: tuple[Any, ...]) -> None:
        for entry in self._kernel.entries(self._live, level, message, args, self._run, self.task):
            self._out(entry)
            if self.task.log_to_file:
                lines: list[str] = self._live.facts.setdefault(("log", self._run.id), [])
                lines.append(
                    f"{entry.timestamp.isoformat(timespec='milliseconds')} {level} {entry.message}\n"
                )

    def _out(self, item: LogEntry | MetricEmitted | PropertiesRendered) -> None:
        if self._job is not None:
            self._job.outbox.append(item)
            if self._job.phase.value == "real":
                self._kernel.jobs.poke()
        elif isinstance(item, LogEntry):
            self._kernel.keep(self._live, item)
        else:
            self._kernel.sink(item)

    def metric(
        self, name: str, value: float, *, type: str = "counter", tags: Mapping[str, str] | None = None
    ) -> None:
        now = self._kernel.now()
        metric = Metric(name, type, value, tags or {}, self.task.id, self.task_run_id, self.execution_id, now)
        self._out(MetricEmitted(now, metric))

    def outbox(self, channel: str, message: Mapping[str, Any]) -> None:
        self._kernel.outbox.append((channel, dict(message)))

    # --- files

    @property
    def _context(self) -> StorageContext:
        value = self._live.value
        if self._trigger_id is not None:
            return StorageContext(value.namespace, value.flow_id, value.id, trigger_id=self._trigger_id)
        return StorageContext(value.namespace, value.flow_id, value.id, self.task.id, self.task_run_id)

    @property
    def _files(self) -> Files:
        directory = self._directory.path if self._directory.made else None
        return Files(self._kernel, self._live.value.namespace, self._live.id, directory)

    @property
    def working_dir(self) -> Path:
        return self._directory.path

    def put_file(self, path: Path, name: str | None = None) -> str:
        return self.storage.put_file(self._context, path, name)

    def put_bytes(self, content: bytes | BinaryIO, name: str) -> str:
        return self.storage.put(self._context, content, name)

    def open_uri(self, uri: str) -> BinaryIO:
        return self._files.open(uri)

    def read_uri(self, uri: str) -> bytes:
        with self.open_uri(uri) as stream:
            return stream.read()

    def template(self, namespace: str, template_id: str) -> Sequence[Task]:
        settings = self._kernel.settings
        if not settings.templates_enabled:
            raise TaskError("Templates are disabled, please check your configuration")
        tasks = settings.templates.get((namespace, template_id))
        if tasks is None:
            raise TaskError(f"Can't find flow template '{namespace}.{template_id}'")
        for task in tasks:
            self._live.placements.add(task, self.task)
        return tasks

    def inner_task(self, source: str) -> InnerTask:
        """task.InnerTasks: reads one task and prepares it to run as this task run."""
        from simulator.diagnostics import Collector
        from simulator.dialect import V1, V2
        from simulator.model.problems import Problems
        from simulator.model.tasks import build_task
        from simulator.source.nodes import MapNode
        from simulator.source.yaml import read_yaml

        collector = Collector()
        node = read_yaml(source, "<task>")
        own = self.task.node.get("id")
        if isinstance(node, MapNode) and "id" not in node.entries and own is not None:
            # Kestra reads it without the rules of a flow; it runs as this task anyway
            node = replace(node, entries={"id": own, **node.entries})
        problems = Problems(
            self.dialect, self._kernel.registry, collector, V2 if self.dialect.major == 1 else V1
        )
        task = build_task(node, problems, "task")
        errors = [item.message for item in collector if item.severity.label == "error"]
        if task is None or errors:
            raise ExpressionError("; ".join(errors) or "This is no task")
        cls = self._kernel.registry.load(task.type)
        if cls is None:
            raise TaskError(f"Invalid type: {task.type}")

        def run() -> TaskResult:
            inner = TaskContext(
                self._kernel,
                self._live,
                self._run,
                replace(task, id=self.task.id),
                cls.spec,
                executions=self._executions,
                job=self._job,
                directory=self._directory,
            )
            result: TaskResult = cls().run(inner)
            return result

        return InnerTask(cls.spec.type, cls.spec.kind, run)

    def temp_file(self, extension: str = ".tmp") -> Path:
        rng = self._kernel.rng if self._job is None else self._own_rng()
        extension = extension if extension.startswith(".") or not extension else f".{extension}"
        path = self._directory.path / f"{rng.getrandbits(63)}{extension}"
        path.touch(mode=0o600)
        return path

    def input_files(self, files: Any) -> None:
        if files is None:
            return
        if isinstance(files, str):
            import json

            try:
                files = json.loads(self.render(files) or "")
            except ValueError as error:
                raise TaskError(f"Cannot read `inputFiles` as JSON: {error}") from None
        elif isinstance(files, Mapping):
            files = self.render(dict(files))
        if not isinstance(files, Mapping):
            raise TaskError(f"Invalid `files` properties with type '{java_class(files)}'")
        self._directory.input_files(files, self._files)

    def output_files(self, patterns: Iterable[str]) -> dict[str, str]:
        # Task code has rendered them already: file names are data, not templates.
        return self._directory.output_files([str(pattern) for pattern in patterns], self._context)

    def load_namespace_files(self, options: Any) -> None:
        self._directory.load_namespace_files(
            self.render(options) if options else options, self._live.value.namespace, self.logger
        )

    def encrypt(self, text: str) -> Any:
        self._kernel.redactor.register(text)
        key = self._kernel.settings.encryption_key
        if key is None:
            self.logger.warn("Unable to encrypt the output as encryption is not configured")
            return {"value": text, "type": MARKER}
        return {"value": encrypt(key, text), "type": MARKER}

    # --- cancelling

    @property
    def cancelled(self) -> bool:
        return self._job is not None and self._job.cancelled

    def on_cancel(self, action: Callable[[], None]) -> None:
        if self._job is not None:
            self._job.on_cancel(action)

    def real_work(self) -> None:
        """Says that real time passes from here on (a connection of its own, a library that waits)."""
        if self._job is not None:
            self._job.real()

    def close(self) -> None:
        """After the attempt: the working directory goes, unless it is shared."""
        if self._rendered:
            self._out(PropertiesRendered(self._kernel.now(), self.task_run_id, self.attempt, self._rendered))
        if not self._shared:
            self._directory.remove()
