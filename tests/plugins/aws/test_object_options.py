"""Properties of the S3 tasks that change what lies in the bucket or what comes back: locks, versions, checksums, owners."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from typing import Any

import pytest

from simulator.doubles.s3 import S3Double
from simulator.errors import TaskError
from simulator.plugins.aws.connection import s3_client
from simulator.plugins.aws.download import Download, Downloads
from simulator.plugins.aws.listing import List
from simulator.plugins.aws.objects import Copy, CreateBucket, Delete
from simulator.plugins.aws.trigger import Trigger
from simulator.plugins.aws.upload import Upload


def upload(make: Any, key: str, content: str = "x", **properties: Any) -> dict[str, Any]:
    ctx = make(Upload, {"key": key, **properties})
    ctx.properties["from"] = ctx.store(content)
    return dict(Upload().run(ctx).outputs or {})


def test_a_bucket_with_locks(make: Any, s3: S3Double) -> None:
    made = make(CreateBucket, {"bucket": "locked", "objectLockEnabledForBucket": True, "acl": "private"})
    outputs = CreateBucket().run(made).outputs
    assert outputs is not None and outputs["bucket"] == "locked" and "locked" in outputs["region"]
    until = "2099-01-01T00:00:00Z"
    place = {"bucket": "locked"}
    lock = {"objectLockMode": "GOVERNANCE", "objectLockRetainUntilDate": until}
    version = upload(make, "a", **place, **lock)["versionId"]
    upload(make, "b", **place, objectLockLegalHoldStatus="ON", checksumAlgorithm="CRC32")
    client = s3_client(make(Upload, {}))
    head = client.head_object(Bucket="locked", Key="a")
    assert head["ObjectLockMode"] == "GOVERNANCE"
    assert head["ObjectLockRetainUntilDate"] == dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
    assert client.head_object(Bucket="locked", Key="b")["ObjectLockLegalHoldStatus"] == "ON"
    found = Delete().run(make(Delete, {**place, "key": "a", "bypassGovernanceRetention": True})).outputs
    assert found is not None and found["deleteMarker"] is True
    # the version is still there, and can be had by its id
    ctx = make(Download, {**place, "key": "a", "versionId": version})
    outputs = Download().run(ctx).outputs
    assert outputs is not None and outputs["versionId"] == version
    assert ctx.read(outputs["uri"]) == b"x"
    with pytest.raises(TaskError, match="NoSuchKeyException"):
        Download().run(make(Download, {**place, "key": "a"}))


def test_an_existing_bucket_of_us_east_1_is_no_error(make: Any, s3: S3Double) -> None:
    for _ in range(2):
        ctx = make(CreateBucket, {"bucket": "east", "region": "us-east-1"})
        assert CreateBucket().run(ctx).outputs == {"bucket": "east", "region": "/east"}


def test_checksums_come_back(make: Any) -> None:
    digest = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    upload(make, "sum", checksumAlgorithm="SHA256")
    outputs = Download().run(make(Download, {"key": "sum", "validateChecksum": True})).outputs
    assert outputs is not None
    assert (outputs["checksumAlgorithm"], outputs["checksumValue"]) == ("SHA256", digest)


def test_a_checksum_of_the_flow_is_sent_with_its_algorithm(make: Any) -> None:
    digest = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    upload(make, "given", checksumAlgorithm="SHA256", checksum=digest)
    outputs = Download().run(make(Download, {"key": "given", "validateChecksum": True})).outputs
    assert outputs is not None
    assert (outputs["checksumAlgorithm"], outputs["checksumValue"]) == ("SHA256", digest)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256"])
def test_parts_carry_the_algorithm_of_the_whole(make: Any, algorithm: str) -> None:
    content = "0123456789abcdef" * (9 << 16)  # two parts
    etag = upload(make, "parts", content, checksumAlgorithm=algorithm)["eTag"]
    assert etag.endswith('-2"')
    ctx = make(Download, {"key": "parts", "validateChecksum": True})
    outputs = Download().run(ctx).outputs
    assert outputs is not None and outputs["checksumAlgorithm"] == algorithm
    assert ctx.read(outputs["uri"]) == content.encode()


def test_several_uploads_are_measured_one_by_one(make: Any) -> None:
    ctx = make(Upload, {"key": "a//b/"})
    ctx.properties["from"] = {"sub/one": ctx.store("1", "1.txt"), "two": ctx.store("22", "2.txt")}
    outputs = Upload().run(ctx).outputs
    assert outputs is not None and outputs["key"] == "a//b/" and "eTag" not in outputs
    assert {name: facts["contentLength"] for name, facts in outputs["files"].items()} == {
        "sub/one": 1,
        "two": 2,
    }
    assert sorted(ctx.metrics) == sorted(
        [("file.count", 1, "counter", {})] * 2
        + [("file.size", 1, "counter", {}), ("file.size", 2, "counter", {})]
    )
    assert sorted(ctx.logger.messages("DEBUG")) == ["Uploading to 'a/b/sub/one'", "Uploading to 'a/b/two'"]


def test_a_listed_object_has_an_owner(make: Any) -> None:
    upload(make, "k", "123")
    outputs = List().run(make(List, {"encodingType": "url"})).outputs
    assert outputs is not None
    (item,) = outputs["objects"]
    assert item["size"] == 3 and item["owner"]["id"]
    assert dt.datetime.fromisoformat(item["lastModified"]).tzinfo is not None


def test_keys_of_any_characters_are_listed_as_they_are(make: Any) -> None:
    for key in ("a b+c", "zażółć/ä%20.csv"):
        upload(make, key)
    outputs = List().run(make(List, {})).outputs
    assert outputs is not None
    assert [item["key"] for item in outputs["objects"]] == ["a b+c", "zażółć/ä%20.csv"]


def test_copy_of_a_version_into_another_bucket(make: Any, s3: S3Double) -> None:
    s3.order({"buckets": {"history": {"versioning": True}, "elsewhere": {"region": "eu-central-1"}}})
    first = upload(make, "k", "old", bucket="history")["versionId"]
    upload(make, "k", "new", bucket="history")
    source = {"bucket": "history", "key": "k", "versionId": first}
    to = {"bucket": "elsewhere", "serverSideEncryption": "AES256"}
    outputs = Copy().run(make(Copy, {"from": source, "to": to})).outputs
    assert outputs is not None and (outputs["bucket"], outputs["key"]) == ("elsewhere", "k")
    assert s3.read("elsewhere", "k") == b"old"
    head = s3_client(make(Upload, {})).head_object(Bucket="elsewhere", Key="k")
    assert head["ServerSideEncryption"] == "AES256"


def test_downloads_move_to_another_bucket_and_limit(make: Any, s3: S3Double, bucket: str) -> None:
    s3.order({"buckets": {"archive": {"region": "eu-central-1"}}})
    for key in ("in/a", "in/b", "in/c"):
        upload(make, key)
    move = {"bucket": "archive", "key": "done", "serverSideEncryption": "AES256"}
    ctx = make(Downloads, {"prefix": "in/", "maxFiles": 2, "action": "MOVE", "moveTo": move})
    outputs = Downloads().run(ctx).outputs
    assert outputs is not None and sorted(outputs["outputFiles"]) == ["in/a", "in/b"]
    assert len(ctx.logger.messages("WARN")) == 1
    assert sorted(s3.contents()["archive"]) == ["done/a", "done/b"]
    assert sorted(s3.contents()[bucket]) == ["in/c"]
    with pytest.raises(TaskError, match="moveTo"):
        Downloads().run(make(Downloads, {"action": "MOVE"}))


def test_the_trigger_on_updates_deletes_what_it_fired_on(make: Any, s3: S3Double, bucket: str) -> None:
    upload(make, "a", "1")
    ctx = make(Trigger, {"action": "DELETE", "on": "UPDATE", "stateTtl": "PT1H"})
    assert Trigger().evaluate(ctx) is None and sorted(s3.contents()[bucket]) == ["a"]
    upload(make, "a", "2")
    found = Trigger().evaluate(ctx)
    assert found is not None
    (item,) = found.variables["objects"]
    assert item["changeType"] == "UPDATE" and ctx.read(item["uri"]) == b"2"
    assert s3.contents()[bucket] == {}
