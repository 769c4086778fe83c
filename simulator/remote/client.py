"""A Kestra server's REST API, as far as a run needs it: flows, namespace files, executions, logs, outputs.

    client = KestraClient("http://127.0.0.1:8080", username="admin@kestra.io", password="...")
    client.deploy(source, "company.team", "hello")
    execution = client.create_execution("company.team", "hello", {"name": "Ada"}, {})

Paths and parts are those of language.md 5. Reading calls are repeated when the connection breaks; the call that
creates an execution never is, so that trouble on the line cannot start a second one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from simulator.errors import RemoteError, UsageError

__all__ = ["KestraClient"]

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0
_READ_RETRIES = 4


class KestraClient:
    """One server, one tenant. Raises RemoteError with the server's own message."""

    def __init__(
        self,
        url: str,
        *,
        tenant: str = "main",
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
        verify: bool = True,
        ca_file: str | None = None,
        read_seconds: float = _READ_SECONDS,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(
                f"`{url}` is not the URL of a Kestra server", hint="for example http://127.0.0.1:8080"
            )
        if parts.username or parts.password:
            raise UsageError(
                "a password in a URL ends up in logs",
                hint="KESTRA_USERNAME and KESTRA_PASSWORD take it from the environment",
            )
        self.url = url.rstrip("/")
        self._base = f"{self.url}/api/v1/{quote(tenant, safe='')}"
        self._headers = {"Accept": "application/json", "User-Agent": "kestra-simulator"}
        self._read_seconds = read_seconds
        self._pool = _pool(url, verify, ca_file, environ or {})
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        elif username is not None:
            from urllib3.util import make_headers

            self._headers |= make_headers(basic_auth=f"{username}:{password or ''}")

    # --- flows

    def flow_source(self, namespace: str, flow_id: str) -> str | None:
        """The source of a deployed flow, None when it is not there."""
        try:
            found = self._json("GET", f"/flows/{_q(namespace)}/{_q(flow_id)}?source=true")
        except RemoteError as error:
            if error.status == 404:
                return None
            raise
        return str(found.get("source") or "")

    def deploy(self, source: str, namespace: str, flow_id: str) -> bool:
        """Creates or updates a flow; False when the server has exactly this source already."""
        current = self.flow_source(namespace, flow_id)
        if current is not None and current.strip() == source.strip():
            return False
        method, path = (
            ("POST", "/flows") if current is None else ("PUT", f"/flows/{_q(namespace)}/{_q(flow_id)}")
        )
        self._json(method, path, body=source.encode(), content_type="application/x-yaml")
        return True

    def upload_namespace_file(self, namespace: str, path: str, content: bytes) -> None:
        query = urlencode({"path": "/" + path.lstrip("/")})
        self._request(
            "POST",
            f"/namespaces/{_q(namespace)}/files?{query}",
            fields={"fileContent": (path.rsplit("/", 1)[-1], content)},
        )

    # --- executions

    def create_execution(
        self, namespace: str, flow_id: str, inputs: Mapping[str, Any], labels: Mapping[str, str]
    ) -> dict[str, Any]:
        """Starts an execution: one multipart part per input, a `Path` as a file. Sent once, whatever happens."""
        fields: dict[str, Any] = {}
        for name, value in inputs.items():
            if isinstance(value, Path):
                fields[name] = (value.name, value.read_bytes())
            else:
                fields[name] = value if isinstance(value, str) else json.dumps(value)
        query = urlencode([("labels", f"{key}:{value}") for key, value in labels.items()])
        path = f"/executions/{_q(namespace)}/{_q(flow_id)}" + (f"?{query}" if query else "")
        try:
            answer = self._request("POST", path, fields=fields or {"": ""}, retries=0)
        except RemoteError as error:
            if error.status is None:
                raise RemoteError(
                    f"the connection broke while the execution was created: {error.message}",
                    hint=f"it may have been started; look at {self.url}/ui/main/executions before you try again",
                ) from None
            raise
        return _object(answer)

    def execution(self, execution_id: str) -> dict[str, Any]:
        return self._json("GET", f"/executions/{_q(execution_id)}")

    def kill(self, execution_id: str) -> None:
        """Asks for the end of an execution; the place of the call differs between 1.x and 2.0, both are tried."""
        try:
            self._request("DELETE", f"/executions/{_q(execution_id)}/kill")
        except RemoteError as error:
            if error.status not in (404, 405):
                raise
            self._request("DELETE", f"/executions/{_q(execution_id)}/actions/kill")

    def logs(self, execution_id: str) -> list[dict[str, Any]]:
        answer = json.loads(self._request("GET", f"/logs/{_q(execution_id)}?minLevel=TRACE") or b"[]")
        return answer if isinstance(answer, list) else []

    def outputs(self, execution_id: str, task_run_id: str) -> dict[str, Any] | None:
        """Outputs of a task run (2.0 keeps them apart from the execution); None when there are none."""
        try:
            return self._json("GET", f"/outputs/{_q(execution_id)}/{_q(task_run_id)}")
        except RemoteError as error:
            if error.status in (404, 405):
                return None
            raise

    def file(self, execution_id: str, uri: str) -> bytes:
        return self._request("GET", f"/executions/{_q(execution_id)}/file?{urlencode({'path': uri})}")

    def follow(self, execution_id: str, *, timeout: float | None = None) -> Iterator[dict[str, Any]]:
        """The execution each time it changes, until it is over. Survives a stream that stalls or breaks.

        Raises RemoteError when `timeout` seconds are over or the server stays away.
        """
        deadline = time.monotonic() + timeout if timeout is not None else None
        broken = 0
        while True:
            try:
                for value in self._stream(f"/executions/{_q(execution_id)}/follow", deadline):
                    broken = 0
                    if value.get("state"):
                        yield value
                        if _is_over(value):
                            return
            except RemoteError as error:
                if error.status is not None and error.status not in (502, 503, 504):
                    raise
                broken += 1
                if broken > _READ_RETRIES:
                    raise RemoteError(
                        f"lost sight of execution {execution_id}: {error.message}",
                        hint=f"it may still be running: {self.url}/ui/main/executions",
                    ) from None
                time.sleep(min(8.0, 0.25 * 2**broken))
            current = self.execution(execution_id)
            yield current
            if _is_over(current):
                return
            if deadline is not None and time.monotonic() > deadline:
                raise RemoteError(
                    f"execution {execution_id} is still {current['state']['current']} after {timeout:g} seconds",
                    hint="it goes on at the server; --timeout waits longer",
                )

    # --- transport

    def _stream(self, path: str, deadline: float | None) -> Iterator[dict[str, Any]]:
        import urllib3

        wait = self._read_seconds
        if deadline is not None:
            wait = max(0.1, min(wait, deadline - time.monotonic()))
        try:
            answer = self._pool.request(
                "GET",
                self._base + path,
                headers={**self._headers, "Accept": "text/event-stream"},
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=wait),
                preload_content=False,
                retries=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise RemoteError(f"cannot reach {self.url}: {_reason(error)}") from None
        try:
            if answer.status >= 400:
                raise self._refused(answer.status, answer.read(decode_content=True), path)
            data: list[str] = []
            for raw in _lines(answer):
                line = raw.decode("utf-8", "replace").rstrip("\r")
                if line.startswith("data:"):
                    data.append(line[5:].lstrip(" "))
                elif not line and data:
                    yield _parse_event("\n".join(data))
                    data = []
        except urllib3.exceptions.ReadTimeoutError:
            return
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise RemoteError(f"the event stream broke: {_reason(error)}") from None
        finally:
            answer.close()

    def _json(self, method: str, path: str, **rest: Any) -> dict[str, Any]:
        return _object(self._request(method, path, **rest))

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        content_type: str | None = None,
        fields: Mapping[str, Any] | None = None,
        retries: int | None = None,
    ) -> bytes:
        import urllib3

        headers = dict(self._headers)
        if content_type:
            headers["Content-Type"] = content_type
        count = retries if retries is not None else (_READ_RETRIES if method == "GET" else 0)
        policy = urllib3.Retry(
            total=count,
            backoff_factor=0.25,
            status_forcelist=(502, 503, 504),
            raise_on_status=False,
            redirect=0,
        )
        try:
            answer = self._pool.request(
                method,
                self._base + path,
                body=body,
                fields=dict(fields) if fields is not None else None,
                headers=headers,
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=self._read_seconds),
                retries=policy if count else False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise RemoteError(
                f"cannot reach {self.url}: {_reason(error)}", hint="is the server up, and is the URL right?"
            ) from None
        if answer.status >= 300:
            raise self._refused(answer.status, answer.data, path)
        return bytes(answer.data)

    def _refused(self, status: int, body: bytes, path: str) -> RemoteError:
        try:
            message = json.loads(body).get("message") or ""
        except (ValueError, AttributeError):
            message = body.decode("utf-8", "replace").strip()[:500]
        hints = {
            401: "KESTRA_USERNAME and KESTRA_PASSWORD, or KESTRA_API_TOKEN, say who asks",
            403: "this user may not do that",
            404: "is the tenant right (--tenant)?",
        }
        where = path.split("?")[0]
        text = f"{self.url} answers {status} to {where}" + (f": {message}" if message else "")
        return RemoteError(text, status=status, hint=hints.get(status))


