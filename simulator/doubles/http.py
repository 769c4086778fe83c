"""The HTTP double: a recorder on 127.0.0.1 that answers for every host that may not be reached.

A client that means `https://api.example.com/v1/users?page=2` calls

    <address.url>/https/api.example.com/v1/users?page=2        (`target(address.url, url)` builds it)

where `address.url` is `http://127.0.0.1:<port>/<token>`; the token is new in each run. A client that cannot change the
path sends the request as it would to the real server, with that server's Host header: rules for https are then tried
before those for http. Web pages can do neither: they do not know the token, a browser's Host header always names the
port that it calls, and requests with an Origin are refused (security.md, trap 22).

Rules (`simulator.doubles.http_rules`) come from the side file. `prepare({"rule": {...}})` adds one that comes last:
plugins of well-known services say so what a healthy service would answer. A request that nothing matches is answered
with status 501, the header `X-Simulate-Unmatched` and the rule to write. All requests are recorded, with the values of
credential headers left out.
"""

from __future__ import annotations

import datetime as dt
import secrets
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from simulator.doubles.base import Address
from simulator.doubles.http_rules import Fault, Request, Response, Rule, parse_rules, snippet
from simulator.errors import DoubleError

__all__ = ["UNMATCHED_HEADER", "HttpDouble", "target"]

UNMATCHED_HEADER = "X-Simulate-Unmatched"

_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_CREDENTIAL_WORDS = ("api-key", "apikey", "token", "secret", "password")
_BODY_KEPT = 64 * 1024
_BODY_LIMIT = 1 << 30
_REQUESTS_KEPT = 10_000


def target(base: str, url: str) -> str:
    """The address to call for `url` when `base` is the double's own (`Endpoint.url`)."""
    parts = urlsplit(url)
    path = parts.path or "/"
    query = f"?{parts.query}" if parts.query else ""
    return f"{base}/{parts.scheme}/{parts.netloc.rpartition('@')[2]}{path}{query}"


