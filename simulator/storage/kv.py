"""The KV store of all namespaces: values as Ion text in `kestra:///<ns>/_kv/<key>.ion` (storage.md 6).

Promises: time comes from the run's clock only, so ttl works in simulated time; a write is seen whole or not at all;
2.0 keeps revisions (`<key>.ion.v<n>`) and deletes softly, 1.x overwrites. Metadata of a key lies beside its value
(`<key>.ion.metadata`).
"""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from simulator.dialect import Dialect
from simulator.errors import StorageError
from simulator.storage import guard, ion
from simulator.storage.base import InternalStorage, KvEntry
from simulator.storage.ids import slugify
from simulator.values import format_duration, parse_duration

__all__ = ["LocalKv", "check_key", "inherited_namespaces", "kv_type"]

_KEY = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*")
_DURATION = re.compile(r"P(?=[^T]|T.)(?:\d*D)?(?:T(?=.)(?:\d*H)?(?:\d*M)?(?:\d*S)?)?")


class _Now(Protocol):
    def now(self) -> dt.datetime: ...


def check_key(key: str | None) -> str:
    """The key; StorageError with Kestra's text when it is no legal one."""
    if not key:
        raise StorageError("Key cannot be null or empty")
    if _KEY.fullmatch(key) is None:
        raise StorageError(
            "Key must start with an alphanumeric character (uppercase or lowercase) and can contain alphanumeric "
            "characters (uppercase or lowercase), dots (.), underscores (_), and hyphens (-) only."
        )
    return key


def inherited_namespaces(namespace: str) -> list[str]:
    """`a.b.c` -> `a.b.c`, `a.b`, `a`: where kv.Get of the flow's own namespace and `kv()` look, in this order."""
    parts = namespace.split(".")
    return [".".join(parts[:size]) for size in range(len(parts), 0, -1)]


def kv_type(value: Any) -> str:
    """The type that Kestra shows for a value."""
    if value is None or isinstance(value, str):
        return "STRING"
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, dt.datetime):
        return "DATETIME"
    if isinstance(value, dt.date):
        return "DATE"
    if isinstance(value, dt.timedelta):
        return "DURATION"
    import decimal

    if isinstance(value, (int, float, decimal.Decimal)):
        return "NUMBER"
    return "JSON"


@dataclass(slots=True)
class _Meta:
    """What is known of a key beside its value. `kept` are the revisions whose files exist."""

    description: str | None
    expiration: dt.datetime | None
    created: dt.datetime
    updated: dt.datetime
    version: int = 1
    kept: tuple[tuple[int, dt.datetime], ...] = ()
    deleted: bool = False

    def expired(self, now: dt.datetime) -> bool:
        return self.expiration is not None and self.expiration <= now


def _moment(value: Any) -> dt.datetime:
    """An ISO instant of a metadata file (they are written as text, as Kestra does)."""
    return dt.datetime.fromisoformat(str(value)).astimezone(dt.UTC)


