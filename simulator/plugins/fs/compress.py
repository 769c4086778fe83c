"""`compress.*` (fs-and-others.md 8): archives and packed files, on the standard library.

Entries are read as a stream and stored one by one, never unpacked to a path that an archive names (security.md, trap
20): links and special files are left out, names are kept as map keys only. Size and ratio are limited.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, BinaryIO, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError, UnsupportedError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec

__all__ = ["ArchiveCompress", "ArchiveDecompress", "FileCompress", "FileDecompress"]

_CHUNK = 1 << 20
_MAX_TOTAL = 64 << 30
_MAX_RATIO = 2000
_RATIO_FROM = 256 << 20

_ALGORITHMS = ("AR", "ARJ", "CPIO", "DUMP", "JAR", "TAR", "ZIP")
_COMPRESSIONS = (
    "BROTLI", "BZIP2", "DEFLATE", "DEFLATE64", "GZIP", "LZ4BLOCK", "LZ4FRAME", "LZMA", "SNAPPY",
    "SNAPPYFRAME", "XZ", "Z", "ZSTD",
)  # fmt: skip

_ALGORITHM = PropertySpec("algorithm", T.ENUM, required=True, values=_ALGORITHMS)
_COMPRESSION = PropertySpec("compression", T.ENUM, values=_COMPRESSIONS)
_COMPRESSION_REQUIRED = PropertySpec("compression", T.ENUM, required=True, values=_COMPRESSIONS)
_FROM_URI = PropertySpec("from", T.URI, required=True)
_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, ValueError)


class _Inflating:
    """Reads a zlib stream (DEFLATE)."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._inflate = zlib.decompressobj()
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        parts: list[bytes] = []
        wanted = size
        while size < 0 or wanted > 0:
            data = self._rest or self._source.read(_CHUNK)
            if not data:
                break
            part = self._inflate.decompress(data, max(wanted, 0))
            self._rest = self._inflate.unconsumed_tail
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)


def opened(source: BinaryIO, compression: str | None) -> Any:
    """A readable stream of what `compression` packed."""
    if compression is None:
        return source
    if compression == "GZIP":
        return gzip.GzipFile(fileobj=source)
    if compression == "BZIP2":
        return bz2.BZ2File(source)
    if compression in ("XZ", "LZMA"):
        return lzma.LZMAFile(source)
    if compression == "DEFLATE":
        return _Inflating(source)
    raise UnsupportedError(
        f"compression {compression} is not supported here",
        hint="GZIP, BZIP2, XZ, LZMA and DEFLATE are; mock this task for any other",
    )


class _Deflating:
    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._deflate = zlib.compressobj()

    def write(self, data: bytes) -> int:
        self._target.write(self._deflate.compress(data))
        return len(data)

    def close(self) -> None:
        self._target.write(self._deflate.flush())


def packed(target: IO[bytes], compression: str | None) -> Any:
    """A writable stream that packs into `target`."""
    if compression == "GZIP":
        return gzip.GzipFile(fileobj=target, mode="wb", mtime=0)
    if compression == "BZIP2":
        return bz2.BZ2File(target, "wb")
    if compression == "XZ":
        return lzma.LZMAFile(target, "wb")
    if compression == "LZMA":
        return lzma.LZMAFile(target, "wb", format=lzma.FORMAT_ALONE)
    if compression == "DEFLATE":
        return _Deflating(target)
    raise UnsupportedError(
        f"compression {compression} is not supported here",
        hint="GZIP, BZIP2, XZ, LZMA and DEFLATE are; mock this task for any other",
    )


class _Limit:
    """Stops a bomb: too much in all, or far too much for the size of what was packed."""

    def __init__(self, size: int) -> None:
        self._size = max(size, 1)
        self._total = 0

    def copy(self, source: Any, target: IO[bytes]) -> int:
        count = 0
        while chunk := source.read(_CHUNK):
            count += len(chunk)
            self._total += len(chunk)
            if self._total > _MAX_TOTAL or (
                self._total > _RATIO_FROM and self._total > self._size * _MAX_RATIO
            ):
                raise TaskError("The archive holds far more than it should: it may be a decompression bomb")
            target.write(chunk)
        return count


