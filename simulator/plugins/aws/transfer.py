"""Bytes to and from S3, streamed: constant memory for any size (s3.md 2 and 3)."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["PART_SIZE", "download_object", "stream_size", "upload_stream"]

#: The SDK's client sends parts of this size, and cuts whatever is not smaller.
PART_SIZE = 8 * 1024 * 1024
#: S3 takes at most this many parts.
MAX_PARTS = 10_000
_WORKERS = 3
_CHUNK = 1 << 18

#: Arguments of PutObject that belong to the finished object, not to the start of a multipart upload.
_PUT_ONLY = frozenset({"ContentLength", "ContentMD5"})
_SUMS = frozenset({"ChecksumCRC32", "ChecksumCRC32C", "ChecksumSHA1", "ChecksumSHA256"})
#: What the answer to a part says of it, to be repeated when the object is completed.
_OF_A_PART = ("ETag", *sorted(_SUMS))
_PART_ARGUMENTS = frozenset({"RequestPayer", "ExpectedBucketOwner"})


def stream_size(stream: BinaryIO) -> int:
    """The bytes from the current position to the end; the position stays."""
    start = stream.tell()
    end = stream.seek(0, os.SEEK_END)
    stream.seek(start)
    return end - start


def upload_stream(
    client: Any,
    stream: BinaryIO,
    size: int,
    arguments: Mapping[str, Any],
    *,
    multipart: bool = True,
    cancelled: Callable[[], bool] = lambda: False,
) -> Mapping[str, Any]:
    """Puts a seekable stream, in parts from `PART_SIZE` on. The response: `ETag`, perhaps `VersionId`.

    A failed multipart upload is aborted, so that no parts stay behind.
    """
    whole = arguments.keys() & _SUMS  # a sum of all bytes is checked against all bytes
    if not multipart or size < PART_SIZE or whole:
        response: Mapping[str, Any] = client.put_object(Body=stream, **arguments)
        return response
    place = {"Bucket": arguments["Bucket"], "Key": arguments["Key"]}
    shared = {name: value for name, value in arguments.items() if name in _PART_ARGUMENTS}
    start = {name: value for name, value in arguments.items() if name not in _PUT_ONLY}
    # What the SDK sends for each part anyway. Said at the start, the server does not sum the whole object once more.
    checksum = {"ChecksumAlgorithm": arguments.get("ChecksumAlgorithm", "CRC32")}
    upload_id = client.create_multipart_upload(**{**start, **checksum})["UploadId"]
    try:
        to = {**place, **shared, **checksum, "UploadId": upload_id}
        parts = _send_parts(client, stream, size, to, cancelled)
        done: Mapping[str, Any] = client.complete_multipart_upload(
            UploadId=upload_id, MultipartUpload={"Parts": parts}, **place, **shared
        )
    except BaseException:
        client.abort_multipart_upload(UploadId=upload_id, **place)
        raise
    return done


def _send_parts(
    client: Any, stream: BinaryIO, size: int, place: Mapping[str, Any], cancelled: Callable[[], bool]
) -> list[dict[str, Any]]:
    part_size = max(PART_SIZE, -(-size // MAX_PARTS))
    lock = threading.Lock()

    # Parts are read in order under one lock, whichever worker comes first: numbers are given with the bytes.
    counter = iter(range(1, MAX_PARTS + 2))

    def next_part() -> list[dict[str, Any]]:
        done: list[dict[str, Any]] = []
        while not cancelled():
            with lock:
                number = next(counter)
                body = stream.read(part_size)
            if not body:
                break
            answer = client.upload_part(PartNumber=number, Body=body, **place)
            done.append(
                {"PartNumber": number, **{name: answer[name] for name in _OF_A_PART if name in answer}}
            )
        return done

    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="s3-upload") as pool:
        futures: list[Future[list[dict[str, Any]]]] = [pool.submit(next_part) for _ in range(_WORKERS)]
        wait(futures)
    parts = [part for future in futures for part in future.result()]
    return sorted(parts, key=lambda part: int(part["PartNumber"]))


def download_object(client: Any, arguments: Mapping[str, Any], target: Path) -> Mapping[str, Any]:
    """Writes an object to a file, chunk by chunk; the response without its body."""
    response = client.get_object(**arguments)
    body = response.pop("Body")
    try:
        with target.open("wb") as file:
            raw: io.RawIOBase = body
            while chunk := raw.read(_CHUNK):
                file.write(chunk)
    finally:
        body.close()
    found: Mapping[str, Any] = response
    return found
