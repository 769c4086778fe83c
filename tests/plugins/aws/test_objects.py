"""Download, Downloads, List, Copy, Delete, DeleteList, CreateBucket and the trigger, against a real S3 server."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.doubles.s3 import S3Double
from simulator.errors import TaskError
from simulator.plugins.aws.connection import s3_client
from simulator.plugins.aws.download import Download, Downloads
from simulator.plugins.aws.listing import DeleteList, List
from simulator.plugins.aws.objects import Copy, CreateBucket, Delete
from simulator.plugins.aws.trigger import Trigger

FILES = {"in/a.csv": "1", "in/b.csv": "22", "in/sub/c.txt": "333", "other/d.csv": "4444", "in/dir/": ""}


def keys(result: Any) -> list[str]:
    return [item["key"] for item in result.outputs["objects"]]


# Download -----------------------------------------------------------------------------------------------------------


def test_download_one(make: Any, put: Any) -> None:
    put(**FILES)
    ctx = make(Download, {"key": "in/b.csv"})
    result = Download().run(ctx)
    outputs = result.outputs
    assert outputs["uri"].startswith("kestra:///company/team/") and outputs["uri"].endswith(".csv")
    assert ctx.read(outputs["uri"]) == b"22"
    assert outputs["contentLength"] == 2 and outputs["metadata"] == {"from": "test"}
    assert outputs["eTag"] == outputs["etag"] and outputs["eTag"].startswith('"')
    assert "versionId" not in outputs
    assert ctx.metrics == [("file.size", 2, "counter", {})]


def test_download_several(make: Any, put: Any) -> None:
    put(**FILES)
    ctx = make(Download, {"prefix": "in/", "regexp": r".*\.csv"})
    files = Download().run(ctx).outputs["files"]
    assert sorted(files) == ["in/a.csv", "in/b.csv"]
    assert ctx.read(files["in/a.csv"]["uri"]) == b"1"
    nothing = make(Download, {"prefix": "none/"})
    assert Download().run(nothing).outputs == {}
    assert nothing.logger.messages("WARN") == ["No objects found matching the filter criteria"]


def test_download_errors(make: Any, put: Any) -> None:
    with pytest.raises(TaskError) as caught:
        Download().run(make(Download, {}))
    assert caught.value.message.startswith(
        "Invalid configuration: either specify 'key' for single file download"
    )
    with pytest.raises(TaskError) as caught:
        Download().run(make(Download, {"key": "none"}))
    assert caught.value.message.startswith(
        "software.amazon.awssdk.services.s3.model.NoSuchKeyException: The specified key does not exist. (Service: S3, Status Code: 404"
    )


def test_download_is_streamed_and_checked(make: Any, put: Any) -> None:
    put(big="x" * 3_000_000)
    ctx = make(Download, {"key": "big", "validateChecksum": True})
    assert len(ctx.read(Download().run(ctx).outputs["uri"])) == 3_000_000


# List ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("properties", "found"),
    [
        ({}, ["in/a.csv", "in/b.csv", "in/dir/", "in/sub/c.txt", "other/d.csv"]),
        ({"prefix": "in/", "filter": "FILES"}, ["in/a.csv", "in/b.csv", "in/sub/c.txt"]),
        ({"filter": "DIRECTORY"}, ["in/dir/"]),
        ({"regexp": r"in/[ab].*"}, ["in/a.csv", "in/b.csv"]),
        ({"regexp": "csv"}, []),
        ({"prefix": "in/", "delimiter": "/"}, ["in/a.csv", "in/b.csv", "in/dir/"]),
        ({"marker": "in/b.csv", "maxKeys": 2}, ["in/dir/", "in/sub/c.txt"]),
    ],
)
def test_list(make: Any, put: Any, properties: dict[str, Any], found: list[str]) -> None:
    put(**FILES)
    ctx = make(List, properties)
    result = List().run(ctx)
    # A delimiter folds `in/dir/` into a common prefix, which is no object.
    expected = [key for key in found if not (properties.get("delimiter") and key == "in/dir/")]
    assert keys(result) == expected
    assert ctx.metrics == [("s3.objects.count", len(expected), "counter", {})]


def test_list_objects_and_limit(make: Any, put: Any) -> None:
    put(**{f"k{n:02}": "x" for n in range(30)})
    ctx = make(List, {})
    result = List().run(ctx)
    assert len(keys(result)) == 25
    assert "30" in ctx.logger.messages("WARN")[0]
    item = result.outputs["objects"][0]
    assert set(item) >= {"key", "etag", "size", "lastModified"} and item["etag"].startswith('"')
    assert "uri" not in item
    assert len(keys(List().run(make(List, {"maxFiles": 100})))) == 30


def test_list_follows_pages(make: Any, monkeypatch: pytest.MonkeyPatch, put: Any) -> None:
    put(**{f"k{n}": "x" for n in range(5)})
    import simulator.plugins.aws.listing as listing

    ctx = make(List, {"maxKeys": 4})
    client = s3_client(ctx)
    real = client.list_objects_v2
    monkeypatch.setattr(
        client, "list_objects_v2", lambda **args: real(**{**args, "MaxKeys": min(2, args["MaxKeys"])})
    )
    assert [item["Key"] for item in listing.list_objects(ctx, client)] == ["k0", "k1", "k2", "k3"]


def test_empty_list_is_there(make: Any) -> None:
    assert List().run(make(List, {})).outputs == {"objects": []}


# Downloads and actions ------------------------------------------------------------------------------------------------


def test_downloads_and_move(make: Any, put: Any, s3: S3Double, bucket: str) -> None:
    put(**FILES)
    ctx = make(
        Downloads,
        {"prefix": "in/", "regexp": r".*\.csv", "action": "MOVE", "moveTo": {"key": "done/{{ flow.id }}/"}},
    )
    outputs = Downloads().run(ctx).outputs
    assert sorted(outputs["outputFiles"]) == ["in/a.csv", "in/b.csv"]
    assert [item["uri"] for item in outputs["objects"]] == list(outputs["outputFiles"].values())
    assert ctx.read(outputs["outputFiles"]["in/b.csv"]) == b"22"
    left = s3.contents()[bucket]
    assert sorted(left) == [
        "done/my_flow/a.csv",
        "done/my_flow/b.csv",
        "in/dir/",
        "in/sub/c.txt",
        "other/d.csv",
    ]
    assert ("files.count", 2, "counter", {}) in ctx.metrics
    assert ("files.size.total", 3, "counter", {}) in ctx.metrics


@pytest.mark.parametrize(("action", "left"), [("DELETE", ["in/dir/"]), ("NONE", sorted(FILES))])
def test_downloads_delete_or_leave(
    make: Any, put: Any, s3: S3Double, bucket: str, action: str, left: list[str]
) -> None:
    put(**FILES)
    Downloads().run(make(Downloads, {"action": action}))
    assert sorted(s3.contents()[bucket]) == left


# Copy, Delete, DeleteList, CreateBucket ---------------------------------------------------------------------------------


def test_copy_and_move(make: Any, put: Any, s3: S3Double, bucket: str) -> None:
    put(a="content")
    ctx = make(Copy, {"from": {"bucket": bucket, "key": "a"}, "to": {"key": "b/{{ flow.id }}"}})
    outputs = Copy().run(ctx).outputs
    assert (outputs["bucket"], outputs["key"]) == (bucket, "b/my_flow")
    assert outputs["eTag"].startswith('"')
    assert s3.read(bucket, "b/my_flow") == b"content"
    Copy().run(make(Copy, {"from": {"bucket": bucket, "key": "a"}, "to": {"key": "c"}, "delete": True}))
    assert sorted(s3.contents()[bucket]) == ["b/my_flow", "c"]
    with pytest.raises(TaskError, match="NoSuchKeyException: The specified key does not exist"):
        Copy().run(make(Copy, {"from": {"bucket": bucket, "key": "a"}, "to": {"key": "d"}}))


def test_delete(make: Any, put: Any, s3: S3Double, bucket: str) -> None:
    put(a="x")
    assert Delete().run(make(Delete, {"key": "a"})).outputs == {}
    assert s3.contents()[bucket] == {}
    assert Delete().run(make(Delete, {"key": "a"})).outputs == {}
    s3.order({"buckets": {"deleted": {"versioning": True}}})
    s3_client(make(Delete, {"key": "a"})).put_object(Bucket="deleted", Key="a", Body=b"x")
    outputs = Delete().run(make(Delete, {"bucket": "deleted", "key": "a"})).outputs
    assert outputs["deleteMarker"] is True and outputs["versionId"]


def test_delete_list(make: Any, put: Any, s3: S3Double, bucket: str) -> None:
    put(**FILES)
    ctx = make(DeleteList, {"prefix": "in/", "filter": "FILES"})
    assert DeleteList().run(ctx).outputs == {"count": 3, "size": 6}
    assert sorted(s3.contents()[bucket]) == ["in/dir/", "other/d.csv"]
    assert ctx.logger.messages("INFO") == ["Deleted 3 keys for 6 bytes"]
    assert ctx.metrics == [
        ("s3.objects.deleted.count", 3, "counter", {}),
        ("s3.objects.deleted.size", 6, "counter", {}),
    ]
    assert DeleteList().run(make(DeleteList, {"prefix": "none"})).outputs == {"count": 0, "size": 0}
    with pytest.raises(TaskError) as caught:
        DeleteList().run(make(DeleteList, {"prefix": "none", "errorOnEmpty": True}))
    assert caught.value.message == (
        f"Unable to find any files to delete on {bucket} with regexp='null', prefix='none'"
    )


def test_create_bucket(make: Any, s3: S3Double) -> None:
    ctx = make(CreateBucket, {"bucket": "brand-new"})
    assert CreateBucket().run(ctx).outputs["bucket"] == "brand-new"
    assert "brand-new" in s3.contents()
    assert ctx.endpoints.asked[0][2]["bucket"] is None
    with pytest.raises(TaskError, match="Status Code: 409"):
        CreateBucket().run(make(CreateBucket, {"bucket": "brand-new"}))


# Trigger ----------------------------------------------------------------------------------------------------------------


def test_trigger_fires_on_what_changed(make: Any, put: Any, s3: S3Double, bucket: str) -> None:
    put(a="1", b="2")
    ctx = make(Trigger, {"action": "NONE"})

    def poll() -> dict[str, str]:
        found = Trigger().evaluate(ctx)
        return (
            {} if found is None else {item["key"]: item["changeType"] for item in found.variables["objects"]}
        )

    first = Trigger().evaluate(ctx)
    assert first is not None
    assert {item["key"]: item["changeType"] for item in first.variables["objects"]} == {
        "a": "CREATE",
        "b": "CREATE",
    }
    assert ctx.read(first.variables["objects"][0]["uri"]) == b"1"
    assert poll() == {}
    put(b="changed", c="3")
    assert poll() == {"b": "UPDATE", "c": "CREATE"}
    ctx.properties["on"] = "CREATE"
    put(b="again", d="4")
    assert poll() == {"d": "CREATE"}


def test_trigger_moves_what_it_fired_on(make: Any, put: Any, s3: S3Double, bucket: str) -> None:
    put(**{"in/a": "1"})
    ctx = make(Trigger, {"prefix": "in/", "action": "MOVE", "moveTo": {"key": "done"}, "stateKey": "mine"})
    assert Trigger().evaluate(ctx) is not None
    assert sorted(s3.contents()[bucket]) == ["done/a"]
    assert Trigger().evaluate(ctx) is None
    assert ctx.kv.get("company.team", "mine") is not None
