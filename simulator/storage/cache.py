"""Caches in the internal storage: `cache.zip` of a task (its outputs) or of a WorkingDirectory (its files).

Layout and rules: storage.md 1 and 7. Time is the run's clock: an entry's age is counted from the date that the
archive itself carries, so that a simulated run may look months ahead.
"""

from __future__ import annotations

import datetime as dt
import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simulator.errors import StorageError
from simulator.storage import guard, ion
from simulator.storage.base import InternalStorage
from simulator.storage.ids import murmur3_128, sha256_hex, slugify

__all__ = ["cache_id", "cache_uri", "load_files", "load_outputs", "save_files", "save_outputs"]

_OUTPUTS = "outputs.ion"
_MAX_FILES = 100_000
_MAX_BYTES = 8 * 1024**3
_MAX_RATIO = 1000


def cache_uri(namespace: str, flow_id: str, cache: str, value: str | None = None) -> str:
    """Where a cache lies; `value` is the task run's value."""
    middle = f"/{murmur3_128(value)}" if value is not None else ""
    return f"kestra:///{guard.namespace_path(namespace)}/{slugify(flow_id)}/{slugify(cache)}/cache{middle}/cache.zip"


def cache_id(properties: Mapping[str, Any]) -> str:
    """The id of a task's cache: SHA-256 of the JSON of its rendered properties."""
    import orjson

    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    return sha256_hex(orjson.dumps(dict(properties), option=options, default=str))


def save_outputs(storage: InternalStorage, uri: str, outputs: Mapping[str, Any], now: dt.datetime) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_OUTPUTS, ion.dumps(dict(outputs)))
        archive.comment = now.isoformat().encode()
    storage.put_at(uri, buffer.getvalue())


def load_outputs(
    storage: InternalStorage, uri: str, now: dt.datetime, ttl: dt.timedelta | None = None
) -> Mapping[str, Any] | None:
    """The cached outputs; None when there are none or they are older than `ttl` (then they are deleted)."""
    if not storage.exists(uri):
        return None
    with storage.open(uri) as stream, _archive(stream) as archive:
        if not _expired(archive, now, ttl):
            value = ion.load(archive.read(_OUTPUTS))
            return value if isinstance(value, dict) else None
    storage.delete(uri)
    return None


def save_files(
    storage: InternalStorage, uri: str, root: Path, paths: Iterable[Path], now: dt.datetime
) -> int:
    """Zips files with their names relative to `root`; how many."""
    count = 0
    with tempfile.TemporaryFile() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in paths:
                archive.write(path, path.relative_to(root).as_posix())
                count += 1
            archive.comment = now.isoformat().encode()
        buffer.seek(0)
        storage.put_at(uri, buffer)
    return count


def load_files(
    storage: InternalStorage, uri: str, root: Path, now: dt.datetime, ttl: dt.timedelta | None = None
) -> bool:
    """Unzips a cache into `root`; False when there is none or it is older than `ttl` (then it is deleted)."""
    if not storage.exists(uri):
        return False
    with storage.open(uri) as stream, _archive(stream) as archive:
        if not _expired(archive, now, ttl):
            _extract(archive, root)
            return True
    storage.delete(uri)
    return False


def _archive(stream: Any) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except zipfile.BadZipFile as error:
        raise StorageError(f"The cache is no archive: {error}") from None


def _expired(archive: zipfile.ZipFile, now: dt.datetime, ttl: dt.timedelta | None) -> bool:
    if ttl is None:
        return False
    try:
        saved = dt.datetime.fromisoformat(archive.comment.decode())
    except (ValueError, UnicodeDecodeError):
        return True
    return saved + ttl < now


def _extract(archive: zipfile.ZipFile, root: Path) -> None:
    """Every name goes through the guard; sizes are limited, so that a forged archive cannot fill the disk."""
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries) or 1
    if len(entries) > _MAX_FILES or total > _MAX_BYTES or (total > 1 << 20 and total / packed > _MAX_RATIO):
        raise StorageError("The cache archive is too large")
    for entry in entries:
        if entry.is_dir():
            continue
        path = guard.relative_inside(root, entry.filename)
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
