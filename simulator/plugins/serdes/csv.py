"""`csv.CsvToIon` and `csv.IonToCsv` (serdes.md 2 and 3), on the standard library's reader and by whole blocks of lines."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.plugins.serdes.columns import Table
from simulator.plugins.serdes.java import DATE_FORMATS, java_text, text_writers
from simulator.plugins.serdes.rows import (
    CHARSET,
    FROM,
    OUTPUTS,
    IonSink,
    charset,
    read_batches,
    read_text,
    stored,
    to_ion,
)

__all__ = ["CsvToIon", "IonToCsv"]

_BATCH = 2000
_MEBIBYTE = 1 << 20

_SEPARATOR = PropertySpec("fieldSeparator", default=",")
_DELIMITER = PropertySpec("textDelimiter", default='"')
_HEADER = PropertySpec("header", T.BOOLEAN, default=True)


class CsvToIon:
    """Every value stays text; `\\N` is null."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.csv.CsvToIon",
        properties=(
            FROM,
            _HEADER,
            _SEPARATOR,
            _DELIMITER,
            PropertySpec("skipEmptyRows", T.BOOLEAN, default=False),
            PropertySpec("skipRows", T.INTEGER, default=0),
            CHARSET,
            PropertySpec("onBadLines", T.ENUM, default="ERROR", values=("ERROR", "WARN", "SKIP")),
            PropertySpec("onEmptyHeader", T.ENUM, default="DROP", values=("DROP", "RENAME")),
            PropertySpec(
                "errorOnDifferentFieldCount", T.BOOLEAN, deprecated="it is ignored; use `onBadLines`"
            ),
            PropertySpec("maxBufferSize", T.INTEGER, default=16 * _MEBIBYTE),
            PropertySpec("maxFieldSize", T.INTEGER, default=16 * _MEBIBYTE),
            PropertySpec("allowExtraCharsAfterClosingQuote", T.BOOLEAN, default=False),
        ),
        outputs=OUTPUTS,
        aliases=("io.kestra.plugin.serdes.csv.CsvReader",),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        return to_ion(ctx, lambda sink: _CsvReading(ctx).into(sink))


class _TooLarge(csv.Error):
    """A field is larger than the flow allows."""


