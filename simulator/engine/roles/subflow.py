"""Subflow: a child execution, and what its end means for the parent's task run (core-tasks.md 2.13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulator.engine.context import TaskContext
from simulator.engine.creation import CORRELATION, Creator
from simulator.engine.dispatch import Dispatcher
from simulator.engine.execution import Attempt, State, StateType, TaskRun
from simulator.engine.live import Live
from simulator.engine.state import softened
from simulator.errors import NotFoundError, SimulatorError, TaskError
from simulator.model.flow import Flow, Task

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["SubflowRole", "link"]

_TRANSMITTED = (StateType.FAILED, StateType.PAUSED, StateType.KILLED, StateType.WARNING)


def link(live: Live) -> str:
    """Kestra's link to an execution in a log message."""
    value = live.value
    return f'[[link execution="{value.id}" flowId="{value.flow_id}" namespace="{value.namespace}"]]'


class SubflowRole:
    def __init__(self, kernel: Kernel, passes: Passes, dispatcher: Dispatcher, creator: Creator) -> None:
        self.kernel = kernel
        self.passes = passes
        self.dispatcher = dispatcher
        self.creator = creator
        self.restart: Any = None

    def start(self, live: Live, run: TaskRun, task: Task) -> None:
        kernel = self.kernel
        restarted = run.state.current is StateType.RESTARTED
        before = run
        # no worker has it, so it is never SUBMITTED, and its attempt is made when it ends
        run = kernel.put_run(live, run.with_state(StateType.RUNNING, kernel.now()))
        self.passes.on_change(live)
        context = TaskContext(kernel, live, before, task, kernel.plugin(task).spec)
        try:
            if restarted and self._restart_child(live, run, task, context):
                return
            child = self.child(live, run, task, context)
        except Exception as error:  # noqa: BLE001 - Kestra fails the run with any exception
            if kernel.dialect.flowable_attempts:
                # a flow that cannot be run is said by the task too, all other failures by the executor alone
                told = isinstance(error, (NotFoundError, TaskError))
                self.dispatcher.fail_subflow(live, before, task, error, told=told)
            else:
                # a flow that cannot be run is said twice
                if isinstance(error, (NotFoundError, TaskError)):
                    kernel.log(live, "ERROR", error.message, run=before, task=task)
                self.dispatcher.log_failure(live, before, task, error)
                attempt = Attempt(State.created(kernel.now(), StateType.FAILED))
                run = replace(before, attempts=(*(before.attempts or ()), attempt))
                self.dispatcher.end_run(live, run, task, StateType.FAILED, soften=False)
            return
        run = kernel.put_run(
            live, replace(live.runs[run.id], outputs={"executionId": child.id, "state": child.state.value})
        )
        if context.get("wait", True) is False:
            run = self._with_attempt(run.with_state(StateType.SUCCESS, kernel.now()))
            self.dispatcher.end_run(live, run, task, StateType.SUCCESS)
        else:
            child.facts["parent"] = (live, run.id)

    def child(
        self,
        live: Live,
        run: TaskRun,
        task: Task,
        context: TaskContext,
        extra: Mapping[str, Any] | None = None,
    ) -> Live:
        """Makes and starts the child execution."""
        kernel = self.kernel
        namespace = str(context.render(context.raw("namespace"), extra))
        flow_id = str(context.render(context.raw("flowId"), extra))
        revision = context.raw("revision")
        flow = kernel.flows.find(namespace, flow_id, int(revision) if revision is not None else None)
        if flow is None:
            raise NotFoundError(
                f"Unable to find flow '{namespace}'.'{flow_id}' with revision '{revision or 0}'"
            )
        if flow.disabled:
            if kernel.dialect.major == 1:
                raise TaskError("Cannot execute a flow which is disabled")
            raise TaskError(f"Cannot execute flow '{namespace}'.'{flow_id}': it is disabled.")
        raw_inputs = context.raw("inputs")
        inputs = dict(context.render(raw_inputs, extra) or {}) if raw_inputs is not None else {}
        given = label_pairs(context.render(context.raw("labels"), extra))
        child = self.creator.create(
            flow,
            inputs,
            given,
            trigger=self.trigger_variables(live, run, task),
            correlation=dict(live.value.labels).get(CORRELATION),
            system_labels=self._inherited(live, flow, given, context),
            schedule_date=context.get("scheduleDate"),
            parent_id=live.id,
            trigger_source=(task.id, task.type),
        )
        live.children.append(child.id)
        self._extra_inputs(live, run, task, child, inputs)
        kernel.log(live, "INFO", f"Created new execution {link(child)}", run=run, task=task)
        return child

    def _inherited(
        self, live: Live, flow: Flow, given: list[tuple[str, Any]], context: TaskContext
    ) -> list[tuple[str, str]]:
        """Labels of the parent that the child gets: all with inheritLabels, else the `system.*` ones."""
        own = {key for key, _ in flow.labels} | {key for key, _ in given}
        everything = context.get("inheritLabels", False) is True
        return [
            (key, value)
            for key, value in live.value.labels
            if key not in own
            and (everything or key.startswith("system."))
            and key not in ("system.restarted", "system.replay", "system.replayed")
        ]

    def _extra_inputs(
        self, live: Live, run: TaskRun, task: Task, child: Live, inputs: Mapping[str, Any]
    ) -> None:
        """Says which inputs the child did not ask for; as in Kestra, only when it got fewer than were given."""
        resolved, flow = child.value.inputs, child.flow
        if len(resolved) >= len(inputs):
            return
        for name in inputs:
            if name not in resolved:
                self.kernel.log(
                    live,
                    "WARN",
                    "Input {} was provided by parent execution {} for subflow {}.{} but isn't declared at the "
                    "subflow inputs",
                    name,
                    live.id,
                    flow.namespace,
                    flow.id,
                    run=run,
                    task=task,
                )

    def trigger_variables(self, live: Live, run: TaskRun, task: Task) -> dict[str, Any]:
        """What the child sees as `trigger` (execution.md 11)."""
        variables: dict[str, Any] = {
            "executionId": live.id,
            "namespace": live.value.namespace,
            "flowId": live.value.flow_id,
            "flowRevision": live.value.flow_revision,
            "taskRunId": run.id,
            "taskId": run.task_id,
        }
        if self.kernel.dialect.major == 1 and run.outputs is not None:
            variables["taskRunOutputs"] = dict(run.outputs)
        if run.value is not None:
            variables["taskRunValue"] = run.value
        if run.iteration is not None:
            variables["taskRunIteration"] = run.iteration
        if live.loop_of is not None:
            variables["executionId"] = _outermost(live).id
            variables["loopTaskRunId"] = live.loop_of[1]
            variables["loopIndex"] = (live.value.loop or {}).get("index")
        if self.kernel.dialect.major >= 2:
            variables["_context"] = {"id": task.id, "type": task.type}
        return variables

    def _restart_child(self, live: Live, run: TaskRun, task: Task, context: TaskContext) -> bool:
        """A restarted parent restarts its FAILED child (RETRY_FAILED); a child that succeeded is kept."""
        if context.raw("restartBehavior") == "NEW_EXECUTION" or self.restart is None:
            return False
        if dict(live.value.labels).get("system.restarted") != "true":
            return False
        child_id = (run.outputs or {}).get("executionId")
        child = self.kernel.lives.get(child_id) if isinstance(child_id, str) else None
        if child is None:
            return False
        if child.state is StateType.FAILED:
            self.restart(child)
            child.facts["parent"] = (live, run.id)
            if self.kernel.dialect.major >= 2:
                self.kernel.log(live, "INFO", f"Restarted execution {link(child)}", run=run, task=task)
        elif child.over:
            self.ended(live, run.id, child)
        else:
            child.facts["parent"] = (live, run.id)
        return True

    def ended(self, live: Live, run_id: str, child: Live) -> None:
        """The child is over: its state and outputs become the parent's run's."""
        kernel = self.kernel
        run = live.runs.get(run_id)
        task = live.placements.task(run.task_id) if run is not None else None
        if (
            run is None
            or task is None
            or (run.state.current.is_terminated and not child.facts.get("rebuilt"))
        ):
            return
        context = TaskContext(kernel, live, run, task, kernel.plugin(task).spec)
        outputs: dict[str, Any] = {"executionId": child.id, "state": child.state.value}
        state = StateType.SUCCESS
        if context.get("transmitFailed", True) and child.state in _TRANSMITTED:
            state = child.state
            state = softened(state, allow_failure=task.allow_failure, allow_warning=task.allow_warning)
        broken: str | None = child.facts.get("outputs_error")
        if broken is not None:
            self._without_outputs(live, run, task, outputs, broken)
            return
        if child.value.outputs:
            outputs["outputs"] = dict(child.value.outputs)
        elif kernel.dialect.major == 1 and context.raw("outputs") and not child.flow.outputs:
            try:
                outputs["outputs"] = self._legacy_outputs(child, context.raw("outputs"))
            except SimulatorError as error:
                self._without_outputs(live, run, task, outputs, error.message)
                return
        if state is StateType.FAILED:
            self._say(live, run, task, "ERROR", f"Subflow execution {link(child)} ends in FAILED state")
        elif state is StateType.WARNING:
            self._say(live, run, task, "WARN", f"Subflow execution {link(child)} ends in WARNING state")
        run = replace(run, outputs=outputs)
        if not run.state.current.is_terminated:
            now = kernel.now()
            run = self._with_attempt(run.with_state(child.state, now).with_state(state, now))
        else:
            # the child was changed after its parent had ended: its run says so, the parent stays as it is
            kernel.put_run(live, kernel.last_attempt(run, state).with_state(state, kernel.now()))
            return
        self.dispatcher.end_run(live, run, task, state)

    def _without_outputs(
        self, live: Live, run: TaskRun, task: Task, outputs: dict[str, Any], error: str
    ) -> None:
        """The child's flow outputs cannot be rendered: the run fails whatever `transmitFailed` says, with one attempt that
        knows nothing but its end."""
        kernel = self.kernel
        self._say(live, run, task, "ERROR", f"Failed to extract outputs with the error: '{error}'")
        state = softened(StateType.FAILED, allow_failure=task.allow_failure, allow_warning=task.allow_warning)
        now = kernel.now()
        attempt = Attempt(State.created(now).with_state(state, now))
        run = replace(
            run.with_state(StateType.FAILED, now),
            outputs=outputs if kernel.dialect.major == 1 else None,
            attempts=(*(run.attempts or ())[:-1], attempt),
        )
        self.dispatcher.end_run(live, run, task, state)

    def _with_attempt(self, run: TaskRun) -> TaskRun:
        """The attempt of a Subflow is a copy of its run's whole history."""
        return replace(run, attempts=(*(run.attempts or ()), Attempt(run.state)))

    def _say(self, live: Live, run: TaskRun, task: Task, level: str, message: str) -> None:
        self.kernel.log(live, level, message, run=run, task=task)

    def _legacy_outputs(self, child: Live, outputs: Any) -> Any:
        from simulator.engine.scope import scope_of, variables_of

        scope = scope_of(self.kernel, child, variables_of(self.kernel, child))
        return self.kernel.renderer.render_deep(outputs, scope)


def _outermost(live: Live) -> Live:
    while live.loop_of is not None:
        live = live.loop_of[0]
    return live


def label_pairs(labels: Any) -> list[tuple[str, Any]]:
    """A list of {key, value} or a map as pairs."""
    if isinstance(labels, Mapping):
        return list(labels.items())
    if isinstance(labels, list):
        return [(str(item.get("key")), item.get("value")) for item in labels if isinstance(item, Mapping)]
    return []
