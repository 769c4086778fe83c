"""`sqs.Publish`, `sqs.Consume`, `sqs.Trigger`, `sns.Publish` (fs-and-others.md 7).

What the reference leaves open is as the SDK has it; the names of the counters are the plugin's usual ones.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult, TriggerResult
from simulator.errors import TaskError
from simulator.model.catalog import Kind, OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.aws.connection import aws_client
from simulator.plugins.aws.errors import sdk_errors
from simulator.plugins.aws.items import as_json, read_items
from simulator.plugins.aws.specs import CONNECTION
from simulator.storage.fileserde import row_writer

__all__ = ["SnsPublish", "SqsConsume", "SqsPublish", "SqsTrigger"]

_QUEUE = PropertySpec("queueUrl", required=True)
_FROM = PropertySpec("from", T.DATA, required=True, as_property=False, doc="URI, map or list of messages")
_COUNT = (OutputSpec("messagesCount", T.INTEGER),)
#: A queue that stays empty this long in simulated time will not fill any more.
_PATIENCE = dt.timedelta(hours=1)
_POLL = dt.timedelta(seconds=1)
_BATCH = 10


def _queue_name(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]


class SqsPublish:
    """One SendMessage per message."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.sqs.Publish",
        properties=(*CONNECTION, _QUEUE, _FROM),
        outputs=_COUNT,
        needs=("aws",),
        doc="Send messages to an Amazon SQS queue.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        url = str(ctx.get("queueUrl"))
        client = aws_client(ctx, "sqs", queue=_queue_name(url))

        def send(message: Mapping[str, Any]) -> None:
            client.send_message(
                QueueUrl=url, MessageBody=as_json(message.get("data", "")), **_given(message, _SQS_OPTIONS)
            )

        return _publish(ctx, send, "Sqs", {"queue": url})


class SnsPublish:
    """One Publish per message."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.sns.Publish",
        properties=(*CONNECTION, PropertySpec("topicArn", required=True), _FROM),
        outputs=_COUNT,
        needs=("aws",),
        doc="Publish messages to an Amazon SNS topic.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        arn = str(ctx.get("topicArn"))
        client = aws_client(ctx, "sns", topic=arn)

        def send(message: Mapping[str, Any]) -> None:
            options = _given(message, _SNS_OPTIONS)
            # The API takes one place: a phone number instead of the topic.
            place = {} if "PhoneNumber" in options else {"TopicArn": arn}
            client.publish(Message=as_json(message.get("data", "")), **place, **options)

        return _publish(ctx, send, "Sns", {"topic": arn})


def _attributes(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(name): item
        if isinstance(item, Mapping)
        else {
            "DataType": "Number"
            if isinstance(item, (int, float)) and not isinstance(item, bool)
            else "String",
            "StringValue": as_json(item),
        }
        for name, item in value.items()
    }


#: field of a message -> argument of the API, how it is converted
_SQS_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "delaySeconds": ("DelaySeconds", int),
    "groupId": ("MessageGroupId", str),
    "deduplicationId": ("MessageDeduplicationId", str),
    "messageAttributes": ("MessageAttributes", _attributes),
}
_SNS_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "subject": ("Subject", str),
    "phoneNumber": ("PhoneNumber", str),
    "structure": ("MessageStructure", str),
    "groupId": ("MessageGroupId", str),
    "deduplicationId": ("MessageDeduplicationId", str),
    "messageAttributes": ("MessageAttributes", _attributes),
    "smsAttributes": ("MessageAttributes", _attributes),
}


def _given(
    message: Mapping[str, Any], options: Mapping[str, tuple[str, Callable[[Any], Any]]]
) -> dict[str, Any]:
    unknown = set(message) - set(options) - {"data"}
    if unknown:
        raise TaskError(f"Unrecognized field of a message: {', '.join(sorted(unknown))}")
    try:
        return {
            argument: convert(message[name])
            for name, (argument, convert) in options.items()
            if message.get(name) is not None
        }
    except (TypeError, ValueError, AttributeError) as error:
        raise TaskError(f"a message has a field of the wrong type: {error}") from None


def _publish(
    ctx: RunContext, send: Callable[[Mapping[str, Any]], None], service: str, tags: Mapping[str, str]
) -> TaskResult:
    count = 0
    with sdk_errors(service=service):
        for message in read_items(ctx, "from"):
            if ctx.cancelled:
                break
            send(message)
            count += 1
    ctx.metric("messages", count, tags=tags)
    return TaskResult({"messagesCount": count}, fact=f"{count:,} messages -> {next(iter(tags.values()))}")


_CONSUME = (
    _QUEUE,
    PropertySpec("maxRecords", T.INTEGER),
    PropertySpec("maxDuration", T.DURATION),
    PropertySpec("serdeType", T.ENUM, default="STRING", values=("STRING", "JSON")),
    PropertySpec("autoDelete", T.BOOLEAN, default=True),
    PropertySpec("visibilityTimeout", T.INTEGER, default=30, doc="seconds"),
)
_CONSUMED = (OutputSpec("count", T.INTEGER), OutputSpec("uri", T.URI))


class SqsConsume:
    """Reads until `maxRecords` or `maxDuration` is reached; the bodies become rows of a file."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.sqs.Consume",
        properties=(*CONNECTION, *_CONSUME),
        outputs=_CONSUMED,
        needs=("aws",),
        doc="Consume messages from an Amazon SQS queue.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        outputs = _consume(ctx, trigger=False)
        return TaskResult(outputs, fact=f"{outputs['count']:,} messages -> {outputs['uri']}")


