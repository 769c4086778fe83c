"""The HTTP client behind the http tasks: urllib3 connections to where the run says an address really is.

Each hop (redirects too) asks `ctx.endpoints`, so that nothing leaves the machine unasked; the server still sees the
host that the flow names. Environment proxies are not used. Messages are Kestra's (core-tasks.md 9).
"""

from __future__ import annotations

import contextlib
import io
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote, urljoin, urlsplit

from simulator.engine.task import Endpoint, RunContext
from simulator.errors import NetworkRefusedError, TaskError, UnsupportedError
from simulator.plugins.core.http.auth import authorization, digest_answer
from simulator.plugins.core.http.options import HttpOptions

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

__all__ = ["HttpRequest", "HttpResponse", "failure", "send"]

_MAX_REDIRECTS = 50
_UNMATCHED = "X-Simulate-Unmatched"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`body` is text already encoded, or a file (multipart) that is streamed."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | Path | None = None


@dataclass(slots=True)
class HttpResponse:
    """An answer whose body is read on demand. `url` is the one of the request, as Kestra reports it."""

    url: str
    code: int
    headers: dict[str, list[str]]
    stream: BaseHTTPResponse
    remote: str
    has_body: bool = True
    _read: bytes | None = field(default=None)

    def chunks(self) -> Iterator[bytes]:
        """The decoded body in pieces."""
        if self._read is not None:
            yield self._read
            return
        try:
            yield from self.stream.stream(_CHUNK, decode_content=True)
        except Exception as error:
            raise connection_error(error, self.url) from None

    def read(self) -> bytes:
        if self._read is None:
            self._read = b"".join(self.chunks())
        return self._read

    def first(self, name: str) -> str | None:
        """The first value of a header, by name in any case."""
        for key, values in self.headers.items():
            if key.lower() == name.lower():
                return values[0]
        return None


@contextmanager
def send(ctx: RunContext, request: HttpRequest, options: HttpOptions) -> Iterator[HttpResponse]:
    """Sends a request, follows redirects, checks the code; the response is closed after the block.

    Raises TaskError with Kestra's text for a failed connection or a code that is not allowed.
    """
    url, method, body = encode_url(request.url), request.method.upper(), request.body
    headers = list(request.headers)
    response: HttpResponse | None = None
    challenged = False
    for _ in range(_MAX_REDIRECTS + 1):
        response = _exchange(ctx, HttpRequest(method, url, headers, body), options)
        if (
            response.code == 401
            and options.auth is not None
            and options.auth.type == "DIGEST"
            and not challenged
        ):
            answer = digest_answer(response.headers, options.auth, method, url)
            if answer is not None:
                challenged = True
                response.stream.close()
                headers = [*headers, ("Authorization", answer)]
                continue
        target = response.first("location")
        if not (options.follow_redirects and response.code in _REDIRECTS and target):
            break
        response.stream.close()
        following = encode_url(urljoin(url, target))
        if response.code == 303 or (response.code in (301, 302) and method == "POST"):
            method, body = "GET", None
        if _origin(following) != _origin(url):
            # Credentials stay with the host that they were meant for.
            headers = [item for item in headers if item[0].lower() not in ("authorization", "cookie")]
        url = following
    else:
        raise TaskError(f"Maximum redirects ({_MAX_REDIRECTS}) exceeded")
    try:
        response.url = encode_url(request.url)
        ctx.logger.debug(
            "Request '{}' from '{}' with the response code '{}'", response.url, response.remote, response.code
        )
        if response.first(_UNMATCHED):
            # No server said this: the double did, for want of a rule. No option of the flow allows that.
            hint = response.read().decode("utf-8", "replace")
            raise NetworkRefusedError(f"{urlsplit(url).hostname} is not reached from here", hint=hint)
        ctx.metric("response.count", 1)
        check_code(ctx, response, options)
        yield response
    finally:
        response.stream.close()


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


# What java.net.URI refuses, by part; characters above ASCII pass and are sent percent-encoded.
_ILLEGAL = {
    "path": re.compile(r"[\x00-\x20\"<>\\^`{|}\[\]\x7f]"),
    "query": re.compile(r"[\x00-\x20\"<>\\^`{|}\x7f]"),
    "fragment": re.compile(r"[\x00-\x20\"<>\\^`{|}\x7f]"),
}
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def encode_url(url: str) -> str:
    """A URL as Kestra takes it: spaces become `%20`, otherwise java.net.URI's rules. Raises TaskError with its text."""
    url = url.strip().replace(" ", "%20")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise TaskError(f"Invalid URI '{url}': {parts.scheme or 'no'} scheme is not supported")
    try:
        if not parts.hostname:
            raise ValueError
        _ = parts.port
    except ValueError:
        raise TaskError(f"Target host is not specified: '{url}'") from None
    for name, pattern in _ILLEGAL.items():
        bad = pattern.search(getattr(parts, name))
        if bad is not None:
            start = url.index(bad[0], len(parts.scheme) + 3 + len(parts.netloc))
            raise TaskError(f"Illegal character in {name} at index {start}: {url}")
    bad = _BAD_ESCAPE.search(url)
    if bad is not None:
        raise TaskError(f"Malformed escape pair at index {bad.start()}: {url}")
    return quote(url, safe="%/:?#[]@!$&'()*+,;=~-._")


