"""`io.kestra.plugin.jdbc.duckdb.*`: DuckDB itself, in this process (fs-and-others.md 6). Needs the extra `duckdb`.

Nothing is fetched over the network behind the flow's back: extensions are not installed, and SQL that reads an address
is refused unless the host is allowed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import NetworkRefusedError, TaskError, UnsupportedError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.jdbc.addresses import localize
from simulator.plugins.jdbc.binds import Bound
from simulator.plugins.jdbc.embedded import (
    EMBEDDED,
    EMBEDDED_OUTPUTS,
    QUERY_FILE_OUTPUTS,
    prepare,
    run_embedded_queries,
    run_embedded_query,
)
from simulator.plugins.jdbc.fetch import CHUNK, Engine, Reader, distinct_columns
from simulator.plugins.jdbc.query import session_zone
from simulator.plugins.jdbc.specs import QUERY_OUTPUTS
from simulator.values import OffsetDateTime

__all__ = ["Queries", "Query"]

SCHEME = "jdbc:duckdb:"
_PROPERTIES = (
    PropertySpec("url", default=SCHEME),
    *EMBEDDED,
    PropertySpec("databaseUri", T.URI, doc="a stored database to start from"),
    PropertySpec("communityExtensions", T.LIST, item=PropertySpec("name"), default=["ion"]),
)
_INSTALL = re.compile(r"\s*(force\s+)?install\b", re.IGNORECASE)
_READS = re.compile(r"\s*(select|with|from|values|table|\()", re.IGNORECASE)


class Query:
    """One SQL statement on DuckDB."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.jdbc.duckdb.Query",
        properties=_PROPERTIES,
        outputs=QUERY_FILE_OUTPUTS,
        doc="Run one SQL statement on DuckDB.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        space = prepare(ctx, SCHEME, "databaseUri")
        space.rewrite = lambda sql: localize(ctx, sql)
        return run_embedded_query(ctx, space, lambda path: _DuckDb(ctx, path))


