"""ForEach, EachSequential, EachParallel (1.x; core-tasks.md 2.7, 2.8): the children once per value.

Kestra renders `values` again at each pass; here once per run, which differs only for an expression that changes while
the loop runs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from simulator.dialect import Dialect
from simulator.engine import orders
from simulator.engine.flowables.base import Plan, View, flowable_spec, tasks_of
from simulator.engine.flowables.parallel import sequential_by_quirk
from simulator.errors import TaskError
from simulator.expressions.java.json_errors import explain_json, place
from simulator.expressions.text import java_text
from simulator.model.catalog import PropertySpec, T, TaskSpec

__all__ = ["EachParallel", "EachSequential", "ForEach", "compact", "json_failure", "values_of"]

_TASKS = PropertySpec("tasks", T.TASKS, required=True, dynamic=False, as_property=False)
_JAVA = {
    dict: "java.util.LinkedHashMap",
    int: "java.lang.Integer",
    bool: "java.lang.Boolean",
    float: "java.lang.Double",
    list: "java.util.ArrayList",
}


def compact(value: Any) -> str:
    """JSON text as Jackson writes it: no blanks, Unicode as it is."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


_UNFIT = "com.fasterxml.jackson.databind.exc.MismatchedInputException"


def json_failure(text: str, error: ValueError, dialect: Dialect) -> str:
    """What Kestra says of a text that is no JSON: its parser's exception."""
    if not text.strip():
        where = place("", 0).split(", column")[0]
        return f"{_UNFIT}: No content to map due to end-of-input\n at {where}]"
    found = explain_json(text, token_end=dialect.major == 1)
    return f"com.fasterxml.jackson.core.JsonParseException: {found or error}"


#: Kind of a JSON value -> how Jackson names it, and its token.
_TOKENS = {
    dict: ("Object", "START_OBJECT"),
    str: ("String", "VALUE_STRING"),
    int: ("Integer", "VALUE_NUMBER_INT"),
    float: ("Floating-point", "VALUE_NUMBER_FLOAT"),
}


def _no_array(value: Any) -> str:
    kind, token = _TOKENS.get(type(value), ("Boolean", f"VALUE_{str(value).upper()}"))
    return (
        f"{_UNFIT}: Cannot deserialize value of type `java.util.ArrayList<java.lang.Object>` from {kind} value (token `JsonToken.{token}`)\n"
        f" at {place('', 0)}"
    )


def element_text(view: View, element: Any) -> str:
    """One element of a YAML list: text and integers are rendered, maps rendered deep; others are refused."""
    if isinstance(element, str):
        return str(view.render(element))
    if isinstance(element, int) and not isinstance(element, bool):
        return str(element)
    if isinstance(element, dict):
        return compact(view.render(element))
    raise TaskError(f"Unknown value element type: class {_JAVA.get(type(element), type(element).__name__)}")


def values_of(view: View, name: str) -> Sequence[str]:
    """The distinct values of a 1.x loop as texts. Raises TaskError with Kestra's messages."""
    raw = view.raw(name)
    if isinstance(raw, str):
        text = str(view.render(raw) or "")
        try:
            found = json.loads(text)
        except ValueError as error:
            raise TaskError(json_failure(text, error, view.dialect)) from None
        if not isinstance(found, list):
            raise TaskError(_no_array(found))
        nulls = sum(1 for item in found if item is None)
        if nulls:
            raise TaskError(f"Found '{nulls}' null values on Each, with values={java_text(found)}")
        texts = [item if isinstance(item, str) else compact(item) for item in found]
    elif isinstance(raw, list):
        if any(item is None for item in raw):
            raise TaskError('Cannot invoke "Object.getClass()" because "obj" is null')
        texts = [element_text(view, item) for item in raw]
    else:
        raise TaskError(f"Unknown value type: class {_JAVA.get(type(raw), type(raw).__name__)}")
    return list(dict.fromkeys(texts))


class ForEach:
    spec: ClassVar[TaskSpec] = flowable_spec(
        "ForEach",
        PropertySpec("values", T.ANY, required=True, as_property=False),
        PropertySpec("concurrencyLimit", T.INTEGER, default=1, dynamic=False, as_property=False, minimum=0),
        _TASKS,
        until=1,
    )

    def plan(self, view: View) -> Plan:
        values = values_of(view, "values")
        tasks = tasks_of(view.task)
        limit = view.raw("concurrencyLimit")
        if limit is None:
            limit = 1
        if int(limit) == 1 or sequential_by_quirk(view):
            return Plan(orders.Sequential(tasks, values))
        return Plan(orders.EachConcurrent(tasks, values, int(limit)))


class EachSequential:
    spec: ClassVar[TaskSpec] = flowable_spec(
        "EachSequential",
        PropertySpec("value", T.ANY, required=True, as_property=False),
        _TASKS,
        until=1,
        deprecated="use ForEach",
    )

    def plan(self, view: View) -> Plan:
        return Plan(orders.Sequential(tasks_of(view.task), values_of(view, "value")))


class EachParallel:
    spec: ClassVar[TaskSpec] = flowable_spec(
        "EachParallel",
        PropertySpec("value", T.ANY, required=True, as_property=False),
        PropertySpec("concurrent", T.INTEGER, default=0, minimum=0),
        _TASKS,
        until=1,
        deprecated="use ForEach with concurrencyLimit",
    )

    def plan(self, view: View) -> Plan:
        values = values_of(view, "value")
        tasks = tasks_of(view.task)
        if sequential_by_quirk(view):
            return Plan(orders.Sequential(tasks, values))
        return Plan(orders.EachParallel(tasks, values, view.get("concurrent", 0) or 0))
