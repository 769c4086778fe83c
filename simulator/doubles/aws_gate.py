"""What both gates of the AWS servers share: quiet request lines, answers without CORS, a connection that breaks.

Lives in the server processes only.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from moto.moto_server.werkzeug_app import MotoRequestHandler

__all__ = ["Answer", "QuietHandler", "StartResponse", "reset_connection"]

StartResponse = Callable[..., Any]

_ID_HEADERS = frozenset({"x-amz-request-id", "x-amzn-requestid", "x-amz-id-2"})
_ID_ELEMENT = re.compile(rb"(<RequestI[dD]>)[^<]*(</RequestI[dD]>)")


class QuietHandler(MotoRequestHandler):
    """No line per request: request lines hold object names, and stderr is shown when something breaks."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class Answer:
    """moto's answer on its way out: no CORS headers, and request ids that are counted instead of random, so that two
    runs of a flow log the same."""

    def __init__(self, start_response: StartResponse, number: int) -> None:
        self._start_response = start_response
        self._id = f"{number:016X}"
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._rest: tuple[Any, ...] = ()

    def start(self, status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        self._status, self._rest = status, rest
        self._headers = [
            (name, self._id if name.lower() in _ID_HEADERS else value)
            for name, value in headers
            if not name.lower().startswith("access-control-")
        ]
        if not status.startswith(("4", "5")):
            return self._start_response(status, self._headers, *rest)
        return lambda data: None

    def finish(self, body: Iterable[bytes]) -> Iterable[bytes]:
        if not self._status.startswith(("4", "5")):
            return body
        data = b"".join(body)
        close = getattr(body, "close", None)
        if close is not None:
            close()
        data = _ID_ELEMENT.sub(rb"\g<1>" + self._id.encode() + rb"\g<2>", data)
        headers = [
            (name, str(len(data)) if name.lower() == "content-length" and data else value)
            for name, value in self._headers
        ]
        self._start_response(self._status, headers, *self._rest)
        return [data]


def reset_connection(environ: Mapping[str, Any]) -> NoReturn:
    """Closes the connection in the middle, with a TCP reset."""
    sock = environ.get("werkzeug.socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        # `close` would wait for the files made of it: `shutdown` acts at once.
        sock.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError
