"""The executor: from a deployed flow to a finished execution.

    executor = Executor(
        dialect=V2, flows=Flows([flow]), registry=Registry(), renderer=Renderer(V2),
        storage=..., kv=..., namespace_files=..., clock=RunClock(start=...), endpoints=..., processes=Processes(),
        secrets=vault, redactor=vault.redactor, sink=reporter.on_event, settings=EngineSettings(seed=7),
    )
    execution = executor.create("company.team", "hello", {"name": "x"})      # Execution, state CREATED
    executor.run_until_idle()                                                # works until nothing more happens
    execution = executor.execution(execution.id)                             # the value now

`run_until_idle` returns when everything has ended, or when all that is left waits for somebody (PAUSED without a
duration, QUEUED): look at the state. `act("resume", id, inputs={...})` and the like change executions in between
(see `Executor.act`). `sink` is called in the caller's thread, in order; one that collects events hands them on when
`on_turn` is called, for as long as the Executor is `working` (see `loop`). One Executor serves one session: subflows,
flow triggers and loop iterations are executions of the same one (`executions()`).

It is an event loop over immutable values: see `passes` (what is next), `dispatch` (task code), `roles` (types that the
engine runs itself), `services` (what people do to executions).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from simulator.dialect import Dialect
from simulator.engine.cache import TaskCacheStore
from simulator.engine.clock import RunClock
from simulator.engine.creation import Creator, Queues
from simulator.engine.dispatch import Dispatcher
from simulator.engine.events import Event
from simulator.engine.execution import Execution, LogEntry, StateType
from simulator.engine.kernel import Kernel
from simulator.engine.live import Live
from simulator.engine.outputs import render_flow_outputs
from simulator.engine.passes import Passes
from simulator.engine.roles.children import ChildrenRole
from simulator.engine.roles.foreach_item import ForEachItemRole
from simulator.engine.roles.loop import LoopRole
from simulator.engine.roles.pause import PauseRole
from simulator.engine.roles.rounds import RoundsRole
from simulator.engine.roles.subflow import SubflowRole
from simulator.engine.roles.updating import UpdatingRole
from simulator.engine.roles.working_directory import WorkingDirectoryRole
from simulator.engine.scope import scope_of, variables_of
from simulator.engine.service import TaskService
from simulator.engine.services import Services
from simulator.engine.settings import EngineSettings, FlowStore, Mocks, Secrets, SecretSink
from simulator.engine.sla import SlaWatch
from simulator.engine.subflows import SubflowCalls
from simulator.engine.task import Endpoints, ProcessRunner
from simulator.engine.triggers.firing import Triggers
from simulator.engine.triggers.listening import FlowTriggers
from simulator.engine.triggers.playing import Backfill, Held, Scheduler, Span
from simulator.engine.triggers.schedule import Fire
from simulator.engine.triggers.webhook import WebhookResponse, Webhooks
from simulator.errors import NotFoundError
from simulator.model.flow import Flow, Task, Trigger
from simulator.plugins.registry import Registry
from simulator.storage.base import InternalStorage, KvStore, NamespaceFiles

__all__ = ["Executor"]


class Executor:
    """See the module text. Not to be used from several threads, except `poke` and `interrupt`."""

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
        settings: EngineSettings | None = None,
        mocks: Mocks | None = None,
        http: Any = None,
        on_turn: Callable[[], None] | None = None,
    ) -> None:
        self.kernel = kernel = Kernel(
            dialect=dialect,
            flows=flows,
            registry=registry,
            renderer=renderer,
            storage=storage,
            kv=kv,
            namespace_files=namespace_files,
            clock=clock,
            endpoints=endpoints,
            processes=processes,
            secrets=secrets,
            redactor=redactor,
            sink=sink,
            settings=settings or EngineSettings(),
            mocks=mocks,
            http=http,
            on_turn=on_turn,
        )
        self.passes = passes = Passes(kernel)
        self.queues = queues = Queues(kernel, passes)
        self.creator = creator = Creator(kernel, passes, queues)
        kernel.subflows = SubflowCalls(kernel, creator)
        roles: dict[str, Any] = {}
        self.dispatcher = dispatcher = Dispatcher(kernel, passes, roles, lambda live: TaskService(self, live))
        dispatcher.cache = TaskCacheStore(kernel)
        self._rounds = RoundsRole(kernel, passes)
        self._loops = LoopRole(kernel, passes, creator)
        self._pauses = PauseRole(kernel, passes)
        self._subflows = SubflowRole(kernel, passes, dispatcher, creator)
        self._updating = UpdatingRole(kernel, passes, dispatcher)
        self._directories = WorkingDirectoryRole(kernel, passes, dispatcher)
        self._items = ForEachItemRole(kernel, passes, dispatcher, self._subflows)
        roles.update(
            {
                "children": ChildrenRole(kernel, passes),
                "pause": self._pauses,
                "rounds": self._rounds,
                "subflow": self._subflows,
                "loop": self._loops,
                "foreach_item": self._items,
                "foreach_item_split": self._items,
                "foreach_item_items": self._items,
                "foreach_item_merge": self._items,
                "working_directory": self._directories,
                "updating": self._updating,
            }
        )
        self.roles = roles
        self.services = Services(self)
        self._updating.kill = self.services.kill
        self._subflows.restart = self._loops.restart = self._items.restart = self.services.restart_live
        self.slas = SlaWatch(kernel, passes, self.services.stop)
        self.triggers = Triggers(self)
        self.scheduler = Scheduler(self)
        self.flow_triggers = FlowTriggers(self)
        self.webhooks = Webhooks(self)
        passes.dispatch = dispatcher.dispatch
        passes.on_list_over = self._list_over
        passes.on_over = self._over
        passes.render_outputs = lambda live: render_flow_outputs(kernel, live)
        passes.matching_listeners = self.flow_triggers.listeners_of
        passes.on_change = self._changed
        dispatcher.new_execution = self.services.retry_as_new
        dispatcher.stop = self.services.stop
        creator.on_start = queues.on_admitted = self._started

    # --- what callers use

    def create(
        self,
        namespace: str,
        flow_id: str,
        inputs: Mapping[str, Any] | None = None,
        labels: Iterable[tuple[str, Any]] | Mapping[str, Any] = (),
        *,
        revision: int | None = None,
        **options: Any,
    ) -> Execution:
        """A new execution of a deployed flow; it runs in the next `run_until_idle`.

        Options: see `creation.Creator.create` (`trigger` variables, `schedule_date`, `raw_inputs`, `upload`...).
        Raises NotFoundError, InvalidFlowError (disabled), InvalidInputError.
        """
        flow = self.creator.flow(namespace, flow_id, revision)
        pairs = labels.items() if isinstance(labels, Mapping) else labels
        live = self.creator.create(flow, inputs, pairs, **options)
        self.kernel.check()
        return live.snapshot()

    def adopt(self, executions: Sequence[Execution], logs: Mapping[str, Sequence[LogEntry]]) -> None:
        """Makes kept executions (`store.StoredRun`) known, to act on them. Raises NotFoundError for a missing flow."""
        from simulator.engine.adopt import adopt

        adopt(self, executions, logs)

    def run_until_idle(self, before: dt.datetime | None = None) -> None:
        """Works until nothing more happens by itself (see the module text), or until `before` in the run's time."""
        self.kernel.loop.run(before=before)

    def run_until(self, condition: Callable[[], bool]) -> bool:
        """Works until `condition()` holds, looked at after each step; False when nothing more happens before."""
        return self.kernel.loop.run(condition)

    def act(self, action: str, execution_id: str, **options: Any) -> Execution:
        """Does something to an execution and returns its value (or the new one's) just after, before it goes on.

        resume(inputs, to), recover, pause, kill(cascade, to), restart(revision), replay(task, values, inputs...),
        change-state(task_run_id, state), change-execution-state(state), unqueue(state), force-run, set-labels(labels,
        merge), resume-from-breakpoint(breakpoints), delete(logs, storage). Raises NotFoundError for an unknown
        execution, UsageError with Kestra's text when the state does not allow it.
        """
        value = self.services.act(action, execution_id, **options)
        self.kernel.check()
        return value

    def execution(self, execution_id: str) -> Execution:
        """An execution as it is now. Raises NotFoundError."""
        return self.live(execution_id).snapshot()

    def executions(self) -> list[Execution]:
        """All executions of the session, in order of creation, loop iterations included."""
        return [live.snapshot() for live in self.kernel.lives.values()]

    def logs(self, execution_id: str | None = None) -> list[LogEntry]:
        """Log entries of one execution or of all, by time."""
        lives = [self.live(execution_id)] if execution_id else list(self.kernel.lives.values())
        entries = [entry for live in lives for entry in live.logs]
        if execution_id is None:
            entries.extend(self.kernel.loose_logs)
        return sorted(entries, key=lambda entry: entry.timestamp)

    @property
    def outbox(self) -> list[tuple[str, dict[str, Any]]]:
        """Messages that left: (channel, message)."""
        return self.kernel.outbox

    # --- triggers and expressions

    def fire(
        self,
        namespace: str,
        flow_id: str,
        trigger_id: str,
        *,
        at: dt.datetime | None = None,
        payload: Any = None,
    ) -> Execution | None:
        """Starts a flow as one of its triggers would: a schedule at `at`, a webhook or Flow trigger with `payload`, a
        polling trigger by asking it. None when its conditions do not hold or it finds nothing. Raises NotFoundError.
        """
        flow = self.creator.flow(namespace, flow_id)
        live = self.triggers.fire(flow, self.triggers.find(flow, trigger_id), at=at, payload=payload)
        return None if live is None else live.snapshot()

    def evaluate_trigger(self, namespace: str, flow_id: str, trigger_id: str) -> Execution | None:
        """Asks a polling trigger once; the execution that it makes, None when nothing is new."""
        flow = self.creator.flow(namespace, flow_id)
        live = self.triggers.evaluate(flow, self.triggers.find(flow, trigger_id))
        return None if live is None else live.snapshot()

    def trigger_dates(
        self, flow: Flow, trigger: Trigger, start: dt.datetime, end: dt.datetime
    ) -> Iterable[Fire]:
        """When a Schedule or ScheduleOnDates fires in [start, end): date and `trigger` variables."""
        return self.triggers.dates(flow, trigger, start, end)

    def play_triggers(
        self, until: dt.datetime, flows: Sequence[Flow] | None = None, **options: Any
    ) -> list[Held]:
        """Runs all schedules and polling triggers of the deployed flows (or these) until `until`, in the run's time.

        Returns the triggers that wait for an execution of theirs to end. Options: see `triggers.playing`.
        """
        return self.scheduler.play(until, flows, **options)

    def backfill(self, flow: Flow, trigger: Trigger, span: Span, given: Backfill) -> list[Held]:
        """Runs the dates that a schedule had in a span of the past; see `triggers.playing`."""
        return self.scheduler.backfill(flow, trigger, span, given)

    def webhook(self, namespace: str, flow_id: str, key: str, **call: Any) -> WebhookResponse:
        """One call of a webhook (method, query, body, headers); see `triggers.webhook`."""
        return self.webhooks.call(namespace, flow_id, key, **call)

    def evaluate(
        self,
        template: str,
        *,
        execution_id: str | None = None,
        task_run_id: str | None = None,
        variables: Mapping[str, Any] | None = None,
        masked: bool = True,
    ) -> str | None:
        """An expression in the context of an execution, of one of its task runs, or of `variables` alone.

        As Kestra's debug evaluation: `secret()` gives `******` unless `masked` is False. Raises ExpressionError.
        """
        from dataclasses import replace

        if execution_id is None:
            flow = next(iter(self.kernel.flows.all()))
            live = self.triggers.context(flow)
            seen: Mapping[str, Any] = variables or {}
        else:
            live = self.live(execution_id)
            run = live.runs[task_run_id] if task_run_id is not None else None
            task = live.placements.task(run.task_id) if run is not None else None
            seen = {**variables_of(self.kernel, live, run, task), **(variables or {})}
        scope = scope_of(self.kernel, live, seen)
        if masked:
            scope = replace(scope, masked_functions=frozenset({"secret"}))
        found: str | None = self.kernel.renderer.render(template, scope)
        return found

    # --- from outside the loop

    @property
    def working(self) -> bool:
        """Whether the loop is under way: `on_turn` will be called."""
        return self.kernel.loop.working

    def poke(self) -> None:
        """Wakes the loop from another thread."""
        self.kernel.jobs.poke()

    def interrupt(self) -> None:
        """Stops the loop after the current step and cancels task code (Ctrl-C)."""
        self.kernel.loop.stopped = True
        for job in self.kernel.jobs.live():
            job.cancel("kill")
        self.poke()

    def close(self) -> None:
        """No more task code will run: its threads go. Idempotent."""
        self.kernel.jobs.close()

    # --- wiring

    def live(self, execution_id: str) -> Live:
        live = self.kernel.lives.get(execution_id)
        if live is None:
            raise NotFoundError(f"No execution found for execution id {execution_id}")
        return live

    def _list_over(self, live: Live, run: Any, task: Task, state: StateType) -> bool:
        cls = self.kernel.registry.load(task.type)
        if getattr(cls, "role", None) == "rounds":
            return self._rounds.list_over(live, run, task, state)
        if getattr(cls, "role", None) == "working_directory":
            return self._directories.list_over(live, run, task, state)
        return False

    def _started(self, live: Live) -> None:
        self.slas.start(live)
        messages = live.facts.pop("fail_at_start", None)
        if messages:
            for message in messages:
                self.kernel.log(live, "ERROR", message)
            self.passes.end(live, StateType.FAILED)

    def _changed(self, live: Live) -> None:
        if live.flow.sla and live.root is None:
            self.slas.changed(live)
        if live.state is StateType.PAUSED:
            if live.loop_of is not None:
                self._loops.paused(live)
            self.flow_triggers.paused(live)
        elif live.loop_of is not None and live.loop_of[0].state is StateType.PAUSED:
            self._loops.resumed(live)

    def _over(self, live: Live) -> None:
        self.slas.stop_watching(live)
        self.queues.release(live)
        if live.loop_of is not None:
            self._loops.ended(live)
            live.rest()
            return
        parent = live.facts.get("parent")
        if parent is not None:
            above, run_id = parent
            if ("item", run_id) in live.facts:
                self._items.item_ended(above, run_id, live)
            else:
                self._subflows.ended(above, run_id, live)
        self.flow_triggers.ended(live)
        self.scheduler.released(live)
