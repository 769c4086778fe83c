"""What task code may ask of the engine (task.ExecutionService). Called from task threads: each call is done at once.

The loop waits for the baton while simulated task code runs, so these calls see and change a still engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simulator.engine.execution import Execution, LogEntry, StateType
from simulator.engine.live import Live
from simulator.model.flow import Flow

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["TaskService"]

_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")


class TaskService:
    def __init__(self, executor: Executor, live: Live) -> None:
        self._executor = executor
        self._live = live

    def create_execution(
        self,
        namespace: str,
        flow_id: str,
        inputs: Mapping[str, Any],
        labels: Mapping[str, str],
        **options: Any,
    ) -> str:
        return self._executor.create(namespace, flow_id, inputs, labels, **options).id

    def executions(self, **filters: Any) -> Iterable[Execution]:
        states = filters.get("states")
        wanted = {str(state) for state in states} if states else None
        for live in list(self._executor.kernel.lives.values()):
            value = live.value
            if live.facts.get("deleted") or (live.root is not None and not filters.get("kinds")):
                continue
            if filters.get("namespace") is not None and value.namespace != filters["namespace"]:
                continue
            if filters.get("flow_id") is not None and value.flow_id != filters["flow_id"]:
                continue
            if filters.get("execution_id") is not None and value.id != filters["execution_id"]:
                continue
            if wanted is not None and live.state.value not in wanted:
                continue
            start, end = filters.get("start_date"), filters.get("end_date")
            began = value.state.start_date
            if (start is not None and began < start) or (end is not None and began > end):
                continue
            yield live.snapshot()

    def act(self, action: str, execution_id: str, **options: Any) -> Any:
        return self._executor.act(action, execution_id, **options)

    def logs(self, **filters: Any) -> Iterable[LogEntry]:
        """Entries by namespace, flow_id, execution_id, task_ids, min_level, levels, start_date, end_date."""
        return [entry for entry in self._executor.logs() if _matches(entry, filters)]

    def purge_logs(self, **filters: Any) -> int:
        """Removes entries; `execution_logs` / `other_logs` (True by default) say which kinds."""
        kernel = self._executor.kernel
        count = 0
        if filters.get("execution_logs", True):
            for live in kernel.lives.values():
                kept = [entry for entry in live.logs if not _matches(entry, filters)]
                count += len(live.logs) - len(kept)
                live.logs[:] = kept
        loose = [
            entry
            for entry in kernel.loose_logs
            if _matches(entry, filters)
            and filters.get("execution_logs" if entry.execution_id else "other_logs", True)
        ]
        count += len(loose)
        gone = {id(entry) for entry in loose}
        kernel.loose_logs[:] = [entry for entry in kernel.loose_logs if id(entry) not in gone]
        return count

    def triggers(self, **filters: Any) -> Iterable[Any]:
        """(flow, trigger, disabled) of every deployed trigger."""
        disabled = self._executor.kernel.disabled_triggers
        for flow in self.flows(filters.get("namespace")):
            for trigger in flow.triggers:
                off = trigger.disabled or (flow.namespace, flow.id, trigger.id) in disabled
                yield flow, trigger, off

    def set_trigger_disabled(self, namespace: str, flow_id: str, trigger_id: str, disabled: bool) -> None:
        key = (namespace, flow_id, trigger_id)
        if disabled:
            self._executor.kernel.disabled_triggers.add(key)
        else:
            self._executor.kernel.disabled_triggers.discard(key)

    def flows(self, namespace: str | None = None) -> Iterable[Flow]:
        return [
            flow
            for flow in self._executor.kernel.flows.all()
            if namespace is None or flow.namespace == namespace
        ]

    def set_variables(self, variables: Mapping[str, Any], *, overwrite: bool = True) -> None:
        current = dict(self._live.value.variables or {})
        for key, value in variables.items():
            if overwrite or key not in current:
                current[key] = value
        self._executor.kernel.change(self._live, variables=current)

    def state(self, execution_id: str) -> StateType:
        return self._executor.live(execution_id).state


def _matches(entry: LogEntry, filters: Mapping[str, Any]) -> bool:
    for name in ("namespace", "flow_id", "execution_id"):
        wanted = filters.get(name)
        if wanted is not None and getattr(entry, name) != wanted:
            return False
    if filters.get("task_ids") and entry.task_id not in filters["task_ids"]:
        return False
    if filters.get("levels") and entry.level not in {str(level) for level in filters["levels"]}:
        return False
    least = filters.get("min_level")
    if least is not None and _LEVELS.index(entry.level) < _LEVELS.index(str(least)):
        return False
    start, end = filters.get("start_date"), filters.get("end_date")
    return not (
        (start is not None and entry.timestamp < start) or (end is not None and entry.timestamp > end)
    )
