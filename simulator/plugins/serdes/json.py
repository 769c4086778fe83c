"""`json.JsonToIon`, `json.IonToJson`, `json.JsonToJsonl` (serdes.md 4)."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, ClassVar, TextIO

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.plugins.serdes.columns import Table
from simulator.plugins.serdes.java import TIME_ZONE, float_text, iso_text, zone_of
from simulator.plugins.serdes.rows import (
    CHARSET,
    FROM,
    OUTPUTS,
    charset,
    read_batches,
    read_text,
    stored,
    to_ion,
)

__all__ = ["IonToJson", "JsonToIon", "JsonToJsonl", "json_error", "json_values"]

_NEW_LINE = PropertySpec("newLine", T.BOOLEAN, default=True)
_CHUNK = 1 << 20
_BLOCK = 1 << 18
# Digits that may not fit into 64 bits, which orjson would read as a float.
_BIG = re.compile(r"[0-9]{19}")
_SPACE = re.compile(r"[\s\ufeff]*")


class JsonToIon:
    """JSON lines, or one document whose top-level array gives the records."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.json.JsonToIon",
        properties=(FROM, CHARSET, _NEW_LINE),
        outputs=OUTPUTS,
        aliases=("io.kestra.plugin.serdes.json.JsonReader",),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        with read_text(ctx) as text:
            values = _lines(text) if ctx.get("newLine", True) else json_values(text)
            return to_ion(ctx, lambda sink: sink.write_all(values))


def _lines(text: TextIO) -> Iterator[Any]:
    """The value of each line. A block of lines is parsed as one array of arrays, an array a line: a call per line costs
    as much as the parsing. Lines that only make sense together leave an array of another length."""
    import orjson

    before = 0
    while lines := text.readlines(_BLOCK):
        joined = "],[".join(lines)
        rows: Any = None
        if _BIG.search(joined) is None:
            with contextlib.suppress(orjson.JSONDecodeError):
                rows = orjson.loads(f"[[{joined}]]")
        if rows is not None and len(rows) == len(lines) and {*map(len, rows)} == {1}:
            yield from itertools.chain.from_iterable(rows)
        else:
            # Something is wrong in it, or large: the line has to be known.
            yield from _one_by_one(lines, before)
        before += len(lines)


def _one_by_one(lines: Iterable[str], before: int) -> Iterator[Any]:
    import orjson

    for number, line in enumerate(lines, before + 1):
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            value = _strict(line, number)
        else:
            if _BIG.search(line):
                value = _strict(line, number)
        yield value


