"""From the properties of an http task to a request: parameters, headers, and the body by Kestra's rules (core-tasks.md 9)."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, quote_plus, urlencode

from simulator.engine.task import RunContext
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T
from simulator.plugins.core.http.client import HttpRequest
from simulator.plugins.core.http.options import HttpOptions
from simulator.plugins.core.specs import prop
from simulator.storage.javalike import java_class

__all__ = ["COMMON", "HEADERS_OUT", "build_request"]

_LOGS = ("REQUEST_HEADERS", "REQUEST_BODY", "RESPONSE_HEADERS", "RESPONSE_BODY")

#: properties of Request, Download, SseRequest and Trigger
COMMON: tuple[PropertySpec, ...] = (
    prop("uri", required=True),
    prop("method", default="GET"),
    prop("body"),
    prop("formData", T.MAP),
    prop("contentType", default="application/json"),
    prop("params", T.MAP, since=2),
    prop("headers", T.MAP),
    PropertySpec(
        "options",
        T.OBJECT,
        as_property=False,
        fields=(
            PropertySpec(
                "timeout",
                T.OBJECT,
                fields=(
                    PropertySpec("connectTimeout", T.DURATION),
                    PropertySpec("readIdleTimeout", T.DURATION),
                ),
            ),
            PropertySpec("proxy", T.OBJECT),
            PropertySpec("auth", T.OBJECT),
            PropertySpec("ssl", T.OBJECT),
            PropertySpec("followRedirects", T.BOOLEAN, default=True),
            PropertySpec("allowFailed", T.BOOLEAN, default=False),
            PropertySpec("allowedResponseCodes", T.LIST, item=PropertySpec("code", T.INTEGER)),
            PropertySpec("defaultCharset", default="UTF-8"),
            PropertySpec("logs", T.LIST, item=PropertySpec("log", T.ENUM, values=_LOGS)),
            *(
                PropertySpec(name, until=1, deprecated=f"use {instead}")
                for name, instead in {
                    "connectTimeout": "timeout.connectTimeout",
                    "readTimeout": "timeout.readIdleTimeout",
                    "readIdleTimeout": "timeout.readIdleTimeout",
                    "proxyType": "proxy.type",
                    "proxyAddress": "proxy.address",
                    "proxyPort": "proxy.port",
                    "proxyUsername": "proxy.username",
                    "proxyPassword": "proxy.password",
                    "basicAuthUser": "auth",
                    "basicAuthPassword": "auth",
                    "logLevel": "logs",
                    "connectionPoolIdleTimeout": "nothing: it has no effect",
                    "maxContentLength": "nothing: it has no effect",
                }.items()
            ),
        ),
    ),
    prop("allowFailed", T.BOOLEAN, until=1, deprecated="use options.allowFailed"),
    PropertySpec("sslOptions", T.OBJECT, as_property=False, until=1, deprecated="use options.ssl"),
)

HEADERS_OUT = OutputSpec("headers", T.MAP, item=OutputSpec("values", T.LIST))


def build_request(ctx: RunContext, options: HttpOptions) -> HttpRequest:
    """The rendered request. Raises TaskError for properties of the wrong type."""
    url = ctx.get("uri")
    if not url:
        raise TaskError("uri: must not be null")
    content_type = ctx.get("contentType", "application/json")
    form, text = ctx.get("formData"), ctx.get("body")
    body: bytes | Path | None = None
    sent_type = content_type
    if form:
        if content_type.lower().startswith("multipart/form-data"):
            boundary = secrets.token_hex(16)
            body = _multipart(ctx, form, boundary)
            sent_type = f"multipart/form-data; boundary={boundary}"
        else:
            pairs = [(str(name), _form_text(value)) for name, value in form.items()]
            body = urlencode(pairs, quote_via=quote_plus).encode()
            sent_type = "application/x-www-form-urlencoded; charset=UTF-8"
    elif text is not None:
        charset = options.charset
        try:
            body = text.encode(charset, "replace")
        except LookupError:
            raise TaskError(f"Unsupported charset: {charset}") from None
        if "charset=" not in content_type.lower():
            sent_type = f"{content_type}; charset={charset.upper()}"
    return HttpRequest(
        str(ctx.get("method", "GET")), _with_params(ctx, str(url)), _headers(ctx, body, sent_type), body
    )


def _headers(ctx: RunContext, body: Any, content_type: str) -> list[tuple[str, str]]:
    """Headers given by the flow replace all others; a body still names its type when they do not."""
    given = ctx.get("headers")
    if not given:
        return [("Content-Type", content_type)]
    headers = [(str(name), _header_text(value)) for name, value in given.items() if value is not None]
    if body is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", content_type))
    return headers


def _header_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _form_text(value: Any) -> str:
    import orjson

    if isinstance(value, str):
        return value
    if isinstance(value, (Mapping, list, bool)) or value is None:
        return orjson.dumps(value).decode()
    return str(value)


def _with_params(ctx: RunContext, url: str) -> str:
    """2.0: `params` are appended to the query; a list gives the name several times."""
    params = ctx.get("params") if ctx.dialect.major >= 2 else None
    if not params:
        return url
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        values = value if isinstance(value, list) else [value]
        for item in values:
            if isinstance(item, (Mapping, list)) or item is None:
                raise TaskError(f"Unsupported param type: {java_class(item)}")
            pairs.append((str(name), _form_text(item)))
    head, mark, fragment = url.partition("#")
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    return head + ("&" if "?" in head else "?") + query + mark + fragment


# -- multipart ------------------------------------------------------------------------------------------------------


def _multipart(ctx: RunContext, form: Mapping[str, Any], boundary: str) -> Path:
    """The parts, written to a file so that large uploads are streamed."""
    path = ctx.temp_file(".multipart")
    with path.open("wb") as target:
        for name, value in form.items():
            target.write(f"--{boundary}\r\n".encode())
            _part(ctx, target, str(name), value)
            target.write(b"\r\n")
        target.write(f"--{boundary}--\r\n".encode())
    return path


def _part(ctx: RunContext, target: BinaryIO, name: str, value: Any) -> None:
    """Text `kestra://...` and `{name, content: uri}` are files; other text is text; anything else is JSON text."""
    if isinstance(value, str) and value.startswith("kestra://"):
        _file_part(ctx, target, name, value.rsplit("/", 1)[1], value)
    elif isinstance(value, Mapping) and "name" in value and "content" in value:
        _file_part(ctx, target, name, str(value["name"]), str(value["content"]))
    else:
        target.write(f'Content-Disposition: form-data; name="{_quoted(name)}"\r\n'.encode())
        target.write(b"Content-Type: text/plain; charset=UTF-8\r\n\r\n")
        target.write(_form_text(value).encode("utf-8", "replace"))


def _file_part(ctx: RunContext, target: BinaryIO, name: str, filename: str, uri: str) -> None:
    head = f'Content-Disposition: form-data; name="{_quoted(name)}"; filename="{_quoted(filename)}"\r\n'
    target.write(head.encode("utf-8", "replace"))
    target.write(b"Content-Type: application/octet-stream\r\n\r\n")
    with ctx.open_uri(uri) as source:
        shutil.copyfileobj(source, target, 1 << 20)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
