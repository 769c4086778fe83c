"""Identifiers and chance: uuid, id, ksuid, nanoId, randomInt, randomPort. Source: expressions.md 14.

All but randomPort draw from `scope.rng`, which the run seeds.
"""

from __future__ import annotations

import uuid
from typing import Any

from simulator.expressions.java.casts import as_string, pebble
from simulator.expressions.java.values import Long, is_long
from simulator.expressions.registry import Args, Call, Definition, Table, table

__all__ = ["TABLE"]

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NANO_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
_NANO_LENGTH, _NANO_MOST = 21, 1000
_KSUID_EPOCH = 1_400_000_000


def _base62(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return digits or "0"


def _uuid(call: Call, args: Args) -> str:
    """Version 7: 48 bits of milliseconds, then chance."""
    millis = int(call.scope.now().timestamp() * 1000) & 0xFFFFFFFFFFFF
    number = (millis << 80) | call.scope.rng.getrandbits(80)
    number = (number & ~(0xF << 76)) | (0x7 << 76)
    number = (number & ~(0x3 << 62)) | (0x2 << 62)
    return str(uuid.UUID(int=number))


def _id(call: Call, args: Args) -> str:
    return _base62(uuid.UUID(int=call.scope.rng.getrandbits(128), version=4).int)


def _ksuid(call: Call, args: Args) -> str:
    seconds = (int(call.scope.now().timestamp()) - _KSUID_EPOCH) & 0xFFFFFFFF
    return _base62((seconds << 128) | call.scope.rng.getrandbits(128)).rjust(27, "0")


def _nano_id(call: Call, args: Args) -> str:
    given: Any = args.get("length")
    # Kestra hears a Long only.
    length = int(given) if is_long(given) else _NANO_LENGTH
    if length > _NANO_MOST:
        raise pebble(f"The 'nanoId()' function field 'length' must be lower than: {_NANO_MOST}")
    alphabet = _NANO_ALPHABET if args.get("alphabet") is None else as_string(args["alphabet"])
    mask = max(len(alphabet) - 1, 0)
    drawn = call.scope.rng.randbytes(max(length, 0))
    return "".join(alphabet[byte & mask] for byte in drawn) if alphabet else ""


def _bound(args: Args, name: str) -> int:
    value: Any = args.get(name)
    if value is None:
        raise pebble(f"The 'randomIn()' function expects an argument {name}")
    if not is_long(value):
        raise pebble(f"The 'randomIn()' function expects an argument {name} of type Long.")
    return int(value)


def _random_int(call: Call, args: Args) -> Any:
    lower, upper = _bound(args, "lower"), _bound(args, "upper")
    if upper < lower:
        raise pebble("In 'randomIn()' upper is less than lower")
    return Long(lower if lower == upper else call.scope.rng.randrange(lower, upper))


def _random_port(call: Call, args: Args) -> int:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


TABLE: Table = table(
    Definition("uuid", _uuid, None),
    Definition("id", _id, None),
    Definition("ksuid", _ksuid, None),
    Definition("nanoId", _nano_id, ("length", "alphabet")),
    Definition("randomInt", _random_int, ("lower", "upper")),
    Definition("randomPort", _random_port, None),
)
