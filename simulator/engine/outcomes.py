"""What became of an attempt of task code: its end state, its log, and whether it is tried again (execution.md 4, 5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from simulator.engine.events import DiagnosticRaised
from simulator.engine.execution import Attempt, State, StateType, TaskRun, replace
from simulator.engine.failures import failure_diagnostic
from simulator.engine.jobs import Job
from simulator.engine.live import Live
from simulator.engine.retries import next_retry_date, retry_of
from simulator.engine.state import softened
from simulator.engine.task import TaskResult
from simulator.errors import ExpressionError, Interrupted, SimulatorError, TaskError
from simulator.model.flow import Retry, Task
from simulator.storage.base import StorageContext

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["Outcomes", "failure_text"]


def failure_text(error: BaseException) -> str:
    """The message that Kestra logs for a failure."""
    if isinstance(error, SimulatorError):
        return error.message
    return str(error) or type(error).__name__


class Outcomes:
    """See the module text. `new_execution` makes the execution that takes over (CREATE_NEW_EXECUTION)."""

    def __init__(self, kernel: Kernel, passes: Passes) -> None:
        self.kernel = kernel
        self.passes = passes
        self.new_execution: Callable[[Live, dt.datetime], None] = lambda live, date: None

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
            # for the state, but the worker has written its log
            if run is not None and error is not None and not (job is not None and job.cancelled):
                self.log_failure(live, run, task, error)
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
        if outputs is None and self.kernel.dialect.major == 1:
            outputs = {}  # what a worker has done has outputs in 1.x, be they empty (execution.md 10)
        if outputs is not run.outputs:
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

    def _last_open(self, live: Live, but: TaskRun) -> TaskRun | None:
        """The run whose log the executor's own failures go to (Execution.failedExecutionFromExecutor): the last one that
        still runs, a flowable around mostly; None, which is the execution's own log, when nothing does."""
        for run in reversed(live.runs.values()):
            current = run.state.current
            if run.id != but.id and not current.is_terminated and current is not StateType.PAUSED:
                return run
        return None

    def fail_update(self, live: Live, run: TaskRun, task: Task, error: BaseException) -> None:
        """2.0: a task that changes the execution fails before it has begun. Its run and attempt know nothing but the end
        state; the log of what runs around it has the message too, unless the failure is allowed. It is never retried."""
        kernel = self.kernel
        kernel.log(live, "ERROR", f"Failed to process task: {failure_text(error)}", run=run, task=task)
        state = softened(StateType.FAILED, allow_failure=task.allow_failure, allow_warning=task.allow_warning)
        if state is StateType.FAILED:
            self.log_failure(live, self._last_open(live, run), task, error)
        attempt = Attempt(State.created(kernel.now(), state))
        self.passes.finish(live, replace(run, attempts=(*(run.attempts or ()), attempt)), state)

    def fail_subflow(self, live: Live, run: TaskRun, task: Task, error: BaseException, *, told: bool) -> None:
        """2.0: a Subflow fails before its child exists. The log of what runs around it says so, and the run's when the task
        itself has `told`. It may be retried; `allowFailure` does not soften it."""
        if told:
            self.kernel.log(live, "ERROR", failure_text(error), run=run, task=task)
        self.log_failure(live, self._last_open(live, run), task, error)
        attempt = Attempt(State.created(self.kernel.now(), StateType.FAILED))
        run = replace(run, attempts=(*(run.attempts or ()), attempt))
        self.end_run(live, run, task, StateType.FAILED, soften=False)

    def end_run(
        self,
        live: Live,
        run: TaskRun,
        task: Task,
        state: StateType,
        *,
        fact: str | None = None,
        real_seconds: float | None = None,
        soften: bool = True,
    ) -> None:
        """Retry, allowFailure, allowWarning, warningOnRetry; then the end state or the wait for the next try."""
        kernel = self.kernel
        own, attempt = task.retry, state
        if (
            state is StateType.SUCCESS
            and own is not None
            and own.warning_on_retry
            and len(run.attempts or ()) > 1
        ):
            state = StateType.WARNING
        over = live.state is StateType.KILLING or live.state.is_terminated
        tried = getattr(kernel.registry.load(task.type), "role", None) != "updating"  # never tried again
        if state is StateType.FAILED and tried and not run.force_execution and not over:
            failed = kernel.last_attempt(run, StateType.FAILED)
            if own is not None and self._retry(live, failed, own, real_seconds):
                return
            if not task.allow_failure and own is None:
                inherited = retry_of(task, live.placements.ancestors(task), live.flow)
                if inherited is not None and self._retry(live, failed, inherited, real_seconds, own=False):
                    return
        if soften:
            state = softened(state, allow_failure=task.allow_failure, allow_warning=task.allow_warning)
        # an attempt keeps the state that the task itself ended with; only the run's is softened
        run = kernel.last_attempt(run, attempt)
        self.passes.finish(live, run, state, fact=fact, real_seconds=real_seconds)

    def _retry(
        self, live: Live, run: TaskRun, retry: Retry, real_seconds: float | None, *, own: bool = True
    ) -> bool:
        """Whether the run is tried again; then it waits for its date."""
        kernel = self.kernel
        if retry.behavior == "CREATE_NEW_EXECUTION":
            return self._retry_as_new(live, run, retry, own=own)
        date = next_retry_date(retry, run.attempts or (), kernel.rng, kernel.dialect)
        if date is None:
            return False
        now = kernel.now()
        run = kernel.put_run(live, run.with_state(StateType.FAILED, now), real_seconds=real_seconds)
        if not own:
            self.passes.start_errors(live, run.parent_task_run_id)
        run = kernel.put_run(live, run.with_state(StateType.RETRYING, now))
        if not live.state.is_terminated:
            if self.passes.last_word(live, run, own=own):
                # one event with what follows: a process that dies in between must not leave an ended execution
                live.set_state(StateType.FAILED, now)
            kernel.set_state(live, StateType.RETRYING)
        self.passes.on_change(live)
        self._try_again_at(live, run.id, date, own=own)
        return True

    def rearm(self, live: Live, run: TaskRun, task: Task) -> None:
        """The next try of a kept execution that was left while it waited for one; overdue, it comes at once."""
        kernel = self.kernel
        retry = retry_of(task, live.placements.ancestors(task), live.flow)
        date = None
        if retry is not None:
            date = next_retry_date(retry, run.attempts or (), kernel.rng, kernel.dialect)
        self._try_again_at(live, run.id, date or kernel.now(), own=task.retry is not None)

    def _try_again_at(self, live: Live, run_id: str, date: dt.datetime, *, own: bool) -> None:
        kernel = self.kernel

        def again() -> None:
            live.timers.pop(run_id, None)
            current = live.runs.get(run_id)
            if current is None or current.state.current is not StateType.RETRYING:
                return
            if not own:
                self.passes.drop_errors(live, current.parent_task_run_id)
            kernel.put_run(live, current.with_state(StateType.CREATED, kernel.now()))
            if live.state is StateType.RETRYING:
                kernel.set_state(live, StateType.RUNNING)
            self.passes.send(live, run_id)
            self.passes.touch_all(live)

        live.timers[run_id] = kernel.loop.at(date, again)

    def _retry_as_new(self, live: Live, run: TaskRun, retry: Retry, *, own: bool) -> bool:
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
        through = StateType.FAILED if self.passes.last_word(live, run, own=own) else None
        self.passes.end(live, StateType.RETRIED, through=through)
        return True


def _clock_text(duration: dt.timedelta) -> str:
    """`HH:mm:ss.SSS` (commons-lang's DurationFormatUtils)."""
    millis = round(duration / dt.timedelta(milliseconds=1))
    seconds, millis = divmod(millis, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{millis:03}"
