"""The world of an expression case: secrets, KV, files, logs and HTTP as the case's set-up keys describe them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from simulator.errors import ExpressionError, StorageError
from simulator.expressions.scope import Scope
from tests.conformance.java import decode

__all__ = ["Exchange", "Files", "Kv", "Logs", "Secrets"]


class Secrets:
    """A secret store that answers for every namespace; keys are compared in upper case as Kestra's does."""

    def __init__(self, secrets: Mapping[str, Any], missing: str) -> None:
        self._secrets = {key.upper(): value for key, value in secrets.items()}
        self._missing = missing

    def _entry(self, key: str) -> Any:
        try:
            return self._secrets[key.upper()]
        except KeyError:
            raise ExpressionError(self._missing.format(key)) from None

    def find(self, key: str, namespace: str | None) -> str:
        found = self._entry(key)
        return str(found["value"] if isinstance(found, Mapping) else found)

    def find_full(self, key: str, namespace: str | None) -> Mapping[str, Any]:
        """2.0: the value with its metadata, when the store keeps some."""
        found = self._entry(key)
        return dict(found) if isinstance(found, Mapping) else {"value": found}


class Kv:
    def __init__(self, stores: Mapping[str, Mapping[str, Any]]) -> None:
        self._stores = stores

    def get(self, namespace: str, key: str) -> Any | None:
        store = self._stores.get(namespace) or {}
        if key not in store:
            return None
        value = store[key]
        if isinstance(value, Mapping) and value.get("$expired"):
            raise StorageError("The requested value has expired")
        return decode(value)


class Logs:
    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        self._entries = entries

    def error_logs(self) -> Sequence[Mapping[str, Any]]:
        return [entry for entry in self._entries if entry.get("level") == "ERROR"]


class Files:
    """Internal storage, namespace files and host files in memory, by the rules of Kestra's readers."""

    def __init__(self, case: Mapping[str, Any], namespace: str, config: Mapping[str, Any]) -> None:
        self._storage: Mapping[str, str] = case.get("storage") or {}
        self._namespaces: Mapping[str, Mapping[str, Any]] = case.get("namespace_files") or {}
        self._local: Mapping[str, str] = case.get("local_files") or {}
        self._namespace = namespace
        self._allowed = [
            root for root in str(config.get("kestra.local-files.allowed-paths", "")).split(",") if root
        ]
        self._enabled = str(config.get("kestra.local-files.enable-file-functions", True)).lower() == "true"

    def read(self, uri: str, *, namespace: str | None = None, version: int | None = None) -> bytes:
        content = self._content(uri, namespace, version)
        if content is None:
            raise StorageError(f"{uri} (File not found)", code="SIM-STORAGE-404")
        return content.encode("utf-8")

    def exists(self, uri: str, *, namespace: str | None = None) -> bool:
        return self._content(uri, namespace, None) is not None

    def size(self, uri: str, *, namespace: str | None = None) -> int:
        return len(self.read(uri, namespace=namespace))

    def namespace_file_uri(self, path: str, namespace: str, version: int | None = None) -> str:
        path = path.lstrip("/")
        base = f"kestra:///{namespace.replace('.', '/')}/_files/{path}"
        versions = self._revisions(namespace, path)
        number = len(versions) if version is None else version
        if version is not None and not 1 <= version <= len(versions):
            raise StorageError(
                f"Revision {version} of file '{path}' was not found in namespace '{namespace}'."
            )
        return f"{base}.v{number}" if number > 1 else base

    def _revisions(self, namespace: str, path: str) -> list[Any]:
        found = (self._namespaces.get(namespace) or {}).get(path.lstrip("/"), [])
        return found if isinstance(found, list) else [found]

    def _content(self, uri: str, namespace: str | None, version: int | None) -> str | None:
        if uri.startswith("file://"):
            return self._host(uri)
        if uri.startswith("kestra://"):
            if uri in self._storage:
                return self._storage[uri]
            return self._namespace_uri(uri)
        if uri.startswith("nsfile://"):
            rest = uri.removeprefix("nsfile://")
            authority, _, uri = rest.partition("/")
            namespace = authority or namespace
        versions = self._revisions(namespace or self._namespace, uri)
        if version is not None:
            versions = versions[:version] if version <= len(versions) else []
        if not versions:
            return None
        last = versions[-1]
        return (
            last.get("content")
            if isinstance(last, Mapping) and version is not None
            else (None if isinstance(last, Mapping) else last)
        )

    def _namespace_uri(self, uri: str) -> str | None:
        folder, found, path = uri.removeprefix("kestra:///").partition("/_files/")
        if not found:
            return None
        base, _, number = path.rpartition(".v")
        versions = self._revisions(folder.replace("/", "."), base if number.isdigit() else path)
        if not versions:
            return None
        content = versions[int(number) - 1] if number.isdigit() else versions[-1]
        return content if isinstance(content, str) else None

    def _host(self, uri: str) -> str | None:
        if not self._enabled:
            raise StorageError("The file:// protocol has been disabled inside the Kestra configuration.")
        path = unquote(urlsplit(uri).path)
        if not any(path.startswith(root.rstrip("/") + "/") for root in self._allowed):
            raise StorageError(
                f"The path {path} is not authorized. Path must be allowed either globally inside the Kestra"
                " configuration using the `kestra.local-files.allowed-paths` property"
            )
        return self._local.get(path)


