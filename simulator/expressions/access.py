"""`a.b` at a place in a template: the value, or Kestra's error with the names that would have been there.

Source: expressions.md 5. What can be reached at all is listed in `attributes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.expressions.attributes import NOT_FOUND, IndexOutOfBoundsError, get_attribute
from simulator.expressions.errors import AttributeNotFoundError
from simulator.expressions.java.errors import JavaError
from simulator.expressions.java.values import class_name
from simulator.expressions.runtime import State
from simulator.expressions.text import java_text

__all__ = ["no_attribute", "read_attribute"]


def read_attribute(
    state: State, value: Any, key: Any, arguments: list[Any] | None, root: str | None, offset: int
) -> Any:
    if value is None:
        raise no_attribute(state, value, java_text(key), root, offset)
    try:
        found = get_attribute(value, key, arguments)
    except IndexOutOfBoundsError:
        raise state.missing(
            "Index out of bounds while accessing array with strict variables on.",
            java_text(key),
            offset,
            root=False,
            candidates=None,
        ) from None
    except JavaError as error:
        raise state.raised(error, offset) from None
    if found is NOT_FOUND:
        raise no_attribute(state, value, java_text(key), root, offset)
    return found


def no_attribute(state: State, value: Any, key: str, root: str | None, offset: int) -> AttributeNotFoundError:
    if value is None:
        if root is not None:
            return state.missing(
                f"Root attribute [{root}] does not exist or can not be accessed and strict variables is set to"
                " true.",
                root,
                offset,
                root=True,
                candidates=None,
            )
        return state.missing(
            "Attempt to get attribute of null object and strict variables is set to true.",
            key,
            offset,
            root=True,
            candidates=None,
        )
    return state.missing(
        f"Attribute [{key}] of [{class_name(value)}] does not exist or can not be accessed and strict variables is"
        " set to true.",
        key,
        offset,
        root=False,
        candidates=value if isinstance(value, Mapping) else None,
    )
