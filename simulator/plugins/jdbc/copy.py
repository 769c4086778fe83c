"""`CopyIn` and `CopyOut`: COPY between a stored file and a table, bytes as they are (postgresql.md 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.jdbc.connection import open_connection
from simulator.plugins.jdbc.messages import sql_error
from simulator.plugins.jdbc.query import counted
from simulator.plugins.jdbc.specs import CONNECTION, POOL, SSL

__all__ = ["CopyIn", "CopyOut", "copy_options"]

_BLOCK = 1 << 18
_NAMES = PropertySpec("column")

_OPTIONS = (
    PropertySpec("format", T.ENUM, default="TEXT", values=("TEXT", "CSV", "BINARY")),
    PropertySpec("oids", T.BOOLEAN),
    PropertySpec("freeze", T.BOOLEAN),
    PropertySpec("delimiter"),
    PropertySpec("nullString"),
    PropertySpec("header", T.BOOLEAN),
    PropertySpec("quote"),
    PropertySpec("escape"),
    PropertySpec("forceQuote", T.LIST, item=_NAMES),
    PropertySpec("forceNotNull", T.LIST, item=_NAMES),
    PropertySpec("forceNull", T.LIST, item=_NAMES),
    PropertySpec("encoding"),
    PropertySpec("socketTimeout", T.INTEGER),
)
_COMMON = (
    *CONNECTION,
    *SSL,
    *POOL,
    PropertySpec("table"),
    PropertySpec("columns", T.LIST, item=_NAMES),
    *_OPTIONS,
)


def copy_options(ctx: RunContext) -> str:
    """` WITH (...)` in the plugin's order, or nothing. Characters are written as they are, without escaping."""
    parts: list[str] = []
    kind = str(ctx.get("format") or "TEXT")
    if kind != "TEXT":
        parts.append(f"FORMAT {kind}")
    parts += [word for name, word in (("oids", "OIDS"), ("freeze", "FREEZE")) if ctx.get(name)]
    for name, word in (("delimiter", "DELIMITER"), ("nullString", "NULL")):
        if ctx.get(name) is not None:
            parts.append(f"{word} '{ctx.get(name)}'")
    if ctx.get("header") is not None:
        parts.append(f"HEADER {'TRUE' if ctx.get('header') else 'FALSE'}")
    for name, word in (("quote", "QUOTE"), ("escape", "ESCAPE")):
        if ctx.get(name) is not None:
            parts.append(f"{word} '{ctx.get(name)}'")
    force_quote = ctx.get("forceQuote")
    if force_quote is not None:
        parts.append("FORCE_QUOTE *" if list(force_quote) == ["*"] else f"FORCE_QUOTE {_list(force_quote)}")
    for name, word in (("forceNotNull", "FORCE_NOT_NULL"), ("forceNull", "FORCE_NULL")):
        if ctx.get(name) is not None:
            parts.append(f"{word} {_list(ctx.get(name))}")
    if ctx.get("encoding") is not None:
        parts.append(f"ENCODING '{ctx.get('encoding')}'")
    return f" WITH ({', '.join(parts)})" if parts else ""


def _list(names: Sequence[Any]) -> str:
    return f"({', '.join(map(str, names))})"


def _target(ctx: RunContext) -> str:
    """Table and columns. Without a table the plugin writes `null`, and so do we."""
    table = ctx.get("table")
    columns = ctx.get("columns")
    return ("null" if table is None else str(table)) + (f" {_list(columns)}" if columns else "")


class CopyIn:
    """Loads a stored file into a table."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.jdbc.postgresql.CopyIn",
        properties=(*_COMMON, PropertySpec("from", T.URI, required=True)),
        outputs=(OutputSpec("rowCount", T.INTEGER),),
        needs=("postgres",),
        doc="Load a file into a PostgreSQL table with COPY.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        import psycopg

        sql = f"COPY {_target(ctx)} FROM STDIN{copy_options(ctx)}"
        with (
            open_connection(ctx, autocommit=True) as connection,
            ctx.open_uri(str(ctx.get("from"))) as source,
        ):
            ctx.logger.debug("Starting query: {}", sql)
            try:
                with connection.cursor() as cursor:
                    with cursor.copy(sql) as copy:
                        while block := source.read(_BLOCK):
                            copy.write(block)
                    rows = int(cursor.rowcount)
            except psycopg.Error as error:
                raise sql_error(error) from None
        ctx.metric("rows", rows)
        return TaskResult({"rowCount": rows}, fact=f"{counted(rows, 'row')} -> {ctx.get('table')}")


class CopyOut:
    """Writes a table or a query to a stored file."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.jdbc.postgresql.CopyOut",
        properties=(*_COMMON, PropertySpec("sql")),
        outputs=(OutputSpec("uri", T.URI), OutputSpec("rowCount", T.INTEGER)),
        needs=("postgres",),
        doc="Write a PostgreSQL table or query to a file with COPY.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        import psycopg

        query = ctx.get("sql")
        # Kestra renders it a second time.
        source = f"({ctx.render(str(query))})" if query is not None else _target(ctx)
        sql = f"COPY {source} TO STDOUT{copy_options(ctx)}"
        path = ctx.temp_file()
        with open_connection(ctx, autocommit=True) as connection:
            ctx.logger.debug("Starting query: {}", sql)
            try:
                with path.open("wb", buffering=_BLOCK) as target, connection.cursor() as cursor:
                    with cursor.copy(sql) as copy:
                        for block in copy:
                            target.write(block)
                    rows = int(cursor.rowcount)
            except psycopg.Error as error:
                raise sql_error(error) from None
        uri = ctx.put_file(path, "copy-out")
        ctx.metric("rows", rows)
        return TaskResult({"uri": uri, "rowCount": rows}, fact=f"{counted(rows, 'row')} -> {uri}")
