"""Flowables that are nothing but an order of children (Sequential, Parallel, Dag, If, Switch, ForEach...)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.dialect import Dialect
from simulator.engine.context import TaskContext
from simulator.engine.dispatch import failure_text
from simulator.engine.execution import StateType, TaskRun, replace
from simulator.engine.flowables.base import Plan, sequential
from simulator.engine.live import Live
from simulator.engine.orders import EachConcurrent
from simulator.engine.properties import ConstraintError
from simulator.engine.state import softened
from simulator.model.flow import Task
from simulator.model.typing import java_text
from simulator.values import Instant

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["ChildrenRole", "skipped"]


def skipped(kernel: Kernel, live: Live, run: TaskRun, task: Task) -> TaskRun:
    """The run of a flowable that `runIf` skips, with what was evaluated when it was created."""
    cls = kernel.plugin(task)
    if getattr(cls, "role", "children") not in ("children", "rounds"):
        return run
    try:
        plan: Plan = cls().plan(TaskContext(kernel, live, run, task, cls.spec))
    except Exception:  # noqa: BLE001 - as in prepare
        message = f"Unable to save output on taskRun '{_java_form(run, kernel.dialect)}'"
        kernel.log(live, "WARN", message, run=run, task=task)
        return run
    return replace(run, outputs=plan.outputs)


def _java_form(run: TaskRun, dialect: Dialect) -> str:
    """`TaskRun.toString()` of a run just created; 2.0 keeps outputs apart and knows assets."""
    created = run.state.histories[0]
    facts: dict[str, object] = {
        "tenantId": "main",
        "id": run.id,
        "executionId": run.execution_id,
        "namespace": run.namespace,
        "flowId": run.flow_id,
        "taskId": run.task_id,
        "parentTaskRunId": run.parent_task_run_id,
        "value": run.value,
        "attempts": None,
        **({"outputs": None} if dialect.major == 1 else {"assetEmits": None}),
        "state": "State(current=CREATED, histories=[State.History(state=CREATED, date="
        f"{java_text(Instant.of(created.date))})])",
        "iteration": run.iteration,
        "dynamic": None,
        "forceExecution": True if run.force_execution else None,
        **({} if dialect.major == 1 else {"outputs": None}),
    }
    return f"TaskRun({', '.join(f'{name}={java_text(value)}' for name, value in facts.items())})"


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
        if plan.outputs is not None or self.kernel.dialect.major == 1:
            run = self.kernel.put_run(live, replace(live.runs[run.id], outputs=plan.outputs or {}))
        self.settle(live, live.runs[run.id], task, plan)
        self.passes.on_change(live)

    def settle(self, live: Live, run: TaskRun, task: Task, plan: Plan) -> None:
        """A list goes on; without any, or with an empty one, the run ends."""
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
            if isinstance(error, ConstraintError) and self.kernel.dialect.major >= 2:
                message = f"Failed to process flowable task {run.id}: {failure_text(error)}"
                self.kernel.log(live, "ERROR", message, run=run, task=task)
                self.passes.end_flowable(live, live.runs[run.id], StateType.FAILED)  # whatever it allows
                return None
            outputs = bool(cls.spec.outputs)
            if outputs and not run.outputs:
                message = f"Unable to save output on taskRun '{_java_form(run, self.kernel.dialect)}'"
                self.kernel.log(live, "WARN", message, run=run, task=task)
            for what in ("state", "outputs") if outputs else ("state",):
                message = f"Unable to resolve {what} from the Flowable task: {failure_text(error)}"
                self.kernel.log(live, "ERROR", message, run=run, task=task)
            # an exception is no failure of the children: `allowFailure` does not soften it
            self.passes.end_flowable(live, live.runs[run.id], StateType.FAILED)
            return None
        return self.adopt(live, run, task, plan, group_key=group.run_id)

    def adopt(self, live: Live, run: TaskRun, task: Task, plan: Plan, *, group_key: str | None) -> Plan:
        """Makes a plan the group's, with the task's own errors and finally."""
        group = live.groups[group_key]
        plan.errors, plan.has_errors = sequential(task, "errors", plan.iteration)
        plan.finally_, plan.has_finally = sequential(task, "finally", plan.iteration)
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
