"""Faults of the PostgreSQL double: a proxy that speaks just enough of the wire protocol to break it.

It stands between the task's client and the real server only when faults are declared. Connections: `refuse`,
`credentials`, `slow`. Statements: `reset` (in the middle of the answer), `deadlock`, `disk_full`, `slow`. What the
client does by itself (BEGIN, COMMIT, a look at pg_type) is no statement of the flow and is not counted.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from simulator.doubles.faults import Faults

__all__ = ["KINDS", "FaultProxy"]

_CONNECTION = frozenset({"refuse", "credentials"})
_STATEMENT = frozenset({"reset", "deadlock", "disk_full", "slow"})
KINDS = _CONNECTION | _STATEMENT

_OWN = re.compile(
    rb"\s*(begin|commit|rollback|savepoint|release|set\b|select t\.oid, t\.typname)", re.IGNORECASE
)
_ERRORS = {
    "deadlock": ("40P01", "deadlock detected", "See server log for query details."),
    "disk_full": (
        "53100",
        'could not extend file "base/16384/16385": No space left on device',
        "Check free disk space.",
    ),
}
#: How much of an answer passes before `reset` cuts it.
_RESET_AFTER = 1024


class FaultProxy:
    """Listens on a port of 127.0.0.1 and passes everything on to `target`, except what a fault takes away."""

    def __init__(self, target: int, faults: Iterable[Mapping[str, Any]]) -> None:
        self._target = target
        self._faults = Faults(faults)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, name="postgres-faults", daemon=True).start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._guarded, args=(client,), daemon=True).start()

    def _guarded(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), client:
            self._connection(client)

    def _connection(self, client: socket.socket) -> None:
        fault = self._faults.strike(_CONNECTION)
        if fault is not None and fault["kind"] == "refuse":
            time.sleep(fault.get("seconds", 0))
            _abort(client)
            return
        startup = _read_startup(client)
        if fault is not None:
            time.sleep(fault.get("seconds", 0))
            user = _startup_user(startup)
            client.sendall(_error("FATAL", "28P01", f'password authentication failed for user "{user}"', ""))
            return
        with socket.create_connection(("127.0.0.1", self._target)) as server:
            server.sendall(startup)
            state = _State()
            answers = threading.Thread(target=_answers, args=(server, client, state), daemon=True)
            answers.start()
            try:
                self._requests(client, server, state)
            finally:
                with contextlib.suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)

    def _requests(self, client: socket.socket, server: socket.socket, state: _State) -> None:
        """The client's messages, one by one; a fault on a statement keeps it from the server."""
        while True:
            kind, body = _read_message(client)
            text = body.split(b"\0")[1] if kind == b"P" else body
            if kind not in (b"Q", b"P") or _OWN.match(text):
                server.sendall(kind + struct.pack("!I", len(body) + 4) + body)
                continue
            fault = self._faults.strike(_STATEMENT)
            if fault is not None:
                time.sleep(fault.get("seconds", 0))
            if fault is not None and fault["kind"] in _ERRORS:
                code, message, hint = _ERRORS[fault["kind"]]
                client.sendall(_error("ERROR", code, message, hint))
                while kind not in (b"Q", b"S"):
                    kind, _ = _read_message(client)  # as a server does: everything up to Sync is skipped
                state.transaction = b"E" if state.transaction != b"I" else b"I"
                client.sendall(b"Z" + struct.pack("!I", 5) + state.transaction)
                continue
            if fault is not None and fault["kind"] == "reset":
                state.left = _RESET_AFTER
            server.sendall(kind + struct.pack("!I", len(body) + 4) + body)


class _State:
    """What both directions of one connection know."""

    def __init__(self) -> None:
        self.transaction = b"I"
        self.left: int | None = None


def _answers(server: socket.socket, client: socket.socket, state: _State) -> None:
    with contextlib.suppress(OSError, EOFError):
        while True:
            kind, body = _read_message(server)
            if kind == b"Z":
                state.transaction = body
            if state.left is not None:
                state.left -= len(body)
                if state.left < 0 or kind == b"Z":
                    _abort(client)
                    return
            client.sendall(kind + struct.pack("!I", len(body) + 4) + body)
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


def _abort(client: socket.socket) -> None:
    """A TCP reset instead of a polite end."""
    with contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.shutdown(socket.SHUT_RDWR)


def _read_exactly(stream: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = stream.recv(min(size - len(data), 1 << 16))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)


def _read_message(stream: socket.socket) -> tuple[bytes, bytes]:
    head = _read_exactly(stream, 5)
    return head[:1], _read_exactly(stream, struct.unpack("!I", head[1:])[0] - 4)


def _read_startup(client: socket.socket) -> bytes:
    head = _read_exactly(client, 4)
    return head + _read_exactly(client, struct.unpack("!I", head)[0] - 4)


def _startup_user(startup: bytes) -> str:
    parts = startup[8:].split(b"\0")
    names = dict(zip(parts[::2], parts[1::2]))
    return names.get(b"user", b"").decode("utf-8", "replace")


def _error(severity: str, code: str, message: str, hint: str) -> bytes:
    fields = [("S", severity), ("V", severity), ("C", code), ("M", message)]
    if hint:
        fields.append(("H", hint))
    body = b"".join(name.encode() + value.encode() + b"\0" for name, value in fields) + b"\0"
    return b"E" + struct.pack("!I", len(body) + 4) + body
