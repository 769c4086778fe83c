"""The AWS double over the wire: checked credentials, declared stock, what was made on first use."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from simulator.doubles.aws import AwsDouble
from simulator.errors import DoubleError, InvalidFlowError
from simulator.world.sidefile import read_side_file

DECLARED: dict[str, Any] = {
    "credentials": [{"access_key": "ak", "secret_key": "sk"}],
    "queues": {"orders": {"messages": ["one", {"n": 2}]}, "far": {"region": "us-west-2"}},
    "topics": {"news": {"queues": ["inbox"]}},
    "tables": {"users": {"key": "id", "sort": "at", "types": {"at": "N"}, "items": [{"id": "a", "at": 1}]}},
    "streams": {"clicks": {"shards": 2}},
}


@pytest.fixture(scope="module")
def double() -> Iterator[AwsDouble]:
    found = AwsDouble({**DECLARED, "queues": {**DECLARED["queues"], "inbox": {}}})
    found.start()
    yield found
    found.stop()


def client(
    double: AwsDouble, service: str, *, region: str = "eu-central-1", secret: str = "sk", key: str = "ak"
) -> Any:
    return botocore.session.Session().create_client(
        service,
        endpoint_url=double.ready().url,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


def test_credentials_are_checked(double: AwsDouble) -> None:
    with pytest.raises(ClientError, match="The security token included in the request is invalid"):
        client(double, "sqs", key="nobody").list_queues()
    with pytest.raises(ClientError, match="The request signature we calculated does not match"):
        client(double, "dynamodb", secret="wrong").list_tables()
    assert client(double, "dynamodb").list_tables()["TableNames"] == ["users"]


def test_unsigned_and_foreign_requests_are_refused(double: AwsDouble) -> None:
    address = double.ready()
    for headers in ({}, {"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        connection = http.client.HTTPConnection(address.host, address.port)
        connection.request("POST", "/", body=b"Action=ListQueues", headers=headers)
        assert connection.getresponse().status == 403
        connection.close()


def test_declared_stock_and_contents(double: AwsDouble) -> None:
    sqs = client(double, "sqs")
    found = sqs.receive_message(
        QueueUrl="https://sqs.eu-central-1.amazonaws.com/1/orders", MaxNumberOfMessages=10
    )
    assert [message["Body"] for message in found["Messages"]] == ["one", '{"n": 2}']
    with pytest.raises(ClientError, match="queue does not exist"):
        sqs.receive_message(QueueUrl="https://sqs.eu-central-1.amazonaws.com/1/far")
    client(double, "sns").publish(TopicArn="arn:aws:sns:eu-central-1:123456789012:news", Message="hi")
    client(double, "kinesis").put_records(StreamName="clicks", Records=[{"Data": b"x", "PartitionKey": "p"}])
    client(double, "events").put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": "{}"}])
    client(double, "dynamodb").put_item(TableName="users", Item={"id": {"S": "b"}, "at": {"N": "2.5"}})
    contents = double.contents()
    assert contents["topics"]["news"] == [{"message": "hi"}]
    assert "hi" in contents["queues"]["inbox"][0]
    assert contents["streams"]["clicks"] == [{"partitionKey": "p", "data": "x"}]
    assert contents["buses"]["default"][0]["Source"] == "s"
    assert contents["tables"]["users"] == [{"id": "a", "at": 1}, {"id": "b", "at": 2.5}]


def test_a_declared_kind_grows_no_further(double: AwsDouble) -> None:
    double.prepare({"access_key": "new", "secret_key": "x", "queue": "other", "region": "eu-central-1"})
    with pytest.raises(ClientError, match="queue does not exist"):
        client(double, "sqs").receive_message(QueueUrl="https://sqs.eu-central-1.amazonaws.com/1/other")
    with pytest.raises(ClientError, match="security token"):
        client(double, "sqs", key="new", secret="x").list_queues()


def test_items_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "users.jsonl").write_text('{"id": "a"}\n\n{"id": "b"}\n')
    tables = {"users": {"key": "id", "items": "users.jsonl"}}
    assert AwsDouble({"tables": tables}, resolve=lambda name: tmp_path / name)._config()["stock"]["tables"][
        "users"
    ]["items"] == [{"id": "a"}, {"id": "b"}]
    with pytest.raises(DoubleError, match="cannot be read"):
        AwsDouble({"tables": {"x": {"key": "id", "items": "no.json"}}})._config()


def test_faults_strike() -> None:
    double = AwsDouble(faults=[{"kind": "status", "status": 500, "code": "InternalFailure", "times": 1}])
    double.prepare({"access_key": "ak", "secret_key": "sk", "queue": "q", "region": "eu-central-1"})
    try:
        found = client(double, "sqs").list_queues()  # botocore tries again after the 500
        assert found["ResponseMetadata"]["RetryAttempts"] == 1
        assert found["QueueUrls"][0].endswith("/q")
    finally:
        double.stop()


def test_mistakes_in_the_side_file_have_a_place(tmp_path: Path) -> None:
    path = tmp_path / "a.sim.yml"
    path.write_text("doubles:\n  aws:\n    tables:\n      users: {keys: id}\n")
    with pytest.raises(InvalidFlowError) as caught:
        read_side_file(path)
    assert {item.span.start.line for item in caught.value.diagnostics if item.span} == {4}
    path.write_text("doubles:\n  aws:\n    tables: {users: {key: id, items: [{id: a}]}}\n    queues: {q: }\n")
    read_side_file(path)


def test_a_reset_starts_anew() -> None:
    double = AwsDouble({"queues": {"orders": {"messages": ["one"]}}})
    double.prepare({"access_key": "ak", "secret_key": "sk", "topic": "arn:aws:sns:eu-west-1:000000000000:t"})
    try:
        client(double, "sqs").list_queues()
        client(double, "sns", region="eu-west-1").list_topics()
        assert double.contents()["queues"] == {"orders": ["one"]}
        double.reset(None)
        assert double.contents() == {}
        with pytest.raises(ClientError, match="security token"):
            client(double, "sqs").list_queues()
        double.prepare({"access_key": "ak", "secret_key": "other"})
        assert "QueueUrls" not in client(double, "sqs", secret="other").list_queues()
    finally:
        double.stop()
