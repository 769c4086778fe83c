"""`avro.AvroToIon`, `avro.IonToAvro` and `avro.InferAvroSchemaFromIon` (serdes.md 5), on fastavro."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import uuid
from collections.abc import Iterator
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.serdes.avro_schema import CONVERT_PROPERTIES, Converter, infer_schema, scan
from simulator.plugins.serdes.columns import Table
from simulator.plugins.serdes.rows import CHARSET, FROM, OUTPUTS, need, read_batches, stored, to_ion
from simulator.values import Instant

__all__ = ["AvroToIon", "InferAvroSchemaFromIon", "IonToAvro", "schema_and_batches"]


class AvroToIon:
    """Records to structs; logical types to dates, times and decimals."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.avro.AvroToIon",
        properties=(
            FROM,
            CHARSET,
            PropertySpec("onBadLines", T.ENUM, default="ERROR", values=("ERROR", "WARN", "SKIP")),
        ),
        outputs=OUTPUTS,
        aliases=("io.kestra.plugin.serdes.avro.AvroReader",),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        fastavro = need("fastavro", "avro")
        with ctx.open_uri(str(ctx.get("from"))) as source:
            try:
                reader = fastavro.reader(source)
            except ValueError as error:
                raise TaskError(f"Not an Avro data file: {error}") from None
            return to_ion(ctx, lambda sink: sink.write_all(_plain_rows(ctx, reader)))


def _plain_rows(ctx: RunContext, reader: Any) -> Iterator[Any]:
    on_bad = ctx.get("onBadLines", "ERROR")
    rows = iter(reader)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except Exception as error:
            # A broken block cannot be stepped over: what follows it is lost in any mode.
            if on_bad == "ERROR":
                raise TaskError(f"Invalid Avro data: {error}") from None
            if on_bad == "WARN":
                ctx.logger.warn("Bad line encountered (skipped): {}", error)
            return
        yield row if all(map(_AS_IS, map(type, row.values()))) else plain(row)


_AS_IS = frozenset({str, int, float, bool, type(None)}).__contains__


def plain(value: Any) -> Any:
    """A value of fastavro or pyarrow as one of ours."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return Instant.of(value)
    return str(value) if isinstance(value, uuid.UUID) else value


def schema_and_batches(ctx: RunContext, source: Any) -> tuple[dict[str, Any], Iterator[Table | list[Any]]]:
    """The task's schema, or the one inferred from the first rows, and all rows."""
    batches = read_batches(ctx, source)
    text = ctx.get("schema")
    if text:
        try:
            schema = json.loads(str(text))
        except ValueError as error:
            raise TaskError(f"Invalid Avro schema: {error}") from None
        if not isinstance(schema, dict) or schema.get("type") != "record":
            raise TaskError("Invalid Avro schema: a record is expected")
        return schema, batches
    head, read = scan(batches, int(ctx.get("numberOfRowsToScan", 100)))
    return infer_schema(head), itertools.chain(read, batches)


class IonToAvro:
    """Rows to an Avro data file by a schema, given or inferred."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.avro.IonToAvro",
        properties=CONVERT_PROPERTIES,
        outputs=OUTPUTS,
        aliases=("io.kestra.plugin.serdes.avro.AvroWriter",),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        fastavro = need("fastavro", "avro")
        path = ctx.temp_file(".avro")
        with ctx.open_uri(str(ctx.get("from"))) as source, path.open("wb") as target:
            schema, batches = schema_and_batches(ctx, source)
            converter = Converter.of(ctx, schema)
            size = 0

            def converted() -> Iterator[dict[str, Any]]:
                nonlocal size
                for batch in batches:
                    size += len(batch)
                    yield from converter.batch(batch)

            try:
                fastavro.writer(target, fastavro.parse_schema(schema), converted())
            except (ValueError, TypeError, fastavro.schema.SchemaParseException) as error:
                raise TaskError(f"Cannot write Avro: {error}") from None
        return stored(ctx, path, size)


class InferAvroSchemaFromIon:
    """The schema of a file as `.avsc`."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.avro.InferAvroSchemaFromIon",
        properties=(FROM, PropertySpec("numberOfRowsToScan", T.INTEGER, default=100)),
        outputs=(OutputSpec("uri", T.URI),),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        with ctx.open_uri(str(ctx.get("from"))) as source:
            rows = scan(read_batches(ctx, source), int(ctx.get("numberOfRowsToScan", 100)))[0]
        path = ctx.temp_file(".avsc")
        path.write_text(json.dumps(infer_schema(rows)), encoding="utf-8")
        return stored(ctx, path, None)
