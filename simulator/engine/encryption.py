"""Kestra's encryption of values (secrets.md 4): AES/GCM, 12-byte random IV, 128-bit tag, base64 of IV + ciphertext + tag."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from typing import Any

from simulator.errors import SecretError

__all__ = ["MARKER", "decrypt", "decrypt_deep", "encrypt", "marked"]

#: `type` of an EncryptedString output.
MARKER = "io.kestra.datatype:aes_encrypted"


def _key(key: str) -> bytes:
    try:
        return base64.b64decode(key)
    except (ValueError, binascii.Error):
        raise SecretError("The encryption key is not valid base64") from None


def encrypt(key: str, text: str) -> str:
    """The ciphertext; empty text stays as it is."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not text:
        return text
    iv = os.urandom(12)
    return base64.b64encode(iv + AESGCM(_key(key)).encrypt(iv, text.encode(), None)).decode("ascii")


def decrypt(key: str, text: str) -> str:
    """The clear text. Raises SecretError when it was not made with this key."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not text:
        return text
    try:
        raw = base64.b64decode(text, validate=True)
        return AESGCM(_key(key)).decrypt(raw[:12], raw[12:], None).decode()
    except (InvalidTag, ValueError, binascii.Error):
        raise SecretError("Unable to decrypt the output") from None


def marked(value: Any) -> bool:
    """Whether a value is an EncryptedString map."""
    return isinstance(value, Mapping) and value.get("type") == MARKER and len(value) == 2 and "value" in value


def decrypt_deep(value: Any, key: str | None, seen: Callable[[str], object] | None = None) -> Any:
    """A copy with every EncryptedString decrypted: recursively in maps, not inside lists. Without a key, or with the
    wrong one, the value stays as it is. `seen` is told each clear value (for masking)."""
    if not isinstance(value, Mapping):
        return value
    if marked(value):
        if key is None:
            return value["value"]
        try:
            clear = decrypt(key, str(value["value"]))
        except SecretError:
            return value
        if seen is not None and clear:
            seen(clear)
        return clear
    if not any(isinstance(item, Mapping) for item in value.values()):
        return value
    return {name: decrypt_deep(item, key, seen) for name, item in value.items()}
