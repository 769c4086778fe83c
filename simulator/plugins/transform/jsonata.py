"""`transform.jsonata.*` (fs-and-others.md 8), on jsonata-python: a port of the Java library that Kestra uses."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError, UnsupportedError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.storage import ion

__all__ = ["TransformItems", "TransformValue"]

_EXPRESSION = PropertySpec("expression", required=True)
_MAX_DEPTH = PropertySpec("maxDepth", T.INTEGER, default=50)


class _Expression:
    """A compiled expression. Raises TaskError `Invalid JSONata expression. Error: <m>`."""

    def __init__(self, ctx: RunContext) -> None:
        try:
            import jsonata
        except ImportError:
            raise UnsupportedError(
                "this task needs the Python package `jsonata-python`",
                hint="pip install 'kestra-simulator[jsonata]'",
            ) from None
        self._error: Any = jsonata.JException
        self._ctx = ctx
        try:
            self._compiled = jsonata.Jsonata(str(ctx.get("expression")))
        except self._error as error:
            raise TaskError(f"Invalid JSONata expression. Error: {error}") from None

    def __call__(self, value: Any) -> Any:
        frame = self._compiled.create_frame()
        # Depth as the plugin bounds it; the time limit keeps a runaway expression from holding the run.
        frame.set_runtime_bounds(30_000, int(self._ctx.get("maxDepth", 50)) * 20)
        try:
            return _plain(self._compiled.evaluate(_json_like(value), frame))
        except self._error as error:
            raise TaskError(f"Failed to evaluate expression: {error}") from None
        except RecursionError:
            raise TaskError("Failed to evaluate expression: it is nested too deep") from None


def _json_like(value: Any) -> Any:
    """What JSONata computes with: plain JSON."""
    if isinstance(value, dict):
        return {str(key): _json_like(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_like(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return value


def _plain(value: Any) -> Any:
    """The library's own sequences and numbers as ours."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return int(value)
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)


class TransformValue:
    """One JSON text to one value."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.transform.jsonata.TransformValue",
        properties=(PropertySpec("from", required=True), _EXPRESSION, _MAX_DEPTH),
        outputs=(OutputSpec("value"),),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        expression = _Expression(ctx)
        source = ctx.get("from")
        if isinstance(source, str):
            try:
                source = json.loads(source)
            except ValueError as error:
                raise TaskError(f"Cannot read `from` as JSON: {error}") from None
        result = expression(source)
        return TaskResult({} if result is None else {"value": result})


class TransformItems:
    """Every record of an Ion or JSON file; a result that is an array gives its elements."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.transform.jsonata.TransformItems",
        properties=(
            PropertySpec("from", T.URI, required=True),
            _EXPRESSION,
            PropertySpec("explodeArray", T.BOOLEAN, default=True),
            _MAX_DEPTH,
        ),
        outputs=(OutputSpec("uri", T.URI), OutputSpec("processedItemsTotal", T.INTEGER)),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        expression = _Expression(ctx)
        explode = bool(ctx.get("explodeArray", True))
        path = ctx.temp_file(".ion")
        total = 0

        def results(records: Iterator[Any]) -> Iterator[Any]:
            nonlocal total
            for index, record in enumerate(records):
                if index % 100 == 0 and ctx.cancelled:
                    raise TaskError("The task was cancelled")
                result = expression(record)
                total += 1
                if explode and isinstance(result, list):
                    yield from result
                else:
                    yield result

        with (
            ctx.open_uri(str(ctx.get("from"))) as source,
            path.open("wb") as target,
            ion.writer(target, binary=ctx.dialect.binary_ion) as writer,
        ):
            writer.write_all(results(ion.iter_rows(source)))
        ctx.metric("processed.items.total", total)
        uri = ctx.put_file(path)
        return TaskResult({"uri": uri, "processedItemsTotal": total}, fact=f"{total:,} items -> {uri}")
