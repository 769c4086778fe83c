"""Loop (2.0): each iteration is an execution of its own, of kind LOOP (core-tasks.md 2.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.engine.context import TaskContext
from simulator.engine.creation import Creator
from simulator.engine.dispatch import failure_text
from simulator.engine.execution import Execution, State, StateType, TaskRun, replace
from simulator.engine.flowables.loop import Items, LoopItem, loop_items
from simulator.engine.live import Live
from simulator.engine.placement import enabled
from simulator.engine.roles.children import ChildrenRole
from simulator.engine.roles.subflow import link
from simulator.engine.state import softened
from simulator.model.flow import Task

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["LoopRole"]


class _Progress:
    """Where a Loop's run stands."""

    def __init__(self, items: Items, limit: int, *, stored: bool) -> None:
        self.items = items
        self.limit = limit
        self.stored = stored
        self.from_file = False
        self.next = 0
        self.running = 0
        self.paused = 0
        self.ended = 0
        self.outputs: list[dict[str, Any]] = []
        self.live: dict[str, Live] = {}

    def facts(self) -> dict[str, Any]:
        """The Loop's outputs; `outputs` only once an iteration has had some."""
        facts: dict[str, Any] = {
            "runningIterations": self.running,
            "iterationCount": self.items.total or self.next,
            "terminatedIterations": self.ended,
        }
        if self.from_file:
            facts["nextOffset"] = self.next  # of the next record that nobody has taken yet
        return facts | {"outputs": self.outputs} if self.outputs else facts


