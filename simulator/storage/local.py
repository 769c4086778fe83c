"""Kestra's local storage: `<root>/main/<path>` behind `kestra:///<path>` (storage.md 1).

Promises: a write is atomic (temporary file, fsync, rename); nothing is held in memory, whatever its size; every path
goes through the guard; files are readable by their owner only. "main" is the tenant of the open source edition.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import shutil
import stat
import string
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from simulator.dialect import Dialect
from simulator.errors import StorageError
from simulator.storage import guard
from simulator.storage.base import FileInfo, StorageContext
from simulator.storage.ids import slugify

__all__ = ["LocalStorage", "execution_prefix"]

TENANT = "main"
_CHUNK = 1 << 20
_MAX_NAME = 255


def execution_prefix(namespace: str, flow_id: str, execution_id: str) -> str:
    """The URI folder of an execution, without trailing slash."""
    return f"kestra:///{guard.namespace_path(namespace)}/{slugify(flow_id)}/executions/{execution_id}"


class LocalStorage:
    """`InternalStorage` on a directory. Safe to use from several threads; one process writes at a time."""

    def __init__(
        self,
        root: Path,
        dialect: Dialect,
        rng: random.Random | None = None,
        now: Callable[[], dt.datetime] | None = None,
    ) -> None:
        """`now` is the run's clock: files carry its time as their last change (the real time without it)."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._base = root.resolve() / TENANT
        self._base.mkdir(mode=0o700, exist_ok=True)
        # Beside the tenant's folder: same disk (rename), never listed.
        self._incoming = root.resolve() / ".incoming"
        self._incoming.mkdir(mode=0o700, exist_ok=True)
        self._dialect = dialect
        self._rng = rng or random.Random()
        self._now = now

    @property
    def dialect(self) -> Dialect:
        return self._dialect

    def prefix(self, context: StorageContext) -> str:
        base = execution_prefix(context.namespace, context.flow_id, context.execution_id)
        if context.trigger_id is not None:
            return f"{base}/trigger/{slugify(context.trigger_id)}"
        if context.task_id is not None:
            return f"{base}/tasks/{slugify(context.task_id)}/{context.task_run_id}"
        return base

    def put(self, context: StorageContext, source: Path | BinaryIO | bytes, name: str) -> str:
        """1.x percent-encodes the whole name (its `/` too, in the URI), 2.0 only what a URI cannot hold."""
        encoded = (
            guard.encode_name(name) if self._dialect.major == 1 else guard.encode_path(guard.normalize(name))
        )
        return self.put_at(f"{self.prefix(context)}/{encoded}", source)

    def put_file(self, context: StorageContext, path: Path, name: str | None = None) -> str:
        """Stores and deletes the local file: a rename when it lies on the same disk."""
        name = path.name if name is None else name
        encoded = guard.encode_name(name) if self._dialect.major == 1 else guard.encode_path(name)
        return self._store(f"{self.prefix(context)}/{encoded}", path, move=True)

    def put_at(self, uri: str, source: Path | BinaryIO | bytes) -> str:
        return self._store(uri, source, move=False)

    def open(self, uri: str) -> BinaryIO:
        path = self.path(uri)
        try:
            return path.open("rb")
        except IsADirectoryError:
            raise StorageError(f"{path} (Is a directory)") from None
        except OSError as error:
            raise self._missing(path, error) from None

    def path(self, uri: str) -> Path:
        return guard.inside(self._base, guard.segments(uri))

    def exists(self, uri: str) -> bool:
        """True when reading it would not fail (so false for a folder), as Kestra's default `exists`."""
        try:
            return stat.S_ISREG(self.path(uri).stat().st_mode)
        except OSError:
            return False

    def info(self, uri: str) -> FileInfo:
        path = self.path(uri)
        try:
            return self._info(path, path.stat())
        except OSError as error:
            raise self._missing(path, error) from None

    def list(self, prefix_uri: str, *, recursive: bool = True) -> Iterator[FileInfo]:
        """Files below a folder, sorted by path; nothing when it is absent. Symbolic links are left out."""
        folder = self.path(prefix_uri)
        if not folder.is_dir():
            return
        for parent, folders, files in os.walk(folder):
            folders.sort()
            if not recursive:
                folders.clear()
            for name in sorted(files):
                path = Path(parent, name)
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    yield self._info(path, status)

    def delete(self, uri: str) -> bool:
        """Deletes a file or an empty folder; False when there is none."""
        path = self.path(uri)
        try:
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StorageError(f"Failed to delete {path.name}: {error.strerror}") from None
        return True

    def delete_by_prefix(self, prefix_uri: str) -> Sequence[str]:
        folder = self.path(prefix_uri)
        if folder == self._base:
            raise StorageError("Refused to delete the whole internal storage")
        if folder.is_file():
            return [prefix_uri] if self.delete(prefix_uri) else []
        deleted = [info.uri for info in self.list(prefix_uri)]
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
        return deleted

    # -- inside -------------------------------------------------------------------------------------------------

    def _uri(self, path: Path) -> str:
        return "kestra:///" + guard.encode_path(path.relative_to(self._base).as_posix())

    def _info(self, path: Path, status: os.stat_result) -> FileInfo:
        modified = dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
        return FileInfo(self._uri(path), status.st_size, modified)

    def _missing(self, path: Path, error: OSError) -> StorageError:
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            old = f"{path} (No such file or directory)"
            # 2.0 keeps the place on the disk to itself (LocalStorage.newFileNotFound)
            message = old if self._dialect.major == 1 else f"File not found for URI: {self._uri(path)}"
            return StorageError(message, code="SIM-STORAGE-404")
        return StorageError(f"{path} ({error.strerror})")

    def _fit(self, parts: tuple[str, ...], uri: str) -> tuple[tuple[str, ...], str]:
        """2.0 cuts a last segment of more than 255 characters: five random ones, `-`, and its end."""
        name = parts[-1]
        if self._dialect.major == 1 or len(name) <= _MAX_NAME:
            return parts, uri
        head = "".join(self._rng.choice(string.ascii_lowercase + string.digits) for _ in range(5))
        short = f"{head}-{name[-(_MAX_NAME - 6) :]}"
        return (*parts[:-1], short), uri[: uri.rindex("/") + 1] + guard.encode_path(short)

    def _store(self, uri: str, source: Path | BinaryIO | bytes, *, move: bool) -> str:
        parts = guard.segments(uri)
        if not parts:
            raise StorageError(f"Invalid internal storage uri, got uri '{uri}'")
        parts, uri = self._fit(parts, uri)
        target = guard.inside(self._base, parts)
        temporary = self._incoming / uuid.uuid4().hex
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (move and isinstance(source, Path) and self._take(source, temporary)):
                self._write(source, temporary)
                if move and isinstance(source, Path):
                    source.unlink(missing_ok=True)
            if self._now is not None:
                stamp = self._now().timestamp()
                os.utime(temporary, (stamp, stamp))
            temporary.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            place = source if isinstance(source, Path) and error.filename == str(source) else target
            reason = "No such file or directory" if error.strerror is None else error.strerror
            raise StorageError(f"{place} ({reason})") from None
        return "kestra:///" + uri.split(":", 1)[1].lstrip("/")

    @staticmethod
    def _take(source: Path, temporary: Path) -> bool:
        """Renames a regular file of ours into the storage; False when that cannot be done (another disk)."""
        status = source.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            return False
        try:
            source.rename(temporary)
        except OSError:
            return False
        temporary.chmod(0o600)
        handle = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        return True

    @staticmethod
    def _write(source: Path | BinaryIO | bytes, temporary: Path) -> None:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as target:
            if isinstance(source, bytes):
                target.write(source)
            elif isinstance(source, Path):
                # A link in a working directory may have been made by a script: it is not followed.
                with os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb") as reader:
                    shutil.copyfileobj(reader, target, _CHUNK)
            else:
                shutil.copyfileobj(source, target, _CHUNK)
            target.flush()
            os.fsync(target.fileno())
