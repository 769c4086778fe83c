"""Going on with a kept execution in another process: from stored values back to a running one.

Task runs, states, outputs and labels come from the store; lists are evaluated again and catch up; pauses go on for
what is left of their time. What a secret masked in the store stays masked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from simulator.engine.events import TaskRunChanged
from simulator.engine.execution import Execution, LogEntry, StateType
from simulator.engine.live import Live
from simulator.engine.placement import Placements
from simulator.errors import NotFoundError
from simulator.model.flow import Task

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["adopt"]


def adopt(
    executor: Executor,
    executions: Sequence[Execution],
    logs: Mapping[str, Sequence[LogEntry]],
) -> list[Live]:
    """Makes stored executions (in order of creation) known to an executor; nothing runs until something is done to them.

    Raises NotFoundError when the flow of one is not deployed.
    """
    made: list[Live] = []
    # the same seed again must not give ids that the kept executions have already
    told = ":".join(f"{item.id}/{len(item.state.histories)}/{len(item.task_runs)}" for item in executions)
    executor.kernel.rng.seed(f"{executor.kernel.settings.seed}:{told}")
    for execution in executions:
        live = _live(executor, execution)
        executor.creator.register(live)
        _place(executor, live)
        _tell(executor, live, execution, logs.get(execution.id, ()))
        executor.services.rebuild.load(live, execution.task_runs)
        live.facts["clear_inputs"] = executor.creator.clear_inputs(live, execution.inputs)
        live.over = execution.state.current.is_terminated
        made.append(live)
    children: dict[str, list[str]] = defaultdict(list)
    for other in executor.kernel.lives.values():
        if other.value.parent_id is not None:
            children[other.value.parent_id].append(other.id)
    for live in made:
        live.children += children[live.id]
        _links(executor, live)
    for live in made:
        if not live.over:
            executor.services.rebuild.prepare_lists(live)
            _wait_on(executor, live)
    return made


def _wait_on(executor: Executor, live: Live) -> None:
    """Pauses with a duration, waits between rounds and waits for the next try go on for what is left of their time."""
    for run in list(live.runs.values()):
        task = live.placements.task(run.task_id)
        if task is None:
            continue
        if run.state.current is StateType.RETRYING:
            executor.dispatcher.rearm(live, run, task)
        if run.state.current is not StateType.PAUSED:
            continue
        role = getattr(executor.kernel.registry.load(task.type), "role", None)
        if role in ("pause", "rounds"):
            executor.roles[role].rearm(live, run, task)


def _tell(executor: Executor, live: Live, execution: Execution, logs: Sequence[LogEntry]) -> None:
    """The sink learns what was there before: the new run keeps the whole story."""
    kernel = executor.kernel
    for run in execution.task_runs:
        task = live.placements.task(run.task_id)
        kernel.sink(TaskRunChanged(kernel.now(), run, task.type if task else ""))
    for entry in logs:
        kernel.keep(live, entry)


def _live(executor: Executor, execution: Execution) -> Live:
    kernel = executor.kernel
    flow = kernel.flows.find(execution.namespace, execution.flow_id)
    if flow is None:
        raise NotFoundError(f"Unable to find flow '{execution.namespace}'.'{execution.flow_id}'")
    placements: Placements = kernel.placements(flow)
    root: Task | None = None
    loop_of: tuple[Live, str] | None = None
    if execution.kind == "LOOP" and execution.loop is not None and execution.parent_id in kernel.lives:
        root = placements.task(str(execution.loop.get("taskId")))
        loop_of = (kernel.lives[execution.parent_id], str(execution.loop.get("taskRunId")))
    return Live(execution, flow, placements, root=root, loop_of=loop_of)


def _place(executor: Executor, live: Live) -> None:
    """Tasks that come to be when their run starts."""
    for run in live.value.task_runs:
        task = live.placements.task(run.task_id)
        if task is not None and executor.services.rebuild.select.role(task) == "foreach_item":
            executor.roles["foreach_item"].place(live, task)


def _links(executor: Executor, live: Live) -> None:
    """Who waits for whom: subflows and loop iterations."""
    lives = executor.kernel.lives
    for run in live.runs.values():
        child = lives.get(str((run.outputs or {}).get("executionId")))
        if child is not None and run.state.current is not StateType.SUCCESS:
            child.facts["parent"] = (live, run.id)
        task = live.placements.task(run.task_id)
        role = executor.services.rebuild.select.role(task)
        if task is not None and role in ("loop", "foreach_item_items"):
            executor.roles[role].recount(live, run, task)
