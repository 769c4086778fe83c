"""What a double is: a real server on 127.0.0.1 with a port of its own, started for a run and always taken down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Address", "Double"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where it listens. `facts` hold what a person or a test needs to look inside."""

    url: str
    host: str
    port: int
    facts: Mapping[str, Any] = field(default_factory=dict)


class Double(Protocol):
    """Life cycle: `start` (returns at once, work goes on in the background), `ready` (blocks), `prepare`, `stop`.

    All methods may be called from any thread. `stop` is idempotent and never raises.
    """

    name: str

    def start(self) -> None:
        """Begins to start; never blocks for long."""

    def ready(self, timeout: float = 30.0) -> Address:
        """Waits until it answers. Raises DoubleError with the reason (and a hint) when it does not come up."""

    def prepare(self, wanted: Mapping[str, Any]) -> None:
        """Makes what an undeclared flow asks for (role, database, key pair, bucket), once. No-op in declared mode."""

    def contents(self) -> Mapping[str, Any]:
        """What is inside now, for reports and assertions (no credentials)."""

    def stop(self) -> None: ...
