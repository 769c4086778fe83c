"""The network of expressions: `http(...)` asks the run's endpoints where an address really is, as the http tasks do.

Contract: `simulator.expressions.scope.HttpService`. Redirects are followed within the same rules (each hop is resolved
anew); a request that no rule of the HTTP double answers is refused with the rule to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from simulator.engine.task import Endpoints
from simulator.errors import NetworkRefusedError, TaskError

__all__ = ["RunHttp"]

_TIMEOUT = 10.0
_BODY_LIMIT = 64 << 20
_HOPS = 10
_UNMATCHED = "X-Simulate-Unmatched"


class RunHttp:
    """One HTTP exchange after another under the run's network policy."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, timeout: float | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. Raises NetworkRefusedError, or TaskError when nobody answers."""
        sent = dict(headers)
        for _ in range(_HOPS):
            status, answered, content = self._exchange(method, url, sent, body, timeout or _TIMEOUT)
            place = next((value for name, value in answered.items() if name.lower() == "location"), None)
            if status not in (301, 302, 303, 307, 308) or place is None:
                return status, answered, content
            following = urljoin(url, place)
            if urlsplit(following)[:2] != urlsplit(url)[:2]:
                sent = {name: value for name, value in sent.items() if name.lower() != "authorization"}
            if status == 303 or (status in (301, 302) and method == "POST"):
                method, body = "GET", None
            url = following
        raise TaskError(f"Maximum redirects ({_HOPS}) exceeded")

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        import http.client
        import ssl

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise TaskError(f"Invalid URL: {url}")
        endpoint = self._endpoints.resolve("http", url)
        authority = parts.netloc.rpartition("@")[2]
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {**headers, "Host": authority}
        secure = parts.scheme == "https"
        if endpoint.facts.get("style") == "prefix":
            secure = False
            sent["Host"] = f"{endpoint.host}:{endpoint.port}"
            target = f"{urlsplit(endpoint.url).path}/{parts.scheme}/{authority}{target}"
        connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection(endpoint.host, endpoint.port, timeout=timeout)
            if secure
            else http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=timeout)
        )
        try:
            connection.request(method, target, body=body, headers=sent)
            response = connection.getresponse()
            content = response.read(_BODY_LIMIT + 1)
        except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as error:
            raise TaskError(str(error) or type(error).__name__) from None
        finally:
            connection.close()
        if len(content) > _BODY_LIMIT:
            raise TaskError(f"the answer of {parts.hostname} is larger than {_BODY_LIMIT >> 20} MiB")
        if response.headers.get(_UNMATCHED):
            hint = content.decode("utf-8", "replace")
            raise NetworkRefusedError(f"{parts.hostname} is not reached from here", hint=hint)
        return response.status, dict(response.headers.items()), content
