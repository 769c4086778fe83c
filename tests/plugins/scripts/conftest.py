"""A way to run script tasks with real processes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V2, Dialect
from simulator.engine.processes import Processes
from tests.plugins.fake_context import FakeContext


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., tuple[Any, FakeContext]]:
    """Runs a plugin class with properties; the outputs and the context."""

    def run(plugin: Any, dialect: Dialect = V2, **properties: Any) -> tuple[Any, FakeContext]:
        variables = properties.pop("variables", None)
        ctx = FakeContext(tmp_path, properties, spec=plugin.spec, dialect=dialect, variables=variables)
        ctx.processes = Processes()
        return plugin().run(ctx).outputs, ctx

    return run
