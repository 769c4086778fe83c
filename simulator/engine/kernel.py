"""What all parts of the engine share: the services of a session, the running executions, and the few ways to change them.

Every change goes through `put_run` or `change`, and becomes an event there; nobody else calls the sink.
"""

from __future__ import annotations

import datetime as dt
import random
import sys
from collections.abc import Callable, Mapping
from typing import Any

from simulator.dialect import Dialect
from simulator.engine.clock import RunClock
from simulator.engine.events import Event, ExecutionChanged, LogEmitted, TaskRunChanged, TimeJumped
from simulator.engine.execution import Attempt, LogEntry, State, StateType, TaskRun, replace
from simulator.engine.jobs import Jobs
from simulator.engine.live import Live
from simulator.engine.loop import Loop
from simulator.engine.placement import Placements
from simulator.engine.settings import EngineSettings, FlowStore, Mocks, Secrets, SecretSink
from simulator.engine.task import Endpoints, ProcessRunner
from simulator.errors import UnsupportedError
from simulator.expressions.scope import HttpService, SubflowService
from simulator.model.flow import Flow, Task
from simulator.plugins.registry import Registry
from simulator.storage.base import InternalStorage, KvStore, NamespaceFiles
from simulator.storage.ids import create_id

__all__ = ["Kernel"]

_LEVELS = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "ERROR": 4}
_MESSAGE_LIMIT = 15 * 1024


