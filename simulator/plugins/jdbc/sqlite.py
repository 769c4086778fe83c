"""`io.kestra.plugin.jdbc.sqlite.*`: the SQLite of Python's standard library (fs-and-others.md 6)."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
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
from simulator.plugins.jdbc.specs import QUERY_OUTPUTS
from simulator.values import Instant

__all__ = ["Queries", "Query"]

SCHEME = "jdbc:sqlite:"
_PROPERTIES = (
    PropertySpec("url", default=SCHEME),
    *EMBEDDED,
    PropertySpec("sqliteFile", T.URI, doc="a stored database to start from"),
)


class Query:
    """One SQL statement on SQLite."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.jdbc.sqlite.Query",
        properties=_PROPERTIES,
        outputs=QUERY_FILE_OUTPUTS,
        doc="Run one SQL statement on SQLite.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        space = prepare(ctx, SCHEME, "sqliteFile")
        return run_embedded_query(ctx, space, lambda path: _Sqlite(ctx, path))


class Queries:
    """Several SQL statements on SQLite."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.jdbc.sqlite.Queries",
        properties=(*_PROPERTIES, PropertySpec("transaction", T.BOOLEAN, default=True)),
        outputs=(
            OutputSpec("outputs", T.LIST, OutputSpec("output", T.OBJECT, fields=QUERY_OUTPUTS)),
            *EMBEDDED_OUTPUTS,
        ),
        doc="Run several SQL statements on SQLite.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        space = prepare(ctx, SCHEME, "sqliteFile")
        return run_embedded_queries(ctx, space, lambda path: _Sqlite(ctx, path))


#: sqlite-jdbc's description of the result codes that a flow meets
_CODES = {
    "SQLITE_ERROR": "SQL error or missing database",
    "SQLITE_BUSY": "The database file is locked",
    "SQLITE_READONLY": "Attempt to write a readonly database",
    "SQLITE_CANTOPEN": "Unable to open the database file",
    "SQLITE_CONSTRAINT_UNIQUE": "A UNIQUE constraint failed",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "A PRIMARY KEY constraint failed",
    "SQLITE_CONSTRAINT_NOTNULL": "A NOT NULL constraint failed",
    "SQLITE_CONSTRAINT_CHECK": "A CHECK constraint failed",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "A foreign key constraint failed",
    "SQLITE_NOTADB": "File opened that is not a database file",
}


class _Sqlite:
    """A SQLite database; `embedded.Database` and its engine in one."""

    errors: type[Exception] = sqlite3.Error

    def __init__(self, ctx: RunContext, path: Path) -> None:
        try:
            # Autocommit: transactions are begun by name, as JDBC does.
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise self.failure(error, wrapped=False) from None
        ctx.on_cancel(self._connection.interrupt)
        self.engine: Engine = self

    def begin(self) -> None:
        self._connection.execute("BEGIN")

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()

    def failure(self, error: Exception, *, wrapped: bool) -> TaskError:
        name = getattr(error, "sqlite_errorname", None) or "SQLITE_ERROR"
        text = f"[{name}] {_CODES.get(name, 'SQL error or missing database')} ({error})"
        return TaskError(f"org.sqlite.SQLiteException: {text}" if wrapped else text, code="SIM-JDBC-001")

    def execute(self, statement: Bound) -> bool:
        reader = self.read(statement)
        try:
            return reader.result_set
        finally:
            reader.close()

    def read(self, statement: Bound, raw: Sequence[str] = ()) -> Reader:
        sql, values = statement
        cursor = self._connection.execute(sql, values)
        return _SqliteReader(cursor, self._kinds(sql, values))

    def _kinds(self, sql: str, values: tuple[Any, ...]) -> list[str]:
        """The declared type of each column, by a temporary view: the module does not tell."""
        if values or sql.lstrip()[:6].lower() != "select":
            return []
        try:
            self._connection.execute(f"CREATE TEMP VIEW simulator_kinds AS {sql}")
            try:
                found = self._connection.execute("PRAGMA table_info(simulator_kinds)").fetchall()
            finally:
                self._connection.execute("DROP VIEW simulator_kinds")
        except sqlite3.Error:
            return []
        return [str(row[2]).upper() for row in found]


class _SqliteReader:
    kinds = None

    def __init__(self, cursor: sqlite3.Cursor, kinds: list[str]) -> None:
        self._cursor = cursor
        labels = [str(column[0]) for column in cursor.description or ()]
        self.result_set = bool(labels)
        self.columns, self._order = distinct_columns(labels)
        order = self._order or range(len(labels))
        kinds = kinds if len(kinds) == len(labels) else [""] * len(labels)
        self._converters = [_CONVERTERS.get(kinds[index]) for index in order]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        while batch := self._cursor.fetchmany(CHUNK):
            if self._order is not None:
                batch = [tuple(row[index] for index in self._order) for row in batch]
            if any(self._converters):
                batch = [
                    tuple(
                        convert(value) if convert and isinstance(value, str) else value
                        for convert, value in zip(self._converters, row)
                    )
                    for row in batch
                ]
            yield batch

    def close(self) -> None:
        self._cursor.close()


def _instant(text: str) -> Any:
    moment = dt.datetime.fromisoformat(text)
    return Instant.of(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))


def _or_text(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """SQLite keeps any text in any column: what cannot be read stays text."""

    def attempt(text: str) -> Any:
        try:
            return convert(text)
        except ValueError:
            return text

    return attempt


_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "DATE": _or_text(dt.date.fromisoformat),
    "TIME": _or_text(dt.time.fromisoformat),
    "DATETIME": _or_text(_instant),
    "TIMESTAMP": _or_text(_instant),
}
