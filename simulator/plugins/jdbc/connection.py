"""A connection as a task asks for it: properties, URL and the endpoint that really answers."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simulator.engine.task import Endpoint, RunContext
from simulator.errors import TaskError
from simulator.plugins.jdbc.messages import connect_error
from simulator.plugins.jdbc.url import JdbcUrl, check_scheme, parse_url

__all__ = ["open_connection"]

_SSL_MODES = {
    name: name.lower().replace("_", "-")
    for name in ("DISABLE", "ALLOW", "PREFER", "REQUIRE", "VERIFY_CA", "VERIFY_FULL")
}


@contextlib.contextmanager
def open_connection(
    ctx: RunContext, *, autocommit: bool, pooled: bool | None = None, ssl: bool = True
) -> Iterator[Any]:
    """A psycopg connection, cancelled with the task run and closed (which rolls back) at the end.

    `ssl=False`: the task's own `ssl*` properties do not count (those of the URL do).

    Kestra takes it from a pool; here each task has its own, so that no session state leaks from task to task.
    Raises TaskError in the driver's words.
    """
    url = parse_url(check_scheme(ctx.get("url")))
    user = url.properties.get("user") or ctx.get("username")
    if user is None:
        raise TaskError("java.lang.NullPointerException", hint="`username` is missing")
    password = url.properties.get("password") or ctx.get("password")
    database = url.database or str(user)
    endpoint = ctx.endpoints.resolve(
        "postgres", str(ctx.get("url")), user=str(user), password=password, database=database
    )
    if pooled is None:
        pooled = bool(ctx.get("connectionPooling", True))
    with tempfile.TemporaryDirectory(prefix="simulate-ssl-") as folder:
        options = _options(ctx, url, endpoint, Path(folder), ssl=ssl)
        connection = _connect(
            url, pooled, user=str(user), password=password, dbname=database, autocommit=autocommit, **options
        )
    try:
        ctx.on_cancel(lambda: _cancel(connection))
        yield connection
    finally:
        connection.close()


def _connect(url: JdbcUrl, pooled: bool, **options: Any) -> Any:
    import psycopg

    try:
        return psycopg.connect(**options)
    except psycopg.Error as error:
        host, port = url.hosts[0]
        raise connect_error(error, host, port, pooled=pooled) from None


def _options(
    ctx: RunContext, url: JdbcUrl, endpoint: Endpoint, folder: Path, *, ssl: bool = True
) -> dict[str, Any]:
    """libpq's options for what the driver is told by URL and properties."""
    properties = url.properties
    # The driver tells the server the JVM's zone, and asks for all digits.
    settings = {"TimeZone": "UTC", "DateStyle": "ISO"}
    if "currentSchema" in properties:
        settings["search_path"] = properties["currentSchema"]
    options: dict[str, Any] = {
        "host": endpoint.host,
        "port": endpoint.port,
        "application_name": properties.get("ApplicationName", "PostgreSQL JDBC Driver"),
        "connect_timeout": int(properties.get("connectTimeout") or 10),
        "client_encoding": "UTF8",
        "gssencmode": "disable",
        "options": " ".join(f"-c {name}={_escaped(value)}" for name, value in settings.items()),
        # Statements are prepared once at most: the server's plan cache would only cost a round trip.
        "prepare_threshold": None,
    }
    if endpoint.double is not None:
        # The double speaks no TLS; it is on this machine.
        options["sslmode"] = "disable"
        return options
    if len(url.hosts) > 1:
        options["host"] = ",".join(host for host, _ in url.hosts)
        options["port"] = ",".join(str(port) for _, port in url.hosts)
    options.update(_ssl(ctx, properties, folder) if ssl else _ssl_of_url(properties))
    return options


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _ssl_of_url(properties: Mapping[str, str]) -> dict[str, Any]:
    mode = "verify-full" if properties.get("ssl") == "true" else "prefer"
    return {"sslmode": properties.get("sslmode") or mode}


def _ssl(ctx: RunContext, properties: Mapping[str, str], folder: Path) -> dict[str, Any]:
    mode = ctx.get("sslMode")
    wanted = bool(ctx.get("ssl")) or properties.get("ssl") == "true"
    own = _SSL_MODES[str(mode)] if mode else ("verify-full" if wanted else "prefer")
    found: dict[str, Any] = {"sslmode": properties.get("sslmode") or own}
    for name, key in (("sslRootCert", "sslrootcert"), ("sslCert", "sslcert"), ("sslKey", "sslkey")):
        text = ctx.get(name)
        if text and name == "sslKey":
            text = ctx.render(str(text))  # Kestra renders it a second time
        if text:
            path = folder / f"{key}.pem"
            path.touch(mode=0o600)
            path.write_text(str(text))
            found[key] = str(path)
    key_password = ctx.get("sslKeyPassword")
    if key_password:
        found["sslpassword"] = str(key_password)
    elif "sslkey" in found and "ENCRYPTED" in Path(found["sslkey"]).read_text():
        raise TaskError("Unable to import private key. Key is encrypted, but no password was provided.")
    return found


def _cancel(connection: Any) -> None:
    with contextlib.suppress(Exception):
        connection.cancel_safe(timeout=2.0)
    with contextlib.suppress(Exception):
        connection.close()
