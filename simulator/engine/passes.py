"""The executor's passes: which task run is next, when a list is over, how an execution ends (execution.md 2, 3).

Kestra walks the whole execution at each message. Here a pass looks at one list only: the one whose child changed. The
rules are the same, the cost is constant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from simulator.diagnostics import Diagnostic, Severity
from simulator.engine.events import DiagnosticRaised, ExecutionEnded
from simulator.engine.execution import State, StateType, TaskRun, replace
from simulator.engine.flowables.base import Plan
from simulator.engine.live import Group, Live
from simulator.engine.orders import Order, Sequential, Slot
from simulator.engine.outputs import has_outputs
from simulator.engine.placement import enabled
from simulator.engine.settings import HELD
from simulator.engine.state import final_state
from simulator.model.flow import Task

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel

__all__ = ["Passes", "current_list", "is_finished"]

#: States of a run that somebody else will end.
_BEGUN = (StateType.CREATED, StateType.SUBMITTED, StateType.RUNNING)


def _order(plan: Plan, name: str) -> Order | None:
    return {"tasks": plan.order, "errors": plan.errors, "finally": plan.finally_}[name]


def _all_ended(group: Group, plan: Plan, name: str) -> bool:
    order = _order(plan, name)
    block = group.block(name)
    return order is not None and not block.open and len(block.runs) >= order.expected


def current_list(group: Group, plan: Plan, *, forced_failed: bool = False) -> str | None:
    """Which list of a flowable (or flow) is current: `tasks`, `errors`, `finally`, or None (execution.md 3.1)."""
    if group.block("finally").runs:
        return "finally"
    tasks = group.block("tasks")
    errors_ran = bool(group.block("errors").runs)
    has_errors, has_finally = plan.errors is not None, plan.finally_ is not None
    if forced_failed and not errors_ran:
        return "errors" if has_errors else "finally" if has_finally else None
    failed = tasks.counts[StateType.FAILED] > 0
    if errors_ran or failed:
        if has_errors and has_finally and not _all_ended(group, plan, "errors"):
            return "errors"
        if not has_finally:
            return "errors" if has_errors else None
    if has_finally and (failed or forced_failed or _all_ended(group, plan, "tasks")):
        return "finally"
    return "tasks"


def is_finished(group: Group, plan: Plan, name: str | None) -> bool:
    """Whether the current list says that the flowable (or flow) is over (execution.md 3.4)."""
    return True if name is None else _all_ended(group, plan, name)


class Passes:
    """See the module text. `dispatch` sends a created task run on its way; `finish` is told when a run has ended."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.dispatch: Callable[[Live, str], None] = lambda live, run_id: None
        self.on_list_over: Callable[[Live, TaskRun, Task, StateType], bool] = lambda live, run, task, state: (
            False
        )
        """Asked before a flowable ends with a state; True = it deals with it (LoopUntil rounds)."""
        self.interrupt: Callable[[Live, TaskRun, StateType], None] = lambda live, run, state: None
        """Task code is told to stop, and its run ends with the state."""
        self.on_over: Callable[[Live], None] = lambda live: None
        self.render_outputs: Callable[[Live], dict[str, Any] | None] = lambda live: None
        self.matching_listeners: Callable[[Live], Sequence[Task]] = lambda live: ()
        self.on_change: Callable[[Live], None] = lambda live: None
        self._dirty: set[tuple[str, str | None]] = set()

    # --- which lists need a look

    def touch(self, live: Live, key: str | None) -> None:
        """The list below run `key` (None: the top level) may go on."""
        mark = (live.id, key)
        if mark not in self._dirty:
            self._dirty.add(mark)
            self.kernel.loop.call(lambda: self._pass(live, key, mark))

    def touch_all(self, live: Live) -> None:
        """Everything may go on: after a pause, a restart, a retry."""
        for key in list(live.groups):
            if key is None or live.runs[key].state.current is StateType.RUNNING:
                self.touch(live, key)

    def _pass(self, live: Live, key: str | None, mark: tuple[str, str | None]) -> None:
        self._dirty.discard(mark)
        if live.over:
            return
        if key is None:
            self._top(live)
        elif live.state not in HELD:
            self._flowable(live, key)

    # --- a flowable run

    def _flowable(self, live: Live, key: str) -> None:
        group, run = live.groups.get(key), live.runs.get(key)
        if group is None or run is None or group.task is None or group.plan is None:
            return
        if run.state.current is not StateType.RUNNING or live.state is StateType.KILLING:
            return
        if live.state.is_terminated and not run.force_execution:
            return
        try:
            self._go_on(live, group, run)
        except Exception as error:  # noqa: BLE001 - Kestra fails the flowable with any exception of its state
            message = f"Unable to resolve state from the Flowable task: {getattr(error, 'message', error)}"
            self.kernel.log(live, "ERROR", message, run=run, task=group.task)
            self.end_flowable(live, live.runs[key], StateType.FAILED)

    def _go_on(self, live: Live, group: Group, run: TaskRun) -> None:
        assert group.plan is not None and group.task is not None
        plan = group.plan
        name = current_list(group, plan, forced_failed=bool(plan.facts.get("forced_failed")))
        held = name == "finally" and plan.facts.get("rounds") and not group.block("finally").runs
        if held and self.on_list_over(live, run, group.task, self._result(group, plan)):
            return
        if name is not None and self._step(live, group, name):
            return
        if not is_finished(group, plan, name) or group.block("tasks").counts[StateType.RETRYING]:
            return
        state = self._result(group, plan)
        if not self.on_list_over(live, run, group.task, state):
            self.end_flowable(live, run, state)

    def _result(self, group: Group, plan: Plan) -> StateType:
        """The state that a flowable ends with, from the runs of its `tasks`."""
        assert group.task is not None
        state = final_state(
            group.block("tasks").counts,
            self.kernel.dialect,
            allow_failure=group.task.allow_failure,
            allow_warning=group.task.allow_warning,
            terminal=plan.facts.get("terminal", StateType.SUCCESS),
        )
        softens = state is StateType.FAILED and plan.facts.get("allow_failure")
        return StateType.WARNING if softens else state

    def start_errors(self, live: Live, key: str | None) -> None:
        """A task failed and is to be retried by a retry that is not its own: Kestra starts `errors` or `finally` of its
        list before it notices (execution.md 5)."""
        group = live.groups.get(key)
        if group is None:
            return
        plan = group.plan if key is not None else self.top_plan(live)
        name = current_list(group, plan) if plan is not None else None
        if name in ("errors", "finally"):
            self._step(live, group, name)

    def drop_errors(self, live: Live, key: str | None) -> None:
        """Those runs are taken away again when the retry begins (both releases do; execution.md 5 knows it of 2.0)."""
        group = live.groups.get(key)
        plan = group.plan if group is not None else None
        if group is None or plan is None:
            return
        for name, order in (("errors", plan.errors), ("finally", plan.finally_)):
            for run_id in list(group.block(name).runs):
                for below in reversed(live.descendants(run_id)):
                    self.kernel.remove_run(live, below.id)
                self.kernel.remove_run(live, run_id)
            if order is not None:
                order.resume(())

    def _step(self, live: Live, group: Group, name: str) -> bool:
        """Creates the next task runs of a list; whether there were any."""
        assert group.plan is not None
        order = _order(group.plan, name)
        if order is None:
            return False
        slots = order.next(group.block(name))
        self.create(live, group.run_id, slots)
        return bool(slots)

    def create(
        self, live: Live, parent: str | None, slots: Sequence[Slot], *, forced: bool = False
    ) -> list[TaskRun]:
        """New task runs in CREATED; they are sent on their way after all of them exist."""
        kernel = self.kernel
        made: list[TaskRun] = []
        above = live.runs.get(parent) if parent is not None else None
        value = live.value
        for slot in slots:
            run = TaskRun(
                id=kernel.new_id(),
                execution_id=value.id,
                namespace=value.namespace,
                flow_id=value.flow_id,
                task_id=slot.task.id,
                state=State.created(kernel.now()),
                parent_task_run_id=parent,
                value=slot.value,
                iteration=slot.iteration,
                force_execution=forced or bool(above and above.force_execution),
            )
            made.append(kernel.put_run(live, run))
        for run in made:
            self.send(live, run.id)
        return made

    def send(self, live: Live, run_id: str) -> None:
        """A created task run goes to the worker after what is ready already."""
        self.kernel.loop.call(lambda: self.dispatch(live, run_id))

    def end_flowable(self, live: Live, run: TaskRun, state: StateType, outputs: Any = None) -> None:
        """A flowable run ends: flowables below it that are still open are forced to the same state (execution.md 3.4),
        and so is what only waits; 1.1.15 and 2.0.0 let a worker that has begun say the last word of its run."""
        kernel = self.kernel
        group = live.groups.get(run.id)
        if group is not None and any(block.open for block in group.blocks.values()):
            facts = group.plan.facts if group.plan is not None else {}
            interrupted = facts.get("interrupted") if state is StateType.FAILED else None
            for child in live.descendants(run.id):
                if child.state.current.is_terminated:
                    continue
                if interrupted is not None and child.id in live.jobs:
                    self.interrupt(live, child, interrupted)
                    continue
                # task code that has begun goes on and ends its run itself (ParallelTest.parallelFailWithFlowable)
                if child.id in live.groups or child.state.current not in _BEGUN:
                    kernel.put_run(live, kernel.forced(child, interrupted or state))
        run = live.runs[run.id]
        if run.attempts:
            run = kernel.last_attempt(run, state)
        if outputs is not None:
            run = replace(run, outputs={**(run.outputs or {}), **outputs})
        self.finish(live, run, state)

    def finish(
        self,
        live: Live,
        run: TaskRun,
        state: StateType,
        *,
        fact: str | None = None,
        real_seconds: float | None = None,
    ) -> None:
        """A task run ends with `state`; its list goes on."""
        run = self.kernel.put_run(
            live, run.with_state(state, self.kernel.now()), fact=fact, real_seconds=real_seconds
        )
        timer = live.timers.pop(run.id, None)
        if timer is not None:
            timer.cancel()
        if not run.dynamic:
            self.touch(live, run.parent_task_run_id)
        self.on_change(live)

    # --- the top level

    def top_plan(self, live: Live) -> Plan:
        """The flow's own lists, or those of the Loop task that an iteration runs."""
        plan = live.top.plan
        if plan is None:
            if live.root is not None:
                lists = {
                    name: enabled(live.root.children.get(name, ())) for name in ("tasks", "errors", "finally")
                }
            else:
                lists = {
                    "tasks": enabled(live.flow.tasks),
                    "errors": enabled(live.flow.errors),
                    "finally": enabled(live.flow.finally_),
                }
            plan = live.top.plan = Plan(
                Sequential(lists["tasks"]),
                errors=Sequential(lists["errors"]) if lists["errors"] else None,
                finally_=Sequential(lists["finally"]) if lists["finally"] else None,
            )
        return plan

    def _top(self, live: Live) -> None:
        state = live.state
        if state in HELD:
            return
        if state is StateType.KILLING:
            self.kill_step(live)
            return
        if state.is_terminated:
            self._after(live)
            return
        if state is StateType.RESTARTED:
            self.kernel.set_state(live, StateType.RUNNING)
        plan = self.top_plan(live)
        name = current_list(live.top, plan)
        order = _order(plan, name) if name is not None else None
        slots = order.next(live.top.block(name)) if order is not None and name is not None else ()
        if slots:
            if live.state is StateType.CREATED:
                self.kernel.set_state(live, StateType.RUNNING)
            self.create(live, None, slots)
            self.on_change(live)
        elif is_finished(live.top, plan, name) and live.state is not StateType.RETRYING:
            state = final_state(live.top.block("tasks").counts, self.kernel.dialect)
            self.end(live, state)

    def last_word(self, live: Live, run: TaskRun, *, own: bool) -> bool:
        """Whether the failure of this run, which is to be tried again, ends the execution for a moment: it stands at the
        top, and no `errors` or `finally` begin before (those wait for a retry of the task's own)."""
        flow = live.flow
        return (
            live.root is None
            and run.parent_task_run_id is None
            and (own or not (enabled(flow.errors) or enabled(flow.finally_)))
        )

    def end(self, live: Live, state: StateType, *, through: StateType | None = None) -> None:
        """The execution gets its end state; flow outputs are rendered first and may fail it (flow.md 4).

        `through`: a state that its history shows just before.
        """
        if live.state.is_terminated:
            return
        if has_outputs(live) and "outputs" not in live.facts:
            outputs = self.render_outputs(live)
            live.facts["outputs"] = True
            if outputs is None:
                through = None if state is StateType.FAILED else state
                state = StateType.FAILED
            else:
                live.update(outputs=outputs or None)
        for timer in live.timers.values():
            timer.cancel()
        live.timers.clear()
        if through is not None:
            live.set_state(through, self.kernel.now())
        self.kernel.set_state(live, state)
        self._after(live)

    def _after(self, live: Live) -> None:
        """1.x listeners, then afterExecution; then the execution is over."""
        if live.over:
            return
        if live.root is None:
            for name in ("listeners", "afterExecution"):
                order = live.facts.get(f"order:{name}")
                if order is None:
                    after = enabled(live.flow.after_execution)
                    tasks = self.matching_listeners(live) if name == "listeners" else after
                    order = live.facts[f"order:{name}"] = Sequential(tasks)
                block = live.top.block(name)
                slots = order.next(block)
                if slots:
                    self.create(live, None, slots, forced=True)
                    return
                if block.open or len(block.runs) < order.expected:
                    return
        live.over = True
        self.kernel.sink(ExecutionEnded(self.kernel.now(), live.snapshot()))
        self.on_over(live)

    # --- kill

    def kill_step(self, live: Live) -> None:
        """KILLING ends when no task code runs any more: open runs become KILLED, children before parents."""
        if any(True for key in live.jobs if not live.runs[key].force_execution):
            return
        for run in reversed(list(live.runs.values())):
            if not run.state.current.is_terminated and not run.force_execution:
                self.kernel.put_run(live, self.kernel.forced(live.runs[run.id], StateType.KILLED))
        self.end(live, live.facts.pop("kill_to", StateType.KILLED))

    def stuck(self, live: Live) -> None:
        """Says that Kestra would never end this execution (1.x flowables without enabled children)."""
        self.kernel.sink(
            DiagnosticRaised(
                self.kernel.now(),
                Diagnostic(
                    "SIM-ENGINE-001",
                    Severity.WARNING,
                    f"Execution {live.id} never ends: a flowable task without enabled children stays RUNNING in Kestra 1.x",
                    hint="remove the task, or enable one of its children",
                ),
            )
        )
