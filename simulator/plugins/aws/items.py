"""Messages, records and events as a property gives them: a map, a list, JSON text, or a stored file of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from simulator.engine.task import RunContext
from simulator.errors import TaskError
from simulator.storage.fileserde import read_rows

__all__ = ["as_json", "read_items"]


def read_items(ctx: RunContext, name: str) -> Iterator[Mapping[str, Any]]:
    """The items of the property `name`, rendered, one at a time.

    A stored file is streamed (Ion of either form, or JSON lines); `null` items are left out. Raises TaskError for what is
    no map, list or internal storage URI.
    """
    yield from _items(ctx, name, ctx.render(ctx.raw(name)))


def _items(ctx: RunContext, name: str, value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in ("{", "["):
            try:
                value = json.loads(text)
            except ValueError as error:
                raise TaskError(f"Invalid {name} parameter, no valid JSON: {error}") from None
        elif text.startswith(("kestra://", "nsfile://", "file://")):
            with ctx.open_uri(text) as source:
                for row in read_rows(source):
                    yield _item(name, row)
            return
        else:
            raise TaskError(f"Invalid {name} parameter, must be a Kestra internal storage URI")
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, (list, tuple)):
        for row in value:
            if row is not None:
                yield _item(name, row)
    elif value is not None:
        raise TaskError(f"Cannot handle structured data of type: {type(value).__name__}")


def _item(name: str, row: Any) -> Mapping[str, Any]:
    if not isinstance(row, Mapping):
        raise TaskError(f"Invalid {name} parameter: each item must be a map, not {type(row).__name__}")
    return row


def as_json(value: Any) -> str:
    """Text as it is, anything else as JSON (dates as ISO text)."""
    from simulator.storage.ion.java import iso_datetime

    if isinstance(value, str):
        return value

    def plain(item: Any) -> Any:
        return iso_datetime(item) if hasattr(item, "tzinfo") and hasattr(item, "date") else str(item)

    return json.dumps(value, default=plain, separators=(",", ":"), ensure_ascii=False)
