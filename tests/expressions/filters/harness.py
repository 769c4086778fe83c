"""Renders one template in one dialect; shared by the tests of filters and functions."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from simulator.dialect import DIALECTS
from simulator.errors import ExpressionError
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Scope

RENDERERS = {name: Renderer(DIALECTS[name]) for name in ("1", "2")}
BOTH = ("1", "2")
VARIABLES: dict[str, Any] = {
    "i": 5,
    "l": [3, 1, 2],
    "m": {"b": 1, "a": None, "c": {"x": [1, None]}},
    "n": None,
    "day": dt.date(2024, 2, 29),
    "local": dt.datetime(2024, 3, 31, 1, 30),
    "zoned": dt.datetime(2013, 9, 8, 16, 19, 12, 123456, dt.timezone(dt.timedelta(hours=1))),
    "wait": dt.timedelta(seconds=65),
    "words": ["b", "B", "a"],
    "nested": [[1, 2], [3, [4]]],
    "text": "Hello wörld",
}


def render(
    template: str, dialect: str = "2", *, variables: dict[str, Any] | None = None, **scope: Any
) -> str | None:
    found = Scope(dialect=DIALECTS[dialect], variables=VARIABLES if variables is None else variables, **scope)
    return RENDERERS[dialect].render(template, found)


def fails(template: str, dialect: str = "2", **rest: Any) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        render(template, dialect, **rest)
    return caught.value
