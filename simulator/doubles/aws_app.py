"""The gate in front of moto's SQS, SNS, DynamoDB, Kinesis and EventBridge. Lives in the server process only.

The same promises as the S3 gate's (`s3_app`): loopback only, no foreign `Host`, no `Origin`, every request signed with a
key pair that exists. The service is the one that the signature names; it is loaded when it is first called.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

# Before moto reads its settings: no CORS headers, no look for updates.
os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")
os.environ.setdefault("MOTO_SERVICE_CACHE", "false")

from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from simulator.doubles.aws_gate import Answer, QuietHandler, StartResponse, reset_connection
from simulator.doubles.aws_stock import SERVICES, Stock
from simulator.doubles.faults import Faults
from simulator.doubles.s3_auth import Credential, Refusal, Verifier

__all__ = ["AwsApp"]

_MAX_BODY = 64 * 1024 * 1024


class AwsApp:
    """A WSGI application. `config`: `credentials`, `stock`, `faults` (see `command`)."""

    def __init__(self, port: int, config: Mapping[str, Any]) -> None:
        self._port = port
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._verifier = Verifier()
        self._faults = Faults(())
        self._numbers = itertools.count(1)
        self._stock = Stock()
        self._apps: dict[str, Any] = {}
        self._lock = threading.Lock()
        self.command(config)

    def server(self, listener: socket.socket) -> BaseWSGIServer:
        """A threaded server on a socket that already listens."""
        server = make_server(
            "127.0.0.1", self._port, self, threaded=True, request_handler=QuietHandler, fd=listener.fileno()
        )
        server.daemon_threads = True  # type: ignore[attr-defined]
        return server

    def command(self, order: Mapping[str, Any]) -> Any:
        """Does what the parent orders: start anew; add credentials, stock, faults; tell contents."""
        if order.get("reset"):
            self._stock.clear()
            self._verifier, self._faults, self._numbers = Verifier(), Faults(()), itertools.count(1)
        for pair in order.get("credentials") or ():
            self._verifier.add(Credential(pair["access_key"], pair["secret_key"], pair.get("session_token")))
        self._stock.add(order.get("stock") or {})
        self._faults.add(order.get("faults") or ())
        return self._stock.contents() if order.get("contents") else True

    # The gate -------------------------------------------------------------------------------------------------

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = _read(environ)
        host = environ.get("HTTP_HOST", "")
        if host not in self._hosts or "HTTP_ORIGIN" in environ:
            return _refuse(Refusal(403, "AccessDeniedException", "Access Denied"), start_response)
        scope = _scope(environ)
        if scope is None:
            return _refuse(
                Refusal(403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
                start_response,
            )
        region, service = scope
        if service not in SERVICES:
            known = ", ".join(sorted(SERVICES))
            text = f"The double has no service {service}: only s3, {known}"
            return _refuse(Refusal(501, "UnknownOperationException", text), start_response)
        environ["simulator.body"] = body
        refusal = _in_words(self._verifier.check(environ, host)) or self._fault(environ)
        if refusal is not None:
            return _refuse(refusal, start_response)
        self._stock.reach(service, region)
        if service == "events":
            self._stock.record_events(region, body)
        answer = Answer(start_response, next(self._numbers))
        return answer.finish(self._app(service)(environ, answer.start))

    def _app(self, service: str) -> Any:
        with self._lock:
            if service not in self._apps:
                app = create_backend_app(service)  # type: ignore[arg-type]
                # moto sets it; a traceback page would show memory to whoever asks.
                app.debug = False
                self._apps[service] = app
            return self._apps[service]

    def _fault(self, environ: Mapping[str, Any]) -> Refusal | None:
        hit = self._faults.strike()
        if hit is None:
            return None
        if hit.get("seconds"):
            time.sleep(float(hit["seconds"]))
        match hit["kind"]:
            case "status":
                return Refusal(
                    int(hit.get("status") or 503),
                    str(hit.get("code") or "ServiceUnavailable"),
                    "The request has failed due to a temporary failure of the server.",
                )
            case "credentials":
                return _UNKNOWN_KEY
            case "disk_full":
                return Refusal(507, "InsufficientStorage", "There is not enough room.")
            case "reset" | "refuse":
                reset_connection(environ)
        return None


_UNKNOWN_KEY = Refusal(
    403, "UnrecognizedClientException", "The security token included in the request is invalid."
)


def _in_words(refusal: Refusal | None) -> Refusal | None:
    """S3's refusal in the words of the other services."""
    if refusal is None:
        return None
    if refusal.code in ("InvalidAccessKeyId", "InvalidToken"):
        return _UNKNOWN_KEY
    if refusal.code == "SignatureDoesNotMatch":
        return Refusal(
            403,
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided."
            " Check your AWS Secret Access Key and signing method.",
        )
    return refusal


def _scope(environ: Mapping[str, Any]) -> tuple[str, str] | None:
    """Region and service of the signature."""
    header = str(environ.get("HTTP_AUTHORIZATION", ""))
    parts = header.partition("Credential=")[2].partition(",")[0].split("/")
    return (parts[-3], parts[-2]) if header.startswith("AWS4-HMAC-SHA256") and len(parts) >= 5 else None


def _read(environ: dict[str, Any]) -> bytes:
    """The body, and a stream of it for the next reader: the signature covers it."""
    length = min(int(environ.get("CONTENT_LENGTH") or 0), _MAX_BODY)
    body = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return bytes(body)


def _refuse(refusal: Refusal, start_response: StartResponse) -> Iterable[bytes]:
    body = json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
    start_response(
        f"{refusal.status} {refusal.code}",
        [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("Content-Length", str(len(body))),
            ("x-amzn-ErrorType", refusal.code),
        ],
    )
    return [body]