class LocalKv:
    """`KvStore` over an internal storage. Safe to use from several threads."""

    def __init__(
        self,
        storage: InternalStorage,
        clock: _Now,
        dialect: Dialect,
        namespaces: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """`namespaces` gives the namespaces of the deployed flows (for `check_namespace`)."""
        self._storage = storage
        self._clock = clock
        self._versions = dialect.major >= 2
        self.namespaces = namespaces
        self._lock = threading.RLock()

    def get(self, namespace: str, key: str) -> KvEntry | None:
        """Exactly this namespace. An expired value is deleted and raises `The requested value has expired`."""
        key = check_key(key)
        with self._lock:
            meta = self._meta(namespace, key)
            if meta is None or meta.deleted:
                return None
            if meta.expired(self._clock.now()):
                self.delete(namespace, key)
                raise StorageError("The requested value has expired", code="SIM-STORAGE-410")
            return self._entry(key, meta, self._value(namespace, key, meta.version))

    def find(self, namespace: str, key: str) -> KvEntry | None:
        """Like `get`, but also looks into the parent namespaces (kv.Get of the own namespace, `kv()`)."""
        for candidate in inherited_namespaces(namespace):
            entry = self.get(candidate, key)
            if entry is not None:
                return entry
        return None

    def put(
        self,
        namespace: str,
        key: str,
        value: Any,
        *,
        overwrite: bool = True,
        ttl: dt.timedelta | None = None,
        description: str | None = None,
    ) -> None:
        key = check_key(key)
        if ttl is not None and ttl < dt.timedelta():
            raise StorageError("ttl cannot be negative")
        if isinstance(value, dt.timedelta) and self._versions:
            value = format_duration(value)
        now = self._clock.now()
        with self._lock:
            old = self._meta(namespace, key)
            alive = old is not None and not old.deleted and not old.expired(now)
            if alive and not overwrite:
                raise StorageError(
                    f"Cannot set value for key '{key}'. Key already exists and `overwrite` is set to `false`."
                )
            version = old.version + 1 if old is not None and self._versions else 1
            kept = old.kept if old is not None and self._versions else ()
            meta = _Meta(
                description,
                None if ttl is None else now + ttl,
                old.created if old is not None else now,
                now,
                version,
                (*kept, (version, now)),
            )
            # The value goes first: metadata never names a file that is not there.
            self._storage.put_at(self._uri(namespace, key, version), ion.dumps(value).encode())
            self._save(namespace, key, meta)

    def delete(self, namespace: str, key: str) -> bool:
        key = check_key(key)
        with self._lock:
            meta = self._meta(namespace, key)
            if meta is None or meta.deleted:
                return False
            if self._versions:
                meta.deleted = True
                self._save(namespace, key, meta)
            else:
                self._remove(namespace, key, meta)
            return True

    def list(self, namespace: str) -> Sequence[KvEntry]:
        """Entries sorted by key. 1.x hides expired ones; 2.0 shows them until they are read or purged."""
        now = self._clock.now()
        entries = []
        with self._lock:
            for key, meta in self._all(namespace):
                if meta.deleted or (meta.expired(now) and not self._versions):
                    continue
                entries.append(self._entry(key, meta, self._value(namespace, key, meta.version)))
        return entries

    def check_namespace(self, namespace: str, flow_namespace: str) -> None:
        """The namespace must be a prefix of the flow's, or exist (a flow's namespace), or hold a key (6.1)."""
        if flow_namespace.startswith(namespace):
            return
        if any(known == namespace or known.startswith(namespace + ".") for known in self.namespaces()):
            return
        if next(iter(self._all(namespace)), None) is not None:
            return
        raise StorageError(f"Cannot access the KV store. The namespace '{namespace}' does not exist.")

    # -- purging (kv.PurgeKV) ---------------------------------------------------------------------------------------

    def known_namespaces(self) -> Sequence[str]:
        """Every namespace that holds a key, sorted."""
        found = set()
        for info in self._storage.list("kestra:///"):
            folder, name = info.uri.removeprefix("kestra:///").rsplit("/", 1)
            if folder.endswith("/_kv") and name.endswith(".metadata"):
                found.add(folder.removesuffix("/_kv").replace("/", "."))
        return sorted(found)

    def purge_keys(self, namespace: str, matches: Callable[[str], bool], *, expired_only: bool) -> int:
        """Removes whole keys, with all their revisions; how many."""
        now = self._clock.now()
        count = 0
        with self._lock:
            for key, meta in list(self._all(namespace)):
                if meta.deleted or not matches(key) or (expired_only and not meta.expired(now)):
                    continue
                self._remove(namespace, key, meta)
                count += 1
        return count

    def purge_versions(
        self,
        namespace: str,
        matches: Callable[[str], bool],
        *,
        before: dt.datetime | None,
        keep: int | None,
    ) -> int:
        """Removes old revisions (older than `before`, or all but the newest `keep`), never the current one; how many."""
        count = 0
        with self._lock:
            for key, meta in list(self._all(namespace)):
                if not matches(key):
                    continue
                newest = sorted(meta.kept, reverse=True)
                gone = [
                    (version, date)
                    for place, (version, date) in enumerate(newest)
                    if (version != meta.version or meta.deleted)
                    and ((keep is not None and place >= keep) or (before is not None and date < before))
                ]
                for version, _ in gone:
                    self._storage.delete(self._uri(namespace, key, version))
                count += len(gone)
                meta.kept = tuple(item for item in meta.kept if item not in gone)
                if not meta.kept:
                    self._storage.delete(self._meta_uri(namespace, key))
                elif gone:
                    self._save(namespace, key, meta)
        return count

    # -- inside -----------------------------------------------------------------------------------------------------

    def _folder(self, namespace: str) -> str:
        return f"kestra:///{guard.namespace_path(namespace)}/_kv"

    def _uri(self, namespace: str, key: str, version: int) -> str:
        suffix = f".v{version}" if version > 1 else ""
        return f"{self._folder(namespace)}/{key}.ion{suffix}"

    def _meta_uri(self, namespace: str, key: str) -> str:
        return f"{self._folder(namespace)}/{key}.ion.metadata"

    def _value(self, namespace: str, key: str, version: int) -> Any:
        with self._storage.open(self._uri(namespace, key, version)) as stream:
            data = stream.read()
        value = ion.load(data)
        if isinstance(value, str) and _DURATION.fullmatch(value):
            try:
                return parse_duration(value)
            except ValueError:
                return value
        return value

    @staticmethod
    def _entry(key: str, meta: _Meta, value: Any) -> KvEntry:
        return KvEntry(
            key, value, meta.description, meta.expiration, meta.created, meta.updated, meta.version
        )

    def _meta(self, namespace: str, key: str) -> _Meta | None:
        uri = self._meta_uri(namespace, key)
        if not self._storage.exists(uri):
            return None
        with self._storage.open(uri) as stream:
            data = ion.load(stream.read())
        updated = _moment(data["updated"])
        return _Meta(
            data.get("description"),
            _moment(data["expirationDate"]) if data.get("expirationDate") else None,
            _moment(data["created"]),
            updated,
            data.get("version", 1),
            tuple((version, _moment(date)) for version, date in data.get("kept", [[1, updated.isoformat()]])),
            data.get("deleted", False),
        )

    def _save(self, namespace: str, key: str, meta: _Meta) -> None:
        data: dict[str, Any] = {
            "description": meta.description,
            "expirationDate": meta.expiration.isoformat() if meta.expiration else None,
            "created": meta.created.isoformat(),
            "updated": meta.updated.isoformat(),
            "version": meta.version,
            "kept": [[version, date.isoformat()] for version, date in meta.kept],
            "deleted": meta.deleted,
        }
        self._storage.put_at(self._meta_uri(namespace, key), ion.dumps(data).encode())

    def _all(self, namespace: str) -> Iterator[tuple[str, _Meta]]:
        for info in self._storage.list(self._folder(namespace), recursive=False):
            name = info.uri.rsplit("/", 1)[1]
            if name.endswith(".ion.metadata"):
                key = name.removesuffix(".ion.metadata")
                meta = self._meta(namespace, key)
                if meta is not None:
                    yield key, meta

    def _remove(self, namespace: str, key: str, meta: _Meta) -> None:
        for version, _ in meta.kept:
            self._storage.delete(self._uri(namespace, key, version))
        self._storage.delete(self._meta_uri(namespace, key))


def state_key(flow_id: str | None, name: str, value: str | None) -> str:
    """The key of a state of the 1.x state store inside the KV store (storage.md 6); no flow = shared in the namespace."""
    prefix = f"{slugify(flow_id)}_" if flow_id else ""
    suffix = f"_{value}" if value else ""
    return f"{prefix}states_tasks-states_{name}{suffix}"
