"""From a running statement to `row`, `rows` or a stored file, by fetchType (postgresql.md 2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from simulator.engine.task import RunContext
from simulator.errors import TaskError
from simulator.plugins.jdbc.binds import Bound
from simulator.plugins.jdbc.chunks import Chunks
from simulator.plugins.jdbc.types import UnsupportedColumn, json_value
from simulator.storage.fileserde import raw_kinds, row_writer

__all__ = [
    "CHUNK",
    "FETCH_TYPES",
    "Engine",
    "Fetched",
    "PostgresEngine",
    "Reader",
    "distinct_columns",
    "fetch_type",
    "run_statement",
]

FETCH_TYPES = ("NONE", "FETCH", "FETCH_ONE", "STORE")

#: Rows that are held at a time: as many as the server sends in one go, and as many as are encoded in one go.
CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one statement left. `result_set`: it was one that gives rows, whatever became of them."""

    outputs: dict[str, Any]
    size: int = 0
    result_set: bool = False


def fetch_type(ctx: RunContext, default: str = "NONE") -> str:
    """The effective fetchType: the deprecated flags win, in Kestra's order."""
    for flag, name in (("fetch", "FETCH"), ("fetchOne", "FETCH_ONE"), ("store", "STORE")):
        if ctx.get(flag):
            return name
    return str(ctx.get("fetchType") or default)


class Engine(Protocol):
    """A database that runs statements: PostgreSQL here, the embedded ones in their modules."""

    def read(self, statement: Bound, raw: Sequence[str] = ()) -> Reader:
        """Sends a statement whose rows will be read. `raw`: kinds of cells that may come as bytes (`Reader.kinds`)."""

    def execute(self, statement: Bound) -> bool:
        """Runs a statement without reading; whether it has a result set."""


class Reader(Protocol):
    """A statement that has been sent, and its rows as they come."""

    result_set: bool
    columns: list[str]

    @property
    def kinds(self) -> Sequence[str | None] | None:
        """What the cells of each column are when they are no Python values (`RowWriter.write_rows`)."""

    def rows(self) -> Iterator[tuple[Any, ...]]: ...
    def batches(self) -> Iterator[list[tuple[Any, ...]]]: ...
    def close(self) -> None: ...


def run_statement(ctx: RunContext, engine: Engine, statements: Sequence[Bound], kind: str) -> Fetched:
    """Runs the statements of one SQL text (mostly one) and reads by `kind`.

    As JDBC does: when the first gives no result set nothing is read; FETCH_ONE reads the first row of the first.
    Raises the driver's errors, and TaskError for values that the plugin cannot read.
    """
    first, rest = statements[0], statements[1:]
    if kind == "NONE":
        result_set = engine.execute(first)
        for statement in rest:
            engine.execute(statement)
        return Fetched({"row": None}, result_set=result_set)
    if kind == "FETCH_ONE":
        return _fetch_one(engine, first, rest)
    raw = raw_kinds(ctx.dialect) if kind == "STORE" else ()
    reader = engine.read(first, raw)
    if not reader.result_set:
        for statement in rest:
            engine.execute(statement)
        return Fetched({"row": None})
    if kind == "FETCH":
        return _fetch_all(engine, reader, rest)
    return _store(ctx, engine, reader, rest, raw)