class SqsTrigger:
    """Consumes at each poll; fires when there was a message."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.sqs.Trigger",
        Kind.TRIGGER,
        properties=(
            *CONNECTION,
            *_CONSUME,
            PropertySpec("interval", T.DURATION, default=dt.timedelta(seconds=60), as_property=False),
        ),
        outputs=_CONSUMED,
        needs=("aws",),
        doc="Start an execution when messages arrive in an Amazon SQS queue.",
    )

    def evaluate(self, ctx: RunContext) -> TriggerResult | None:
        outputs = _consume(ctx, trigger=True)
        return TriggerResult(outputs) if outputs["count"] else None


def _consume(ctx: RunContext, *, trigger: bool) -> dict[str, Any]:
    maximum, duration = ctx.get("maxRecords"), ctx.get("maxDuration")
    if maximum is None and duration is None:
        raise TaskError("'maxDuration' or 'maxRecords' must be set to avoid an infinite loop")
    url, json_bodies = str(ctx.get("queueUrl")), ctx.get("serdeType") == "JSON"
    client = aws_client(ctx, "sqs", queue=_queue_name(url))
    path = ctx.temp_file(".ion")
    started = ctx.clock.now()
    count = 0
    with path.open("wb") as target, row_writer(target, ctx.dialect) as rows, sdk_errors(service="Sqs"):
        while not ctx.cancelled:
            left = _BATCH if maximum is None else min(_BATCH, maximum - count)
            found = client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=max(left, 1),
                VisibilityTimeout=int(ctx.get("visibilityTimeout")),
                WaitTimeSeconds=0,
            ).get("Messages", ())
            for message in found:
                rows.write(_body(message["Body"]) if json_bodies else message["Body"])
                count += 1
                if ctx.get("autoDelete"):
                    client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            if maximum is not None and count >= maximum:
                break
            elapsed = ctx.clock.now() - started
            if duration is not None and elapsed >= duration:
                break
            if found:
                continue
            if trigger and duration is None and ctx.clock.simulated:
                # Kestra's poll would hang on; the next poll sees the same.
                break
            if duration is None and ctx.clock.simulated and elapsed >= _PATIENCE:
                raise TaskError(
                    f"{count} of {maximum} messages came within an hour",
                    hint="Kestra waits for maxRecords without an end: `maxDuration` ends the wait, and"
                    " `doubles: aws: queues:` in the side file puts messages into the queue",
                )
            ctx.clock.sleep(_pause(duration, elapsed, simulated=ctx.clock.simulated))
    ctx.metric("records", count, tags={"queue": url})
    return {"count": count, "uri": ctx.put_file(path)}


def _pause(duration: dt.timedelta | None, elapsed: dt.timedelta, *, simulated: bool) -> dt.timedelta:
    """Until the next look: a second, longer in simulated time the longer nothing came."""
    pause = max(_POLL, elapsed / 10) if simulated else _POLL
    return pause if duration is None else min(pause, duration - elapsed)


def _body(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise TaskError(f"a message is no JSON: {error}") from None
