"""Sending task runs on their way, and what becomes of them (execution.md 4, 5).

`dispatch` decides what a created run is: skipped, mocked, run by a role of the engine, or task code for the pool.
`complete` turns what task code did into a state: timeout, failure, warning, retry.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from simulator.engine.clock import monotonic
from simulator.engine.context import TaskContext, duration_of
from simulator.engine.events import DiagnosticRaised
from simulator.engine.execution import LogEntry, StateType, TaskRun
from simulator.engine.failures import failure_diagnostic
from simulator.engine.jobs import Job, Phase
from simulator.engine.live import Live
from simulator.engine.retries import next_retry_date, retry_of
from simulator.engine.state import is_falsy, softened
from simulator.engine.task import ExecutionService, TaskResult
from simulator.engine.workdir import WorkDir
from simulator.errors import ExpressionError, Interrupted, SimulatorError, TaskError
from simulator.model.catalog import Kind
from simulator.model.flow import Retry, Task
from simulator.storage.base import StorageContext

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


class Role(Protocol):
    """A part of the engine that runs a type itself (Pause, Subflow, Loop, Labels...)."""

    def start(self, live: Live, run: TaskRun, task: Task) -> None:
        """The run was created (or restarted) and is to run now."""


def failure_text(error: BaseException) -> str:
    """The message that Kestra logs for a failure."""
    if isinstance(error, SimulatorError):
        return error.message
    return str(error) or type(error).__name__


class Dispatcher:
    """See the module text."""

    def __init__(
        self,
        kernel: Kernel,
        passes: Passes,
        roles: Mapping[str, Role],
        service: Callable[[Live], ExecutionService],
    ) -> None:
        self.kernel = kernel
        self.passes = passes
        self.roles = roles
        self.service = service
        self.new_execution: Callable[[Live, dt.datetime], None] = lambda live, date: None
        self.stop: Callable[[Live, StateType], None] = lambda live, state: None
        self.cache: Any = None
        self.abort_directory: Callable[[Live, TaskRun, str], None] = lambda live, run, message: None
        """A child of a WorkingDirectory cannot even be considered: the whole fails."""
        self.inner_role: Callable[[Task], bool] = lambda task: False
        """Whether a task exists only while running (the parts of a ForEachItem)."""
        self.directory_of: Callable[[TaskRun], WorkDir | None] = lambda run: None
        self._waiting: dict[tuple[str, str], Callable[[Job], None]] = {}
        kernel.loop.on_done = self._job_done
        kernel.loop.on_outbox = self._drain

    # --- sending

    def dispatch(self, live: Live, run_id: str) -> None:
        kernel = self.kernel
        run = live.runs.get(run_id)
        if run is None or not run.state.current.is_created:
            return
        if not run.force_execution:
            if live.state in (StateType.KILLING, StateType.KILLED):
                self.passes.finish(live, run, StateType.KILLED)
                return
            if live.state.is_terminated:
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
        if task.run_if is not None and task.run_if != "true" and not self._wanted(live, run, task):
            return
        if kernel.mocks is not None:
            canned = kernel.mocks.result(live.flow, task, run)
            if canned is not None:
                self._mocked(live, run, task, canned)
                return
            mock = kernel.mocks.find(task)
            if mock is not None:
                self.run_code(live, replace(run, mocked=True), task, mock, directory=self.directory_of(run))
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
        if role is None and spec.kind is Kind.FLOWABLE:
            role = "children"
        if role is not None:
            self.roles[role].start(live, run, task)
        else:
            self.run_code(live, run, task, cls, directory=self.directory_of(run))

    def _wanted(self, live: Live, run: TaskRun, task: Task) -> bool:
        """`runIf`: whether to run; when not, the run is dealt with here."""
        context = TaskContext(self.kernel, live, run, task, None)
        try:
            text = context.render(task.run_if)
        except SimulatorError as error:
            message = f"Failed to evaluate the runIf condition for task {task.id}. Cause: {error.message}"
            if self.directory_of(run) is not None:
                self.abort_directory(live, run, message)
                return False
            self.kernel.log(live, "ERROR", message, run=run, task=task)
            self.end_run(live, run, task, StateType.FAILED)
            return False
        if not is_falsy(text, self.kernel.dialect):
            return True
        if self.kernel.dialect.flowable_attempts:
            run = self.kernel.new_attempt(run, StateType.SKIPPED)
        self.passes.finish(live, run, StateType.SKIPPED)
        return False

    def _mocked(self, live: Live, run: TaskRun, task: Task, canned: TaskResult) -> None:
        now = self.kernel.now()
        state = canned.state or StateType.SUCCESS
        run = self.kernel.new_attempt(run, StateType.RUNNING, state)
        run = replace(run, mocked=True, outputs=canned.outputs).with_state(StateType.RUNNING, now)
        if state is StateType.FAILED:
            self.kernel.log(live, "ERROR", canned.fact or "Mocked failure", run=run, task=task)
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
        if kernel.dialect.submitted_state:
            run = kernel.put_run(live, run.with_state(StateType.SUBMITTED, now))
        run = kernel.new_attempt(run, StateType.RUNNING).with_state(StateType.RUNNING, now)
        run = kernel.put_run(live, run)
        self.passes.on_change(live)
        started = monotonic()
        quick = getattr(cls, "quick", False) or cls.spec.type in _QUICK
        if quick and task.timeout is None and task.task_cache is None:
            context = TaskContext(
                kernel,
                live,
                run,
                task,
                cls.spec,
                executions=self.service(live),
                directory=directory,
                extra=extra,
            )
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
            return
        key = (live.id, run.id)

        def work(job: Job) -> Any:
            context = TaskContext(
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

    # --- what became of it

    def complete(
        self,
        live: Live,
        run_id: str,
        task: Task,
        result: Any,
        error: BaseException | None,
        job: Job | None,
        seconds: float,
    ) -> None:
        """The end of an attempt of task code."""
        live.jobs.pop(run_id, None)
        run = live.runs.get(run_id)
        if run is None or run.state.current.is_terminated:
            # forced to an end state meanwhile (a failed Parallel): the result comes too late
            if live.state is StateType.KILLING:
                self.passes.touch(live, None)
            return
        outputs: Mapping[str, Any] | None = None
        fact: str | None = None
        if job is not None and job.cancelled and job.reason == "kill":
            state = StateType.KILLED
            if isinstance(error, TaskError):
                outputs = error.outputs
        elif job is not None and job.cancelled and job.reason == "timeout":
            state = StateType.FAILED
            limit = live.facts.get(f"timeout:{run_id}", dt.timedelta())
            message = f"Timeout after {_clock_text(limit)}"
            self.kernel.log(live, "ERROR", message, run=run, task=task)
            self.kernel.log(
                live,
                "TRACE",
                f"io.kestra.core.exceptions.TimeoutExceededException: {message}",
                run=run,
                task=task,
            )
        elif error is not None:
            state = StateType.FAILED
            outputs = getattr(error, "outputs", None)
            self.log_failure(live, run, task, error)
        else:
            state, outputs, fact = StateType.SUCCESS, None, None
            if isinstance(result, TaskResult):
                state, outputs, fact = result.state or StateType.SUCCESS, result.outputs, result.fact
            self._dynamic(live, run, result)
        run = replace(run, outputs=outputs)
        if task.log_to_file:
            run = self._log_file(live, run)
        self.end_run(live, run, task, state, fact=fact, real_seconds=seconds)
        if live.state is StateType.KILLING:
            self.passes.touch(live, None)

    def _log_file(self, live: Live, run: TaskRun) -> TaskRun:
        """`logToFile`: the attempt's log as a stored file; the entries stay in the log as well."""
        lines: list[str] = live.facts.pop(("log", run.id), [])
        if not lines or not run.attempts:
            return run
        value = live.value
        place = StorageContext(value.namespace, value.flow_id, value.id, run.task_id, run.id)
        name = f"{len(run.attempts)}.log"
        try:
            uri = self.kernel.storage.put(place, "".join(lines).encode(), name)
        except SimulatorError as error:
            self.kernel.log(live, "WARN", error.message, run=run)
            return run
        return replace(run, attempts=(*run.attempts[:-1], replace(run.attempts[-1], log_file=uri)))

    def _dynamic(self, live: Live, run: TaskRun, result: Any) -> None:
        """Finished task runs that task code adds beside its own (`TaskResult.dynamic`)."""
        for item in getattr(result, "dynamic", ()) or ():
            made = TaskRun(
                id=self.kernel.new_id(),
                execution_id=live.id,
                namespace=live.value.namespace,
                flow_id=live.value.flow_id,
                task_id=item.task_id,
                state=run.state.with_state(item.state, self.kernel.now()),
                parent_task_run_id=run.id,
                outputs=item.outputs,
                dynamic=True,
            )
            self.kernel.put_run(live, self.kernel.new_attempt(made, StateType.RUNNING, item.state))

    def log_failure(self, live: Live, run: TaskRun | None, task: Task | None, error: BaseException) -> None:
        """The exception's message, then its causes' (execution.md 9)."""
        self.kernel.log(live, "ERROR", failure_text(error), run=run, task=task)
        diagnostic = failure_diagnostic(task, error) if task is not None else None
        if diagnostic is not None:
            self.kernel.sink(DiagnosticRaised(self.kernel.now(), diagnostic))
        trace = f"{getattr(error, 'java_type', 'java.lang.Exception')}: {failure_text(error)}"
        if isinstance(error, (ExpressionError, Interrupted)):
            self.kernel.log(live, "TRACE", trace, run=run, task=task)
            return
        causes: list[str] = []
        cause = error.__cause__
        while cause is not None and isinstance(cause, SimulatorError):
            causes.append(failure_text(cause))
            cause = cause.__cause__
        if causes:
            self.kernel.log(live, "ERROR", "\n".join(causes), run=run, task=task)
        self.kernel.log(live, "TRACE", trace, run=run, task=task)

    def fail(self, live: Live, run: TaskRun, error: BaseException) -> None:
        """A failure inside the executor: the run FAILS with the message in its log."""
        task = live.placements.task(run.task_id)
        self.log_failure(live, run, task, error)
        if not run.attempts or run.attempts[-1].state.current.is_terminated:
            run = self.kernel.new_attempt(run)
        if task is None:
            self.passes.finish(live, self.kernel.last_attempt(run, StateType.FAILED), StateType.FAILED)
        else:
            self.end_run(live, run, task, StateType.FAILED)

    def end_run(
        self,
        live: Live,
        run: TaskRun,
        task: Task,
        state: StateType,
        *,
        fact: str | None = None,
        real_seconds: float | None = None,
    ) -> None:
        """Retry, allowFailure, allowWarning, warningOnRetry; then the end state or the wait for the next try."""
        kernel = self.kernel
        own = task.retry
        if (
            state is StateType.SUCCESS
            and own is not None
            and own.warning_on_retry
            and len(run.attempts or ()) > 1
        ):
            state = StateType.WARNING
        if state is StateType.FAILED and not run.force_execution and live.state is not StateType.KILLING:
            failed = kernel.last_attempt(run, StateType.FAILED)
            if own is not None and self._retry(live, failed, own, real_seconds):
                return
            if not task.allow_failure and own is None:
                inherited = retry_of(task, live.placements.ancestors(task), live.flow)
                if inherited is not None and self._retry(live, failed, inherited, real_seconds, own=False):
                    return
        state = softened(state, allow_failure=task.allow_failure, allow_warning=task.allow_warning)
        run = kernel.last_attempt(run, state)
        self.passes.finish(live, run, state, fact=fact, real_seconds=real_seconds)

    def _retry(
        self, live: Live, run: TaskRun, retry: Retry, real_seconds: float | None, *, own: bool = True
    ) -> bool:
        """Whether the run is tried again; then it waits for its date."""
        kernel = self.kernel
        if retry.behavior == "CREATE_NEW_EXECUTION":
            return self._retry_as_new(live, run, retry)
        date = next_retry_date(retry, run.attempts or (), kernel.rng, kernel.dialect)
        if date is None:
            return False
        now = kernel.now()
        run = kernel.put_run(live, run.with_state(StateType.FAILED, now), real_seconds=real_seconds)
        if not own:
            self.passes.start_errors(live, run.parent_task_run_id)
        run = kernel.put_run(live, run.with_state(StateType.RETRYING, now))
        if not live.state.is_terminated:
            kernel.set_state(live, StateType.RETRYING)
        self.passes.on_change(live)

        def again() -> None:
            live.timers.pop(run.id, None)
            current = live.runs.get(run.id)
            if current is None or current.state.current is not StateType.RETRYING:
                return
            if not own and kernel.dialect.major >= 2:
                self.passes.drop_errors(live, current.parent_task_run_id)
            kernel.put_run(live, current.with_state(StateType.CREATED, kernel.now()))
            if live.state is StateType.RETRYING:
                kernel.set_state(live, StateType.RUNNING)
            self.passes.send(live, run.id)
            self.passes.touch_all(live)

        live.timers[run.id] = kernel.loop.at(date, again)
        return True

    def _retry_as_new(self, live: Live, run: TaskRun, retry: Retry) -> bool:
        """CREATE_NEW_EXECUTION: the run, its parents and the execution become RETRIED; another one takes over."""
        kernel = self.kernel
        now = kernel.now()
        number = live.value.attempt_number
        if retry.max_attempts is not None and number >= retry.max_attempts:
            return False
        date = next_retry_date(
            replace(retry, max_attempts=None, max_duration=None),
            run.attempts or (),
            kernel.rng,
            kernel.dialect,
        )
        if date is None:
            return False
        first = live.facts.get("first_created", live.value.state.start_date)
        if retry.max_duration is not None and date > first + retry.max_duration:
            return False
        kernel.put_run(live, run.with_state(StateType.FAILED, now).with_state(StateType.RETRIED, now))
        for parent in list(live.parents(run)):
            kernel.put_run(live, parent.with_state(StateType.RETRIED, now))
        self.new_execution(live, date)
        self.passes.end(live, StateType.RETRIED)
        return True


def _clock_text(duration: dt.timedelta) -> str:
    """`HH:mm:ss.SSS` (commons-lang's DurationFormatUtils)."""
    millis = round(duration / dt.timedelta(milliseconds=1))
    seconds, millis = divmod(millis, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{millis:03}"
