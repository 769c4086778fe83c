"""The doubles of a run: one of each kind, made when needed, some of them with a head start."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.doubles.base import Address
from simulator.doubles.registry import DOUBLES, double_class
from simulator.doubles.supervisor import Supervisor
from simulator.errors import UsageError
from simulator.world.config import Settings
from simulator.world.endpoints import NetworkPolicy
from simulator.world.shape import did_you_mean
from simulator.world.sidefile import SideFile

__all__ = ["DoublesOfRun", "LazyDouble", "all_doubles", "head_start"]

#: Types whose double takes longest to come up: started before anything else is imported. Only a head start; what a
#: flow really needs is asked of its specs.
_HEAD_START = (("io.kestra.plugin.aws.s3.", "s3"), ("io.kestra.plugin.jdbc.postgresql.", "postgres"))


def all_doubles(settings: Settings, side: SideFile | None) -> dict[str, Any]:
    """One of each kind that we have, none of them started."""
    resolve = side.resolve if side is not None else Path
    known = [name for name in DOUBLES if name != "smtp"]
    for fault in settings.faults:
        if fault.get("double") not in known:
            hint = did_you_mean(str(fault.get("double")), known) or "there are: " + ", ".join(known)
            raise UsageError(f"faults: there is no double `{fault.get('double')}` to fail", hint=hint)
    found: dict[str, Any] = {}
    for name in DOUBLES:
        declared = side.double(name) if side is not None else None
        faults = tuple(fault for fault in settings.faults if fault.get("double") == name)
        found[name] = lazy = LazyDouble(name, declared, resolve, faults, side)
        if faults:
            lazy.check()
    return found


def head_start(text: str, supervisor: Supervisor, policy: NetworkPolicy) -> None:
    """Begins to start what a flow's text is sure to need, while everything else is still being read."""
    for prefix, name in _HEAD_START:
        if prefix in text and not policy.is_live(name, ""):
            supervisor.start(name)
    if "io.kestra.plugin.aws." in text:
        threading.Thread(target=_prewarm_aws, name="prewarm-aws", daemon=True).start()


class DoublesOfRun:
    """The supervisor as the endpoints see it (`simulator.world.endpoints.DoubleSource`)."""

    def __init__(self, supervisor: Supervisor, on_ready: Callable[[str, Address], None]) -> None:
        self._supervisor = supervisor
        self._on_ready = on_ready

    def has(self, name: str) -> bool:
        return name in self._supervisor.names()

    def address(self, name: str, wanted: Mapping[str, Any]) -> Address:
        address = self._supervisor.prepare(name, wanted)
        self._on_ready(name, address)
        return address

    def answers(self, name: str, url: str) -> bool:
        matches = getattr(self._supervisor.get(name), "answers", None) if self.has(name) else None
        return bool(matches(url)) if matches is not None else False


class LazyDouble:
    """A double whose module is imported when it is started: most runs need none or one."""

    def __init__(
        self,
        name: str,
        declared: Mapping[str, Any] | None,
        resolve: Callable[[str], Path],
        faults: Sequence[Mapping[str, Any]],
        side: SideFile | None,
    ) -> None:
        self.name = name
        self._declared = declared
        self._resolve = resolve
        self._faults = faults
        self._base = side.path.parent if side is not None else None
        self._double: Any = None
        self._lock = threading.Lock()

    @property
    def double(self) -> Any:
        with self._lock:
            if self._double is None:
                self._double = self._make()
            return self._double

    def _make(self) -> Any:
        cls = double_class(self.name)
        declared = self._declared
        if self.name == "http":
            return cls((declared or {}).get("rules") or (), base=self._base, faults=self._faults)
        if self.name == "smtp":
            return cls()
        return cls(declared, resolve=self._resolve, faults=self._faults)

    def check(self) -> None:
        """Makes the double now, so that a wrong fault is told before the run. Raises UsageError."""
        _ = self.double

    def __getattr__(self, name: str) -> Any:
        return getattr(self.double, name)


def _prewarm_aws() -> None:
    """A head start, nothing more: what fails here is done again, and told, when it is needed."""
    with contextlib.suppress(Exception):
        from simulator.plugins.aws import prewarm

        prewarm()
