"""storage.PurgeCurrentExecutionFiles, storage.PurgeStorage (core-tasks.md 7)."""

from __future__ import annotations

import datetime as dt
import re

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, T, TaskSpec
from simulator.plugins.core.log import moment
from simulator.plugins.core.specs import CORE, alias, prop
from simulator.storage import guard
from simulator.storage.ids import slugify
from simulator.storage.local import execution_prefix

__all__ = ["PurgeCurrentExecutionFiles", "PurgeStorage"]


class PurgeCurrentExecutionFiles:
    """Deletes all files of this execution."""

    spec = TaskSpec(
        f"{CORE}storage.PurgeCurrentExecutionFiles",
        outputs=(OutputSpec("uris", T.LIST, item=OutputSpec("uri", T.URI)),),
        aliases=alias(f"{CORE}storage.PurgeCurrentExecutionFiles"),
        doc="Purges the files of the execution.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        prefix = execution_prefix(ctx.flow.namespace, ctx.flow.id, ctx.execution_id)
        uris = list(ctx.storage.delete_by_prefix(prefix))
        return TaskResult({"uris": uris}, fact=f"{len(uris)} files")


class PurgeStorage:
    """Deletes files of executions by their date (2.0)."""

    spec = TaskSpec(
        f"{CORE}storage.PurgeStorage",
        properties=(
            prop("namespace"),
            prop("flowId"),
            prop("startDate"),
            prop("endDate", required=True),
            prop("dryRun", T.BOOLEAN, default=True),
        ),
        outputs=(
            OutputSpec("scannedCount", T.INTEGER),
            OutputSpec("purgedCount", T.INTEGER),
            OutputSpec("deletedFilesCount", T.INTEGER),
        ),
        since=2,
        doc="Purges files of executions.",
    )

    _EXECUTION = re.compile(r"(kestra:///.+?/executions/[^/]+)/", re.IGNORECASE)

    def run(self, ctx: RunContext) -> TaskResult:
        namespace, flow_id = ctx.get("namespace"), ctx.get("flowId")
        if flow_id is not None and namespace is None:
            raise TaskError("'namespace' is required when 'flowId' is set.")
        start, end = moment(ctx, "startDate"), moment(ctx, "endDate")
        if end is None:
            raise TaskError("endDate: must not be null")
        prefix = "kestra:///"
        if namespace is not None:
            prefix += guard.namespace_path(namespace)
        if flow_id is not None:
            prefix += f"/{slugify(flow_id)}"
        found = self._executions(ctx, prefix)
        wanted = [
            uri for uri, modified in found.items() if modified <= end and (start is None or modified >= start)
        ]
        dry = ctx.get("dryRun", True)
        deleted = 0 if dry else sum(len(ctx.storage.delete_by_prefix(uri)) for uri in wanted)
        return TaskResult(
            {"scannedCount": len(found), "purgedCount": len(wanted), "deletedFilesCount": deleted},
            fact=f"{len(wanted)} executions" + (" (dry run)" if dry else ""),
        )

    def _executions(self, ctx: RunContext, prefix: str) -> dict[str, dt.datetime]:
        """Folders of executions below a prefix, with the date of their newest file.

        Files of this run carry real time; a simulated clock that stands elsewhere must not hide them, so nothing is
        younger than the run's now.
        """
        found: dict[str, dt.datetime] = {}
        now = ctx.clock.now()
        for info in ctx.storage.list(prefix):
            match = self._EXECUTION.match(info.uri)
            if match is not None:
                modified = min(info.modified, now)
                found[match[1]] = max(found.get(match[1], modified), modified)
        return found
