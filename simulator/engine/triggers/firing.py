"""Starting flows as their triggers would: schedules, polling triggers, payloads given by hand; and playing them all.

`play(until)` runs every trigger of the deployed flows in the run's time: a month of a whole system of flows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simulator.engine.context import TaskContext, duration_of
from simulator.engine.execution import Execution, State, StateType, TaskRun
from simulator.engine.inputs import with_defaults
from simulator.engine.live import Live
from simulator.engine.scope import scope_of, variables_of
from simulator.engine.state import is_falsy
from simulator.engine.triggers.conditions import Subject, all_hold
from simulator.engine.triggers.schedule import Fire, fire_at, fires, is_schedule, next_fire, zone_of
from simulator.errors import NotFoundError, SimulatorError, UnsupportedError, UsageError
from simulator.model.flow import Flow, Task, Trigger

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["Triggers"]

_INTERVAL = dt.timedelta(seconds=60)


class Triggers:
    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.kernel = executor.kernel

    # --- finding

    def find(self, flow: Flow, trigger_id: str) -> Trigger:
        """A trigger of a flow. Raises NotFoundError naming those that exist."""
        for trigger in flow.triggers:
            if trigger.id == trigger_id:
                return trigger
        names = ", ".join(trigger.id for trigger in flow.triggers) or "none"
        raise NotFoundError(
            f"Unable to find trigger {trigger_id} for the flow {flow.namespace}.{flow.id}",
            hint=f"it has: {names}",
        )

    def is_off(self, flow: Flow, trigger: Trigger) -> bool:
        return trigger.disabled or (flow.namespace, flow.id, trigger.id) in self.kernel.disabled_triggers

    def dates(self, flow: Flow, trigger: Trigger, start: dt.datetime, end: dt.datetime) -> Iterable[Fire]:
        """When a schedule would fire in [start, end)."""
        zone = zone_of(trigger, self.kernel.settings.zone)
        return fires(trigger, zone, start, end, lambda variables: self.holds(flow, trigger, variables))

    # --- conditions

    def context(self, flow: Flow, execution_id: str | None = None) -> Live:
        """A context without an execution of its own."""
        ident = execution_id or "-"
        now = self.kernel.now()
        value = Execution(ident, flow.namespace, flow.id, State.created(now), flow.revision)
        return Live(value, flow, self.kernel.placements(flow))

    def render(self, flow: Flow, trigger: Trigger, value: Any, variables: Mapping[str, Any]) -> Any:
        """Text or a map, rendered in the trigger's context."""
        live = self.context(flow)
        seen = variables_of(self.kernel, live)
        for name in ("execution", "outputs", "tasks"):
            seen.pop(name, None)
        own = {"id": trigger.id, "type": trigger.type, **variables}
        seen["trigger"] = own
        if self.kernel.dialect.major == 1 and "date" in variables:
            seen["schedule"] = own
        scope = scope_of(self.kernel, live, seen)
        if isinstance(value, str):
            return self.kernel.renderer.render(value, scope)
        return self.kernel.renderer.render_deep(value, scope)

    def holds(self, flow: Flow, trigger: Trigger, variables: Mapping[str, Any]) -> bool:
        """Whether the trigger's conditions (2.0: `when`) hold. Raises SimulatorError when they cannot be evaluated."""
        if self.kernel.dialect.major >= 2:
            if trigger.when is None:
                return True
            return not is_falsy(self.render(flow, trigger, trigger.when, variables), self.kernel.dialect)
        conditions = [*trigger.conditions, *(trigger.properties.get("scheduleConditions") or ())]
        subject = Subject(
            flow=flow,
            execution=None,
            render=lambda text: self.render(flow, trigger, text, variables),
            canonical=lambda name: self.kernel.registry.canonical(name, self.kernel.dialect),
            seen=lambda name, condition: False,
        )
        return all_hold(conditions, subject)

    # --- starting

    def start(
        self,
        flow: Flow,
        trigger: Trigger,
        variables: Mapping[str, Any],
        inputs: Mapping[str, Any] | None,
        *,
        correlation: str | None = None,
        execution_id: str | None = None,
        checked: bool | None = None,
    ) -> Live:
        """A new execution with these trigger variables. Given inputs are typed; missing ones are not asked for."""
        labels: list[tuple[str, Any]] = []
        for key, value in trigger.labels:
            try:
                text = self.render(flow, trigger, value, variables) if isinstance(value, str) else value
                labels.append((key, text))
            except SimulatorError:
                self.kernel.log(
                    self.context(flow), "WARN", f"Failed to render label '{key}', it will be omitted"
                )
        live = self.executor.creator.create(
            flow,
            inputs or {},
            labels,
            trigger=dict(variables),
            correlation=correlation,
            raw_inputs=not inputs,
            execution_id=execution_id,
            system_labels=[("system.from", "trigger")] if self.kernel.dialect.major >= 2 else (),
            start=False,
            trigger_source=(trigger.id, trigger.type),
        )
        if not inputs:
            live.facts["clear_inputs"] = with_defaults(self.kernel, live, live.value.inputs)
        live.facts["trigger"] = (flow, trigger)
        self.executor.creator.start(live)
        return live

    def start_failed(self, flow: Flow, trigger: Trigger, variables: Mapping[str, Any], problem: str) -> Live:
        """A FAILED execution without task runs: its inputs or conditions could not be rendered."""
        live = self.executor.creator.create(
            flow,
            {},
            (),
            trigger=dict(variables),
            raw_inputs=True,
            start=False,
            trigger_source=(trigger.id, trigger.type),
        )
        self.kernel.log(live, "ERROR", problem)
        live.facts["outputs"] = True
        self.executor.passes.end(live, StateType.FAILED)
        return live

    def fire(
        self,
        flow: Flow,
        trigger: Trigger,
        *,
        at: dt.datetime | None = None,
        payload: Any = None,
    ) -> Live | None:
        """Starts the flow as this trigger would: a schedule at `at`, or with `payload` as its variables.

        None when its conditions do not hold or a polling trigger finds nothing.
        """
        if is_schedule(trigger):
            return self._fire_schedule(flow, trigger, at or self.kernel.now())
        name = (trigger.canonical or trigger.type).rpartition(".")[2]
        if name == "Webhook":
            from simulator.engine.triggers.webhook import payload_variables

            variables = payload_variables(payload)
            if not self.holds(flow, trigger, variables):
                return None
            return self.start(flow, trigger, variables, self._inputs(flow, trigger, variables))
        if name == "Flow":
            if not isinstance(payload, Mapping):
                raise UsageError(
                    "A Flow trigger needs a payload",
                    hint="the variables of `trigger`: executionId, outputs...",
                )
            return self.start(flow, trigger, payload, self._inputs(flow, trigger, payload))
        if payload is not None:
            return self.start(flow, trigger, dict(payload), self._inputs(flow, trigger, payload))
        return self.evaluate(flow, trigger)

    def _inputs(self, flow: Flow, trigger: Trigger, variables: Mapping[str, Any]) -> Any:
        raw = trigger.properties.get("inputs")
        return self.render(flow, trigger, raw, variables) if raw is not None else None

    def _fire_schedule(self, flow: Flow, trigger: Trigger, at: dt.datetime) -> Live | None:
        zone = zone_of(trigger, self.kernel.settings.zone)
        found = fire_at(trigger, zone, at, lambda variables: self.holds(flow, trigger, variables))
        variables = self._context(trigger, found.variables)
        try:
            if not self.holds(flow, trigger, variables):
                return None
            inputs = self._inputs(flow, trigger, variables)
            if self.kernel.dialect.major == 1 and (trigger.canonical or "").endswith(".ScheduleOnDates"):
                variables = {}  # it has no output there (core-tasks.md 10)
            return self.start(flow, trigger, variables, inputs)
        except SimulatorError as error:
            return self.start_failed(flow, trigger, variables, error.message)

    def _context(self, trigger: Trigger, variables: Mapping[str, Any]) -> dict[str, Any]:
        seen = dict(variables)
        if self.kernel.dialect.major >= 2:
            seen["_context"] = {"id": trigger.id, "type": trigger.type}
        return seen

    def evaluate(self, flow: Flow, trigger: Trigger) -> Live | None:
        """Asks a polling trigger once. Raises UnsupportedError for a type that we cannot ask."""
        cls = self.kernel.registry.load(trigger.type)
        if cls is None or not hasattr(cls, "evaluate"):
            raise UnsupportedError(
                f"The trigger type {trigger.type} is not evaluated by this simulator",
                hint="give its variables with --payload",
            )
        ident = self.kernel.new_id()
        live = self.context(flow, ident)
        task = Task(trigger.id, trigger.type, trigger.canonical, trigger.properties, {}, trigger.node)
        run = TaskRun(
            self.kernel.new_id(), ident, flow.namespace, flow.id, trigger.id, State.created(self.kernel.now())
        )
        context = TaskContext(
            self.kernel,
            live,
            run,
            task,
            cls.spec,
            extra={"trigger": {"id": trigger.id, "type": trigger.type}},
            trigger_id=trigger.id,
        )
        try:
            found = cls().evaluate(context)
        finally:
            context.close()
            self.kernel.loose_logs.extend(live.logs)
        if found is None or not self.holds(flow, trigger, found.variables):
            return None
        variables = self._context(trigger, found.variables)
        return self.start(
            flow, trigger, variables, self._inputs(flow, trigger, variables), execution_id=ident
        )

    # --- playing

    def play(self, until: dt.datetime, flows: Sequence[Flow] | None = None) -> None:
        """Runs all schedules and polling triggers of the flows until `until`, in the run's time."""
        for flow in flows if flows is not None else list(self.kernel.flows.all()):
            for trigger in flow.triggers:
                if is_schedule(trigger):
                    self._plan(flow, trigger, self.kernel.now(), until)
                elif not (trigger.canonical or "").startswith("io.kestra.plugin.core.trigger."):
                    self._poll(flow, trigger, until)
        self.executor.run_until_idle(before=until)
        self.kernel.clock.jump(until)

    def _plan(self, flow: Flow, trigger: Trigger, after: dt.datetime, until: dt.datetime) -> None:
        zone = zone_of(trigger, self.kernel.settings.zone)
        found = next_fire(trigger, zone, after, lambda variables: self._quiet(flow, trigger, variables))
        if found is None or found.date >= until:
            return

        def due() -> None:
            if not self.is_off(flow, trigger):
                self._fire_schedule(flow, trigger, found.date)
            self._plan(flow, trigger, found.date, until)

        self.kernel.loop.at(found.date, due)

    def _quiet(self, flow: Flow, trigger: Trigger, variables: Mapping[str, Any]) -> bool:
        try:
            return self.holds(flow, trigger, variables)
        except SimulatorError:
            return True  # the execution is created and FAILS, as in Kestra

    def _poll(self, flow: Flow, trigger: Trigger, until: dt.datetime) -> None:
        interval = duration_of(trigger.properties.get("interval")) or _INTERVAL

        def due() -> None:
            if not self.is_off(flow, trigger):
                try:
                    self.evaluate(flow, trigger)
                except SimulatorError as error:
                    live = self.context(flow)
                    self.kernel.log(live, "ERROR", error.message)
                    self.kernel.loose_logs.extend(live.logs)
            later = self.kernel.now() + interval
            if later < until:
                self.kernel.loop.at(later, due)

        self.kernel.loop.call(due)
