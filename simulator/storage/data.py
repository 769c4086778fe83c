"""Kestra's `Data`: structured input of tasks as a URI of a file of rows, JSON text, a map or a list (storage.md 1.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, BinaryIO

from simulator.errors import StorageError
from simulator.storage.ion import iter_rows
from simulator.storage.javalike import java_class

__all__ = ["is_uri", "iter_data"]

_SUPPORTED = ("kestra", "file", "nsfile")


def is_uri(value: Any) -> bool:
    """Text that Kestra takes for the address of a file."""
    return isinstance(value, str) and value.strip().startswith(tuple(f"{scheme}://" for scheme in _SUPPORTED))


def iter_data(value: Any, open_uri: Callable[[str], BinaryIO]) -> Iterator[Any]:
    """The items of a rendered `Data` property, streamed when they come from a file.

    Raises StorageError with Kestra's text for anything that is no data.
    """
    if isinstance(value, str):
        text = value.strip()
        if is_uri(text):
            yield from _rows(open_uri(text))
            return
        yield from _items(_parse(text))
        return
    if not isinstance(value, (Mapping, list, tuple)):
        raise StorageError(f"Cannot handle structured data of type: {java_class(value)}")
    yield from _items(value)


def _rows(stream: BinaryIO) -> Iterator[Any]:
    with closing(stream):
        yield from iter_rows(stream)


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        yield from value
    else:
        yield value


def _parse(text: str) -> Any:
    import orjson

    try:
        value = orjson.loads(text)
    except ValueError as error:
        scheme, mark, _ = text.partition("://")
        if mark and scheme.isalnum():
            raise StorageError(
                f"Scheme not supported: {scheme}. Supported schemes are: [{', '.join(_SUPPORTED)}]"
            ) from None
        raise StorageError(f"Cannot parse structured data as JSON: {error}") from None
    if not isinstance(value, (dict, list)):
        raise StorageError(f"Cannot handle structured data of type: {java_class(value)}")
    return value
