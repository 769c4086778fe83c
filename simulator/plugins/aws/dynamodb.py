"""`dynamodb.PutItem`, `GetItem`, `DeleteItem`, `Query`, `Scan` (fs-and-others.md 7)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.aws.connection import aws_client
from simulator.plugins.aws.errors import sdk_errors
from simulator.plugins.aws.specs import CONNECTION
from simulator.storage.fileserde import row_writer

__all__ = ["DynamodbDeleteItem", "DynamodbGetItem", "DynamodbPutItem", "DynamodbQuery", "DynamodbScan"]

_TABLE = PropertySpec("tableName", required=True)
_KEY = PropertySpec("key", T.MAP, required=True)
_FETCH = PropertySpec("fetchType", T.ENUM, default="STORE", values=("NONE", "FETCH", "FETCH_ONE", "STORE"))
_VALUES = PropertySpec("expressionAttributeValues", T.MAP)
_ROWS = (
    OutputSpec("row", T.MAP),
    OutputSpec("rows", T.LIST),
    OutputSpec("uri", T.URI),
    OutputSpec("size", T.INTEGER),
)


def _attribute(value: Any) -> dict[str, Any]:
    """A value of the flow as DynamoDB's."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float() | Decimal():
            return {"N": format(Decimal(str(value)), "f")}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": _attributes(value)}
        case list() | tuple():
            return {"L": [_attribute(item) for item in value]}
    return {"S": str(value)}


def _attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): _attribute(value) for key, value in item.items()}


def _value(attribute: Mapping[str, Any]) -> Any:
    """DynamoDB's value as outputs have it: whole numbers are int, others float; sets are lists."""
    ((kind, inner),) = attribute.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return _number(inner)
        case "NS":
            return [_number(item) for item in inner]
        case "M":
            return _row(inner)
        case "L":
            return [_value(item) for item in inner]
    return list(inner) if kind in ("SS", "BS") else inner


def _number(text: str) -> int | float:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)


def _row(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(value) for key, value in item.items()}


class DynamodbPutItem:
    """One item, from a map or JSON text."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.dynamodb.PutItem",
        properties=(*CONNECTION, _TABLE, PropertySpec("item", T.DATA, required=True, as_property=False)),
        needs=("aws",),
        doc="Put an item into a DynamoDB table.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        item = ctx.render(ctx.raw("item"))
        if isinstance(item, str):
            try:
                item = json.loads(item)
            except ValueError as error:
                raise TaskError(f"The item is no valid JSON: {error}") from None
        if not isinstance(item, Mapping):
            raise TaskError("The item must be a map or a JSON object")
        table = str(ctx.get("tableName"))
        client = aws_client(ctx, "dynamodb")
        with sdk_errors(service="DynamoDb"):
            client.put_item(TableName=table, Item=_attributes(item))
        return TaskResult(fact=f"1 item -> {table}")


class DynamodbDeleteItem:
    """One item by its key; a key that is not there is no error."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.dynamodb.DeleteItem",
        properties=(*CONNECTION, _TABLE, _KEY),
        needs=("aws",),
        doc="Delete an item from a DynamoDB table.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        client = aws_client(ctx, "dynamodb")
        with sdk_errors(service="DynamoDb"):
            client.delete_item(TableName=str(ctx.get("tableName")), Key=_attributes(ctx.get("key") or {}))
        return TaskResult(fact=f"deleted from {ctx.get('tableName')}")


class DynamodbGetItem:
    """One item by its key; an empty map when there is none."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.dynamodb.GetItem",
        properties=(*CONNECTION, _TABLE, _KEY),
        outputs=(OutputSpec("row", T.MAP),),
        needs=("aws",),
        doc="Get an item from a DynamoDB table.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        client = aws_client(ctx, "dynamodb")
        with sdk_errors(service="DynamoDb"):
            answer = client.get_item(
                TableName=str(ctx.get("tableName")), Key=_attributes(ctx.get("key") or {})
            )
        return TaskResult({"row": _row(answer.get("Item") or {})})


class _Read:
    """Query and Scan: pages followed up to `limit`."""

    spec: ClassVar[TaskSpec]
    operation: ClassVar[str]

    def run(self, ctx: RunContext) -> TaskResult:
        client = aws_client(ctx, "dynamodb")
        request: dict[str, Any] = {"TableName": str(ctx.get("tableName"))}
        for name, argument in (
            ("keyConditionExpression", "KeyConditionExpression"),
            ("filterExpression", "FilterExpression"),
        ):
            if self.spec.property(name) is not None and ctx.get(name):
                request[argument] = str(ctx.get(name))
        if ctx.get("expressionAttributeValues"):
            request["ExpressionAttributeValues"] = _attributes(ctx.get("expressionAttributeValues"))
        kind = str(ctx.get("fetchType"))
        with sdk_errors(service="DynamoDb"):
            rows = self._rows(ctx, client, request)
            outputs = _fetch(ctx, rows, kind)
        size = outputs["size"]
        ctx.metric("records", size, tags={"tableName": request["TableName"]})
        return TaskResult(
            outputs, fact=f"{size:,} rows" + (f" -> {outputs['uri']}" if "uri" in outputs else "")
        )

    def _rows(self, ctx: RunContext, client: Any, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        limit = ctx.get("limit")
        left = None if limit is None else int(limit)
        while not ctx.cancelled:
            more = {} if left is None else {"Limit": left}
            answer = getattr(client, self.operation)(**request, **more)
            for item in answer.get("Items", ()):
                yield _row(item)
            # `limit` counts what is looked at, before the filter: one request reads it all or up to a page.
            left = None if left is None else left - answer.get("ScannedCount", 0)
            if not answer.get("LastEvaluatedKey") or (left is not None and left <= 0):
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _fetch(ctx: RunContext, rows: Iterator[dict[str, Any]], kind: str) -> dict[str, Any]:
    match kind:
        case "FETCH":
            found = list(rows)
            return {"rows": found, "size": len(found)}
        case "FETCH_ONE":
            row = next(rows, None)
            return {"size": 0} if row is None else {"row": row, "size": 1}
        case "STORE":
            path = ctx.temp_file(".ion")
            with path.open("wb") as target, row_writer(target, ctx.dialect) as writer:
                writer.write_all(rows)
            return {"uri": ctx.put_file(path), "size": writer.count}
    return {"size": sum(1 for _ in rows)}


class DynamodbQuery(_Read):
    """Items of one partition key."""

    operation = "query"
    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.dynamodb.Query",
        properties=(
            *CONNECTION,
            _TABLE,
            _FETCH,
            PropertySpec("keyConditionExpression", required=True),
            PropertySpec("expressionAttributeValues", T.MAP, required=True),
            PropertySpec("filterExpression"),
            PropertySpec("limit", T.INTEGER),
        ),
        outputs=_ROWS,
        needs=("aws",),
        doc="Query a DynamoDB table.",
    )


class DynamodbScan(_Read):
    """All items, or those that a filter leaves."""

    operation = "scan"
    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.dynamodb.Scan",
        properties=(
            *CONNECTION,
            _TABLE,
            _FETCH,
            _VALUES,
            PropertySpec("filterExpression"),
            PropertySpec("limit", T.INTEGER),
        ),
        outputs=_ROWS,
        needs=("aws",),
        doc="Scan a DynamoDB table.",
    )
