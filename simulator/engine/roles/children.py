"""Flowables that are nothing but an order of children (Sequential, Parallel, Dag, If, Switch, ForEach...)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.engine.context import TaskContext
from simulator.engine.dispatch import failure_text
from simulator.engine.execution import StateType, TaskRun
from simulator.engine.flowables.base import Plan, sequential
from simulator.engine.live import Live
from simulator.engine.orders import EachConcurrent
from simulator.engine.state import softened
from simulator.model.flow import Task

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["ChildrenRole"]


class ChildrenRole:
    def __init__(self, kernel: Kernel, passes: Passes) -> None:
        self.kernel = kernel
        self.passes = passes

    def start(self, live: Live, run: TaskRun, task: Task) -> None:
        """RUNNING, with the outputs known at creation; then the list goes on by itself."""
        run = self.running(live, run)
        plan = self.prepare(live, run, task)
        if plan is None:
            return
        if plan.outputs is not None:
            run = self.kernel.put_run(live, replace(live.runs[run.id], outputs=plan.outputs))
        if plan.order is None:
            value = live.value
            self.kernel.log(
                live,
                "WARN",
                f"No task found on flow '{value.namespace}.{value.flow_id}', task '{task.id}', execution '{value.id}'",
                run=run,
                task=task,
            )
            self._end(live, run, task, StateType.FAILED)
        elif plan.order.expected == 0 or plan.facts.get("nothing_at_all"):
            if plan.empty_ok:
                self._end(live, run, task, StateType.SUCCESS)
            else:
                self.passes.stuck(live)
        else:
            self.passes.touch(live, run.id)
        self.passes.on_change(live)

    def running(self, live: Live, run: TaskRun) -> TaskRun:
        """CREATED -> RUNNING; 2.0 records an attempt (execution.md 1.1)."""
        if self.kernel.dialect.flowable_attempts:
            run = self.kernel.new_attempt(run, StateType.RUNNING)
        return self.kernel.put_run(live, run.with_state(StateType.RUNNING, self.kernel.now()))

    def prepare(self, live: Live, run: TaskRun, task: Task) -> Plan | None:
        """Evaluates the flowable; None when that failed (the run is FAILED then). Catches up with existing children."""
        cls = self.kernel.plugin(task)
        group = live.group(run, task)
        try:
            plan: Plan = cls().plan(TaskContext(self.kernel, live, run, task, cls.spec))
        except Exception as error:  # noqa: BLE001 - a null pointer of Kestra's is any error here
            if cls.spec.outputs and not run.outputs:
                message = f"Unable to save output on taskRun '{run.id}'"
                self.kernel.log(live, "WARN", message, run=run, task=task)
            message = f"Unable to resolve state from the Flowable task: {failure_text(error)}"
            self.kernel.log(live, "ERROR", message, run=run, task=task)
            self._end(live, run, task, StateType.FAILED)
            return None
        return self.adopt(live, run, task, plan, group_key=group.run_id)

    def adopt(self, live: Live, run: TaskRun, task: Task, plan: Plan, *, group_key: str | None) -> Plan:
        """Makes a plan the group's, with the task's own errors and finally."""
        group = live.groups[group_key]
        plan.errors, plan.has_errors = sequential(task, "errors")
        plan.finally_, plan.has_finally = sequential(task, "finally")
        group.plan = plan
        for name, order in (("tasks", plan.order), ("errors", plan.errors), ("finally", plan.finally_)):
            block = group.block(name)
            if order is None:
                continue
            if isinstance(order, EachConcurrent):
                block.watch = True
            if block.runs:
                order.resume([live.runs[run_id] for run_id in block.runs])
        return plan

    def _end(self, live: Live, run: TaskRun, task: Task, state: StateType) -> None:
        state = softened(state, allow_failure=task.allow_failure, allow_warning=task.allow_warning)
        self.passes.end_flowable(live, live.runs[run.id], state)
