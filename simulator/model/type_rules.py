"""Rules that a type's own validator has beyond its keys (flow.md 8.2): one function per rule, one table."""

from __future__ import annotations

from collections.abc import Callable

from simulator.errors import InvalidFlowError
from simulator.model.catalog import Kind, TaskSpec
from simulator.model.cron import read_cron
from simulator.model.fields import is_null
from simulator.model.flow import Task, Trigger
from simulator.model.problems import Problems
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = ["check_task_rules", "check_trigger_rules", "has_task_rules"]

_FLOW = "io.kestra.plugin.core.flow."
_COMMANDS = ".Commands"
"""Script tasks of every language that run a list of commands (scripts.md)."""
_EMPTY = "The 'tasks' property cannot be empty"


def _no_tasks(task: Task, spec: TaskSpec, problems: Problems) -> None:
    if not task.children.get("tasks"):
        problems.violation(task.id, _EMPTY, task.span, code="SIM-FLOW-024")


def _no_tasks_since_2(task: Task, spec: TaskSpec, problems: Problems) -> None:
    if problems.dialect.major >= 2:
        _no_tasks(task, spec, problems)
    elif not task.children.get("tasks"):
        problems.violation(f"{task.id}.tasks", "must not be empty", task.span, code="SIM-FLOW-024")


def _working_directory(task: Task, spec: TaskSpec, problems: Problems) -> None:
    if not task.children.get("tasks"):
        # The rule stands on WorkingDirectory and on Sequential, which it extends: Kestra says it twice.
        for _ in range(2):
            problems.violation(task.id, _EMPTY, task.span, code="SIM-FLOW-024")
        return
    for child in task.children["tasks"]:
        child_spec = problems.catalog.spec(child.type, problems.dialect)
        if child_spec is not None and child_spec.kind is not Kind.TASK:
            problems.violation(
                task.id, "Only runnable tasks are allowed as children of a WorkingDirectory task", child.span,
                f"`{child.id}` is a {child.type.rpartition('.')[2]}: put it beside the WorkingDirectory.", code="SIM-FLOW-024",
            )  # fmt: skip
        for key, text in (
            ("workerGroup", "Cannot set a Worker Group in any WorkingDirectory sub-tasks, it is only supported at the WorkingDirectory level"),
            ("workerSelector", "Cannot set routing requirements (workerSelector) on WorkingDirectory sub-tasks, only the WorkingDirectory itself can carry them"),
        ):  # fmt: skip
            if key in child.node:
                problems.violation(task.id, text, child.node.key_spans[key], code="SIM-FLOW-024")


def _dag(task: Task, spec: TaskSpec, problems: Problems) -> None:
    children = task.children.get("tasks", ())
    if not children:
        problems.violation(task.id, "No task defined", task.span, code="SIM-FLOW-024")
        return
    needs = {child.id: list(child.depends_on) for child in children}
    missing = [name for names in needs.values() for name in names if name not in needs]
    if missing:
        text = ", ".join(dict.fromkeys(missing))
        problems.violation(
            task.id, f"Not existing task id in dependency: {text}", task.span, code="SIM-FLOW-024"
        )
        return
    cyclic = [name for name in needs if _reaches(name, name, needs)]
    if cyclic:
        text = ", ".join(cyclic)
        problems.violation(task.id, f"Cyclic dependency detected: {text}", task.span, code="SIM-FLOW-024")


def _reaches(start: str, goal: str, needs: dict[str, list[str]]) -> bool:
    seen: set[str] = set()
    stack = list(needs[start])
    while stack:
        name = stack.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            stack += needs.get(name, [])
    return False


def _switch(task: Task, spec: TaskSpec, problems: Problems) -> None:
    if not any(
        tasks for name, tasks in task.children.items() if name == "defaults" or name.startswith("cases")
    ):
        text = "No task defined, neither cases or default have any tasks"
        problems.violation(task.id, text, task.span, code="SIM-FLOW-024")


def _if(task: Task, spec: TaskSpec, problems: Problems) -> None:
    if not task.children.get("then"):
        problems.violation(f"{task.id}.then", "must not be empty", task.span, code="SIM-FLOW-024")


def _purge(task: Task, spec: TaskSpec, problems: Problems) -> None:
    behavior = task.node.get("behavior")
    if (
        isinstance(behavior, MapNode)
        and not is_null(behavior.get("before"))
        and not is_null(behavior.get("keepAmount"))
    ):
        problems.violation(
            task.id,
            "Cannot set both 'before' and 'keepAmount' properties",
            behavior.span,
            code="SIM-FLOW-024",
        )