class ArchiveDecompress:
    """Every file of an archive into the storage: `files` maps its name to its URI."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.compress.ArchiveDecompress",
        properties=(_FROM_URI, _ALGORITHM, _COMPRESSION),
        outputs=(OutputSpec("files", T.MAP, item=OutputSpec("uri", T.URI)),),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        uri, algorithm = str(ctx.get("from")), str(ctx.get("algorithm"))
        if algorithm not in ("TAR", "ZIP", "JAR"):
            raise UnsupportedError(f"archives of type {algorithm} are not read here", hint="mock this task")
        files: dict[str, str] = {}
        size = 0
        with ExitStack() as stack:
            source = stack.enter_context(ctx.open_uri(uri))
            limit = _Limit(ctx.storage.info(uri).size if uri.startswith("kestra://") else _RATIO_FROM)
            try:
                stream = opened(source, ctx.get("compression"))
                entries = _tar(stream) if algorithm == "TAR" else _zip(ctx, stream, limit, stack)
                for name, entry in entries:
                    path = ctx.temp_file(Path(name).suffix or ".tmp")
                    with path.open("wb") as target:
                        size += limit.copy(entry, target)
                    files[name] = ctx.put_file(path, Path(name).name)
            except _ERRORS as error:
                raise TaskError(f"Unable to read the archive: {error}") from None
        ctx.metric("size", size)
        ctx.metric("count", len(files))
        return TaskResult({"files": files}, fact=f"{len(files)} files")


def _tar(stream: Any) -> Iterator[tuple[str, Any]]:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if not member.isfile():
                continue
            entry = archive.extractfile(member)
            if entry is None:
                raise TaskError(f"Unable to read entry '{member.name}'")
            yield member.name, entry


def _zip(ctx: RunContext, stream: Any, limit: _Limit, stack: ExitStack) -> Iterator[tuple[str, Any]]:
    if not getattr(stream, "seekable", lambda: False)():
        whole = ctx.temp_file(".zip")
        stack.callback(whole.unlink, missing_ok=True)
        with whole.open("wb") as target:
            limit.copy(stream, target)
        stream = stack.enter_context(whole.open("rb"))
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if info.flag_bits & 1:
                raise TaskError(f"Unable to read entry '{info.filename}'", hint="it is encrypted")
            with archive.open(info) as entry:
                yield info.filename, entry


class ArchiveCompress:
    """Files of the storage into one archive."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.compress.ArchiveCompress",
        properties=(
            PropertySpec("from", T.MAP, required=True, item=PropertySpec("uri")),
            _ALGORITHM,
            _COMPRESSION,
        ),
        outputs=(OutputSpec("uri", T.URI),),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        algorithm, compression = str(ctx.get("algorithm")), ctx.get("compression")
        if algorithm not in ("TAR", "ZIP", "JAR"):
            raise UnsupportedError(
                f"archives of type {algorithm} are not written here", hint="mock this task"
            )
        sources: dict[str, str] = {str(name): str(uri) for name, uri in (ctx.get("from") or {}).items()}
        path = ctx.temp_file(f".{algorithm.lower()}")
        with path.open("wb") as file:
            write = _write_tar if algorithm == "TAR" else _write_zip
            size = write(ctx, file, sources)
        if compression:
            path = _pack(ctx, path, str(compression))
        ctx.metric("size", size)
        ctx.metric("count", len(sources))
        return TaskResult({"uri": ctx.put_file(path)}, fact=f"{len(sources)} files packed")


def _write_tar(ctx: RunContext, target: Any, sources: dict[str, str]) -> int:
    total = 0
    with tarfile.open(fileobj=target, mode="w|") as archive:
        for name, uri in sources.items():
            copy = ctx.temp_file(".tmp")
            with ctx.open_uri(uri) as source, copy.open("wb") as sink:
                shutil.copyfileobj(source, sink, _CHUNK)
            info = tarfile.TarInfo(name)
            info.size = copy.stat().st_size
            info.mtime = int(ctx.clock.now().timestamp())
            with copy.open("rb") as data:
                archive.addfile(info, data)
            copy.unlink()
            total += info.size
    return total


def _write_zip(ctx: RunContext, target: Any, sources: dict[str, str]) -> int:
    total = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, uri in sources.items():
            info = zipfile.ZipInfo(name, ctx.clock.now().timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            with ctx.open_uri(uri) as source, archive.open(info, "w", force_zip64=True) as sink:
                shutil.copyfileobj(source, sink, _CHUNK)
            total += archive.getinfo(name).file_size
    return total


def _pack(ctx: RunContext, path: Path, compression: str) -> Path:
    """The file packed, in place of itself."""
    result = ctx.temp_file(path.suffix)
    with path.open("rb") as source, result.open("wb") as file:
        target = packed(file, compression)
        shutil.copyfileobj(source, target, _CHUNK)
        target.close()
    path.unlink()
    return result


class FileCompress:
    """One file packed."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.compress.FileCompress",
        properties=(_FROM_URI, _COMPRESSION_REQUIRED),
        outputs=(OutputSpec("uri", T.URI),),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        path = ctx.temp_file(".tmp")
        with ctx.open_uri(str(ctx.get("from"))) as source, path.open("wb") as file:
            target = packed(file, str(ctx.get("compression")))
            shutil.copyfileobj(source, target, _CHUNK)
            target.close()
        ctx.metric("size", path.stat().st_size)
        return TaskResult({"uri": ctx.put_file(path)})


class FileDecompress:
    """One packed file unpacked."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.compress.FileDecompress",
        properties=(_FROM_URI, _COMPRESSION_REQUIRED),
        outputs=(OutputSpec("uri", T.URI),),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        uri = str(ctx.get("from"))
        path = ctx.temp_file(".tmp")
        limit = _Limit(ctx.storage.info(uri).size if uri.startswith("kestra://") else _RATIO_FROM)
        try:
            with ctx.open_uri(uri) as source, path.open("wb") as target:
                size = limit.copy(opened(source, str(ctx.get("compression"))), target)
        except _ERRORS as error:
            raise TaskError(f"Unable to read the compressed file: {error}") from None
        ctx.metric("size", size)
        return TaskResult({"uri": ctx.put_file(path)})