class Kernel:
    """See the module text. Built by the Executor, one per session."""

    def __init__(
        self,
        *,
        dialect: Dialect,
        flows: FlowStore,
        registry: Registry,
        renderer: Any,
        storage: InternalStorage,
        kv: KvStore,
        namespace_files: NamespaceFiles,
        clock: RunClock,
        endpoints: Endpoints,
        processes: ProcessRunner,
        secrets: Secrets,
        redactor: SecretSink,
        sink: Callable[[Event], None],
        settings: EngineSettings,
        mocks: Mocks | None = None,
        http: HttpService | None = None,
        on_turn: Callable[[], None] | None = None,
    ) -> None:
        self.dialect = dialect
        self.flows = flows
        self.registry = registry
        self.renderer = renderer
        self.storage = storage
        self.kv = kv
        self.namespace_files = namespace_files
        self.clock = clock
        self.now: Callable[[], dt.datetime] = clock.now
        self.endpoints = endpoints
        self.processes = processes
        self.secrets = secrets
        self.redactor = redactor
        self._sink = sink
        self.settings = settings
        self.mocks = mocks
        self.http = None if http is None else _Http(http, self)
        self.rng = random.Random(settings.seed)
        self.jobs = Jobs(settings.workers)
        self.loop = Loop(clock, self.jobs)
        self.loop.on_jump = lambda before, after: self.sink(TimeJumped(before, after))
        if on_turn is not None:
            self.loop.on_turn = on_turn
        self.subflows: SubflowService | None = None
        self.lives: dict[str, Live] = {}
        """Every execution of the session, in order of creation."""
        self.outbox: list[tuple[str, dict[str, Any]]] = []
        self.loose_logs: list[LogEntry] = []
        """Entries that belong to no execution (triggers)"""
        self.disabled_triggers: set[tuple[str, str, str]] = set()
        self.spent = 0
        """Task runs and attempts sent so far (see `EngineSettings.max_task_runs`)"""
        self._placements: dict[int, Placements] = {}

    @property
    def sink(self) -> Callable[[Event], None]:
        """Takes each event. One that fails (a full disk) stops the loop with its error at the next step: it must not be
        taken for a failure of the task that was about to be reported."""
        return self._emit

    @sink.setter
    def sink(self, sink: Callable[[Event], None]) -> None:
        self._sink = sink

    def _emit(self, event: Event) -> None:
        if self.loop.failure is None:
            try:
                self._sink(event)
            except Exception as error:  # noqa: BLE001 - raised again by the loop
                self.loop.failure = error

    @property
    def overrun(self) -> bool:
        """Whether more was run than any flow should need."""
        return self.spent > self.settings.max_task_runs

    def check(self) -> None:
        """Raises the error of a sink that failed."""
        if self.loop.failure is not None:
            raise self.loop.failure

    def new_id(self) -> str:
        return create_id(self.rng)

    def placements(self, flow: Flow) -> Placements:
        """The static index of a flow's tasks, made once."""
        found = self._placements.get(id(flow))
        if found is None or found.flow is not flow:
            found = self._placements[id(flow)] = Placements(flow)
        return found

    def plugin(self, task: Task) -> Any:
        """The class of a task's type. Raises UnsupportedError when there is none (asked before, so a bug)."""
        cls = self.registry.load(task.type)
        if cls is None:
            raise UnsupportedError(f"Invalid type: {task.type}")
        return cls

    # --- changes

    def put_run(
        self, live: Live, run: TaskRun, *, fact: str | None = None, real_seconds: float | None = None
    ) -> TaskRun:
        """Makes `run` current and tells the sink."""
        live.put(run)
        task = live.placements.task(run.task_id)
        if self.clock.frozen:
            real_seconds = None
        self.sink(TaskRunChanged(self.now(), run, task.type if task else "", fact, real_seconds))
        return run

    def remove_run(self, live: Live, run_id: str) -> None:
        run = live.remove(run_id)
        if run is not None:
            task = live.placements.task(run.task_id)
            self.sink(TaskRunChanged(self.now(), run, task.type if task else "", removed=True))

    def run_state(self, live: Live, run: TaskRun, state: StateType) -> TaskRun:
        """A task run into another state (no-op when it is there already)."""
        if run.state.current is state:
            return run
        return self.put_run(live, run.with_state(state, self.now()))

    def change(self, live: Live, **changes: Any) -> None:
        """Changes fields of the execution and tells the sink."""
        live.update(**changes)
        self.sink(ExecutionChanged(self.now(), live.value))

    def set_state(self, live: Live, state: StateType) -> None:
        if live.state is not state:
            live.set_state(state, self.now())
            self.sink(ExecutionChanged(self.now(), live.value))

    # --- attempts

    def new_attempt(self, run: TaskRun, *states: StateType) -> TaskRun:
        """One more attempt that went through `states` now (CREATED first)."""
        state = State.through(self.now(), StateType.CREATED, *states)
        return replace(run, attempts=(*(run.attempts or ()), Attempt(state)))

    def forced(self, run: TaskRun, state: StateType) -> TaskRun:
        """The run ends with `state` from outside (kill, SLA, a failed parallel branch): so does its open attempt; in 2.0
        a run without attempt gets one."""
        if run.attempts and not run.attempts[-1].state.current.is_terminated:
            run = self.last_attempt(run, state)
        elif not run.attempts and self.dialect.flowable_attempts:
            run = self.new_attempt(run, state)
        return run.with_state(state, self.now())

    def last_attempt(self, run: TaskRun, state: StateType) -> TaskRun:
        """The last attempt goes into `state`."""
        if not run.attempts:
            return run
        last = run.attempts[-1]
        changed = Attempt(last.state.with_state(state, self.now()), last.log_file)
        return replace(run, attempts=(*run.attempts[:-1], changed))

    # --- logs

    def log(
        self,
        live: Live,
        level: str,
        message: str,
        *args: Any,
        run: TaskRun | None = None,
        task: Task | None = None,
    ) -> None:
        """An entry of the execution's (or task run's) log: `{}` filled, masked, cut as Kestra cuts it (execution.md 9)."""
        for entry in self.entries(live, level, message, args, run, task):
            self.keep(live, entry)

    def keep(self, live: Live, entry: LogEntry) -> None:
        live.logs.append(entry)
        self.sink(LogEmitted(entry.timestamp, entry))

    def entries(
        self,
        live: Live,
        level: str,
        message: str,
        args: tuple[Any, ...],
        run: TaskRun | None,
        task: Task | None,
    ) -> list[LogEntry]:
        """The entries that a message becomes (none when below the task's `logLevel`)."""
        if task is not None and task.log_level and _LEVELS.get(level, 2) < _LEVELS.get(task.log_level, 0):
            return []
        text = self.redactor.redact(fill(message, args) if args else message)
        attempt = max(len(run.attempts or ()) - 1, 0) if run is not None else None
        value = live.value
        return [
            LogEntry(
                value.namespace,
                value.flow_id,
                value.id,
                level,
                part,
                self.now(),
                task_id=run.task_id if run is not None else None,
                task_run_id=run.id if run is not None else None,
                attempt_number=attempt,
                thread=sys.intern(f"task-{run.task_id}") if run is not None else "executor",
            )
            for part in _parts(text)
        ]


class _Http:
    """HTTP from expressions is real work in the loop's own thread: what happened before is handed on first."""

    def __init__(self, http: HttpService, kernel: Kernel) -> None:
        self._http = http
        self._kernel = kernel

    def request(self, method: str, url: str, **more: Any) -> tuple[int, Mapping[str, str], bytes]:
        """See the contract."""
        self._kernel.loop.turn()
        return self._http.request(method, url, **more)


def _parts(text: str) -> list[str]:
    if len(text) <= _MESSAGE_LIMIT:
        return [text]
    return [text[start : start + _MESSAGE_LIMIT] for start in range(0, len(text), _MESSAGE_LIMIT)]


def fill(message: str, args: tuple[Any, ...]) -> str:
    """slf4j's `{}` placeholders; what has no placeholder is left out."""
    pieces = message.split("{}")
    result = [pieces[0]]
    for number, piece in enumerate(pieces[1:]):
        result.append(_java_text(args[number]) if number < len(args) else "{}")
        result.append(piece)
    return "".join(result)


def _java_text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
