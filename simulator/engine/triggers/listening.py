"""Flows that listen to executions: Flow triggers (1.x conditions and preconditions, 2.0 dependsOn) and 1.x listeners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simulator.engine.creation import CORRELATION
from simulator.engine.execution import Execution, State, StateType
from simulator.engine.flowables.updating import deep_merge
from simulator.engine.live import Live
from simulator.engine.placement import enabled
from simulator.engine.scope import scope_of, variables_of
from simulator.engine.state import is_falsy
from simulator.engine.triggers.conditions import Subject, all_hold, flat_labels, holds_quietly
from simulator.engine.triggers.dependencies import is_satisfied
from simulator.engine.triggers.windows import Memory, Window, key_of
from simulator.errors import SimulatorError, UsageError
from simulator.model.flow import Flow, Task, Trigger
from simulator.values import Instant

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["FlowTriggers"]

_STATES = {"SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "RETRIED", "SKIPPED", "PAUSED"}


class FlowTriggers:
    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.kernel = executor.kernel
        self._memories: dict[tuple[str, str, str], Memory] = {}

    # --- 1.x listeners

    def listeners_of(self, live: Live) -> Sequence[Task]:
        """Tasks of the listeners whose conditions hold on the ended execution, in declared order."""
        tasks: list[Task] = []
        for listener in live.flow.listeners:
            try:
                holds = all_hold(listener.conditions, self._subject(live.flow, live))
            except SimulatorError as error:
                self.kernel.log(live, "ERROR", error.message)
                continue
            if holds:
                tasks.extend(enabled(listener.tasks))
        return tasks

    # --- Flow triggers

    def ended(self, live: Live) -> None:
        """Starts what listens to the end of an execution, and disables triggers by `stopAfter`."""
        started = live.facts.get("trigger")
        if started is not None:
            flow, trigger = started
            if live.state.value in trigger.stop_after:
                self.kernel.disabled_triggers.add((flow.namespace, flow.id, trigger.id))
        if live.value.kind in (None, "NORMAL", "TEST"):
            self._tell(live)

    def paused(self, live: Live) -> None:
        """Starts what listens to a pause, once per pause."""
        size = len(live.value.state.histories)
        if live.facts.get("told_pause") == size or live.root is not None:
            return
        live.facts["told_pause"] = size
        self._tell(live)

    def _tell(self, live: Live) -> None:
        if not self.kernel.settings.run_flow_triggers or self.kernel.overrun:
            return
        for flow in list(self.kernel.flows.all()):
            if flow.disabled or (flow.namespace, flow.id) == (live.value.namespace, live.value.flow_id):
                continue
            for trigger in flow.triggers:
                if not (trigger.canonical or "").endswith(".trigger.Flow") or trigger.disabled:
                    continue
                if (flow.namespace, flow.id, trigger.id) not in self.kernel.disabled_triggers:
                    self._consider(flow, trigger, live)

    def hear(self, flow: Flow, trigger: Trigger, told: Sequence[Mapping[str, Any]]) -> Live | None:
        """Tells one trigger of executions given by hand (`trigger` variables), in order; the last one that it starts."""
        found: Live | None = None
        for item in told:
            live = self._told(flow, item)
            if (live.value.namespace, live.value.flow_id) != (flow.namespace, flow.id):
                found = self._consider(flow, trigger, live) or found
        return found

    def _told(self, flow: Flow, item: Mapping[str, Any]) -> Live:
        """An execution that is known by what is told of it; SUCCESS if nothing is said."""
        kernel = self.kernel
        name = str(item.get("state") or "SUCCESS")
        try:
            state = State.created(kernel.now()).with_state(StateType(name), kernel.now())
        except ValueError:
            raise UsageError(f"`{name}` is no state", hint=", ".join(StateType)) from None
        value = Execution(
            str(item.get("executionId") or kernel.new_id()),
            str(item["namespace"]),
            str(item["flowId"]),
            state,
            flow_revision=item.get("flowRevision") or 1,
            outputs=item.get("outputs"),
            labels=tuple(flat_labels(item.get("executionLabels") or item.get("labels"))),
        )
        watched = kernel.flows.find(value.namespace, value.flow_id) or flow
        return Live(value, watched, kernel.placements(watched))

    def _consider(self, flow: Flow, trigger: Trigger, live: Live) -> Live | None:
        states = trigger.properties.get("states")
        if live.state.value not in (set(states) if states else _STATES):
            return None
        try:
            outputs = self._matched(flow, trigger, live)
            if outputs is None:
                return None
            if self.kernel.dialect.major >= 2 and trigger.when is not None:
                text = self._render(flow, live, trigger.when, self.variables(live, outputs))
                if is_falsy(text, self.kernel.dialect):
                    return None
        except SimulatorError as error:
            self.kernel.log(live, "WARN", f"Unable to evaluate the trigger '{trigger.id}': {error.message}")
            return None
        return self._start(flow, trigger, live, self.variables(live, outputs))

    def _matched(self, flow: Flow, trigger: Trigger, live: Live) -> Mapping[str, Any] | None:
        """Outputs for the new execution, None when the trigger does not fire."""
        own = dict(live.value.outputs or {})
        subject = self._subject(flow, live)
        if trigger.conditions and not all_hold(trigger.conditions, subject):
            return None
        conditions = trigger.properties.get("preconditions")
        depends = trigger.properties.get("dependsOn")
        if not conditions and not depends:
            return own
        items = list(depends or ())
        options: Mapping[str, Any] | None = trigger.properties.get("window")
        # without a window it begins anew each time it fires (migration.md D13)
        once = options is None or options.get("fireOnce") is True
        if conditions:
            items = [*(conditions.get("flows") or ()), *(conditions.get("where") or ())]
            options = conditions.get("timeWindow")
            once = conditions.get("resetOnSuccess") is not False
        return self._remember(flow, trigger, live, items, options, once)

    def _remember(
        self,
        flow: Flow,
        trigger: Trigger,
        live: Live,
        items: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any] | None,
        once: bool,
    ) -> Mapping[str, Any] | None:
        memory = self._memories.setdefault((flow.namespace, flow.id, trigger.id), Memory())
        keys = [key_of(item) for item in items]
        told = self.variables(live, live.value.outputs or {})

        def render(text: Any, more: Mapping[str, Any]) -> Any:
            return self._render(flow, live, text, told, more)

        fresh = [
            key
            for key, item in zip(keys, items, strict=True)
            if is_satisfied(item, live, self.kernel.dialect, render)
        ]
        if not fresh:
            return None
        window = memory.open(options, self.kernel.now(), self.kernel.settings.zone)
        if window is None:
            return None
        value = live.value
        window.seen.update(fresh)
        window.outputs[value.namespace, value.flow_id] = value.outputs or {}
        mode = str(trigger.properties.get("mode") or "ALL")
        needed = {"ANY": 1, "AT_LEAST": int(trigger.properties.get("minSatisfied") or 1)}.get(mode, len(keys))
        if memory.satisfied(keys) < needed:
            return None
        if once:
            memory.reset()
        return self._outputs(value.outputs or {}, window, single=len(keys) == 1)

    def _outputs(self, own: Mapping[str, Any], window: Window, *, single: bool) -> Mapping[str, Any]:
        """`trigger.outputs`: those of the last execution, and those of the window's others.

        1.x merges what opened the window over them (1.1.15); 2.0 puts each below its namespace and flow (2.0.0).
        """
        if single:
            return own
        if self.kernel.dialect.major == 1:
            return deep_merge(own, next(iter(window.outputs.values())), distinct=False)
        found: dict[str, Any] = dict(own)
        for (namespace, flow_id), outputs in window.outputs.items():
            if outputs:
                found.setdefault(namespace, {})
                if isinstance(found[namespace], dict):
                    found[namespace][flow_id] = dict(outputs)
        return found

    # --- starting

    def variables(self, live: Live, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """What the new execution sees as `trigger`."""
        from simulator.engine.scope import nested

        value = live.value
        variables: dict[str, Any] = {
            "executionId": value.id,
            "executionLabels": nested(value.labels),
            "state": live.state.value,
            "namespace": value.namespace,
            "flowId": value.flow_id,
            "flowRevision": value.flow_revision,
        }
        if outputs or value.outputs is not None:
            variables["outputs"] = dict(outputs)
        if self.kernel.dialect.major >= 2:
            variables["startDate"] = str(Instant.of(value.state.start_date).isoformat())
            if value.state.end_date is not None:
                variables["endDate"] = str(Instant.of(value.state.end_date).isoformat())
            runs = list(live.runs.values())
            failed = next((run for run in runs if run.state.current is StateType.FAILED), None)
            if failed is not None:
                variables["firstFailedTaskId"] = failed.task_id
            if runs:
                variables["lastTaskId"] = runs[-1].task_id
        return variables

    def _start(self, flow: Flow, trigger: Trigger, live: Live, variables: dict[str, Any]) -> Live | None:
        kernel = self.kernel
        inputs: dict[str, Any] | None = None
        problem: str | None = None
        raw = trigger.properties.get("inputs")
        if raw is not None:
            try:
                inputs = self._render(flow, live, raw, variables)
            except SimulatorError as error:
                problem = error.message
        seen = dict(variables)
        if kernel.dialect.major >= 2:
            seen["_context"] = {"id": trigger.id, "type": trigger.type}
        try:
            if problem is None:
                return self.executor.triggers.start(
                    flow,
                    trigger,
                    seen,
                    inputs,
                    correlation=dict(live.value.labels).get(CORRELATION),
                )
        except SimulatorError as error:
            problem = error.message
        kernel.log(
            live,
            "WARN",
            f"Failed to trigger flow {flow.namespace}.{flow.id} for trigger {trigger.id}, invalid inputs",
        )
        if kernel.dialect.major >= 2:
            return self.executor.triggers.start_failed(flow, trigger, seen, problem or "")
        return None

    # --- rendering

    def _subject(self, flow: Flow, live: Live) -> Subject:
        return Subject(
            flow=flow,
            execution=live.snapshot(),
            render=lambda text: self._render(
                flow, live, text, self.variables(live, live.value.outputs or {})
            ),
            canonical=lambda name: self.kernel.registry.canonical(name, self.kernel.dialect),
            seen=lambda name, condition: self._multiple(flow, live, name, condition),
        )

    def _multiple(self, flow: Flow, live: Live, name: str, condition: Mapping[str, Any]) -> bool:
        """1.x MultipleCondition: all of its conditions seen in the window."""
        memory = self._memories.setdefault((flow.namespace, flow.id, f"multiple:{name}"), Memory())
        conditions: Mapping[str, Any] = condition.get("conditions") or {}
        subject = self._subject(flow, live)
        fresh = [key for key, one in conditions.items() if holds_quietly(one, subject)]
        if not fresh:
            return False
        options = condition.get("timeWindow") or {
            key: condition[key] for key in ("window", "windowAdvance") if condition.get(key)
        }
        window = memory.open(options, self.kernel.now(), self.kernel.settings.zone)
        if window is None:
            return False
        window.seen.update(fresh)
        if memory.satisfied(conditions) < len(conditions):
            return False
        if condition.get("resetOnSuccess") is not False:
            memory.reset()
        return True

    def _render(
        self,
        flow: Flow,
        live: Live,
        value: Any,
        trigger: Mapping[str, Any],
        more: Mapping[str, Any] | None = None,
    ) -> Any:
        """In the context of the watched execution, with `trigger`, and `flow` of the listener."""
        variables = variables_of(self.kernel, live)
        variables.update(more or {})
        variables["trigger"] = trigger
        variables["flow"] = {
            "id": flow.id,
            "namespace": flow.namespace,
            "revision": flow.revision,
            "tenantId": "main",
        }
        scope = scope_of(self.kernel, live, variables)
        if isinstance(value, str):
            return self.kernel.renderer.render(value, scope)
        return self.kernel.renderer.render_deep(value, scope)