def _commands(task: Task, spec: TaskSpec, problems: Problems) -> None:
    commands = task.node.get("commands")
    if isinstance(commands, ListNode) and not commands.items:
        problems.violation(f"{task.id}.commands", "must not be empty", commands.span, code="SIM-FLOW-021")


_TASK_RULES: dict[str, Callable[[Task, TaskSpec, Problems], None]] = {
    **{f"{_FLOW}{name}": _no_tasks for name in ("Sequential", "AllowFailure", "ForEach", "EachSequential")},
    **{f"{_FLOW}{name}": _no_tasks_since_2 for name in ("Parallel", "EachParallel", "Loop", "LoopUntil")},
    f"{_FLOW}WorkingDirectory": _working_directory,
    f"{_FLOW}Dag": _dag,
    f"{_FLOW}Switch": _switch,
    f"{_FLOW}If": _if,
    "io.kestra.plugin.core.kv.PurgeKV": _purge,
    "io.kestra.plugin.core.namespace.PurgeFiles": _purge,
}


def has_task_rules(spec: TaskSpec) -> bool:
    """Whether the type's own rules look after its children (so that a plain "required" is not said as well)."""
    return spec.type in _TASK_RULES


def check_task_rules(task: Task, spec: TaskSpec, problems: Problems) -> None:
    """The rules of this task's type, if it has any."""
    if spec.type.endswith(_COMMANDS):
        _commands(task, spec, problems)
    rule = _TASK_RULES.get(spec.type)
    if rule is not None:
        rule(task, spec, problems)


def _schedule(trigger: Trigger, problems: Problems) -> None:
    node = trigger.node
    if not is_null(node.get("interval")):
        problems.violation(f"{trigger.id}.interval", "interval: must be null", node.key_spans["interval"])
    cron = node.get("cron")
    if isinstance(cron, ScalarNode) and cron.value is not None:
        seconds = node.get("withSeconds")
        with_seconds = isinstance(seconds, ScalarNode) and seconds.value in (True, "true")
        try:
            read_cron(cron.text, seconds=with_seconds, dialect=problems.dialect)
        except InvalidFlowError as error:
            text = f"invalid cron expression '{cron.text}': {error.message}"
            problems.violation(trigger.id, text, cron.span, code="SIM-FLOW-025")


def _timezone(trigger: Trigger, problems: Problems) -> None:
    zone = trigger.node.get("timezone")
    if isinstance(zone, ScalarNode) and zone.text and "{{" not in zone.text and not _is_zone(zone.text):
        problems.violation(
            f"{trigger.id}.timezone",
            f"timezone '({zone.text})' is not a valid time-zone ID",
            zone.span,
            code="SIM-FLOW-025",
        )


def _is_zone(name: str) -> bool:
    """Java's ZoneId.of: offsets, UTC/GMT/UT with an offset, region names."""
    import re
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name == "Z" or re.fullmatch(r"(?:UTC|GMT|UT)?[+-](?:\d{1,2}|\d{2}:?\d{2}(?::?\d{2})?)", name):
        return True
    if name in ("UTC", "GMT", "UT"):
        return True
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _webhook(trigger: Trigger, problems: Problems) -> None:
    kind = trigger.node.get("responseContentType")
    if (
        problems.dialect.major >= 2
        and isinstance(kind, ScalarNode)
        and kind.text not in ("application/json", "text/plain", "")
    ):
        text = "invalid webhook: responseContentType must be either 'application/json' or 'text/plain'"
        problems.violation(trigger.id, text, kind.span)
    conditions = trigger.node.get("conditions")
    if problems.dialect.major == 1 and isinstance(conditions, ListNode):
        for item in conditions.items:
            type_node = item.get("type") if isinstance(item, MapNode) else None
            if isinstance(type_node, ScalarNode) and type_node.text.endswith((".MultipleCondition",)):
                text = "invalid webhook: conditions of type MultipleCondition are not supported"
                problems.violation(trigger.id, text, item.span)


_WINDOWS = {
    # type: (what it must have, what it cannot have), as (key, word in the message)
    "DAILY_TIME_DEADLINE": (
        (("deadline", "a deadline"),),
        (("window", "a window"), ("windowAdvance", "a window")),
    ),
    "DAILY_TIME_WINDOW": (
        (("startTime", "a start time"), ("endTime", "an end time")),
        (("window", "a window"), ("windowAdvance", "a window"), ("deadline", "a deadline")),
    ),
    "DURATION_WINDOW": ((), (("deadline", "a deadline"),)),
    "SLIDING_WINDOW": ((), (("deadline", "a deadline"),)),
}


