"""`Batch`: the rows of a stored file into a statement, chunk by chunk (postgresql.md 7)."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.jdbc.batch_values import to_parameter
from simulator.plugins.jdbc.connection import open_connection
from simulator.plugins.jdbc.messages import sql_error
from simulator.plugins.jdbc.query import counted
from simulator.plugins.jdbc.specs import CONNECTION, POOL, SSL, ZONE
from simulator.plugins.jdbc.sql import driver_placeholders
from simulator.storage.fileserde import read_rows

__all__ = ["Batch"]


#: How Kestra reads its input again after a failing storage; files of this machine do not fail so.
_WITHOUT_EFFECT = ("maxRetries", "retryBackoff", "retryScope", "resumeOnRetry")


class Batch:
    """Runs one statement per row, committed by chunks: after a failure, earlier chunks stay."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.jdbc.postgresql.Batch",
        properties=(
            *CONNECTION,
            *SSL,
            *POOL,
            ZONE,
            PropertySpec("from", T.URI, required=True),
            PropertySpec("sql", doc="INSERT with ?"),
            PropertySpec("columns", T.LIST, item=PropertySpec("column")),
            PropertySpec("table"),
            PropertySpec("chunk", T.INTEGER, default=1000),
            PropertySpec("maxRetries", T.INTEGER, default=3),
            PropertySpec("retryBackoff", T.DURATION, default=dt.timedelta(seconds=1)),
            PropertySpec("retryScope", T.ENUM, default="INPUT", values=("NONE", "INPUT", "ALL")),
            PropertySpec("resumeOnRetry", T.BOOLEAN, default=True),
            PropertySpec("inputHandling", T.ENUM, default="AUTO", values=("AUTO", "STREAM", "LOCAL")),
            PropertySpec("localBufferMaxBytes", T.INTEGER, default=104857600),
        ),
        outputs=(OutputSpec("rowCount", T.INTEGER), OutputSpec("updatedCount", T.INTEGER)),
        needs=("postgres",),
        doc="Insert the rows of a file into PostgreSQL.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        import psycopg

        given = [name for name in _WITHOUT_EFFECT if ctx.raw(name) is not None]
        if given:
            ctx.logger.info(
                "Without effect here, where reading the input does not fail: {}", ", ".join(given)
            )
        uri = str(ctx.get("from"))
        sql, columns = ctx.get("sql"), ctx.get("columns")
        table = ctx.get("table")
        with open_connection(ctx, autocommit=False) as connection, ctx.open_uri(uri) as source:
            _check_size(ctx, source)
            if sql is None:
                columns = columns or _discover(connection, table)
                marks = ", ".join("?" * len(columns))
                sql = f"INSERT INTO {table} ({', '.join(map(str, columns))}) VALUES ({marks})"
            elif table is not None:
                ctx.logger.info("table '{}' is ignored when sql is provided", table)
            ctx.logger.debug("Starting query: {}", sql)
            try:
                rows, updated, chunks = self._load(ctx, connection, str(sql), columns, read_rows(source))
            except psycopg.Error as error:
                raise sql_error(error) from None
        ctx.metric("records", rows)
        ctx.metric("updated", updated)
        ctx.logger.info("Successfully executed {} bulk queries and updated {} rows", chunks, updated)
        return TaskResult({"rowCount": rows, "updatedCount": updated}, fact=counted(rows, "row"))

    def _load(
        self, ctx: RunContext, connection: Any, sql: str, columns: Sequence[str] | None, rows: Iterator[Any]
    ) -> tuple[int, int, int]:
        from psycopg import RawCursor
        from psycopg.types.string import StrDumperUnknown

        text, count = driver_placeholders(sql)
        types = _parameter_types(connection, text, count)
        size = max(1, int(ctx.get("chunk")))
        total = updated = chunks = 0
        with RawCursor(connection) as cursor:
            cursor.adapters.register_dumper(str, StrDumperUnknown)
            while chunk := list(itertools.islice(rows, size)):
                if ctx.cancelled:
                    break
                values = [_values(row, columns, types) for row in chunk]
                cursor.executemany(text, values)
                connection.commit()
                total += len(chunk)
                updated += max(0, int(cursor.rowcount))
                chunks += 1
        return total, updated, chunks


def _check_size(ctx: RunContext, source: Any) -> None:
    limit = int(ctx.get("localBufferMaxBytes"))
    if ctx.get("inputHandling") != "LOCAL":
        return
    size = source.seek(0, 2)
    source.seek(0)
    if size > limit:
        raise TaskError(
            f"Input file exceeds `localBufferMaxBytes` ({limit} bytes) while using LOCAL input handling."
        )


def _discover(connection: Any, table: Any) -> list[str]:
    """The columns of a table by its exact name, in any schema."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
        (str(table),),
    ).fetchall()
    connection.rollback()
    return [row[0] for row in found]


def _parameter_types(connection: Any, sql: str, count: int) -> list[str]:
    """The SQL type that the server infers for each placeholder, by name (`_int4`: an array of int4)."""
    if count == 0:
        return []
    pgconn = connection.pgconn
    described = pgconn.prepare(b"", sql.encode())
    if not described.error_message:
        described = pgconn.describe_prepared(b"")
    if described.error_message:
        import psycopg

        raise psycopg.errors.error_from_result(described)
    oids = [described.param_type(index) for index in range(described.nparams)]
    names = dict(
        connection.execute("SELECT oid::int8, typname FROM pg_type WHERE oid = ANY(%s)", (oids,)).fetchall()
    )
    connection.rollback()
    return [str(names.get(oid, "text")) for oid in oids]


def _values(row: Any, columns: Sequence[str] | None, types: Sequence[str]) -> list[str | None]:
    """A map by columns (or in its order), a list by position; what is missing is NULL."""
    if isinstance(row, Mapping):
        found = [row.get(str(name)) for name in columns] if columns else list(row.values())
    elif isinstance(row, (list, tuple)):
        found = list(row)
    else:
        found = []
    if len(found) > len(types):
        raise TaskError(
            f"The column index is out of range: {len(types) + 1}, number of columns: {len(types)}."
        )
    found += [None] * (len(types) - len(found))
    return [to_parameter(value, name, index) for index, (value, name) in enumerate(zip(found, types), 1)]
