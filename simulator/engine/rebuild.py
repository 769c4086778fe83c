"""Restart, replay and change of state: an execution, or a new one, goes on with other task runs (execution.md 7).

Which ones is the business of `selection`. A kept execution is loaded here, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulator.engine.execution import StateType, TaskRun
from simulator.engine.live import Live
from simulator.engine.selection import Selection
from simulator.errors import UsageError

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["Rebuild"]


class Rebuild:
    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.kernel = executor.kernel
        self.passes = executor.passes
        self.select = Selection(executor)

    # --- the actions

    def restart(self, live: Live, *, revision: int | None = None) -> Live:
        """Failed and paused leaves run again, in the same execution."""
        if not live.runs:
            return self._go_on(live, {}, "system.restarted")
        leaves = self.select.leaves(live)
        if not leaves:
            raise UsageError("No task found to restart execution from!")
        kept = self.select.without_error_runs(live, {run.id for run in leaves})
        again = {run.id for run in leaves if run.id in kept}
        ancestors = {parent.id for run in leaves for parent in live.parents(run)}
        runs = self.select.changed(live, kept, again, ancestors)
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
            target = self.select.whole(live, target)
            kept = self.select.without_error_runs(live, {target.id})
            for run_id in self.select.successors(live, target):
                kept.pop(run_id, None)
            ancestors = {parent.id for parent in live.parents(target)}
            runs = self.select.changed(live, kept, {target.id}, ancestors)
        made = self._as_new(live, runs, revision=revision, flow=flow, inputs=inputs, upload=upload)
        labels = dict(live.value.labels)
        labels["system.replayed"] = "true"
        self.kernel.change(live, labels=tuple(labels.items()))
        return made

    def change_state(self, live: Live, target: TaskRun, state: StateType) -> Live:
        """One run gets a state; the execution goes on from there (CANCELLED: it ends)."""
        over = live.state.is_terminated
        kept = self.select.without_error_runs(live, {target.id}) if over else dict(live.runs)
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
            trigger_source=(value.trigger_id, value.trigger_type or "") if value.trigger_id else None,
            typed=inputs is None,
            parent_id=value.id,
            original_id=value.original_id or value.id,
            attempt_number=value.attempt_number + 1,
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
        for timer in live.timers.values():
            timer.cancel()
        live.timers.clear()
        live.over = False
        for name in ("order:listeners", "order:afterExecution", "outputs", "base", "sla_violated"):
            live.facts.pop(name, None)
        live.index(runs)

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
            if any(run.state.current is StateType.PAUSED for run in live.runs.values()):
                # another pause than the one whose state was changed: somebody is still waited for
                self.kernel.set_state(live, StateType.PAUSED)

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
            role = self.select.role(task)
            if role in _WITH_CHILDREN:
                children = self.executor.roles["children"]
                plan = children.prepare(live, run, task)
                if plan is not None and plan.order is None:
                    children.settle(live, live.runs[run.id], task, plan)


_WITH_CHILDREN = ("children", "rounds", "pause", "foreach_item", "working_directory")
_OWN_LABELS = ("system.replay", "system.replayed", "system.restarted")
