"""Service level agreements of a flow (execution.md 6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.engine.execution import StateType
from simulator.engine.live import Live
from simulator.engine.scope import scope_of, variables_of
from simulator.engine.state import is_falsy
from simulator.errors import SimulatorError
from simulator.model.flow import Sla
from simulator.values import format_duration

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["SlaWatch"]


class SlaWatch:
    """`stop(live, state)` ends an execution with a state, killing what still runs."""

    def __init__(self, kernel: Kernel, passes: Passes, stop: Callable[[Live, StateType], None]) -> None:
        self.kernel = kernel
        self.passes = passes
        self.stop = stop

    def start(self, live: Live) -> None:
        """Sets the timers of MAX_DURATION, and looks at the assertions before the first task run exists."""
        for sla in live.flow.sla:
            if sla.type == "MAX_DURATION" and sla.duration is not None:
                due = live.value.state.start_date + sla.duration
                timer = self.kernel.loop.at(due, lambda sla=sla: self._late(live, sla), weak=True)  # type: ignore[misc]
                live.facts.setdefault("sla_timers", []).append(timer)
        if live.flow.sla:
            self.changed(live)

    def stop_watching(self, live: Live) -> None:
        for timer in live.facts.pop("sla_timers", ()):
            timer.cancel()

    def _late(self, live: Live, sla: Sla) -> None:
        if live.state.is_terminated or live.over or sla.duration is None:
            return
        spent = format_duration(self.kernel.now() - live.value.state.start_date)
        reason = (
            f"execution duration of {spent} exceed the maximum duration of {format_duration(sla.duration)}."
        )
        self._violated(live, sla, reason)

    def changed(self, live: Live) -> None:
        """EXECUTION_ASSERTION is looked at after each change while the execution is not over: every violation is logged,
        the first one acts. What does not render is a violation in 2.0 and nothing in 1.x."""
        if live.state.is_terminated:
            return
        violations: list[tuple[Sla, str]] = []
        for sla in live.flow.sla:
            if sla.type != "EXECUTION_ASSERTION":
                continue
            scope = scope_of(self.kernel, live, variables_of(self.kernel, live))
            try:
                text = self.kernel.renderer.render(sla.assertion, scope)
            except SimulatorError as error:
                if self.kernel.dialect.failing_sla_is_violated:
                    message = (
                        f"SLA '{sla.id}' could not be evaluated and is treated as violated: {error.message}"
                    )
                    self.kernel.log(live, "ERROR", message)
                    violations.append((sla, f"SLA could not be evaluated: {error.message}"))
                else:
                    message = f"Ignoring SLA '{sla.id}' because of the error: {error.message}"
                    self.kernel.log(live, "ERROR", message)
                continue
            if is_falsy(text, self.kernel.dialect):
                violations.append((sla, f"assertion is false: {sla.assertion}."))
        for sla, reason in violations:
            self.kernel.log(live, "WARN", f"SLA '{sla.id}' violated: {reason}")
        if violations:
            self._act(live, *violations[0])

    def _violated(self, live: Live, sla: Sla, reason: str) -> None:
        self.kernel.log(live, "WARN", f"SLA '{sla.id}' violated: {reason}")
        self._act(live, sla, reason)

    def _act(self, live: Live, sla: Sla, reason: str) -> None:
        labels: dict[str, Any] = dict(live.value.labels)
        for key, value in sla.labels:
            labels[key] = value if isinstance(value, str) else str(value)
        if labels != dict(live.value.labels):
            self.kernel.change(live, labels=tuple(labels.items()))
        if sla.behavior == "FAIL":
            self.kernel.log(live, "ERROR", f"Execution failed due to SLA '{sla.id}' violated: {reason}")
            self.stop(live, StateType.FAILED)
        elif sla.behavior == "CANCEL":
            self.stop(live, StateType.CANCELLED)
