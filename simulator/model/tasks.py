"""Tasks, triggers and whatever else holds a `type`: from nodes to the model, checked against the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.diagnostics import Span
from simulator.dialect import Dialect
from simulator.model.catalog import Kind, PropertySpec, T, TaskSpec
from simulator.model.common import TASK_CACHE_KEYS, TASK_KEYS, TRIGGER_KEYS, plain
from simulator.model.convert import ConversionError, as_bool, as_duration, as_text
from simulator.model.fields import check_fields, is_null, named
from simulator.model.flow import Task, TaskCache, Trigger
from simulator.model.labels import read_labels
from simulator.model.patterns import TASK_ID
from simulator.model.problems import Problems, suggest_type
from simulator.model.retry import build_retry
from simulator.model.type_rules import check_task_rules, check_trigger_rules, has_task_rules
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = [
    "CORE_PREFIXES",
    "TASK_KINDS",
    "all_keys",
    "build_task",
    "build_tasks",
    "build_trigger",
    "check_typed",
]

TASK_KINDS = frozenset({Kind.TASK, Kind.FLOWABLE, Kind.EXECUTABLE, Kind.UPDATING})
CORE_PREFIXES = ("io.kestra.plugin.core.", "io.kestra.core.")
"""Types below these names are all known: another one is a mistake, not a plugin that we lack."""

_COMMON = named(TASK_KEYS)
_TRIGGER_COMMON = named(TRIGGER_KEYS)
_SINGLE_TASKS = frozenset({"onPause"})
"""Properties that hold one task."""
_BRANCHES = (plain("errors", T.TASKS), plain("finally", T.TASKS))


_tables: dict[int, tuple[TaskSpec, Mapping[str, PropertySpec]]] = {}


def _table(spec: TaskSpec) -> Mapping[str, PropertySpec]:
    """All keys of a type: the common ones and its own (which win: a Pause has a `timeout` of its own).

    Kept per spec object: hashing a spec by value would cost more than building the table.
    """
    known = _tables.get(id(spec))
    if known is None or known[0] is not spec:
        known = _tables[id(spec)] = (spec, _build_table(spec))
    return known[1]


def _build_table(spec: TaskSpec) -> Mapping[str, PropertySpec]:
    if spec.kind is Kind.TRIGGER:
        return {**_TRIGGER_COMMON, **named(spec.properties)}
    if spec.kind not in TASK_KINDS:
        return {"type": plain("type", required=True), **named(spec.properties)}
    branches = named(_BRANCHES) if spec.kind is Kind.FLOWABLE else {}
    return {**_COMMON, **branches, **named(spec.properties)}


def all_keys(spec: TaskSpec) -> Mapping[str, PropertySpec]:
    """Every key that a task, trigger or typed value of this type may have, by name and alias."""
    return _table(spec)


def _text(node: MapNode, key: str) -> str | None:
    value = node.get(key)
    if isinstance(value, ScalarNode) and value.value is not None:
        return value.text if value.style != "*" else str(value.value)
    return None


def _flag(node: MapNode, key: str) -> bool:
    value = node.get(key)
    try:
        return isinstance(value, ScalarNode) and bool(as_bool(value.value))
    except ConversionError:
        return False


_KEPT_ALIASES = frozenset({"io.kestra.plugin.core.flow.WaitFor"})


def is_gone_alias(name: str, dialect: Dialect) -> bool:
    """Old names of core types that 2.0 no longer knows (core-tasks.md 1.1)."""
    return dialect.major >= 2 and name.startswith(CORE_PREFIXES) and name not in _KEPT_ALIASES


def check_type(node: MapNode, problems: Problems, kinds: frozenset[Kind], what: str) -> TaskSpec | None:
    """The spec of a node's `type`, or None after saying why: invalid for Kestra, or merely unknown here."""
    type_node = node.get("type")
    name = _text(node, "type")
    if name is None or not isinstance(type_node, ScalarNode):
        problems.parse(
            "SIM-FLOW-010",
            "Invalid type: null",
            node.span,
            f"Every {what} needs a `type`, such as `io.kestra.plugin.core.log.Log`." if what == "task" else f"Every {what} needs a `type`.",
        )  # fmt: skip
        return None
    spec = problems.catalog.spec(name, problems.dialect)
    if spec is not None and spec.type != name and is_gone_alias(name, problems.dialect):
        spec = None
    if spec is not None and spec.kind in kinds:
        if spec.type != name:
            problems.notice("SIM-FLOW-042", f"{name} is replaced by {spec.type}", type_node.span)
        elif spec.deprecated is not None:
            problems.warning("SIM-FLOW-040", f"{name} is deprecated: {spec.deprecated}", type_node.span)
        return spec
    if spec is not None:
        problems.parse(
            "SIM-FLOW-010",
            f"Invalid type: {name}",
            type_node.span,
            f"This type is a {spec.kind.value}, no {what}.",
        )
        return None
    _unknown_type(name, type_node.span, problems, kinds, what)
    return None


