"""The contract of the storage room: three stores and the context that lays out URIs.

Every path goes through one guard (`simulator.storage.guard`): `..`, symlinks, NUL and absolute escapes raise StorageError
with Kestra's text. Layout and messages: shared facts on Kestra's StorageContext and InternalStorage.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

__all__ = ["FileInfo", "InternalStorage", "KvEntry", "KvStore", "NamespaceFiles", "StorageContext"]


@dataclass(frozen=True, slots=True)
class StorageContext:
    """Who writes: lays out `kestra:///<ns>/<flow>/executions/<id>/tasks/<task>/<taskRunId>/`."""

    namespace: str
    flow_id: str
    execution_id: str
    task_id: str | None = None
    task_run_id: str | None = None
    trigger_id: str | None = None


@dataclass(frozen=True, slots=True)
class FileInfo:
    uri: str
    size: int
    modified: dt.datetime


class InternalStorage(Protocol):
    """`kestra:///` files. All writes are atomic (temp file, fsync, rename); readers see old or new, never half."""

    def prefix(self, context: StorageContext) -> str:
        """The URI folder of a context, without trailing slash."""

    def put(self, context: StorageContext, source: Path | BinaryIO | bytes, name: str) -> str:
        """Store under the context; returns the kestra:/// URI. A Path is copied in chunks (moved when on the same disk
        and `source` is inside a working directory: pass `move=True` through put_file)."""

    def put_file(self, context: StorageContext, path: Path, name: str | None = None) -> str:
        """Kestra's putFile(File): stores and deletes the local file."""

    def put_at(self, uri: str, source: Path | BinaryIO | bytes) -> str: ...
    def open(self, uri: str) -> BinaryIO:
        """For reading. StorageError with Kestra's text when absent or not a kestra:// URI."""

    def path(self, uri: str) -> Path:
        """The file on disk behind a URI (read only)."""

    def exists(self, uri: str) -> bool: ...
    def info(self, uri: str) -> FileInfo: ...
    def list(self, prefix_uri: str, *, recursive: bool = True) -> Iterator[FileInfo]: ...
    def delete(self, uri: str) -> bool: ...
    def delete_by_prefix(self, prefix_uri: str) -> Sequence[str]:
        """Deletes a folder; returns the URIs of the files deleted."""


class NamespaceFiles(Protocol):
    """Files of a namespace; 2.0 keeps revisions (versions count from 1)."""

    def put(self, namespace: str, path: str, content: bytes, *, conflict: str = "OVERWRITE") -> str:
        """conflict: OVERWRITE, ERROR, SKIP. Returns the file's kestra:/// URI."""

    def read(self, namespace: str, path: str, version: int | None = None) -> bytes: ...
    def exists(self, namespace: str, path: str) -> bool: ...
    def uri(self, namespace: str, path: str, version: int | None = None) -> str: ...
    def delete(self, namespace: str, path: str) -> bool: ...
    def list(self, namespace: str) -> Sequence[str]:
        """Paths, sorted, without leading slash."""


@dataclass(frozen=True, slots=True)
class KvEntry:
    key: str
    value: Any
    description: str | None = None
    expiration: dt.datetime | None = None
    created: dt.datetime | None = None
    updated: dt.datetime | None = None
    version: int = 1


class KvStore(Protocol):
    """The KV store of all namespaces. Rules of keys, values, ttl, inheritance: storage.md section 6."""

    def get(self, namespace: str, key: str) -> KvEntry | None:
        """Exactly this namespace. StorageError `The requested value has expired` when it has."""

    def put(
        self,
        namespace: str,
        key: str,
        value: Any,
        *,
        overwrite: bool = True,
        ttl: dt.timedelta | None = None,
        description: str | None = None,
    ) -> None: ...
    def delete(self, namespace: str, key: str) -> bool: ...
    def list(self, namespace: str) -> Sequence[KvEntry]: ...
    def check_namespace(self, namespace: str, flow_namespace: str) -> None:
        """StorageError `Cannot access the KV store. The namespace '<ns>' does not exist.` by Kestra's rule."""
