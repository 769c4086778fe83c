"""log.Log, log.Fetch (1.x), log.PurgeLogs (core-tasks.md 4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from simulator.engine.execution import LogEntry
from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.core.specs import CORE, alias, prop, strings
from simulator.storage.fileserde import write_rows
from simulator.storage.javalike import java_class
from simulator.values import Instant

__all__ = ["LEVELS", "Fetch", "Log", "PurgeLogs", "execution_ids"]

LEVELS = ("ERROR", "WARN", "INFO", "DEBUG", "TRACE")


class Log:
    """One log entry per message."""

    spec = TaskSpec(
        f"{CORE}log.Log",
        properties=(
            PropertySpec("message", T.ANY, required=True, as_property=False, doc="a text or a list of texts"),
            prop("level", T.ENUM, values=LEVELS, default="INFO"),
        ),
        aliases=alias(f"{CORE}log.Log"),
        doc="Logs messages.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        level = ctx.get("level", "INFO")
        message = ctx.raw("message")
        if isinstance(message, str):
            self._log(ctx, level, ctx.render(message))
        elif isinstance(message, (list, tuple)):
            for item in message:
                if item is not None and not isinstance(item, str):
                    name = java_class(item).removeprefix("class ")
                    raise TaskError(
                        f"class {name} cannot be cast to class java.lang.String ({name} and java.lang.String are in "
                        "module java.base of loader 'bootstrap')",
                        hint="Quote the messages of the list.",
                    )
                self._log(ctx, level, ctx.render(item) if item is not None else None)
        else:
            raise TaskError(
                f"Invalid message type '{java_class(message)}'",
                hint="`message` must be a text or a list of texts: quote it.",
            )
        return TaskResult()

    @staticmethod
    def _log(ctx: RunContext, level: str, text: Any) -> None:
        # The text goes in as an argument: braces in it are no placeholders.
        ctx.logger.log(level, "{}", "null" if text is None else text)


def execution_ids(ctx: RunContext) -> tuple[str, str, str]:
    """Namespace, flow and execution that `namespace`, `flowId`, `executionId` name; the current one by default.

    Raises TaskError with the texts of Kestra's PluginUtilsService.
    """
    namespace, flow_id, execution_id = ctx.get("namespace"), ctx.get("flowId"), ctx.get("executionId")
    if execution_id is None:
        if namespace is not None or flow_id is not None:
            raise TaskError("`namespace` and `flowId` should only be set when `executionId` is set.")
        return ctx.flow.namespace, ctx.flow.id, ctx.execution_id
    if execution_id == ctx.execution_id and namespace is None and flow_id is None:
        return ctx.flow.namespace, ctx.flow.id, ctx.execution_id
    if namespace is None or flow_id is None:
        raise TaskError("Both `namespace` and `flowId` must be set when `executionId` is set.")
    return namespace, flow_id, execution_id


class Fetch:
    """Stores log entries of an execution as rows (1.x)."""

    spec = TaskSpec(
        f"{CORE}log.Fetch",
        properties=(
            prop("namespace"),
            prop("flowId"),
            prop("executionId"),
            strings("tasksId"),
            prop("level", T.ENUM, values=LEVELS, default="INFO"),
        ),
        outputs=(OutputSpec("size", T.INTEGER), OutputSpec("uri", T.URI)),
        aliases=alias(f"{CORE}log.Fetch"),
        until=1,
        doc="Fetches logs of an execution into a file.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace, flow_id, execution_id = execution_ids(ctx)
        level = ctx.get("level", "INFO")
        tasks = ctx.get("tasksId") or None
        entries = ctx.executions.logs(
            namespace=namespace, flow_id=flow_id, execution_id=execution_id, task_ids=tasks, min_level=level
        )
        path = ctx.temp_file(".ion")
        with path.open("wb") as target:
            size = write_rows(target, self._rows(entries, execution_id, tasks, level), ctx.dialect)
        return TaskResult({"size": size, "uri": ctx.put_file(path)}, fact=f"{size} log entries")

    @staticmethod
    def _rows(
        entries: Iterable[LogEntry], execution_id: str, tasks: list[str] | None, level: str
    ) -> Iterator[dict[str, Any]]:
        levels = LEVELS[: LEVELS.index(level) + 1]
        for entry in entries:
            if entry.execution_id != execution_id or entry.level not in levels:
                continue
            if tasks is not None and entry.task_id not in tasks:
                continue
            row = {
                "namespace": entry.namespace,
                "flowId": entry.flow_id,
                "taskId": entry.task_id,
                "executionId": entry.execution_id,
                "taskRunId": entry.task_run_id,
                "attemptNumber": entry.attempt_number,
                "triggerId": entry.trigger_id,
                "timestamp": Instant.of(entry.timestamp),
                "level": entry.level,
                "thread": entry.thread,
                "message": entry.message,
            }
            yield {key: value for key, value in row.items() if value is not None}


def moment(ctx: RunContext, name: str) -> dt.datetime | None:
    """A date-time property with a zone; TaskError with Java's text when it is none."""
    value = ctx.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, dt.datetime):
        try:
            value = dt.datetime.fromisoformat(str(value))
        except ValueError:
            raise TaskError(f"Text '{value}' could not be parsed at index 0", hint=f"`{name}`") from None
    if value.tzinfo is None:
        raise TaskError(
            f"Text '{value.isoformat()}' could not be parsed at index {len(value.isoformat())}",
            hint=f"`{name}` needs a time zone, e.g. 2024-01-31T00:00:00Z.",
        )
    return value


class PurgeLogs:
    """Deletes log entries."""

    spec = TaskSpec(
        f"{CORE}log.PurgeLogs",
        properties=(
            prop("namespace"),
            prop("flowId"),
            prop("executionId"),
            PropertySpec("logLevels", T.LIST, item=PropertySpec("item", T.ENUM, values=LEVELS)),
            prop("startDate"),
            prop("endDate", required=True),
            prop("purgeExecutionLogs", T.BOOLEAN, default=True, since=2),
            prop("purgeNonExecutionLogs", T.BOOLEAN, default=True, since=2),
            prop("batchSize", T.INTEGER, default=100, since=2),
        ),
        outputs=(
            OutputSpec("count", T.INTEGER),
            OutputSpec("executionLogsCount", T.INTEGER, since=2),
            OutputSpec("nonExecutionLogsCount", T.INTEGER, since=2),
        ),
        doc="Purges logs.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        filters: dict[str, Any] = {
            "namespace": ctx.get("namespace"),
            "flow_id": ctx.get("flowId"),
            "execution_id": ctx.get("executionId"),
            "levels": ctx.get("logLevels") or None,
            "start_date": moment(ctx, "startDate"),
            "end_date": moment(ctx, "endDate"),
        }
        if filters["end_date"] is None:
            raise TaskError("endDate: must not be null")
        if ctx.dialect.major < 2:
            return TaskResult({"count": ctx.executions.purge_logs(**filters)})
        of_executions = others = 0
        if ctx.get("purgeExecutionLogs", True):
            of_executions = ctx.executions.purge_logs(**filters, other_logs=False)
        if ctx.get("purgeNonExecutionLogs", True) and filters["execution_id"] is None:
            others = ctx.executions.purge_logs(**filters, execution_logs=False)
        return TaskResult(
            {
                "count": of_executions + others,
                "executionLogsCount": of_executions,
                "nonExecutionLogsCount": others,
            }
        )
