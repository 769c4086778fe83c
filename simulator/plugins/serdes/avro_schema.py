"""Avro schemas: inference from rows, and the conversion of a cell to what a schema wants (serdes.md 5).

Schemas are plain JSON data. A converted cell is what the Avro and Arrow writers take: Python dates, times, Decimals.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from simulator.engine.task import RunContext
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T
from simulator.plugins.serdes.columns import Table
from simulator.plugins.serdes.java import TIME_ZONE, java_text, zone_of
from simulator.plugins.serdes.patterns import Formatter, formatter
from simulator.plugins.serdes.rows import CHARSET, FROM

__all__ = ["CONVERT_PROPERTIES", "CellError", "Converter", "infer_schema"]

_NAMESPACE = "io.kestra.plugin.serdes.avro"

_TRUE = ("t", "true", "enabled", "1", "on", "yes")
_FALSE = ("f", "false", "disabled", "0", "off", "no", "")
_NULL = ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "1.#IND", "1.#QNAN", "NA", "n/a", "nan", "null")  # fmt: skip

_TEXTS = PropertySpec("item")
CONVERT_PROPERTIES: tuple[PropertySpec, ...] = (
    FROM,
    CHARSET,
    PropertySpec("schema"),
    PropertySpec("numberOfRowsToScan", T.INTEGER, default=100),
    PropertySpec("trueValues", T.LIST, item=_TEXTS, default=list(_TRUE)),
    PropertySpec("falseValues", T.LIST, item=_TEXTS, default=list(_FALSE)),
    PropertySpec("nullValues", T.LIST, item=_TEXTS, default=list(_NULL)),
    PropertySpec("dateFormat", default="yyyy-MM-dd[XXX]"),
    PropertySpec("timeFormat", default="HH:mm[:ss][.SSSSSS][XXX]"),
    PropertySpec("datetimeFormat", default="yyyy-MM-dd'T'HH:mm[:ss][.SSSSSS][XXX]"),
    PropertySpec("decimalSeparator", default="."),
    PropertySpec("strictSchema", T.BOOLEAN, default=False),
    PropertySpec("inferAllFields", T.BOOLEAN, default=False),
    PropertySpec("onBadLines", T.ENUM, default="ERROR", values=("ERROR", "WARN", "SKIP")),
    TIME_ZONE,
)


class CellError(ValueError):
    """A value that a schema does not take (IllegalCellConversion)."""


# -- inference --------------------------------------------------------------------------------------------------------


def infer_schema(rows: Sequence[Any], name: str = "root") -> dict[str, Any]:
    """The record schema of some rows. Raises TaskError for none, or for a value without a rule."""
    if not rows:
        raise TaskError(
            "Cannot infer Avro schema from ION input: the file appears to be empty or contains no valid records."
        )
    columns: dict[str, list[Any]] = {}
    for row in rows:
        if not isinstance(row, dict):
            raise TaskError(f"Cannot infer an Avro schema from a row of type {type(row).__name__}")
        for key, value in row.items():
            columns.setdefault(str(key), []).append(value)
    fields: list[dict[str, Any]] = []
    for key, values in columns.items():
        optional = len(values) < len(rows)
        entry: dict[str, Any] = {"name": key, "type": _infer(key, values, optional)}
        fields.append(entry)
    return {"type": "record", "name": name, "namespace": _NAMESPACE, "fields": fields}


def _infer(name: str, values: list[Any], optional: bool) -> Any:
    kinds: list[Any] = []
    for value in values:
        kind = None if value is None else _kind(name, value)
        if kind is not None and kind not in kinds:
            kinds.append(kind)
    nullable = optional or any(value is None for value in values) or "string" in kinds
    records = [kind for kind in kinds if isinstance(kind, dict) and kind.get("type") == "record"]
    if len(records) > 1:
        # Rows with different keys: one record that has them all.
        merged = infer_schema([value for value in values if isinstance(value, dict)], name)
        kinds = [kind for kind in kinds if kind not in records] + [merged]
    if not kinds:
        kinds = ["string"]
        nullable = True
    if nullable:
        return ["null", *kinds]
    return kinds[0] if len(kinds) == 1 else kinds


def _kind(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (str, Decimal)):
        return "string"
    if isinstance(value, int):
        if -(1 << 31) <= value < 1 << 31:
            return "int"
        raise TaskError(
            f"Cannot infer an Avro type for field '{name}': a Long has no rule",
            hint="give the task a `schema` with type long",
        )
    if isinstance(value, float):
        return "double"
    if isinstance(value, dt.datetime):
        return {"type": "long", "logicalType": "local-timestamp-millis"}
    if isinstance(value, dt.date):
        return {"type": "int", "logicalType": "date"}
    if isinstance(value, dt.time):
        return {"type": "int", "logicalType": "time-millis"}
    if isinstance(value, bytes):
        return "bytes"
    if isinstance(value, list):
        items = _infer(name, value, False) if value else ["null", "string"]
        return {"type": "array", "items": items}
    if isinstance(value, dict):
        return infer_schema([value], name)
    raise TaskError(f"Cannot infer an Avro type for field '{name}' of type {type(value).__name__}")


# -- conversion -------------------------------------------------------------------------------------------------------


def _words(values: Any) -> frozenset[str]:
    return frozenset(str(value).lower() for value in values)


@dataclass(slots=True)
class Converter:
    """Makes rows fit a schema, by the settings of one task run."""

    schema: dict[str, Any]
    true_values: frozenset[str]
    false_values: frozenset[str]
    null_values: frozenset[str]
    date_format: Formatter
    time_format: Formatter
    datetime_format: Formatter
    decimal_separator: str
    strict: bool
    infer_all: bool
    on_bad: str
    zone: dt.tzinfo
    warn: Callable[[str], None]
    named: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, ctx: RunContext, schema: dict[str, Any]) -> Converter:
        def pattern(name: str) -> Formatter:
            try:
                return formatter(str(ctx.get(name)))
            except ValueError as error:
                raise TaskError(str(error), hint=f"`{name}`") from None

        converter = cls(
            schema=schema,
            true_values=_words(ctx.get("trueValues")),
            false_values=_words(ctx.get("falseValues")),
            null_values=_words(ctx.get("nullValues")),
            date_format=pattern("dateFormat"),
            time_format=pattern("timeFormat"),
            datetime_format=pattern("datetimeFormat"),
            decimal_separator=str(ctx.get("decimalSeparator", ".")),
            strict=bool(ctx.get("strictSchema", False)),
            infer_all=bool(ctx.get("inferAllFields", False)),
            on_bad=str(ctx.get("onBadLines", "ERROR")),
            zone=zone_of(ctx),
            warn=lambda text: ctx.logger.warn("{}", text),
        )
        converter.collect(schema)
        return converter

    def collect(self, schema: Any) -> None:
        """Remembers the named types, which later parts of a schema may refer to."""
        if isinstance(schema, list):
            for branch in schema:
                self.collect(branch)
        elif isinstance(schema, dict):
            name = schema.get("name")
            if schema.get("type") in ("record", "enum", "fixed") and isinstance(name, str):
                self.named[name] = schema
                if schema.get("namespace"):
                    self.named[f"{schema['namespace']}.{name}"] = schema
            for item in schema.get("fields") or ():
                self.collect(item.get("type"))
            for key in ("items", "values", "type"):
                if isinstance(schema.get(key), (dict, list)):
                    self.collect(schema[key])

    def batch(self, batch: Table | list[Any]) -> list[dict[str, Any]]:
        """Rows as the schema's records; raises as `row` does."""
        columns = self.columns(batch)
        if columns is None:
            return [self.row(row) for row in (batch.rows() if isinstance(batch, Table) else batch)]
        names = [item["name"] for item in self.schema["fields"]]
        return [dict(zip(names, values)) for values in zip(*columns)]

    def columns(self, batch: Table | list[Any]) -> list[Sequence[Any]] | None:
        """The same by columns, in the order of the schema's fields. None when a row needs a look of its own."""
        table = batch if isinstance(batch, Table) else Table.of(batch)
        fields = self.schema["fields"]
        if table is None or not fields or (self.strict and len(table.names) > len(fields)):
            return None
        places = {name: index for index, name in enumerate(table.names)}
        if not all(item["name"] in places for item in fields):
            return None
        try:
            return [self._column(table.columns[places[item["name"]]], item["type"]) for item in fields]
        except CellError:
            return None

    def _column(self, values: Sequence[Any], schema: Any) -> Sequence[Any]:
        """Cells of one field. Most columns hold one kind of value, which is already what the schema wants."""
        nullable = isinstance(schema, list) and len(schema) == 2 and schema[0] == "null"
        branch = schema[1] if nullable else schema
        kinds = set(map(type, values))
        if kinds == {str} and branch == "string":
            if nullable and not self.null_values.isdisjoint(map(str.lower, values)):
                return [None if value.lower() in self.null_values else value for value in values]
            return values
        if (
            kinds == {int}
            and isinstance(branch, str)
            and branch in _WHOLE
            and max(map(abs, values)) < _WHOLE[branch]
        ):
            return values
        if (kinds == {float} and branch == "double") or (kinds == {bool} and branch == "boolean"):
            return values
        return [self.cell(value, schema) for value in values]

    def row(self, row: Any) -> dict[str, Any]:
        """A row as the schema's record. Raises TaskError with the field, the row and the reason."""
        return self._record(row, self.schema, top=True)

    def _record(self, row: Any, schema: Mapping[str, Any], *, top: bool = False) -> dict[str, Any]:
        fields = schema["fields"]
        if isinstance(row, list):
            positions: Mapping[str, Any] = {item["name"]: value for item, value in zip(fields, row)}
            extra = len(row) > len(fields)
        elif isinstance(row, Mapping):
            positions = row
            extra = len(row) > len(fields)
        else:
            raise CellError(_cell_text(row, schema))
        if extra and self.strict:
            raise TaskError(
                f"IllegalStrictRowConversion: the row has {len(row)} fields, the schema {len(fields)} "
                f"on data [{_short(row)}]"
            )
        result: dict[str, Any] = {}
        for item in fields:
            name = item["name"]
            key = next((alias for alias in (name, *(item.get("aliases") or ())) if alias in positions), None)
            if key is None and "default" in item and not self.infer_all:
                result[name] = item["default"]
                continue
            try:
                result[name] = self.cell(positions.get(key) if key is not None else None, item["type"])
            except CellError as error:
                if not top:
                    raise
                message = f"IllegalRowConvertion on field '{name}' with data [{_short(row)}]"
                if self.on_bad == "ERROR":
                    raise TaskError(message, hint=str(error)) from None
                if self.on_bad == "WARN":
                    self.warn(f"{message}: {error}")
                result[name] = None
        return result

    def cell(self, value: Any, schema: Any) -> Any:
        """A value as a schema wants it. Raises CellError."""
        if isinstance(schema, list):
            for branch in schema:
                try:
                    return self.cell(value, branch)
                except CellError:
                    continue
            raise CellError(f'Invalid data for schema "UNION" on cols with data [{java_text(value)}]')
        if isinstance(schema, str) and schema in self.named:
            schema = self.named[schema]
        kind = schema if isinstance(schema, str) else schema.get("type")
        if isinstance(kind, (dict, list)):
            return self.cell(value, kind)
        logical = schema.get("logicalType") if isinstance(schema, dict) else None
        convert = _LOGICAL.get(str(logical)) or _PLAIN.get(str(kind))
        if convert is None:
            raise CellError(f"Invalid schema {kind}")
        try:
            return convert(self, value, schema if isinstance(schema, dict) else {"type": schema})
        except CellError:
            raise
        except (ValueError, TypeError, KeyError, InvalidOperation, OverflowError) as error:
            raise CellError(f"{_cell_text(value, schema)}: {error}") from None

    # -- one function per type; `schema` is a map

    def _null(self, value: Any, schema: Mapping[str, Any]) -> None:
        if value is not None and not (isinstance(value, str) and value.lower() in self.null_values):
            raise CellError(_cell_text(value, schema))

    def _boolean(self, value: Any, schema: Mapping[str, Any]) -> bool:
        if isinstance(value, bool):
            return value
        text = str(value).lower() if isinstance(value, (str, int)) else None
        if text in self.true_values:
            return True
        if text in self.false_values:
            return False
        raise CellError(_cell_text(value, schema))

    def _number(self, value: Any) -> Any:
        if isinstance(value, str):
            return Decimal(value.replace(self.decimal_separator, ".").strip())
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            raise ValueError("not a number")
        return value

    def _int(self, value: Any, schema: Mapping[str, Any]) -> int:
        number = self._number(value)
        whole = int(number)
        if whole != number or not -(1 << 31) <= whole < 1 << 31:
            raise ValueError("not an int")
        return whole

    def _long(self, value: Any, schema: Mapping[str, Any]) -> int:
        number = self._number(value)
        whole = int(number)
        if whole != number or not -(1 << 63) <= whole < 1 << 63:
            raise ValueError("not a long")
        return whole

    def _double(self, value: Any, schema: Mapping[str, Any]) -> float:
        return float(self._number(value))

    def _string(self, value: Any, schema: Mapping[str, Any]) -> str:
        if value is None:
            raise CellError(_cell_text(value, schema))
        return java_text(value)

    def _bytes(self, value: Any, schema: Mapping[str, Any]) -> bytes:
        if isinstance(value, bytes):
            return value
        if isinstance(value, str):
            return value.encode()
        raise CellError(_cell_text(value, schema))

    def _fixed(self, value: Any, schema: Mapping[str, Any]) -> bytes:
        data = self._bytes(value, schema)
        if len(data) != schema["size"]:
            raise CellError(f"Invalid length for fixed size, found {len(data)}, expexted {schema['size']}")
        return data

    def _enum(self, value: Any, schema: Mapping[str, Any]) -> str:
        text = java_text(value)
        if text not in schema["symbols"]:
            raise CellError(f"Invalid enum value, found {text}, expected [{', '.join(schema['symbols'])}]")
        return text

    def _array(self, value: Any, schema: Mapping[str, Any]) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise CellError(_cell_text(value, schema))
        return [self.cell(item, schema["items"]) for item in value]

    def _map(self, value: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise CellError(_cell_text(value, schema))
        return {str(key): self.cell(item, schema["values"]) for key, item in value.items()}

    def _struct(self, value: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
        return self._record(value, schema)

    def _decimal(self, value: Any, schema: Mapping[str, Any]) -> Decimal:
        scale, precision = int(schema.get("scale", 0)), int(schema["precision"])
        if isinstance(value, bool):
            raise ValueError("not a number")
        if isinstance(value, int):
            # Kestra takes value * 10^(precision - scale) as the unscaled number: right only for scale = precision / 2.
            return Decimal(value * 10 ** (precision - scale)).scaleb(-scale)
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(self._number(value))
        return number.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_EVEN)

    def _uuid(self, value: Any, schema: Mapping[str, Any]) -> str:
        return str(uuid.UUID(str(value)))

    def _date(self, value: Any, schema: Mapping[str, Any]) -> dt.date:
        if isinstance(value, dt.datetime):
            return value.date()
        if isinstance(value, dt.date):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return dt.date(1970, 1, 1) + dt.timedelta(days=value)
        found = self.date_format.parse(str(value))
        return dt.date(found["year"], found.get("month", 1), found.get("day", 1))

    def _time(self, value: Any, schema: Mapping[str, Any]) -> dt.time:
        if isinstance(value, dt.time):
            return value.replace(tzinfo=None)
        found = self.time_format.parse(str(value))
        return dt.time(
            found.get("hour", 0), found.get("minute", 0), found.get("second", 0), found.get("micro", 0)
        )

    def _moment(self, value: Any) -> dt.datetime:
        if isinstance(value, dt.datetime):
            return value
        if isinstance(value, dt.date):
            return dt.datetime.combine(value, dt.time())
        found = self.datetime_format.parse(str(value))
        return dt.datetime(
            found["year"],
            found.get("month", 1),
            found.get("day", 1),
            found.get("hour", 0),
            found.get("minute", 0),
            found.get("second", 0),
            found.get("micro", 0),
            found.get("offset"),
        )

    def _timestamp(self, value: Any, schema: Mapping[str, Any]) -> dt.datetime:
        if isinstance(value, int) and not isinstance(value, bool):
            return _epoch(value, schema).replace(tzinfo=dt.UTC)
        moment = self._moment(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(dt.UTC)

    def _local_timestamp(self, value: Any, schema: Mapping[str, Any]) -> dt.datetime:
        if isinstance(value, int) and not isinstance(value, bool):
            return _epoch(value, schema)
        moment = self._moment(value)
        return moment.astimezone(self.zone).replace(tzinfo=None) if moment.tzinfo else moment


def _epoch(value: int, schema: Mapping[str, Any]) -> dt.datetime:
    unit = 1 if str(schema.get("logicalType")).endswith("micros") else 1000
    return dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=value * unit)


_WHOLE = {"int": 1 << 31, "long": 1 << 63}
_PLAIN: dict[str, Callable[[Converter, Any, Mapping[str, Any]], Any]] = {
    "null": Converter._null,
    "boolean": Converter._boolean,
    "int": Converter._int,
    "long": Converter._long,
    "float": Converter._double,
    "double": Converter._double,
    "string": Converter._string,
    "bytes": Converter._bytes,
    "fixed": Converter._fixed,
    "enum": Converter._enum,
    "array": Converter._array,
    "map": Converter._map,
    "record": Converter._struct,
}
_LOGICAL: dict[str, Callable[[Converter, Any, Mapping[str, Any]], Any]] = {
    "decimal": Converter._decimal,
    "uuid": Converter._uuid,
    "date": Converter._date,
    "time-millis": Converter._time,
    "time-micros": Converter._time,
    "timestamp-millis": Converter._timestamp,
    "timestamp-micros": Converter._timestamp,
    "local-timestamp-millis": Converter._local_timestamp,
    "local-timestamp-micros": Converter._local_timestamp,
}


def _cell_text(value: Any, schema: Any) -> str:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return f"IllegalCellConversion on cols with data [{java_text(value)}] and schema [{text}]"


def _short(row: Any) -> str:
    return json.dumps(row, default=str, ensure_ascii=False)[:250]


def scan(batches: Iterator[Table | list[Any]], count: int) -> tuple[list[Any], list[Table | list[Any]]]:
    """The first rows, for inference, and the batches that were read for them."""
    rows: list[Any] = []
    read: list[Table | list[Any]] = []
    while len(rows) < count and (batch := next(batches, None)) is not None:
        read.append(batch)
        rows += batch.rows() if isinstance(batch, Table) else batch
    return rows[:count], read
