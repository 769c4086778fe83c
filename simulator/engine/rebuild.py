"""Restart, replay and change of state: which task runs stay, which run again, which go (execution.md 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulator.engine.execution import StateType, TaskRun
from simulator.engine.live import Group, Live
from simulator.engine.recovery import resubmitted
from simulator.errors import UsageError
from simulator.model.flow import Task

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["Rebuild"]

_RESTARTABLE = (StateType.FAILED, StateType.PAUSED)
_ERROR_BLOCKS = ("errors", "finally", "listeners", "afterExecution")
#: Flowables that run again themselves; others only go on with their children.
_RUN_AGAIN = ("working_directory", "rounds", "pause", "subflow", "loop", "updating", None)


class Rebuild:
    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.kernel = executor.kernel
        self.passes = executor.passes

    def role(self, task: Task | None) -> str | None:
        """How the engine runs a task: the name of its role, None for task code."""
        cls = self.kernel.registry.load(task.type) if task is not None else None
        role: str | None = getattr(cls, "role", None)
        if role is None and cls is not None and cls.spec.kind.value == "flowable":
            return "children"
        return role

    # --- the actions

    def restart(self, live: Live, *, revision: int | None = None) -> Live:
        """Failed and paused leaves run again, in the same execution."""
        if not live.runs:
            return self._go_on(live, {}, "system.restarted")
        leaves = self._leaves(live)
        if not leaves:
            raise UsageError("No task found to restart execution from!")
        kept = self._without_error_runs(live, {run.id for run in leaves})
        again = {run.id for run in leaves if run.id in kept}
        ancestors = {parent.id for run in leaves for parent in live.parents(run)}
        runs = self._changed(live, kept, again, ancestors)
        if revision is not None:
            return self._as_new(live, runs, revision=revision, label="system.restarted")
        return self._go_on(live, runs, "system.restarted")

    def replay(
        self,
        live: Live,
        target: TaskRun | None,
        *,
        inputs: Mapping[str, Any] | None = None,
        revision: int | None = None,
        flow: Any = None,
        upload: Any = None,
    ) -> Live:
        """A new execution; from `target` on it runs again, what came before is copied."""
        runs: dict[str, TaskRun] | None = None
        if target is not None:
            kept = self._without_error_runs(live, {target.id})
            for run_id in self._successors(live, target):
                kept.pop(run_id, None)
            ancestors = {parent.id for parent in live.parents(target)}
            runs = self._changed(live, kept, {target.id}, ancestors)
        made = self._as_new(live, runs, revision=revision, flow=flow, inputs=inputs, upload=upload)
        labels = dict(live.value.labels)
        labels["system.replayed"] = "true"
        self.kernel.change(live, labels=tuple(labels.items()))
        return made

    def change_state(self, live: Live, target: TaskRun, state: StateType) -> Live:
        """One run gets a state; the execution goes on from there (CANCELLED: it ends)."""
        over = live.state.is_terminated
        kept = self._without_error_runs(live, {target.id}) if over else dict(live.runs)
        now = self.kernel.now()
        ancestors = {parent.id for parent in live.parents(target)}
        runs: dict[str, TaskRun] = {}
        for run_id, run in kept.items():
            if run_id == target.id:
                changed = self.kernel.last_attempt(run, state) if run.attempts else run
                runs[run_id] = changed.with_state(state, now)
            elif run_id in ancestors:
                runs[run_id] = run.with_state(StateType.RUNNING, now)
            else:
                runs[run_id] = run
        label = "system.restarted" if self.kernel.dialect.major >= 2 else None
        if state is StateType.CANCELLED:
            self.load(live, runs.values())
            self.kernel.set_state(live, StateType.CANCELLED)
            return live
        return self._go_on(live, runs, label)

    # --- what stays

    def _leaves(self, live: Live) -> list[TaskRun]:
        """Runs to start again: FAILED or PAUSED ones of the normal lists without such a run below them."""
        found = [
            run
            for run in live.runs.values()
            if run.state.current in _RESTARTABLE and not self._in_error_list(live, run) and not run.dynamic
        ]
        above = {run.parent_task_run_id for run in found}
        result: list[TaskRun] = []
        for run in found:
            task = live.placements.task(run.task_id)
            if run.id in above and self.role(task) != "working_directory":
                continue
            parent = live.runs.get(run.parent_task_run_id or "")
            if parent is not None and self.role(live.placements.task(parent.task_id)) == "working_directory":
                continue
            result.append(run)
        return result

    def _in_error_list(self, live: Live, run: TaskRun) -> bool:
        current: TaskRun | None = run
        while current is not None and current.dynamic:
            current = live.runs.get(current.parent_task_run_id or "")
        while current is not None:
            placement = live.placements.get(current.task_id)
            if placement is None or placement.block in _ERROR_BLOCKS:
                return True
            current = live.runs.get(current.parent_task_run_id or "")
        return False

    def _without_error_runs(self, live: Live, targets: set[str]) -> dict[str, TaskRun]:
        """All runs but those of errors, finally, afterExecution, and the children of a WorkingDirectory that runs again."""
        kept: dict[str, TaskRun] = {}
        for run in live.runs.values():
            if run.id not in targets and self._in_error_list(live, run):
                continue
            parent = live.runs.get(run.parent_task_run_id or "")
            if parent is not None and parent.id in targets and not run.dynamic:
                role = self.role(live.placements.task(parent.task_id))
                if role in _RUN_AGAIN:
                    continue
            if run.parent_task_run_id in live.runs and run.parent_task_run_id not in kept:
                continue
            kept[run.id] = run
        return kept

    def _changed(
        self, live: Live, kept: Mapping[str, TaskRun], again: set[str], ancestors: set[str]
    ) -> dict[str, TaskRun]:
        """The kept runs: `again` are RESTARTED (plain flowables RUNNING), ancestors RUNNING."""
        now = self.kernel.now()
        runs: dict[str, TaskRun] = {}
        for run_id, run in kept.items():
            if run_id in again:
                role = self.role(live.placements.task(run.task_id))
                state = StateType.RUNNING if role in ("children", "foreach_item") else StateType.RESTARTED
                runs[run_id] = run.with_state(state, now)
            elif run_id in ancestors:
                runs[run_id] = run.with_state(StateType.RUNNING, now)
            elif not run.state.current.is_terminated and not run.dynamic:
                runs[run_id] = resubmitted(self.executor, run)
            else:
                runs[run_id] = run
        return runs

    def _successors(self, live: Live, target: TaskRun) -> set[str]:
        """Runs that come after `target` in the flow, with everything below them, and what is below `target`."""
        gone: set[str] = {run.id for run in live.descendants(target.id)}
        current: TaskRun | None = target
        while current is not None:
            parent = live.runs.get(current.parent_task_run_id or "")
            for later in self._later_siblings(live, current, parent):
                gone.add(later.id)
                gone.update(run.id for run in live.descendants(later.id))
            current = parent
        return gone

    def _later_siblings(self, live: Live, run: TaskRun, parent: TaskRun | None) -> Iterable[TaskRun]:
        group = live.groups.get(run.parent_task_run_id)
        if group is None:
            return []
        siblings = [live.runs[run_id] for run_id in group.block("tasks").runs if run_id in live.runs]
        task = live.placements.task(parent.task_id) if parent is not None else None
        kind = (task.canonical or "").rpartition(".")[2] if task is not None else "Sequential"
        own = live.placements.task(run.task_id)
        if kind in ("Parallel", "EachParallel"):
            return []
        if kind == "Dag":
            return self._dependents(siblings, live, run)
        order = {task.id: number for number, task in enumerate(self._ordered(task, live, own))}
        side_by_side = (
            kind == "ForEach" and task is not None and str(task.properties.get("concurrencyLimit", 1)) != "1"
        )

        def later(other: TaskRun) -> bool:
            if other.id == run.id:
                return False
            place, own_place = order.get(other.task_id, 0), order.get(run.task_id, 0)
            if run.value is None or other.value is None or run.iteration is None or other.iteration is None:
                return place > own_place
            if other.iteration < run.iteration or (side_by_side and other.iteration != run.iteration):
                return False
            return place > own_place or (place == own_place and other.iteration > run.iteration)

        return [other for other in siblings if later(other)]

    def _ordered(self, task: Task | None, live: Live, own: Task | None) -> list[Task]:
        if task is None:
            root = live.root
            return list(root.children.get("tasks", ())) if root is not None else list(live.flow.tasks)
        for children in task.children.values():
            if own is not None and any(child.id == own.id for child in children):
                return list(children)
        return []

    def _dependents(self, siblings: list[TaskRun], live: Live, run: TaskRun) -> list[TaskRun]:
        gone = {run.task_id}
        result: list[TaskRun] = []
        changed = True
        while changed:
            changed = False
            for other in siblings:
                task = live.placements.task(other.task_id)
                if task is None or other.task_id in gone or not gone.intersection(task.depends_on):
                    continue
                gone.add(other.task_id)
                result.append(other)
                changed = True
        return result

    # --- going on

    def _go_on(self, live: Live, runs: Mapping[str, TaskRun], label: str | None) -> Live:
        """The same execution, RESTARTED, with these runs."""
        now = self.kernel.now()
        before = dict(live.runs)
        self.load(live, runs.values())
        for run_id in before:
            if run_id not in runs:
                self._say_removed(live, before[run_id])
        for run in runs.values():
            if before.get(run.id) is not run:
                self._say(live, run)
        live.facts["rebuilt"] = True
        labels = dict(live.value.labels)
        if label is not None:
            labels[label] = "true"
        self.kernel.change(
            live,
            state=live.value.state.with_state(StateType.RESTARTED, now),
            labels=tuple(labels.items()),
            attempt_number=live.value.attempt_number + 1,
            outputs=None,
        )
        self._start(live)
        return live

    def _as_new(
        self,
        live: Live,
        runs: Mapping[str, TaskRun] | None,
        *,
        revision: int | None = None,
        flow: Any = None,
        inputs: Mapping[str, Any] | None = None,
        upload: Any = None,
        label: str = "system.replay",
    ) -> Live:
        """A new execution: with copies of these runs under new ids, or (None) from the start."""
        kernel = self.kernel
        value = live.value
        if flow is None:
            flow = live.flow
            if revision is not None:
                flow = self.executor.creator.flow(value.namespace, value.flow_id, revision)
        system = [(k, v) for k, v in value.labels if k.startswith("system.") and k not in _OWN_LABELS]
        labels = [(k, v) for k, v in value.labels if not k.startswith("system.")]
        made = self.executor.creator.create(
            flow,
            value.inputs if inputs is None else inputs,
            labels,
            trigger=value.trigger,
            typed=inputs is None,
            parent_id=value.id,
            original_id=value.original_id or value.id,
            system_labels=[*system, (label, "true")],
            start=False,
            upload=upload,
            kind=value.kind,
        )
        made.loop_of, made.root = live.loop_of, live.root
        if value.loop is not None:
            made.update(loop=value.loop)
        if runs is None:
            self.executor.creator.start(made)
            return made
        ids = {run_id: kernel.new_id() for run_id in runs}
        copies = [
            replace(
                run,
                id=ids[run_id],
                execution_id=made.id,
                parent_task_run_id=ids.get(run.parent_task_run_id or ""),
            )
            for run_id, run in runs.items()
        ]
        made.update(
            state=value.state.with_state(StateType.RESTARTED, kernel.now()),
            variables=value.variables if revision is None else made.value.variables,
        )
        self.load(made, copies)
        kernel.change(made)
        for run in copies:
            self._say(made, run)
        self._start(made)
        return made

    def _say(self, live: Live, run: TaskRun) -> None:
        from simulator.engine.events import TaskRunChanged

        task = live.placements.task(run.task_id)
        self.kernel.sink(TaskRunChanged(self.kernel.now(), run, task.type if task else ""))

    def _say_removed(self, live: Live, run: TaskRun) -> None:
        from simulator.engine.events import TaskRunChanged

        task = live.placements.task(run.task_id)
        self.kernel.sink(TaskRunChanged(self.kernel.now(), run, task.type if task else "", removed=True))

    def load(self, live: Live, runs: Iterable[TaskRun]) -> None:
        """Indexes a set of runs from scratch."""
        values = list(runs)
        for timer in live.timers.values():
            timer.cancel()
        live.timers.clear()
        live.runs.clear()
        live.groups = {None: Group(None, live.root, ())}
        live.outputs.clear()
        live.task_states.clear()
        live.over = False
        for name in ("order:listeners", "order:afterExecution", "outputs", "base", "sla_violated"):
            live.facts.pop(name, None)
        parents = {run.parent_task_run_id for run in values}
        for run in values:
            task = live.placements.task(run.task_id)
            live.put(run)
            if task is not None and (run.id in parents or task.children):
                live.group(run, task)

    def _start(self, live: Live) -> None:
        """The rebuilt execution goes on when the loop runs."""

        def begin() -> None:
            if live.over or live.state is not StateType.RESTARTED:
                return
            live.facts["on_run"] = lambda: self.resume_lists(live)
            if not self.executor.queues.admit(live):
                return
            live.facts.pop("on_run", None)
            self.executor.slas.start(live)
            self.resume_lists(live)

        self.kernel.loop.call(begin)

    def resume_lists(self, live: Live) -> None:
        """Plans of the lists that go on are made again, and catch up with their runs; then everything may go on."""
        self.prepare_lists(live)
        for run in list(live.runs.values()):
            if run.state.current.is_created and live.placements.task(run.task_id) is not None:
                self.passes.send(live, run.id)
        self.passes.touch_all(live)

    def prepare_lists(self, live: Live) -> None:
        """Evaluates the open lists again."""
        live.top.plan = None
        plan = self.passes.top_plan(live)
        for name, order in (("tasks", plan.order), ("errors", plan.errors), ("finally", plan.finally_)):
            if order is not None:
                order.resume([live.runs[run_id] for run_id in live.top.block(name).runs])
        for run in list(live.runs.values()):
            task = live.placements.task(run.task_id)
            if task is None or run.state.current is not StateType.RUNNING:
                continue
            role = self.role(task)
            if role in _WITH_CHILDREN:
                self.executor.roles["children"].prepare(live, run, task)


_WITH_CHILDREN = ("children", "rounds", "pause", "foreach_item")
_OWN_LABELS = ("system.replay", "system.replayed", "system.restarted")
