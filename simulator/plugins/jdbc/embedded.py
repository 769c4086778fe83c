"""Query and Queries of the databases that live in a file: what DuckDB and SQLite share (fs-and-others.md 6).

The database is a file of the task's working directory: fresh, named by the URL, or a copy of a stored one. Its SQL may
name input files, and `{{ outputFiles.<name> }}` for files that it writes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T
from simulator.plugins.jdbc.binds import Bound
from simulator.plugins.jdbc.fetch import Engine, fetch_type, run_statement
from simulator.plugins.jdbc.query import (
    AFTER_SPLIT,
    ONE_AFTER,
    ONE_STATEMENT,
    counted,
    parameters_of,
    record_size,
)
from simulator.plugins.jdbc.specs import FETCH, QUERY_OUTPUTS, ZONE
from simulator.plugins.jdbc.sql import bind_names, split_statements
from simulator.plugins.jdbc.url import check_scheme

__all__ = [
    "EMBEDDED",
    "EMBEDDED_OUTPUTS",
    "Database",
    "prepare",
    "run_embedded_queries",
    "run_embedded_query",
]

EMBEDDED = (
    PropertySpec("username"),
    PropertySpec("password", secret=True),
    PropertySpec("connectionPooling", T.BOOLEAN),
    PropertySpec("connectionPoolSize", T.INTEGER),
    ZONE,
    PropertySpec("sql", required=True),
    PropertySpec("afterSQL"),
    *FETCH("NONE"),
    PropertySpec("inputFiles", T.ANY, as_property=False),
    PropertySpec("outputFiles", T.LIST, item=PropertySpec("name")),
    PropertySpec("outputDbFile", T.BOOLEAN, default=False),
)
EMBEDDED_OUTPUTS = (
    OutputSpec("outputFiles", T.MAP, doc="name -> URI"),
    OutputSpec("databaseUri", T.URI, doc="the database, with outputDbFile"),
)
QUERY_FILE_OUTPUTS = (*QUERY_OUTPUTS, *EMBEDDED_OUTPUTS)


class Database(Protocol):
    """An open database. Its errors are turned into TaskError by `failure`."""

    engine: Engine
    errors: type[Exception]

    def begin(self) -> None: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def close(self) -> None: ...
    def failure(self, error: Exception, *, wrapped: bool) -> TaskError: ...


class Workspace:
    """The files of one run, and the SQL rendered with their places."""

    def __init__(self, ctx: RunContext, scheme: str, stored: str) -> None:
        self._ctx = ctx
        self.rewrite: Callable[[str], str] = lambda sql: sql
        """What becomes of rendered SQL before it runs."""
        folder = ctx.working_dir
        if ctx.raw("inputFiles") is not None:
            ctx.input_files(ctx.raw("inputFiles"))
        names = [str(name) for name in ctx.get("outputFiles") or ()]
        self._outputs = {name: ctx.temp_file("") for name in names}
        for path in self._outputs.values():
            path.unlink()  # the engine makes it
        self.extra: Mapping[str, Any] = {
            "workingDir": str(folder),
            "outputFiles": {name: str(path) for name, path in self._outputs.items()},
        }
        rest = check_scheme(ctx.get("url") or scheme, scheme)[len(scheme) :].partition("?")[0]
        source = ctx.get(stored) if ctx.raw(stored) is not None else None
        if source:
            self.database = ctx.temp_file(".db")
            with ctx.open_uri(str(source)) as stream, self.database.open("wb") as target:
                shutil.copyfileobj(stream, target)
        elif rest and rest != ":memory:":
            self.database = folder / rest
        else:
            self.database = ctx.temp_file(".db")
            self.database.unlink()

    def text(self, name: str) -> str:
        value = self._ctx.get(name, extra=self.extra)
        return "" if value is None else self.rewrite(str(value))

    def collect(self) -> dict[str, Any]:
        """What has been written, stored: `outputFiles`, `databaseUri`."""
        ctx = self._ctx
        found: dict[str, Any] = {
            "outputFiles": {
                name: ctx.put_file(path, name) for name, path in self._outputs.items() if path.exists()
            }
        }
        if ctx.get("outputDbFile"):
            copy = ctx.temp_file(".db")
            shutil.copyfile(self.database, copy)
            found["databaseUri"] = ctx.put_file(copy)
        return found


def prepare(ctx: RunContext, scheme: str, stored: str) -> Workspace:
    """Input files in place, output files named, the database file chosen. `stored`: the property of a stored one."""
    return Workspace(ctx, scheme, stored)


def _bound(sql: str, parameters: Mapping[str, Any] | None) -> list[Bound]:
    if not parameters:
        return [(sql, ())]
    text, names = bind_names(sql)
    return [(text, tuple(parameters.get(name) for name in names))]


def run_embedded_query(ctx: RunContext, space: Workspace, connect: Callable[[Path], Database]) -> TaskResult:
    """One statement, with `afterSQL` in its transaction."""
    kind = fetch_type(ctx)
    sql = space.text("sql")
    if len(split_statements(sql)) > 1:
        raise TaskError(ONE_STATEMENT)
    after = ctx.raw("afterSQL")
    parameters = parameters_of(ctx)
    ctx.logger.debug("Starting query: {}", sql)
    with closing(connect(space.database)) as database:
        try:
            if after is not None:
                database.begin()
            fetched = run_statement(ctx, database.engine, _bound(sql, parameters), kind)
            if after is not None:
                text = space.text("afterSQL")
                if len([part for part in AFTER_SPLIT.split(text) if part.strip()]) > 1:
                    raise TaskError(ONE_AFTER)
                if text.strip():
                    database.engine.execute(_bound(text, parameters)[0])
                    database.commit()
        except database.errors as error:
            raise database.failure(error, wrapped=False) from None
    record_size(ctx, kind, fetched.size)
    outputs = {**fetched.outputs, **space.collect()}
    return TaskResult(outputs, fact=counted(fetched.size, "row") if fetched.result_set else None)


def run_embedded_queries(
    ctx: RunContext, space: Workspace, connect: Callable[[Path], Database]
) -> TaskResult:
    """Each statement by itself, in one transaction unless told otherwise."""
    kind = fetch_type(ctx)
    transaction = bool(ctx.get("transaction", True))
    parameters = parameters_of(ctx)
    outputs: list[dict[str, Any]] = []
    total = 0
    with closing(connect(space.database)) as database:
        try:
            if transaction:
                database.begin()
            for part in split_statements(space.text("sql")):
                if ctx.cancelled:
                    break
                ctx.logger.debug("Starting query: {}", part)
                fetched = run_statement(ctx, database.engine, _bound(part, parameters), kind)
                if not fetched.result_set:
                    continue
                found = dict(fetched.outputs)
                if kind == "FETCH_ONE":
                    found["size"] = 1
                elif kind == "NONE":
                    ctx.logger.info("fetchType is set to NONE, no output will be returned")
                total += int(found.get("size", 0))
                outputs.append(found)
            if transaction:
                database.commit()
        except database.errors as error:
            raise database.failure(error, wrapped=True) from None
    record_size(ctx, kind, total)
    return TaskResult(
        {"outputs": outputs, **space.collect()},
        fact=f"{counted(len(outputs), 'result')}, {counted(total, 'row')}",
    )
