"""Posting one message to a chat service's address, wherever that address really is.

The endpoints say whether the HTTP double stands in. When it does, the call goes to
`<endpoint.url>/<scheme>/<host><path>`, and the rule handed over with the question tells it what a healthy service
would answer. Redirects are not followed: they could lead off the machine. What was sent lands in the run's outbox.
"""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from simulator.engine.task import RunContext
from simulator.errors import NetworkRefusedError, TaskError
from simulator.model.catalog import PropertySpec, T

__all__ = ["OPTIONS", "Answer", "Healthy", "http_failure", "post"]

#: `options` of every webhook task (fs-and-others.md 1).
OPTIONS = PropertySpec(
    "options",
    T.OBJECT,
    as_property=False,
    fields=(
        PropertySpec("connectTimeout", T.DURATION),
        PropertySpec("readTimeout", T.DURATION),
        PropertySpec("readIdleTimeout", T.DURATION),
        PropertySpec("connectionPoolIdleTimeout", T.DURATION),
        PropertySpec("maxContentLength", T.INTEGER),
        PropertySpec("defaultCharset"),
        PropertySpec("headers", T.MAP, item=PropertySpec("value")),
    ),
)

_READ_TIMEOUT = 10.0
_UNMATCHED = "X-Simulate-Unmatched"
_BODY_KEPT = 1 << 20


@dataclass(frozen=True, slots=True)
class Healthy:
    """What the service answers to a good message."""

    status: int = 200
    body: Any = "ok"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `hint` is there when the HTTP double had no rule for the call."""

    status: int
    reason: str
    body: str
    hint: str | None = None

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def post(
    ctx: RunContext,
    channel: str,
    url: str,
    body: bytes,
    healthy: Healthy,
    *,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
    summary: Any = None,
) -> Answer:
    """Sends `body`; records it under `channel`. `summary` is what the outbox shows in its place (parsed JSON, say).

    Raises TaskError when the address cannot be reached, NetworkRefusedError when it may not be.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise TaskError(f"Invalid URL: {_shown(url)}", hint="the address must begin with http:// or https://")
    rule = {"url": _shown(url), "method": "POST", "status": healthy.status, "body": healthy.body}
    endpoint = ctx.endpoints.resolve("http", url, rule=rule)
    address = url
    if endpoint.double is not None:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        address = f"{endpoint.url}/{parts.scheme}/{parts.netloc.rpartition('@')[2]}{parts.path or '/'}{query}"
    sent = {"Content-Type": content_type, "User-Agent": "Kestra", **(headers or {}), **_own_headers(ctx)}
    request = urllib.request.Request(address, data=body, headers=sent, method="POST")
    proxies = urllib.request.ProxyHandler({}) if endpoint.double else urllib.request.ProxyHandler()
    opener = urllib.request.build_opener(proxies, _NoRedirect)
    answer = _call(opener, request, _timeout(ctx))
    shown = summary if summary is not None else _parsed(body)
    ctx.outbox(channel, {"method": "POST", "url": url, "body": shown, "status": answer.status})
    return answer


def _call(opener: urllib.request.OpenerDirector, request: urllib.request.Request, timeout: float) -> Answer:
    try:
        with opener.open(request, timeout=timeout) as response:
            return Answer(response.status, response.reason or "", _text(response))
    except urllib.error.HTTPError as error:
        with error:
            text = _text(error)
        return Answer(error.code, error.reason or "", text, text if error.headers.get(_UNMATCHED) else None)
    except urllib.error.URLError as error:
        raise TaskError(str(error.reason)) from None
    except TimeoutError:
        raise TaskError("Read timed out") from None
    except (OSError, http.client.HTTPException, ssl.SSLError) as error:
        raise TaskError(str(error) or type(error).__name__) from None


def _text(response: Any) -> str:
    data: bytes = response.read(_BODY_KEPT)
    return data.decode("utf-8", "replace")


def _own_headers(ctx: RunContext) -> dict[str, str]:
    options = ctx.get("options") or {}
    return {str(name): str(value) for name, value in (options.get("headers") or {}).items()}


def _timeout(ctx: RunContext) -> float:
    value = (ctx.get("options") or {}).get("readTimeout")
    if value is None:
        return _READ_TIMEOUT
    if hasattr(value, "total_seconds"):
        return float(value.total_seconds())
    from simulator.values import parse_duration

    try:
        return parse_duration(str(value)).total_seconds()
    except ValueError as error:
        raise TaskError(f"readTimeout: {error}") from None


def _shown(url: str) -> str:
    """Without user information and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path or '/'}"


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def http_failure(answer: Answer, message: str | None = None) -> TaskError:
    """The error of an answer that is not 2xx; `message` in place of the HTTP client's own text."""
    text = f"Failed http request with response code '{answer.status}'"
    if answer.body:
        text += f" and body:\n{answer.body}"
    if answer.hint:
        return NetworkRefusedError(message or text, hint=answer.hint)
    return TaskError(message or text)
