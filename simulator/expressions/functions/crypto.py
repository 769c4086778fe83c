"""encrypt and decrypt: AES-GCM as Kestra's EncryptionService. Source: expressions.md 14, secrets.md 4."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from simulator.expressions.filters.encoding import base64_problem, decode_base64
from simulator.expressions.java.casts import as_string, pebble
from simulator.expressions.java.errors import JavaError
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TABLE"]

_IV_BYTES = 12
_TAG_BYTES = 16
_KEY_SIZES = (16, 24, 32)


def _cipher(text: str) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = decode_base64(text)
    if key is None:
        raise JavaError("IllegalArgumentException", base64_problem(text))
    if len(key) not in _KEY_SIZES:
        raise pebble(f"Invalid AES key length: {len(key)} bytes")
    return AESGCM(key)


def _two(call: Call, args: Args, second: str) -> tuple[str, str | None]:
    if "key" not in args or second not in args:
        raise pebble(f"The '{call.name}' function expects two arguments 'key' and '{second}'.")
    key, text = args["key"], args[second]
    return "" if key is None else as_string(key), None if text is None else as_string(text)


def _encrypt(call: Call, args: Args) -> Any:
    key, text = _two(call, args, "plaintext")
    if not text:
        return text
    # Never from the run's seed: the same key and vector twice would give the key away.
    vector = secrets.token_bytes(_IV_BYTES)
    return base64.b64encode(
        vector + _cipher(key).encrypt(vector, text.encode("utf-8", "replace"), None)
    ).decode("ascii")


def _decrypt(call: Call, args: Args) -> Any:
    from cryptography.exceptions import InvalidTag

    key, text = _two(call, args, "encrypted")
    if not text:
        return text
    cipher = _cipher(key)  # the key is read first
    data = decode_base64(text)
    if data is None:
        raise JavaError("IllegalArgumentException", base64_problem(text))
    if len(data) < _IV_BYTES:
        raise JavaError("IllegalArgumentException", f"{_IV_BYTES} > {len(data)}")
    if len(data) < _IV_BYTES + _TAG_BYTES:
        raise pebble(f"Input data too short to contain an expected tag length of {_TAG_BYTES}bytes")
    try:
        return cipher.decrypt(data[:_IV_BYTES], data[_IV_BYTES:], None).decode("utf-8", "replace")
    except (InvalidTag, ValueError) as error:
        if isinstance(error, JavaError):
            raise
        raise pebble("Tag mismatch") from None


TABLE: Table = table(
    Definition("encrypt", _encrypt, ("key", "plaintext")),
    Definition("decrypt", _decrypt, ("key", "encrypted")),
)
