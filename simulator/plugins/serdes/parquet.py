"""`parquet.ParquetToIon` and `parquet.IonToParquet` (serdes.md 5), on pyarrow: schemas are Avro's, files Arrow's."""

from __future__ import annotations

from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.plugins.serdes.avro import plain, schema_and_batches
from simulator.plugins.serdes.avro_schema import CONVERT_PROPERTIES, Converter
from simulator.plugins.serdes.columns import Table
from simulator.plugins.serdes.rows import CHARSET, FROM, OUTPUTS, IonSink, need, stored, to_ion

__all__ = ["IonToParquet", "ParquetToIon"]

_BATCH = 5000
#: bytes of a row group in memory: the library's 128 MiB would be most of what a run may take
_ROW_GROUP = 32 << 20
_AS_IS = frozenset({str, int, float, bool, type(None)})


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
            return to_ion(ctx, lambda sink: _read(file, sink))


def _read(file: Any, sink: IonSink) -> None:
    for batch in file.iter_batches(batch_size=_BATCH):
        columns = [column.to_pylist() for column in batch.columns]
        # Numbers and texts are Python's already; dates, lists and structs need a look.
        sink.write_rows(
            batch.schema.names,
            list(zip(*[c if set(map(type, c)) <= _AS_IS else [plain(item) for item in c] for c in columns])),
        )


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
        limit = min(int(ctx.get("rowGroupSize") or _ROW_GROUP), _ROW_GROUP)
        path = ctx.temp_file(".parquet")
        size = held = 0
        with ctx.open_uri(str(ctx.get("from"))) as source:
            schema, batches = schema_and_batches(ctx, source)
            converter = Converter.of(ctx, schema)
            target_schema = _Arrow(arrow, converter).schema(schema)
            with parquet.ParquetWriter(path, target_schema, **options) as writer:
                group: list[Any] = []
                for batch in batches:
                    try:
                        group.append(_table(arrow, converter, target_schema, batch))
                    except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
                        raise TaskError(f"Cannot write Parquet: {error}") from None
                    size += len(batch)
                    held += group[-1].nbytes
                    if held >= limit:
                        writer.write_table(arrow.concat_tables(group))
                        group, held = [], 0
                if group:
                    writer.write_table(arrow.concat_tables(group))
        return stored(ctx, path, size)


def _table(arrow: Any, converter: Converter, schema: Any, batch: Table | list[Any]) -> Any:
    """Some rows as an Arrow table."""
    columns = converter.columns(batch)
    if columns is None:
        return arrow.Table.from_pylist(converter.batch(batch), schema=schema)
    arrays = [arrow.array(column, type=field.type) for column, field in zip(columns, schema)]
    return arrow.Table.from_arrays(arrays, schema=schema)


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
