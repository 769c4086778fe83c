"""Authorization headers: BASIC and BEARER are sent at once, DIGEST (2.0) answers a challenge (RFC 7616)."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from simulator.plugins.core.http.options import Auth

__all__ = ["authorization", "digest_answer"]

_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


def authorization(auth: Auth | None) -> str | None:
    """The header that is sent without being asked for."""
    if auth is None:
        return None
    if auth.type == "BASIC":
        pair = f"{auth.username or ''}:{auth.password or ''}"
        return "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii")
    if auth.type == "BEARER":
        return f"Bearer {auth.token or ''}"
    return None


def digest_answer(headers: Mapping[str, list[str]], auth: Auth, method: str, url: str) -> str | None:
    """The answer to a 401 with a Digest challenge; None when there is none that we know."""
    for name, values in headers.items():
        if name.lower() != "www-authenticate":
            continue
        for value in values:
            scheme, _, rest = value.partition(" ")
            if scheme.lower() == "digest":
                fields = {match[1].lower(): match[2] or match[3] or "" for match in _FIELD.finditer(rest)}
                return _answer(fields, auth, method, url)
    return None


def _answer(fields: Mapping[str, str], auth: Auth, method: str, url: str) -> str | None:
    algorithm = fields.get("algorithm", "MD5").upper()
    digest = {"MD5": "md5", "MD5-SESS": "md5", "SHA-256": "sha256", "SHA-256-SESS": "sha256"}.get(algorithm)
    offered = [item.strip() for item in fields.get("qop", "").split(",") if item.strip()]
    if digest is None or (offered and "auth" not in offered):
        return None

    def hashed(text: str) -> str:
        return hashlib.new(digest, text.encode("utf-8"), usedforsecurity=False).hexdigest()

    parts = urlsplit(url)
    uri = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    realm, nonce, client = fields.get("realm", ""), fields.get("nonce", ""), os.urandom(8).hex()
    first = hashed(f"{auth.username or ''}:{realm}:{auth.password or ''}")
    if algorithm.endswith("-SESS"):
        first = hashed(f"{first}:{nonce}:{client}")
    second = hashed(f"{method}:{uri}")
    middle = f"{nonce}:00000001:{client}:auth" if offered else nonce
    result = {
        "username": f'"{auth.username or ""}"',
        "realm": f'"{realm}"',
        "nonce": f'"{nonce}"',
        "uri": f'"{uri}"',
        "response": f'"{hashed(f"{first}:{middle}:{second}")}"',
        "algorithm": fields.get("algorithm"),
        "opaque": f'"{fields["opaque"]}"' if "opaque" in fields else None,
    }
    if offered:
        result |= {"qop": "auth", "nc": "00000001", "cnonce": f'"{client}"'}
    return "Digest " + ", ".join(f"{key}={value}" for key, value in result.items() if value is not None)
