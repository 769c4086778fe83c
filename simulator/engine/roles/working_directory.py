"""WorkingDirectory: children one after the other in one folder (core-tasks.md 2.14)."""

from __future__ import annotations

import datetime as dt
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.engine.context import TaskContext, duration_of
from simulator.engine.dispatch import Dispatcher, failure_text
from simulator.engine.execution import State, StateType, TaskRun
from simulator.engine.live import Live
from simulator.engine.roles.children import ChildrenRole
from simulator.engine.state import softened
from simulator.engine.workdir import WorkDir
from simulator.model.flow import Task
from simulator.storage.globs import match_working_dir
from simulator.storage.ids import murmur3_128, slugify

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel
    from simulator.engine.passes import Passes

__all__ = ["WorkingDirectoryRole"]


class WorkingDirectoryRole(ChildrenRole):
    """The children are ordinary runs of a sequential list; the dispatcher asks `directory_of` for their folder."""

    def __init__(self, kernel: Kernel, passes: Passes, dispatcher: Dispatcher) -> None:
        super().__init__(kernel, passes)
        self.dispatcher = dispatcher
        self._directories: dict[str, WorkDir] = {}
        self._cached: dict[str, float] = {}
        self._written: dict[str, dt.datetime] = {}
        dispatcher.directory_of = self.directory_of
        dispatcher.abort_directory = self.abort

    def directory_of(self, live: Live, run: TaskRun) -> WorkDir | None:
        """The shared folder of a child, None for any other run: `errors` and `finally` are ordinary tasks."""
        directory = self._directories.get(run.parent_task_run_id or "")
        placement = live.placements.get(run.task_id) if directory is not None else None
        return directory if placement is not None and placement.block == "tasks" else None

    def start(self, live: Live, run: TaskRun, task: Task) -> None:
        run = self.running(live, run)
        directory = WorkDir(self.kernel, self.kernel.new_id())
        self._directories[run.id] = directory
        context = self._context(live, run, task, directory)
        try:
            self._restore_cache(live, run, task, context, directory)
            options = context.raw("namespaceFiles")
            if options is not None:
                context.load_namespace_files(options)
            context.input_files(context.raw("inputFiles"))
            directory.path  # noqa: B018 - the folder exists from the start
        except Exception as error:  # noqa: BLE001 - any failure FAILS the run
            self._fail(live, run, task, "preExecuteTasks", error)
            return
        plan = self.prepare(live, run, task)
        if plan is None:
            return
        if plan.order is not None and plan.order.expected == 0:
            self.list_over(live, run, task, StateType.SUCCESS)
        else:
            self.passes.touch(live, run.id)
        self.passes.on_change(live)

    def _context(self, live: Live, run: TaskRun, task: Task, directory: WorkDir) -> TaskContext:
        spec = self.kernel.plugin(task).spec
        return TaskContext(self.kernel, live, run, task, spec, directory=directory)

    def _fail(self, live: Live, run: TaskRun, task: Task, phase: str, error: BaseException) -> None:
        message = f"Failed {phase} on WorkingDirectory: {failure_text(error)}"
        self.kernel.log(live, "ERROR", message, run=run, task=task)
        self._end_failed(live, run, task)

    def _end_failed(self, live: Live, run: TaskRun, task: Task) -> None:
        self._close(run)
        state = softened(StateType.FAILED, allow_failure=task.allow_failure, allow_warning=task.allow_warning)
        run = live.runs[run.id]
        # the executor knows the run as the worker found it: from CREATED to FAILED
        created = State(run.state.histories[:1])
        run = self.kernel.put_run(live, replace(run, attempts=None, state=created))
        self.passes.end_flowable(live, run, state)

    def abort(self, live: Live, child: TaskRun, reason: str) -> None:
        """A child's `runIf` cannot be rendered: the child has no run, the WorkingDirectory FAILS, and the log of the
        child says why."""
        self.kernel.remove_run(live, child.id)
        run = live.runs[child.parent_task_run_id or ""]
        task = live.placements.task(run.task_id)
        assert task is not None
        self.kernel.log(live, "ERROR", f"Failed evaluating runIf: {reason}", run=child, task=task)
        self._end_failed(live, run, task)

    def list_over(self, live: Live, run: TaskRun, task: Task, state: StateType) -> bool:
        """After the children: output files, then the cache; then the run ends."""
        directory = self._directories.get(run.id)
        if directory is None:
            return False
        context = self._context(live, run, task, directory)
        outputs: dict[str, Any] = {}
        try:
            if state is not StateType.FAILED:
                try:
                    patterns = context.raw("outputFiles")
                    if isinstance(patterns, str):
                        patterns = context.get("outputFiles")
                    elif patterns:
                        patterns = [context.render(pattern) for pattern in patterns]
                    files = context.output_files(patterns) if patterns else {}
                except Exception:
                    message = "Unable to capture WorkingDirectory output files"
                    self.kernel.log(live, "ERROR", message, run=run, task=task)
                    raise
                if files:
                    outputs["outputFiles"] = files
                self._save_cache(live, run, task, context, directory)
        except Exception as error:  # noqa: BLE001 - any failure FAILS the run
            self._fail(live, run, task, "postExecuteTasks", error)
            return True
        self._close(run)
        # what a worker has done has outputs in 1.x, be they empty (execution.md 10)
        empty: dict[str, Any] | None = {} if self.kernel.dialect.major == 1 else None
        self.passes.end_flowable(live, replace(live.runs[run.id]), state, outputs or empty)
        return True

    def _close(self, run: TaskRun) -> None:
        directory = self._directories.pop(run.id, None)
        if directory is not None:
            directory.remove()

    # --- cache

    def _cache_uri(self, live: Live, run: TaskRun, task: Task) -> str:
        value = live.value
        place = f"/{value.namespace.replace('.', '/')}/{slugify(value.flow_id)}/{slugify(task.id)}/cache"
        if run.value is not None:
            place += f"/{murmur3_128(run.value)}"
        return f"kestra://{place}/cache.zip"

    def _restore_cache(
        self, live: Live, run: TaskRun, task: Task, context: TaskContext, directory: WorkDir
    ) -> None:
        options = context.raw("cache")
        if not options:
            return
        uri = self._cache_uri(live, run, task)
        storage = self.kernel.storage
        if not storage.exists(uri):
            return
        ttl = duration_of(options.get("ttl"))
        written = self._written.get(uri) or storage.info(uri).modified
        if ttl is not None and written + ttl < self.kernel.now():
            storage.delete(uri)
            return
        context.logger.debug("Cache exist, downloading it")
        with storage.open(uri) as stream, zipfile.ZipFile(stream) as archive:
            for name in archive.namelist():
                if not name.endswith("/"):
                    with archive.open(name) as content:
                        path = directory.write(name, content)
                    self._cached[str(path)] = path.stat().st_mtime_ns

    def _save_cache(
        self, live: Live, run: TaskRun, task: Task, context: TaskContext, directory: WorkDir
    ) -> None:
        options = context.raw("cache")
        if not options:
            return
        patterns = [str(pattern) for pattern in options.get("patterns") or ()]
        files = list(match_working_dir(directory.path, patterns))
        changed = [path for path in files if self._cached.get(str(path)) != path.stat().st_mtime_ns]
        if not changed:
            context.logger.debug("Cache files didn't change, skip updating it")
            return
        context.logger.debug("Cache files changed, we update the cache")
        uri = self._cache_uri(live, run, task)
        with tempfile.TemporaryFile(dir=directory.path) as archive_file:
            with zipfile.ZipFile(archive_file, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in files:
                    archive.write(path, _relative(path, directory.path))
            context.logger.debug("Caching in {}", uri)
            archive_file.seek(0)
            self.kernel.storage.put_at(uri, archive_file)
        self._written[uri] = self.kernel.now()


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
