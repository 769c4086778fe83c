"""The SMTP double: takes mails on 127.0.0.1 and keeps them, delivers nothing.

It speaks as much of RFC 5321 as mail clients need (EHLO, AUTH PLAIN and LOGIN, MAIL, RCPT, DATA, RSET, NOOP, QUIT),
without TLS: the connection stays on this machine. Any user name and password is accepted unless credentials were
declared; neither is recorded.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import socketserver
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from simulator.doubles.base import Address
from simulator.errors import DoubleError

__all__ = ["SmtpDouble"]

_MESSAGE_LIMIT = 64 << 20


class SmtpDouble:
    """See the module. `username` and `password`: when given, only these pass. `reject`: recipients refused with 550."""

    name = "smtp"

    def __init__(
        self,
        *,
        username: str | None = None,
        password: str | None = None,
        reject: frozenset[str] = frozenset(),
    ) -> None:
        self._username = username
        self._password = password
        self._reject = reject
        self._messages: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._server: _Server | None = None

    def start(self) -> None:
        if self._server is not None:
            return
        try:
            self._server = _Server(("127.0.0.1", 0), _Session)
        except OSError as error:
            raise DoubleError(f"the SMTP double cannot listen on 127.0.0.1: {error.strerror}") from None
        self._server.double = self
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="smtp-double", daemon=True
        ).start()

    def ready(self, timeout: float = 30.0) -> Address:
        if self._server is None:
            self.start()
        assert self._server is not None
        port = int(self._server.server_address[1])
        return Address(f"smtp://127.0.0.1:{port}", "127.0.0.1", port, {"tls": False})

    def prepare(self, wanted: Mapping[str, Any]) -> None:
        """Nothing to prepare."""

    def contents(self) -> Mapping[str, Any]:
        """`messages`: sender, recipients and the message's text of each."""
        with self._lock:
            return {"messages": [dict(message) for message in self._messages]}

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            with suppress(Exception):
                server.shutdown()
            with suppress(Exception):
                server.server_close()

    # -- used by the session

    def accepts(self, username: str, password: str) -> bool:
        if self._username is None:
            return True
        return secrets.compare_digest(username, self._username) and secrets.compare_digest(
            password, self._password or ""
        )

    def rejects(self, recipient: str) -> bool:
        return recipient in self._reject

    def keep(self, sender: str, recipients: list[str], data: bytes) -> None:
        with self._lock:
            self._messages.append(
                {"sender": sender, "recipients": list(recipients), "message": data.decode("utf-8", "replace")}
            )


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    double: SmtpDouble

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are no news."""


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._say("220 127.0.0.1 ESMTP simulate")
        while True:
            line = self.rfile.readline(8192)
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            verb, _, rest = text.partition(" ")
            action = getattr(self, f"_on_{verb.lower()}", None)
            if verb.lower() == "quit":
                self._say("221 Bye")
                return
            if action is None:
                self._say("502 Command not implemented")
            else:
                action(rest)

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")
        self.wfile.flush()

    def _on_ehlo(self, rest: str) -> None:
        self._say("250-127.0.0.1\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN")

    def _on_helo(self, rest: str) -> None:
        self._say("250 127.0.0.1")

    def _on_noop(self, rest: str) -> None:
        self._say("250 OK")

    def _on_rset(self, rest: str) -> None:
        self._sender, self._recipients = None, []
        self._say("250 OK")

    def _on_auth(self, rest: str) -> None:
        kind, _, initial = rest.partition(" ")
        try:
            if kind.upper() == "PLAIN":
                _, username, password = self._answer("", initial).split("\0")
            elif kind.upper() == "LOGIN":
                username = self._answer("VXNlcm5hbWU6", initial)
                password = self._answer("UGFzc3dvcmQ6", "")
            else:
                self._say("504 Unrecognized authentication type")
                return
        except (ValueError, binascii.Error):
            self._say("501 Cannot decode")
            return
        if self.server.double.accepts(username, password):
            self._say("235 Authentication succeeded")
        else:
            self._say("535 Authentication failed")

    def _answer(self, question: str, initial: str) -> str:
        if not initial:
            self._say(f"334 {question}")
            initial = self.rfile.readline(8192).decode("ascii", "replace").strip()
        return base64.b64decode(initial, validate=True).decode("utf-8", "replace")

    def _on_mail(self, rest: str) -> None:
        self._sender, self._recipients = _path(rest), []
        self._say("250 OK")

    def _on_rcpt(self, rest: str) -> None:
        recipient = _path(rest)
        if self._sender is None:
            self._say("503 Need MAIL first")
        elif self.server.double.rejects(recipient):
            self._say("550 No such user")
        else:
            self._recipients.append(recipient)
            self._say("250 OK")

    def _on_data(self, rest: str) -> None:
        if self._sender is None or not self._recipients:
            self._say("503 Need RCPT first")
            return
        self._say("354 End data with <CR><LF>.<CR><LF>")
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline(1 << 16)) not in (b".\r\n", b".\n", b""):
            size += len(line)
            if size <= _MESSAGE_LIMIT:
                lines.append(line[1:] if line.startswith(b".") else line)
        if size > _MESSAGE_LIMIT:
            self._say("552 Message too large")
            return
        self.server.double.keep(self._sender, self._recipients, b"".join(lines))
        self._sender, self._recipients = None, []
        self._say("250 OK")


def _path(rest: str) -> str:
    """The address of `FROM:<a@b> SIZE=1`."""
    _, _, address = rest.partition(":")
    address = address.strip()
    if address.startswith("<"):
        return address[1:].partition(">")[0]
    return address.partition(" ")[0]
