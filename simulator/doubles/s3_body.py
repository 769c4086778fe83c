"""The body of a request to the S3 double: read in one go, and checked against the sums that its headers give.

moto stores whatever comes beside a wrong sum; S3 refuses it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import zlib
from collections.abc import Callable
from typing import Any

from simulator.doubles.s3_auth import Refusal

__all__ = ["read_body"]

#: header in the environment -> how it is called in S3's message, and the sum. CRC32C and CRC64NVME have no function in
#: the standard library: moto takes them as they come.
_SUMS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "HTTP_CONTENT_MD5": ("Content-MD5", lambda body: hashlib.md5(body, usedforsecurity=False).digest()),
    "HTTP_X_AMZ_CHECKSUM_CRC32": ("CRC32", lambda body: zlib.crc32(body).to_bytes(4, "big")),
    "HTTP_X_AMZ_CHECKSUM_SHA1": ("SHA1", lambda body: hashlib.sha1(body, usedforsecurity=False).digest()),
    "HTTP_X_AMZ_CHECKSUM_SHA256": ("SHA256", lambda body: hashlib.sha256(body).digest()),
}


def read_body(environ: dict[str, Any]) -> Refusal | None:
    """Puts a body of known length in place of the stream: werkzeug gathers it in pieces of 64 KB, at half the speed.

    The refusal when a sum is wrong. Raises ConnectionResetError when the client went away: half an object is none.
    """
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length <= 0 or environ.get("wsgi.input_terminated"):
        return None
    body = environ["wsgi.input"].read(length)
    if len(body) < length:
        raise ConnectionResetError
    environ["wsgi.input"] = io.BytesIO(body)
    environ["wsgi.input_terminated"] = True
    if environ.get("REQUEST_METHOD") != "PUT":
        return None  # completing an upload tells the sum of the object, not of the request
    if "aws-chunked" in environ.get("HTTP_CONTENT_ENCODING", ""):
        return None  # the sum is one of the content, which moto unpacks
    for header, (name, compute) in _SUMS.items():
        declared = environ.get(header)
        if declared and not hmac.compare_digest(declared, base64.b64encode(compute(body)).decode()):
            received = "what we received" if name == "Content-MD5" else "the calculated checksum"
            return Refusal(400, "BadDigest", f"The {name} you specified did not match {received}.")
    return None
