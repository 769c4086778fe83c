"""The `options` of the http tasks, with the deprecated keys of 1.x, as one value (core-tasks.md 9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.engine.task import RunContext
from simulator.errors import TaskError
from simulator.values import parse_duration

__all__ = ["Auth", "HttpOptions", "Proxy", "read_options"]

#: Apache's default, and Kestra's
CONNECT_TIMEOUT = 180.0
READ_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class Auth:
    """`type` is BASIC, BEARER or DIGEST."""

    type: str
    username: str | None = None
    password: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Proxy:
    """`type` is HTTP or SOCKS."""

    type: str
    address: str
    port: int
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Timeouts are seconds; None waits for ever."""

    connect_timeout: float = CONNECT_TIMEOUT
    read_timeout: float = READ_TIMEOUT
    follow_redirects: bool = True
    allow_failed: bool = False
    allowed_codes: tuple[int, ...] = ()
    charset: str = "utf-8"
    verify: bool = True
    auth: Auth | None = None
    proxy: Proxy | None = None
    logs: tuple[str, ...] = ()


def _flag(value: Any, default: bool) -> bool:
    if value is None or value == "":
        return default
    text = str(value).strip().lower()
    if text not in ("true", "false"):
        raise TaskError(f"Cannot convert '{value}' to a boolean")
    return text == "true"


def _seconds(value: Any, default: float) -> float:
    if value is None or value == "":
        return default
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    try:
        return parse_duration(str(value)).total_seconds()
    except ValueError as error:
        raise TaskError(f"{error}: '{value}'") from None


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise TaskError(f"{name}: not a number: '{value}'") from None


def read_options(ctx: RunContext) -> HttpOptions:
    """The rendered options of the task. Raises TaskError for values of the wrong type."""
    given = _map(ctx.get("options"))
    timeout = _map(given.get("timeout"))
    old = ctx.dialect.major < 2
    connect = timeout.get("connectTimeout") or (given.get("connectTimeout") if old else None)
    read = timeout.get("readIdleTimeout")
    if read is None and old:
        read = given.get("readIdleTimeout") or given.get("readTimeout")
    allow = given.get("allowFailed")
    ssl = given.get("ssl")
    if old:
        allow = ctx.raw("allowFailed") if allow is None and ctx.raw("allowFailed") is not None else allow
        ssl = ctx.raw("sslOptions") if ssl is None else ssl
        allow = ctx.render(allow) if isinstance(allow, str) else allow
    codes = given.get("allowedResponseCodes") or []
    if not isinstance(codes, (list, tuple)):
        raise TaskError(f"allowedResponseCodes: not a list: '{codes}'")
    return HttpOptions(
        connect_timeout=_seconds(connect, CONNECT_TIMEOUT),
        read_timeout=_seconds(read, READ_TIMEOUT),
        follow_redirects=_flag(given.get("followRedirects"), True),
        allow_failed=_flag(allow, False),
        allowed_codes=tuple(_number(code, "allowedResponseCodes") for code in codes),
        charset=str(given.get("defaultCharset") or "utf-8"),
        # Any value, even `false`, turns the checks off: Kestra never renders it.
        verify=_map(ssl).get("insecureTrustAllCertificates") is None,
        auth=_auth(given, old, ctx.dialect.major),
        proxy=_proxy(given, old),
        logs=tuple(str(item) for item in given.get("logs") or ()),
    )


def _auth(given: Mapping[str, Any], old: bool, major: int) -> Auth | None:
    auth = _map(given.get("auth"))
    if auth:
        kind = str(auth.get("type", "")).upper()
        if kind not in ("BASIC", "BEARER", "DIGEST") or (kind == "DIGEST" and major < 2):
            raise TaskError(
                f"Could not resolve type id '{auth.get('type')}' as a subtype of an HTTP authentication"
            )
        text = {
            name: None if auth.get(name) is None else str(auth[name])
            for name in ("username", "password", "token")
        }
        return Auth(kind, text["username"], text["password"], text["token"])
    if old and given.get("basicAuthUser") is not None:
        return Auth("BASIC", str(given["basicAuthUser"]), str(given.get("basicAuthPassword") or ""))
    return None


def _proxy(given: Mapping[str, Any], old: bool) -> Proxy | None:
    proxy = _map(given.get("proxy"))
    if not proxy and old:
        names = ("type", "address", "port", "username", "password")
        proxy = {name: given.get(f"proxy{name.capitalize()}") for name in names}
    kind = str(proxy.get("type") or ("HTTP" if proxy.get("address") else "DIRECT")).upper()
    if kind == "DIRECT" or not proxy.get("address"):
        return None
    user, password = proxy.get("username"), proxy.get("password")
    return Proxy(
        kind,
        str(proxy["address"]),
        _number(proxy.get("port"), "port"),
        None if user is None else str(user),
        None if password is None else str(password),
    )