def _unknown_type(name: str, span: Span, problems: Problems, kinds: frozenset[Kind], what: str) -> None:
    dialect = problems.dialect
    there = problems.catalog.spec(name, problems.other)
    if there is not None and there.kind in kinds:
        problems.version_only = True
        hint = f"This type exists only in Kestra {_line(problems.other)}."
        if there.type != name and problems.catalog.spec(there.type, dialect) is not None:
            hint = f"This old name is gone in Kestra {_line(dialect)}: write `{there.type}`."
        elif there.deprecated:
            hint += f" {there.deprecated}."
        problems.parse("SIM-FLOW-010", f"Invalid type: {name}", span, hint)
        return
    near = suggest_type(name, problems.catalog.names(dialect))
    if name.startswith(CORE_PREFIXES):
        problems.parse("SIM-FLOW-010", f"Invalid type: {name}", span, near or "Kestra has no such type.")
        return
    mock = (
        "Its properties are not checked. To run the flow, mock it: `--mock TASK_ID=outputs.json`, or `mocks:` in the side file."
        if what == "task"
        else "Its properties are not checked."
    )
    problems.notice(
        "SIM-TYPE-010", f"The type {name} is not known here", span, f"{near} {mock}" if near else mock
    )


def _line(dialect: Dialect) -> str:
    return "1.x" if dialect.major == 1 else "2.0"


def build_tasks(node: Node | None, problems: Problems, path: str) -> tuple[Task, ...]:
    """The tasks of a list; what is no task is reported and left out."""
    if node is None or is_null(node):
        return ()
    if not isinstance(node, ListNode):
        return ()  # reported by the check of the field
    tasks = []
    for index, item in enumerate(node.items):
        task = build_task(item, problems, f"{path}[{index}]")
        if task is not None:
            tasks.append(task)
    return tuple(tasks)


def build_task(node: Node, problems: Problems, path: str, *, depends_on: tuple[str, ...] = ()) -> Task | None:
    """One task with its children, or None when the node is no map."""
    if not isinstance(node, MapNode):
        if not is_null(node):
            problems.illegal(
                "Cannot construct instance of `io.kestra.core.models.tasks.Task`: a task is a map with `id` and `type`",
                node.span,
            )
        else:
            problems.violation(path, "must not be null", node.span)
        return None
    spec = check_type(node, problems, TASK_KINDS, "task")
    task_id = _text(node, "id")
    bean = task_id or path
    table = _table(spec) if spec is not None else _COMMON
    java_class = spec.type if spec is not None else _text(node, "type") or "Task"
    check_fields(
        node, table, problems, path=bean, java_class=java_class,
        open_keys=spec is None or spec.open_properties, skip=("retry", "taskCache", "type", *_ruled(spec)),
    )  # fmt: skip
    if task_id is not None:
        _check_id(task_id, node, bean, problems)
    children: dict[str, tuple[Task, ...]] = {}
    if spec is not None:
        _build_children(node, table, problems, bean, children)
    skip = {*_COMMON, *(key.partition(".")[0] for key in children)} - _own_names(spec)
    task = Task(
        id=task_id or "",
        type=_text(node, "type") or "",
        canonical=spec.type if spec is not None else None,
        properties=_properties(node, skip, table, problems, spec is None or spec.open_properties),
        children=children,
        node=node,
        description=_text(node, "description"),
        retry=build_retry(node.get("retry"), problems),
        timeout=_timeout(node),
        disabled=_flag(node, "disabled"),
        run_if=_text(node, "runIf"),
        allow_failure=_flag(node, "allowFailure"),
        allow_warning=_flag(node, "allowWarning"),
        log_level=_text(node, "logLevel"),
        log_to_file=_flag(node, "logToFile"),
        task_cache=_task_cache(node.get("taskCache"), problems, bean),
        depends_on=depends_on,
        version=_text(node, "version"),
    )  # fmt: skip
    if spec is not None:
        check_task_rules(task, spec, problems)
        _useless_keys(task, spec, problems)
    check_worker_selector(node, bean, problems)
    if "assets" in node and problems.dialect.major >= 2:
        problems.violation(bean, f"Task '{bean}' can't have any `assets` because assets are only available in Enterprise Edition.", node.key_spans["assets"])  # fmt: skip
    return task


