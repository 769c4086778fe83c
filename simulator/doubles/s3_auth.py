"""Signature V4 as S3 checks it: unknown key, wrong secret, wrong token, nothing at all - each with S3's own words.

botocore does the arithmetic: the request is signed again with the secret that belongs to the key, and compared.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

__all__ = ["Credential", "Refusal", "Verifier"]


@dataclass(frozen=True, slots=True)
class Credential:
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An S3 error: code, message and further elements of the XML."""

    status: int
    code: str
    message: str
    extra: Mapping[str, str] = field(default_factory=dict)


class Verifier:
    """Knows the key pairs. Safe to use from any thread."""

    def __init__(self, credentials: Iterable[Credential] = ()) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Credential] = {}
        for credential in credentials:
            self.add(credential)

    def add(self, credential: Credential) -> None:
        """A new pair; a key that is known keeps its first secret."""
        with self._lock:
            self._known.setdefault(credential.access_key, credential)

    def check(self, environ: Mapping[str, Any], host: str) -> Refusal | None:
        """None when the request is signed with a known pair, else how S3 would refuse it."""
        header = environ.get("HTTP_AUTHORIZATION", "")
        if not header:
            if "X-Amz-Signature" in environ.get("QUERY_STRING", ""):
                return self._check_presigned(environ)
            return Refusal(403, "AccessDenied", "Access Denied")
        fields = _fields(header)
        scope = fields.get("Credential", "").split("/")
        if not header.startswith("AWS4-HMAC-SHA256") or len(scope) < 5:
            return Refusal(
                400, "InvalidRequest", "The authorization mechanism you have provided is not supported."
            )
        known = self._known.get("/".join(scope[:-4]))
        if known is None:
            return _unknown(scope[0])
        token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN")
        if (token or None) != known.session_token:
            return Refusal(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
        expected = _sign(
            known, scope[-3], environ, host, fields.get("SignedHeaders", "").split(";"), scope[-2]
        )
        if not hmac.compare_digest(expected, fields.get("Signature", "")):
            return _mismatch(known.access_key)
        return None

    def _check_presigned(self, environ: Mapping[str, Any]) -> Refusal | None:
        """A URL signed beforehand: the key must exist; the arithmetic is left to the SDK that made it."""
        scope = parse_qs(environ["QUERY_STRING"]).get("X-Amz-Credential", [""])[0].split("/")
        return None if scope[0] in self._known else _unknown(scope[0])


def _unknown(key: str) -> Refusal:
    return Refusal(
        403,
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
        {"AWSAccessKeyId": key},
    )


def _mismatch(key: str) -> Refusal:
    return Refusal(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided."
        " Check your key and signing method.",
        {"AWSAccessKeyId": key},
    )


def _fields(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in header.partition(" ")[2].split(","):
        name, _, value = part.strip().partition("=")
        found[name] = value
    return found


def _sign(
    known: Credential, region: str, environ: Mapping[str, Any], host: str, signed: list[str], service: str
) -> str:
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    headers = {name: str(environ[key]) for name in signed if (key := _environ_key(name)) in environ}
    # The path as it came over the wire: S3 signs it without normalising.
    uri = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"]
    request = AWSRequest(method=environ["REQUEST_METHOD"], url=f"http://{host}{uri}", headers=headers)
    request.context["timestamp"] = headers.get("x-amz-date", "")
    credentials = Credentials(known.access_key, known.secret_key)
    if service == "s3":
        # canonical_request takes the hash of the body from the x-amz-content-sha256 header: nothing is read here.
        auth = S3SigV4Auth(credentials, service, region)
    else:
        # Other services sign the body itself; it has been read (it is small there) and lies in the environment.
        request.data = environ.get("simulator.body", b"")
        auth = SigV4Auth(credentials, service, region)
    return str(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))


def _environ_key(header: str) -> str:
    key = header.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
