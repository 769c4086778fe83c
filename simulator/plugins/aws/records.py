"""`kinesis.PutRecords` and `eventbridge.PutEvents`: batches, with an answer for each entry (fs-and-others.md 7)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.aws.connection import aws_client
from simulator.plugins.aws.errors import sdk_errors
from simulator.plugins.aws.items import as_json, read_items
from simulator.plugins.aws.specs import CONNECTION
from simulator.storage.fileserde import row_writer

__all__ = ["EventbridgePutEvents", "KinesisPutRecords"]


class KinesisPutRecords:
    """Records into a stream; the file of answers has `sequenceNumber`, `shardId`, `errorCode`, `errorMessage`, `record`."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.kinesis.PutRecords",
        properties=(
            *CONNECTION,
            PropertySpec("streamName"),
            PropertySpec("streamArn"),
            PropertySpec("records", T.DATA, required=True, as_property=False),
            PropertySpec("failOnUnsuccessfulRecords", T.BOOLEAN, default=True),
        ),
        outputs=(
            OutputSpec("uri", T.URI),
            OutputSpec("failedRecordsCount", T.INTEGER),
            OutputSpec("recordCount", T.INTEGER),
        ),
        needs=("aws",),
        doc="Send multiple records to Amazon Kinesis Data Streams.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        name, arn = ctx.get("streamName"), ctx.get("streamArn")
        if not name and not arn:
            raise TaskError("Either streamName or streamArn has to be set.")
        client = aws_client(ctx, "kinesis", stream=name or str(arn).rpartition("/")[2])
        place = {"StreamARN": arn} if arn else {"StreamName": name}

        def put(batch: list[Mapping[str, Any]]) -> tuple[int, list[dict[str, Any]]]:
            answer = client.put_records(Records=[_record(item) for item in batch], **place)
            return answer["FailedRecordCount"], [
                {
                    "sequenceNumber": found.get("SequenceNumber"),
                    "shardId": found.get("ShardId"),
                    "errorCode": found.get("ErrorCode"),
                    "errorMessage": found.get("ErrorMessage"),
                    "record": item,
                }
                for item, found in zip(batch, answer["Records"], strict=True)
            ]

        uri, total, failed = _put_all(ctx, "records", 500, put, "Kinesis")
        for metric, value in (
            ("failedRecordCount", failed),
            ("successfulRecordCount", total - failed),
            ("recordCount", total),
        ):
            ctx.metric(metric, value)
        _judge(ctx, "failOnUnsuccessfulRecords", failed, "record")
        return TaskResult(
            {"uri": uri, "failedRecordsCount": failed, "recordCount": total},
            fact=f"{total:,} records -> {name or arn}",
        )


class EventbridgePutEvents:
    """Events onto a bus; the file of answers has `eventId`, `errorCode`, `errorMessage`, `entry`."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.eventbridge.PutEvents",
        properties=(
            *CONNECTION,
            PropertySpec("entries", T.DATA, required=True, as_property=False),
            PropertySpec("failOnUnsuccessfulEvents", T.BOOLEAN, default=True),
        ),
        outputs=(
            OutputSpec("uri", T.URI),
            OutputSpec("failedEntryCount", T.INTEGER),
            OutputSpec("entryCount", T.INTEGER),
        ),
        needs=("aws",),
        doc="Send multiple custom events to Amazon EventBridge.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        client = aws_client(ctx, "events")
        known: set[str] = set()

        def put(batch: list[Mapping[str, Any]]) -> tuple[int, list[dict[str, Any]]]:
            for item in batch:
                bus = str(item.get("eventBusName") or "default").rpartition("/")[2]
                if bus != "default" and bus not in known:
                    known.add(bus)
                    aws_client(ctx, "events", bus=bus)  # an undeclared double makes it
            answer = client.put_events(Entries=[_event(item) for item in batch])
            return answer["FailedEntryCount"], [
                {
                    "eventId": found.get("EventId"),
                    "errorCode": found.get("ErrorCode"),
                    "errorMessage": found.get("ErrorMessage"),
                    "entry": item,
                }
                for item, found in zip(batch, answer["Entries"], strict=True)
            ]

        uri, total, failed = _put_all(ctx, "entries", 10, put, "EventBridge")
        for metric, value in (
            ("failedEntryCount", failed),
            ("successfulEntryCount", total - failed),
            ("entryCount", total),
        ):
            ctx.metric(metric, value)
        _judge(ctx, "failOnUnsuccessfulEvents", failed, "event")
        return TaskResult(
            {"uri": uri, "failedEntryCount": failed, "entryCount": total}, fact=f"{total:,} events"
        )


_RECORD = ("data", "partitionKey", "explicitHashKey")
_EVENT = ("eventBusName", "source", "detailType", "detail", "resources", "time", "traceHeader")


def _record(item: Mapping[str, Any]) -> dict[str, Any]:
    _known(item, _RECORD)
    if item.get("partitionKey") is None or item.get("data") is None:
        raise TaskError("a record needs `partitionKey` and `data`")
    record: dict[str, Any] = {
        "Data": as_json(item["data"]).encode(),
        "PartitionKey": str(item["partitionKey"]),
    }
    if item.get("explicitHashKey"):
        record["ExplicitHashKey"] = str(item["explicitHashKey"])
    return record


def _event(item: Mapping[str, Any]) -> dict[str, Any]:
    _known(item, _EVENT)
    event = {
        argument: str(item[name])
        for name, argument in (
            ("eventBusName", "EventBusName"),
            ("source", "Source"),
            ("detailType", "DetailType"),
            ("traceHeader", "TraceHeader"),
        )
        if item.get(name) is not None
    }
    if item.get("detail") is not None:
        event["Detail"] = as_json(item["detail"])
    more: dict[str, Any] = {"Resources": [str(name) for name in item.get("resources") or ()]}
    if item.get("time") is not None:
        more["Time"] = item["time"]
    return event | {key: value for key, value in more.items() if value}


def _known(item: Mapping[str, Any], fields: tuple[str, ...]) -> None:
    unknown = set(item) - set(fields)
    if unknown:
        raise TaskError(f"Unrecognized field: {', '.join(sorted(map(str, unknown)))}")


def _put_all(
    ctx: RunContext,
    name: str,
    size: int,
    put: Callable[[list[Mapping[str, Any]]], tuple[int, list[dict[str, Any]]]],
    service: str,
) -> tuple[str, int, int]:
    """Sends all items in batches of what the API takes; the file of answers, how many, how many failed."""
    path = ctx.temp_file(".ion")
    total = failed = 0
    with path.open("wb") as target, row_writer(target, ctx.dialect) as rows, sdk_errors(service=service):
        for batch in _batches(read_items(ctx, name), size):
            if ctx.cancelled:
                break
            bad, answers = put(batch)
            rows.write_all(answers)
            total, failed = total + len(batch), failed + bad
    return ctx.put_file(path), total, failed


def _batches(items: Iterator[Mapping[str, Any]], size: int) -> Iterator[list[Mapping[str, Any]]]:
    while batch := list(itertools.islice(items, size)):
        yield batch


def _judge(ctx: RunContext, flag: str, failed: int, what: str) -> None:
    if failed and ctx.get(flag):
        raise TaskError(f"Response show {failed} {what} failed")
