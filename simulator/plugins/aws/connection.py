"""A client of S3, or of another AWS service, as a task asks for it: keys, region, endpoint (s3.md 1).

botocore is used without boto3's layer: what boto3 adds (resources, transfers) is not needed and costs its import. One
botocore session serves all tasks, since most of a client's price is reading the service's model.
"""

from __future__ import annotations

import ipaddress
import os
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from simulator.engine.task import Endpoint, RunContext
from simulator.errors import TaskError

__all__ = ["aws_client", "prewarm", "s3_client"]

DEFAULT_REGION = "us-east-1"
#: Keys for a double when the flow names none: in production the worker's own role would answer.
_ROLE = ("AKIASIMULATEDROLE000", "simulated-role-of-the-worker")

_lock = threading.Lock()
_session: Any = None


def _shared_session() -> Any:
    global _session
    if _session is None:
        import botocore.session

        from simulator.plugins.aws.models import FastLoader

        _session = botocore.session.Session()
        _session.register_component("data_loader", FastLoader())
    return _session


def prewarm() -> None:
    """Imports botocore and reads S3's model, so that the first client costs milliseconds. For a thread."""
    with _lock:
        _create(
            {
                "endpoint_url": "http://127.0.0.1:9",
                "region_name": DEFAULT_REGION,
                "aws_access_key_id": "none",
                "aws_secret_access_key": "none",
            },
            double=True,
            path_style=True,
        )


def _create(arguments: dict[str, Any], *, double: bool, path_style: bool = False, service: str = "s3") -> Any:
    from botocore.config import Config

    options: dict[str, Any] = {
        "s3": {"addressing_style": "path" if path_style else "auto", "payload_signing_enabled": False},
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "retries": {"mode": "standard", "total_max_attempts": 3},
        "max_pool_connections": 16,
        "tcp_keepalive": True,
    }
    if double:
        # No proxy of the environment stands between us and a server of this machine.
        options["proxies"] = {}
        options["connect_timeout"] = 5
    else:
        # Over the wire every byte of a body is signed, as the SDK does.
        options["s3"].pop("payload_signing_enabled")
    client = _shared_session().create_client(service, config=Config(**options), **arguments)
    if service == "s3":
        # botocore would go to the bucket's own region in silence; the Java SDK fails.
        client.meta.events.register("before-call.s3", _no_redirect)
    return client


def _no_redirect(params: dict[str, Any], **_: Any) -> None:
    params.setdefault("context", {}).setdefault("s3_redirect", {})["redirected"] = True


def aws_client(ctx: RunContext, service: str, **wanted: Any) -> Any:
    """A client of another service than S3 (`sqs`, `sns`, `dynamodb`, `kinesis`, `events`).

    `wanted`: what an undeclared double may make: `queue`, `topic`, `stream`, `bus`. Raises TaskError, and what the
    endpoint policy raises.
    """
    region = _text(ctx, "region")
    url = _text(ctx, "endpointOverride") or f"https://{service}.{region or DEFAULT_REGION}.amazonaws.com"
    _check_link_local(url)
    endpoint, arguments = _reach(ctx, "aws", url, wanted)
    if endpoint.double is None and _text(ctx, "endpointOverride"):
        arguments["endpoint_url"] = url
    with _lock:
        return _create(arguments, double=endpoint.double is not None, service=service)


