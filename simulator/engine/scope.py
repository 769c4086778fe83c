"""The variables that an expression sees, and the services behind its functions (execution.md 10, 11).

Building a scope costs the same however many task runs there are: the `outputs` and `tasks` trees are kept by the live
execution and handed out as they are. Templates only read them.
"""

from __future__ import annotations

import random
from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from simulator.engine.encryption import decrypt_deep
from simulator.engine.execution import TaskRun
from simulator.engine.files import Files
from simulator.engine.live import Live
from simulator.expressions.scope import Scope
from simulator.model.flow import Task
from simulator.values import Instant

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel

__all__ = ["LogLookup", "as_created", "nested", "scope_of", "variables_of"]


def nested(labels: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Dotted keys as nested maps: `system.correlationId` -> {system: {correlationId: ...}}; later keys win."""
    tree: dict[str, Any] = {}
    for key, value in labels:
        node = tree
        *path, last = key.split(".")
        for step in path:
            below = node.get(step)
            if not isinstance(below, dict):
                below = node[step] = {}
            node = below
        node[last] = value
    return tree


class LogLookup:
    """errorLogs() of one execution (expressions.scope.LogService)."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def error_logs(self) -> Sequence[Mapping[str, Any]]:
        # 1.x has one field more (1.1.15 writes it, although nothing sets it)
        more = {"deleted": False} if self._live.flow.dialect.major == 1 else {}
        return [
            {
                "tenantId": "main",
                "namespace": entry.namespace,
                "flowId": entry.flow_id,
                "taskId": entry.task_id,
                "executionId": entry.execution_id,
                "taskRunId": entry.task_run_id,
                "attemptNumber": entry.attempt_number,
                "timestamp": entry.timestamp,
                "level": entry.level,
                "thread": entry.thread,
                "message": entry.message,
                **more,
            }
            for entry in self._live.logs
            if entry.level == "ERROR"
        ]


class KvLookup:
    """kv() over the KV store (expressions.scope.KvService)."""

    def __init__(self, kernel: Kernel, flow_namespace: str) -> None:
        self._kernel = kernel
        self._flow_namespace = flow_namespace

    def get(self, namespace: str, key: str) -> Any | None:
        if not self._flow_namespace.startswith(namespace):
            self._kernel.kv.check_namespace(namespace, self._flow_namespace)
        entry = self._kernel.kv.get(namespace, key)
        return entry.value if entry is not None else None


def _base(kernel: Kernel, live: Live) -> dict[str, Any]:
    """Variables that hold for the whole execution; made again when the execution's own fields change."""
    cached = live.facts.get("base")
    if cached is not None and cached[0] is live.value:
        return cached[1]  # type: ignore[no-any-return]
    value = live.value
    if live.loop_of is not None:
        # an iteration sees its Loop's execution, but for its own item and variables
        above = live.loop_of[0]
        base = {**_base(kernel, above), "item": _item(live)}
        if value.variables is not above.value.variables:
            base.pop("vars", None)
            base.update(_vars(live))
        live.facts["base"] = (value, base)
        return base
    flow: dict[str, Any] = {
        "id": value.flow_id,
        "namespace": value.namespace,
        "revision": value.flow_revision,
    }
    flow["tenantId"] = "main"
    execution: dict[str, Any] = {
        "id": value.id,
        "state": value.state.current.value,
        "startDate": Instant.of(value.state.start_date),
    }
    if value.original_id:
        execution["originalId"] = value.original_id
    if value.outputs is not None:
        execution["outputs"] = decrypt_deep(value.outputs, kernel.settings.encryption_key)
    if kernel.dialect.major >= 2 and value.state.end_date:
        execution["endDate"] = Instant.of(value.state.end_date)
    base = {
        "flow": flow,
        "execution": execution,
        "envs": kernel.settings.envs,
        "globals": kernel.settings.globals_,
        "labels": nested(value.labels),
        **_vars(live),
    }
    inputs = live.facts.get("clear_inputs", value.inputs)
    if inputs or live.flow.inputs:
        base["inputs"] = inputs
    if kernel.settings.variables and value.parent_id is None:
        base.update(kernel.settings.variables)
    if kernel.settings.kestra:
        base["kestra"] = kernel.settings.kestra
    if value.trigger is not None:
        base["trigger"] = value.trigger
        if kernel.dialect.major == 1 and "date" in value.trigger:
            base["schedule"] = value.trigger
    live.facts["base"] = (value, base)
    return base


def _vars(live: Live) -> dict[str, Any]:
    """`vars`: the execution's variables, else the flow's; without any there is no such name (RunVariables)."""
    if live.value.variables is not None:
        return {"vars": live.value.variables}
    return {"vars": live.flow.variables} if live.flow.variables else {}


def _item(live: Live) -> dict[str, Any]:
    """`item` of a 2.0 iteration: index, value, key, and the enclosing loops, outermost first."""
    chain: list[dict[str, Any]] = []
    current: Live | None = live
    while current is not None and current.loop_of is not None:
        loop = current.value.loop or {}
        entry = {"index": loop.get("index"), "value": loop.get("value")}
        if loop.get("key") is not None:
            entry["key"] = loop["key"]
        chain.append(entry)
        current = current.loop_of[0]
    item = dict(chain[0])
    if len(chain) > 1:
        item["parent"] = chain[1]
        item["parents"] = list(reversed(chain[1:]))
    return item


def outputs_of(live: Live) -> dict[str, Any]:
    """The `outputs` tree: of an iteration its own plus the enclosing executions', whose entries win (2.0)."""
    if live.loop_of is None:
        return live.outputs
    merged = dict(live.outputs)
    merged.update(outputs_of(live.loop_of[0]))
    return merged


def tasks_of(live: Live) -> dict[str, Any]:
    """The `tasks` tree: of an iteration its own plus the enclosing executions' (2.0)."""
    if live.loop_of is None:
        return live.task_states
    return {**live.task_states, **tasks_of(live.loop_of[0])}


def as_created(node: Mapping[str, Any], path: Sequence[str]) -> Mapping[str, Any]:
    """The `tasks` tree with the run at `path` CREATED: its context is made before it is sent to a worker, so task code
    sees itself so (1.1.15 and 2.0.0). What is beside it is shared, not copied."""
    if not path:
        return {**node, "state": "CREATED"}
    below = node.get(path[0])
    own = as_created(below if isinstance(below, Mapping) else {}, path[1:])
    return ChainMap({path[0]: own}, cast("MutableMapping[str, Any]", node))


def _taskrun(live: Live, run: TaskRun) -> dict[str, Any]:
    result: dict[str, Any] = {
        "id": run.id,
        "startDate": Instant.of(run.state.start_date),
        "attemptsCount": len(run.attempts or ()),
    }
    if run.parent_task_run_id is not None:
        result["parentId"] = run.parent_task_run_id
    elif live.loop_of is not None:
        result["parentId"] = live.loop_of[1]
    value = run.value
    if value is None and run.parent_task_run_id is not None:
        # children of a WorkingDirectory take its value (execution.md 11)
        parent = live.runs.get(run.parent_task_run_id)
        task = live.placements.task(parent.task_id) if parent else None
        if parent is not None and task is not None and (task.canonical or "").endswith(".WorkingDirectory"):
            value = parent.value
    if value is not None:
        result["value"] = value
    if run.iteration is not None:
        result["iteration"] = run.iteration
    return result


def _parents(kernel: Kernel, live: Live, run: TaskRun) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []
    for parent in live.parents(run):
        entry: dict[str, Any] = {}
        if kernel.dialect.major >= 2:
            entry["task"] = {"id": parent.task_id}
        if parent.value is not None:
            entry["taskrun"] = {"value": parent.value}
        if kernel.dialect.major == 1 and parent.outputs:
            entry["outputs"] = dict(parent.outputs)
        if entry:
            result.append(entry)
    return result


def variables_of(
    kernel: Kernel, live: Live, run: TaskRun | None = None, task: Task | None = None
) -> dict[str, Any]:
    """The context map of a task run, or of the execution when `run` is None."""
    variables = dict(_base(kernel, live))
    if kernel.dialect.major >= 2 or live.runs:
        variables["outputs"] = outputs_of(live)
        variables["tasks"] = tasks_of(live)
    if run is not None:
        attempts = run
        variables["taskrun"] = _taskrun(live, attempts)
        parents = _parents(kernel, live, run) if run.parent_task_run_id else []
        variables["parents"] = parents
        if parents:
            variables["parent"] = parents[0]
    if task is not None:
        variables["task"] = {"id": task.id, "type": task.type}
    return variables


def scope_of(
    kernel: Kernel,
    live: Live,
    variables: Mapping[str, Any],
    *,
    rng: random.Random | None = None,
    working_dir: Any = None,
) -> Scope:
    """The surroundings of a render call."""
    return Scope(
        dialect=kernel.dialect,
        variables=variables,
        secrets=kernel.secrets,
        kv=KvLookup(kernel, live.value.namespace),
        files=Files(kernel, live.value.namespace, live.value.id, working_dir),
        logs=LogLookup(live),
        http=kernel.http,
        now=kernel.now,
        zone=kernel.settings.zone,
        rng=rng or kernel.rng,
        recursive=kernel.settings.recursive_rendering,
        env_vars=kernel.settings.env_vars,
        subflows=kernel.subflows,
    )
