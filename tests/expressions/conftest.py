"""Short ways to render, in both dialects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.dialect import V1, V2, Dialect
from simulator.expressions.errors import EvaluationError
from simulator.expressions.renderer import Renderer
from simulator.expressions.scope import Scope

RENDERERS = {V1: Renderer(V1), V2: Renderer(V2)}


@pytest.fixture(params=[V1, V2], ids=["1", "2"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def render(dialect: Dialect) -> Callable[..., str | None]:
    """render(template, **variables) in the dialect of the test."""

    def call(template: str, **variables: Any) -> str | None:
        return RENDERERS[dialect].render(template, Scope(dialect=dialect, variables=variables))

    return call


@pytest.fixture
def render1() -> Callable[..., str | None]:
    return lambda template, **variables: RENDERERS[V1].render(template, Scope(variables=variables))


@pytest.fixture
def render2() -> Callable[..., str | None]:
    return lambda template, **variables: RENDERERS[V2].render(template, Scope(variables=variables))


@pytest.fixture
def fails(render: Callable[..., str | None]) -> Callable[..., EvaluationError]:
    """The error of a template that must fail."""

    def call(template: str, **variables: Any) -> EvaluationError:
        with pytest.raises(EvaluationError) as caught:
            render(template, **variables)
        return caught.value

    return call
