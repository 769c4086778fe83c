"""If and Switch: one of several lists (core-tasks.md 2.4, 2.5)."""

from __future__ import annotations

from typing import ClassVar

from simulator.engine import orders
from simulator.engine.flowables.base import Plan, View, flowable_spec, tasks_of
from simulator.engine.state import is_falsy
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec

__all__ = ["If", "Switch"]


class If:
    """The condition is evaluated once, when the run is created; a branch that is absent or all disabled ends SUCCESS."""

    spec: ClassVar[TaskSpec] = flowable_spec(
        "If",
        PropertySpec("condition", T.STRING, as_property=False),
        PropertySpec("then", T.TASKS, required=True, dynamic=False, as_property=False),
        PropertySpec("else", T.TASKS, dynamic=False, as_property=False),
        outputs=(OutputSpec("evaluationResult", T.BOOLEAN),),
    )

    def plan(self, view: View) -> Plan:
        result = (view.run_outputs or {}).get("evaluationResult")
        if result is None:
            raw = view.raw("condition")
            text = None if raw is None else view.render(_as_text(raw))
            result = text is not None and not is_falsy(text, view.dialect)
        branch = tasks_of(view.task, "then" if result else "else")
        plan = Plan(orders.Sequential(branch), {"evaluationResult": bool(result)})
        plan.facts["nothing_at_all"] = not branch
        return plan


class Switch:
    """Exact text match on the keys of `cases`; a rendered null and a missing `cases` fail as in Kestra."""

    spec: ClassVar[TaskSpec] = flowable_spec(
        "Switch",
        PropertySpec("value", T.STRING, required=True, as_property=False),
        PropertySpec("cases", T.TASK_MAP, dynamic=False, as_property=False),
        PropertySpec("defaults", T.TASKS, dynamic=False, as_property=False),
        outputs=(OutputSpec("value", T.STRING), OutputSpec("defaults", T.BOOLEAN)),
    )

    def plan(self, view: View) -> Plan:
        value = view.render(_as_text(view.raw("value")))
        if value is None:
            raise TaskError("No value present")
        if view.task.node.get("cases") is None:
            raise TaskError('Cannot invoke "java.util.Map.entrySet()" because "this.cases" is null')
        cases = {
            path.partition(".")[2]: tasks
            for path, tasks in view.task.children.items()
            if path.startswith("cases.")
        }
        outputs = {"value": value, "defaults": value not in cases}
        if value in cases:
            tasks = tasks_of(view.task, f"cases.{value}")
        elif "defaults" in view.task.children:
            tasks = tasks_of(view.task, "defaults")
        else:
            return Plan(None, outputs)
        return Plan(orders.Sequential(tasks), outputs, empty_ok=view.dialect.major >= 2)


def _as_text(raw: object) -> object:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return raw if raw is None or isinstance(raw, str) else str(raw)
