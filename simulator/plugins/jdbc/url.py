"""JDBC URLs of PostgreSQL, as pgjdbc reads them (postgresql.md 1).

>>> parse_url("jdbc:postgresql://127.0.0.1:56982/").database is None     # the driver takes the user's name
True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

from simulator.errors import TaskError

__all__ = ["JdbcUrl", "check_scheme", "parse_url"]

SCHEME = "jdbc:postgresql"
DEFAULT_PORT = 5432


@dataclass(frozen=True, slots=True)
class JdbcUrl:
    """Where to connect. `hosts` are tried in order; `properties` are driver properties of the query part."""

    hosts: tuple[tuple[str, int], ...]
    database: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


def check_scheme(url: object, scheme: str = SCHEME) -> str:
    """The URL as text. Raises TaskError with the plugin's words for a blank one and for another scheme."""
    if url is None or not str(url).strip():
        raise TaskError("Rendered value of `url` is blank.")
    if not str(url).startswith(scheme):
        raise TaskError(f"URL scheme is invalid. URL should start with `{scheme}`")
    return str(url)


def parse_url(url: str) -> JdbcUrl:
    """Takes a URL apart. Raises TaskError with the driver's words when it cannot."""
    rest = check_scheme(url)[len(SCHEME) :]
    rest, _, query = rest.partition("?")
    properties: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        properties[unquote_plus(name)] = unquote_plus(value)
    if not rest.startswith(":"):
        raise _unusable(url)
    rest = rest[1:]
    if not rest.startswith("//"):
        name = rest.lstrip("/")
        return JdbcUrl((("localhost", DEFAULT_PORT),), unquote(name) or None, properties)
    servers, slash, name = rest[2:].partition("/")
    if not slash and not servers:
        raise _unusable(url)
    hosts = tuple(_host(server, url) for server in servers.split(","))
    return JdbcUrl(hosts, unquote(name) or None, properties)


def _host(server: str, url: str) -> tuple[str, int]:
    host, colon, port = server.rpartition(":")
    if not colon or server.endswith("]"):
        return server.strip("[]") or "localhost", DEFAULT_PORT
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise _unusable(url)
    return host.strip("[]") or "localhost", int(port)


def _unusable(url: str) -> TaskError:
    shown = url.partition("?")[0]
    return TaskError(f"Driver org.postgresql.Driver claims to not accept jdbcUrl, {shown}")
