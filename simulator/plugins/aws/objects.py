"""`s3.Copy`, `s3.Delete`, `s3.CreateBucket` (s3.md 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.aws.connection import DEFAULT_REGION, s3_client
from simulator.plugins.aws.download import encryption_of
from simulator.plugins.aws.errors import sdk_errors
from simulator.plugins.aws.specs import BUCKET, CONNECTION, PAYER

__all__ = ["Copy", "CreateBucket", "Delete"]


class Copy:
    """One object to another place, inside S3."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.s3.Copy",
        properties=(
            *CONNECTION,
            PropertySpec(
                "from",
                T.OBJECT,
                required=True,
                as_property=False,
                fields=(BUCKET, PropertySpec("key", required=True), PropertySpec("versionId")),
            ),
            PropertySpec(
                "to",
                T.OBJECT,
                as_property=False,
                fields=(
                    PropertySpec("bucket"),
                    PropertySpec("key"),
                    PropertySpec("serverSideEncryption", T.ENUM, values=("NONE", "AES256", "AWS_KMS")),
                    PropertySpec("kmsKeyId"),
                ),
            ),
            PropertySpec("delete", T.BOOLEAN, default=False),
        ),
        outputs=(
            OutputSpec("bucket", T.STRING),
            OutputSpec("key", T.STRING),
            OutputSpec("eTag", T.STRING),
            OutputSpec("etag", T.STRING),
        ),
        needs=("s3",),
        doc="Copy an S3 object.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        source: Mapping[str, Any] = ctx.render(ctx.raw("from") or {})
        target: Mapping[str, Any] = ctx.render(ctx.raw("to") or {})
        bucket, key = str(source["bucket"]), str(source["key"])
        to_bucket, to_key = str(target.get("bucket") or bucket), str(target.get("key") or key)
        client = s3_client(ctx, bucket=bucket, asynchronous=True)
        if to_bucket != bucket:
            s3_client(ctx, bucket=to_bucket)  # an undeclared double makes it
        origin: dict[str, Any] = {"Bucket": bucket, "Key": key}
        if source.get("versionId"):
            origin["VersionId"] = str(source["versionId"])
        with sdk_errors(wrapped=True):
            response = client.copy_object(
                CopySource=origin, Bucket=to_bucket, Key=to_key, **encryption_of(target)
            )
            if ctx.get("delete"):
                client.delete_object(**origin)
        etag = response["CopyObjectResult"]["ETag"]
        return TaskResult(
            {"bucket": to_bucket, "key": to_key, "eTag": etag, "etag": etag},
            fact=f"s3://{to_bucket}/{to_key}",
        )


class Delete:
    """One object; a key that is not there is no error."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.s3.Delete",
        properties=(
            *CONNECTION,
            BUCKET,
            PropertySpec("key", required=True),
            PropertySpec("mfa"),
            PropertySpec("bypassGovernanceRetention", T.BOOLEAN),
            PAYER,
        ),
        outputs=(
            OutputSpec("versionId", T.STRING),
            OutputSpec("deleteMarker", T.BOOLEAN),
            OutputSpec("requestCharged", T.STRING),
        ),
        needs=("s3",),
        doc="Delete an S3 object.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        bucket, key = str(ctx.get("bucket")), str(ctx.get("key"))
        request: dict[str, Any] = {"Bucket": bucket, "Key": key}
        for name, argument in (
            ("mfa", "MFA"),
            ("bypassGovernanceRetention", "BypassGovernanceRetention"),
            ("requestPayer", "RequestPayer"),
        ):
            if ctx.get(name) is not None:
                request[argument] = ctx.get(name)
        client = s3_client(ctx, bucket=bucket)
        with sdk_errors():
            response = client.delete_object(**request)
        found = {
            "versionId": response.get("VersionId"),
            "deleteMarker": response.get("DeleteMarker"),
            "requestCharged": response.get("RequestCharged"),
        }
        return TaskResult(
            {name: value for name, value in found.items() if value is not None}, fact=f"s3://{bucket}/{key}"
        )


class CreateBucket:
    """A new bucket in the task's region."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.s3.CreateBucket",
        properties=(
            *CONNECTION,
            BUCKET,
            PropertySpec("acl"),
            PropertySpec("grantFullControl"),
            PropertySpec("grantRead"),
            PropertySpec("grantReadACP"),
            PropertySpec("grantWrite"),
            PropertySpec("grantWriteACP"),
            PropertySpec("objectLockEnabledForBucket", T.BOOLEAN),
        ),
        outputs=(
            OutputSpec("bucket", T.STRING),
            OutputSpec("region", T.STRING, doc="the response's location"),
        ),
        needs=("s3",),
        doc="Create an S3 bucket.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        bucket = str(ctx.get("bucket") or "")
        if not bucket:
            raise TaskError("bucket must not be empty")
        region = str(ctx.get("region") or DEFAULT_REGION)
        request: dict[str, Any] = {"Bucket": bucket}
        for name, argument in (
            ("acl", "ACL"),
            ("grantFullControl", "GrantFullControl"),
            ("grantRead", "GrantRead"),
            ("grantReadACP", "GrantReadACP"),
            ("grantWrite", "GrantWrite"),
            ("grantWriteACP", "GrantWriteACP"),
            ("objectLockEnabledForBucket", "ObjectLockEnabledForBucket"),
        ):
            if ctx.get(name) is not None:
                request[argument] = ctx.get(name)
        if region != DEFAULT_REGION:
            request["CreateBucketConfiguration"] = {"LocationConstraint": region}
        # No bucket is asked of the double: making it is this task's own work.
        client = s3_client(ctx)
        with sdk_errors():
            response = client.create_bucket(**request)
        return TaskResult({"bucket": bucket, "region": response.get("Location")}, fact=f"s3://{bucket}")
