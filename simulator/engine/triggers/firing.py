"""Starting flows as their triggers would: schedules, polling triggers, payloads given by hand.

`playing` goes through all of them in the run's time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simulator.engine.context import TaskContext, duration_of
from simulator.engine.execution import Execution, State, StateType, TaskRun
from simulator.engine.live import Live
from simulator.engine.scope import scope_of, variables_of
from simulator.engine.state import is_falsy
from simulator.engine.triggers.conditions import Subject, all_hold
from simulator.engine.triggers.schedule import Calendar, Fire, is_schedule
from simulator.engine.triggers.webhook import payload_variables
from simulator.errors import NotFoundError, SimulatorError, UnsupportedError, UsageError
from simulator.model.flow import Flow, Task, Trigger

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["Triggers"]

#: Renders text, or a map, with these variables of `trigger`.
Render = Callable[[Any, Mapping[str, Any]], Any]


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

    def calendar(self, flow: Flow, trigger: Trigger) -> Calendar:
        """The dates of a schedule. Raises SimulatorError when they cannot be read."""
        properties = dict(trigger.properties)
        for name in ("dates", "timezone"):
            if name in properties:
                properties[name] = self.render(flow, trigger, properties[name], {})
        return Calendar(
            trigger,
            properties,
            self.kernel.dialect,
            self.kernel.settings.zone,
            self._test(flow, trigger) if self._has_conditions(trigger) else None,
        )

    def dates(self, flow: Flow, trigger: Trigger, start: dt.datetime, end: dt.datetime) -> Iterable[Fire]:
        """When a schedule would fire in [start, end)."""
        return self.calendar(flow, trigger).fires(start, end)

    # --- conditions

    def context(self, flow: Flow, execution_id: str | None = None) -> Live:
        """A context without an execution of its own."""
        ident = execution_id or "-"
        now = self.kernel.now()
        value = Execution(ident, flow.namespace, flow.id, State.created(now), flow.revision)
        return Live(value, flow, self.kernel.placements(flow))

    def renderer(self, flow: Flow, trigger: Trigger) -> Render:
        """Renders again and again in the trigger's context."""
        live = self.context(flow)
        base = variables_of(self.kernel, live)
        for name in ("execution", "outputs", "tasks"):
            base.pop(name, None)

        def render(value: Any, variables: Mapping[str, Any]) -> Any:
            own = {"id": trigger.id, "type": trigger.type, **variables}
            seen = {**base, "trigger": own}
            if self.kernel.dialect.major == 1 and "date" in variables:
                seen["schedule"] = own
            scope = scope_of(self.kernel, live, seen)
            if isinstance(value, str):
                return self.kernel.renderer.render(value, scope)
            return self.kernel.renderer.render_deep(value, scope)

        return render

    def render(self, flow: Flow, trigger: Trigger, value: Any, variables: Mapping[str, Any]) -> Any:
        """Text or a map, rendered in the trigger's context."""
        return self.renderer(flow, trigger)(value, variables)

    def holds(self, flow: Flow, trigger: Trigger, variables: Mapping[str, Any]) -> bool:
        """Whether the trigger's conditions (2.0: `when`) hold. Raises SimulatorError when they cannot be evaluated."""
        return not self._has_conditions(trigger) or self._test(flow, trigger)(variables)

    def _has_conditions(self, trigger: Trigger) -> bool:
        if self.kernel.dialect.major >= 2:
            return trigger.when not in (None, "true")
        return bool(trigger.conditions or trigger.properties.get("scheduleConditions"))

    def _test(self, flow: Flow, trigger: Trigger) -> Callable[[Mapping[str, Any]], bool]:
        render = self.renderer(flow, trigger)
        if self.kernel.dialect.major >= 2:
            when, dialect = trigger.when, self.kernel.dialect
            return lambda variables: not is_falsy(render(when, variables), dialect)
        conditions = [*trigger.conditions, *(trigger.properties.get("scheduleConditions") or ())]
        canonical = self.kernel.registry.canonical

        def holds(variables: Mapping[str, Any]) -> bool:
            subject = Subject(
                flow=flow,
                execution=None,
                render=lambda text: render(text, variables),
                canonical=lambda name: canonical(name, self.kernel.dialect),
                seen=lambda name, condition: False,
            )
            return all_hold(conditions, subject)

        return holds

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
        labels: Mapping[str, Any] | None = None,
        schedule_date: dt.datetime | None = None,
        resolve: bool = False,
    ) -> Live:
        """A new execution with these trigger variables. Given inputs are typed; missing ones are not asked for, unless
        they are to be resolved in any case."""
        live = self.executor.creator.create(
            flow,
            inputs or {},
            self._labels(flow, trigger, variables, labels),
            trigger=dict(variables),
            correlation=correlation,
            raw_inputs=not inputs and not resolve,
            execution_id=execution_id,
            schedule_date=schedule_date,
            system_labels=self._system_labels(),
            start=False,
            trigger_source=(trigger.id, trigger.type),
        )
        live.facts["trigger"] = (flow, trigger)
        self.executor.creator.start(live)
        return live

    def start_failed(
        self, flow: Flow, trigger: Trigger, variables: Mapping[str, Any], *problems: str
    ) -> Live:
        """A FAILED execution without task runs: its inputs or conditions could not be rendered."""
        live = self.executor.creator.create(
            flow,
            {},
            self._labels(flow, trigger, variables),
            trigger=dict(variables),
            raw_inputs=True,
            system_labels=self._system_labels(),
            start=False,
            trigger_source=(trigger.id, trigger.type),
        )
        live.facts["trigger"] = (flow, trigger)
        for problem in problems:
            self.kernel.log(live, "ERROR", problem)
        live.facts["outputs"] = True
        self.executor.passes.end(live, StateType.FAILED)
        return live

    def start_schedule(
        self,
        flow: Flow,
        trigger: Trigger,
        fire: Fire,
        *,
        inputs: Mapping[str, Any] | None = None,
        labels: Mapping[str, Any] | None = None,
        planned: bool = True,
    ) -> Live:
        """The execution of one date; `inputs` and `labels` are those of a backfill, and win.

        `planned` False: it does not wait for a date that is still to come (a real clock cannot jump there).
        """
        variables = self._context(trigger, fire.variables)
        if fire.problem is not None:
            text = f"Unable to evaluate the Schedule trigger '{trigger.id}'"
            return self.start_failed(flow, trigger, variables, text, fire.problem)
        if self.kernel.dialect.major == 1 and (trigger.canonical or "").endswith(".ScheduleOnDates"):
            seen: Mapping[str, Any] = {}  # it has no output there (core-tasks.md 10)
        else:
            seen = variables
        date = fire.date if planned else None
        try:
            found = dict(self._inputs(flow, trigger, variables) or {})
            if inputs:
                found.update(self.render(flow, trigger, dict(inputs), variables))
            # 2.0 resolves the flow's inputs in any case, 1.x when there are values or defaults
            resolve = self.kernel.dialect.major >= 2 or any(item.has_defaults for item in flow.inputs)
            return self.start(flow, trigger, seen, found, labels=labels, schedule_date=date, resolve=resolve)
        except SimulatorError as error:
            return self.start_failed(flow, trigger, variables, error.message)

    def _labels(
        self,
        flow: Flow,
        trigger: Trigger,
        variables: Mapping[str, Any],
        more: Mapping[str, Any] | None = None,
    ) -> list[tuple[str, Any]]:
        """The trigger's labels, rendered; `more` besides, without system ones."""
        labels: list[tuple[str, Any]] = []
        others = [(key, value) for key, value in (more or {}).items() if not key.startswith("system.")]
        for key, value in (*trigger.labels, *others):
            try:
                text = self.render(flow, trigger, value, variables) if isinstance(value, str) else value
                labels.append((key, text))
            except SimulatorError:
                self.kernel.log(
                    self.context(flow), "WARN", f"Failed to render label '{key}', it will be omitted"
                )
        return labels

    def _system_labels(self) -> list[tuple[str, str]]:
        return [("system.from", "trigger")] if self.kernel.dialect.major >= 2 else []

    # --- by hand

    def fire(
        self,
        flow: Flow,
        trigger: Trigger,
        *,
        at: dt.datetime | None = None,
        payload: Any = None,
    ) -> Live | None:
        """Starts the flow as this trigger would: a schedule at `at`, or with `payload` as its variables.

        A schedule takes its date at or after `at`, and without one the last date that has passed. A webhook takes
        {body, headers, parameters, key}, or the body alone; a Flow trigger the executions that it is to hear of: maps
        with namespace, flowId, state, outputs... as `trigger` has them, in order, or one map of variables that is
        taken as it is. None when its conditions do not hold or a polling trigger finds nothing.
        """
        if is_schedule(trigger) and payload is None:
            return self._fire_schedule(flow, trigger, at)
        name = (trigger.canonical or trigger.type).rpartition(".")[2]
        if name == "Webhook":
            payload = self._call(flow, trigger, payload)
        elif name == "Flow":
            heard = payload if isinstance(payload, list) else [payload]
            if not all(isinstance(item, Mapping) for item in heard):
                raise UsageError(
                    "A Flow trigger needs a payload",
                    hint="the executions that it hears of: maps with namespace, flowId, state, outputs...",
                )
            if all("namespace" in item and "flowId" in item for item in heard):
                return self.executor.flow_triggers.hear(flow, trigger, heard)
            payload = heard[-1] if heard else {}
        elif payload is None:
            return self.evaluate(flow, trigger)
        if not isinstance(payload, Mapping):
            raise UsageError(f"The payload of {trigger.id} must be a map", hint="the variables of `trigger`")
        variables = self._context(trigger, payload)
        # the conditions of a Flow trigger look at an execution: of bare variables there is none
        if name != "Flow" and not self.holds(flow, trigger, variables):
            return None
        return self.start(flow, trigger, variables, self._inputs(flow, trigger, variables))

    def _call(self, flow: Flow, trigger: Trigger, payload: Any) -> Mapping[str, Any]:
        """The variables of a call of a webhook. Raises NotFoundError when its key is another one."""
        variables = dict(payload_variables(payload))
        key = variables.pop("key", None)
        if key is not None:
            own = self.render(flow, trigger, str(trigger.properties.get("key")), {})
            if str(own).strip() != str(key):
                raise NotFoundError(
                    "Webhook not found", hint=f"the key of the payload is not that of {trigger.id}"
                )
        return variables

    def _inputs(self, flow: Flow, trigger: Trigger, variables: Mapping[str, Any]) -> Any:
        raw = trigger.properties.get("inputs")
        return self.render(flow, trigger, raw, variables) if raw is not None else None

    def _fire_schedule(self, flow: Flow, trigger: Trigger, at: dt.datetime | None) -> Live | None:
        calendar, now = self.calendar(flow, trigger), self.kernel.now()
        if at is None:
            fire = calendar.last_fire(now) or calendar.next_fire(now)
        else:
            date = calendar.at_or_after(at)
            fire = None if date is None else calendar.fire(date)
        if fire is None:
            return None
        late = trigger.properties.get("lateMaximumDelay")
        if at is not None and late is not None and fire.date + duration_of(late) < now:
            raise UsageError(
                f"{fire.variables['date']} is later than lateMaximumDelay {late} allows: it is skipped"
            )
        self.kernel.clock.jump(fire.date)
        return self.start_schedule(flow, trigger, fire, planned=fire.date <= self.kernel.now())

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
