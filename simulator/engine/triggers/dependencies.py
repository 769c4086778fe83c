"""Whether an execution is one that a Flow trigger depends on: 2.0 `dependsOn`, 1.x `preconditions` (core-tasks.md 10)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from simulator.dialect import Dialect
from simulator.engine.live import Live
from simulator.engine.scope import nested
from simulator.engine.state import is_falsy
from simulator.engine.triggers.conditions import labels_of
from simulator.errors import SimulatorError

__all__ = ["is_satisfied"]

#: Renders text in the context of the execution, with further variables.
Render = Callable[[Any, Mapping[str, Any]], Any]


def is_satisfied(item: Mapping[str, Any], live: Live, dialect: Dialect, render: Render) -> bool:
    """One dependency: an upstream flow, or (1.x `where`) a set of filters. Raises SimulatorError when its `when` cannot be
    evaluated."""
    value = live.value
    if "filters" in item:
        found = (_passes(one, live, render) for one in item.get("filters") or ())
        return any(found) if item.get("operand") == "OR" else all(found)
    if item.get("namespace") is not None and item["namespace"] != value.namespace:
        return False
    if item.get("flowId") is not None and item["flowId"] != value.flow_id:
        return False
    if item.get("states") and live.state.value not in item["states"]:
        return False
    own = dict(value.labels)
    if any(own.get(key) != text for key, text in labels_of(item.get("labels")).items()):
        return False
    return item.get("when") is None or not is_falsy(render(item["when"], _entry(live)), dialect)


def _entry(live: Live) -> dict[str, Any]:
    """What `when` of a dependency sees of the execution, beside `trigger` (migration.md 5.3)."""
    value = live.value
    return {
        "namespace": value.namespace,
        "flowId": value.flow_id,
        "state": live.state.value,
        "labels": nested(value.labels),
        "outputs": dict(value.outputs or {}),
        "hasRetryAttempt": any(len(run.attempts or ()) > 1 for run in live.runs.values()),
    }


def _passes(item: Mapping[str, Any], live: Live, render: Render) -> bool:
    """One filter of a 1.x precondition; an expression that cannot be evaluated does not pass."""
    value = live.value
    name = item.get("field")
    actual: Any = {"FLOW_ID": value.flow_id, "NAMESPACE": value.namespace, "STATE": live.state.value}.get(
        str(name)
    )
    if name == "EXPRESSION":
        try:
            actual = render(item.get("value"), {})
        except SimulatorError:
            return False
    return _compare(str(item.get("type")), actual, item)


def _compare(kind: str, actual: Any, item: Mapping[str, Any]) -> bool:
    """One filter of a 1.x precondition."""
    text = None if actual is None else str(actual)
    value, values = item.get("value"), [str(one) for one in item.get("values") or ()]
    tests: Mapping[str, bool] = {
        "EQUAL_TO": text == str(value),
        "NOT_EQUAL_TO": text != str(value),
        "IN": text in values,
        "NOT_IN": text not in values,
        "IS_TRUE": text is not None and text.strip() not in ("", "false", "0", "-0"),
        "IS_FALSE": text is not None and text.strip() in ("", "false", "0", "-0"),
        "IS_NULL": text is None,
        "IS_NOT_NULL": text is not None,
        "STARTS_WITH": text is not None and text.startswith(str(value)),
        "ENDS_WITH": text is not None and text.endswith(str(value)),
        "CONTAINS": text is not None and str(value) in text,
        "REGEX": text is not None and _matches(str(value), text),
    }
    return tests.get(kind, False)


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return False