_CHILD_TYPES = frozenset({T.TASKS, T.TASK_MAP, T.DAG_TASKS})


def _ruled(spec: TaskSpec | None) -> tuple[str, ...]:
    """Properties with children whose absence the type's own rules report."""
    if spec is None or not has_task_rules(spec):
        return ()
    return tuple(item.name for item in spec.properties if item.type in _CHILD_TYPES)


def check_worker_selector(node: MapNode, bean: str, problems: Problems) -> None:
    """2.0's routing: `match` and `fallback` want `tags`."""
    selector = node.get("workerSelector")
    if problems.dialect.major < 2 or not isinstance(selector, MapNode):
        return
    tags = selector.get("tags")
    if isinstance(tags, ListNode) and tags.items:
        return
    for key in ("fallback", "match"):
        if not is_null(selector.get(key)):
            problems.violation(bean, f"{key} can only be set when tags is non-empty", selector.key_spans[key])


def _own_names(spec: TaskSpec | None) -> set[str]:
    """Common keys that a type declares for itself stay among its properties too."""
    if spec is None:
        return set()
    return {item.name for item in spec.properties if item.name in _COMMON and item.name not in ("id", "type")}


def _properties(
    node: MapNode, skip: set[str], table: Mapping[str, PropertySpec], problems: Problems, open_keys: bool
) -> dict[str, Any]:
    """What is neither a common key nor children; keys of a default that the type does not have are ignored."""
    return {
        key: value.plain()
        for key, value in node.entries.items()
        if key not in skip
        and not is_null(value)
        and (open_keys or key in table or id(value) not in problems.injected)
    }


def _timeout(node: MapNode) -> Any:
    value = node.get("timeout")
    return value.plain() if value is not None and not is_null(value) else None


def _check_id(task_id: str, node: MapNode, bean: str, problems: Problems) -> None:
    span = node.entries["id"].span
    if not task_id.strip():
        problems.violation(f"{bean}.id", "must not be blank", span)
    elif not TASK_ID.fullmatch(task_id):
        hint = (
            "Task ids have no dots."
            if "." in task_id
            else "Use letters, digits, `_` and `-`, starting with a letter or digit."
        )
        problems.violation(f"{bean}.id", f'must match "{TASK_ID.pattern}"', span, hint, code="SIM-FLOW-022")
    if len(task_id) > 256:
        problems.violation(f"{bean}.id", "Task id must be at most 256 characters", span, code="SIM-FLOW-022")


def _build_children(
    node: MapNode,
    table: Mapping[str, PropertySpec],
    problems: Problems,
    bean: str,
    children: dict[str, tuple[Task, ...]],
) -> None:
    for key, value in node.entries.items():
        spec = table.get(key)
        if spec is None or is_null(value):
            continue
        if spec.type is T.TASKS:
            children[spec.name] = build_tasks(value, problems, f"{bean}.{key}")
        elif spec.type is T.TASK_MAP and isinstance(value, MapNode):
            for case, tasks in value.entries.items():
                children[f"{spec.name}.{case}"] = build_tasks(tasks, problems, f"{bean}.{key}[{case}]")
        elif spec.type is T.DAG_TASKS and isinstance(value, ListNode):
            children[spec.name] = _dag(value, problems, f"{bean}.{key}")
        elif spec.name in _SINGLE_TASKS and isinstance(value, MapNode):
            task = build_task(value, problems, f"{bean}.{key}")
            children[spec.name] = (task,) if task is not None else ()
        elif spec.type is T.TYPED:
            check_typed(value, problems, f"{bean}.{key}")
        elif (
            spec.type is T.LIST
            and spec.item is not None
            and spec.item.type is T.TYPED
            and isinstance(value, ListNode)
        ):
            for index, item in enumerate(value.items):
                check_typed(item, problems, f"{bean}.{key}[{index}]")


_DAG_ITEM = named((plain("task", T.ANY, required=True), plain("dependsOn", T.LIST)))


def _dag(node: ListNode, problems: Problems, path: str) -> tuple[Task, ...]:
    tasks = []
    for index, item in enumerate(node.items):
        if not isinstance(item, MapNode):
            problems.illegal(
                "Cannot construct instance of `io.kestra.plugin.core.flow.Dag$DagTask`", item.span
            )
            continue
        check_fields(
            item,
            _DAG_ITEM,
            problems,
            path=f"{path}[{index}]",
            java_class="io.kestra.plugin.core.flow.Dag$DagTask",
        )
        needs = item.get("dependsOn")
        names = tuple(as_text(name) for name in needs.plain()) if isinstance(needs, ListNode) else ()
        child = item.get("task")
        if child is not None and not is_null(child):
            task = build_task(child, problems, f"{path}[{index}].task", depends_on=names)
            if task is not None:
                tasks.append(task)
    return tuple(tasks)


