"""http(). Source: expressions.md 14. The call itself goes through `scope.http`, under the run's network policy."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from simulator.errors import NetworkRefusedError, SimulatorError
from simulator.expressions.filters.text import text_of
from simulator.expressions.java.casts import as_map, as_string, pebble
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.json_read import read_json
from simulator.expressions.java.text import to_json
from simulator.expressions.java.yaml_read import read_yaml
from simulator.expressions.java.yaml_write import to_yaml
from simulator.expressions.registry import Args, Call, Definition, Table, table
from simulator.values import parse_duration

__all__ = ["TABLE"]

_YAML = ("application/x-yaml", "application/yaml")


def _option(args: Args, name: str, default: str) -> str:
    value = args.get(name)
    return default if value is None else as_string(value)


def _map(args: Args, name: str) -> Mapping[Any, Any]:
    value = args.get(name)
    return {} if value is None else as_map(value)


def _url(uri: str, query: Mapping[Any, Any]) -> str:
    pairs = [
        (text_of(key), text_of(item))
        for key, value in query.items()
        for item in (value if isinstance(value, (list, tuple)) else [value])
    ]
    if not pairs:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{urllib.parse.urlencode(pairs, errors='replace')}"


def _body(call: Call, value: Any, content_type: str) -> bytes | None:
    if value is None:
        return None
    if content_type in _YAML:
        return to_yaml(value, call.scope.zone, indent_arrays=False).encode("utf-8", "replace")
    if content_type == "application/json":
        return to_json(value, call.scope.zone).encode("utf-8", "replace")
    if content_type == "application/x-www-form-urlencoded" and isinstance(value, Mapping):
        return urllib.parse.urlencode(
            [(text_of(key), text_of(item)) for key, item in value.items()], errors="replace"
        ).encode("utf-8", "replace")
    return value if isinstance(value, bytes) else text_of(value).encode("utf-8", "replace")


def _headers(args: Args, content_type: str, accept: str, options: Mapping[Any, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for key, value in _map(args, "headers").items():
        name = text_of(key)
        if name.lower() != "content-type" and value is not None:
            # Several values of a header are one value with commas (RFC 9110 5.3).
            many = value if isinstance(value, (list, tuple)) else [value]
            headers[name] = ", ".join(map(text_of, many))
    if args.get("body") is not None:
        headers["Content-Type"] = content_type
    headers.setdefault("Accept", accept)
    auth = options.get("auth")
    auth = auth if isinstance(auth, Mapping) else {}
    user = options.get("basicAuthUser", auth.get("username"))
    password = options.get("basicAuthPassword", auth.get("password"))
    if user is not None or password is not None:
        pair = f"{'' if user is None else text_of(user)}:{'' if password is None else text_of(password)}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode("utf-8", "replace")).decode()
    elif auth.get("token") is not None:
        headers["Authorization"] = f"Bearer {text_of(auth['token'])}"
    return headers


def _timeout(options: Mapping[Any, Any]) -> float | None:
    timeout = options.get("timeout")
    given = options.get("readTimeout")
    if isinstance(timeout, Mapping):
        given = timeout.get("readIdleTimeout", given)
    if given is None:
        return None
    try:
        return parse_duration(text_of(given)).total_seconds()
    except ValueError:
        raise pebble("Failed to execute HTTP request ") from None


def _http(call: Call, args: Args) -> Any:
    if args.get("uri") is None:
        raise pebble("The 'http' function expects an argument 'uri'.")
    url = _url(text_of(args["uri"]), _map(args, "query"))
    method = _option(args, "method", "GET").upper()
    content_type = _option(args, "contentType", "application/json")
    accept = _option(args, "accept", "application/json")
    options = _map(args, "options")
    headers = _headers(args, content_type, accept, options)
    service = call.scope.http
    if service is None:
        error = call.error("Failed to execute HTTP request ")
        error.hint = "Expressions have no network here."
        raise error
    try:
        status, answered, content = service.request(
            method,
            url,
            headers=headers,
            body=_body(call, args.get("body"), content_type),
            timeout=_timeout(options),
        )
    except NetworkRefusedError:
        raise
    except SimulatorError as error:
        failure = call.error("Failed to execute HTTP request ", cause_type="HttpClientException")
        failure.hint = error.message
        raise failure from error
    if not 200 <= status < 300:
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
        raise pebble(f"Failed to execute HTTP Request, server respond with status {status} : {reason}")
    return _answer(answered, content)


def _answer(headers: Mapping[str, str], content: bytes) -> Any:
    if not content:
        return None
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    text = content.decode("utf-8", "replace")
    try:
        return read_yaml(text) if kind in _YAML else read_json(text)
    except JavaError as error:
        raise pebble(f"Failed to execute HTTP request {error.message}") from error


TABLE: Table = table(
    Definition(
        "http", _http, ("uri", "method", "query", "body", "contentType", "headers", "options", "accept")
    ),
)
