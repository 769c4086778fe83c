"""Labels, SetVariables, UnsetVariables, Exit: what they read and what they change (core-tasks.md 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.engine.execution import Execution, StateType
from simulator.engine.flowables.base import View
from simulator.engine.flowables.each import json_failure
from simulator.errors import TaskError
from simulator.expressions.java.json_errors import explain_json
from simulator.expressions.java.values import class_name
from simulator.model.catalog import Kind, PropertySpec, T, TaskSpec

__all__ = ["Exit", "Labels", "SetVariables", "UnsetVariables", "deep_merge"]

_PACKAGE = "io.kestra.plugin.core.execution"


def _spec(name: str, *properties: PropertySpec, **rest: Any) -> TaskSpec:
    return TaskSpec(f"{_PACKAGE}.{name}", Kind.UPDATING, properties=properties, **rest)


def _java(value: Any) -> str:
    names = {int: "java.lang.Integer", bool: "java.lang.Boolean", float: "java.lang.Double"}
    return names.get(type(value), type(value).__name__)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _no_text(value: Any) -> str:
    """What the JVM says when a value of the YAML is taken for a text that is none."""
    name = _java(value)
    return (
        f"class {name} cannot be cast to class java.lang.String "
        f"({name} and java.lang.String are in module java.base of loader 'bootstrap')"
    )


class Labels:
    """Merges labels into the execution's; new ones win."""

    role = "updating"
    spec: ClassVar[TaskSpec] = _spec(
        "Labels",
        PropertySpec("labels", T.ANY, required=True, as_property=False),
        aliases=("io.kestra.core.tasks.executions.Labels",),
    )

    def update(self, view: View, execution: Execution) -> dict[str, Any]:
        raw = view.raw("labels")
        pairs: list[tuple[str, Any]]
        values: list[Any] = []
        if isinstance(raw, str):
            rendered = str(view.render(raw) or "")
            try:
                found = json.loads(rendered)
            except ValueError as error:
                raise TaskError(json_failure(rendered, error, view.dialect)) from None
            if not isinstance(found, Mapping):
                raise TaskError(f"Unknown value type: class {_java(found)}")
            pairs = list(found.items())
        elif isinstance(raw, Mapping):
            pairs = [
                (view.render(key), view.render(value)) for key, value in raw.items() if value is not None
            ]
            values = list(raw.values())
        elif isinstance(raw, list):
            pairs = [(view.render(item.get("key")), view.render(item.get("value"))) for item in raw]
            values = [item.get("value") for item in raw]
        else:
            raise TaskError(f"Unknown value type: class {_java(raw)}")
        for value in values if view.dialect.major == 1 else ():
            if value is not None and not isinstance(value, str):
                raise TaskError(_no_text(value))
        labels = dict(execution.labels)
        for key, value in pairs:
            text = _text(value)
            if str(key).startswith("system."):
                raise TaskError(
                    f"System labels can only be set by Kestra itself, offending label: {key}={text}"
                )
            if not text:
                raise TaskError(f"Label values cannot be empty, offending label: {key}")
            labels.pop(str(key), None)
            labels[str(key)] = text
        return {"labels": tuple(labels.items())}


def deep_merge(base: Mapping[str, Any], other: Mapping[str, Any], *, distinct: bool) -> dict[str, Any]:
    """MapUtils.deepMerge: maps key by key, lists joined (2.0: without items already there), null ignored."""
    result = dict(base)
    for key, value in other.items():
        before = result.get(key)
        if value is None:
            continue
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            result[key] = deep_merge(before, value, distinct=distinct)
        elif isinstance(before, list) and isinstance(value, list):
            result[key] = before + [item for item in value if not (distinct and item in before)]
        else:
            result[key] = value
    return result


