"""ForEachItem's three runs: split the file, one subflow per part, merge their outputs (core-tasks.md 2.9)."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulator.engine.context import TaskContext
from simulator.engine.dispatch import Dispatcher
from simulator.engine.execution import State, StateType, TaskRun
from simulator.engine.flowables.foreach_item import ForEachItem, parts
from simulator.engine.live import Live
from simulator.engine.roles.children import ChildrenRole
from simulator.engine.roles.subflow import SubflowRole
from simulator.errors import SimulatorError, TaskError
from simulator.model.flow import Task
from simulator.storage.base import StorageContext
from simulator.storage.split import extension_of, split_file

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["ForEachItemRole"]

_WORST = (StateType.FAILED, StateType.KILLED, StateType.WARNING)


class ForEachItemRole(ChildrenRole):
    def __init__(self, kernel: Kernel, passes: Passes, dispatcher: Dispatcher, subflows: SubflowRole) -> None:
        super().__init__(kernel, passes)
        self.dispatcher = dispatcher
        self.subflows = subflows
        self.restart: Any = None
        dispatcher.inner_role = self.inner_role

    def inner_role(self, task: Task) -> bool:
        """Whether this is one of the runs made here."""
        return task.type.startswith(f"{ForEachItem.spec.type}$")

    def start(self, live: Live, run: TaskRun, task: Task) -> None:
        if not self.inner_role(task):
            self.place(live, task)
            super().start(live, run, task)
            return
        again = run.state.current is StateType.RESTARTED
        run = self._begin(live, run)
        if again and task.id.endswith("_items") and self._restart_items(live, run):
            return
        outer = live.placements.ancestors(task)[0]
        context = self._context(live, run, task, outer)
        try:
            if task.id.endswith("_split"):
                self._done(
                    live, run, task, StateType.SUCCESS, {"splits": self._split(live, run, outer, context)}
                )
            elif task.id.endswith("_items"):
                self._items(live, run, task, outer, context)
            else:
                self._merge(live, run, task, outer)
        except Exception as error:  # noqa: BLE001 - Kestra fails the run with any exception
            self.dispatcher.fail(live, run, error)

    def place(self, live: Live, task: Task) -> None:
        """Makes the three parts of a ForEachItem known as tasks."""
        for part in parts(task):
            live.placements.add(part, task)

    def _context(self, live: Live, run: TaskRun, task: Task, outer: Task) -> TaskContext:
        """Properties of the ForEachItem, files below the inner task's own id."""
        return TaskContext(self.kernel, live, run, replace(outer, id=task.id), ForEachItem.spec)

    def _begin(self, live: Live, run: TaskRun) -> TaskRun:
        # no worker has the one that waits for subflows: its attempt knows no RUNNING
        states = () if run.task_id.endswith("_items") else (StateType.RUNNING,)
        run = self.kernel.new_attempt(run, *states)
        return self.kernel.put_run(live, run.with_state(StateType.RUNNING, self.kernel.now()))

    def _done(
        self, live: Live, run: TaskRun, task: Task, state: StateType, outputs: dict[str, Any] | None
    ) -> None:
        run = replace(live.runs[run.id], outputs=outputs)
        self.dispatcher.end_run(live, run, task, state)

    def _split(self, live: Live, run: TaskRun, outer: Task, context: TaskContext) -> str:
        uri = str(context.render(context.raw("items")))
        if not uri.startswith("kestra://"):
            message = f"Unable to split the items from {uri}, this is not an internal storage URI!"
            self.kernel.log(live, "ERROR", message, run=run, task=outer)
            raise TaskError(message)
        batch = context.render(context.raw("batch") or {})
        extension = extension_of(uri)
        try:
            with context.open_uri(uri) as source:
                paths = split_file(
                    source,
                    lambda: context.temp_file(extension),
                    size=str(batch["bytes"]) if batch.get("bytes") else None,
                    partitions=int(batch["partitions"]) if batch.get("partitions") else None,
                    rows=int(batch.get("rows") or 1),
                    separator=str(batch.get("separator") or "\n"),
                )
            listing = context.temp_file(".txt")
            with listing.open("w", encoding="utf-8") as lines:
                for number, path in enumerate(paths):
                    lines.write(context.put_file(path, f"part-{number}{extension}") + "\n")
            return context.put_file(listing, "splits.txt")
        finally:
            context.close()

    def _restart_items(self, live: Live, run: TaskRun) -> bool:
        """After a restart the failed subflows run again in place."""
        progress = live.facts.get(f"items:{run.id}")
        if progress is None or self.restart is None:
            return False
        failed = [
            child
            for child in (self.kernel.lives[key] for key in live.children)
            if ("item", run.id) in child.facts and child.state is StateType.FAILED
        ]
        for child in failed:
            progress["counts"]["FAILED"] -= 1
            progress["left"] += 1
            self.restart(child)
        return bool(failed)

    def _items(self, live: Live, run: TaskRun, task: Task, outer: Task, context: TaskContext) -> None:
        uris, progress = self._all_items(live, run, outer, context)
        if not uris:
            # nothing is started: the executor ends the run as it was created, without an attempt
            bare = replace(run, attempts=None, state=State(run.state.histories[:1]))
            self.dispatcher.end_run(live, bare, task, StateType.SUCCESS)
            return
        wait = context.raw("wait")
        for number, uri in enumerate(uris):
            self._item(live, run, outer, context, number, uri)
        if wait is False:
            progress["counts"] = {"RUNNING": 0, "SUCCESS": len(uris)}
            self._done(live, run, task, StateType.SUCCESS, self._facts(progress))

    def _all_items(
        self, live: Live, run: TaskRun, outer: Task, context: TaskContext
    ) -> tuple[list[str], dict[str, Any]]:
        """The parts, and where their subflows stand: none has begun."""
        listing_uri = str((self._sibling(live, run, f"{outer.id}_split").outputs or {})["splits"])
        uris = [line for line in context.read_uri(listing_uri).decode().splitlines() if line]
        value = live.value
        place = StorageContext(value.namespace, value.flow_id, value.id, run.task_id, run.id)
        progress: dict[str, Any] = {
            "base": self.kernel.storage.prefix(place).removeprefix("kestra://"),
            "counts": {"CREATED": 0, "RUNNING": 0},
            "left": len(uris),
            "total": len(uris),
        }
        live.facts[f"items:{run.id}"] = progress
        return uris, progress

    def _item(
        self, live: Live, run: TaskRun, outer: Task, context: TaskContext, number: int, uri: str
    ) -> None:
        """The subflow of one part."""
        taskrun = {**context.variables["taskrun"], "items": uri, "iteration": number}
        above = replace(live.runs[run.id], iteration=number)
        child = self.subflows.child(live, above, outer, context, {"taskrun": taskrun})
        child.facts["parent"] = (live, run.id)
        child.facts[("item", run.id)] = number

    # --- kept executions

    def recount(self, live: Live, run: TaskRun, task: Task) -> None:
        """Where the subflows of a kept execution stand (another process goes on with it)."""
        outer = live.placements.ancestors(task)[0]
        try:
            _, progress = self._all_items(live, run, outer, self._context(live, run, task, outer))
        except (SimulatorError, KeyError, StopIteration):
            return  # it was not split, or its files are gone: it begins anew when it is restarted
        for number, child in self._children(live, run).items():
            child.facts[("item", run.id)] = number
            child.facts["parent"] = (live, run.id)
            if child.state.is_terminated:
                self._count(progress, child, number)

    def recovered(self, live: Live, run: TaskRun, task: Task) -> None:
        """After a crash: subflows that had not been made are, and the run ends when all had ended."""
        progress = live.facts.get(f"items:{run.id}")
        outer = live.placements.ancestors(task)[0]
        if progress is None:
            return
        context = self._context(live, run, task, outer)
        before = dict(live.facts[f"items:{run.id}"])
        uris, _ = self._all_items(live, run, outer, context)
        live.facts[f"items:{run.id}"] = before
        made = self._children(live, run)
        for number, uri in enumerate(uris):
            if number not in made:
                self._item(live, run, outer, context, number, uri)
        if not before["left"]:
            self._all_ended(live, run, task, before)

    def _children(self, live: Live, run: TaskRun) -> dict[int, Live]:
        """The subflows of a run by the number of their part; they know it from their trigger."""
        found: dict[int, Live] = {}
        for child in (self.kernel.lives[key] for key in live.children):
            told = child.value.trigger or {}
            if told.get("taskRunId") == run.id and told.get("taskRunIteration") is not None:
                found[int(told["taskRunIteration"])] = child
        return found

    def _facts(self, progress: dict[str, Any]) -> dict[str, Any]:
        return {
            "iterations": dict(progress["counts"]),
            "numberOfBatches": progress["total"],
            "subflowOutputsBaseUri": progress["base"],
        }

    def item_ended(self, live: Live, run_id: str, child: Live) -> None:
        """One of the subflows is over."""
        run = live.runs.get(run_id)
        task = live.placements.task(run.task_id) if run is not None else None
        progress = live.facts.get(f"items:{run_id}")
        if run is None or task is None or progress is None or run.state.current.is_terminated:
            return
        self._count(progress, child, child.facts[("item", run_id)])
        if not progress["left"]:
            self._all_ended(live, run, task, progress)

    def _count(self, progress: dict[str, Any], child: Live, number: int) -> None:
        state = child.state.value
        progress["counts"][state] = progress["counts"].get(state, 0) + 1
        progress["left"] -= 1
        if child.value.outputs:
            progress.setdefault("outputs", {})[number] = dict(child.value.outputs)

    def _all_ended(self, live: Live, run: TaskRun, task: Task, progress: dict[str, Any]) -> None:
        """All subflows are over."""
        outer = live.placements.ancestors(task)[0]
        context = self._context(live, run, task, outer)
        end = StateType.SUCCESS
        if context.raw("transmitFailed") is not False:
            end = next((state for state in _WORST if progress["counts"].get(state.value)), StateType.SUCCESS)
        self._done(live, run, task, end, self._facts(progress))

    def _merge(self, live: Live, run: TaskRun, task: Task, outer: Task) -> None:
        from simulator.storage.ion import dump_row

        items = self._sibling(live, run, f"{outer.id}_items")
        progress = live.facts.get(f"items:{items.id}", {})
        outputs = progress.get("outputs", {})
        if not outputs:
            self._done(live, run, task, StateType.SUCCESS, {})
            return
        buffer = io.BytesIO()
        for number in sorted(outputs):
            buffer.write(dump_row(outputs[number], binary=False))
        context = self._context(live, run, task, outer)
        uri = context.put_bytes(buffer.getvalue(), "outputs.ion")
        self._done(live, run, task, StateType.SUCCESS, {"subflowOutputs": uri})

    def _sibling(self, live: Live, run: TaskRun, task_id: str) -> TaskRun:
        block = live.groups[run.parent_task_run_id].block("tasks")
        return next(live.runs[key] for key in reversed(list(block.runs)) if live.runs[key].task_id == task_id)