class _CsvReading:
    """One file being read; keeps the settings that every row needs."""

    def __init__(self, ctx: RunContext) -> None:
        self.ctx = ctx
        self.on_bad = ctx.get("onBadLines", "ERROR")
        self.skip_empty = bool(ctx.get("skipEmptyRows", False))
        self.field_limit = int(ctx.get("maxFieldSize", 16 * _MEBIBYTE))

    def into(self, sink: IonSink) -> None:
        ctx = self.ctx
        # The limit belongs to the whole process: it only ever grows.
        csv.field_size_limit(max(csv.field_size_limit(), self.field_limit))
        # newline="" leaves line ends as they are and splits at each of \n, \r\n and \r.
        with read_text(ctx, newline="") as text:
            reader = csv.reader(
                text,
                delimiter=_char(ctx, "fieldSeparator", ","),
                quotechar=_char(ctx, "textDelimiter", '"'),
                strict=not ctx.get("allowExtraCharsAfterClosingQuote", False),
            )
            rows = self._rows(reader)
            if ctx.get("header", True):
                self._with_header(rows, sink)
            else:
                for row in itertools.islice(rows, int(ctx.get("skipRows", 0) or 0), None):
                    sink.write([None if value == "\\N" else value for value in row])

    def _rows(self, reader: Any) -> Iterator[list[str]]:
        """The records; a parse error ends the file, in the way `onBadLines` says."""
        start = 1
        # The reader's own limit is that of the process and never lower than the default.
        limited = self.field_limit < 16 * _MEBIBYTE
        try:
            for row in reader:
                if limited and (longest := max(map(len, row), default=0)) > self.field_limit:
                    raise _TooLarge(f"Maximum field size {self.field_limit} exceeded: {longest}")
                yield row or [""]
                start = reader.line_num + 1
        except csv.Error as error:
            message = f"Exception when reading record that started in line {start}"
            if isinstance(error, _TooLarge):
                message = str(error)
            if self.on_bad == "ERROR":
                raise TaskError(message, hint=str(error)) from None
            if self.on_bad == "WARN":
                self.ctx.logger.warn("Bad line encountered (skipped): {}", message)

    def _with_header(self, rows: Iterator[list[str]], sink: IonSink) -> None:
        header = next(rows, None)
        if header is None:
            return
        if self.skip_empty and header == [""]:
            # The header is the record on line 1 or none.
            header = []
        columns, picks = self._columns(header)
        count = len(header)
        skip = int(self.ctx.get("skipRows", 0) or 0)
        whole = picks == list(range(count))
        body = (row for row in rows if row != [""]) if self.skip_empty else rows
        while batch := list(itertools.islice(body, _BATCH)):
            if skip:
                skip, batch = max(0, skip - len(batch)), batch[skip:]
            if set(map(len, batch)) - {count}:
                batch = [row for row in batch if self._complete(row, count)]
            cleaned: list[Any] = [
                [None if value == "\\N" else value for value in row] if "\\N" in row else row for row in batch
            ]
            sink.write_rows(columns, cleaned if whole else [[row[i] for i in picks] for row in cleaned])

    def _columns(self, header: list[str]) -> tuple[list[str], list[int]]:
        """The names and, for each, the index of its value."""
        names = list(header)
        end = len(names)
        while end and not names[end - 1]:
            end -= 1
        unnamed = len(names) - end
        if unnamed and self.ctx.get("onEmptyHeader", "DROP") == "RENAME":
            for index in range(end, len(names)):
                names[index] = _free(f"col_{index}", names)
        elif unnamed:
            del names[end:]
            self.ctx.logger.warn(
                "Dropped {} trailing unnamed header column(s); their values are not emitted. "
                "Set onEmptyHeader=RENAME to keep them.",
                unnamed,
            )
        places: dict[str, int] = {}
        for index, name in enumerate(names):
            places[name] = index
        if len(places) < len(names):
            repeated = sorted({name for name in names if names.count(name) > 1})
            self.ctx.logger.warn("Duplicate header names: {}; the last value wins", ", ".join(repeated))
        return list(places), list(places.values())

    def _complete(self, row: list[str], count: int) -> bool:
        if len(row) == count:
            return True
        message = f"Bad line encountered (field count mismatch): Expected {count}, got {len(row)} fields."
        if self.on_bad == "ERROR":
            raise TaskError(message)
        if self.on_bad == "WARN":
            self.ctx.logger.warn("{}", message)
        return False


def _char(ctx: RunContext, name: str, default: str) -> str:
    value = str(ctx.get(name, default))
    if len(value) != 1:
        raise TaskError(f"Cannot deserialize `{name}`: a single character is expected, got '{value}'")
    return value