class LoopRole(ChildrenRole):
    def __init__(self, kernel: Kernel, passes: Passes, creator: Creator) -> None:
        super().__init__(kernel, passes)
        self.creator = creator
        self.restart: Any = None

    def start(self, live: Live, run: TaskRun, task: Task) -> None:
        kernel = self.kernel
        again = run.state.current is StateType.RESTARTED
        progress = live.facts.get(f"loop:{run.id}")
        if again and progress is not None:
            run = self.running(live, run)
            self.passes.on_change(live)
            self._again(live, run, task, progress)
            return
        context = TaskContext(kernel, live, run, task, kernel.plugin(task).spec)
        try:
            items, from_file = loop_items(context)
            transmit = context.get("transmitFailed", True)
        except Exception as error:  # noqa: BLE001 - any failure FAILS the run, as in Kestra
            message = f"Failed to process flowable task {run.id}: {failure_text(error)}"
            kernel.log(live, "ERROR", message, run=run, task=task)
            self.passes.end_flowable(live, live.runs[run.id], StateType.FAILED)  # whatever it allows
            return
        fetch = context.raw("fetchType") or "AUTO"
        limit = context.raw("concurrencyLimit")
        progress = _Progress(
            items,
            1 if limit is None else int(limit),
            stored=fetch == "STORE" or (fetch == "AUTO" and from_file),
        )
        progress.from_file = from_file
        live.facts[f"loop:{run.id}"] = progress
        live.facts[f"transmit:{run.id}"] = transmit is not False
        if not items.more or not enabled(task.children.get("tasks", ())):
            run = kernel.put_run(live, replace(live.runs[run.id], outputs=progress.facts()))
            # without iterations it never RUNS, as when its values are none
            self._end(live, run, task, StateType.SUCCESS)
            return
        self.running(live, run)
        self.passes.on_change(live)
        self._more(live, run.id, task, progress)

    def _more(self, live: Live, run_id: str, task: Task, progress: _Progress) -> None:
        """Starts iterations up to the limit."""
        while progress.items.more and (not progress.limit or progress.running < progress.limit):
            try:
                item = progress.items.take()
            except Exception as error:  # noqa: BLE001 - a broken file FAILS the run, as in Kestra
                run = live.runs[run_id]
                message = f"Failed to process flowable task {run.id}: {failure_text(error)}"
                self.kernel.log(live, "ERROR", message, run=run, task=task)
                run = self.kernel.put_run(live, replace(run, outputs=progress.facts()))
                self._end(live, run, task, StateType.FAILED)
                return
            index = progress.next
            progress.next += 1
            progress.running += 1
            child = self._iteration(live, run_id, task, index, item)
            progress.live[child.id] = child
            self.kernel.loop.call(lambda child=child: self.passes.touch(child, None))  # type: ignore[misc]
        self._show(live, run_id, progress)

    def _show(self, live: Live, run_id: str, progress: _Progress) -> None:
        """The Loop's outputs as they stand, for expressions of later iterations (no event: it ends with one)."""
        live.outputs[live.runs[run_id].task_id] = progress.facts()

    def _iteration(self, live: Live, run_id: str, task: Task, index: int, item: LoopItem) -> Live:
        kernel = self.kernel
        value = live.value
        loop = {"taskId": task.id, "taskRunId": run_id, "index": index, "value": item.value}
        if item.key is not None:
            loop["key"] = item.key
        ident = kernel.new_id()
        execution = Execution(
            id=ident,
            namespace=value.namespace,
            flow_id=value.flow_id,
            state=State.created(kernel.now()),
            flow_revision=value.flow_revision,
            inputs=value.inputs,
            labels=value.labels,
            variables=value.variables,
            trigger=value.trigger,
            parent_id=live.id,
            original_id=ident,
            kind="LOOP",
            loop=loop,
        )
        child = Live(execution, live.flow, live.placements, root=task, loop_of=(live, run_id))
        self.creator.register(child)
        live.children.append(child.id)
        return child

    def paused(self, child: Live) -> None:
        """A pause in an iteration pauses the Loop's run and the parent execution."""
        live, run_id = child.loop_of or (None, "")
        if live is None:
            return
        run = live.runs.get(run_id)
        if run is not None and run.state.current is StateType.RUNNING:
            self.kernel.run_state(live, run, StateType.PAUSED)
            if not live.state.is_terminated:
                self.kernel.set_state(live, StateType.PAUSED)
            if live.loop_of is not None:
                self.paused(live)

    def resumed(self, child: Live) -> None:
        """The iteration goes on: so do the Loop's run and the parent."""
        live, run_id = child.loop_of or (None, "")
        if live is None:
            return
        run = live.runs.get(run_id)
        progress = live.facts.get(f"loop:{run_id}")
        if progress is not None and any(
            other.state is StateType.PAUSED for other in progress.live.values() if other is not child
        ):
            return
        if run is not None and run.state.current is StateType.PAUSED:
            self.kernel.run_state(live, run, StateType.RUNNING)
            if live.state is StateType.PAUSED:
                self.kernel.set_state(live, StateType.RUNNING)
            if live.loop_of is not None:
                self.resumed(live)
            self.passes.touch_all(live)

    def ended(self, child: Live) -> None:
        """An iteration is over: the next one starts, or the Loop ends."""
        live, run_id = child.loop_of or (None, "")
        if live is None:
            return
        run = live.runs.get(run_id)
        progress: _Progress | None = live.facts.get(f"loop:{run_id}")
        task = child.root
        if run is None or progress is None or task is None:
            return
        progress.live.pop(child.id, None)
        progress.running -= 1
        progress.ended += 1
        if child.value.outputs:
            progress.outputs.append(self._entry(live, run, child, stored=progress.stored))
        if run.state.current.is_terminated or live.state is StateType.KILLING:
            progress.items.close()
            if live.state is not StateType.KILLING and live.state is not StateType.KILLED:
                # it failed before; the iterations that ran beside the failed one still count
                self._say_failed(live, run, task, child)
                self.kernel.put_run(live, replace(run, outputs=progress.facts()))
            return
        if self._say_failed(live, run, task, child):
            run = replace(live.runs[run_id], outputs=progress.facts())
            self._end(live, self.kernel.put_run(live, run), task, StateType.FAILED)
            return
        if progress.items.more:
            self._more(live, run_id, task, progress)
        elif not progress.running:
            run = replace(live.runs[run_id], outputs=progress.facts())
            self._end(live, self.kernel.put_run(live, run), task, StateType.SUCCESS)
        else:
            self._show(live, run_id, progress)

    def _say_failed(self, live: Live, run: TaskRun, task: Task, child: Live) -> bool:
        """Whether an iteration's failure is the Loop's; then its log says so."""
        if child.state is not StateType.FAILED or not live.facts.get(f"transmit:{run.id}", True):
            return False
        number = (child.value.loop or {}).get("index")
        message = (
            f"Loop iteration {number} ended in FAILED in sub-execution {link(child)}, "
            "check that execution's logs for details"
        )
        self.kernel.log(live, "ERROR", message, run=run, task=task)
        return True

    def recount(self, live: Live, run: TaskRun, task: Task) -> None:
        """Counts the iterations of a Loop that was kept (another process goes on with it)."""
        context = TaskContext(self.kernel, live, run, task, self.kernel.plugin(task).spec)
        try:
            items, from_file = loop_items(context)
        except Exception:  # noqa: BLE001 - it failed before, and fails again when it is restarted
            return
        fetch = context.raw("fetchType") or "AUTO"
        limit = context.raw("concurrencyLimit")
        stored = fetch == "STORE" or (fetch == "AUTO" and from_file)
        progress = _Progress(items, 1 if limit is None else int(limit), stored=stored)
        for child in (self.kernel.lives[key] for key in live.children):
            if child.loop_of != (live, run.id):
                continue
            progress.next += 1
            if child.state.is_terminated:
                progress.ended += 1
                if child.value.outputs:
                    progress.outputs.append(self._entry(live, run, child, stored=stored))
            else:
                progress.running += 1
                progress.live[child.id] = child
        progress.items.skip(progress.next)
        progress.from_file = from_file
        live.facts[f"loop:{run.id}"] = progress
        live.facts[f"transmit:{run.id}"] = context.get("transmitFailed", True) is not False

    def recovered(self, live: Live, run: TaskRun, task: Task) -> None:
        """After a crash, when nothing of the Loop runs: what its ended iterations would have led to happens now."""
        progress: _Progress | None = live.facts.get(f"loop:{run.id}")
        if progress is None or progress.running:
            return
        children = [self.kernel.lives[key] for key in live.children]
        failed = next(
            (
                child
                for child in children
                if child.loop_of == (live, run.id) and child.state is StateType.FAILED
            ),
            None,
        )
        if failed is not None and self._say_failed(live, run, task, failed):
            state = StateType.FAILED
        elif progress.items.more:
            self._more(live, run.id, task, progress)
            return
        else:
            state = StateType.SUCCESS
        run = replace(live.runs[run.id], outputs=progress.facts())
        self._end(live, self.kernel.put_run(live, run), task, state)

    def _entry(self, live: Live, run: TaskRun, child: Live, *, stored: bool) -> dict[str, Any]:
        """What the Loop's `outputs` say of one iteration."""
        loop = child.value.loop or {}
        item: dict[str, Any] = {"value": loop.get("value"), "iteration": loop.get("index")}
        if loop.get("key") is not None:
            item["key"] = loop["key"]
        return {"outputs": self._fetched(live, run, child, stored=stored), "item": item}

    def _fetched(self, live: Live, run: TaskRun, child: Live, *, stored: bool) -> dict[str, Any]:
        """An iteration's outputs in place, or (STORE) the URI of an Ion file."""
        outputs = dict(child.value.outputs or {})
        if not stored:
            return outputs
        from simulator.storage.base import StorageContext
        from simulator.storage.ion import dump_row

        value = live.value
        place = StorageContext(value.namespace, value.flow_id, value.id, run.task_id, run.id)
        content = dump_row(outputs, binary=self.kernel.dialect.binary_ion)
        return {"uri": self.kernel.storage.put(place, content, f"{child.id}.ion")}

    def _again(self, live: Live, run: TaskRun, task: Task, progress: _Progress) -> None:
        """After a restart: failed and paused iterations run again in place, then the others follow."""
        context = TaskContext(self.kernel, live, run, task, self.kernel.plugin(task).spec)
        try:
            progress.items = loop_items(context)[0]
            progress.items.skip(progress.next)
        except Exception as error:  # noqa: BLE001 - the file is gone or broken by now
            message = f"Failed to process flowable task {run.id}: {failure_text(error)}"
            self.kernel.log(live, "ERROR", message, run=run, task=task)
            self._end(live, run, task, StateType.FAILED)
            return
        own = [
            child
            for child in (self.kernel.lives[key] for key in live.children)
            if child.loop_of == (live, run.id)
        ]
        for child in own:
            if child.state is StateType.PAUSED:
                self.restart(child)  # it pauses again, and the Loop with it
        failed = [child for child in own if child.state is StateType.FAILED]
        for child in failed:
            progress.ended -= 1
            progress.running += 1
            number = (child.value.loop or {}).get("index")
            progress.outputs = [item for item in progress.outputs if item["item"]["iteration"] != number]
            progress.live[child.id] = child
            self.restart(child)
        if not failed:
            self._more(live, run.id, task, progress)

    def _end(self, live: Live, run: TaskRun, task: Task, state: StateType) -> None:
        state = softened(state, allow_failure=task.allow_failure, allow_warning=task.allow_warning)
        progress = live.facts.get(f"loop:{run.id}")
        if progress is not None:
            progress.items.close()
        self.passes.end_flowable(live, live.runs[run.id], state)
        if live.state is StateType.PAUSED and not any(
            other.state.current is StateType.PAUSED for other in live.runs.values()
        ):
            # the Loop ended although another iteration is still paused: nothing holds the execution any more
            self.kernel.set_state(live, StateType.RUNNING)
            self.passes.touch_all(live)
            if live.loop_of is not None:
                self.resumed(live)
