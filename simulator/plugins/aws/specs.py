"""Properties and outputs of the AWS tasks, said once (s3.md 1, 2, 4)."""

from __future__ import annotations

from simulator.model.catalog import OutputSpec, PropertySpec, T

__all__ = ["BUCKET", "CONNECTION", "ENCRYPTION", "LISTING", "OBJECT_OUTPUTS", "PAYER", "STORAGE_CLASSES"]

CONNECTION = (
    PropertySpec("accessKeyId", secret=True),
    PropertySpec("secretKeyId", secret=True),
    PropertySpec("sessionToken", secret=True),
    PropertySpec("region"),
    PropertySpec("endpointOverride", doc="full URL of an S3-compatible service"),
    PropertySpec("compatibilityMode", T.BOOLEAN, default=False),
    PropertySpec("forcePathStyle", T.BOOLEAN),
    PropertySpec("stsRoleArn"),
    PropertySpec("stsRoleExternalId"),
    PropertySpec("stsRoleSessionName"),
    PropertySpec("stsRoleSessionDuration", T.DURATION),
    PropertySpec("stsEndpointOverride"),
)

BUCKET = PropertySpec("bucket", required=True)
PAYER = PropertySpec("requestPayer")
OWNER = PropertySpec("expectedBucketOwner")

#: name of the SDK's enum -> what goes over the wire
ENCRYPTION: dict[str, str] = {
    "AES256": "AES256",
    "AWS_KMS": "aws:kms",
    "AWS_KMS_DSSE": "aws:kms:dsse",
    "AWS_FSX": "aws:fsx",
}
STORAGE_CLASSES = (
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "OUTPOSTS",
    "GLACIER_IR",
    "SNOW",
    "EXPRESS_ONEZONE",
    "FSX_OPENZFS",
)

LISTING = (
    BUCKET,
    PropertySpec("prefix"),
    PropertySpec("delimiter"),
    PropertySpec("marker", doc="keys after this one"),
    PropertySpec("encodingType"),
    PropertySpec("maxKeys", T.INTEGER, default=1000),
    OWNER,
    PropertySpec("regexp", doc="matches the whole key"),
    PropertySpec("filter", T.ENUM, default="BOTH", values=("FILES", "DIRECTORY", "BOTH")),
    PropertySpec("maxFiles", T.INTEGER, default=25),
    PAYER,
)

OBJECT_OUTPUTS = (
    OutputSpec("uri", T.URI),
    OutputSpec("key", T.STRING),
    OutputSpec("etag", T.STRING),
    OutputSpec("size", T.INTEGER),
    OutputSpec("lastModified", T.STRING),
    OutputSpec("owner", T.MAP),
)