def _reach(
    ctx: RunContext, kind: str, url: str, wanted: Mapping[str, Any]
) -> tuple[Endpoint, dict[str, Any]]:
    """Where a service is, and the arguments of its client: region and credentials (s3.md 1)."""
    access, secret = _text(ctx, "accessKeyId"), _text(ctx, "secretKeyId")
    token = _text(ctx, "sessionToken")
    region = _text(ctx, "region")
    static = bool(access and secret)
    endpoint = ctx.endpoints.resolve(
        kind,
        url,
        access_key=access if static else None,
        secret_key=secret if static else None,
        session_token=token if static else None,
        region=region or DEFAULT_REGION,
        **wanted,
    )
    arguments: dict[str, Any] = {"region_name": region or DEFAULT_REGION}
    if static:
        arguments |= {"aws_access_key_id": access, "aws_secret_access_key": secret}
        if token:
            arguments["aws_session_token"] = token
    if endpoint.double is not None:
        if not static:
            role = endpoint.facts.get("role") or _ROLE
            arguments |= {"aws_access_key_id": role[0], "aws_secret_access_key": role[1]}
        arguments["endpoint_url"] = endpoint.url
        return endpoint, arguments
    _require_region(region)
    if region is None:
        # Java's chain looks at both, botocore at the second only.
        arguments["region_name"] = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if _text(ctx, "stsRoleArn"):
        arguments |= _assume_role(ctx, arguments)
    return endpoint, arguments


def s3_client(ctx: RunContext, *, bucket: str | None = None, asynchronous: bool = False) -> Any:
    """A client for the endpoint that really answers. `bucket`: what an undeclared double may make.

    `asynchronous`: the tasks that Kestra runs on the async client refuse `forcePathStyle` alone.
    Raises TaskError, and what the endpoint policy raises.
    """
    region = _text(ctx, "region")
    override = _text(ctx, "endpointOverride")
    path_style = bool(ctx.get("forcePathStyle"))
    if asynchronous and path_style and not ctx.get("compatibilityMode"):
        raise TaskError("'forcePathStyle' must be used in conjunction with 'compatibilityMode'")
    if override:
        _check_link_local(override)
    url = override or f"https://s3.{region or DEFAULT_REGION}.amazonaws.com"
    endpoint, arguments = _reach(ctx, "s3", url, {"bucket": bucket})
    if endpoint.double is not None:
        path_style = True
    elif override:
        arguments["endpoint_url"] = override
    with _lock:
        return _create(arguments, double=endpoint.double is not None, path_style=path_style)


def _text(ctx: RunContext, name: str) -> str | None:
    value = ctx.get(name)
    return str(value) if value not in (None, "") else None


def _require_region(region: str | None) -> None:
    if not region and not (os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")):
        raise TaskError(
            "Unable to load region from any of the providers in the chain"
            " software.amazon.awssdk.regions.providers.DefaultAwsRegionProviderChain"
        )


def _check_link_local(url: str) -> None:
    host = urlsplit(url).hostname or ""
    try:
        local = ipaddress.ip_address(host).is_link_local
    except ValueError:
        local = False
    if local:
        raise TaskError(
            f"Endpoint override '{url}' resolves to a link-local address (169.254.0.0/16), which is not allowed"
        )


def _assume_role(ctx: RunContext, static: dict[str, Any]) -> dict[str, Any]:
    """Session credentials of a role, from the real STS (live runs only: a double has no roles)."""
    from simulator.plugins.aws.errors import sdk_errors

    endpoint: Endpoint = ctx.endpoints.resolve(
        "sts", _text(ctx, "stsEndpointOverride") or f"https://sts.{static['region_name']}.amazonaws.com"
    )
    arguments = {key: value for key, value in static.items() if key != "endpoint_url"}
    duration = ctx.get("stsRoleSessionDuration")
    request: dict[str, Any] = {
        "RoleArn": _text(ctx, "stsRoleArn"),
        "RoleSessionName": _text(ctx, "stsRoleSessionName")
        or f"kestra-plugin-s3-{int(ctx.clock.now().timestamp() * 1000)}",
        "DurationSeconds": int(duration.total_seconds()) if duration else 900,
    }
    if _text(ctx, "stsRoleExternalId"):
        request["ExternalId"] = _text(ctx, "stsRoleExternalId")
    with sdk_errors():
        with _lock:
            client = _shared_session().create_client(
                "sts", endpoint_url=endpoint.url if endpoint.url.startswith("http") else None, **arguments
            )
        found = client.assume_role(**request)["Credentials"]
    return {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }
