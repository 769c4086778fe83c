"""Doubles that live as long as the process and are new for every case.

    with DoublePool() as pool:
        doubles = pool.for_case(side, settings)      # a Supervisor for one session
        ...
        doubles.stop()                               # gives them back

PostgreSQL keeps one server per declaration (users, databases, seeds) and brings the databases back from copies; S3 keeps
one process whose buckets and key pairs are set anew; the others start in no time and are made for each case. A case
with faults on the way to PostgreSQL gets a server of its own. Cases of one pool run one after the other; processes that run
in parallel have a pool each.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from simulator.doubles.base import Address
from simulator.doubles.registry import DOUBLES, double_class
from simulator.doubles.supervisor import Supervisor
from simulator.world.config import Settings
from simulator.world.sidefile import SideFile

__all__ = ["CaseDoubles", "DoublePool"]

_SERVERS = 3
"""PostgreSQL servers that are kept at the same time."""


class DoublePool:
    """See the module text. `close` takes everything down; so does the end of the process."""

    def __init__(self) -> None:
        self._supervisor = Supervisor()
        self._postgres: dict[str, str] = {}
        self._count = 0
        self._s3: Any = None

    def __enter__(self) -> DoublePool:
        self._supervisor.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._supervisor.stop()

    def for_case(self, side: SideFile, settings: Settings) -> CaseDoubles:
        """The doubles of one case; nothing starts before it is needed."""
        leases = {}
        for name in DOUBLES:
            faults = tuple(fault for fault in settings.faults if fault.get("double") == name)
            leases[name] = _Lease(self, name, side, faults)
        return CaseDoubles(leases)

    # --- used by leases

    def take(self, name: str, side: SideFile, faults: tuple[Mapping[str, Any], ...]) -> tuple[Any, bool]:
        """A started double as new, and whether it belongs to the pool."""
        declared = side.double(name)
        if name == "postgres" and not faults:
            return self._take_postgres(declared, side.resolve), True
        if name == "s3":
            return self._take_s3(declared, side.resolve, faults), True
        double = _make(name, declared, side, faults)
        double.start()
        return double, False

    def give_back(self, name: str, double: Any, pooled: bool) -> None:
        if not pooled:
            # A server thread takes its time to stop: nobody waits for it.
            threading.Thread(target=double.stop, daemon=True).start()
        elif name == "postgres" and not _reset(double):
            self._drop_postgres(double)

    def _take_postgres(self, declared: Mapping[str, Any] | None, resolve: Callable[[str], Path]) -> Any:
        key = _key(declared, resolve)
        known = self._postgres.pop(key, None)
        if known is None:
            self._count += 1
            known = f"postgres-{self._count}"
            double = double_class("postgres")(declared, resolve=resolve, resettable=True)
            self._supervisor.add(known, double)
            self._supervisor.start(known)
        self._postgres[key] = known  # the last one used is the last one to go
        while len(self._postgres) > _SERVERS:
            oldest = next(iter(self._postgres))
            self._supervisor.get(self._postgres.pop(oldest)).stop()
        return self._supervisor.get(known)

    def _drop_postgres(self, double: Any) -> None:
        for key, name in list(self._postgres.items()):
            if self._supervisor.get(name) is double:
                del self._postgres[key]
        double.stop()

    def _take_s3(
        self,
        declared: Mapping[str, Any] | None,
        resolve: Callable[[str], Path],
        faults: tuple[Mapping[str, Any], ...],
    ) -> Any:
        if self._s3 is None:
            self._s3 = double_class("s3")(declared, resolve=resolve, faults=faults)
            self._supervisor.add("s3", self._s3)
            self._supervisor.start("s3")
        else:
            self._s3.reset(declared, resolve=resolve, faults=faults)
        return self._s3


def _reset(double: Any) -> bool:
    with suppress(Exception):
        return bool(double.reset())
    return False


def _make(name: str, declared: Any, side: SideFile, faults: tuple[Mapping[str, Any], ...]) -> Any:
    cls = double_class(name)
    if name == "http":
        return cls((declared or {}).get("rules") or (), base=side.path.parent, faults=faults)
    if name == "smtp":
        return cls()
    return cls(declared, resolve=side.resolve, faults=faults)


def _key(declared: Mapping[str, Any] | None, resolve: Callable[[str], Path]) -> str:
    """What a server is made of: the declaration, and when its seed files were written last."""

    def texts(value: Any) -> list[str]:
        return [value] if isinstance(value, str) else [str(item) for item in value or ()]

    declared = declared or {}
    seeds = texts(declared.get("seed"))
    for facts in (declared.get("databases") or {}).values():
        seeds += texts((facts or {}).get("seed"))
    stamps = []
    for seed in seeds:
        with suppress(OSError, ValueError):
            path = resolve(seed)
            stamps.append((str(path), path.stat().st_mtime_ns))
    return json.dumps([declared, stamps], sort_keys=True, default=str)


class _Lease:
    """One double for one case (`simulator.doubles.base.Double`); taken when it is started."""

    def __init__(
        self, pool: DoublePool, name: str, side: SideFile, faults: tuple[Mapping[str, Any], ...]
    ) -> None:
        self.name = name
        self._pool = pool
        self._side = side
        self._faults = faults
        self._lock = threading.Lock()
        self._taken: tuple[Any, bool] | None = None

    def start(self) -> None:
        with self._lock:
            if self._taken is None:
                self._taken = self._pool.take(self.name, self._side, self._faults)

    @property
    def double(self) -> Any:
        self.start()
        assert self._taken is not None
        return self._taken[0]

    def ready(self, timeout: float = 30.0) -> Address:
        address: Address = self.double.ready(timeout)
        return address

    def prepare(self, wanted: Mapping[str, Any]) -> None:
        self.double.prepare(wanted)

    def contents(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.double.contents()
        return found

    def stop(self) -> None:
        with self._lock:
            taken, self._taken = self._taken, None
        if taken is not None:
            self._pool.give_back(self.name, *taken)

    def answers(self, url: str) -> bool:
        """Whether a declared rule is about this URL: asked before anything starts."""
        if self.name != "http" or not self._side.double("http"):
            return False
        return bool(self.double.answers(url))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.double, name)


class CaseDoubles(Supervisor):
    """A supervisor whose doubles are lent: `stop` gives them back."""

    def __init__(self, leases: Mapping[str, Any]) -> None:
        super().__init__(leases)

    def __enter__(self) -> CaseDoubles:
        return self

    def start(self, *names: str) -> None:
        for name in names:
            with self._lock:
                if name in self._started:
                    continue
                self._started.append(name)
            self.get(name).start()

    def stop(self) -> None:
        with self._lock:
            names, self._started = self._started, []
        for name in names:
            with suppress(Exception):
                self._doubles[name].stop()
