"""What an expression may ask of the world around it: one contract, filled by the engine (or by a test).

Functions such as `secret`, `kv` or `read` never import another room. They ask the scope of the render call. A
service that is absent makes its functions fail with a message that says so.

All strings are in clear here; masking happens in the redactor, behind every sink.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from simulator.dialect import V2, Dialect

__all__ = [
    "FileService",
    "HttpService",
    "KvService",
    "Limits",
    "LogService",
    "Scope",
    "SecretService",
    "SubflowService",
]


class SecretService(Protocol):
    def find(self, key: str, namespace: str | None) -> str:
        """The clear value. Raises ExpressionError `Cannot find secret for key '<key>'.` when absent."""


class KvService(Protocol):
    def get(self, namespace: str, key: str) -> Any | None:
        """The value of exactly this namespace, or None. Raises StorageError when expired or the namespace is unknown."""


class FileService(Protocol):
    """Internal storage, namespace files and allowed local files; guards paths by itself (StorageError)."""

    def read(self, uri: str, *, namespace: str | None = None, version: int | None = None) -> bytes: ...
    def exists(self, uri: str, *, namespace: str | None = None) -> bool: ...
    def size(self, uri: str, *, namespace: str | None = None) -> int: ...
    def namespace_file_uri(self, path: str, namespace: str, version: int | None = None) -> str: ...


class LogService(Protocol):
    def error_logs(self) -> Sequence[Mapping[str, Any]]:
        """ERROR entries of the current execution, oldest first (keys of Kestra's LogEntry)."""


class HttpService(Protocol):
    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, timeout: float | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One HTTP exchange under the run's network policy: status, headers, body."""


class SubflowService(Protocol):
    def run(
        self,
        namespace: str,
        flow_id: str,
        *,
        inputs: Mapping[str, Any],
        revision: int | None,
        labels: Mapping[str, Any],
        timeout: dt.timedelta | None,
    ) -> Mapping[str, Any]:
        """Runs a flow to its end: id, state, outputs, labels. Raises SimulatorError: an unknown flow, wrong inputs, calls
        nested too deep, no end within the time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep a template from eating the machine."""

    output_chars: int = 64 * 1024 * 1024
    loop_steps: int = 10_000_000
    depth: int = 100
    regex_seconds: float = 10.0
    template_chars: int = 16 * 1024 * 1024


@dataclass(slots=True)
class Scope:
    """The surroundings of a render call. Build one per task run; it is cheap."""

    dialect: Dialect = V2
    variables: Mapping[str, Any] = field(default_factory=dict)
    """Context variables: flow, execution, taskrun, inputs, outputs, vars, ..."""
    secrets: SecretService | None = None
    kv: KvService | None = None
    files: FileService | None = None
    logs: LogService | None = None
    http: HttpService | None = None
    now: Callable[[], dt.datetime] = field(default=lambda: dt.datetime.now(dt.UTC))
    """The run's clock, aware."""
    zone: dt.tzinfo = dt.UTC
    """The "system" time zone."""
    rng: random.Random = field(default_factory=random.Random)
    """For uuid, ksuid, nanoId, randomInt: seeded by the run."""
    limits: Limits = field(default_factory=Limits)
    recursive: bool = False
    """kestra.variables.recursive-rendering"""
    masked_functions: frozenset[str] = frozenset()
    """Functions whose result is replaced by ****** (Kestra's secure renderer): `--plan`, `show`."""
    env_vars: Mapping[str, str] = field(default_factory=dict)
    """For 2.0's env() when `envs` is absent."""
    subflows: SubflowService | None = None
    """For 2.0's subflow(), while inputs are rendered."""
