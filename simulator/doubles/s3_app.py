"""The gate in front of moto's S3, and what the parent may order. Lives in the server process only."""

from __future__ import annotations

import base64
import itertools
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

# Before moto reads its settings: no CORS headers, and no call to anywhere.
os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")
os.environ.setdefault("MOTO_SERVICE_CACHE", "false")

from moto.moto_server.werkzeug_app import create_backend_app
from moto.s3.models import FakeKey, s3_backends
from werkzeug.serving import BaseWSGIServer, make_server

from simulator.doubles.aws_gate import Answer, QuietHandler, StartResponse, reset_connection
from simulator.doubles.faults import Faults
from simulator.doubles.s3_auth import Credential, Refusal, Verifier
from simulator.doubles.s3_body import read_body

__all__ = ["S3App"]

ACCOUNT = "123456789012"


class S3App:
    """A WSGI application. `config`: `credentials`, `buckets`, `faults` (see `command`)."""

    def __init__(self, port: int, config: Mapping[str, Any]) -> None:
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._port = port
        self._verifier = Verifier()
        self._faults = Faults(())
        self._numbers = itertools.count(1)
        self._backend = s3_backends[ACCOUNT]["aws"]
        # Buckets of which nobody said where they are: any region reaches them.
        self._anywhere: set[str] = set()
        self._inner = create_backend_app("s3")
        # moto sets it; a traceback page would show memory to whoever asks.
        self._inner.debug = False
        self.command(config)

    def server(self, listener: socket.socket) -> BaseWSGIServer:
        """A threaded server on a socket that already listens."""
        server = make_server(
            "127.0.0.1", self._port, self, threaded=True, request_handler=QuietHandler, fd=listener.fileno()
        )
        server.daemon_threads = True  # type: ignore[attr-defined]
        return server

    # Orders of the parent -------------------------------------------------------------------------------------

    def command(self, order: Mapping[str, Any]) -> Any:
        """Does what an order says: add credentials, buckets, faults; tell contents; copy an object to a file."""
        if order.get("reset"):
            self._backend.reset()
            self._anywhere.clear()
            self._verifier, self._faults, self._numbers = Verifier(), Faults(()), itertools.count(1)
        for pair in order.get("credentials") or ():
            self._verifier.add(Credential(pair["access_key"], pair["secret_key"], pair.get("session_token")))
        for name, facts in (order.get("buckets") or {}).items():
            self._bucket(str(name), facts or {})
        self._faults.add(order.get("faults") or ())
        if order.get("contents"):
            return self._contents()
        if "save" in order:
            key = self._backend.get_object(order["bucket"], order["save"])
            if key is None:
                raise KeyError(f"no object {order['save']} in bucket {order['bucket']}")
            Path(order["path"]).write_bytes(key.value)
        return True

    def _bucket(self, name: str, facts: Mapping[str, Any]) -> None:
        if name in self._backend.buckets:
            return
        if facts.get("assumed") or not facts.get("region"):
            self._anywhere.add(name)
        self._backend.create_bucket(name, str(facts.get("region") or "us-east-1"))
        if facts.get("versioning"):
            self._backend.put_bucket_versioning(name, "Enabled")
        for key, content in (facts.get("objects") or {}).items():
            data = base64.b64decode(content["base64"])
            self._backend.put_object(name, str(key), data)

    def _contents(self) -> dict[str, dict[str, Any]]:
        return {
            name: {
                key.name: {
                    "size": key.size,
                    "etag": key.etag,
                    "content_type": dict(key.metadata).get("content-type", ""),
                }
                for key in bucket.keys.values()
                if isinstance(key, FakeKey)  # a delete marker is no object
            }
            for name, bucket in self._backend.buckets.items()
        }

    # The gate -------------------------------------------------------------------------------------------------

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "")
        path = environ.get("PATH_INFO", "")
        if host not in self._hosts or "HTTP_ORIGIN" in environ:
            # A web page that found the port (DNS rebinding, CORS): no S3 client sends either.
            return _refuse(Refusal(403, "AccessDenied", "Access Denied"), environ, start_response)
        if path.startswith("/moto-api"):
            return _refuse(
                Refusal(404, "NoSuchKey", "The specified key does not exist."), environ, start_response
            )
        refusal = (
            self._verifier.check(environ, host)
            or self._fault(environ)
            or self._elsewhere(environ)
            or read_body(environ)
        )
        if refusal is not None:
            return _refuse(refusal, environ, start_response)

        answer = Answer(start_response, next(self._numbers))
        return answer.finish(self._inner(environ, answer.start))

    def _elsewhere(self, environ: Mapping[str, Any]) -> Refusal | None:
        """S3's answer at the endpoint of another region than the bucket's."""
        name = str(environ.get("PATH_INFO", "")).lstrip("/").partition("/")[0]
        bucket = self._backend.buckets.get(name)
        if bucket is None or name in self._anywhere:
            return None
        query = str(environ.get("QUERY_STRING", ""))
        if query.startswith("location"):
            return None  # the one question that any region answers
        scope = str(environ.get("HTTP_AUTHORIZATION", "")).partition("Credential=")[2].partition(",")[0]
        region = (scope.split("/") + [""] * 5)[2]
        if not region or region == bucket.region_name or _makes_bucket(environ):
            return None
        return Refusal(
            301,
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint."
            " Please send all future requests to this endpoint.",
            {"Endpoint": f"{name}.s3.{bucket.region_name}.amazonaws.com", "Bucket": name},
        )

    def _fault(self, environ: Mapping[str, Any]) -> Refusal | None:
        """The first declared fault that strikes now. A call counts for every fault."""
        hit = self._faults.strike()
        if hit is None:
            return None
        if hit.get("seconds"):
            time.sleep(float(hit["seconds"]))
        return _FAULTS[hit["kind"]](hit, environ)


