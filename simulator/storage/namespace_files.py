"""Namespace files: `kestra:///<ns>/_files/<path>` (storage.md 5).

1.x: the folder itself is the index. 2.0: every overwrite is a new revision (`<path>.v<n>`, the first without suffix),
deletion is soft; the index lies in `kestra:///<ns>/_meta/files.json`.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from simulator.dialect import Dialect
from simulator.errors import StorageError
from simulator.storage import guard
from simulator.storage.base import InternalStorage

__all__ = ["LocalNamespaceFiles"]


@dataclass(slots=True)
class _File:
    """`revisions` maps revision to the ISO time of its writing; `current` is the one that is read."""

    current: int
    deleted: bool = False
    revisions: dict[int, str] = field(default_factory=dict)


class LocalNamespaceFiles:
    """`NamespaceFiles` over an internal storage. Safe to use from several threads."""

    def __init__(
        self,
        storage: InternalStorage,
        dialect: Dialect,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.fromtimestamp(0, dt.UTC),
    ) -> None:
        """`now` dates revisions (pass the run's clock)."""
        self._storage = storage
        self._revisions = dialect.major >= 2
        self._now = now
        self._indexes: dict[str, dict[str, _File]] = {}
        self._lock = threading.RLock()

    def put(
        self, namespace: str, path: str, content: bytes | Path | BinaryIO, *, conflict: str = "OVERWRITE"
    ) -> str:
        """conflict: OVERWRITE, ERROR (StorageError when it exists) or SKIP (keeps it). The file's URI."""
        with self._lock, self._changing(namespace) as index:
            return self._put(index, namespace, path, content, conflict)

    def put_all(
        self, namespace: str, files: Mapping[str, bytes | Path], *, conflict: str = "OVERWRITE"
    ) -> list[str]:
        """Many files, the index written once."""
        with self._lock, self._changing(namespace) as index:
            return [self._put(index, namespace, path, content, conflict) for path, content in files.items()]

    def read(self, namespace: str, path: str, version: int | None = None) -> bytes:
        with self.open(namespace, path, version) as stream:
            return stream.read()

    def open(self, namespace: str, path: str, version: int | None = None) -> BinaryIO:
        return self._storage.open(self.uri(namespace, path, version))

    def exists(self, namespace: str, path: str) -> bool:
        path = guard.normalize(path)
        if not self._revisions:
            return bool(path) and self._storage.exists(self._plain_uri(namespace, path))
        file = self._index(namespace).get(path)
        return file is not None and not file.deleted

    def uri(self, namespace: str, path: str, version: int | None = None) -> str:
        """The URI of a file (of its current revision). 2.0: StorageError when it does not exist."""
        path = guard.normalize(path)
        if not self._revisions:
            return self._plain_uri(namespace, path)
        file = self._index(namespace).get(path)
        if version is not None:
            if file is None or version not in file.revisions:
                raise StorageError(
                    f"Revision {version} of file '/{path}' was not found in namespace '{namespace}'."
                )
            return self._revision_uri(namespace, path, version)
        if file is None or file.deleted:
            raise StorageError(f"File '/{path}' was not found in namespace '{namespace}'.")
        return self._revision_uri(namespace, path, file.current)

    def delete(self, namespace: str, path: str) -> bool:
        """Deletes a file, or a folder with all that is in it."""
        path = guard.normalize(path)
        if not path:
            raise StorageError("Cannot delete the root directory of the namespace files")
        with self._lock, self._changing(namespace) as index:
            if not self._revisions:
                uri = self._plain_uri(namespace, path)
                return bool(self._storage.delete_by_prefix(uri)) or self._storage.delete(uri)
            gone = [
                file
                for name, file in index.items()
                if not file.deleted and (name == path or name.startswith(path + "/"))
            ]
            for file in gone:
                file.deleted = True
            return bool(gone)

    def list(self, namespace: str) -> Sequence[str]:
        if self._revisions:
            return sorted(name for name, file in self._index(namespace).items() if not file.deleted)
        folder = self._plain_uri(namespace, "")
        names = (info.uri for info in self._storage.list(folder))
        return sorted("/".join(guard.segments(name)[len(guard.segments(folder)) :]) for name in names)

    def is_empty_folder(self, namespace: str, path: str) -> bool:
        """No file lies below `path` (DeleteFiles.deleteParentFolder)."""
        path = guard.normalize(path)
        return not any(name.startswith(path + "/") for name in self.list(namespace))

    def remove_empty_folder(self, namespace: str, path: str) -> bool:
        """Takes away a folder without files; 2.0's index has none, so there it only answers."""
        path = guard.normalize(path)
        if not path or not self.is_empty_folder(namespace, path):
            return False
        if not self._revisions:
            return self._storage.delete(self._plain_uri(namespace, path))
        return True

    def revisions(self, namespace: str, path: str) -> Sequence[int]:
        file = self._index(namespace).get(guard.normalize(path)) if self._revisions else None
        return sorted(file.revisions) if file else []

    def known_namespaces(self) -> Sequence[str]:
        """Every namespace that holds files, sorted."""
        found = set()
        for info in self._storage.list("kestra:///"):
            head, mark, _ = info.uri.removeprefix("kestra:///").partition("/_files/")
            if mark:
                found.add(head.replace("/", "."))
        return sorted(found)

    def purge_versions(
        self,
        namespace: str,
        matches: Callable[[str], bool],
        *,
        before: dt.datetime | None,
        keep: int | None,
    ) -> int:
        """Removes old revisions (older than `before`, or all but the newest `keep`), never a live current one."""
        count = 0
        with self._lock, self._changing(namespace) as index:
            for path, file in list(index.items()):
                if not matches(path):
                    continue
                for place, version in enumerate(sorted(file.revisions, reverse=True)):
                    if version == file.current and not file.deleted:
                        continue
                    date = dt.datetime.fromisoformat(file.revisions[version])
                    if (keep is not None and place >= keep) or (before is not None and date < before):
                        self._storage.delete(self._revision_uri(namespace, path, version))
                        del file.revisions[version]
                        count += 1
                if not file.revisions:
                    del index[path]
        return count

    # -- inside -----------------------------------------------------------------------------------------------------

    def _put(
        self,
        index: dict[str, _File],
        namespace: str,
        path: str,
        content: bytes | Path | BinaryIO,
        conflict: str,
    ) -> str:
        path = guard.normalize(path)
        if not path:
            raise StorageError("Cannot write to the root directory of the namespace files")
        exists = self.exists(namespace, path)
        if exists and conflict == "ERROR":
            raise StorageError(
                f"File '/{path}' already exists in namespace '{namespace}' and conflict is set to ERROR"
            )
        if exists and conflict == "SKIP":
            return self.uri(namespace, path)
        if not self._revisions:
            return self._storage.put_at(self._plain_uri(namespace, path), content)
        file = index.get(path)
        version = max(file.revisions, default=file.current) + 1 if file else 1
        uri = self._storage.put_at(self._revision_uri(namespace, path, version), content)
        revisions = file.revisions if file else {}
        index[path] = _File(version, False, {**revisions, version: self._now().isoformat()})
        return uri

    def _plain_uri(self, namespace: str, path: str) -> str:
        base = f"kestra:///{guard.namespace_path(namespace)}/_files"
        return f"{base}/{guard.encode_path(path)}" if path else base

    def _revision_uri(self, namespace: str, path: str, version: int) -> str:
        return self._plain_uri(namespace, f"{path}.v{version}" if version > 1 else path)

    def _index_uri(self, namespace: str) -> str:
        return f"kestra:///{guard.namespace_path(namespace)}/_meta/files.json"

    def _index(self, namespace: str) -> dict[str, _File]:
        """The index of a namespace; files that were put on disk without one are revision 1."""
        import orjson

        with self._lock:
            known = self._indexes.get(namespace)
            if known is not None:
                return known
            index: dict[str, _File] = {}
            uri = self._index_uri(namespace)
            if self._storage.exists(uri):
                with self._storage.open(uri) as stream:
                    data: dict[str, Any] = orjson.loads(stream.read())
                for path, (current, deleted, revisions) in data.items():
                    index[path] = _File(current, deleted, {int(n): date for n, date in revisions.items()})
            else:
                folder = self._plain_uri(namespace, "")
                depth = len(guard.segments(folder))
                for info in self._storage.list(folder):
                    path = "/".join(guard.segments(info.uri)[depth:])
                    index[path] = _File(1, False, {1: info.modified.isoformat()})
            self._indexes[namespace] = index
            return index

    @contextmanager
    def _changing(self, namespace: str) -> Iterator[dict[str, _File]]:
        """The index, written back after the block (2.0 only)."""
        import orjson

        if not self._revisions:
            yield {}
            return
        index = self._index(namespace)
        try:
            yield index
        finally:
            data = {
                path: [file.current, file.deleted, {str(n): date for n, date in file.revisions.items()}]
                for path, file in index.items()
            }
            self._storage.put_at(self._index_uri(namespace), orjson.dumps(data))
