"""Errors in the words of pgjdbc and of the plugin (postgresql.md 10)."""

from __future__ import annotations

from typing import Any

from simulator.errors import TaskError

__all__ = ["connect_error", "server_message", "sql_error"]

#: SQLSTATE -> what would help here
_HINTS = {
    "42P01": "the PostgreSQL double is empty until it is seeded: put `doubles: {postgres: {seed: [seed.sql]}}` into the "
    "side file `<flow>.sim.yml`, and the SQL that makes the table into seed.sql",
    "3F000": "create the schema in the seed: `doubles: {postgres: {seed: [seed.sql]}}` in the side file `<flow>.sim.yml`",
    "28P01": "the password of the flow (or its secret) is not the one of the database: compare it with `doubles: "
    "postgres: users:` in the side file",
    "3D000": "list the database under `doubles: postgres: databases:` in the side file",
    "42501": "the owner of the database may do more: `owner:` under `doubles: postgres: databases: <name>:`",
}


def server_message(diag: Any) -> str:
    """A server's error as pgjdbc prints it: severity, message, then detail, hint, position and context indented."""
    severity = diag.severity_nonlocalized or diag.severity or "ERROR"
    text = f"{severity}: {diag.message_primary}"
    for label, value in (
        ("Detail", diag.message_detail),
        ("Hint", diag.message_hint),
        ("Position", diag.statement_position),
        ("Where", diag.context),
    ):
        if value:
            text += f"\n  {label}: {value}"
    return text


def sql_error(error: Any, *, wrapped: bool = False) -> TaskError:
    """A psycopg error of a statement as the task's failure. `wrapped`: inside a RuntimeException (Queries)."""
    diag = error.diag
    if diag.message_primary:
        text = server_message(diag)
    else:
        text = "An I/O error occurred while sending to the backend."
    if wrapped:
        text = f"org.postgresql.util.PSQLException: {text}"
    return TaskError(text, hint=_HINTS.get(error.sqlstate or ""), code="SIM-JDBC-001")


def connect_error(error: Any, host: str, port: int, *, pooled: bool) -> TaskError:
    """A failed connection, with the pool's prefix when pooling is on. libpq's text is searched for the server's."""
    raw = str(error)
    hint = None
    if "FATAL:" in raw:
        text = "FATAL: " + raw.rpartition("FATAL:")[2].strip().splitlines()[0]
        for state, words in (("28P01", "password authentication failed"), ("3D000", "database")):
            if words in text:
                hint = _HINTS[state]
                break
    elif "fe_sendauth: no password supplied" in raw:
        text = "The server requested SCRAM-based authentication, but no password was provided."
    elif "refused" in raw:
        text = (
            f"Connection to {host}:{port} refused. Check that the hostname and port are correct and that the "
            "postmaster is accepting TCP/IP connections."
        )
    else:
        text = "The connection attempt failed."
    if pooled:
        text = f"Failed to initialize pool: {text}"
    return TaskError(text, hint=hint, code="SIM-JDBC-002")
