"""storage.FilterItems, storage.DeduplicateItems: Ion rows chosen by an expression (core-tasks.md 7).

The expression sees the fields of the row as top-level variables, over the normal context. 1.x copies the text lines as
they are, 2.0 writes the rows anew.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import ExpressionError, TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.core.specs import CORE, alias, is_truthy, prop
from simulator.plugins.core.storage import required_uri
from simulator.storage import ion
from simulator.storage.split import extension_of, iter_lines

__all__ = ["DeduplicateItems", "FilterItems"]

_URI_OUT = OutputSpec("uri", T.URI)
_TOTALS = (OutputSpec("processedItemsTotal", T.INTEGER), OutputSpec("droppedItemsTotal", T.INTEGER))


def _items(ctx: RunContext, source: BinaryIO, *, decode: bool = True) -> Iterator[tuple[Any, bytes]]:
    """Each row (None unless `decode`) and the bytes that keep it."""
    head = source.read(4)
    source.seek(0, io.SEEK_SET)
    if ion.is_binary(head):
        for row, data in ion.iter_records(source, decode=decode or not ctx.dialect.binary_ion):
            yield row, data if ctx.dialect.binary_ion else ion.dump_row(row, binary=False)
    elif ctx.dialect.binary_ion:
        for row in ion.iter_rows(source):
            yield row, ion.dump_row(row, binary=True)
    else:
        lines = (line for line in iter_lines(source) if line.strip())
        values = ion.iter_line_values(lines) if decode else ((None, line) for line in lines)
        for row, line in values:
            yield row, line.encode("utf-8", "surrogateescape") + b"\n"


def _fields(row: Any) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise TaskError(f"A row must be a map to be used in an expression, got {ion.dumps(row)}")
    return dict(row)


class FilterItems:
    """Keeps or drops the rows for which a condition is true."""

    spec = TaskSpec(
        f"{CORE}storage.FilterItems",
        properties=(
            prop("from", T.URI, required=True),
            PropertySpec("filterCondition", required=True, doc="sees the fields of each row"),
            prop("filterType", T.ENUM, values=("INCLUDE", "EXCLUDE"), default="INCLUDE"),
            prop("errorOrNullBehavior", T.ENUM, values=("FAIL", "INCLUDE", "EXCLUDE"), default="FAIL"),
        ),
        outputs=(_URI_OUT, *_TOTALS),
        aliases=alias(f"{CORE}storage.FilterItems"),
        doc="Filters rows of a file.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        uri = required_uri(ctx, "from")
        condition = ctx.raw("filterCondition")
        if condition is None:
            raise TaskError("filterCondition: must not be null")
        condition = str(condition).lower() if isinstance(condition, bool) else str(condition)
        include = ctx.get("filterType", "INCLUDE") == "INCLUDE"
        behavior = ctx.get("errorOrNullBehavior", "FAIL")
        path = ctx.temp_file(extension_of(uri))
        total = dropped = 0
        with ctx.open_uri(uri) as source, path.open("wb") as target:
            for row, data in _items(ctx, source):
                total += 1
                truth = self._truth(ctx, condition, row, behavior)
                # An undecided row is kept or dropped by the behaviour alone, whatever the filter type is.
                keep = behavior == "INCLUDE" if truth is None else truth is include
                if keep:
                    target.write(data)
                else:
                    dropped += 1
                if ctx.cancelled:
                    break
        return TaskResult(
            {"uri": ctx.put_file(path), "processedItemsTotal": total, "droppedItemsTotal": dropped},
            fact=f"{total - dropped:,} of {total:,} rows",
        )

    @staticmethod
    def _truth(ctx: RunContext, condition: str, row: Any, behavior: str) -> bool | None:
        """None when the expression failed or gave null (then the behaviour decides); raises for FAIL."""
        try:
            rendered = ctx.render(condition, _fields(row))
        except ExpressionError:
            if behavior == "FAIL":
                raise
            return None
        if isinstance(rendered, str):
            rendered = rendered.strip()
        truth = is_truthy(rendered, ctx.dialect)
        if truth is None and behavior == "FAIL":
            raise TaskError(f"Expression `{condition}` return `null` on item `{ion.dumps(row)}`")
        return truth


class DeduplicateItems:
    """Keeps the last row of each key, at its place."""

    spec = TaskSpec(
        f"{CORE}storage.DeduplicateItems",
        properties=(prop("from", T.URI, required=True), PropertySpec("expr", required=True)),
        outputs=(_URI_OUT, OutputSpec("numKeys", T.INTEGER), *_TOTALS),
        aliases=alias(f"{CORE}storage.DeduplicateItems"),
        doc="Deduplicates rows of a file.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        uri = required_uri(ctx, "from")
        expression = ctx.raw("expr")
        if expression is None:
            raise TaskError("expr: must not be null")
        # Two passes: the keys (in memory) first, then the rows, so that the file itself is never held.
        last: dict[Any, int] = {}
        total = 0
        with ctx.open_uri(uri) as source:
            for number, (row, _) in enumerate(_items(ctx, source)):
                last[ctx.render(str(expression), _fields(row))] = number
                total = number + 1
        path = ctx.temp_file(extension_of(uri))
        self._copy(ctx, uri, path, set(last.values()))
        return TaskResult(
            {
                "uri": ctx.put_file(path),
                "numKeys": len(last),
                "processedItemsTotal": total,
                "droppedItemsTotal": total - len(last),
            },
            fact=f"{len(last):,} of {total:,} rows",
        )

    @staticmethod
    def _copy(ctx: RunContext, uri: str, path: Path, wanted: set[int]) -> None:
        with ctx.open_uri(uri) as source, path.open("wb") as target:
            for number, (_, data) in enumerate(_items(ctx, source, decode=False)):
                if number in wanted:
                    target.write(data)
