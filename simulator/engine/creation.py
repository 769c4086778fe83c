"""Making executions: checks, labels, inputs, concurrency (flow.md 3.4, 5, 7; execution.md 6, 8)."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simulator.engine.encryption import decrypt_deep
from simulator.engine.events import ExecutionStarted
from simulator.engine.execution import Execution, State, StateType
from simulator.engine.live import Live
from simulator.engine.scope import scope_of
from simulator.errors import InvalidFlowError, InvalidInputError, NotFoundError, SimulatorError
from simulator.model.flow import Flow

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["Creator", "Queues"]

CORRELATION = "system.correlationId"


class Queues:
    """Slots of flows with `concurrency`, and who waits for one (execution.md 6)."""

    def __init__(self, kernel: Kernel, passes: Passes) -> None:
        self.kernel = kernel
        self.passes = passes
        self._running: dict[tuple[str, str], int] = {}
        self._queued: dict[tuple[str, str], deque[Live]] = {}
        self.on_admitted: Callable[[Live], None] = lambda live: None

    def admit(self, live: Live) -> bool:
        """Whether the execution may run now; otherwise it is queued, cancelled or failed."""
        limit = live.flow.concurrency
        if limit is None or live.root is not None or live.slot:
            return True
        key = (live.flow.namespace, live.flow.id)
        running = self._running.get(key, 0)
        if running < limit.limit:
            self._take(live, key)
            return True
        if limit.behavior == "QUEUE":
            self._queued.setdefault(key, deque()).append(live)
            self.kernel.set_state(live, StateType.QUEUED)
        elif limit.behavior == "CANCEL":
            self.passes.end(live, StateType.CANCELLED)
        else:
            self.kernel.log(live, "ERROR", "Execution is FAILED due to concurrency limit exceeded")
            self.passes.end(live, StateType.FAILED)
        return False

    def _take(self, live: Live, key: tuple[str, str]) -> None:
        live.slot = True
        self._running[key] = self._running.get(key, 0) + 1
        self.kernel.set_state(live, StateType.RUNNING)

    def release(self, live: Live) -> None:
        """The execution is over: the next one in the queue runs."""
        key = (live.flow.namespace, live.flow.id)
        self.drop(live)
        if not live.slot:
            return
        live.slot = False
        self._running[key] -= 1
        waiting = self._queued.get(key)
        limit = live.flow.concurrency
        if waiting and limit is not None and self._running[key] < limit.limit:
            self.run_now(waiting.popleft())

    def run_now(self, live: Live) -> None:
        """Takes a slot whatever the limit says (unqueue, force run) and goes on."""
        self.drop(live)
        if live.flow.concurrency is not None and not live.slot:
            self._take(live, (live.flow.namespace, live.flow.id))
        else:
            self.kernel.set_state(live, StateType.RUNNING)
        resume = live.facts.pop("on_run", None)
        if resume is not None:
            resume()
        else:
            self.on_admitted(live)
            self.passes.touch_all(live)

    def drop(self, live: Live) -> None:
        waiting = self._queued.get((live.flow.namespace, live.flow.id))
        if waiting and live in waiting:
            waiting.remove(live)


class Creator:
    """See the module text."""

    def __init__(self, kernel: Kernel, passes: Passes, queues: Queues) -> None:
        self.kernel = kernel
        self.passes = passes
        self.queues = queues
        self.on_start: Callable[[Live], None] = lambda live: None
        self._decrypt: Callable[[Any], Any] = lambda value: decrypt_deep(
            value, kernel.settings.encryption_key, kernel.redactor.register
        )

    def flow(self, namespace: str, flow_id: str, revision: int | None = None) -> Flow:
        """A deployed flow. Raises NotFoundError."""
        flow = self.kernel.flows.find(namespace, flow_id, revision)
        if flow is None:
            raise NotFoundError(
                f"Unable to find flow '{namespace}'.'{flow_id}' with revision '{revision or 0}'"
            )
        return flow

    def create(
        self,
        flow: Flow,
        inputs: Mapping[str, Any] | None = None,
        labels: Iterable[tuple[str, Any]] = (),
        *,
        trigger: Mapping[str, Any] | None = None,
        correlation: str | None = None,
        raw_inputs: bool = False,
        schedule_date: dt.datetime | None = None,
        parent_id: str | None = None,
        original_id: str | None = None,
        attempt_number: int = 1,
        execution_id: str | None = None,
        upload: Callable[[str, Any], str] | None = None,
        state: StateType = StateType.CREATED,
        system_labels: Iterable[tuple[str, str]] = (),
        start: bool = True,
        kind: str | None = None,
        typed: bool = False,
        trigger_source: tuple[str, str] | None = None,
    ) -> Live:
        """A new execution of `flow`; it starts when the loop runs (unless `start` is False).

        `raw_inputs`: taken as they are; `typed`: they were resolved before (replay). Raises InvalidFlowError for a
        disabled flow or a failed check, InvalidInputError for bad inputs, UsageError for `system.*` labels.
        """
        kernel = self.kernel
        if flow.disabled:
            raise InvalidFlowError("Cannot execute a flow which is disabled")
        given = [(key, _label_text(value)) for key, value in labels]
        for key, value in given:
            if key.startswith("system."):
                raise InvalidInputError(
                    f"System labels can only be set by Kestra itself, offending label: {key}={value}"
                )
        ident = execution_id or kernel.new_id()
        merged: dict[str, str] = {}
        own = [(key, _label_text(value)) for key, value in flow.labels if not key.startswith("system.")]
        for key, value in (*own, *given, *system_labels):
            merged.pop(key, None)
            merged[key] = value
        merged.setdefault(CORRELATION, correlation or ident)
        now = kernel.now()
        execution = Execution(
            id=ident,
            namespace=flow.namespace,
            flow_id=flow.id,
            state=State.created(now, state),
            flow_revision=flow.revision,
            labels=tuple(merged.items()),
            trigger=trigger,
            parent_id=parent_id,
            original_id=original_id or ident,
            attempt_number=attempt_number,
            kind=kind or kernel.settings.execution_kind,
            schedule_date=schedule_date,
            variables=dict(flow.variables) or None,
            trigger_id=trigger_source[0] if trigger_source else None,
            trigger_type=trigger_source[1] if trigger_source else None,
        )
        live = Live(execution, flow, kernel.placements(flow))
        if typed or raw_inputs:
            live.update(inputs=dict(inputs or {}))
            clear = dict(inputs or {})
            if raw_inputs:
                clear = self._with_defaults(live, clear)
        else:
            resolved = self.resolve(live, inputs or {}, upload)
            live.update(inputs=resolved)
            clear = self._with_defaults(live, resolved)
        live.facts["clear_inputs"] = self.clear_inputs(live, clear)
        if trigger is None:
            self._checks(live)  # Kestra's web server makes them (2.0.0): not for triggers, nor for subflows
        live.over = state.is_terminated
        self.register(live)
        if start:
            self.start(live)
        return live

    def register(self, live: Live) -> None:
        """Makes the execution known and tells the sink."""
        kernel = self.kernel
        kernel.lives[live.id] = live
        live.decrypt = self._decrypt
        kernel.sink(ExecutionStarted(kernel.now(), live.value))

    def start(self, live: Live) -> None:
        """Lets the execution begin: at its schedule date, or now."""
        if live.value.schedule_date is not None and live.value.schedule_date > self.kernel.now():
            self.kernel.loop.at(live.value.schedule_date, lambda: self._begin(live))
        else:
            self.kernel.loop.call(lambda: self._begin(live))

    def _begin(self, live: Live) -> None:
        if live.state is not StateType.CREATED or live.over:
            return
        self._through_json(live)
        if self.queues.admit(live):
            self.on_start(live)
            self.passes.touch(live, None)

    # --- inputs

    def _through_json(self, live: Live) -> None:
        """Kestra hands an execution on as JSON: from its first step on a DURATION input is a number of seconds, a date or
        time its text."""
        from simulator.model.outputs import through_json

        live.update(inputs=through_json(dict(live.value.inputs)))
        live.facts["clear_inputs"] = through_json(dict(live.facts["clear_inputs"]))

    def resolve(
        self, live: Live, given: Mapping[str, Any], upload: Callable[[str, Any], str] | None = None
    ) -> dict[str, Any]:
        """Typed input values (flow.md 3.4). Raises InvalidInputError."""
        from simulator.engine.inputs import resolve_flow_inputs

        return resolve_flow_inputs(self.kernel, live, given, upload)

    def clear_inputs(self, live: Live, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Inputs as expressions see them: SECRET ones in clear, and known to the redactor."""
        from simulator.engine.inputs import clear_inputs

        return clear_inputs(self.kernel, live.flow, inputs)

    def _with_defaults(self, live: Live, inputs: dict[str, Any]) -> dict[str, Any]:
        """Inputs that are missing but have defaults are there for expressions (execution.md 11)."""
        from simulator.engine.inputs import with_defaults

        return with_defaults(self.kernel, live, inputs)

    def _checks(self, live: Live) -> None:
        """2.0 `checks`: failed unless `when` renders to boolean true; the strictest behaviour wins (flow.md 7)."""
        failed: list[tuple[str, str]] = []
        for check in live.flow.checks:
            from simulator.engine.scope import variables_of

            scope = scope_of(self.kernel, live, variables_of(self.kernel, live))
            try:
                value = check.when
                if isinstance(value, str):
                    value = self.kernel.renderer.render_typed(value, scope)
                holds = value is True or value == "true"
                message = check.message or ""
                behavior = check.behavior
            except SimulatorError as error:
                holds, behavior = False, "BLOCK_EXECUTION"
                message = f"Failed to evaluate check condition. Cause: {error.message}"
            if not holds:
                failed.append((behavior, message))
        for wanted in ("BLOCK_EXECUTION", "FAIL_EXECUTION"):
            messages = [message for behavior, message in failed if behavior == wanted]
            if not messages:
                continue
            if wanted == "BLOCK_EXECUTION":
                raise InvalidInputError(", ".join(messages))
            live.facts["fail_at_start"] = messages
            return


def _label_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
