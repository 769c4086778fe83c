"""Where things really are: a double when there is one, loopback, an allowed host, or a refusal that says how.

Nothing leaves the machine unless a flag or the side file says so:

| the flow asks for | goes to |
|---|---|
| a service with a double (`postgres`, `s3`...) | the double, whatever host the flow names |
| the same with `--live postgres` (or `--live HOST`) | the real address |
| HTTP to an allowed host (`--allow HOST`, `--live http`) | the real address |
| HTTP to loopback, and no rule of the HTTP double matches | the real address |
| any other HTTP | the HTTP double: an answer from its rules, or a failure with the rule to write |
| anything else | refused |
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Protocol
from urllib.parse import urlsplit

from simulator.doubles.base import Address
from simulator.engine.task import Endpoint
from simulator.errors import NetworkRefusedError

__all__ = ["DoubleSource", "NetworkPolicy", "RunEndpoints", "is_loopback"]

_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "postgres": 5432, "smtp": 25, "ssh": 22}

#: Cloud metadata services hand out credentials to whoever asks; no wildcard opens them (security trap 27).
_METADATA = ("169.254.169.254", "fd00:ec2::254", "metadata.google.internal", "100.100.100.200")


class DoubleSource(Protocol):
    """What the endpoints need of the supervisor."""

    def has(self, name: str) -> bool:
        """Whether a double of that name exists."""

    def address(self, name: str, wanted: Mapping[str, Any]) -> Address:
        """Starts it when it is not up, prepares what the flow asks for, and says where it is."""

    def answers(self, name: str, url: str) -> bool:
        """Whether the double has something declared for this URL (rules of the HTTP double)."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's loopback."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class NetworkPolicy:
    """Which services are used for real and which hosts may be reached.

    `live`: names of services or hosts; `allow`: host patterns (`*.example.com`), optionally with a port.
    """

    def __init__(self, live: Iterable[str] = (), allow: Iterable[str] = ()) -> None:
        self._live = frozenset(item.lower() for item in live)
        self._allow = tuple(item.lower() for item in allow)

    def is_live(self, kind: str, host: str) -> bool:
        return kind in self._live or (bool(host) and host.lower() in self._live)

    def allows(self, host: str, port: int) -> bool:
        name = host.lower().rstrip(".")
        if name.strip("[]") in _METADATA:
            return name in self._live or name in self._allow
        patterns = (*self._allow, *self._live)
        return any(
            fnmatchcase(name, pattern) or fnmatchcase(f"{name}:{port}", pattern) for pattern in patterns
        )


class RunEndpoints:
    """`simulator.engine.task.Endpoints` for one run."""

    def __init__(self, doubles: DoubleSource, policy: NetworkPolicy) -> None:
        self._doubles = doubles
        self._policy = policy

    def resolve(self, kind: str, url: str, **wanted: Any) -> Endpoint:
        """See `simulator.engine.task.Endpoints`."""
        scheme, host, port = _split(kind, url)
        if self._policy.is_live(kind, host):
            return Endpoint(url, host, port)
        if kind == "http":
            return self._http(url, host, port, wanted)
        if self._doubles.has(kind):
            address = self._doubles.address(kind, wanted)
            return Endpoint(address.url, address.host, address.port, kind, address.facts)
        if is_loopback(host) or self._policy.allows(host, port):
            return Endpoint(url, host, port)
        raise self._refusal(kind, host or scheme)

    def _http(self, url: str, host: str, port: int, wanted: Mapping[str, Any]) -> Endpoint:
        if self._policy.allows(host, port):
            return Endpoint(url, host, port)
        if is_loopback(host) and not self._doubles.answers("http", url):
            return Endpoint(url, host, port)
        if not self._doubles.has("http"):
            raise self._refusal("http", host)
        address = self._doubles.address("http", wanted)
        return Endpoint(address.url, address.host, address.port, "http", address.facts)

    @staticmethod
    def _refusal(kind: str, host: str) -> NetworkRefusedError:
        return NetworkRefusedError(
            f"a {kind} connection to {host} would leave this machine",
            hint=f"`--live {kind}` or `--allow {host}` lets it through; a mock of the task keeps it here",
        )


def _split(kind: str, url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL; `jdbc:` and host lists included. An unreadable one has no host."""
    text = url.removeprefix("jdbc:")
    if "://" not in text:
        text = f"{kind}://{text}" if kind not in ("postgres",) else f"postgresql://{text.split(':')[-1]}"
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").split(",")[0]
        port = parts.port
    except ValueError:
        return kind, "", _PORTS.get(kind, 0)
    return parts.scheme, host, port or _PORTS.get(parts.scheme, _PORTS.get(kind, 0))