def check_code(ctx: RunContext, response: HttpResponse, options: HttpOptions) -> None:
    """Fails for codes that are not allowed: 1.x looks at the list and at `allowFailed`, 2.0 at the list alone."""
    refused = response.code >= 400 and not options.allow_failed
    if options.allowed_codes:
        listed = response.code in options.allowed_codes
        refused = not listed if ctx.dialect.major >= 2 else (not listed or refused)
    if refused:
        raise failure(response, options)


def failure(response: HttpResponse, options: HttpOptions) -> TaskError:
    body = response.read().decode(options.charset, "replace") if response.has_body else ""
    more = f" and body:\n{body}" if body else ""
    return TaskError(f"Failed http request with response code '{response.code}'{more}")


# -- one exchange ---------------------------------------------------------------------------------------------------


def _exchange(ctx: RunContext, request: HttpRequest, options: HttpOptions) -> HttpResponse:
    parts = urlsplit(request.url)
    endpoint = ctx.endpoints.resolve("http", request.url)
    headers = _headers(request, options, parts.netloc.rpartition("@")[2])
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if endpoint.facts.get("style") == "prefix":
        # The endpoint stands for many servers: the path says which one is meant, Host is its own.
        headers["Host"] = f"{endpoint.host}:{endpoint.port}"
        target = f"{urlsplit(endpoint.url).path}/{parts.scheme}/{parts.netloc.rpartition('@')[2]}{target}"
    body: bytes | BinaryIO | None = None
    try:
        connection = _connection(ctx, endpoint, parts.scheme, parts.hostname or "", options)
        ctx.on_cancel(lambda: _abort(connection))
        if options.proxy is not None and endpoint.double is None and parts.scheme == "http":
            # A plain request through a proxy names the whole URL.
            target = request.url
            headers.update(_proxy_headers(options))
        body = request.body.open("rb") if isinstance(request.body, Path) else request.body
        size = request.body.stat().st_size if isinstance(request.body, Path) else len(request.body or b"")
        if body is not None:
            headers["Content-Length"] = str(size)
        _log_request(ctx, request, headers, options)
        connection.connect()
        connection.timeout = options.read_timeout
        connection.request(
            request.method, target, body=body, headers=headers, preload_content=False, decode_content=False
        )
        raw = connection.getresponse()
    except Exception as error:
        raise connection_error(error, request.url) from None
    finally:
        if isinstance(body, io.IOBase):
            body.close()
    ctx.metric("request.count", 1)
    if size:
        ctx.metric("request.bytes", size)
    response = _response(request, raw, endpoint)
    _log_response(ctx, response, options)
    return response


def _abort(connection: Any) -> None:
    """Wakes a thread that waits on the connection (the task run is killed)."""
    sock = connection.sock
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _connection(ctx: RunContext, endpoint: Endpoint, scheme: str, host: str, options: HttpOptions) -> Any:
    """A connection for one exchange: to the endpoint, or to a proxy in front of it."""
    from urllib3.connection import HTTPConnection, HTTPSConnection

    proxied = options.proxy is not None and endpoint.double is None
    place = _proxy_place(ctx, options) if proxied else endpoint
    if scheme != "https" or urlsplit(endpoint.url).scheme == "http":
        return HTTPConnection(place.host, place.port, timeout=options.connect_timeout)
    context = ssl.create_default_context()
    if not options.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    connection = HTTPSConnection(
        place.host,
        place.port,
        timeout=options.connect_timeout,
        ssl_context=context,
        server_hostname=host,
        assert_hostname=host if options.verify else False,
    )
    if proxied:
        connection.set_tunnel(endpoint.host, endpoint.port, headers=_proxy_headers(options), scheme="http")
    return connection


def _proxy_place(ctx: RunContext, options: HttpOptions) -> Endpoint:
    proxy = options.proxy
    assert proxy is not None
    if proxy.type != "HTTP":
        raise UnsupportedError(f"A proxy of type {proxy.type} is not supported", hint="Use `type: HTTP`.")
    return ctx.endpoints.resolve("http", f"http://{proxy.address}:{proxy.port}")


