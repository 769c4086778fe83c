"""Cutting a stored text file into parts (storage.md 8): by bytes, partitions or rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulator.errors import TaskError

__all__ = ["split"]

_SIZE = re.compile(r"\s*(\d+)\s*([kmgt]?)i?b?\s*", re.IGNORECASE)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def _bytes(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise TaskError(f"Invalid size '{text}'")
    return int(match[1]) * _UNITS[match[2].lower()]


def split(content: bytes, uri: str, options: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Parts as (name, content); empty parts are dropped. `rows` is 1 when nothing is given."""
    name = uri.rpartition("/")[2]
    extension = f".{name.rpartition('.')[2]}" if "." in name else ".tmp"
    separator = str(options.get("separator") or "\n").encode()
    lines = [line + separator for line in content.splitlines()]
    groups: list[list[bytes]] = []
    if options.get("bytes"):
        limit, size = _bytes(str(options["bytes"])), 0
        for line in lines:
            if not groups or size >= limit:
                groups.append([])
                size = 0
            groups[-1].append(line)
            size += len(line)
    elif options.get("partitions"):
        count = int(options["partitions"])
        groups = [lines[number::count] for number in range(count)]
    else:
        rows = int(options.get("rows") or 1)
        groups = [lines[start : start + rows] for start in range(0, len(lines), rows)]
    made = [b"".join(group) for group in groups if group]
    return [(f"part-{number}{extension}", part) for number, part in enumerate(made)]
