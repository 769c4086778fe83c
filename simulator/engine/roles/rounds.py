"""LoopUntil (alias WaitFor): rounds of children until a condition holds (core-tasks.md 2.11)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulator.engine.context import TaskContext, duration_of
from simulator.engine.dispatch import failure_text
from simulator.engine.execution import State, StateType, TaskRun
from simulator.engine.live import Group, Live
from simulator.engine.roles.children import ChildrenRole
from simulator.engine.state import is_falsy
from simulator.errors import SimulatorError
from simulator.model.flow import Task

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["RoundsRole"]


class RoundsRole(ChildrenRole):
    def __init__(self, kernel: Kernel, passes: Passes) -> None:
        super().__init__(kernel, passes)

    def list_over(self, live: Live, run: TaskRun, task: Task, state: StateType) -> bool:
        """After a round: the limits, then the condition. True when another round follows or the end is dealt with.

        Asked before `finally` begins as well, which comes after the last round only.
        """
        declared = task.children.get("tasks", ())
        group = live.groups[run.id]
        block = group.block("tasks")
        assert group.plan is not None
        facts = group.plan.facts
        if group.block("finally").runs:
            if facts.get("settled") is None:
                return False
            self.passes.end_flowable(live, run, facts["settled"])
            return True
        if any(child.disabled for child in declared) or block.counts[StateType.FAILED] or block.open:
            return False
        if state in (StateType.FAILED, StateType.KILLED):
            return False
        context = TaskContext(self.kernel, live, run, task, self.kernel.plugin(task).spec)
        count = int((run.outputs or {}).get("iterationCount", 1))
        try:
            limits = _limits(context)
            reached = self._reached(run, count, limits)
            if reached is not None:
                self.kernel.log(live, "WARN", reached, run=run, task=task)
                if not limits["fail"]:
                    return False
                if group.plan.finally_ is not None:
                    facts["settled"] = StateType.FAILED
                    return False
                self.passes.end_flowable(live, run, StateType.FAILED)
                return True
            text = context.render(context.raw("condition"))
            if not (text is None or is_falsy(str(text), self.kernel.dialect)):
                return False
        except (SimulatorError, ValueError) as error:
            message = f"Unable to resolve state from the Flowable task: {failure_text(error)}"
            self.kernel.log(live, "ERROR", message, run=run, task=task)
            if self.kernel.dialect.rounds_fail_twice:
                message = f"Failed to process flowable task {run.id}: {failure_text(error)}"
                self.kernel.log(live, "ERROR", message, run=run, task=task)
            self.passes.end_flowable(live, run, StateType.FAILED)
            return True
        self._wait(live, run, task, limits["interval"], count)
        return True

    def _reached(self, run: TaskRun, count: int, limits: dict[str, Any]) -> str | None:
        if limits["iterations"] is not None and count > limits["iterations"]:
            return "Max iterations reached"
        if limits["duration"] is None:
            return None
        start = run.state.start_date
        for entry in run.state.histories:
            last = entry.state in (StateType.CREATED, StateType.RESTARTED)
            if last and (self.kernel.dialect.major >= 2 or entry.state is StateType.RESTARTED):
                start = entry.date
        return "Max duration reached" if self.kernel.now() > start + limits["duration"] else None

    def _wait(self, live: Live, run: TaskRun, task: Task, interval: dt.timedelta, count: int) -> None:
        kernel = self.kernel
        run = kernel.run_state(live, run, StateType.PAUSED)
        if not live.state.is_terminated:  # in afterExecution the execution has ended
            kernel.set_state(live, StateType.PAUSED)
        self._arm(live, run, task, interval, count)
        self.passes.on_change(live)

    def _arm(self, live: Live, run: TaskRun, task: Task, interval: dt.timedelta, count: int) -> None:
        began = run.state.histories[-1].date
        live.timers[run.id] = self.kernel.loop.at(
            began + interval, lambda: self._next_round(live, run.id, task, count + 1)
        )

    def rearm(self, live: Live, run: TaskRun, task: Task) -> None:
        """The wait between rounds of a kept execution goes on for what is left of it."""
        context = TaskContext(self.kernel, live, run, task, self.kernel.plugin(task).spec)
        count = int((run.outputs or {}).get("iterationCount", 1))
        try:
            self._arm(live, run, task, _limits(context)["interval"], count)
        except (SimulatorError, ValueError) as error:
            self.kernel.log(live, "WARN", failure_text(error), run=run, task=task)

    def _next_round(self, live: Live, run_id: str, task: Task, count: int) -> None:
        """The children are removed and the round starts. 1.x cuts the history to its first entries; 2.0 keeps it and
        numbers the run by its round, as it does its children."""
        kernel = self.kernel
        live.timers.pop(run_id, None)
        run = live.runs.get(run_id)
        if run is None or run.state.current is not StateType.PAUSED or live.over:
            return
        for child in reversed(live.descendants(run_id)):
            kernel.remove_run(live, child.id)
        kept = [
            entry for entry in run.state.histories if entry.state in (StateType.CREATED, StateType.RESTARTED)
        ]
        old = kernel.dialect.major < 2
        state = State(tuple(kept) or run.state.histories[:1]) if old else run.state
        live.groups[run_id] = Group(run_id, task, live.groups[run_id].values)
        # the cut history replaces the old one: the block that counts the run sees PAUSED -> CREATED -> RUNNING
        run = replace(run, state=state, iteration=count - 1, outputs={"iterationCount": count})
        run = kernel.put_run(live, run.with_state(StateType.RUNNING, kernel.now()))
        if live.state is StateType.PAUSED and not any(
            other.state.current is StateType.PAUSED for other in live.runs.values() if other.id != run_id
        ):
            kernel.set_state(live, StateType.RUNNING)
        if self.prepare(live, run, task) is not None:
            self.passes.touch_all(live)


def _limits(context: TaskContext) -> dict[str, Any]:
    """`checkFrequency` and `failOnMaxReached`, rendered."""
    frequency = context.raw("checkFrequency") or {}

    def one(name: str, default: Any = None) -> Any:
        value = frequency.get(name)
        return default if value is None else context.render(value)

    iterations = one("maxIterations")
    fail = context.render(context.raw("failOnMaxReached"))
    return {
        "iterations": int(iterations) if iterations not in (None, "") else None,
        "duration": duration_of(one("maxDuration")),
        "interval": duration_of(one("interval", "PT1M")),
        "fail": fail is True or str(fail).strip().lower() == "true",
    }