def _pool(url: str, verify: bool, ca_file: str | None, environ: Mapping[str, str]) -> Any:
    import urllib3

    options: dict[str, Any] = {}
    if not verify:
        options["cert_reqs"] = "CERT_NONE"
    elif ca_file:
        options["ca_certs"] = ca_file
    scheme, host = urlsplit(url).scheme, urlsplit(url).hostname or ""
    proxy = environ.get(f"{scheme}_proxy") or environ.get(f"{scheme.upper()}_PROXY")
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    direct = host in ("localhost", "127.0.0.1", "::1") or any(
        item.strip() and (item.strip() == "*" or host.endswith(item.strip().lstrip(".")))
        for item in exempt.split(",")
    )
    if proxy and not direct:
        return urllib3.ProxyManager(proxy, **options)
    return urllib3.PoolManager(**options)


def _lines(answer: Any) -> Iterator[bytes]:
    pending = b""
    for chunk in answer.stream(4096, decode_content=True):
        *lines, pending = (pending + chunk).split(b"\n")
        yield from lines
    if pending:
        yield pending


def _parse_event(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        raise RemoteError(
            "the server's answer is no JSON", hint="is this the URL of a Kestra server?"
        ) from None
    if not isinstance(value, dict):
        raise RemoteError("the server's answer is not what was asked for")
    return value


_OVER = frozenset({"SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "RETRIED", "SKIPPED"})


def _is_over(value: Mapping[str, Any]) -> bool:
    return str((value.get("state") or {}).get("current")) in _OVER


def _reason(error: BaseException) -> str:
    """The innermost reason, without the pool's object addresses."""
    inner: BaseException = error
    while (deeper := getattr(inner, "reason", None)) is not None and isinstance(deeper, BaseException):
        inner = deeper
    text = str(inner)
    return text.split(">: ", 1)[-1] if ">: " in text else text.split("): ", 1)[-1]


def _q(text: str) -> str:
    return quote(text, safe="")
