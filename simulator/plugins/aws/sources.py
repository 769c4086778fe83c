"""The `from` of Upload: one file or several, given as text, list, map or JSON (s3.md 2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from simulator.engine.task import RunContext
from simulator.errors import TaskError

__all__ = ["resolve_sources"]

_SCHEMES = ("kestra://", "file://", "nsfile://")


def resolve_sources(ctx: RunContext, raw: Any) -> dict[str, str]:
    """Name -> URI of each file. Names from a list are the last path segments: equal ones collapse to one.

    Raises TaskError with Kestra's text when there is nothing to upload.
    """
    rendered = ctx.render(raw)
    found = _parse(rendered)
    sources = {name: str(ctx.render(uri)) for name, uri in found.items()}
    if not sources:
        raise TaskError("No files to upload: the 'from' property contains an empty collection or array")
    return sources


def _parse(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        text = value.strip()
        if text.startswith(_SCHEMES):
            return {_name(text): text}
        if text[:1] in ("{", "["):
            try:
                return _parse(json.loads(text))
            except ValueError:
                pass
        return {_name(text): text} if text else {}
    if isinstance(value, Mapping):
        return {str(name): str(uri) for name, uri in value.items()}
    if isinstance(value, (list, tuple)):
        return {_name(str(uri)): str(uri) for uri in value}
    if value is None:
        return {}
    raise TaskError(f"Cannot handle structured data of type: {type(value).__name__}")


def _name(uri: str) -> str:
    return uri.partition("?")[0].rstrip("/").rpartition("/")[2]
