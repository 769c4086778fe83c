"""How Query and Queries run, whatever the database (postgresql.md 2 and 3)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.plugins.jdbc.binds import Bound, bind
from simulator.plugins.jdbc.connection import open_connection
from simulator.plugins.jdbc.fetch import Fetched, PostgresEngine, fetch_type, run_statement
from simulator.plugins.jdbc.messages import sql_error
from simulator.plugins.jdbc.sql import driver_statements, split_statements
from simulator.plugins.jdbc.types import configure

__all__ = [
    "AFTER_SPLIT",
    "ONE_AFTER",
    "ONE_STATEMENT",
    "counted",
    "parameters_of",
    "query_result",
    "record_size",
    "run_queries",
    "run_query",
    "session_zone",
]

ONE_STATEMENT = (
    "Query task support only a single SQL statement. Use the Queries task to run multiple statements."
)
ONE_AFTER = "Query task afterSQL supports only a single SQL statement. Use the Queries task to run multiple statements."
#: The plugin's own test for several statements in afterSQL.
AFTER_SPLIT = re.compile(r";[^']")


def session_zone(ctx: RunContext) -> dt.tzinfo:
    """The zone of `timeZoneId`; the server's, UTC, without one."""
    name = ctx.get("timeZoneId")
    try:
        return ZoneInfo(str(name) if name else "UTC")
    except (KeyError, ValueError, OSError):
        raise TaskError(f"Unknown time-zone ID: {name}") from None


def parameters_of(ctx: RunContext) -> Mapping[str, Any] | None:
    """The rendered map; None when the property is absent, which makes a plain statement."""
    found = ctx.get("parameters")
    return found if isinstance(found, Mapping) else None


def _bound(sql: str, parameters: Mapping[str, Any] | None, *, prepared: bool = False) -> list[Bound]:
    """The statements that the driver makes of one text. A text with binds is one: their numbers run through it."""
    text, values = bind(sql, parameters, prepared=prepared)
    if values:
        return [(text, values)]
    return [(part, ()) for part in driver_statements(text)]


def run_query(
    ctx: RunContext, *, pooled: bool | None = None, ssl: bool = True, default: str = "NONE"
) -> Fetched:
    """One statement and, in its transaction, `afterSQL`. Records metrics. Raises TaskError.

    `pooled` and `ssl`: see `open_connection`.
    """
    import psycopg

    kind = fetch_type(ctx, default)
    sql = str(ctx.get("sql") or "")
    after = ctx.raw("afterSQL")
    zone = session_zone(ctx)
    with open_connection(ctx, autocommit=after is None, pooled=pooled, ssl=ssl) as connection:
        if len(split_statements(sql)) > 1:
            raise TaskError(ONE_STATEMENT)
        configure(connection, zone, for_json=kind != "STORE")
        ctx.logger.debug("Starting query: {}", sql)
        try:
            statements = _bound(sql, parameters_of(ctx))
            if not statements:
                raise TaskError("No results were returned by the query." if kind != "NONE" else "empty query")
            fetched = run_statement(ctx, PostgresEngine(connection), statements, kind)
            if after is not None:
                _run_after(ctx, connection)
        except psycopg.Error as error:
            raise sql_error(error) from None
    record_size(ctx, kind, fetched.size)
    return fetched


def _run_after(ctx: RunContext, connection: Any) -> None:
    """Runs `afterSQL` and commits. Rendered blank, Kestra does neither: the main statement's work is lost."""
    after = str(ctx.get("afterSQL") or "")
    if len([part for part in AFTER_SPLIT.split(after) if part.strip()]) > 1:
        raise TaskError(ONE_AFTER)
    statements = _bound(after, parameters_of(ctx))
    if statements:
        run_statement(ctx, PostgresEngine(connection), statements, "NONE")
        connection.commit()


def run_queries(ctx: RunContext) -> TaskResult:
    """Each statement by itself, in one transaction unless told otherwise. Raises TaskError with Kestra's wrapper."""
    import psycopg

    kind = fetch_type(ctx)
    sql = str(ctx.get("sql") or "")
    in_transaction = bool(ctx.get("transaction", True))
    outputs: list[dict[str, Any]] = []
    total = 0
    with open_connection(ctx, autocommit=not in_transaction) as connection:
        configure(connection, session_zone(ctx), for_json=kind != "STORE")
        parameters = parameters_of(ctx)
        try:
            for part in split_statements(sql):
                if ctx.cancelled:
                    break
                ctx.logger.debug("Starting query: {}", part)
                statements = _bound(part, parameters, prepared=True)
                if not statements:
                    continue  # a comment only
                fetched = run_statement(ctx, PostgresEngine(connection), statements, kind)
                if not fetched.result_set:
                    continue
                found = dict(fetched.outputs)
                if kind == "FETCH_ONE":
                    found["size"] = 1  # also for an empty result
                elif kind == "NONE":
                    ctx.logger.info("fetchType is set to NONE, no output will be returned")
                total += int(found.get("size", 0))
                outputs.append(found)
            if in_transaction:
                connection.commit()
        except psycopg.Error as error:
            raise sql_error(error, wrapped=True) from None
    record_size(ctx, kind, total)
    return TaskResult(
        {"outputs": outputs}, fact=f"{counted(len(outputs), 'result')}, {counted(total, 'row')}"
    )


def record_size(ctx: RunContext, kind: str, size: int) -> None:
    ctx.metric(
        "fetch.size",
        size,
        tags={
            "fetch": str(kind in ("FETCH", "FETCH_ONE")).lower(),
            "store": str(kind == "STORE").lower(),
        },
    )


def counted(number: int, noun: str) -> str:
    """`1 row`, `1,000 rows`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def query_result(fetched: Fetched) -> TaskResult:
    """A Query's task result, with the fact worth a place on the console."""
    uri = fetched.outputs.get("uri")
    fact = None
    if fetched.result_set:
        rows = counted(fetched.size, "row")
        fact = f"{rows} -> {uri}" if uri else rows
    return TaskResult(fetched.outputs, fact=fact)
