"""What an execution notification says: the execution's facts, and the message that every service wraps in its own way.

The plugins render fixed templates about an execution that they read from the server (fs-and-others.md 1). Here the run's
own executions are looked up; for one that another flow's trigger names and that did not run here, what the trigger
variables tell is used.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.engine.execution import Execution, StateType
from simulator.engine.task import RunContext
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T

__all__ = ["EXECUTION", "Facts", "facts_of"]

EXECUTION: tuple[PropertySpec, ...] = (
    PropertySpec("executionId", default="{{ execution.id }}"),
    PropertySpec("customFields", T.MAP),
    PropertySpec("customMessage"),
    PropertySpec("payload", doc="Replaced by the message about the execution."),
)

_BAD = frozenset({"FAILED", "KILLED", "CANCELLED"})


@dataclass(frozen=True, slots=True)
class Facts:
    """One execution, told."""

    id: str
    namespace: str
    flow_id: str
    state: str
    link: str
    duration: dt.timedelta | None
    start: dt.datetime | None
    failed_task: str | None
    last_task: str | None
    message: str | None
    fields: Mapping[str, Any]

    @property
    def bad(self) -> bool:
        return self.state in _BAD

    @property
    def title(self) -> str:
        return f"[{self.namespace}] {self.flow_id} ➛ {self.state}"

    @property
    def summary(self) -> str:
        """`Succeeded after 1.2s`, `Failed on task `x` after 1.2s`."""
        took = f" after {self.duration_text}" if self.duration is not None else ""
        if self.failed_task:
            return f"Failed on task `{self.failed_task}`{took}"
        return f"{'Failed' if self.bad else 'Succeeded' if self.state == 'SUCCESS' else self.state.capitalize()}{took}"

    @property
    def duration_text(self) -> str:
        seconds = (self.duration or dt.timedelta()).total_seconds()
        minutes, rest = divmod(round(seconds, 2), 60)
        return f"{int(minutes)}m {rest:.0f}s" if minutes else f"{rest:.2f}s".replace(".00s", "s")

    def pairs(self) -> list[tuple[str, str]]:
        """What the messages list: names and values, custom fields last."""
        pairs = [
            ("Namespace", self.namespace),
            ("Flow ID", self.flow_id),
            ("Execution ID", self.id),
            ("Execution Status", self.state),
        ]
        last = self.failed_task or self.last_task
        if last:
            pairs.append(("Final task ID", last))
        pairs += [(str(name), str(value)) for name, value in self.fields.items()]
        return pairs

    def lines(self) -> list[str]:
        """The whole message as plain text."""
        lines = [self.title, self.summary]
        if self.message:
            lines.append(self.message)
        return [*lines, *(f"{name}: {value}" for name, value in self.pairs()), self.link]


def facts_of(ctx: RunContext) -> Facts:
    """The facts of the execution that `executionId` names. Raises TaskError when nothing is known of it."""
    wanted = ctx.get("executionId")
    if not wanted or wanted == "{{ execution.id }}":
        wanted = ctx.execution_id
    wanted = str(wanted)
    found = next((item for item in ctx.executions.executions() if getattr(item, "id", None) == wanted), None)
    if isinstance(found, Execution):
        return _from_execution(ctx, found)
    if wanted == ctx.execution_id:
        return _facts(ctx, wanted, ctx.flow.namespace, ctx.flow.id, "RUNNING")
    trigger = ctx.variables.get("trigger")
    if isinstance(trigger, Mapping) and str(trigger.get("executionId")) == wanted:
        return _facts(
            ctx,
            wanted,
            str(trigger.get("namespace", "")),
            str(trigger.get("flowId", "")),
            str(trigger.get("state", "UNKNOWN")),
        )
    raise TaskError(
        f"Unable to find execution '{wanted}'",
        hint="only executions of this run are known; name it in the trigger variables, or mock this task",
    )


def _from_execution(ctx: RunContext, execution: Execution) -> Facts:
    runs = execution.task_runs
    failed = next((run for run in reversed(runs) if run.state.current is StateType.FAILED), None)
    start = execution.state.start_date
    end = execution.state.end_date or ctx.clock.now()
    state = execution.state.current
    if not state.is_terminated and failed is not None:
        # While errors tasks run the execution is still RUNNING, though it will have failed.
        state = StateType.FAILED
    return _facts(
        ctx,
        execution.id,
        execution.namespace,
        execution.flow_id,
        state.value,
        start=start,
        duration=end - start,
        failed=failed.task_id if failed else None,
        last=runs[-1].task_id if runs else None,
    )


def _facts(
    ctx: RunContext,
    execution_id: str,
    namespace: str,
    flow_id: str,
    state: str,
    *,
    start: dt.datetime | None = None,
    duration: dt.timedelta | None = None,
    failed: str | None = None,
    last: str | None = None,
) -> Facts:
    kestra = ctx.variables.get("kestra")
    base = str(kestra.get("url") or "") if isinstance(kestra, Mapping) else ""
    base = (base or "http://localhost:8080").rstrip("/")
    return Facts(
        id=execution_id,
        namespace=namespace,
        flow_id=flow_id,
        state=state,
        link=f"{base}/ui/main/executions/{namespace}/{flow_id}/{execution_id}",
        duration=duration,
        start=start,
        failed_task=failed,
        last_task=last,
        message=ctx.get("customMessage"),
        fields=ctx.get("customFields") or {},
    )
