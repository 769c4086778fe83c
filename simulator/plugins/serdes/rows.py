"""What every conversion shares: reading the input's records, storing the result, counting, names of charsets."""

from __future__ import annotations

import codecs
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError, UnsupportedError
from simulator.model.catalog import OutputSpec, PropertySpec, T
from simulator.plugins.serdes.columns import Table, iter_batches
from simulator.storage import ion

__all__ = [
    "CHARSET",
    "FROM",
    "OUTPUTS",
    "IonSink",
    "charset",
    "need",
    "read_batches",
    "read_records",
    "read_text",
    "records_of",
    "stored",
    "to_ion",
]

_BATCH = 2000

FROM = PropertySpec("from", T.URI, required=True)
CHARSET = PropertySpec("charset", default="UTF-8")
OUTPUTS = (OutputSpec("uri", T.URI), OutputSpec("size", T.INTEGER, doc="records"))


def need(module: str, extra: str) -> Any:
    """An optional library. Raises UnsupportedError that names the extra to install."""
    try:
        return import_module(module)
    except ImportError:
        name = module.partition(".")[0]
        raise UnsupportedError(
            f"this task needs the Python package `{name}`",
            hint=f"pip install 'kestra-simulator[{extra}]'",
        ) from None


def charset(ctx: RunContext, *, bom: bool = True) -> str:
    """The Python codec of the property `charset`; UTF-8 loses its byte order mark when `bom`."""
    name = str(ctx.get("charset", "UTF-8"))
    try:
        codec = codecs.lookup(name)
        # A codec such as base64 is none of text.
        "".encode(codec.name)
    except (LookupError, TypeError):
        raise TaskError(name, hint=f"`charset: {name}` is not known here") from None
    return "utf-8-sig" if codec.name == "utf-8" and bom else codec.name


@contextmanager
def read_text(ctx: RunContext, *, newline: str | None = None) -> Iterator[TextIO]:
    """The task's input as text in its `charset`; bytes that do not fit become U+FFFD, as in Java."""
    encoding = charset(ctx)
    with (
        ctx.open_uri(str(ctx.get("from"))) as source,
        io.TextIOWrapper(source, encoding=encoding, errors="replace", newline=newline) as text,
    ):
        yield text


def records_of(values: Iterator[Any]) -> Iterator[Any]:
    """A file that holds one list of records gives its elements; any other file its values (serdes.md 1)."""
    head = list(itertools.islice(values, 2))
    if (
        len(head) == 1
        and isinstance(head[0], list)
        and all(isinstance(item, (dict, list)) for item in head[0])
    ):
        return iter(head[0])
    return itertools.chain(head, values)


def read_records(ctx: RunContext, source: BinaryIO) -> Iterator[Any]:
    """The records of an Ion file; stops with the task run when it is cancelled."""
    for index, record in enumerate(records_of(ion.iter_rows(source))):
        if index % 1000 == 0 and ctx.cancelled:
            raise TaskError("The task was cancelled")
        yield record


def read_batches(ctx: RunContext, source: BinaryIO) -> Iterator[Table | list[Any]]:
    """The same records, some thousand at a time, never none: for those who work on many at once."""
    batches = iter_batches(source)
    first = next(batches, None)
    if isinstance(first, list) and len(first) == 1:
        # The only value may be the list of all records.
        second = next(batches, None)
        if second is not None:
            batches = itertools.chain([second], batches)
        elif isinstance(first[0], list):
            first = list(records_of(iter(first)))
    for batch in itertools.chain([first], batches) if first else ():
        if ctx.cancelled:
            raise TaskError("The task was cancelled")
        yield batch


class IonSink:
    """Rows on their way into a `.ion` file of the task run."""

    def __init__(self, ctx: RunContext) -> None:
        self._ctx = ctx
        self.path = ctx.temp_file(".ion")
        self._file = self.path.open("wb")
        self._writer = ion.writer(self._file, binary=ctx.dialect.binary_ion)

    def __enter__(self) -> IonSink:
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._writer.flush()
        self._file.close()
        if error[0] is not None:
            self.path.unlink(missing_ok=True)

    @property
    def count(self) -> int:
        return self._writer.count

    def write(self, row: Any) -> None:
        self._writer.write(row)

    def write_rows(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A batch of rows as tuples or lists in the order of `columns`."""
        if self._ctx.cancelled:
            raise TaskError("The task was cancelled")
        self._writer.write_rows(columns, rows)

    def write_all(self, rows: Iterator[Any]) -> None:
        """Rows of any shape; neighbours of one shape go the fast way together."""
        while batch := list(itertools.islice(rows, _BATCH)):
            names = tuple(batch[0]) if type(batch[0]) is dict else ()
            if names and all(type(row) is dict and tuple(row) == names for row in batch):
                self.write_rows(names, [tuple(row.values()) for row in batch])
                continue
            if self._ctx.cancelled:
                raise TaskError("The task was cancelled")
            for row in batch:
                self._writer.write(row)


def to_ion(ctx: RunContext, fill: Callable[[IonSink], None]) -> TaskResult:
    """Fills an Ion file and stores it: the end of every `...ToIon`."""
    with IonSink(ctx) as sink:
        fill(sink)
    return stored(ctx, sink.path, sink.count)


def stored(ctx: RunContext, path: Path, size: int | None) -> TaskResult:
    """Stores a result file, records the metric `records` and answers with `uri` and `size`."""
    uri = ctx.put_file(path)
    outputs: dict[str, Any] = {"uri": uri}
    if size is not None:
        ctx.metric("records", size)
        outputs["size"] = size
    return TaskResult(outputs, fact=f"{size or 0:,} records -> {uri}")
