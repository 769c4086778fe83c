"""SQS, SNS, DynamoDB, Kinesis and EventBridge tasks against the AWS double."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1
from simulator.doubles.aws import AwsDouble
from simulator.engine.task import Endpoint
from simulator.errors import TaskError
from simulator.plugins.aws.dynamodb import (
    DynamodbDeleteItem,
    DynamodbGetItem,
    DynamodbPutItem,
    DynamodbQuery,
    DynamodbScan,
)
from simulator.plugins.aws.messages import SnsPublish, SqsConsume, SqsPublish, SqsTrigger
from simulator.plugins.aws.records import EventbridgePutEvents, KinesisPutRecords
from simulator.storage.fileserde import read_rows
from tests.plugins.fake_context import FakeContext

ITEMS = [{"id": "a", "n": number, "city": "Berlin" if number % 2 else "Paris"} for number in range(5)]


@pytest.fixture(scope="module")
def double() -> Iterator[AwsDouble]:
    found = AwsDouble({"tables": {"users": {"key": "id", "sort": "n", "types": {"n": "N"}, "items": ITEMS}}})
    found.start()
    yield found
    found.stop()


Make = Callable[..., FakeContext]


@pytest.fixture
def make(tmp_path: Path, double: AwsDouble) -> Make:
    def build(plugin: Any, properties: Mapping[str, Any], **rest: Any) -> FakeContext:
        base = {"accessKeyId": "ak", "secretKeyId": "sk", "region": "eu-central-1"}
        ctx = FakeContext(tmp_path, {**base, **properties}, spec=plugin.spec, dialect=V1, **rest)
        address = double.ready()

        class Endpoints:
            def resolve(self, kind: str, url: str, **wanted: Any) -> Endpoint:
                assert kind == "aws"
                double.prepare(wanted)
                return Endpoint(address.url, address.host, address.port, "aws", address.facts)

        ctx.endpoints = Endpoints()  # type: ignore[assignment]
        return ctx

    return build


def rows(ctx: FakeContext, uri: str) -> list[Any]:
    return list(read_rows(io.BytesIO(ctx.read(uri))))


def queue(name: str) -> str:
    return f"https://sqs.eu-central-1.amazonaws.com/123456789/{name}"


def test_messages_go_through_a_queue(make: Make) -> None:
    url = queue("through")
    ctx = make(SqsPublish, {"queueUrl": url, "from": [{"data": "one"}, {"data": {"n": "{{ 1 + 1 }}"}}]})
    assert SqsPublish().run(ctx).outputs == {"messagesCount": 2}
    assert ctx.metrics == [("messages", 2, "counter", {"queue": url})]

    ctx = make(SqsConsume, {"queueUrl": url, "maxRecords": 2})
    outputs = SqsConsume().run(ctx).outputs or {}
    assert outputs["count"] == 2
    assert rows(ctx, outputs["uri"]) == ["one", '{"n":"2"}']
    assert ctx.metrics == [("records", 2, "counter", {"queue": url})]

    # they were deleted
    ctx = make(SqsConsume, {"queueUrl": url, "maxDuration": "PT3S"})
    assert (SqsConsume().run(ctx).outputs or {})["count"] == 0
    assert ctx.clock.slept == [dt.timedelta(seconds=1)] * 3


def test_messages_come_from_a_file_and_json(make: Make) -> None:
    url = queue("file")
    ctx = make(SqsPublish, {"queueUrl": url})
    ctx.properties["from"] = ctx.store('{data:"{\\"a\\":1}"}\n{data:"[2]",delaySeconds:0}\n')
    assert SqsPublish().run(ctx).outputs == {"messagesCount": 2}
    ctx = make(SqsConsume, {"queueUrl": url, "maxRecords": 2, "serdeType": "JSON"})
    assert rows(ctx, (SqsConsume().run(ctx).outputs or {})["uri"]) == [{"a": 1}, [2]]


def test_a_wait_without_an_end_is_refused(make: Make) -> None:
    ctx = make(SqsConsume, {"queueUrl": queue("empty")})
    with pytest.raises(
        TaskError, match="'maxDuration' or 'maxRecords' must be set to avoid an infinite loop"
    ):
        SqsConsume().run(ctx)
    ctx = make(SqsConsume, {"queueUrl": queue("empty"), "maxRecords": 1})
    with pytest.raises(TaskError, match="0 of 1 messages came within an hour"):
        SqsConsume().run(ctx)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nonsense", "must be a Kestra internal storage URI"),
        ("[1]", "each item must be a map"),
        ([{"data": "x", "dela": 1}], "Unrecognized field of a message: dela"),
        ([{"data": "x", "delaySeconds": "soon"}], "wrong type"),
    ],
)
def test_what_is_no_message(make: Make, source: Any, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        SqsPublish().run(make(SqsPublish, {"queueUrl": queue("bad"), "from": source}))


def test_the_trigger_fires_on_messages_only(make: Make) -> None:
    url = queue("trigger")
    properties = {"queueUrl": url, "maxRecords": 1}
    assert SqsTrigger().evaluate(make(SqsTrigger, properties)) is None
    SqsPublish().run(make(SqsPublish, {"queueUrl": url, "from": {"data": "go"}}))
    ctx = make(SqsTrigger, properties)
    found = SqsTrigger().evaluate(ctx)
    assert found is not None and found.variables["count"] == 1
    assert rows(ctx, found.variables["uri"]) == ["go"]


def test_topics(make: Make, double: AwsDouble) -> None:
    arn = "arn:aws:sns:eu-central-1:000000000000:MyTopic"
    ctx = make(SnsPublish, {"topicArn": arn, "from": {"data": "hi", "subject": "s"}})
    assert SnsPublish().run(ctx).outputs == {"messagesCount": 1}
    assert double.contents()["topics"][arn] == [{"message": "hi", "subject": "s"}]


def test_records(make: Make, double: AwsDouble) -> None:
    items = [{"data": f"{number}", "partitionKey": "p"} for number in range(501)]
    ctx = make(KinesisPutRecords, {"streamName": "clicks", "records": items})
    outputs = KinesisPutRecords().run(ctx).outputs or {}
    assert (outputs["recordCount"], outputs["failedRecordsCount"]) == (501, 0)
    answers = rows(ctx, outputs["uri"])
    assert len(answers) == 501 and answers[500]["record"] == items[500] and answers[0]["shardId"]
    assert [item["data"] for item in double.contents()["streams"]["clicks"]] == [
        item["data"] for item in items
    ]
    with pytest.raises(TaskError, match="Either streamName or streamArn"):
        KinesisPutRecords().run(make(KinesisPutRecords, {"records": items}))


def test_events(make: Make, double: AwsDouble) -> None:
    entry = {"source": "kestra", "eventBusName": "mine", "detailType": "t", "detail": {"m": 1}}
    ctx = make(EventbridgePutEvents, {"entries": [entry] * 11})
    outputs = EventbridgePutEvents().run(ctx).outputs or {}
    assert (outputs["entryCount"], outputs["failedEntryCount"]) == (11, 0)
    assert rows(ctx, outputs["uri"])[0]["eventId"]
    assert [event["Detail"] for event in double.contents()["buses"]["mine"]] == ['{"m":1}'] * 11

    ctx = make(EventbridgePutEvents, {"entries": [{"source": "kestra"}]})
    with pytest.raises(TaskError, match="Response show 1 event failed"):
        EventbridgePutEvents().run(ctx)
    ctx.properties["failOnUnsuccessfulEvents"] = False
    outputs = EventbridgePutEvents().run(ctx).outputs or {}
    assert outputs["failedEntryCount"] == 1
    assert rows(ctx, outputs["uri"])[0]["errorCode"] == "InvalidArgument"


def test_items_of_a_table(make: Make) -> None:
    item = {"id": "new", "n": 1.5, "list": ["a", True, None], "map": {"deep": 2}}
    DynamodbPutItem().run(make(DynamodbPutItem, {"tableName": "users", "item": item}))
    key = {"tableName": "users", "key": {"id": "new", "n": 1.5}}
    assert DynamodbGetItem().run(make(DynamodbGetItem, key)).outputs == {"row": item}
    assert DynamodbDeleteItem().run(make(DynamodbDeleteItem, key)).outputs is None
    assert DynamodbGetItem().run(make(DynamodbGetItem, key)).outputs == {"row": {}}
    with pytest.raises(TaskError, match="The item must be a map"):
        DynamodbPutItem().run(make(DynamodbPutItem, {"tableName": "users", "item": "[1]"}))


def test_query_and_scan_in_each_fetch_type(make: Make) -> None:
    query = {
        "tableName": "users",
        "keyConditionExpression": "id = :id",
        "expressionAttributeValues": {":id": "a"},
    }
    ctx = make(DynamodbQuery, query)
    outputs = DynamodbQuery().run(ctx).outputs or {}
    assert outputs["size"] == 5 and rows(ctx, outputs["uri"]) == ITEMS
    assert ctx.metrics == [("records", 5, "counter", {"tableName": "users"})]

    scan = {
        "tableName": "users",
        "filterExpression": "city = :c",
        "expressionAttributeValues": {":c": "Paris"},
    }
    berlin = [item for item in ITEMS if item["city"] == "Paris"]
    run = DynamodbScan().run
    assert run(make(DynamodbScan, {**scan, "fetchType": "FETCH"})).outputs == {"rows": berlin, "size": 3}
    assert run(make(DynamodbScan, {**scan, "fetchType": "FETCH_ONE"})).outputs == {
        "row": berlin[0],
        "size": 1,
    }
    assert run(make(DynamodbScan, {**scan, "fetchType": "NONE"})).outputs == {"size": 3}
    limited = {"tableName": "users", "limit": 2, "fetchType": "FETCH"}
    assert (run(make(DynamodbScan, limited)).outputs or {})["size"] == 2


def test_a_missing_table_says_how_to_declare_it(make: Make) -> None:
    with pytest.raises(TaskError) as caught:
        DynamodbScan().run(make(DynamodbScan, {"tableName": "nope"}))
    assert "Service: DynamoDb, Status Code: 400" in str(caught.value)
    assert "doubles: aws: tables:" in (caught.value.hint or "")
