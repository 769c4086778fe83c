"""What reports and tests see of a run that used the AWS double."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import simulator
from simulator.world.previews import previews

TYPE = "io.kestra.plugin.aws"
LOGIN = "accessKeyId: ak\n    secretKeyId: sk\n    region: eu-central-1"
FLOW = f"""\
id: services
namespace: company.team
tasks:
  - id: queue
    type: {TYPE}.sqs.Publish
    {LOGIN}
    queueUrl: https://sqs.eu-central-1.amazonaws.com/123456789012/orders
    from: [{{data: one}}, {{data: "{{{{ secret('KEY') }}}}"}}]
  - id: topic
    type: {TYPE}.sns.Publish
    {LOGIN}
    topicArn: arn:aws:sns:eu-central-1:123456789012:news
    from: {{data: hi, subject: s}}
  - id: table
    type: {TYPE}.dynamodb.PutItem
    {LOGIN}
    tableName: users
    item: {{id: b, n: 2.5}}
  - id: stream
    type: {TYPE}.kinesis.PutRecords
    {LOGIN}
    streamName: clicks
    records: [{{data: x, partitionKey: p}}]
  - id: bus
    type: {TYPE}.eventbridge.PutEvents
    {LOGIN}
    entries: [{{source: here, eventBusName: mine, detailType: t, detail: {{m: 1}}}}]
"""
SIDE = "doubles:\n  aws:\n    tables: {users: {key: id, items: [{id: a}]}}\n"
SECRET = "a-clear-secret"


@pytest.fixture(scope="module")
def execution(tmp_path_factory: pytest.TempPathFactory) -> Iterator[simulator.Execution]:
    folder = tmp_path_factory.mktemp("services")
    path = Path(folder) / "services.yml"
    path.write_text(FLOW)
    (Path(folder) / "services.sim.yml").write_text(SIDE)
    with simulator.run(path, secrets={"KEY": SECRET}) as found:
        yield found


def test_an_execution_tells_what_lies_in_the_services(execution: simulator.Execution) -> None:
    assert execution.state == "SUCCESS"
    aws = execution.aws
    assert aws.queues == {"orders": ["one", SECRET]}
    (topic,) = aws.topics.values()
    assert topic == [{"message": "hi", "subject": "s"}]
    assert aws.tables["users"] == [{"id": "a"}, {"id": "b", "n": 2.5}]
    assert aws.streams["clicks"] == [{"partitionKey": "p", "data": "x"}]
    assert [event["Source"] for event in aws.buses["mine"]] == ["here"]
    assert list(aws) == ["queues", "topics", "tables", "streams", "buses"]
    assert aws["queues"] == aws.queues and "nothing" not in aws


def test_reports_show_the_beginnings_masked(execution: simulator.Execution) -> None:
    found = execution._session.previews()
    assert found["Queues (SQS)"]["orders"]["note"] == "2 items"
    assert found["Queues (SQS)"]["orders"]["text"].startswith("one\n")
    assert found["Tables (DynamoDB)"]["users"]["rows"] == [{"id": "a"}, {"id": "b", "n": 2.5}]
    assert found["Streams (Kinesis)"]["clicks"]["note"] == "1 item"
    assert found["Event buses (EventBridge)"]["mine"]["rows"][0]["Source"] == "here"
    assert found["Topics (SNS)"] and SECRET not in json.dumps(found)
    # the JSON report's `doubles` section
    assert set(execution._session.contents()["aws"]) == {"queues", "topics", "tables", "streams", "buses"}


def test_a_long_queue_is_cut_and_says_so(execution: simulator.Execution) -> None:
    double = execution._session.supervisor.get("aws")
    whole = double.contents

    try:
        double.contents = lambda: {"queues": {"long": [str(n) for n in range(100)], "empty": []}}  # type: ignore[method-assign]
        found = previews(execution._session)["Queues (SQS)"]
    finally:
        double.contents = whole  # type: ignore[method-assign]
    assert found["long"]["note"] == "100 items, the first 20"
    assert found["long"]["text"].splitlines()[-1] == "19"
    assert found["empty"] == {"text": "", "note": "0 items"}
