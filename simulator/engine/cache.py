"""The task cache (`taskCache`; storage.md 7): outputs of an earlier run with the same rendered properties."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
import zipfile
from typing import TYPE_CHECKING, Any

from simulator.engine.context import TaskContext
from simulator.engine.task import TaskResult
from simulator.errors import SimulatorError
from simulator.storage.ids import murmur3_128, sha256_hex, slugify

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel

__all__ = ["TaskCacheStore"]


class TaskCacheStore:
    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._written: dict[str, dt.datetime] = {}
        """cache URI -> when it was written, in the run's time"""

    def run(self, context: TaskContext, cls: Any) -> TaskResult:
        """Runs the plugin unless the cache has an entry that is young enough."""
        task = context.task
        context.logger.debug("Task output caching is enabled for task '{}''", task.id)
        uri: str | None = None
        try:
            uri = self._uri(context)
            found = self._read(uri, task.task_cache.ttl if task.task_cache else None)
            if found is not None:
                context.logger.info(
                    "Skipping task execution for task '{}' as there is an existing cache entry for it",
                    task.id,
                )
                return TaskResult(found)
        except (SimulatorError, ValueError, OSError, zipfile.BadZipFile):
            context.logger.error(
                "Unexpected exception while loading the cache for task '{}', the task will be executed instead.",
                task.id,
            )
        result: TaskResult = cls().run(context)
        failed = result.state is not None and result.state.value not in ("SUCCESS", "WARNING")
        if uri is not None and not failed:
            context.logger.info("Uploading a cache entry for task '{}'", task.id)
            self._write(uri, result.outputs)
            context.logger.debug("Caching entry uploaded in URI {}", uri)
        return result

    def _uri(self, context: TaskContext) -> str:
        """The entry's place: a hash of the task's own properties after rendering."""
        rendered = context.render(dict(context.task.properties), {"workingDir": "workingDir"})
        text = json.dumps(
            {"id": context.task.id, "type": context.task.type, **rendered}, sort_keys=True, default=str
        )
        flow = context.flow
        place = f"/{flow.namespace.replace('.', '/')}/{slugify(flow.id)}/{sha256_hex(text.encode())}/cache"
        if context.task_run_value is not None:
            place += f"/{murmur3_128(context.task_run_value)}"
        return f"kestra://{place}/cache.zip"

    def _read(self, uri: str, ttl: dt.timedelta | None) -> dict[str, Any] | None:
        storage = self._kernel.storage
        if not storage.exists(uri):
            return None
        written = self._written.get(uri) or storage.info(uri).modified
        if ttl is not None and written + ttl < self._kernel.now():
            storage.delete(uri)
            return None
        from simulator.storage.ion import load

        with storage.open(uri) as stream, zipfile.ZipFile(stream) as archive:
            found = load(archive.read("outputs.ion"))
        return found if isinstance(found, dict) else {}

    def _write(self, uri: str, outputs: Any) -> None:
        from simulator.storage.ion import dumps

        with tempfile.TemporaryFile() as archive_file:
            with zipfile.ZipFile(archive_file, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("outputs.ion", dumps(dict(outputs or {})))
            archive_file.seek(0)
            self._kernel.storage.put_at(uri, archive_file)
        self._written[uri] = self._kernel.now()
