"""The contract between the engine and task plugins. Plugins import this module (and model.catalog, storage), nothing else.

A plugin is a class with a `spec` and a `run`:

    class Return:
        spec = TaskSpec("io.kestra.plugin.core.debug.Return", properties=(PropertySpec("format"),),
                        outputs=(OutputSpec("value", T.STRING),))

        def run(self, ctx: RunContext) -> TaskResult:
            return TaskResult({"value": ctx.get("format")})

One instance serves one task run attempt. `run` raises `TaskError` (or lets an ExpressionError, StorageError,
NetworkRefusedError pass) to FAIL; any other exception also FAILS the task run with its message, as in Kestra.
It may block: it runs in a worker thread. It must look at `ctx.cancelled` in long loops, and give what can be
interrupted from outside (a connection, a process) to `ctx.on_cancel`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Protocol, runtime_checkable

from simulator.dialect import Dialect
from simulator.engine.execution import StateType
from simulator.model.catalog import Kind, TaskSpec
from simulator.model.flow import Flow, Task
from simulator.storage.base import InternalStorage, KvStore, NamespaceFiles

__all__ = [
    "Clock",
    "DynamicRun",
    "Endpoint",
    "Endpoints",
    "ExecutionService",
    "InnerTask",
    "InnerTasks",
    "Plugin",
    "PollingTrigger",
    "ProcessResult",
    "ProcessRunner",
    "RunContext",
    "TakenOver",
    "TaskLogger",
    "TaskResult",
    "TriggerResult",
]


@dataclass(frozen=True, slots=True)
class DynamicRun:
    """A finished task run that task code adds to the execution."""

    task_id: str
    state: StateType = StateType.SUCCESS
    outputs: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What a task run leaves behind.

    `outputs`: as expressions see them, JSON-like (dates as ISO text, durations as seconds, URIs as text); keys whose
    value the Output bean would leave out (null) must be left out. `None` = no outputs at all.
    `state`: an end state other than SUCCESS (scripts give WARNING).
    `fact`: a few words for the console (`1,000 rows -> kestra:///...`).
    `dynamic`: finished task runs that the task adds to the execution beside its own (Kestra's dynamic worker results).
    """

    outputs: Mapping[str, Any] | None = None
    state: StateType | None = None
    fact: str | None = None
    dynamic: tuple[DynamicRun, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenOver(TaskResult):
    """What the task run left behind in an earlier execution: no mock, although nothing runs."""


class TaskLogger(Protocol):
    """The task run's log. `{}` placeholders are filled with the arguments. Masking happens behind it."""

    def error(self, message: str, *args: Any) -> None: ...
    def warn(self, message: str, *args: Any) -> None: ...
    def info(self, message: str, *args: Any) -> None: ...
    def debug(self, message: str, *args: Any) -> None: ...
    def trace(self, message: str, *args: Any) -> None: ...
    def log(self, level: str, message: str, *args: Any) -> None: ...


class Clock(Protocol):
    """The run's time. Simulated unless --real-time."""

    def now(self) -> dt.datetime:
        """Aware, UTC."""

    def sleep(self, duration: dt.timedelta) -> None:
        """Waits in the run's time: jumps when simulated, and wakes on cancel."""

    @property
    def simulated(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service really is. `double` names the double that stands in, None for the real one.

    `url` has the double's own scheme: `postgresql://127.0.0.1:41234`, `http://127.0.0.1:41235`.
    `facts` are what a client must know beyond the address (e.g. `{"path_style": True}`).
    """

    url: str
    host: str
    port: int
    double: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Endpoints(Protocol):
    """Answers where things really are, and refuses what would leave the machine."""

    def resolve(self, kind: str, url: str, **wanted: Any) -> Endpoint:
        """The endpoint for a service of `kind` (`postgres`, `s3`, `http`, `smtp`, `sqs`...) that the flow calls `url`.

        `wanted` are facts with which an undeclared double can serve the flow: for postgres `user`, `password`,
        `database`; for s3 `access_key`, `secret_key`, `session_token`, `region`, `bucket`.
        Blocks until the double is ready. Raises NetworkRefusedError when the call would leave the machine and no flag
        allows it, DoubleError when the double cannot start.
        """


@dataclass(frozen=True, slots=True)
class ProcessResult:
    exit_code: int
    timed_out: bool = False
    killed: bool = False


class ProcessRunner(Protocol):
    """Child processes: own process group, killed as a group on timeout, cancel and exit; never secrets in argv."""

    def run(
        self,
        argv: list[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        on_stdout: Callable[[str], None],
        on_stderr: Callable[[str], None],
        timeout: float | None = None,
        stdin: bytes | None = None,
    ) -> ProcessResult:
        """Runs to the end, giving each output line (without its line break) as it comes."""


class ExecutionService(Protocol):
    """What tasks that act on executions, flows, logs or triggers may ask of the engine (execution.*, log.*, trigger.*)."""

    def create_execution(
        self,
        namespace: str,
        flow_id: str,
        inputs: Mapping[str, Any],
        labels: Mapping[str, str],
        **options: Any,
    ) -> str: ...
    def executions(self, **filters: Any) -> Iterable[Any]:
        """Known executions (`simulator.engine.execution.Execution`): namespace, flow_id, states, start_date, end_date, kinds."""

    def act(self, action: str, execution_id: str, **options: Any) -> Any:
        """resume, kill, pause, restart, delete, purge..."""

    def logs(self, **filters: Any) -> Iterable[Any]: ...
    def purge_logs(self, **filters: Any) -> int: ...
    def triggers(self, **filters: Any) -> Iterable[Any]: ...
    def set_trigger_disabled(self, namespace: str, flow_id: str, trigger_id: str, disabled: bool) -> None: ...
    def flows(self, namespace: str | None = None) -> Iterable[Flow]: ...
    def set_variables(self, variables: Mapping[str, Any], *, overwrite: bool = True) -> None: ...


class RunContext(Protocol):
    """All that a task run may use. One per attempt."""

    dialect: Dialect
    flow: Flow
    task: Task
    execution_id: str
    task_run_id: str
    task_run_value: str | None
    attempt: int
    """0-based."""
    variables: Mapping[str, Any]
    """The context variables of expressions (flow, execution, taskrun, inputs, outputs...)."""
    logger: TaskLogger
    clock: Clock
    storage: InternalStorage
    kv: KvStore
    namespace_files: NamespaceFiles
    endpoints: Endpoints
    processes: ProcessRunner
    executions: ExecutionService

    @property
    def allowed_paths(self) -> tuple[Path, ...]:
        """Folders of this machine that tasks may reach (`kestra.local-files.allowed-paths`)."""

    @property
    def docker(self) -> bool:
        """Whether scripts run in containers (`--docker`)."""

    def get(self, name: str, default: Any = None, *, extra: Mapping[str, Any] | None = None) -> Any:
        """A property, rendered and converted by its PropertySpec (Kestra's Property<T> rules, flow.md 2.5).

        Absent or null: the spec's default, else `default`. `extra` are further variables for this rendering.
        Raises ExpressionError for a failing expression, TaskError for a value of the wrong type.
        """

    def raw(self, name: str) -> Any:
        """A property as the flow has it, unrendered (None when absent)."""

    def render(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Renders text, or maps and lists deep; other values pass."""

    def render_typed(self, template: str, extra: Mapping[str, Any] | None = None) -> Any:
        """Renders one expression to a typed value."""

    def metric(
        self, name: str, value: float, *, type: str = "counter", tags: Mapping[str, str] | None = None
    ) -> None:
        """Records a metric: counter, gauge or timer (seconds)."""

    @property
    def working_dir(self) -> Path:
        """The working directory of this task run (shared inside WorkingDirectory), made on first use, mode 0700."""

    def put_file(self, path: Path, name: str | None = None) -> str:
        """Stores a local file in the task run's storage folder and deletes it; the kestra:/// URI."""

    def put_bytes(self, content: bytes | BinaryIO, name: str) -> str: ...
    def open_uri(self, uri: str) -> BinaryIO:
        """Opens kestra://, file:// (allowed paths only) or nsfile:// for reading."""

    def temp_file(self, extension: str = ".tmp") -> Path:
        """A new empty file in the working directory, named as Kestra names them (`<random long><extension>`)."""

    def input_files(self, files: Any) -> None:
        """Writes `inputFiles` into the working directory (storage.md section 4)."""

    def output_files(self, patterns: Iterable[str]) -> dict[str, str]:
        """Collects files that match, stores them: relative path -> URI."""

    def load_namespace_files(self, options: Any) -> None:
        """Copies `namespaceFiles` into the working directory."""

    def encrypt(self, text: str) -> Any:
        """An EncryptedString output value (clear text inside the marker map when no key is configured, with Kestra's WARN)."""

    @property
    def cancelled(self) -> bool: ...
    def on_cancel(self, action: Callable[[], None]) -> None:
        """`action` is called from another thread when the task run is killed or times out."""

    def outbox(self, channel: str, message: Mapping[str, Any]) -> None:
        """Records a message that left (mail, chat...), for reports and tests (`execution.outbox`)."""


@runtime_checkable
class Plugin(Protocol):
    """A task type.

    A class may also say `quick = True`: its code never blocks (no sleep, no endpoint, no process), so it runs in the
    loop's own thread. Without it every attempt gets a thread.
    """

    spec: ClassVar[TaskSpec]

    def run(self, ctx: RunContext) -> TaskResult: ...


@dataclass(frozen=True, slots=True)
class TriggerResult:
    """What a trigger found: the variables that the new execution sees under `trigger`."""

    variables: Mapping[str, Any]
    date: dt.datetime | None = None


class PollingTrigger(Protocol):
    """A trigger type that looks at the world (jdbc, s3, http...). `evaluate` returns None when nothing is new."""

    spec: ClassVar[TaskSpec]

    def evaluate(self, ctx: RunContext) -> TriggerResult | None: ...


@dataclass(frozen=True, slots=True)
class InnerTask:
    """A task that was read from text in the course of a task run: its own type name, its kind, and how to run it."""

    type: str
    kind: Kind
    run: Callable[[], TaskResult]


@runtime_checkable
class InnerTasks(Protocol):
    """What templating.TemplatedTask needs of a run context beyond RunContext."""

    def inner_task(self, source: str) -> InnerTask:
        """Reads one task from YAML, ready to run in the place of this one (same task run, log, files).

        Raises ExpressionError for text that is no YAML task, TaskError for an unknown type.
        """
