"""From a flow's text to the validated model, with Kestra's own words for everything that it refuses.

Kestra's order is strict parse, plugin defaults, bean validation, warnings (flow.md 2.2). We go through all of it and
report everything at once; `kestra_violations` (model.problems) gives what Kestra itself would have shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from simulator.diagnostics import Collector, Position, Severity, Span
from simulator.dialect import V1, V2, Dialect
from simulator.errors import InvalidFlowError
from simulator.model.catalog import Catalog
from simulator.model.common import (
    CHECK_KEYS,
    CONCURRENCY_KEYS,
    FLOW_KEYS,
    LISTENER_KEYS,
    PLUGIN_DEFAULT_KEYS,
    SLA_KEYS,
)
from simulator.model.convert import ConversionError, as_duration, as_integer
from simulator.model.defaults import inject, node_of, rules_of
from simulator.model.fields import check_fields, is_null, named
from simulator.model.flow import Check, Concurrency, Flow, Input, Listener, PluginDefault, Sla, Trigger
from simulator.model.flow_rules import check_flow_rules, plugin_default_problems
from simulator.model.input_defs import build_inputs, build_outputs
from simulator.model.labels import read_labels
from simulator.model.patterns import FLOW_ID, NAMESPACE, TENANT_ID
from simulator.model.problems import Problems, illegal_source
from simulator.model.retry import build_retry
from simulator.model.tasks import build_tasks, build_trigger, check_worker_selector
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode
from simulator.source.yaml import read_yaml

__all__ = ["build_flow", "build_from_node", "build_pause_inputs", "draft_flow"]

_TABLES = {
    "flow": named(FLOW_KEYS),
    "pluginDefaults": named(PLUGIN_DEFAULT_KEYS),
    "concurrency": named(CONCURRENCY_KEYS),
    "sla": named(SLA_KEYS),
    "checks": named(CHECK_KEYS),
    "listeners": named(LISTENER_KEYS),
}
_CLASSES = {
    "flow": "io.kestra.core.models.flows.Flow",
    "pluginDefaults": "io.kestra.core.models.flows.PluginDefault",
    "concurrency": "io.kestra.core.models.flows.Concurrency",
    "sla": "io.kestra.core.models.flows.sla.SLA",
    "checks": "io.kestra.core.models.flows.check.Check",
    "listeners": "io.kestra.core.models.listeners.Listener",
}


def build_flow(
    text: str,
    file: str,
    dialect: Dialect,
    catalog: Catalog,
    *,
    collector: Collector,
    plugin_defaults: Sequence[Mapping[str, Any]] = (),
) -> Flow | None:
    """The model of a flow, or None when Kestra would refuse it; every finding goes to the collector.

    `plugin_defaults`: instance-wide defaults (`kestra.plugins.defaults`), after those of the flow. Raises nothing.
    """
    own = Collector()
    flow, _ = draft_flow(text, file, dialect, catalog, collector=own, plugin_defaults=plugin_defaults)
    collector.extend(own)
    return None if own.has_errors else flow


def draft_flow(
    text: str,
    file: str,
    dialect: Dialect,
    catalog: Catalog,
    *,
    collector: Collector,
    plugin_defaults: Sequence[Mapping[str, Any]] = (),
) -> tuple[Flow | None, bool]:
    """As `build_flow`, but the flow is there even when rules are broken (for checks that go on); None only when the
    text is no map. The flag says that something was refused that the other line of Kestra accepts."""
    try:
        root = read_yaml(text, file, collector=collector)
    except InvalidFlowError as error:
        for item in error.to_diagnostics():
            message = (
                illegal_source(item.message, dialect, item.span)
                if item.code.startswith("SIM-YAML")
                else item.message
            )
            collector.add(replace(item, message=message))
        return None, False
    return build_from_node(
        root, text, file, dialect, catalog, collector=collector, plugin_defaults=plugin_defaults
    )


def build_from_node(
    root: Node,
    text: str,
    file: str,
    dialect: Dialect,
    catalog: Catalog,
    *,
    collector: Collector,
    plugin_defaults: Sequence[Mapping[str, Any]] = (),
) -> tuple[Flow | None, bool]:
    """The second half of `draft_flow`, for a tree that was read already."""
    problems = Problems(dialect, catalog, collector, V1 if dialect.major >= 2 else V2)
    if not isinstance(root, MapNode):
        kind = "Array value (token `JsonToken.START_ARRAY`)" if isinstance(root, ListNode) else "String value"
        problems.illegal(
            f"Cannot deserialize value of type `io.kestra.core.models.flows.Flow` from {kind}",
            root.span,
            "A flow is a map with `id`, `namespace` and `tasks`.",
        )
        return None, False
    if _foreign(root, problems):
        return None, False
    merged = _with_defaults(root, problems, plugin_defaults)
    flow = _flow(merged, text, file, problems)
    check_flow_rules(flow, problems)
    return flow, problems.version_only


def _foreign(root: MapNode, problems: Problems) -> bool:
    """A Kestra file that is no flow: said once, instead of a list of unknown fields."""
    if "tasks" in root:
        return False
    type_node = root.get("type")
    kind = None
    if "testCases" in root:
        kind = "a test suite (run it with `simulate test`)"
    elif "charts" in root:
        kind = "a dashboard"
    elif isinstance(type_node, ScalarNode) and type_node.text.startswith("io.kestra.plugin.ee.apps."):
        kind = "an app"
    if kind is not None:
        problems.parse("SIM-FLOW-012", f"This file is no flow but {kind}", root.span)
    return kind is not None


def _with_defaults(root: MapNode, problems: Problems, instance: Sequence[Mapping[str, Any]]) -> MapNode:
    node = root.get("pluginDefaults")
    own = rules_of(
        node.items if isinstance(node, ListNode) else (), problems, allow_forced=problems.dialect.major == 1
    )
    if not own and not instance:
        return root
    nowhere = Span("<configuration>", Position(1, 1), Position(1, 1))
    others = rules_of((node_of(item, nowhere) for item in instance), problems, allow_forced=True)
    return inject(root, [*own, *others], problems)


def _flow(node: MapNode, text: str, file: str, problems: Problems) -> Flow:
    check_fields(
        node, _TABLES["flow"], problems, path="", java_class=_CLASSES["flow"],
        skip=("labels", "inputs", "outputs", "retry", "triggers", "tasks"),
    )  # fmt: skip
    _check_name(node, "id", FLOW_ID, 100, problems)
    _check_name(node, "namespace", NAMESPACE, 150, problems)
    _check_name(node, "tenantId", TENANT_ID, None, problems)
    _check_tasks(node, problems)
    for key in ("inputs", "outputs", "triggers"):
        value = node.get(key)
        if value is not None and not is_null(value) and not isinstance(value, ListNode):
            from simulator.model.fields import check_value

            check_value(_TABLES["flow"][key], value, problems, path=key)
    plugin_default_problems(node.get("pluginDefaults"), problems)
    check_worker_selector(node, "", problems)
    variables = node.get("variables")
    revision = node.get("revision")
    return Flow(
        id=_text(node, "id"),
        namespace=_text(node, "namespace"),
        tasks=build_tasks(node.get("tasks"), problems, "tasks"),
        dialect=problems.dialect,
        node=node,
        source=text,
        file=file,
        revision=_int(revision) or 1,
        description=_text(node, "description") or None,
        labels=read_labels(node.get("labels"), problems),
        inputs=build_inputs(node.get("inputs"), problems),
        outputs=build_outputs(node.get("outputs"), problems),
        variables=variables.plain() if isinstance(variables, MapNode) else {},
        errors=build_tasks(node.get("errors"), problems, "errors"),
        finally_=build_tasks(node.get("finally"), problems, "finally"),
        after_execution=build_tasks(node.get("afterExecution"), problems, "afterExecution"),
        listeners=_listeners(node.get("listeners"), problems),
        triggers=_triggers(node.get("triggers"), problems),
        plugin_defaults=_plugin_defaults(node.get("pluginDefaults"), problems),
        concurrency=_concurrency(node.get("concurrency"), problems),
        retry=build_retry(node.get("retry"), problems),
        sla=_sla(node.get("sla"), problems),
        checks=_checks(node.get("checks"), problems),
        disabled=_is_true(node.get("disabled")),
    )


def _text(node: MapNode, key: str) -> str:
    value = node.get(key)
    return value.text if isinstance(value, ScalarNode) and value.value is not None else ""


def _int(node: Node | None) -> int | None:
    try:
        return as_integer(node.value) if isinstance(node, ScalarNode) else None
    except ConversionError:
        return None


def _is_true(node: Node | None) -> bool:
    return isinstance(node, ScalarNode) and node.value in (True, "true", "True", "TRUE")


def _check_name(node: MapNode, key: str, pattern: Any, longest: int | None, problems: Problems) -> None:
    value = node.get(key)
    if not isinstance(value, ScalarNode) or value.value is None:
        return
    name = value.text
    if not name.strip() and key == "id":
        problems.violation(key, "must not be blank", value.span, code="SIM-FLOW-022")
    if not pattern.fullmatch(name):
        hint = "A namespace has no upper case." if key == "namespace" and name != name.lower() else None
        problems.violation(key, f'must match "{pattern.pattern}"', value.span, hint, code="SIM-FLOW-022")
    if longest is not None and not 1 <= len(name) <= longest:
        problems.violation(key, f"size must be between 1 and {longest}", value.span, code="SIM-FLOW-022")


def _check_tasks(node: MapNode, problems: Problems) -> None:
    tasks = node.get("tasks")
    if isinstance(tasks, ListNode) and tasks.items:
        return
    if (
        tasks is None
        or is_null(tasks)
        or (isinstance(tasks, ScalarNode) and not tasks.text)
        or isinstance(tasks, ListNode)
    ):
        problems.violation("tasks", "must not be empty", (tasks or node).span, "A flow needs at least one task.", code="SIM-FLOW-021")  # fmt: skip
    else:
        from simulator.model.fields import check_value

        check_value(_TABLES["flow"]["tasks"], tasks, problems, path="tasks")


def _items(node: Node | None, what: str, problems: Problems) -> Iterable[tuple[int, MapNode]]:
    for index, item in enumerate(node.items if isinstance(node, ListNode) else ()):
        if isinstance(item, MapNode):
            check_fields(item, _TABLES[what], problems, path=f"{what}[{index}]", java_class=_CLASSES[what])
            yield index, item
        elif not is_null(item):
            problems.illegal(f"Cannot construct instance of `{_CLASSES[what]}`", item.span)


def _triggers(node: Node | None, problems: Problems) -> tuple[Trigger, ...]:
    items = node.items if isinstance(node, ListNode) else ()
    built = (build_trigger(item, problems, f"triggers[{index}]") for index, item in enumerate(items))
    return tuple(trigger for trigger in built if trigger is not None)


def _listeners(node: Node | None, problems: Problems) -> tuple[Listener, ...]:
    if problems.dialect.major >= 2:
        return ()
    listeners = []
    for index, item in _items(node, "listeners", problems):
        conditions = item.get("conditions")
        maps = conditions.items if isinstance(conditions, ListNode) else ()
        listeners.append(
            Listener(
                build_tasks(item.get("tasks"), problems, f"listeners[{index}].tasks"),
                tuple(condition.plain() for condition in maps if isinstance(condition, MapNode)),
                _text(item, "description") or None,
            )
        )
    return tuple(listeners)


def _plugin_defaults(node: Node | None, problems: Problems) -> tuple[PluginDefault, ...]:
    defaults = []
    for _, item in _items(node, "pluginDefaults", problems):
        values = item.get("values")
        if isinstance(values, MapNode) and _text(item, "type"):
            defaults.append(PluginDefault(_text(item, "type"), values.plain(), _is_true(item.get("forced"))))
    return tuple(defaults)


def _concurrency(node: Node | None, problems: Problems) -> Concurrency | None:
    if not isinstance(node, MapNode):
        return None
    check_fields(
        node, _TABLES["concurrency"], problems, path="concurrency", java_class=_CLASSES["concurrency"]
    )
    return Concurrency(_int(node.get("limit")) or 1, _text(node, "behavior") or "QUEUE")


def _sla(node: Node | None, problems: Problems) -> tuple[Sla, ...]:
    slas = []
    for index, item in _items(node, "sla", problems):
        _sla_rules(item, f"sla[{index}]", problems)
        try:
            duration = as_duration(_text(item, "duration") or None)
        except ConversionError:
            duration = None
        slas.append(
            Sla(
                id=_text(item, "id"),
                type=_text(item, "type"),
                behavior=_text(item, "behavior"),
                duration=duration,
                assertion=_text(item, "assert") or None,
                labels=read_labels(item.get("labels"), problems),
            )
        )
    return tuple(slas)


def _sla_rules(item: MapNode, path: str, problems: Problems) -> None:
    name = item.get("id")
    if isinstance(name, ScalarNode) and name.value is not None and not name.text:
        problems.violation(f"{path}.id", "must not be empty", name.span)
    wanted = {"MAX_DURATION": "duration", "EXECUTION_ASSERTION": "assert"}.get(_text(item, "type"))
    if wanted is not None and is_null(item.get(wanted)):
        problems.violation(
            f"{path}.{wanted}", "must not be null", item.span, f"Add `{wanted}`", "SIM-FLOW-021"
        )


def _checks(node: Node | None, problems: Problems) -> tuple[Check, ...]:
    if problems.dialect.major < 2:
        return ()
    checks = []
    for _, item in _items(node, "checks", problems):
        when = item.get("when") or item.get("condition")
        checks.append(
            Check(
                when=when.plain() if when is not None else None,
                message=_text(item, "message") or None,
                style=_text(item, "style") or "INFO",
                behavior=_text(item, "behavior") or "BLOCK_EXECUTION",
            )
        )
    return tuple(checks)


def build_pause_inputs(node: Node | None, dialect: Dialect, catalog: Catalog) -> tuple[Input, ...]:
    """The inputs of `onResume` (a Pause): as those of a flow. Raises InvalidFlowError when one is wrong."""
    found = Collector()
    inputs = build_inputs(
        node, Problems(dialect, catalog, found, V1 if dialect.major >= 2 else V2), "onResume"
    )
    errors = [item for item in found.sorted() if item.severity is Severity.ERROR]
    if errors:
        raise InvalidFlowError(errors[0].message, span=errors[0].span, diagnostics=errors)
    return inputs
