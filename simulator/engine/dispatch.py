"""Sending task runs on their way, and what becomes of them (execution.md 4, 5).

`dispatch` decides what a created run is: skipped, mocked, run by a role of the engine, or task code for the pool.
What becomes of task code is in `outcomes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from simulator.engine.clock import monotonic
from simulator.engine.context import TaskContext, duration_of
from simulator.engine.execution import LogEntry, StateType, TaskRun
from simulator.engine.jobs import Job, Phase
from simulator.engine.live import Live
from simulator.engine.outcomes import Outcomes, failure_text
from simulator.engine.state import is_falsy
from simulator.engine.task import ExecutionService, TakenOver, TaskResult
from simulator.engine.workdir import WorkDir
from simulator.errors import SimulatorError, TaskError
from simulator.model.catalog import Kind
from simulator.model.flow import Task

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["Dispatcher", "Role", "failure_text"]

_GRACE = 5.0
"""Real seconds that cancelled task code gets before it is no longer waited for."""


#: Types that only render and log: they run in the loop's own thread (as a plugin with `quick = True` does).
_QUICK = frozenset(
    f"io.kestra.plugin.core.{name}"
    for name in (
        "debug.Echo",
        "debug.Return",
        "execution.Assert",
        "execution.Fail",
        "log.Log",
        "output.OutputValues",
    )
)


def _is_flowable(cls: Any) -> bool:
    spec = getattr(cls, "spec", None)
    return spec is not None and spec.kind is Kind.FLOWABLE


class Role(Protocol):
    """A part of the engine that runs a type itself (Pause, Subflow, Loop, Labels...)."""

    def start(self, live: Live, run: TaskRun, task: Task) -> None:
        """The run was created (or restarted) and is to run now."""


class Dispatcher(Outcomes):
    """See the module text."""

    def __init__(
        self,
        kernel: Kernel,
        passes: Passes,
        roles: Mapping[str, Role],
        service: Callable[[Live], ExecutionService],
    ) -> None:
        super().__init__(kernel, passes)
        self.roles = roles
        self.service = service
        self.stop: Callable[[Live, StateType], None] = lambda live, state: None
        self.cache: Any = None
        self.abort_directory: Callable[[Live, TaskRun, str], None] = lambda live, run, reason: None
        """A child of a WorkingDirectory cannot even be considered: the whole fails."""
        self.inner_role: Callable[[Task], bool] = lambda task: False
        """Whether a task exists only while running (the parts of a ForEachItem)."""
        self.directory_of: Callable[[Live, TaskRun], WorkDir | None] = lambda live, run: None
        self._waiting: dict[tuple[str, str], Callable[[Job], None]] = {}
        passes.interrupt = self.interrupt
        kernel.loop.on_done = self._job_done
        kernel.loop.on_outbox = self._drain

    # --- sending

    def dispatch(self, live: Live, run_id: str) -> None:
        kernel = self.kernel
        run = live.runs.get(run_id)
        if run is None or not run.state.current.is_created:
            return
        if not run.force_execution and live.state in (StateType.KILLING, StateType.KILLED):
            self.passes.finish(live, run, StateType.KILLED)
            return
        kernel.spent += 1
        if kernel.overrun and not live.state.is_terminated:
            limit = kernel.settings.max_task_runs
            message = f"Stopped after {limit} task runs: is there a loop or a retry without an end?"
            kernel.log(live, "ERROR", message, run=run)
            self.stop(live, StateType.FAILED)
            return
        task = live.placements.task(run.task_id)
        if task is None:
            self.fail(live, run, TaskError(f"Unable to find task '{run.task_id}'"))
            return
        if task.id in kernel.settings.breakpoints and ("breakpoint", run.id) not in live.facts:
            live.facts[("breakpoint", run.id)] = True
            kernel.run_state(live, run, StateType.BREAKPOINT)
            kernel.set_state(live, StateType.BREAKPOINT)
            return
        if kernel.mocks is not None:
            # A canned result comes before everything that concerns workers, `runIf` included (unit-tests.md 2).
            try:
                canned = kernel.mocks.result(live.flow, task, run)
            except SimulatorError as error:
                self.fail(live, run, error)
                return
            if canned is not None:
                self._mocked(live, run, task, canned)
                return
        if task.run_if is not None and task.run_if != "true" and not self._wanted(live, run, task):
            return
        if kernel.mocks is not None:
            mock = kernel.mocks.find(task)
            if mock is not None:
                self.run_code(
                    live, replace(run, mocked=True), task, mock, directory=self.directory_of(live, run)
                )
                return
        if self.inner_role(task):
            self.roles["foreach_item"].start(live, run, task)
            return
        cls = kernel.registry.load(task.type)
        spec = getattr(cls, "spec", None)
        if cls is None or spec is None or not spec.in_dialect(kernel.dialect) or not spec.supported:
            self._unsupported(live, run, task)
            return
        role = getattr(cls, "role", None)
        if role is None and _is_flowable(cls):
            role = "children"
        if role is not None and live.state.is_terminated and not run.force_execution:
            # nobody would end it any more
            self.passes.finish(live, self.kernel.forced(run, live.state), live.state)
        elif role is not None:
            self.roles[role].start(live, run, task)
        else:
            self.run_code(live, run, task, cls, directory=self.directory_of(live, run))

    def _wanted(self, live: Live, run: TaskRun, task: Task) -> bool:
        """`runIf`: whether to run; when not, the run is dealt with here."""
        context = TaskContext(self.kernel, live, run, task, None)
        try:
            text = context.render(task.run_if)
        except SimulatorError as error:
            if self.directory_of(live, run) is not None:
                self.abort_directory(live, run, error.message)
                return False
            message = f"Failed to evaluate the runIf condition for task {task.id}. Cause: {error.message}"
            self.kernel.log(live, "ERROR", message, run=run, task=task)
            # neither tried again nor softened: the task itself has not begun
            self.passes.finish(live, run, StateType.FAILED)
            return False
        if not is_falsy(text, self.kernel.dialect):
            return True
        if _is_flowable(self.kernel.registry.load(task.type)):
            from simulator.engine.roles.children import skipped

            run = skipped(self.kernel, live, run, task)
        if self.kernel.dialect.flowable_attempts:
            run = self.kernel.new_attempt(run, StateType.SKIPPED)
        self.passes.finish(live, run, StateType.SKIPPED)
        return False

    def _mocked(self, live: Live, run: TaskRun, task: Task, canned: TaskResult) -> None:
        now = self.kernel.now()
        state = canned.state or StateType.SUCCESS
        run = self.kernel.new_attempt(run, StateType.RUNNING, state)
        mocked = not isinstance(canned, TakenOver)
        run = replace(run, mocked=mocked, outputs=canned.outputs).with_state(StateType.RUNNING, now)
        if state is StateType.FAILED and canned.fact:
            self.kernel.log(live, "ERROR", canned.fact, run=run, task=task)
        self.end_run(live, run, task, state, fact=canned.fact)

    def _unsupported(self, live: Live, run: TaskRun, task: Task) -> None:
        message = (
            f"Invalid type: {task.type}"
            if task.canonical is None
            else f"The task type {task.type} is not run by this simulator; give it a mock"
        )
        self.kernel.log(live, "ERROR", message, run=run, task=task)
        live.facts["unsupported"] = True
        self.end_run(live, run, task, StateType.FAILED)

    # --- task code

    def run_code(
        self,
        live: Live,
        run: TaskRun,
        task: Task,
        cls: Any,
        *,
        directory: WorkDir | None = None,
        after: Callable[[], None] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Runs a plugin's code for one attempt; `after` is called when the run has ended for good or is retried."""
        kernel = self.kernel
        now = kernel.now()
        # a WorkingDirectory's worker begins its children itself: only their retries are submitted
        if kernel.dialect.submitted_state and (directory is None or run.attempts):
            run = kernel.put_run(live, run.with_state(StateType.SUBMITTED, now))
            if live.flow.sla:
                self.passes.on_change(live)
        if not live.runs[run.id].state.current.is_terminated:
            run = kernel.new_attempt(run, StateType.RUNNING).with_state(StateType.RUNNING, now)
            run = kernel.put_run(live, run)
            self.passes.on_change(live)
        if live.runs[run.id].state.current.is_terminated:
            # an SLA has just ended the execution
            if after is not None:
                after()
            return
        started = monotonic()

        def context_for(job: Job | None) -> TaskContext:
            return TaskContext(
                kernel,
                live,
                run,
                task,
                cls.spec,
                executions=self.service(live),
                job=job,
                directory=directory,
                extra=extra,
            )

        quick = getattr(cls, "quick", False) or cls.spec.type in _QUICK
        if quick and task.timeout is None and task.task_cache is None:

            def at_once() -> None:
                if live.runs[run.id].state.current is not StateType.RUNNING:
                    return
                context = context_for(None)
                result: Any = None
                error: BaseException | None = None
                try:
                    result = cls().run(context)
                except Exception as caught:  # noqa: BLE001 - any exception of task code fails the run, as in Kestra
                    error = caught
                context.close()
                self.complete(live, run.id, task, result, error, None, monotonic() - started)
                if after is not None:
                    after()

            kernel.loop.later(at_once)
            return
        key = (live.id, run.id)

        def work(job: Job) -> Any:
            context = context_for(job)
            try:
                if self.cache is not None and task.task_cache is not None and task.task_cache.enabled:
                    return self.cache.run(context, cls)
                return cls().run(context)
            finally:
                context.close()

        job = Job(kernel.jobs, key, work)
        live.jobs[run.id] = job

        def done(job: Job) -> None:
            self.complete(live, run.id, task, job.result, job.error, job, monotonic() - started)
            if after is not None:
                after()

        self._waiting[key] = done
        if task.timeout is not None and not self._arm_timeout(live, run, task, job):
            return
        kernel.loop.start(job)

    def _arm_timeout(self, live: Live, run: TaskRun, task: Task, job: Job) -> bool:
        """The attempt's timeout: in the run's time while it sleeps, in real time while it works."""
        kernel = self.kernel
        context = TaskContext(kernel, live, run, task, None)
        try:
            rendered = context.render(task.timeout)
            limit = duration_of(rendered)
        except (SimulatorError, ValueError) as error:
            job.error = error
            self._job_done(job)
            return False
        if limit is None:
            return True
        live.facts[f"timeout:{run.id}"] = limit

        def expire() -> None:
            if job.phase is not Phase.DONE and not job.cancelled:
                self.cancel_job(job, "timeout")

        kernel.loop.at(
            kernel.now() + limit, lambda: expire() if job.phase is Phase.ASLEEP else None, weak=True
        )
        kernel.loop.real_deadline(limit.total_seconds(), expire)
        return True

    def interrupt(self, live: Live, run: TaskRun, state: StateType) -> None:
        """Ends a run whose code still works, and the code with it."""
        job = live.jobs.pop(run.id, None)
        self.kernel.put_run(live, self.kernel.forced(run, state))
        if job is not None:
            self.cancel_job(job, "kill")

    def cancel_job(self, job: Job, reason: str) -> None:
        """Interrupts task code; when it does not listen it is given up after a few seconds."""
        self.kernel.loop.cancel(job, reason)

        def give_up() -> None:
            if job.phase is not Phase.DONE and not job.abandoned:
                self.kernel.jobs.abandon(job)
                self._job_done(job)

        if job.phase is not Phase.DONE:
            self.kernel.loop.real_deadline(_GRACE, give_up)

    def _drain(self, job: Job) -> None:
        live = self.kernel.lives.get(job.key[0])
        while job.outbox:
            item = job.outbox.popleft()
            if isinstance(item, LogEntry) and live is not None:
                self.kernel.keep(live, item)
            elif not isinstance(item, LogEntry):
                self.kernel.sink(item)

    def _job_done(self, job: Job) -> None:
        done = self._waiting.pop(job.key, None)
        if done is not None:
            done(job)
