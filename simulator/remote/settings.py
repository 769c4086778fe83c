"""How to reach a server: the URL from the command line, who asks from the environment, TLS and tenant from flags."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from simulator.errors import UsageError
from simulator.remote.client import KestraClient

__all__ = ["add_remote_options", "client_of"]


def add_remote_options(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    group = parser.add_argument_group("a Kestra server")
    group.add_argument(
        "--on",
        metavar="URL",
        required=required,
        help="a server (KESTRA_USERNAME, KESTRA_PASSWORD or KESTRA_API_TOKEN)",
    )
    group.add_argument("--tenant", default="main", metavar="NAME", help="default: main")
    group.add_argument("--no-deploy", action="store_true", help="the flow is there already")
    group.add_argument("--insecure", action="store_true", help="do not verify the server's certificate")
    group.add_argument("--ca-file", type=Path, metavar="FILE", help="certificates to trust")
    group.add_argument("--timeout", type=float, metavar="SECONDS", help="how long to wait for the end")


def client_of(args: argparse.Namespace, environ: Mapping[str, str]) -> KestraClient:
    """A client for `--on`. Raises UsageError."""
    url = args.on or environ.get("KESTRA_URL")
    if not url:
        raise UsageError("which server?", hint="--on http://127.0.0.1:8080, or KESTRA_URL in the environment")
    return KestraClient(
        url,
        tenant=args.tenant,
        username=environ.get("KESTRA_USERNAME"),
        password=environ.get("KESTRA_PASSWORD"),
        token=environ.get("KESTRA_API_TOKEN"),
        verify=not args.insecure,
        ca_file=str(args.ca_file) if args.ca_file else None,
        environ=environ,
    )
