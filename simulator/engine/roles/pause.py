"""Pause: the execution waits for somebody, or for a time (core-tasks.md 2.12, execution.md 7)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulator.engine.context import TaskContext, duration_of
from simulator.engine.dispatch import failure_text
from simulator.engine.execution import State, StateType, TaskRun
from simulator.engine.live import Live
from simulator.engine.orders import Slot
from simulator.engine.placement import enabled
from simulator.engine.roles.children import ChildrenRole
from simulator.engine.state import softened
from simulator.errors import SimulatorError, TaskError
from simulator.model.flow import Task

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["PauseRole"]

_BEHAVIORS = {
    "RESUME": StateType.SUCCESS,
    "WARN": StateType.WARNING,
    "CANCEL": StateType.CANCELLED,
    "FAIL": StateType.FAILED,
}


class PauseRole(ChildrenRole):
    def __init__(self, kernel: Kernel, passes: Passes) -> None:
        super().__init__(kernel, passes)

    def start(self, live: Live, run: TaskRun, task: Task) -> None:
        """RUNNING, then PAUSED together with the execution."""
        kernel = self.kernel
        run = self.running(live, run)
        try:
            after = self._end_of(live, run, task)
        except (SimulatorError, ValueError) as error:
            message = f"Unable to resolve state from the Flowable task: {failure_text(error)}"
            kernel.log(live, "ERROR", message, run=run, task=task)
            self.passes.end_flowable(
                live,
                run,
                softened(
                    StateType.FAILED, allow_failure=task.allow_failure, allow_warning=task.allow_warning
                ),
            )
            return
        run = kernel.run_state(live, run, StateType.PAUSED)
        if not live.state.is_terminated:  # in afterExecution the execution has ended
            kernel.set_state(live, StateType.PAUSED)
        self._arm(live, run, after)
        on_pause = task.children.get("onPause", ())
        if on_pause:
            self._on_pause(live, run, enabled(on_pause))
        self.passes.on_change(live)

    def _end_of(self, live: Live, run: TaskRun, task: Task) -> tuple[dt.timedelta, StateType, bool] | None:
        """After which time the pause ends by itself, with which state, and whether that is its timeout."""
        context = TaskContext(self.kernel, live, run, task, self.kernel.plugin(task).spec)
        length = context.get("pauseDuration")
        if length is None and self.kernel.dialect.major == 1:
            length = context.get("delay")
        behavior = str(context.get("behavior", "RESUME"))
        if behavior not in _BEHAVIORS:
            raise TaskError(f"No enum constant io.kestra.plugin.core.flow.Pause.Behavior.{behavior}")
        limit = None if task.timeout is None else duration_of(context.render(task.timeout))
        if length is not None:
            return length, _BEHAVIORS[behavior], False
        return (limit, StateType.FAILED, True) if limit is not None else None

    def _arm(self, live: Live, run: TaskRun, after: tuple[dt.timedelta, StateType, bool] | None) -> None:
        """Counts from the moment of the pause: in a kept execution some of the time is over already."""
        if after is None:
            return
        length, state, timeout = after
        began = run.state.histories[-1].date
        live.timers[run.id] = self.kernel.loop.at(
            began + length, lambda: self.leave(live, run.id, state, timed=True, timeout=timeout)
        )

    def rearm(self, live: Live, run: TaskRun, task: Task) -> None:
        """A pause of a kept execution goes on for what is left of its time."""
        try:
            self._arm(live, run, self._end_of(live, run, task))
        except (SimulatorError, ValueError) as error:
            self.kernel.log(live, "WARN", failure_text(error), run=run, task=task)

    def _on_pause(self, live: Live, run: TaskRun, tasks: tuple[Task, ...]) -> None:
        """The `onPause` task goes out beside the pause, at the top; it is no child that anything waits for."""
        for slot in (Slot(task) for task in tasks):
            made = TaskRun(
                id=self.kernel.new_id(),
                execution_id=live.id,
                namespace=live.value.namespace,
                flow_id=live.value.flow_id,
                task_id=slot.task.id,
                state=State.created(self.kernel.now()),
                dynamic=True,
            )
            self.kernel.put_run(live, made)
            self.passes.send(live, made.id)

    def leave(
        self,
        live: Live,
        run_id: str,
        state: StateType,
        *,
        timed: bool = False,
        timeout: bool = False,
        outputs: Mapping[str, Any] | None = None,
    ) -> None:
        """The pause ends with `state`: by a person, its duration, or its timeout."""
        kernel = self.kernel
        timer = live.timers.pop(run_id, None)
        if timer is not None:
            timer.cancel()
        run = live.runs.get(run_id)
        task = live.placements.task(run.task_id) if run is not None else None
        if run is None or task is None or run.state.current is not StateType.PAUSED or live.over:
            return
        children = any(enabled(task.children.get(path, ())) for path in ("tasks", "errors", "finally"))
        end = state
        if timeout or (state is StateType.FAILED and children):
            end = softened(state, allow_failure=task.allow_failure, allow_warning=task.allow_warning)
        if outputs is None:
            to = end if timeout else state
            outputs = {"resumed": {"on": kernel.now().replace(tzinfo=None).isoformat(), "to": to.value}}
        run = kernel.put_run(live, replace(run, outputs={**(run.outputs or {}), **outputs}))
        # the way on counts as another attempt of the execution (1.1.15 and 2.0.0)
        kernel.change(live, attempt_number=live.value.attempt_number + 1)
        if state is StateType.CANCELLED:
            self._cancel(live, run)
            return
        if not children:
            self._still_paused_or_restarted(live, run_id)
            self.passes.end_flowable(live, run, end)
            self.passes.touch_all(live)
            return
        self._still_paused_or_restarted(live, run_id)
        run = kernel.run_state(live, live.runs[run_id], StateType.RUNNING)
        plan = self.prepare(live, run, task)
        if plan is None:
            return
        if end is StateType.FAILED:
            plan.facts["forced_failed"] = True
        plan.facts["terminal"] = end
        self.passes.touch_all(live)

    def _cancel(self, live: Live, run: TaskRun) -> None:
        self.passes.end_flowable(live, run, StateType.CANCELLED)
        for parent in list(live.parents(run)):
            self.kernel.run_state(live, parent, StateType.CANCELLED)
        self.passes.end(live, StateType.CANCELLED)
        self.passes.touch(live, None)

    def _still_paused_or_restarted(self, live: Live, run_id: str) -> None:
        """The execution goes on unless another task run is paused."""
        others = any(run.state.current is StateType.PAUSED and run.id != run_id for run in live.runs.values())
        if not others and live.state is StateType.PAUSED:
            self.kernel.set_state(live, StateType.RESTARTED)
