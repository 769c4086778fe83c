"""What `check` refuses although every key is known: rules of a type's own validator (postgresql.md 4, scripts.md)."""

from __future__ import annotations

import pytest

from simulator.diagnostics import Collector, Severity
from simulator.model.build import build_flow
from simulator.plugins.registry import Registry
from tests.spec.walk import BOTH, DIALECTS, full

TASK = "tasks: [{id: a, type: @log.Log, message: x}]"
NEVER = "fetchType NONE is not valid for triggers \u2014 the trigger would never fire. Use FETCH, FETCH_ONE, or STORE."


def errors(name: str, text: str) -> list[str]:
    collector = Collector()
    build_flow(full(text), "flow.yml", DIALECTS[name], Registry(entry_points=False), collector=collector)
    return [item.message for item in collector.sorted() if item.severity is Severity.ERROR]


@BOTH
@pytest.mark.parametrize("language", ["shell", "python", "node", "r", "powershell"])
def test_a_list_of_commands_is_not_empty(name: str, language: str) -> None:
    kind = f"io.kestra.plugin.scripts.{language}.Commands"
    (message,) = errors(name, f"tasks: [{{id: a, type: {kind}, commands: []}}]")
    assert message.endswith("a.commands: must not be empty")
    assert errors(name, f"tasks: [{{id: a, type: {kind}, commands: [x]}}]") == []


@BOTH
@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ("fetchType: NONE", True),
        ("fetchType: NONE, fetch: true", False),
        ("fetchType: NONE, store: false", True),
        ("fetchType: STORE", False),
        ("interval: PT1M", False),
    ],
)
def test_a_trigger_fetches_something(name: str, more: str, refused: bool) -> None:
    kind = "io.kestra.plugin.jdbc.postgresql.Trigger"
    text = f"{TASK}\ntriggers: [{{id: t, type: {kind}, url: 'jdbc:x', sql: select 1, {more}}}]"
    found = [message for message in errors(name, text) if "fetchType" in message]
    assert len(found) == refused
    assert all(NEVER in message for message in found)