def _free(name: str, taken: list[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


class IonToCsv:
    """Columns are those of the first record; later records are written in their own key order, as Kestra does."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.csv.IonToCsv",
        properties=(
            FROM,
            _HEADER,
            _SEPARATOR,
            _DELIMITER,
            PropertySpec("lineDelimiter", default="\n"),
            PropertySpec("alwaysDelimitText", T.BOOLEAN, default=False, deprecated="use `quoteMode`"),
            PropertySpec("quoteMode", T.ENUM, values=("ALWAYS", "REQUIRED", "NON_NUMERIC")),
            CHARSET,
            *DATE_FORMATS,
        ),
        outputs=OUTPUTS,
        aliases=("io.kestra.plugin.serdes.csv.CsvWriter",),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        encoding = charset(ctx, bom=False)
        lines = _Lines(ctx)
        path = ctx.temp_file(".csv")
        with (
            ctx.open_uri(str(ctx.get("from"))) as source,
            path.open("w", encoding=encoding, errors="replace", newline="") as target,
        ):
            size = 0
            for batch in read_batches(ctx, source):
                if size == 0 and ctx.get("header", True):
                    target.write(lines.block([_names(batch)]))
                if isinstance(batch, Table):
                    target.write(lines.table(batch.columns))
                else:
                    target.write(lines.block([_cells(record) for record in batch]))
                size += len(batch)
        return stored(ctx, path, size)


def _names(batch: Table | list[Any]) -> list[Any]:
    """The keys of the first record."""
    if isinstance(batch, Table):
        return list(batch.names)
    if not isinstance(batch[0], dict):
        raise TaskError("Invalid data of type List with header")
    return list(batch[0])


def _cells(record: Any) -> list[Any]:
    if isinstance(record, dict):
        return list(record.values())
    if isinstance(record, list):
        return record
    raise TaskError(f"Invalid data of type {type(record).__name__}")


class _Lines:
    """Rows of values to CSV text, thousands at a time: most blocks need no quote at all, which one look tells."""

    def __init__(self, ctx: RunContext) -> None:
        self.separator = _char(ctx, "fieldSeparator", ",")
        self.quote = _char(ctx, "textDelimiter", '"')
        self.end = str(ctx.get("lineDelimiter", "\n"))
        if self.end not in ("\n", "\r", "\r\n"):
            raise TaskError(f"Unknown line delimiter: {self.end!r}")
        self.mode = ctx.get("quoteMode") or ("ALWAYS" if ctx.get("alwaysDelimitText", False) else "REQUIRED")
        self.special = (self.separator, self.quote, "\n", "\r")
        self.writers: dict[type, Callable[[Any], str]] = text_writers(ctx)

    def block(self, rows: list[list[Any]]) -> str:
        """The lines of some rows."""
        return self._lines(self._texts(rows))

    def table(self, columns: Sequence[Sequence[Any]]) -> str:
        """The lines of some rows that are given by columns."""
        return self._lines(list(zip(*map(self._column, columns))))

    def _lines(self, texts: Sequence[Sequence[str]]) -> str:
        if self.mode == "REQUIRED":
            lines = list(map(self.separator.join, texts))
            block = "\n".join(lines)
            if (
                block.count(self.separator) == sum(map(len, texts)) - len(texts)
                and block.count("\n") == len(lines) - 1
                and self.quote not in block
                and "\r" not in block
                and "#" not in block
            ):
                return self.end.join(lines) + self.end
        return "".join([self._careful(row) + self.end for row in texts])

    def _texts(self, rows: list[list[Any]]) -> Sequence[Sequence[str]]:
        """Every value as text; by columns when the rows are of one length, for most columns hold one type only."""
        if len(set(map(len, rows))) != 1 or not rows[0]:
            return [self._column(row) for row in rows]
        return list(zip(*[self._column(column) for column in zip(*rows)]))

    def _column(self, values: Sequence[Any]) -> Sequence[str]:
        kinds = set(map(type, values))
        if kinds == {str}:
            return values
        if len(kinds) == 1:
            return list(map(self.writers.get(kinds.pop(), java_text), values))
        return [self.writers.get(type(value), java_text)(value) for value in values]

    def _careful(self, row: Sequence[str]) -> str:
        return self.separator.join([self._field(value, index == 0) for index, value in enumerate(row)])

    def _field(self, value: str, first: bool) -> str:
        if self.mode == "ALWAYS":
            needed = True
        elif not value:
            needed = False
        else:
            needed = any(char in value for char in self.special) or (first and value.startswith("#"))
            if self.mode == "NON_NUMERIC" and not needed:
                needed = not _numeric(value)
        if not needed:
            return value
        return f"{self.quote}{value.replace(self.quote, self.quote * 2)}{self.quote}"


def _numeric(value: str) -> bool:
    """`[+-]digits[.digits]`, ASCII only."""
    whole, point, fraction = value[value[0] in "+-" :].partition(".")
    return whole.isascii() and whole.isdigit() and (not point or (fraction.isascii() and fraction.isdigit()))
