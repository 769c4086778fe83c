"""What people do to executions: resume, pause, kill, restart, replay, change state... (execution.md 7).

Each action returns the execution's value just after it, before the loop goes on. A refused action raises UsageError with
Kestra's text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.engine.creation import CORRELATION
from simulator.engine.execution import Execution, StateType, TaskRun
from simulator.engine.live import Live
from simulator.engine.rebuild import Rebuild
from simulator.errors import InvalidInputError, UsageError

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["Services"]


class Services:
    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.kernel = executor.kernel
        self.passes = executor.passes
        self.rebuild = Rebuild(executor)

    def act(self, action: str, execution_id: str, **options: Any) -> Execution:
        actions: Mapping[str, Any] = {
            "resume": self.resume,
            "recover": self.recover,
            "pause": self.pause,
            "kill": self.kill,
            "restart": self.restart,
            "replay": self.replay,
            "change-state": self.change_state,
            "change-execution-state": self.change_execution_state,
            "unqueue": self.unqueue,
            "force-run": self.force_run,
            "set-labels": self.set_labels,
            "resume-from-breakpoint": self.resume_from_breakpoint,
            "delete": self.delete,
        }
        if action not in actions:
            raise UsageError(f"Unknown action '{action}'", hint=f"one of {', '.join(sorted(actions))}")
        result = actions[action](self.executor.live(execution_id), **options)
        return (result if isinstance(result, Live) else self.executor.live(execution_id)).snapshot()

    # --- pause and resume

    def resume(
        self,
        live: Live,
        *,
        inputs: Mapping[str, Any] | None = None,
        to: str | None = None,
        by: str | None = None,
        upload: Any = None,
    ) -> Live:
        """Ends every pause of the execution (and of its iterations)."""
        if live.state is not StateType.PAUSED:
            raise UsageError(f"Execution '{live.id}' is not paused, can't resume it")
        place = self.paused_place(live)
        if place is None:
            self.kernel.set_state(live, StateType.RUNNING)
            self.passes.touch_all(live)
            return live
        where, run = place
        task = where.placements.task(run.task_id)
        assert task is not None
        outputs: dict[str, Any] = {}
        on_resume = task.properties.get("onResume")
        if on_resume:
            from simulator.engine.inputs import resolve_resume_inputs

            outputs["onResume"] = resolve_resume_inputs(self.kernel, where, task, inputs or {}, upload=upload)
        else:
            outputs["onResume"] = dict(inputs or {})
        state = StateType(to) if to and to != "RUNNING" else StateType.SUCCESS
        on = self.kernel.now().replace(tzinfo=None).isoformat(timespec="milliseconds")
        outputs["resumed"] = {**({"by": by} if by is not None else {}), "on": on, "to": state.value}
        self.executor.roles["pause"].leave(where, run.id, state, outputs=outputs)
        if where is not live:
            self.executor.roles["loop"].resumed(where)
        return live

    def paused_place(self, live: Live) -> tuple[Live, TaskRun] | None:
        """The (last) paused Pause run of the execution or of one of its iterations."""
        for run in live.runs.values():
            if run.state.current is not StateType.PAUSED:
                continue
            task = live.placements.task(run.task_id)
            cls = self.kernel.registry.load(task.type) if task is not None else None
            if getattr(cls, "role", None) == "loop":
                for child_id in live.children:
                    child = self.kernel.lives[child_id]
                    if child.loop_of is not None and child.state is StateType.PAUSED:
                        return self.paused_place(child)
            elif getattr(cls, "role", None) == "pause":
                return live, run
        return None

    def pause(self, live: Live) -> Live:
        if live.state is not StateType.RUNNING:
            raise UsageError("The execution is not running")
        self.kernel.set_state(live, StateType.PAUSED)
        return live

    def recover(self, live: Live) -> Live:
        """Goes on with an execution whose process went away (see `recovery`)."""
        from simulator.engine.recovery import recover

        return recover(self.executor, live)

    # --- kill

    def kill(self, live: Live, *, cascade: bool = True, to: str | None = None) -> Live:
        """KILLING, then KILLED (or `to`); cascades to the executions it started."""
        kernel = self.kernel
        if live.over or live.state in (StateType.KILLING, StateType.KILLED):
            if live.state.is_terminated:
                raise UsageError("execution is already finished, can't kill it")
            return live
        if to is not None and to != StateType.KILLED.value:
            live.facts["kill_to"] = StateType(to)
        self.executor.queues.drop(live)
        if live.state is StateType.PAUSED:
            self._kill_paused(live)
            if kernel.dialect.major == 1 and to is None:
                kernel.loop.call(lambda: self._killing(live, cascade))
                return live
        self._killing(live, cascade)
        return live

    def _kill_paused(self, live: Live) -> None:
        """The paused runs are KILLED, the execution leaves the pause first."""
        for run in list(live.runs.values()):
            if run.state.current is StateType.PAUSED:
                self.kernel.put_run(live, self.kernel.forced(run, StateType.KILLED))
        self.kernel.set_state(live, StateType.RESTARTED)

    def go_on_killing(self, live: Live) -> None:
        """A kill that was under way in another process."""
        for run in list(live.runs.values()):
            if not run.state.current.is_terminated and run.id not in live.jobs:
                self.kernel.put_run(live, self.kernel.forced(run, StateType.KILLED))
        self._killing(live, True)

    def _killing(self, live: Live, cascade: bool) -> None:
        if live.over:
            return
        for timer in live.timers.values():
            timer.cancel()
        live.timers.clear()
        to = live.facts.get("kill_to")
        if to is not None and not live.jobs:
            self.passes.kill_step(live)
            return
        self.kernel.set_state(live, StateType.KILLING)
        if cascade:
            for child_id in list(live.children):
                child = self.kernel.lives[child_id]
                if not child.over and child.state not in (StateType.KILLED, StateType.KILLING):
                    self.kill(child)
        for job in list(live.jobs.values()):
            self.executor.dispatcher.cancel_job(job, "kill")
        self.passes.touch(live, None)

    def stop(self, live: Live, state: StateType) -> None:
        """Ends an execution with `state` (SLA): its last open run gets it too, the rest is killed. That run is KILLED as well
        when a worker has it: the worker's own word comes later (1.1.15 and 2.0.0)."""
        kernel = self.kernel
        self.executor.queues.drop(live)
        for child_id in list(live.children):
            child = kernel.lives[child_id]
            if not child.over and not child.state.is_terminated:
                self.kill(child)
        still = [run for run in live.runs.values() if not run.state.current.is_terminated]
        for number, run in enumerate(reversed(still)):
            target = state if number == 0 else StateType.KILLED
            run = live.runs[run.id]
            job = live.jobs.pop(run.id, None)
            if job is not None:
                target = StateType.KILLED
            kernel.put_run(live, kernel.forced(run, target))
            if job is not None:
                self.executor.dispatcher.cancel_job(job, "kill")
        self.passes.end(live, state)

    # --- restart, replay, change state

    def restart(self, live: Live, *, revision: int | None = None) -> Live:
        state = live.state
        paused = state is StateType.PAUSED
        if self.kernel.dialect.major == 1:
            if not state.is_terminated and not paused:
                raise UsageError(
                    f"Execution must be terminated to be restarted, current state is '{state.value}' !"
                )
        elif state is not StateType.FAILED and not paused:
            raise UsageError(
                f"Cannot restart execution: current state is '{state.value}', expected terminated or paused."
            )
        return self.rebuild.restart(live, revision=revision)

    def restart_live(self, live: Live) -> Live:
        """Restarts a child for its restarted parent."""
        return self.rebuild.restart(live)

    def replay(
        self,
        live: Live,
        *,
        task_run_id: str | None = None,
        task: str | None = None,
        values: list[str] | None = None,
        inputs: Mapping[str, Any] | None = None,
        revision: int | None = None,
        flow: Any = None,
        upload: Any = None,
    ) -> Live:
        """A new execution from the start, or from a task run (given by id, or by task id and values)."""
        target: TaskRun | None = None
        if task_run_id is not None or task is not None:
            target = self._target(live, task_run_id, task, values)
            if target is None:
                which = f"task run '{task_run_id}'" if task_run_id is not None else f"task '{task}'"
                raise InvalidInputError(f"No task found to restart execution from {which}")
        return self.rebuild.replay(live, target, inputs=inputs, revision=revision, flow=flow, upload=upload)

    def _target(
        self, live: Live, task_run_id: str | None, task: str | None, values: list[str] | None
    ) -> TaskRun | None:
        """A task run by its id, or the first one of a task (with these values, outermost first)."""
        if task_run_id is not None:
            return live.runs.get(task_run_id)
        found = (run for run in live.runs.values() if run.task_id == task)
        return next((run for run in found if values is None or list(live.path(run)) == list(values)), None)

    def change_state(
        self,
        live: Live,
        *,
        state: str,
        task_run_id: str | None = None,
        task: str | None = None,
        values: list[str] | None = None,
    ) -> Live:
        """One task run (see `_target`) gets a state, and the execution goes on from there."""
        run = self._target(live, task_run_id, task, values)
        if run is None:
            name = f"with id '{task_run_id}'" if task_run_id is not None else f"of the task '{task}'"
            raise UsageError(f"No task run found {name}")
        if self.kernel.dialect.major >= 2 and (
            not live.state.is_terminated or live.state is StateType.KILLED
        ):
            raise UsageError(
                "You can only change the state of a task run for a terminated non killed execution."
            )
        return self.rebuild.change_state(live, run, StateType(state))

    def change_execution_state(self, live: Live, *, state: str) -> Live:
        if not live.state.is_terminated:
            raise UsageError("You can only change the state of a terminated execution.")
        self.kernel.set_state(live, StateType(state))
        return live

    # --- queue

    def unqueue(self, live: Live, *, state: str | None = None) -> Live:
        if live.state is not StateType.QUEUED:
            raise UsageError("Only QUEUED execution can be unqueued")
        target = StateType(state) if state else StateType.RUNNING
        if target is StateType.RUNNING:
            self.executor.queues.run_now(live)
        else:
            self.executor.queues.drop(live)
            self.passes.end(live, target)
        return live

    def force_run(self, live: Live) -> Live:
        if live.state.is_terminated:
            raise UsageError("Only non terminated executions can be forced run.")
        if live.state in (StateType.CREATED, StateType.QUEUED):
            self.executor.queues.run_now(live)
        elif live.state is StateType.PAUSED:
            self.resume(live)
        else:
            self.passes.touch_all(live)
        return live

    # --- labels, breakpoints, deletion

    def set_labels(self, live: Live, *, labels: Any, merge: bool = False) -> Live:
        """Replaces the labels that are not `system.*` (`merge`: adds to them)."""
        pairs = (
            list(labels.items())
            if isinstance(labels, Mapping)
            else [(item.get("key"), item.get("value")) for item in labels]
        )
        for key, value in pairs:
            if not key or value in (None, ""):
                raise UsageError("Label keys and values must not be empty")
            if str(key).startswith("system."):
                raise UsageError(
                    f"System labels can only be set by Kestra itself, offending label: {key}={value}"
                )
        kept = {key: value for key, value in live.value.labels if merge or key.startswith("system.")}
        kept.update({str(key): str(value) for key, value in pairs})
        self.kernel.change(live, labels=tuple(kept.items()))
        return live

    def resume_from_breakpoint(self, live: Live, *, breakpoints: list[str] | None = None) -> Live:
        if live.state is not StateType.BREAKPOINT:
            raise UsageError("Execution is not suspended")
        held = [run for run in live.runs.values() if run.state.current is StateType.BREAKPOINT]
        if not held:
            raise UsageError("Execution has no breakpoint")
        for run in held:
            self.kernel.put_run(live, run.with_state(StateType.CREATED, self.kernel.now()))
            self.passes.send(live, run.id)
        self.kernel.set_state(live, StateType.RUNNING)
        self.passes.touch_all(live)
        return live

    def delete(self, live: Live, *, logs: bool = True, metrics: bool = True, storage: bool = True) -> Live:
        """Takes an ended execution away, with its logs and files."""
        if not live.state.is_terminated:
            raise UsageError("Only terminated executions can be deleted")
        value = live.value
        if storage:
            from simulator.storage.base import StorageContext

            prefix = self.kernel.storage.prefix(StorageContext(value.namespace, value.flow_id, value.id))
            self.kernel.storage.delete_by_prefix(prefix)
        if logs:
            live.logs.clear()
        live.facts["deleted"] = True
        return live

    # --- CREATE_NEW_EXECUTION

    def retry_as_new(self, live: Live, date: dt.datetime) -> None:
        """The execution that takes over from one that is RETRIED (execution.md 5)."""
        value = live.value
        system = [(key, text) for key, text in value.labels if key.startswith("system.")]
        labels = [(key, text) for key, text in value.labels if not key.startswith("system.")]
        made = self.executor.creator.create(
            live.flow,
            value.inputs,
            labels,
            trigger=value.trigger,
            trigger_source=(value.trigger_id, value.trigger_type or "") if value.trigger_id else None,
            correlation=dict(value.labels).get(CORRELATION),
            typed=True,
            parent_id=value.id,
            original_id=value.original_id or value.id,
            attempt_number=value.attempt_number + 1,
            system_labels=[*system, ("system.replay", "true")],
            start=False,
        )
        made.facts["first_created"] = live.facts.get("first_created", value.state.start_date)
        parent = live.facts.pop("parent", None)
        if parent is not None:
            made.facts["parent"] = parent
        self.kernel.loop.at(date, lambda: self.executor.creator.start(made))