def _strict(line: str, number: int) -> Any:
    """The careful way: whole numbers of any size, and Jackson's kind of message."""
    if not line.strip():
        raise TaskError(
            f"No content to map due to end-of-input\n at [Source: REDACTED; line: {number}, column: 0]"
        )
    try:
        return json.loads(line, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise json_error(error, number - 1) from None


def _no_constant(name: str) -> Any:
    raise TaskError(
        f"Non-standard token '{name}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
    )


def json_error(error: json.JSONDecodeError, lines_before: int = 0) -> TaskError:
    """A JsonParseException's text with its place."""
    place = f"\n at [Source: REDACTED; line: {lines_before + error.lineno}, column: {error.colno}]"
    if error.pos >= len(error.doc.rstrip()):
        return TaskError(f"Unexpected end-of-input{place}", hint=error.msg)
    char = error.doc[error.pos]
    return TaskError(f"Unexpected character ('{char}' (code {ord(char)})){place}", hint=error.msg)


def json_values(text: TextIO) -> Iterator[Any]:
    """The elements of a top-level array one at a time, or the one top-level value. Memory: one element."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    buffer = text.read(_CHUNK)
    at = _skip(buffer, 0)
    if at == len(buffer):
        return
    if buffer[at] != "[":
        buffer = buffer[at:] + text.read()
        try:
            yield decoder.raw_decode(buffer)[0]
        except json.JSONDecodeError as error:
            raise json_error(error) from None
        return
    at += 1
    first = True
    while True:
        at = _skip(buffer, at)
        more = ""
        if at == len(buffer):
            more = text.read(_CHUNK)
            if not more:
                raise TaskError("Unexpected end-of-input: expected close marker for Array")
            buffer, at = more, 0
            continue
        if buffer[at] == "]":
            return
        if not first:
            if buffer[at] != ",":
                raise TaskError(
                    f"Unexpected character ('{buffer[at]}' (code {ord(buffer[at])})): "
                    "was expecting comma to separate Array entries"
                )
            at += 1
        first = False
        value, at, buffer = _element(decoder, text, buffer, at)
        yield value


def _element(decoder: json.JSONDecoder, text: TextIO, buffer: str, at: int) -> tuple[Any, int, str]:
    """One element; reads on while it may not be complete (a number at the end of the buffer could go on)."""
    size = _CHUNK
    while True:
        start = _skip(buffer, at)
        problem: json.JSONDecodeError | None = None
        try:
            value, end = decoder.raw_decode(buffer, start)
            if end < len(buffer):
                return value, end, buffer
        except json.JSONDecodeError as error:
            problem = error
        more = text.read(size)
        if not more:
            if problem is not None:
                raise json_error(problem)
            return value, end, buffer
        buffer, at = buffer[start:] + more, 0
        size *= 2


def _skip(buffer: str, at: int) -> int:
    match = _SPACE.match(buffer, at)
    return match.end() if match else at


class IonToJson:
    """`.jsonl` with a record a line, or one `.json` document."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.json.IonToJson",
        properties=(
            FROM,
            CHARSET,
            _NEW_LINE,
            TIME_ZONE,
            PropertySpec("shouldKeepAnnotations", T.BOOLEAN, default=False),
        ),
        outputs=OUTPUTS,
        aliases=("io.kestra.plugin.serdes.json.JsonWriter",),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        lines = bool(ctx.get("newLine", True))
        keep = bool(ctx.get("shouldKeepAnnotations", False))
        encode = _Encoder(zone_of(ctx) if keep else None)
        encoding = charset(ctx, bom=False)
        path = ctx.temp_file(".jsonl" if lines else ".json")
        size = 0
        held: bytes | None = None
        with ctx.open_uri(str(ctx.get("from"))) as source, path.open("wb") as target:

            def write(data: bytes) -> None:
                target.write(data if encoding == "utf-8" else data.decode().encode(encoding, "replace"))

            for batch in read_batches(ctx, source):
                found = encode.table(batch) if isinstance(batch, Table) else list(map(encode, batch))
                if lines:
                    write(b"\n".join(found) + b"\n")
                elif size == 0 and len(found) == 1:
                    # One record alone is written without the array around it.
                    held = found[0]
                else:
                    if held is not None:
                        found, held = [held, *found], None
                        size = 0
                    write((b"," if size else b"[") + b",".join(found))
                size += len(found)
            if not lines and size:
                write(b"]" if held is None else held)
        return stored(ctx, path, size)


class _Encoder:
    """A record as compact JSON bytes: nulls of maps dropped, dates as ISO text, numbers as Java writes them."""

    def __init__(self, zone: dt.tzinfo | None) -> None:
        import orjson

        self._dumps = orjson.dumps
        self._fragment = orjson.Fragment
        self._zone = zone
        self._plain = frozenset({str, bool})

    def __call__(self, record: Any) -> bytes:
        if type(record) is dict and all(map(_is_plain, record.values())):
            # A whole number of more than 64 bits goes the careful way.
            with contextlib.suppress(TypeError):
                return self._dumps(record)
        return self._dumps(self._prepare(record))

    def table(self, rows: Table) -> list[bytes]:
        """The records of a table. One look at a column tells whether orjson writes all of it as Java would."""
        if self._zone is None and all(map(_plain_column, rows.columns)):
            with contextlib.suppress(TypeError):
                return list(map(self._dumps, rows.rows()))
        return list(map(self, rows.rows()))

    def _prepare(self, value: Any) -> Any:
        kind = type(value)
        if kind in self._plain or value is None:
            return value
        if kind is int:
            return value if -(1 << 63) <= value < 1 << 64 else self._fragment(str(value))
        if kind is float:
            return self._float(value)
        if isinstance(value, dict):
            if self._zone is not None:
                return {str(key): self._prepare(item) for key, item in value.items()}
            return {str(key): self._prepare(item) for key, item in value.items() if item is not None}
        if isinstance(value, (list, tuple)):
            return [self._prepare(item) for item in value]
        return self._other(value)

    def _float(self, value: float) -> Any:
        if math.isfinite(value):
            # Between these bounds Java and orjson write the same digits.
            return value if 1e-3 <= abs(value) < 1e7 or value == 0 else self._fragment(float_text(value))
        return float_text(value)

    def _other(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            return self._fragment(str(value))
        if isinstance(value, bytes):
            text = base64.b64encode(value).decode()
            return {"ion_annotations": ["base64"], "value": text} if self._zone is not None else text
        if isinstance(value, (dt.date, dt.time)):
            return self._date(value)
        return str(value)

    def _date(self, value: dt.date | dt.time) -> Any:
        if self._zone is None:
            return iso_text(value)
        if isinstance(value, dt.datetime) and value.tzinfo is not None:
            return iso_text(value.astimezone(self._zone))
        return iso_text(value)


def _is_plain(value: Any) -> bool:
    """Whether orjson writes a value of a record as Java would."""
    kind = type(value)
    if kind is str or kind is int or kind is bool:
        return True
    return kind is float and (1e-3 <= value < 1e7 or -1e7 < value <= -1e-3 or value == 0)


def _plain_column(values: Sequence[Any]) -> bool:
    kinds = set(map(type, values))
    if kinds <= {str, int, bool}:
        return True
    # NaN compares as anything; it shows in the sum.
    if kinds == {float} and min(values) >= 1e-3 and max(values) < 1e7 and not math.isnan(sum(values)):
        return True
    return all(map(_is_plain, values))


class JsonToJsonl:
    """An array gives a line for each element, an object one line, JSON lines pass through."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.json.JsonToJsonl", properties=(FROM, CHARSET), outputs=OUTPUTS
    )

    def run(self, ctx: RunContext) -> TaskResult:
        path = ctx.temp_file(".jsonl")
        size = 0
        with (
            read_text(ctx) as text,
            path.open("w", encoding=charset(ctx, bom=False), errors="replace", newline="\n") as target,
        ):
            for value in _documents(text):
                target.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
                size += 1
        return stored(ctx, path, size)


def _documents(text: TextIO) -> Iterator[Any]:
    content = text.read()
    start = _skip(content, 0)
    if start == len(content):
        return
    if content[start] not in "[{":
        raise TaskError(
            f"Invalid JSON format. Expected JSON array or object, but found: {_token(content, start)}"
        )
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    while start < len(content):
        try:
            value, end = decoder.raw_decode(content, start)
        except json.JSONDecodeError as error:
            raise TaskError(f"Invalid JSON format: {json_error(error).message}") from None
        if isinstance(value, list):
            yield from value
        else:
            yield value
        start = _skip(content, end)


def _token(content: str, start: int) -> str:
    """Jackson's name of the token that begins here."""
    char = content[start]
    if char == '"':
        return "VALUE_STRING"
    if char in "-0123456789":
        whole = re.compile(r"-?[0-9]+(?![0-9.eE])").match(content, start)
        return "VALUE_NUMBER_INT" if whole else "VALUE_NUMBER_FLOAT"
    return {"t": "VALUE_TRUE", "f": "VALUE_FALSE", "n": "VALUE_NULL"}.get(char, char)
