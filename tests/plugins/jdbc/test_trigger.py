"""The polling trigger."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import TaskError
from simulator.plugins.jdbc.trigger import Trigger


def test_fires_on_rows(make: Any, admin: Any) -> None:
    admin.execute("create table inbox (id int)")
    sql = "select * from inbox"
    ctx = make(Trigger, {"sql": sql, "afterSQL": "delete from inbox"})
    assert Trigger().evaluate(ctx) is None
    admin.execute("insert into inbox values (1), (2)")
    found = Trigger().evaluate(ctx)
    assert found is not None
    assert found.variables == {"rows": [{"id": 1}, {"id": 2}], "size": 2}
    assert ctx.logger.messages("DEBUG")[-1] == f"Found '2' rows from '{sql}'"
    assert Trigger().evaluate(ctx) is None


def test_other_fetch_types(make: Any) -> None:
    one = Trigger().evaluate(make(Trigger, {"sql": "select 1 as a", "fetchType": "FETCH_ONE"}))
    assert one is not None and one.variables == {"row": {"a": 1}, "size": 1}
    stored = Trigger().evaluate(make(Trigger, {"sql": "select 1 as a", "store": True}))
    assert stored is not None and set(stored.variables) == {"uri", "size"}


def test_none_would_never_fire(make: Any) -> None:
    with pytest.raises(TaskError, match="fetchType NONE is not valid for triggers"):
        Trigger().evaluate(make(Trigger, {"sql": "select 1", "fetchType": "NONE"}))