class PostgresEngine:
    """Statements on one psycopg connection. Raises psycopg's errors."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def read(self, statement: Bound, raw: Sequence[str] = ()) -> Reader:
        return _PostgresReader(self._connection, statement, raw)

    def execute(self, statement: Bound) -> bool:
        with _cursor(self._connection) as cursor:
            sql, values = statement
            cursor.execute(sql, values or None)
            return cursor.description is not None


def _cursor(connection: Any) -> Any:
    from psycopg import RawCursor
    from psycopg.types.string import StrDumperVarchar

    cursor = RawCursor(connection)
    # The driver binds text as varchar: `int_column = :text` fails as it does in Kestra.
    cursor.adapters.register_dumper(str, StrDumperVarchar)
    return cursor


class _PostgresReader:
    """A statement that has been sent, and its rows as they come: never more than a chunk in memory."""

    def __init__(self, connection: Any, statement: Bound, raw: Sequence[str] = ()) -> None:
        import psycopg

        sql, values = statement
        self._cursor = _cursor(connection)
        self._chunks = Chunks(self._cursor, sql, values, raw, CHUNK)
        self.result_set = True
        try:
            self._chunks.start()
        except UnsupportedColumn as error:
            raise self._unsupported(error) from None
        except psycopg.ProgrammingError as error:
            # psycopg's own words for a statement without a result set; it has been executed.
            if error.sqlstate is not None or "produce a result" not in str(error):
                raise
            self.result_set = False
        self.columns, self._order = distinct_columns(
            [column.name for column in self._cursor.description or ()]
        )
        kinds = self._chunks.kinds
        self.kinds = [kinds[index] for index in self._order] if kinds and self._order else kinds

    def rows(self) -> Iterator[tuple[Any, ...]]:
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        try:
            for batch in self._chunks:
                if self._order is not None:
                    order = self._order
                    batch = [tuple([row[index] for index in order]) for row in batch]
                yield batch
        except UnsupportedColumn as error:
            raise self._unsupported(error) from None

    def _unsupported(self, error: UnsupportedColumn) -> TaskError:
        column = ""
        for item in self._cursor.description or ():
            if f"is '{item.type_display}'" in str(error):
                column = item.name
                break
        return TaskError(
            str(error).replace("{column}", column), hint="select the column as text: `column::text`"
        )

    def close(self) -> None:
        self._chunks.close()


def distinct_columns(labels: list[str]) -> tuple[list[str], list[int] | None]:
    """Labels without repetition, and which column gives each: a later one wins, at the place of the first.

    The order is None when no label repeats.
    """
    columns = list(dict.fromkeys(labels))
    last = {label: index for index, label in enumerate(labels)}
    return columns, [last[label] for label in columns] if len(last) < len(labels) else None


def _fetch_one(engine: Engine, first: Bound, rest: Sequence[Bound]) -> Fetched:
    reader = engine.read(first)
    if not reader.result_set:
        for statement in rest:
            engine.execute(statement)
        return Fetched({"row": None})
    row = None
    # Read to the end: giving up would cancel a statement that also writes.
    for item in reader.rows():
        if row is None:
            row = dict(zip(reader.columns, item))
    reader.close()
    for statement in rest:
        engine.execute(statement)
    if row is None:
        return Fetched({"row": None, "size": 0}, 0, True)
    shown = {key: json_value(value, drop_nulls=True) for key, value in row.items()}
    return Fetched({"row": shown, "size": 1}, 1, True)


def _readers(
    engine: Engine, reader: Reader, rest: Sequence[Bound], raw: Sequence[str] = ()
) -> Iterator[Reader]:
    yield reader
    reader.close()
    for statement in rest:
        following = engine.read(statement, raw)
        if following.result_set:
            yield following
        following.close()


def _fetch_all(engine: Engine, reader: Reader, rest: Sequence[Bound]) -> Fetched:
    rows: list[dict[str, Any]] = []
    for current in _readers(engine, reader, rest):
        for item in current.rows():
            rows.append(
                {
                    key: json_value(value, drop_nulls=True)
                    for key, value in zip(current.columns, item)
                    if value is not None
                }
            )
    return Fetched({"row": None, "rows": rows, "size": len(rows)}, len(rows), True)


def _store(
    ctx: RunContext, engine: Engine, reader: Reader, rest: Sequence[Bound], raw: Sequence[str]
) -> Fetched:
    path = ctx.temp_file(".ion")
    with path.open("wb") as target, row_writer(target, ctx.dialect) as writer:
        for current in _readers(engine, reader, rest, raw):
            for batch in current.batches():
                writer.write_rows(current.columns, batch, current.kinds)
    uri = ctx.put_file(path)
    return Fetched({"row": None, "uri": uri, "size": writer.count}, writer.count, True)