class SetVariables:
    role = "updating"
    spec: ClassVar[TaskSpec] = _spec(
        "SetVariables",
        PropertySpec("variables", T.MAP, required=True),
        PropertySpec("overwrite", T.BOOLEAN, default=True),
    )

    def update(self, view: View, execution: Execution) -> dict[str, Any]:
        raw = view.raw("variables")
        variables = view.render(raw) if isinstance(raw, Mapping) else view.get("variables")
        current = execution.variables
        if view.get("overwrite", True) is False:
            if current is None and view.dialect.major == 1:
                raise TaskError('Cannot invoke "java.util.Map.keySet()" because the variables are null')
            already = [key for key in variables if key in (current or {})]
            if already:
                raise TaskError(
                    "`overwrite` is set to false and the following variables already exist: "
                    + ",".join(already)
                )
        merged = deep_merge(current or {}, variables or {}, distinct=view.dialect.major >= 2)
        return {"variables": merged}


class UnsetVariables:
    role = "updating"
    spec: ClassVar[TaskSpec] = _spec(
        "UnsetVariables",
        PropertySpec("variables", T.LIST, required=True),
        PropertySpec("ignoreMissing", T.BOOLEAN, default=False),
    )

    def update(self, view: View, execution: Execution) -> dict[str, Any]:
        raw = view.raw("variables")
        names = view.render(raw) if isinstance(raw, list) else view.get("variables")
        variables: dict[str, Any] | None = None
        if execution.variables is not None:
            variables = json.loads(json.dumps(dict(execution.variables), default=str))
        for name in names or ():
            if view.dialect.major == 1:
                _remove_1(variables, str(name))
            else:
                _remove_2(variables, str(name), ignore=view.get("ignoreMissing") is True)
        return {"variables": variables or {}}


#: What the JVM says of a map that is not there: of the variables themselves, or of what a dotted name leads to.
_NO_MAP = 'Cannot invoke "java.util.Map.{}(Object)" because "vars" is null'


def _remove_1(variables: dict[str, Any] | None, name: str) -> None:
    """A missing plain key never fails, a missing dotted prefix always does (core-tasks.md 3)."""
    if variables is None:
        raise TaskError(_NO_MAP.format("remove"))
    if name in variables:
        del variables[name]
        return
    *path, last = name.split(".")
    node: Any = variables
    for step in path:
        node = node.get(step) if isinstance(node, dict) else None
        if node is None:
            raise TaskError(_NO_MAP.format("remove"))
    if isinstance(node, dict):
        node.pop(last, None)


def _remove_2(variables: dict[str, Any] | None, name: str, *, ignore: bool) -> None:
    """2.0.0: a name with dots always leads into maps, and a plain key must be there unless `ignoreMissing`."""
    prefix, dot, rest = name.partition(".")
    if variables is None:
        raise TaskError(_NO_MAP.format("get" if dot else "remove" if ignore else "containsKey"))
    if dot:
        below = variables.get(prefix)
        if below is not None and not isinstance(below, dict):
            java, map_ = class_name(below), "java.util.Map"
            raise TaskError(
                f"class {java} cannot be cast to class {map_} "
                f"({java} and {map_} are in module java.base of loader 'bootstrap')"
            )
        _remove_2(below, rest, ignore=ignore)
    elif not ignore and name not in variables:
        raise TaskError(f"Variable '{name}' not found and `ignoreMissing` is false")
    else:
        variables.pop(name, None)


_EXIT_STATE = "io.kestra.plugin.core.execution.Exit$ExitState"


class Exit:
    role = "updating"
    spec: ClassVar[TaskSpec] = _spec(
        "Exit",
        PropertySpec(
            "state",
            T.ENUM,
            default="SUCCESS",
            values=("SUCCESS", "WARNING", "KILLED", "FAILED", "CANCELED", "CANCELLED"),
        ),
    )

    def update(self, view: View, execution: Execution) -> dict[str, Any]:
        state = str(view.get("state", "SUCCESS"))
        cancelled = "CANCELED" if view.dialect.major == 1 else "CANCELLED"
        if state not in ("SUCCESS", "WARNING", "KILLED", "FAILED", cancelled):
            text = f'Cannot deserialize value of type `{_EXIT_STATE}` from String "{state}"'
            if view.dialect.major == 1:
                raise TaskError(text)
            unread = explain_json(state) or text
            raise TaskError(f"com.fasterxml.jackson.core.JsonParseException: {unread}", hint=text)
        return {"exit": StateType.CANCELLED if state == cancelled else StateType(state)}