def _proxy_headers(options: HttpOptions) -> dict[str, str]:
    from urllib3 import make_headers

    proxy = options.proxy
    if proxy is None or proxy.username is None:
        return {}
    return dict(make_headers(proxy_basic_auth=f"{proxy.username}:{proxy.password or ''}"))


def _headers(request: HttpRequest, options: HttpOptions, host: str) -> Any:
    from urllib3 import HTTPHeaderDict

    headers = HTTPHeaderDict()
    for name, value in request.headers:
        try:
            value.encode("latin-1")
        except UnicodeEncodeError:
            value = value.encode("utf-8").decode("latin-1")
        if "\r" in value or "\n" in value or "\r" in name or "\n" in name:
            raise TaskError(f"Invalid header '{name}': it holds a line break")
        headers.add(name, value)
    defaults = {
        "Host": host,
        "User-Agent": "Kestra",
        "Accept-Encoding": "gzip, x-gzip, deflate",
        "Authorization": authorization(options.auth),
    }
    for name, default in defaults.items():
        if default is not None and name not in headers:
            headers[name] = default
    return headers


def _response(request: HttpRequest, raw: BaseHTTPResponse, endpoint: Endpoint) -> HttpResponse:
    headers: dict[str, list[str]] = {}
    for name in raw.headers:
        headers.setdefault(name, raw.headers.getlist(name))
    if any(name.lower() == "content-encoding" for name in headers):
        # As Apache's client: once decoded, the headers that describe the packed form are gone.
        gone = ("content-encoding", "content-length", "content-md5")
        headers = {name: values for name, values in headers.items() if name.lower() not in gone}
    has_body = request.method != "HEAD" and raw.status not in (204, 205, 304)
    return HttpResponse(request.url, raw.status, headers, raw, endpoint.host, has_body)


def connection_error(error: Exception, url: str) -> Exception:
    """A failed exchange as Kestra reports it; errors of ours pass."""
    from http import client

    import urllib3.exceptions as http

    from simulator.errors import SimulatorError

    if isinstance(error, SimulatorError):
        return error
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if isinstance(error, http.ReadTimeoutError):
        return TaskError("Read timed out", code="SIM-TASK-HTTP")
    if isinstance(error, http.NameResolutionError):
        return TaskError(f"{parts.hostname}: Name or service not known", code="SIM-TASK-HTTP")
    if isinstance(error, http.NewConnectionError):
        cause = error.__cause__ or error
        reason = getattr(cause, "strerror", None) or "Connection refused"
        return TaskError(f"Connect to {where} [{parts.hostname}] failed: {reason}", code="SIM-TASK-HTTP")
    # A refused connection is a kind of timeout to urllib3, so this comes after it.
    if isinstance(error, http.ConnectTimeoutError):
        return TaskError(f"Connect to {where} failed: Connect timed out", code="SIM-TASK-HTTP")
    if isinstance(error, http.ProtocolError):
        return TaskError(f"{parts.netloc.rpartition('@')[2]} failed to respond", code="SIM-TASK-HTTP")
    if isinstance(error, (http.SSLError, ssl.SSLError)):
        return TaskError(f"TLS connection to {where} failed: {error}", code="SIM-TASK-HTTP")
    if isinstance(error, TimeoutError):
        return TaskError("Read timed out", code="SIM-TASK-HTTP")
    if isinstance(error, ConnectionError):
        reason = error.strerror or "failed to respond"
        return TaskError(f"{parts.netloc.rpartition('@')[2]} {reason}", code="SIM-TASK-HTTP")
    if isinstance(error, (http.HTTPError, client.HTTPException, OSError, ValueError)):
        return TaskError(str(error) or type(error).__name__, code="SIM-TASK-HTTP")
    return error


def _log_request(ctx: RunContext, request: HttpRequest, headers: Any, options: HttpOptions) -> None:
    if "REQUEST_HEADERS" in options.logs:
        shown = ", ".join(
            f"{name}: {value}" for name, value in headers.items() if name.lower() != "authorization"
        )
        ctx.logger.debug("request headers: {}", shown)
    if "REQUEST_BODY" in options.logs and isinstance(request.body, bytes):
        ctx.logger.trace("request body: {}", request.body.decode("utf-8", "replace"))


def _log_response(ctx: RunContext, response: HttpResponse, options: HttpOptions) -> None:
    if "RESPONSE_HEADERS" in options.logs:
        shown = ", ".join(f"{name}: {', '.join(values)}" for name, values in response.headers.items())
        ctx.logger.debug("response headers: {}", shown)
    if "RESPONSE_BODY" in options.logs and response.has_body:
        ctx.logger.trace("response body: {}", response.read().decode(options.charset, "replace"))
