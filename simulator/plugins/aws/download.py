"""`s3.Download` and `s3.Downloads`: objects into the internal storage (s3.md 3)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.aws.connection import s3_client
from simulator.plugins.aws.errors import sdk_errors
from simulator.plugins.aws.listing import list_objects, object_output
from simulator.plugins.aws.specs import BUCKET, CONNECTION, ENCRYPTION, LISTING, OBJECT_OUTPUTS, OWNER, PAYER
from simulator.plugins.aws.transfer import download_object

__all__ = ["ACTION", "Download", "Downloads", "act_on", "fetch_object"]

_CHECKSUMS = {
    "ChecksumCRC32": "CRC32",
    "ChecksumCRC32C": "CRC32_C",
    "ChecksumCRC64NVME": "CRC64_NVME",
    "ChecksumSHA1": "SHA1",
    "ChecksumSHA256": "SHA256",
}
_INVALID = (
    "Invalid configuration: either specify 'key' for single file download or at least one filtering parameter "
    "(prefix, delimiter, regexp) for multiple files download"
)

ACTION = (
    PropertySpec("action", T.ENUM, required=True, values=("MOVE", "DELETE", "NONE")),
    PropertySpec(
        "moveTo",
        T.OBJECT,
        as_property=False,
        fields=(
            PropertySpec("bucket"),
            PropertySpec("key"),
            PropertySpec("serverSideEncryption", T.ENUM, values=("NONE", *ENCRYPTION)),
            PropertySpec("kmsKeyId"),
        ),
    ),
)


def fetch_object(ctx: RunContext, client: Any, key: str) -> tuple[str, Mapping[str, Any]]:
    """Stores one object under a random name with the key's extension: its URI, and the response."""
    request: dict[str, Any] = {"Bucket": str(ctx.get("bucket")), "Key": key}
    for name, argument in (("expectedBucketOwner", "ExpectedBucketOwner"), ("requestPayer", "RequestPayer")):
        if ctx.raw(name) is not None:
            request[argument] = str(ctx.get(name))
    if ctx.raw("versionId") is not None:
        request["VersionId"] = str(ctx.get("versionId"))
    if ctx.raw("validateChecksum") is not None and ctx.get("validateChecksum"):
        # botocore compares while it reads, and raises when the sums differ.
        request["ChecksumMode"] = "ENABLED"
    path = ctx.temp_file(PurePosixPath(key).suffix)
    response = download_object(client, request, path)
    size = int(response["ContentLength"])
    ctx.metric("file.size", size)
    return ctx.put_file(path), response


def _facts(uri: str, response: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "uri": uri,
        "contentLength": response["ContentLength"],
        "contentType": response.get("ContentType"),
        "eTag": response["ETag"],
        "etag": response["ETag"],
        "metadata": dict(response.get("Metadata") or {}),
        "versionId": response.get("VersionId"),
    }
    for argument, name in _CHECKSUMS.items():
        if response.get(argument):
            found["checksumAlgorithm"], found["checksumValue"] = name, response[argument]
    return {key: value for key, value in found.items() if value is not None}


