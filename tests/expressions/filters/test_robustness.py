"""Whatever a filter or function is given, it answers or fails with an error of the tree, and never with a bug."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.dialect import DIALECTS
from simulator.errors import InternalError, SimulatorError
from simulator.expressions.filters import FILTERS
from simulator.expressions.functions import FUNCTIONS
from simulator.expressions.java.values import (
    Array,
    Character,
    Float,
    HashMap,
    Long,
    MapEntry,
    SafeString,
    Uri,
)
from simulator.expressions.registry import Table
from simulator.expressions.scope import Limits
from tests.expressions.filters.harness import render

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "",
            "1",
            "-5",
            "1e5",
            "iso",
            "yyyy-MM-dd",
            "Europe/Paris",
            "DAYS",
            "2024-02-29T12:00Z",
            "single",
            "(a+)+",
            "%5d",
            "#,##0.0",
            "INT",
            ".a",
            '{"a":1}',
            "a: [1",
            "kestra:///a/b",
            "../x",
            "\ud800",
        ]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-100, 100),
    st.integers(-100, 100).map(Long),
    st.integers(),
    st.floats(),
    st.floats(width=32).map(Float),
    st.decimals(allow_nan=False, allow_infinity=False),
    TEXTS,
    TEXTS.map(Uri),
    st.characters().map(Character),
    st.binary(max_size=4),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(dt.UTC)),
    st.timedeltas(),
    st.just(Decimal("1E+40")),
    st.just(SafeString("x")),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(Array),
        st.dictionaries(TEXTS, inner, max_size=3),
        st.dictionaries(TEXTS, inner, max_size=3).map(HashMap),
        st.tuples(TEXTS, inner).map(lambda pair: MapEntry(*pair)),
    ),
    max_leaves=6,
)
LIMITS = Limits(output_chars=100_000, loop_steps=10_000, regex_seconds=0.2)
CALM = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _newest(tables: Table, name: str) -> tuple[str, int]:
    """The newest dialect that has it, and how many arguments it takes."""
    definition = tables[name][-1]
    dialect = "2" if definition.in_dialect(DIALECTS["2"]) else "1"
    return dialect, 2 if definition.params is None else len(definition.params)


def _survives(template: str, dialect: str, values: list[Any]) -> None:
    variables = {f"v{number}": value for number, value in enumerate(values)}
    # What functions look up by themselves may be of any kind, too.
    for name in ("flow", "execution", "trigger", "tasks", "parents", "taskrun", "envs"):
        variables[name] = values[-1] if values else None
    try:
        render(template, dialect, variables=variables, limits=LIMITS)
    except InternalError:
        raise
    except SimulatorError:
        pass


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_filters(name: str) -> None:
    dialect, arity = _newest(FILTERS, name)

    @CALM
    @given(st.lists(VALUES, min_size=1, max_size=arity + 1))
    def check(values: list[Any]) -> None:
        arguments = ", ".join(f"v{number}" for number in range(1, len(values)))
        _survives(f"{{{{ v0 | {name}({arguments}) }}}}", dialect, values)

    check()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions(name: str) -> None:
    dialect, arity = _newest(FUNCTIONS, name)

    @CALM
    @given(st.lists(VALUES, max_size=arity))
    def check(values: list[Any]) -> None:
        arguments = ", ".join(f"v{number}" for number in range(len(values)))
        _survives(f"{{{{ {name}({arguments}) }}}}", dialect, values)

    check()
