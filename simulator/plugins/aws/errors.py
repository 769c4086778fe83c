"""botocore's errors in the words of the AWS SDK for Java (s3.md 8)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from simulator.errors import TaskError

__all__ = ["sdk_errors"]

_MODEL = "software.amazon.awssdk.services.s3.model"
_CLASSES = {
    "NoSuchBucket": "NoSuchBucketException",
    "NoSuchKey": "NoSuchKeyException",
    "BucketAlreadyExists": "BucketAlreadyExistsException",
    "BucketAlreadyOwnedByYou": "BucketAlreadyOwnedByYouException",
    "NoSuchUpload": "NoSuchUploadException",
    "InvalidObjectState": "InvalidObjectStateException",
}
_HINTS = {
    "PermanentRedirect": "the task's `region` is not the region of the bucket",
    "NoSuchBucket": "list the bucket under `doubles: s3: buckets:` in the side file `<flow>.sim.yml`",
    "InvalidAccessKeyId": "the key of the flow (or its secret) is not one of `doubles: s3: credentials:` in the side file",
    "SignatureDoesNotMatch": "the secret key of the flow (or its secret) is not the one that belongs to the access key: "
    "compare it with `doubles: s3: credentials:` in the side file",
}
#: A HEAD request has no body to say more.
_BARE = {
    "301": (
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
    ),
    "404": ("NoSuchKey", "The specified key does not exist."),
    "403": ("AccessDenied", "Forbidden"),
}


@contextlib.contextmanager
def sdk_errors(*, wrapped: bool = False, service: str = "S3") -> Iterator[None]:
    """Turns what botocore raises inside into TaskError. `wrapped`: as the cause of an ExecutionException; `service`: the
    SDK's name of it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _client_error(error, wrapped, service) from None
    except BotoCoreError as error:
        raise TaskError(_local_error(error, wrapped), code="SIM-AWS-002") from None


def _client_error(error: Any, wrapped: bool, service: str) -> TaskError:
    response = error.response
    code = str(response.get("Error", {}).get("Code", ""))
    message = str(response.get("Error", {}).get("Message", ""))
    if code in _BARE:
        code, message = _BARE[code]
    meta = response.get("ResponseMetadata", {})
    details = f"Service: {service}, Status Code: {meta.get('HTTPStatusCode', 0)}"
    if meta.get("RequestId"):
        details += f", Request ID: {meta['RequestId']}"
    text = f"{message} ({details})"
    if wrapped:
        text = f"{_MODEL}.{_CLASSES.get(code, 'S3Exception')}: {text}"
    hint = _HINTS.get(code) if service == "S3" else _other_hint(code, service)
    return TaskError(text, hint=hint, code="SIM-AWS-001")


#: the SDK's name of a service -> what the side file calls its contents
_SECTIONS = {
    "Sqs": "queues",
    "Sns": "topics",
    "DynamoDb": "tables",
    "Kinesis": "streams",
    "EventBridge": "buses",
}


def _other_hint(code: str, service: str) -> str | None:
    if code in ("UnrecognizedClientException", "InvalidSignatureException"):
        return "the keys of the flow (or its secrets) are not among `doubles: aws: credentials:` in the side file"
    if any(part in code for part in ("NotFound", "NonExistent", "DoesNotExist")):
        section = _SECTIONS.get(service, "")
        example = ", for example `users: {key: id}`" if section == "tables" else ""
        return f"declare it under `doubles: aws: {section}:` in the side file `<flow>.sim.yml`{example}"
    return None


def _local_error(error: Exception, wrapped: bool) -> str:
    text = f"Unable to execute HTTP request: {error}"
    return f"software.amazon.awssdk.core.exception.SdkClientException: {text}" if wrapped else text