class Download:
    """One object by key, or several by prefix, delimiter or regexp."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.s3.Download",
        properties=(
            *CONNECTION,
            BUCKET,
            PropertySpec("key"),
            PropertySpec("prefix"),
            PropertySpec("delimiter"),
            PropertySpec("regexp"),
            PropertySpec("marker"),
            PropertySpec("encodingType"),
            PropertySpec("filter", T.ENUM, values=("FILES", "DIRECTORY", "BOTH")),
            PropertySpec("versionId"),
            OWNER,
            PAYER,
            PropertySpec("maxKeys", T.INTEGER, default=1000),
            PropertySpec("maxFiles", T.INTEGER, default=25),
            PropertySpec("validateChecksum", T.BOOLEAN, default=False),
        ),
        outputs=(
            OutputSpec("uri", T.URI),
            OutputSpec("eTag", T.STRING),
            OutputSpec("etag", T.STRING),
            OutputSpec("contentLength", T.INTEGER),
            OutputSpec("contentType", T.STRING),
            OutputSpec("metadata", T.MAP),
            OutputSpec("versionId", T.STRING),
            OutputSpec("checksumAlgorithm", T.STRING),
            OutputSpec("checksumValue", T.STRING),
            OutputSpec("files", T.MAP, doc="object key -> the outputs above (several files)"),
        ),
        needs=("s3",),
        doc="Download objects from S3.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        bucket = str(ctx.get("bucket"))
        several = any(ctx.get(name) for name in ("prefix", "delimiter", "regexp"))
        key = ctx.get("key")
        if not several and not key:
            raise TaskError(_INVALID)
        client = s3_client(ctx, bucket=bucket, asynchronous=True)
        if not several:
            with sdk_errors(wrapped=True):
                uri, response = fetch_object(ctx, client, str(key))
            return TaskResult(_facts(uri, response), fact=f"{response['ContentLength']:,} bytes -> {uri}")
        with sdk_errors():
            found = [item for item in list_objects(ctx, client) if not item["Key"].endswith("/")]
            if not found:
                ctx.logger.warn("No objects found matching the filter criteria")
                return TaskResult({})
            files = {item["Key"]: _facts(*fetch_object(ctx, client, item["Key"])) for item in found}
        return TaskResult({"files": files}, fact=f"{len(files)} files")


def act_on(ctx: RunContext, client: Any, keys: list[str]) -> None:
    """What `action` says about objects that have been downloaded: leave, delete, or move below `moveTo`."""
    action = str(ctx.get("action") or "NONE")
    bucket = str(ctx.get("bucket"))
    if action == "NONE":
        return
    target = ctx.render(ctx.raw("moveTo") or {})
    if action == "MOVE" and not target:
        raise TaskError("moveTo must be set when action is MOVE")
    for key in keys:
        if action == "MOVE":
            folder = str(target.get("key") or "").rstrip("/")
            name = key.rstrip("/").rpartition("/")[2]
            copy: dict[str, Any] = {
                "CopySource": {"Bucket": bucket, "Key": key},
                "Bucket": str(target.get("bucket") or bucket),
                "Key": f"{folder}/{name}",
            }
            copy.update(encryption_of(target))
            client.copy_object(**copy)
        client.delete_object(Bucket=bucket, Key=key)


def encryption_of(target: Mapping[str, Any]) -> dict[str, Any]:
    """The encryption arguments of a copy's target."""
    found: dict[str, Any] = {}
    kind = str(target.get("serverSideEncryption") or "NONE")
    if kind != "NONE":
        found["ServerSideEncryption"] = ENCRYPTION[kind]
    if target.get("kmsKeyId"):
        found["SSEKMSKeyId"] = str(target["kmsKeyId"])
    return found


class Downloads:
    """Everything that a listing finds, and then MOVE, DELETE or NONE."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.s3.Downloads",
        properties=(
            *CONNECTION,
            *LISTING,
            *ACTION,
            PropertySpec("validateChecksum", T.BOOLEAN, default=False),
        ),
        outputs=(
            OutputSpec("objects", T.LIST, OutputSpec("object", T.OBJECT, fields=OBJECT_OUTPUTS)),
            OutputSpec("outputFiles", T.MAP, doc="object key -> URI"),
        ),
        needs=("s3",),
        doc="Download all matching objects from S3.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        client = s3_client(ctx, bucket=str(ctx.get("bucket")), asynchronous=True)
        with sdk_errors():
            objects = []
            for item in list_objects(ctx, client):
                if item["Key"].endswith("/"):
                    continue
                uri, _ = fetch_object(ctx, client, item["Key"])
                objects.append(object_output(item, uri=uri))
            act_on(ctx, client, [item["key"] for item in objects])
        ctx.metric("files.count", len(objects))
        ctx.metric("files.size.total", sum(int(item["size"]) for item in objects))
        files = {item["key"]: item["uri"] for item in objects}
        return TaskResult({"objects": objects, "outputFiles": files}, fact=f"{len(objects)} files")
