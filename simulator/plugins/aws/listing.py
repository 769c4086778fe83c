"""Listing a bucket as the plugin does, and the tasks that only list: List and DeleteList (s3.md 4 and 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.aws.connection import s3_client
from simulator.plugins.aws.errors import sdk_errors
from simulator.plugins.aws.specs import CONNECTION, LISTING, OBJECT_OUTPUTS
from simulator.storage.ion.java import iso_datetime

__all__ = ["DeleteList", "List", "list_objects", "object_output"]

#: DeleteObjects takes this many keys.
_DELETE_BATCH = 1000


def list_objects(ctx: RunContext, client: Any) -> list[Mapping[str, Any]]:
    """Objects after regexp and filter, at most `maxFiles` (a warning says how many were cut)."""
    pattern = ctx.get("regexp")
    wanted = re.compile(str(pattern)) if pattern else None
    kind = str(ctx.get("filter") or "BOTH") if ctx.raw("filter") is not None else "BOTH"
    found = [
        item
        for item in _pages(ctx, client)
        if (wanted is None or wanted.fullmatch(item["Key"])) and _fits(item["Key"], kind)
    ]
    limit = ctx.get("maxFiles")
    limit = 25 if limit is None else int(limit)
    if len(found) > limit:
        ctx.logger.warn(
            "Too many files to process ({}), limiting to {}. You can increase 'maxFiles' to process more.",
            len(found),
            limit,
        )
        found = found[:limit]
    return found


def _fits(key: str, kind: str) -> bool:
    if kind == "FILES":
        return not key.endswith("/")
    return key.endswith("/") if kind == "DIRECTORY" else True


def _pages(ctx: RunContext, client: Any) -> Iterator[Mapping[str, Any]]:
    """ListObjectsV2, followed until `maxKeys` objects in all."""
    request: dict[str, Any] = {"Bucket": str(ctx.get("bucket")), "FetchOwner": True}
    for name, argument in (
        ("prefix", "Prefix"),
        ("delimiter", "Delimiter"),
        ("marker", "StartAfter"),
        ("expectedBucketOwner", "ExpectedBucketOwner"),
        ("requestPayer", "RequestPayer"),
    ):
        value = ctx.get(name) if ctx.raw(name) is not None else None
        if value not in (None, ""):
            request[argument] = str(value)
    left = ctx.get("maxKeys")
    left = 1000 if left is None else int(left)
    while left > 0:
        page = client.list_objects_v2(MaxKeys=min(left, 1000), **request)
        items = page.get("Contents", [])
        yield from items[:left]
        left -= len(items)
        if not page.get("IsTruncated"):
            return
        request["ContinuationToken"] = page["NextContinuationToken"]


def object_output(item: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """One object as `objects` shows it; `etag` is lower case here."""
    found: dict[str, Any] = {
        "key": item["Key"],
        "etag": item["ETag"],
        "size": item["Size"],
        "lastModified": iso_datetime(item["LastModified"]),
    }
    owner = item.get("Owner")
    if owner:
        found["owner"] = {"id": owner.get("ID"), "displayName": owner.get("DisplayName")}
        found["owner"] = {key: value for key, value in found["owner"].items() if value is not None}
    algorithms = item.get("ChecksumAlgorithm")
    if algorithms:
        found["checksumAlgorithm"] = list(algorithms)
    return {**more, **found}


class List:
    """The objects of a bucket that match."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.s3.List",
        properties=(*CONNECTION, *LISTING),
        outputs=(OutputSpec("objects", T.LIST, OutputSpec("object", T.OBJECT, fields=OBJECT_OUTPUTS)),),
        needs=("s3",),
        doc="List objects of an S3 bucket.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        client = s3_client(ctx, bucket=str(ctx.get("bucket")))
        with sdk_errors():
            objects = [object_output(item) for item in list_objects(ctx, client)]
        ctx.metric("s3.objects.count", len(objects))
        return TaskResult({"objects": objects}, fact=f"{len(objects)} objects")


class DeleteList:
    """Deletes what a listing finds."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.s3.DeleteList",
        properties=(
            *CONNECTION,
            *LISTING,
            PropertySpec("concurrent", T.INTEGER, minimum=2, dynamic=False, as_property=False),
            PropertySpec("errorOnEmpty", T.BOOLEAN, default=False),
        ),
        outputs=(OutputSpec("count", T.INTEGER), OutputSpec("size", T.INTEGER)),
        needs=("s3",),
        doc="Delete the objects of an S3 bucket that match.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        bucket = str(ctx.get("bucket"))
        client = s3_client(ctx, bucket=bucket)
        with sdk_errors():
            found = list_objects(ctx, client)
            if not found and ctx.get("errorOnEmpty"):
                raise TaskError(
                    f"Unable to find any files to delete on {bucket} "
                    f"with regexp='{_java(ctx.get('regexp'))}', prefix='{_java(ctx.get('prefix'))}'"
                )
            for start in range(0, len(found), _DELETE_BATCH):
                keys = [{"Key": item["Key"]} for item in found[start : start + _DELETE_BATCH]]
                client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        size = sum(int(item["Size"]) for item in found)
        ctx.metric("s3.objects.deleted.count", len(found))
        ctx.metric("s3.objects.deleted.size", size)
        ctx.logger.info("Deleted {} keys for {} bytes", len(found), size)
        return TaskResult({"count": len(found), "size": size}, fact=f"{len(found)} objects deleted")


def _java(value: Any) -> str:
    return "null" if value is None else str(value)
