"""The families' tables: every type loads, and what cannot run here says so."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.dialect import V2
from simulator.errors import UnsupportedError
from simulator.plugins import aws, jdbc
from simulator.plugins.aws import services
from simulator.plugins.jdbc import vendors
from simulator.plugins.registry import Registry


@pytest.mark.parametrize(("family", "described"), [(jdbc, vendors), (aws, services)], ids=["jdbc", "aws"])
def test_every_type_loads_under_its_name(family: Any, described: Any) -> None:
    registry = Registry()
    for name in family.TYPES:
        spec = registry.spec(name, V2)
        assert spec is not None and spec.type == name
        assert spec.supported is (name not in described.TYPES)
    assert set(described.TYPES.items()) <= set(family.TYPES.items())


@pytest.mark.parametrize("name", ["io.kestra.plugin.jdbc.mysql.Query", "io.kestra.plugin.aws.lambda.Invoke"])
def test_described_types_refuse_to_run(name: str) -> None:
    cls = Registry().load(name)

    class Context:
        class task:
            id = "my_task"

    with pytest.raises(UnsupportedError, match="cannot run on this machine") as caught:
        cls().run(Context())
    assert "`my_task` a mock" in str(caught.value.hint)
