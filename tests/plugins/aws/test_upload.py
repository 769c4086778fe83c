"""Upload against a real S3 server: sources, keys, properties, multipart, errors."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from simulator.doubles.s3 import S3Double
from simulator.engine.task import Endpoint
from simulator.errors import TaskError
from simulator.plugins.aws import transfer
from simulator.plugins.aws.connection import s3_client
from simulator.plugins.aws.upload import Upload


def test_one_file(make: Any, s3: S3Double, bucket: str) -> None:
    ctx = make(Upload, {"key": "data/users.csv"})
    ctx.properties["from"] = ctx.store("{id:1}\n")
    result = Upload().run(ctx)
    etag = f'"{hashlib.md5(b"{id:1}" + chr(10).encode()).hexdigest()}"'
    assert result.outputs == {"bucket": bucket, "key": "data/users.csv", "eTag": etag, "etag": etag}
    assert s3.read(bucket, "data/users.csv") == b"{id:1}\n"
    assert ctx.metrics == [("file.count", 1, "counter", {}), ("file.size", 7, "counter", {})]
    assert ctx.logger.messages("DEBUG") == ["Uploading to 'data/users.csv'"]
    assert result.fact == f"s3://{bucket}/data/users.csv 7 bytes"


@pytest.mark.parametrize(
    "shape", [list, lambda uris: {"renamed": uris[0]}, json.dumps, lambda u: json.dumps({"n": u[0]})]
)
def test_one_file_in_any_shape_takes_the_key_verbatim(
    make: Any, s3: S3Double, bucket: str, shape: Any
) -> None:
    ctx = make(Upload, {"key": "folder/"})
    ctx.properties["from"] = shape([ctx.store("x", "a.txt")])
    outputs = Upload().run(ctx).outputs
    assert outputs is not None and outputs["key"] == "folder/" and "files" not in outputs
    assert s3.read(bucket, "folder/") == b"x"


def test_several_files(make: Any, s3: S3Double, bucket: str) -> None:
    ctx = make(Upload, {"key": "base//x/"})
    ctx.properties["from"] = {"a.txt": ctx.store("1", "1"), "sub/dir/b.txt": ctx.store("22", "2")}
    result = Upload().run(ctx)
    assert result.outputs is not None
    assert result.outputs["key"] == "base//x/"
    assert "eTag" not in result.outputs
    assert {name: facts["contentLength"] for name, facts in result.outputs["files"].items()} == {
        "a.txt": 1,
        "sub/dir/b.txt": 2,
    }
    assert sorted(s3.contents()[bucket]) == ["base/x/a.txt", "base/x/sub/dir/b.txt"]


def test_list_names_are_last_segments_and_collapse(make: Any, s3: S3Double, bucket: str) -> None:
    ctx = make(Upload, {"key": "k"})
    uris = [
        ctx.store(text, name) for text, name in (("1", "x/same.txt"), ("2", "y/same.txt"), ("3", "z.txt"))
    ]
    ctx.properties["from"] = uris
    outputs = Upload().run(ctx).outputs
    assert outputs is not None and sorted(outputs["files"]) == ["same.txt", "z.txt"]
    assert s3.read(bucket, "k/same.txt") == b"2"


@pytest.mark.parametrize("empty", ["[]", [], {}, "{}"])
def test_nothing_to_upload(make: Any, empty: Any) -> None:
    with pytest.raises(TaskError) as caught:
        Upload().run(make(Upload, {"key": "k", "from": empty}))
    assert caught.value.message == (
        "No files to upload: the 'from' property contains an empty collection or array"
    )


@pytest.mark.parametrize("uri", ["s3://bucket/key", "kestra:///none/such.txt", "https://example.com/x"])
def test_only_the_internal_storage_is_read(make: Any, uri: str) -> None:
    with pytest.raises(Exception) as caught:
        Upload().run(make(Upload, {"key": "k", "from": uri}))
    assert type(caught.value).__module__.startswith("simulator")


def test_properties_reach_the_object(make: Any, bucket: str) -> None:
    ctx = make(
        Upload,
        {
            "key": "k",
            "metadata": {"Owner": "me"},
            "tagging": {"a": "1 2", "b": "+"},
            "contentType": "text/csv",
            "contentEncoding": "gzip",
            "contentDisposition": "attachment",
            "contentLanguage": "pl",
            "cacheControl": "no-store",
            "expires": "2030-01-01T00:00:00Z",
            "storageClass": "STANDARD_IA",
            "serverSideEncryption": "AWS_KMS",
            "acl": "public-read",
            "checksumAlgorithm": "SHA256",
            "checksum": base64.b64encode(hashlib.sha256(b"x").digest()).decode(),
        },
    )
    ctx.properties["from"] = ctx.store("x")
    Upload().run(ctx)
    client = s3_client(ctx)
    head = client.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["Metadata"] == {"owner": "me"}
    assert (head["ContentType"], head["ContentEncoding"], head["ContentDisposition"]) == (
        "text/csv",
        "gzip",
        "attachment",
    )
    assert (head["ContentLanguage"], head["CacheControl"], head["StorageClass"]) == (
        "pl",
        "no-store",
        "STANDARD_IA",
    )
    assert head["ServerSideEncryption"] == "aws:kms"
    tags = client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "1 2", "b": "+"}


def test_content_type_is_guessed_in_compatibility_mode_only(make: Any, s3: S3Double, bucket: str) -> None:
    for key, compatible, name in (("a", True, "x.csv"), ("b", True, "x.ion"), ("c", False, "x.csv")):
        ctx = make(Upload, {"key": key, "compatibilityMode": compatible})
        ctx.properties["from"] = ctx.store("x", name)
        Upload().run(ctx)
    kinds = {key: facts["content_type"] for key, facts in s3.contents()[bucket].items()}
    assert kinds == {"a": "text/csv", "b": "application/octet-stream", "c": "binary/octet-stream"}


def test_versions(make: Any, s3: S3Double) -> None:
    s3.order({"buckets": {"versioned": {"versioning": True}}})
    ctx = make(Upload, {"key": "k", "bucket": "versioned"})
    ctx.properties["from"] = ctx.store("x")
    outputs = Upload().run(ctx).outputs
    assert outputs is not None and outputs["versionId"]


def test_multipart(make: Any, s3: S3Double, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PART_SIZE", 5 * 1024 * 1024)
    data = bytes(range(256)) * (12 * 1024 * 1024 // 256) + b"tail"
    ctx = make(Upload, {"key": "big", "contentType": "text/x", "metadata": {"a": "b"}})
    ctx.properties["from"] = ctx.store(data)
    outputs = Upload().run(ctx).outputs
    assert outputs is not None and outputs["eTag"].endswith('-3"')
    assert s3.read(bucket, "big") == data
    assert s3.contents()[bucket]["big"]["content_type"] == "text/x"
    ctx = make(Upload, {"key": "single", "compatibilityMode": True})
    ctx.properties["from"] = ctx.store(data)
    outputs = Upload().run(ctx).outputs
    assert outputs is not None and "-" not in outputs["eTag"]


def test_failed_multipart_leaves_no_parts(make: Any, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PART_SIZE", 5 * 1024 * 1024)
    ctx = make(Upload, {"key": "big"})
    client = s3_client(ctx)
    sent: list[int] = []

    def broken(**arguments: Any) -> Any:
        sent.append(arguments["PartNumber"])
        raise OSError("disk on fire")

    monkeypatch.setattr(client, "upload_part", broken)
    import io

    with pytest.raises(OSError, match="disk on fire"):
        transfer.upload_stream(
            client, io.BytesIO(b"x" * 6_000_000), 6_000_000, {"Bucket": bucket, "Key": "big"}
        )
    assert sent
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)


MODEL = "software.amazon.awssdk.services.s3.model"


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (
            {"bucket": "no-such-bucket"},
            f"{MODEL}.NoSuchBucketException: The specified bucket does not exist (Service: S3, Status Code: 404",
        ),
        (
            {"accessKeyId": "zz"},
            f"{MODEL}.S3Exception: The AWS Access Key Id you provided does not exist in our records. (Service: S3, Status Code: 403",
        ),
        (
            {"secretKeyId": "zz"},
            f"{MODEL}.S3Exception: The request signature we calculated does not match the signature you provided.",
        ),
        ({"forcePathStyle": True}, "'forcePathStyle' must be used in conjunction with 'compatibilityMode'"),
        ({"expires": "tomorrow"}, "Text 'tomorrow' could not be parsed at index 0"),
        (
            {"endpointOverride": "http://169.254.169.254/"},
            "Endpoint override 'http://169.254.169.254/' resolves to a link-local address (169.254.0.0/16)",
        ),
    ],
)
def test_errors(make: Any, properties: dict[str, Any], message: str) -> None:
    ctx = make(Upload, {"key": "k", **properties})
    ctx.properties["from"] = ctx.store("x")
    with pytest.raises(TaskError) as caught:
        Upload().run(ctx)
    assert caught.value.message.startswith(message)


def test_several_files_fail_without_the_wrapper(make: Any) -> None:
    ctx = make(Upload, {"key": "k", "bucket": "no-such-bucket"})
    ctx.properties["from"] = [ctx.store("1", "a"), ctx.store("2", "b")]
    with pytest.raises(TaskError) as caught:
        Upload().run(ctx)
    assert caught.value.message.startswith(
        "The specified bucket does not exist (Service: S3, Status Code: 404"
    )


def test_endpoint_down(make: Any) -> None:
    ctx = make(Upload, {"key": "k"})
    ctx.endpoints.table["s3"] = Endpoint("http://127.0.0.1:9", "127.0.0.1", 9, "s3")
    ctx.properties["from"] = ctx.store("x")
    with pytest.raises(TaskError, match="Unable to execute HTTP request"):
        Upload().run(ctx)


def test_endpoint_is_asked_for_what_the_flow_says(make: Any, bucket: str) -> None:
    ctx = make(Upload, {"key": "k"})
    ctx.properties["from"] = ctx.store("x")
    Upload().run(ctx)
    wanted = {
        "access_key": "ak",
        "secret_key": "sk",
        "session_token": None,
        "region": "eu-central-1",
        "bucket": bucket,
    }
    assert ctx.endpoints.asked == [("s3", "https://s3.eu-central-1.amazonaws.com", wanted)]