def check_typed(node: Node, problems: Problems, path: str, kinds: frozenset[Kind] | None = None) -> None:
    """A value with a `type` of its own (task runner, condition, exporter...), checked as deep as it goes."""
    if not isinstance(node, MapNode):
        return
    name = _text(node, "type")
    if name is None:
        problems.parse("SIM-FLOW-010", "Invalid type: null", node.span, "A `type` is missing here.")
        return
    allowed = kinds or frozenset(Kind)
    if "." not in name and problems.catalog.spec(name, problems.dialect) is None:
        return  # a short name that the property itself defines (BASIC, version...)
    spec = check_type(node, problems, allowed, "value")
    if spec is None:
        return
    table = _table(spec)
    check_fields(
        node, table, problems, path=path, java_class=spec.type, open_keys=spec.open_properties, skip=("type",)
    )
    children: dict[str, tuple[Task, ...]] = {}
    _build_children(node, table, problems, path, children)


def _task_cache(node: Node | None, problems: Problems, bean: str) -> TaskCache | None:
    if not isinstance(node, MapNode):
        return None
    check_fields(
        node,
        named(TASK_CACHE_KEYS),
        problems,
        path=f"{bean}.taskCache",
        java_class="io.kestra.core.models.tasks.Cache",
    )
    ttl = node.get("ttl")
    try:
        return TaskCache(_flag(node, "enabled"), as_duration(ttl.plain()) if ttl is not None else None)
    except ConversionError:
        return TaskCache(_flag(node, "enabled"))


def _useless_keys(task: Task, spec: TaskSpec, problems: Problems) -> None:
    """Keys that only a runnable task can use (flow.md 8.3)."""
    if spec.kind is not Kind.FLOWABLE:
        return
    for key in ("timeout", "taskCache", "workerGroup", "workerSelector"):
        if key in task.node and not is_null(task.node.get(key)) and spec.property(key) is None:
            problems.warning(
                "SIM-FLOW-043",
                f"The task '{task.id}' cannot use the '{key}' property as it's only relevant for runnable tasks.",
                task.node.key_spans[key],
            )


def build_trigger(node: Node, problems: Problems, path: str) -> Trigger | None:
    """One trigger, or None when the node is no map."""
    if not isinstance(node, MapNode):
        problems.illegal(
            "Cannot construct instance of `io.kestra.core.models.triggers.AbstractTrigger`", node.span
        )
        return None
    spec = check_type(node, problems, frozenset({Kind.TRIGGER}), "trigger")
    trigger_id = _text(node, "id")
    bean = trigger_id or path
    table = _table(spec) if spec is not None else _TRIGGER_COMMON
    java_class = spec.type if spec is not None else _text(node, "type") or "Trigger"
    check_fields(
        node, table, problems, path=bean, java_class=java_class,
        open_keys=spec is None or spec.open_properties, skip=("labels", "type"),
    )  # fmt: skip
    if trigger_id is not None:
        _check_id(trigger_id, node, bean, problems)
    conditions = node.get("conditions")
    if isinstance(conditions, ListNode) and problems.dialect.major == 1:
        for index, item in enumerate(conditions.items):
            check_typed(item, problems, f"{bean}.conditions[{index}]", frozenset({Kind.CONDITION}))
    if spec is not None:
        _build_children(node, table, problems, bean, {})
    skip = {*_TRIGGER_COMMON} - ({item.name for item in spec.properties} if spec is not None else set())
    stop = node.get("stopAfter")
    trigger = Trigger(
        id=trigger_id or "",
        type=_text(node, "type") or "",
        canonical=spec.type if spec is not None else None,
        properties=_properties(node, skip, table, problems, spec is None or spec.open_properties),
        node=node,
        description=_text(node, "description"),
        disabled=_flag(node, "disabled"),
        conditions=tuple(item.plain() for item in conditions.items if isinstance(item, MapNode)) if isinstance(conditions, ListNode) else (),
        when=_text(node, "when"),
        labels=read_labels(node.get("labels"), problems),
        stop_after=tuple(map(as_text, stop.plain())) if isinstance(stop, ListNode) else (),
        allow_concurrent=_flag(node, "allowConcurrent"),
        log_level=_text(node, "logLevel") or _text(node, "minLogLevel"),
        fail_on_trigger_error=_flag(node, "failOnTriggerError"),
    )  # fmt: skip
    if spec is not None:
        check_trigger_rules(trigger, spec, problems)
    return trigger