class Exchange:
    """The HTTP double of a case: answers the requests that it lists, and says so when a request looks otherwise."""

    def __init__(self, rules: Sequence[Mapping[str, Any]]) -> None:
        self._rules = rules
        self.problems: list[str] = []

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, timeout: float | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        path = urlsplit(url).path
        for rule in self._rules:
            if rule.get("method", "GET") == method and rule.get("path", path) == path:
                self._check(rule, headers, (body or b"").decode("utf-8", "replace"))
                response = rule.get("response") or {}
                content = response.get("body")
                return (
                    int(response.get("status", 200)),
                    dict(response.get("headers") or {}),
                    b"" if content is None else str(content).encode("utf-8"),
                )
        self.problems.append(f"no rule for {method} {path}")
        return 404, {}, b""

    def _check(self, rule: Mapping[str, Any], headers: Mapping[str, str], body: str) -> None:
        unknown = set(rule) - {"method", "path", "response", "request_headers", "request_body_contains"}
        if unknown:
            self.problems.append(f"unknown keys of an HTTP rule: {sorted(unknown)}")
        sent = {name.lower(): value for name, value in headers.items()}
        for name, wanted in (rule.get("request_headers") or {}).items():
            value = sent.get(name.lower())
            values = (
                value.replace(", ", ",").split(",")
                if value is not None and isinstance(wanted, list)
                else value
            )
            if values != wanted:
                self.problems.append(f"request header {name}: expected {wanted!r}, got {value!r}")
        for part in rule.get("request_body_contains") or ():
            if part not in body:
                self.problems.append(f"the request body lacks {part!r}: {body!r}")


def build_scope(case: Mapping[str, Any], variables: Mapping[str, Any], **rest: Any) -> tuple[Scope, Exchange]:
    """The scope of a case."""
    from simulator.values import parse_duration

    config: Mapping[str, Any] = case.get("config") or {}
    secure = config.get("renderer") == "secure"
    flow = variables.get("flow")
    namespace = str(flow.get("namespace", "")) if isinstance(flow, Mapping) else ""
    exchange = Exchange(case.get("http") or ())
    # The suite of the secure renderer mocks the secret store with a message of its own.
    missing = "Secret not found: {}" if secure else "Cannot find secret for key '{}'."
    scope = Scope(
        variables=variables,
        secrets=Secrets(case.get("secrets") or {}, missing),
        kv=Kv(case.get("kv") or {}),
        files=Files(case, namespace, config),
        logs=Logs(case.get("logs") or ()),
        http=exchange,
        now=lambda: dt.datetime.now(dt.UTC),
        recursive=bool(config.get("kestra.variables.recursive-rendering", False)),
        masked_functions=frozenset(("secret",)) if secure else frozenset(),
        **rest,
    )
    if "regex-timeout" in config:
        import dataclasses

        seconds = parse_duration(str(config["regex-timeout"])).total_seconds()
        scope.limits = dataclasses.replace(scope.limits, regex_seconds=seconds)
    return scope, exchange
