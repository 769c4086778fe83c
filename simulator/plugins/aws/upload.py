"""`s3.Upload` (s3.md 2): files of the internal storage to a bucket."""

from __future__ import annotations

import datetime as dt
import mimetypes
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from urllib.parse import urlencode

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.aws.connection import s3_client
from simulator.plugins.aws.errors import sdk_errors
from simulator.plugins.aws.sources import resolve_sources
from simulator.plugins.aws.specs import BUCKET, CONNECTION, ENCRYPTION, OWNER, PAYER, STORAGE_CLASSES
from simulator.plugins.aws.transfer import stream_size, upload_stream

__all__ = ["Upload"]

#: property -> argument of PutObject, for those that pass as they are
_PLAIN = {
    "contentType": "ContentType",
    "contentEncoding": "ContentEncoding",
    "contentDisposition": "ContentDisposition",
    "contentLanguage": "ContentLanguage",
    "contentLength": "ContentLength",
    "cacheControl": "CacheControl",
    "acl": "ACL",
    "storageClass": "StorageClass",
    "bucketKeyEnabled": "BucketKeyEnabled",
    "objectLockMode": "ObjectLockMode",
    "objectLockLegalHoldStatus": "ObjectLockLegalHoldStatus",
    "expectedBucketOwner": "ExpectedBucketOwner",
    "requestPayer": "RequestPayer",
    "metadata": "Metadata",
}
_CHECKSUMS = {
    "CRC32": "ChecksumCRC32",
    "CRC32_C": "ChecksumCRC32C",
    "SHA1": "ChecksumSHA1",
    "SHA256": "ChecksumSHA256",
}
_TEXTS = PropertySpec("value")
#: Java's Files.probeContentType knows these; anything else is a stream of bytes to the SDK.
_UNKNOWN_TYPE = "application/octet-stream"


class Upload:
    """Uploads one file under a key, or several below it."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.s3.Upload",
        properties=(
            *CONNECTION,
            BUCKET,
            PropertySpec(
                "from", T.DATA, required=True, as_property=False, doc="URI, list, map or JSON of them"
            ),
            PropertySpec("key", required=True),
            PropertySpec("metadata", T.MAP, item=_TEXTS),
            PropertySpec("tagging", T.MAP, item=_TEXTS),
            PropertySpec("contentType"),
            PropertySpec("contentEncoding"),
            PropertySpec("contentDisposition"),
            PropertySpec("contentLanguage"),
            PropertySpec("contentLength", T.INTEGER),
            PropertySpec("cacheControl"),
            PropertySpec("expires", doc="ISO instant"),
            PropertySpec("acl"),
            PropertySpec("storageClass", T.ENUM, values=STORAGE_CLASSES),
            PropertySpec("serverSideEncryption", T.ENUM, values=tuple(ENCRYPTION)),
            PropertySpec("bucketKeyEnabled", T.BOOLEAN),
            PropertySpec("checksumAlgorithm", T.ENUM, values=tuple(_CHECKSUMS)),
            PropertySpec("checksum"),
            PropertySpec("objectLockMode", T.ENUM, values=("GOVERNANCE", "COMPLIANCE")),
            PropertySpec("objectLockLegalHoldStatus", T.ENUM, values=("ON", "OFF")),
            PropertySpec("objectLockRetainUntilDate", doc="ISO instant"),
            OWNER,
            PAYER,
            PropertySpec("concurrentUploads", T.INTEGER, default=50, minimum=1),
        ),
        outputs=(
            OutputSpec("bucket", T.STRING),
            OutputSpec("key", T.STRING),
            OutputSpec("eTag", T.STRING),
            OutputSpec("etag", T.STRING),
            OutputSpec("versionId", T.STRING),
            OutputSpec("files", T.MAP, doc="name -> eTag, versionId, contentLength (several files)"),
        ),
        needs=("s3",),
        doc="Upload files to S3.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        bucket, key = str(ctx.get("bucket")), str(ctx.get("key"))
        client = s3_client(ctx, bucket=bucket, asynchronous=True)
        arguments = _arguments(ctx)
        sources = resolve_sources(ctx, ctx.raw("from"))
        if len(sources) == 1:
            (uri,) = sources.values()
            with sdk_errors(wrapped=True):
                response, size = _upload(ctx, client, uri, {**arguments, "Bucket": bucket, "Key": key})
            outputs: dict[str, Any] = {"bucket": bucket, "key": key, **_tags(response)}
            return TaskResult(outputs, fact=f"s3://{bucket}/{key} {size:,} bytes")
        return self._several(ctx, client, bucket, key, sources, arguments)

    def _several(
        self,
        ctx: RunContext,
        client: Any,
        bucket: str,
        key: str,
        sources: dict[str, str],
        arguments: dict[str, Any],
    ) -> TaskResult:
        """All files below `key`; a failure of one fails the task, what has been uploaded stays."""

        def one(item: tuple[str, str]) -> tuple[str, dict[str, Any]]:
            name, uri = item
            place = {"Bucket": bucket, "Key": _join(key, name)}
            response, size = _upload(ctx, client, uri, {**arguments, **place})
            return name, {**_tags(response), "contentLength": size}

        window = max(1, int(ctx.get("concurrentUploads", 50)))
        with sdk_errors(), ThreadPoolExecutor(min(window, 8), thread_name_prefix="s3-upload") as pool:
            files = dict(pool.map(one, sources.items()))
        total = sum(int(facts["contentLength"]) for facts in files.values())
        return TaskResult(
            {"bucket": bucket, "key": key, "files": files},
            fact=f"{len(files)} files -> s3://{bucket}/{key} {total:,} bytes",
        )


def _upload(ctx: RunContext, client: Any, uri: str, arguments: dict[str, Any]) -> tuple[Any, int]:
    ctx.logger.debug("Uploading to '{}'", arguments["Key"])
    compatible = bool(ctx.get("compatibilityMode"))
    if compatible and "ContentType" not in arguments:
        arguments["ContentType"] = mimetypes.guess_type(uri)[0] or _UNKNOWN_TYPE
    with ctx.open_uri(uri) as stream:
        size = stream_size(stream)
        response = upload_stream(
            client, stream, size, arguments, multipart=not compatible, cancelled=lambda: ctx.cancelled
        )
    ctx.metric("file.count", 1)
    ctx.metric("file.size", size)
    return response, size


def _tags(response: Any) -> dict[str, Any]:
    """The ETag keeps its quotes. Its name as Jackson derives it, and as the plugin's documentation writes it."""
    found = {"eTag": response["ETag"], "etag": response["ETag"]}
    if response.get("VersionId"):
        found["versionId"] = response["VersionId"]
    return found


