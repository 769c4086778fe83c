"""Sample executions that a Flow trigger starts for: as far as states, names and labels of its conditions say.

Expressions are not solved: a person who edits the sample knows what they ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.model.flow import Trigger

__all__ = ["upstream"]

_SOLVED = ("Or", "ExecutionFlow", "ExecutionNamespace", "ExecutionLabels", "ExecutionStatus")
_ENDED = ("SUCCESS", "FAILED", "WARNING")


def upstream(trigger: Trigger, told: Any) -> Any:
    """What is told of the executions that the trigger waits for; `told` holds samples of what the flow reads of one.

    One map, or a list when it waits for several.
    """
    base = dict(told) if isinstance(told, Mapping) else {}
    if any(_kind(condition) not in _SOLVED for condition in trigger.conditions):
        return {**base, "state": "SUCCESS"}  # variables alone: nobody looks at conditions then
    common = _common(trigger)
    needed = [dict(item) for item in _dependencies(trigger)] or [{}]
    found = [_execution({**base, **common}, item, trigger) for item in needed]
    return found[0] if len(found) == 1 else found


def _execution(base: dict[str, Any], wanted: Mapping[str, Any], trigger: Trigger) -> dict[str, Any]:
    found = {**base, **{key: wanted[key] for key in ("namespace", "flowId") if wanted.get(key)}}
    found.setdefault("executionLabels", {})
    if not isinstance(found["executionLabels"], dict) or not found["executionLabels"]:
        found["executionLabels"] = {}
    found["executionLabels"] = {**found["executionLabels"], **_labels(wanted.get("labels"))}
    states = wanted.get("states") or base.get("states") or trigger.properties.get("states")
    found.pop("states", None)
    found["state"] = str(states[0]) if isinstance(states, list) and states else "SUCCESS"
    found["namespace"] = _known(found.get("namespace"), "company.team")
    found["flowId"] = _known(found.get("flowId"), "upstream")
    return {key: value for key, value in found.items() if key != "executionLabels" or value}


def _known(value: Any, default: str) -> str:
    """A name that is said somewhere, not the placeholder of a sample."""
    return default if value is None or str(value).startswith("sample ") else str(value)


def _dependencies(trigger: Trigger) -> Iterator[Mapping[str, Any]]:
    """`dependsOn`, `preconditions.flows` and `preconditions.where`."""
    properties = trigger.properties
    depends = properties.get("dependsOn")
    if isinstance(depends, list):
        mode = properties.get("mode")
        count = {"ANY": 1, "AT_LEAST": int(properties.get("minSatisfied") or 1)}.get(str(mode), len(depends))
        yield from depends[:count]
    before = properties.get("preconditions")
    if isinstance(before, Mapping):
        yield from before.get("flows") or ()
        for item in before.get("where") or ():
            yield _filtered(item.get("filters") or ())


def _filtered(filters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """An execution that passes filters on names and states."""
    names = {"FLOW_ID": "flowId", "NAMESPACE": "namespace", "STATE": "states"}
    found: dict[str, Any] = {}
    for item in filters:
        name, value = names.get(str(item.get("field"))), item.get("value")
        if item.get("type") == "IN":
            value = next(iter(item.get("values") or ()), None)
        elif item.get("type") not in ("EQUAL_TO", "STARTS_WITH", "ENDS_WITH", "CONTAINS"):
            continue
        if name is not None and value is not None:
            found[name] = [value] if name == "states" else value
    return found


def _common(trigger: Trigger) -> dict[str, Any]:
    """What 1.x conditions ask of every execution; of an Or the first one."""
    found: dict[str, Any] = {}
    for condition in trigger.conditions:
        _asked(condition, found)
    return found


def _asked(condition: Mapping[str, Any], found: dict[str, Any]) -> None:
    match _kind(condition):
        case "Or":
            for one in list(condition.get("conditions") or ())[:1]:
                _asked(one, found)
        case "ExecutionFlow":
            found.update({key: condition[key] for key in ("namespace", "flowId") if condition.get(key)})
        case "ExecutionNamespace" if condition.get("namespace"):
            found["namespace"] = condition["namespace"]
        case "ExecutionLabels":
            found["executionLabels"] = _labels(condition.get("labels"))
        case "ExecutionStatus":
            states = condition.get("in") or [
                state for state in _ENDED if state not in (condition.get("notIn") or ())
            ]
            found["states"] = list(states)


def _kind(condition: Mapping[str, Any]) -> str:
    return str(condition.get("type")).rpartition(".")[2].removesuffix("Condition")


def _labels(raw: Any) -> dict[str, str]:
    if isinstance(raw, Mapping):
        return {str(key): str(value) for key, value in raw.items()}
    return {str(item["key"]): str(item["value"]) for item in raw or ()}