class HttpDouble:
    """See the module. `rules` as in the side file, `base` the folder of their files.

    `faults` strike before any rule: `kind` (refuse, reset, truncate, slow, hang or status), after the first `after`
    requests, `times` times, with `delay` and `status`.
    """

    name = "http"

    def __init__(
        self,
        rules: Sequence[Mapping[str, Any]] = (),
        *,
        base: Path | None = None,
        faults: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._rules = parse_rules(rules, base)
        self._faults = [Fault.of(fault) for fault in faults]
        self._prepared: list[Rule] = []
        self._requests: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._token = secrets.token_urlsafe(12)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.stopped = threading.Event()

    def start(self) -> None:
        """Binds a port of its own and serves in a thread."""
        if self._server is not None:
            return
        try:
            self._server = _Server(("127.0.0.1", 0), _Handler)
        except OSError as error:
            raise DoubleError(f"the HTTP double cannot listen on 127.0.0.1: {error.strerror}") from None
        self._server.double = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="http-double", daemon=True
        )
        self._thread.start()

    def ready(self, timeout: float = 30.0) -> Address:
        if self._server is None:
            self.start()
        assert self._server is not None
        host, port = "127.0.0.1", int(self._server.server_address[1])
        return Address(f"http://{host}:{port}/{self._token}", host, port, {"style": "prefix"})

    def prepare(self, wanted: Mapping[str, Any]) -> None:
        """Adds `wanted["rule"]` behind all others, once."""
        item = wanted.get("rule")
        if not item:
            return
        rule = parse_rules([item])[0]
        with self._lock:
            if not any(
                (known.pattern, known.method) == (rule.pattern, rule.method) for known in self._prepared
            ):
                self._prepared.append(rule)

    def answers(self, url: str) -> bool:
        """Whether a rule of the side file is about this URL."""
        return any(rule.fits_url(url) for rule in self._rules)

    def contents(self) -> Mapping[str, Any]:
        """`requests`: method, url, headers, body (text, at most 64 KiB), status, rule and time of each."""
        with self._lock:
            return {"requests": [dict(request) for request in self._requests]}

    def stop(self) -> None:
        server, self._server = self._server, None
        self.stopped.set()
        if server is not None:
            with suppress(Exception):
                server.shutdown()
            with suppress(Exception):
                server.server_close()
        if self._thread is not None:
            self._thread.join(timeout=2)

    # -- used by the handler

    def owns(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(), self._token.encode())

    def take(self, requests: Sequence[Request]) -> Response:
        """Records a request and finds its answer; `requests` are the readings of one request, the likeliest first."""
        with self._lock:
            rules = (*self._rules, *self._prepared)
            found = next(
                ((rule, request) for rule in rules for request in requests if rule.fits(request)), None
            )
            rule, request = found or (None, requests[0])
            response = next((struck for fault in self._faults if (struck := fault.strike())), None)
            if response is None:
                response = rule.answer() if rule else _unmatched(request)
            self._requests.append(_record(request, response, rule))
            del self._requests[:-_REQUESTS_KEPT]
        return response


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    double: HttpDouble

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are no news; nothing is printed from a server thread."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: seconds an idle connection is kept: its thread must not outlive the run for long
    timeout = 5
    server_version = "simulate"
    sys_version = ""
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are recorded, not printed."""

    def handle_any(self) -> None:
        double = self.server.double
        urls = self._meant()
        if urls is None:
            return
        body = self._read_body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers["host"] = urlsplit(urls[0]).netloc
        self._send(double.take([Request(self.command, url, headers, body) for url in urls]))

    def _meant(self) -> list[str] | None:
        """The URLs that the client may mean; None when the request was refused."""
        host = self.headers.get("Host") or ""
        port = self.server.server_address[1]
        if host == f"127.0.0.1:{port}" and not self.headers.get("Origin"):
            _, token, *rest = [*self.path.split("/", 4), "", "", ""][:5]
            scheme, authority, path = rest
            if self.server.double.owns(token) and scheme in ("http", "https") and authority:
                return [f"{scheme}://{authority}/{path}"]
            self._refuse(404, "not found")
            return None
        if not host or host.rpartition(":")[2] == str(port) or self.headers.get("Origin"):
            self._refuse(421, "this address answers to the run that started it only")
            return None
        if self.path.startswith(("http://", "https://")):
            return [self.path]
        return [f"{scheme}://{host}{self.path}" for scheme in ("https", "http")]

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_TRACE = handle_any  # noqa: N815

    def _read_body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= _BODY_LIMIT:
            self._refuse(413 if length > 0 else 400, "bad Content-Length")
            return None
        return self.rfile.read(length)

    def _read_chunks(self) -> bytes | None:
        parts: list[bytes] = []
        total = 0
        while True:
            try:
                size = int(self.rfile.readline(1024).split(b";")[0], 16)
            except ValueError:
                self._refuse(400, "bad chunk")
                return None
            total += size
            if total > _BODY_LIMIT:
                self._refuse(413, "too large")
                return None
            if size == 0:
                while self.rfile.readline(65537).strip():
                    pass
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline(3)

    def _refuse(self, status: int, text: str) -> None:
        self.close_connection = True
        self._write(Response(status, (("Content-Type", "text/plain"),), text.encode()), len(text.encode()))

    def _send(self, response: Response) -> None:
        double = self.server.double
        if response.delay:
            double.stopped.wait(response.delay)
        if response.fault == "hang":
            double.stopped.wait()
        if response.fault in ("refuse", "hang"):
            self._drop()
        elif response.fault == "reset":
            self._write(response, len(response.body) + 1024)
            self._drop()
        elif response.fault == "truncate":
            self._write(response, len(response.body) + 1024)
            self.close_connection = True
        elif response.fault == "slow":
            self._head(response, len(response.body))
            for start in range(0, len(response.body), 1024):
                if double.stopped.wait(0.05):
                    break
                self.wfile.write(response.body[start : start + 1024])
                self.wfile.flush()
        else:
            self._write(response, len(response.body))

    def _head(self, response: Response, length: int) -> None:
        self.send_response(response.status)
        names = {name.lower() for name, _ in response.headers}
        for name, value in response.headers:
            self.send_header(name, value.replace("\r", " ").replace("\n", " "))
        if "content-length" not in names and response.status not in (204, 304) and response.status >= 200:
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _write(self, response: Response, length: int) -> None:
        self._head(response, length)
        if self.command != "HEAD" and response.status not in (204, 304):
            self.wfile.write(response.body)
        self.wfile.flush()

    def _drop(self) -> None:
        """Ends the connection with a reset instead of a goodbye."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


def _unmatched(request: Request) -> Response:
    text = (
        f"No rule of the HTTP double answers {request.method} {request.url.partition('?')[0]}; "
        f"`--allow {urlsplit(request.url).hostname}` lets it out, or put a rule into the side file:\n"
        f"{snippet(request.method, request.url)}"
    )
    headers = (("Content-Type", "text/plain; charset=utf-8"), (UNMATCHED_HEADER, "1"))
    return Response(501, headers, text.encode())


def _record(request: Request, response: Response, rule: Rule | None) -> dict[str, Any]:
    headers = {
        name: "***" if name in _CREDENTIALS or any(word in name for word in _CREDENTIAL_WORDS) else value
        for name, value in request.headers.items()
    }
    return {
        "method": request.method,
        "url": request.url,
        "headers": headers,
        "body": request.body[:_BODY_KEPT].decode("utf-8", "replace"),
        "size": len(request.body),
        "status": response.status,
        "fault": response.fault,
        "rule": rule.pattern if rule else None,
        "at": dt.datetime.fromtimestamp(time.time(), dt.UTC).isoformat(),
    }