def _join(key: str, name: str) -> str:
    """`Path.of(key, name)`: one slash between, none at the end."""
    joined = re.sub("/{2,}", "/", f"{key}/{name}" if key else name)
    return joined.rstrip("/") or "/"


def _arguments(ctx: RunContext) -> dict[str, Any]:
    """What PutObject is told beyond place and body."""
    found: dict[str, Any] = {}
    for name, argument in _PLAIN.items():
        value = ctx.get(name)
        if value is not None:
            found[argument] = value
    if "Metadata" in found:
        found["Metadata"] = {str(name): str(value) for name, value in found["Metadata"].items()}
    tagging = ctx.get("tagging")
    if tagging:
        found["Tagging"] = urlencode({str(name): str(value) for name, value in tagging.items()})
    for name, argument in (
        ("expires", "Expires"),
        ("objectLockRetainUntilDate", "ObjectLockRetainUntilDate"),
    ):
        value = ctx.get(name)
        if value is not None:
            found[argument] = _instant(str(value))
    encryption = ctx.get("serverSideEncryption")
    if encryption:
        found["ServerSideEncryption"] = ENCRYPTION[str(encryption)]
    algorithm, checksum = ctx.get("checksumAlgorithm"), ctx.get("checksum")
    if algorithm:
        found["ChecksumAlgorithm"] = str(algorithm).replace("_", "")
        if checksum:
            found[_CHECKSUMS[str(algorithm)]] = str(checksum)
    elif any(name.startswith("ObjectLock") for name in found):
        # S3 wants a sum with a lock; the SDK sends its default one.
        found["ChecksumAlgorithm"] = "CRC32"
    return found


def _instant(text: str) -> dt.datetime:
    """Java's `Instant.parse`."""
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)", text):
        try:
            return dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
        except ValueError:
            pass
    raise TaskError(f"Text '{text}' could not be parsed at index 0")