def _reset(fault: Mapping[str, Any], environ: Mapping[str, Any]) -> Refusal | None:
    return reset_connection(environ)


#: What a fault of each kind answers.
_FAULTS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Refusal | None]] = {
    "status": lambda fault, _: Refusal(
        int(fault.get("status") or 503),
        str(fault.get("code") or "SlowDown"),
        "Please reduce your request rate.",
    ),
    "slow": lambda fault, _: None,
    "credentials": lambda fault, _: Refusal(
        403,
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
    ),
    "disk_full": lambda fault, _: Refusal(
        507, "InsufficientStorage", "There is not enough room to store the object."
    ),
    "reset": _reset,
    "refuse": _reset,
}


def _makes_bucket(environ: Mapping[str, Any]) -> bool:
    path = str(environ.get("PATH_INFO", "")).strip("/")
    return environ.get("REQUEST_METHOD") == "PUT" and "/" not in path and not environ.get("QUERY_STRING")


def _refuse(refusal: Refusal, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    from xml.sax.saxutils import escape

    _drain(environ)
    extra = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in refusal.extra.items())
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>{extra}"
        "<RequestId>0000000000000000</RequestId></Error>"
    ).encode()
    if environ.get("REQUEST_METHOD") == "HEAD":
        body = b""
    start_response(
        f"{refusal.status} {refusal.code}",
        [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))],
    )
    return [body]


def _drain(environ: Mapping[str, Any]) -> None:
    """Reads the body away: a client that is still sending would see a reset instead of the answer."""
    stream = environ.get("wsgi.input")
    if stream is None:
        return
    if environ.get("wsgi.input_terminated"):
        while stream.read(1 << 16):
            pass
        return
    left = int(environ.get("CONTENT_LENGTH") or 0)
    while left > 0:
        chunk = stream.read(min(left, 1 << 16))
        if not chunk:
            return
        left -= len(chunk)