def _time_window(node: Node | None, path: str, problems: Problems) -> None:
    if not isinstance(node, MapNode):
        return
    kind = node.get("type")
    name = kind.text if isinstance(kind, ScalarNode) and kind.text else "DURATION_WINDOW"
    needed, barred = _WINDOWS.get(name, ((), ()))
    for key, word in needed:
        if is_null(node.get(key)):
            problems.violation(
                path, f"Time window of type `{name}` must have {word}.", node.span, code="SIM-FLOW-025"
            )
    for key, word in barred:
        if not is_null(node.get(key)):
            problems.violation(
                path,
                f"Time window of type `{name}` cannot have {word}.",
                node.key_spans[key],
                code="SIM-FLOW-025",
            )


_ANY_VALUE = frozenset({"IS_NULL", "IS_NOT_NULL"})
_MANY_VALUES = frozenset({"IN", "NOT_IN"})


def _filter(node: Node, path: str, problems: Problems) -> None:
    """One filter of a precondition: which of `value` and `values` its type wants."""
    kind = node.get("type") if isinstance(node, MapNode) else None
    if not isinstance(node, MapNode) or not isinstance(kind, ScalarNode):
        return
    has_value, has_values = not is_null(node.get("value")), not is_null(node.get("values"))
    texts = []
    if kind.text in _MANY_VALUES:
        if has_value:
            texts.append(f"`value` must be null for type {kind.text}")
    elif not has_value and kind.text not in _ANY_VALUE:
        texts.append(f"`value` cannot be null for type {kind.text}")
    if has_values and kind.text not in _MANY_VALUES:
        texts.append(f"`values` must be null for type {kind.text}")
    for text in texts:
        problems.violation(path, text, node.span, code="SIM-FLOW-025")


def _flow_trigger(trigger: Trigger, problems: Problems) -> None:
    node = trigger.node
    if problems.dialect.major == 1:
        before = node.get("preconditions")
        if isinstance(before, MapNode):
            _time_window(before.get("timeWindow"), trigger.id, problems)
            where = before.get("where")
            for group in where.items if isinstance(where, ListNode) else ():
                filters = group.get("filters") if isinstance(group, MapNode) else None
                for item in filters.items if isinstance(filters, ListNode) else ():
                    _filter(item, trigger.id, problems)
        conditions = node.get("conditions")
        for item in conditions.items if isinstance(conditions, ListNode) else ():
            if isinstance(item, MapNode):
                _time_window(item.get("timeWindow"), trigger.id, problems)
        return
    mode = node.get("mode")
    if isinstance(mode, ScalarNode) and mode.text == "AT_LEAST" and is_null(node.get("minSatisfied")):
        problems.violation(
            trigger.id, "`minSatisfied` must be set when mode is AT_LEAST", mode.span, code="SIM-FLOW-025"
        )


#: Older keys say what to do with the rows before `fetchType` does (postgresql.md 2).
_OLD_FETCH = ("fetch", "fetchOne", "store")


def _fetch_none(trigger: Trigger, problems: Problems) -> None:
    """A trigger on the rows of a query that fetches none (postgresql.md 4)."""
    kind = trigger.node.get("fetchType")
    old = (trigger.node.get(key) for key in _OLD_FETCH)
    if any(isinstance(node, ScalarNode) and node.value in (True, "true") for node in old):
        return
    if isinstance(kind, ScalarNode) and kind.text == "NONE":
        text = (
            "fetchType NONE is not valid for triggers \u2014 the trigger would never fire. "
            "Use FETCH, FETCH_ONE, or STORE."
        )
        problems.violation(trigger.id, text, kind.span, code="SIM-FLOW-025")


_TRIGGER = "io.kestra.plugin.core.trigger."
_TRIGGER_RULES: dict[str, tuple[Callable[[Trigger, Problems], None], ...]] = {
    f"{_TRIGGER}Schedule": (_schedule, _timezone),
    f"{_TRIGGER}ScheduleOnDates": (_timezone,),
    f"{_TRIGGER}Webhook": (_webhook,),
    f"{_TRIGGER}Flow": (_flow_trigger,),
}


def check_trigger_rules(trigger: Trigger, spec: TaskSpec, problems: Problems) -> None:
    """The rules of this trigger's type, if it has any."""
    for rule in _TRIGGER_RULES.get(spec.type, ()):
        rule(trigger, problems)
    if spec.type.startswith("io.kestra.plugin.jdbc."):
        _fetch_none(trigger, problems)
