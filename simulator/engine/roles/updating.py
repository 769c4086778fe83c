"""Tasks that change the execution inside the executor: Labels, SetVariables, UnsetVariables, Exit (core-tasks.md 3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulator.engine.context import TaskContext
from simulator.engine.dispatch import Dispatcher
from simulator.engine.execution import Attempt, State, StateType, TaskRun
from simulator.engine.live import Live
from simulator.model.flow import Task

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["UpdatingRole"]


class UpdatingRole:
    """The type's `update(context, live)` gives the changed fields of the execution; a failure FAILS the run."""

    def __init__(self, kernel: Kernel, passes: Passes, dispatcher: Dispatcher) -> None:
        self.kernel = kernel
        self.passes = passes
        self.dispatcher = dispatcher
        self.kill: Any = None

    def start(self, live: Live, run: TaskRun, task: Task) -> None:
        kernel = self.kernel
        cls = kernel.plugin(task)
        before = run
        # in 1.x its attempt knows no RUNNING: no worker has it (execution.md 1.1; 2.0: LabelsTest)
        states = (StateType.RUNNING,) if kernel.dialect.submitted_state else ()
        run = kernel.new_attempt(run, *states).with_state(StateType.RUNNING, kernel.now())
        run = kernel.put_run(live, run)
        context = TaskContext(kernel, live, before, task, cls.spec)
        try:
            changes = cls().update(context, live.value)
        except Exception as error:  # noqa: BLE001 - Kestra fails the run with any exception
            if kernel.dialect.flowable_attempts:
                self.dispatcher.fail_update(live, before, task, error)
            else:
                self.dispatcher.log_failure(live, before, task, error)
                attempt = Attempt(State.created(kernel.now(), StateType.FAILED))
                run = replace(before, attempts=(*(before.attempts or ()), attempt))
                self.dispatcher.end_run(live, run, task, StateType.FAILED, soften=False)
            return
        state = changes.pop("exit", None)
        if changes:
            kernel.change(live, **changes)
        if state is None:
            run = kernel.last_attempt(live.runs[run.id], StateType.SUCCESS)
            self.passes.finish(live, run, StateType.SUCCESS)
        else:
            self._exit(live, run, state)

    def _exit(self, live: Live, run: TaskRun, state: StateType) -> None:
        """Exit: the run, its parents and the execution get the state at once; nothing after it runs."""
        kernel = self.kernel
        if state is StateType.KILLED:
            run = kernel.last_attempt(run, StateType.KILLED)
            kernel.put_run(live, run.with_state(StateType.KILLED, kernel.now()))
            if kernel.dialect.exit_kills_at_once:
                self.dispatcher.stop(live, StateType.KILLED)
            else:
                self.kill(live, cascade=False)
            return
        run = kernel.last_attempt(run, state)
        kernel.put_run(live, run.with_state(state, kernel.now()))
        for parent in list(live.parents(run)):
            current = kernel.last_attempt(parent, state) if parent.attempts else parent
            kernel.put_run(live, replace(current).with_state(state, kernel.now()))
        self.passes.end(live, state)
