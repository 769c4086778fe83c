"""`parquet.ParquetToIon` and `parquet.IonToParquet` (serdes.md 5), on pyarrow: schemas are Avro's, files Arrow's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.plugins.serdes.avro import plain, schema_and_rows
from simulator.plugins.serdes.avro_schema import CONVERT_PROPERTIES, Converter
from simulator.plugins.serdes.rows import CHARSET, FROM, OUTPUTS, need, stored, to_ion

__all__ = ["IonToParquet", "ParquetToIon"]

_BATCH = 5000


class ParquetToIon:
    """Row groups are read batch by batch."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.parquet.ParquetToIon",
        properties=(FROM, CHARSET),
        outputs=OUTPUTS,
        aliases=("io.kestra.plugin.serdes.parquet.ParquetReader",),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        parquet = need("pyarrow.parquet", "parquet")
        arrow = need("pyarrow", "parquet")
        with ctx.open_uri(str(ctx.get("from"))) as source:
            try:
                file = parquet.ParquetFile(source)
            except arrow.ArrowInvalid as error:
                raise TaskError(f"{error}") from None
            return to_ion(ctx, lambda sink: sink.write_all(_rows(file)))


def _rows(file: Any) -> Iterator[Any]:
    for batch in file.iter_batches(batch_size=_BATCH):
        for row in batch.to_pylist():
            yield plain(row)


class IonToParquet:
    """Rows to Parquet by an Avro schema, given or inferred."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.parquet.IonToParquet",
        properties=(
            *CONVERT_PROPERTIES,
            PropertySpec(
                "compressionCodec", T.ENUM, default="GZIP", values=("UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD")
            ),
            PropertySpec("parquetVersion", T.ENUM, default="V2", values=("V1", "V2")),
            PropertySpec("rowGroupSize", T.INTEGER),
            PropertySpec("pageSize", T.INTEGER),
            PropertySpec("dictionaryPageSize", T.INTEGER),
        ),
        outputs=OUTPUTS,
        aliases=("io.kestra.plugin.serdes.parquet.ParquetWriter",),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        parquet = need("pyarrow.parquet", "parquet")
        arrow = need("pyarrow", "parquet")
        codec = str(ctx.get("compressionCodec", "GZIP"))
        options: dict[str, Any] = {
            "compression": "NONE" if codec == "UNCOMPRESSED" else codec,
            "data_page_version": "1.0" if ctx.get("parquetVersion", "V2") == "V1" else "2.0",
        }
        if ctx.get("pageSize"):
            options["data_page_size"] = int(ctx.get("pageSize"))
        if ctx.get("dictionaryPageSize"):
            options["dictionary_pagesize_limit"] = int(ctx.get("dictionaryPageSize"))
        path = ctx.temp_file(".parquet")
        size = 0
        with ctx.open_uri(str(ctx.get("from"))) as source:
            schema, rows = schema_and_rows(ctx, source)
            converter = Converter.of(ctx, schema)
            target_schema = _Arrow(arrow, converter).schema(schema)
            with parquet.ParquetWriter(path, target_schema, **options) as writer:
                while batch := [converter.row(row) for row in itertools.islice(rows, _BATCH)]:
                    try:
                        table = arrow.Table.from_pylist(batch, schema=target_schema)
                    except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
                        raise TaskError(f"Cannot write Parquet: {error}") from None
                    writer.write_table(table)
                    size += len(batch)
        return stored(ctx, path, size)


class _Arrow:
    """Avro schemas as Arrow's."""

    def __init__(self, arrow: Any, converter: Converter) -> None:
        self._arrow = arrow
        self._named = converter.named
        a = arrow
        self._plain = {
            "null": a.null(),
            "boolean": a.bool_(),
            "int": a.int32(),
            "long": a.int64(),
            "float": a.float32(),
            "double": a.float64(),
            "string": a.string(),
            "bytes": a.binary(),
            "enum": a.string(),
        }
        self._logical = {
            "uuid": a.string(),
            "date": a.date32(),
            "time-millis": a.time32("ms"),
            "time-micros": a.time64("us"),
            "timestamp-millis": a.timestamp("ms", tz="UTC"),
            "timestamp-micros": a.timestamp("us", tz="UTC"),
            "local-timestamp-millis": a.timestamp("ms"),
            "local-timestamp-micros": a.timestamp("us"),
        }

    def schema(self, record: dict[str, Any]) -> Any:
        return self._arrow.schema([self._field(item["name"], item["type"]) for item in record["fields"]])

    def _field(self, name: str, schema: Any) -> Any:
        return self._arrow.field(
            name, self._type(schema), nullable=isinstance(schema, list) and "null" in schema
        )

    def _type(self, schema: Any) -> Any:
        if isinstance(schema, list):
            branches = [branch for branch in schema if branch != "null"]
            if len(branches) > 1:
                raise TaskError(f"Cannot write Parquet: a union of {len(branches)} types has no column type")
            return self._type(branches[0]) if branches else self._arrow.null()
        if isinstance(schema, str):
            return self._type(self._named[schema]) if schema in self._named else self._plain[schema]
        kind, logical = schema["type"], schema.get("logicalType")
        if logical == "decimal":
            return self._arrow.decimal128(int(schema["precision"]), int(schema.get("scale", 0)))
        if logical in self._logical:
            return self._logical[logical]
        if kind == "fixed":
            return self._arrow.binary(int(schema["size"]))
        if kind == "array":
            return self._arrow.list_(self._type(schema["items"]))
        if kind == "map":
            return self._arrow.map_(self._arrow.string(), self._type(schema["values"]))
        if kind == "record":
            return self._arrow.struct([self._field(item["name"], item["type"]) for item in schema["fields"]])
        return self._type(kind)
