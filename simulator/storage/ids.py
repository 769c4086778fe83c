"""Names and ids as Kestra makes them: friendly ids, slugs, hashes. Pure functions; randomness is handed in.

Source: storage.md 1.1, 1.2 (IdUtils, Slugify, Hashing).

    >>> friendly_id(uuid.UUID("c3587ec5-0976-497f-8374-61e0c2ea3da5"))
    '5wbwf6yUxVBcr48AMbz9cb'
    >>> slugify("My task_1")
    'my-task-1'
"""

from __future__ import annotations

import hashlib
import random
import re
import unicodedata
import uuid

__all__ = ["create_id", "friendly_id", "id_from", "murmur3_128", "random_name", "sha256_hex", "slugify"]

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
_WORD = 62**10
_VERSION_4 = (4 << 76) | (8 << 60)
_NOT_VERSION = ~((0xF << 76) | (0xC << 60))
"""Version and variant of a UUID stand in these bits."""
_MASK = 0xFFFFFFFFFFFFFFFF
_C1 = 0x87C37B91114253D5
_C2 = 0x4CF5AD432745937F

_WHITE = re.compile(r"\s")
_DROPPED = re.compile(r"[^A-Za-z0-9_-]")
_DASHES = re.compile(r"-{2,}")


def friendly_id(value: uuid.UUID) -> str:
    """A UUID in base 62, without padding (FriendlyId)."""
    return _base62(value.int)


def _base62(number: int) -> str:
    # An engine of 10,000 task runs makes 20,000 ids: two digits at a time, of numbers that fit into a machine word.
    digits = []
    for _ in range(2):
        number, word = divmod(number, _WORD)
        for _ in range(5):
            word, pair = divmod(word, 3844)
            digits.append(_PAIRS[pair])
    digits.append(_PAIRS[number])
    return "".join(reversed(digits)).lstrip("0") or "0"


def create_id(rng: random.Random) -> str:
    """A new id (IdUtils.create): a random version 4 UUID in base 62."""
    return _base62(rng.getrandbits(128) & _NOT_VERSION | _VERSION_4)


def id_from(text: str) -> str:
    """The same id for the same text (IdUtils.from): UUID version 3 of the bytes alone, in base 62.

    Java's `nameUUIDFromBytes` knows no name space, so `uuid.uuid3` cannot be used.
    """
    digest = hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).digest()
    return friendly_id(uuid.UUID(bytes=digest, version=3))


def slugify(text: str) -> str:
    """Kestra's Slugify: what flow and task ids become in a storage path."""
    text = unicodedata.normalize("NFD", _WHITE.sub("-", text))
    text = _DASHES.sub("-", _DROPPED.sub("", text).replace("_", "-"))
    return text.removeprefix("-").removesuffix("-").lower()


def random_name(rng: random.Random, extension: str | None = ".tmp") -> str:
    """A temporary file name as Java's `createTempFile` makes them: an unsigned long and the extension."""
    suffix = ".tmp" if extension is None else extension
    if suffix and not suffix.startswith("."):
        suffix = "." + suffix
    return f"{rng.getrandbits(64)}{suffix}"


def sha256_hex(data: bytes) -> str:
    """SHA-256 in hex (cache ids, storage.md 7)."""
    return hashlib.sha256(data).hexdigest()


def _rotl(value: int, by: int) -> int:
    return ((value << by) | (value >> (64 - by))) & _MASK


def _mix(value: int) -> int:
    value ^= value >> 33
    value = (value * 0xFF51AFD7ED558CCD) & _MASK
    value ^= value >> 33
    value = (value * 0xC4CEB9FE1A85EC53) & _MASK
    return value ^ (value >> 33)


def murmur3_128(text: str) -> str:
    """MurmurHash3 x64 128 (seed 0) of the UTF-8 text, in hex as Guava prints it (little-endian)."""
    data = text.encode("utf-8", "replace")
    h1 = h2 = 0
    whole = len(data) - len(data) % 16
    for start in range(0, whole, 16):
        k1 = int.from_bytes(data[start : start + 8], "little")
        k2 = int.from_bytes(data[start + 8 : start + 16], "little")
        h1 ^= (_rotl((k1 * _C1) & _MASK, 31) * _C2) & _MASK
        h1 = (_rotl(h1, 27) + h2) & _MASK
        h1 = (h1 * 5 + 0x52DCE729) & _MASK
        h2 ^= (_rotl((k2 * _C2) & _MASK, 33) * _C1) & _MASK
        h2 = (_rotl(h2, 31) + h1) & _MASK
        h2 = (h2 * 5 + 0x38495AB5) & _MASK
    tail = data[whole:]
    k1 = int.from_bytes(tail[:8], "little")
    k2 = int.from_bytes(tail[8:], "little")
    if k2:
        h2 ^= (_rotl((k2 * _C2) & _MASK, 33) * _C1) & _MASK
    if k1:
        h1 ^= (_rotl((k1 * _C1) & _MASK, 31) * _C2) & _MASK
    h1 ^= len(data)
    h2 ^= len(data)
    h1 = (h1 + h2) & _MASK
    h2 = (h2 + h1) & _MASK
    h1, h2 = _mix(h1), _mix(h2)
    h1 = (h1 + h2) & _MASK
    h2 = (h2 + h1) & _MASK
    return h1.to_bytes(8, "little").hex() + h2.to_bytes(8, "little").hex()