class Queries:
    """Several SQL statements on DuckDB."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.jdbc.duckdb.Queries",
        properties=(*_PROPERTIES, PropertySpec("transaction", T.BOOLEAN, default=True)),
        outputs=(
            OutputSpec("outputs", T.LIST, OutputSpec("output", T.OBJECT, fields=QUERY_OUTPUTS)),
            *EMBEDDED_OUTPUTS,
        ),
        doc="Run several SQL statements on DuckDB.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        space = prepare(ctx, SCHEME, "databaseUri")
        space.rewrite = lambda sql: localize(ctx, sql)
        return run_embedded_queries(ctx, space, lambda path: _DuckDb(ctx, path))


class _DuckDb:
    """A DuckDB database; `embedded.Database` and its engine in one."""

    errors: type[Exception]

    def __init__(self, ctx: RunContext, path: Path) -> None:
        try:
            import duckdb
        except ImportError:
            raise UnsupportedError(
                "DuckDB is not installed", hint="pip install 'kestra-simulator[duckdb]'"
            ) from None
        self.errors = duckdb.Error
        self._zone = session_zone(ctx)
        try:
            self._connection = duckdb.connect(
                str(path),
                config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"},
            )
        except duckdb.Error as error:
            raise self.failure(error, wrapped=False) from None
        folder = str(ctx.working_dir).replace("'", "''")
        self._connection.execute(f"SET file_search_path='{folder}'")
        with contextlib.suppress(duckdb.Error):
            self._connection.execute("SET TimeZone='UTC'")
        ctx.on_cancel(self._connection.interrupt)
        self.engine: Engine = self

    def begin(self) -> None:
        self._connection.execute("BEGIN TRANSACTION")

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()

    def failure(self, error: Exception, *, wrapped: bool) -> TaskError:
        text = str(error)
        return TaskError(f"java.sql.SQLException: {text}" if wrapped else text, code="SIM-JDBC-001")

    def execute(self, statement: Bound) -> bool:
        return bool(self.read(statement).result_set)

    def read(self, statement: Bound, raw: Sequence[str] = ()) -> Reader:
        sql, values = statement
        if _INSTALL.match(sql):
            raise NetworkRefusedError(
                "INSTALL would download an extension of DuckDB",
                hint="leave it out here (parquet and json are built in), or mock the task",
            )
        # Its cursors are connections of their own, with other settings and transactions: the one connection is used.
        cursor = self._connection
        text = self._readable(cursor, sql, values)
        cursor.execute(text, list(values)) if values else cursor.execute(text)
        return _DuckReader(cursor, _gives_rows(sql), self._zone)

    @staticmethod
    def _readable(cursor: Any, sql: str, values: tuple[Any, ...]) -> str:
        """Zoned timestamps and intervals are cast inside DuckDB: its Python module would want pytz for the former
        and gives the latter without months."""
        if not _READS.match(sql):
            return sql
        described = cursor.execute(f"DESCRIBE {sql}", list(values) if values else None).fetchall()
        casts = []
        names = [row[0] for row in described]
        for name, kind, *_ in described:
            quoted = '"' + name.replace('"', '""') + '"'
            if kind == "INTERVAL":
                casts.append(f"CAST({quoted} AS VARCHAR) AS {quoted}")
            elif kind == "TIMESTAMP WITH TIME ZONE":
                casts.append(f"{{'utc': CAST({quoted} AS TIMESTAMP)}} AS {quoted}")
        if not casts or len(set(names)) < len(names):
            return sql
        return f"SELECT * REPLACE ({', '.join(casts)}) FROM ({sql.rstrip().rstrip(';')})"


def _gives_rows(sql: str) -> bool:
    """JDBC's view: queries and RETURNING have a result set, other statements a count."""
    import duckdb

    statements = duckdb.extract_statements(sql)
    if not statements:
        return False
    expected = statements[0].expected_result_type
    if len(expected) == 1:
        return bool(expected[0] == duckdb.ExpectedResultType.QUERY_RESULT)
    return re.search(r"\breturning\b", sql, re.IGNORECASE) is not None


class _DuckReader:
    kinds = None

    def __init__(self, cursor: Any, result_set: bool, zone: dt.tzinfo) -> None:
        self._cursor = cursor
        description = cursor.description or []
        self.result_set = result_set and bool(description)
        self.columns, self._order = distinct_columns([str(column[0]) for column in description])
        order = self._order or range(len(description))
        self._converters = [_converter(str(description[index][1]), zone) for index in order]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        converters = self._converters
        while batch := self._cursor.fetchmany(CHUNK):
            if self._order is not None:
                batch = [tuple(row[index] for index in self._order) for row in batch]
            if any(converters):
                batch = [
                    tuple(
                        convert(value) if convert and value is not None else value
                        for convert, value in zip(converters, row)
                    )
                    for row in batch
                ]
            yield batch

    def close(self) -> None:
        """Nothing to do: the next statement replaces the result."""


def _converter(kind: str, zone: dt.tzinfo) -> Callable[[Any], Any] | None:
    """DuckDB type -> what turns its Python value into the Java one; None when they agree."""
    if kind in ("HUGEINT", "UHUGEINT", "UBIGINT", "UUID"):
        return str
    if kind.startswith("TIMESTAMP"):
        return lambda value: value.replace(tzinfo=zone)
    if kind == "JSON":
        return _json
    if kind.startswith("STRUCT(utc TIMESTAMP"):
        return lambda value: OffsetDateTime.fromisoformat(value["utc"].isoformat()).replace(tzinfo=dt.UTC)
    if kind.endswith("[]") or re.search(r"\[\d+\]$", kind):
        return list
    return None


def _json(text: Any) -> Any:
    value = json.loads(text)
    return value if isinstance(value, dict) else text
