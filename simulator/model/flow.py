"""The flow as a frozen value: what the engine runs and every reader reads.

Built by `simulator.model.build` from positioned nodes; `node` leads back to the place of everything.
Field names are Kestra's. Properties of a task stay plain data (maps, lists, scalars as Kestra's reader gives them)
under `properties`; its children are tasks under `children`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.diagnostics import Span
from simulator.dialect import Dialect
from simulator.source.nodes import MapNode, Node

__all__ = [
    "Check",
    "Concurrency",
    "DependsOn",
    "Flow",
    "FlowId",
    "FlowOutput",
    "Input",
    "Listener",
    "PluginDefault",
    "Retry",
    "Sla",
    "Task",
    "TaskCache",
    "Trigger",
]


@dataclass(frozen=True, slots=True, order=True)
class FlowId:
    """The name of a flow: namespace and id."""

    namespace: str
    id: str

    def __str__(self) -> str:
        return f"{self.namespace}.{self.id}"


@dataclass(frozen=True, slots=True)
class Retry:
    """`retry:` of a task or a flow. Durations are timedeltas."""

    type: str
    """constant, exponential or random"""
    interval: dt.timedelta | None = None
    max_interval: dt.timedelta | None = None
    min_interval: dt.timedelta | None = None
    delay_factor: float | None = None
    max_attempts: int | None = None
    max_duration: dt.timedelta | None = None
    warning_on_retry: bool = False
    behavior: str = "RETRY_FAILED_TASK"
    """RETRY_FAILED_TASK or CREATE_NEW_EXECUTION"""


@dataclass(frozen=True, slots=True)
class TaskCache:
    enabled: bool
    ttl: dt.timedelta | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `type` is as written, `canonical` the type's own name (None for a type we do not know).

    `children` maps a property path to child tasks: `tasks`, `then`, `else`, `errors`, `finally`, `defaults`,
    `cases.<key>`. `depends_on` is what a Dag says about this child.
    `properties` holds everything that is neither a common key nor children, after plugin defaults.
    """

    id: str
    type: str
    canonical: str | None
    properties: Mapping[str, Any]
    children: Mapping[str, tuple[Task, ...]]
    node: MapNode
    description: str | None = None
    retry: Retry | None = None
    timeout: Any = None
    disabled: bool = False
    run_if: str | None = None
    allow_failure: bool = False
    allow_warning: bool = False
    log_level: str | None = None
    log_to_file: bool = False
    task_cache: TaskCache | None = None
    depends_on: tuple[str, ...] = ()
    version: str | None = None

    @property
    def span(self) -> Span:
        return self.node.span

    def property_node(self, *path: str | int) -> Node | None:
        """The source node of a property; one that a plugin default brought in stands in `pluginDefaults`."""
        node: Node | None = self.node
        for step in path:
            if isinstance(node, MapNode) and isinstance(step, str):
                node = node.get(step)
            elif node is not None and not isinstance(node, MapNode) and isinstance(step, int):
                items = getattr(node, "items", ())
                node = items[step] if isinstance(items, tuple) and step < len(items) else None
            else:
                return None
        return node

    def walk(self) -> Iterator[Task]:
        """This task and everything below it, in source order."""
        yield self
        for group in self.children.values():
            for child in group:
                yield from child.walk()


@dataclass(frozen=True, slots=True)
class DependsOn:
    inputs: tuple[str, ...]
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """One input. Keys that only some types have are in `options` (validator, min, max, after, values, itemType...)."""

    id: str
    type: str
    node: MapNode
    required: bool = True
    defaults: Any = None
    has_defaults: bool = False
    prefill: Any = None
    description: str | None = None
    display_name: str | None = None
    depends_on: DependsOn | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    children: tuple[Input, ...] = ()
    """Inputs of a FORM (2.0)."""


@dataclass(frozen=True, slots=True)
class FlowOutput:
    id: str
    type: str | None
    value: Any
    node: MapNode
    required: bool | None = None
    display_name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger. `conditions` (1.x) stay plain maps with a `type`; `when` is 2.0's."""

    id: str
    type: str
    canonical: str | None
    properties: Mapping[str, Any]
    node: MapNode
    description: str | None = None
    disabled: bool = False
    conditions: tuple[Mapping[str, Any], ...] = ()
    when: str | None = None
    labels: tuple[tuple[str, Any], ...] = ()
    stop_after: tuple[str, ...] = ()
    allow_concurrent: bool = False
    """2.0: whether it fires while an execution that it started is not over."""
    log_level: str | None = None
    fail_on_trigger_error: bool = False

    @property
    def span(self) -> Span:
        return self.node.span


@dataclass(frozen=True, slots=True)
class PluginDefault:
    type: str
    values: Mapping[str, Any]
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Concurrency:
    limit: int
    behavior: str = "QUEUE"
    """QUEUE, CANCEL or FAIL"""


@dataclass(frozen=True, slots=True)
class Sla:
    id: str
    type: str
    """MAX_DURATION or EXECUTION_ASSERTION"""
    behavior: str
    """FAIL, CANCEL or NONE"""
    duration: dt.timedelta | None = None
    assertion: str | None = None
    labels: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A 2.0 `checks:` item, evaluated before an execution is created."""

    when: Any
    message: str | None = None
    style: str = "INFO"
    behavior: str = "BLOCK_EXECUTION"


@dataclass(frozen=True, slots=True)
class Listener:
    """A 1.x `listeners:` item."""

    tasks: tuple[Task, ...]
    conditions: tuple[Mapping[str, Any], ...] = ()
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    id: str
    namespace: str
    tasks: tuple[Task, ...]
    dialect: Dialect
    node: MapNode
    source: str
    """The text of the file."""
    file: str
    """Its path as the user gave it."""
    revision: int = 1
    description: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    inputs: tuple[Input, ...] = ()
    outputs: tuple[FlowOutput, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[Task, ...] = ()
    finally_: tuple[Task, ...] = ()
    after_execution: tuple[Task, ...] = ()
    listeners: tuple[Listener, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    plugin_defaults: tuple[PluginDefault, ...] = ()
    concurrency: Concurrency | None = None
    retry: Retry | None = None
    sla: tuple[Sla, ...] = ()
    checks: tuple[Check, ...] = ()
    disabled: bool = False

    @property
    def name(self) -> FlowId:
        return FlowId(self.namespace, self.id)

    def walk_tasks(self) -> Iterator[Task]:
        """Every task in Kestra's order: tasks, errors, finally, listeners, afterExecution, each with its children."""
        groups = [self.tasks, self.errors, self.finally_]
        groups += [listener.tasks for listener in self.listeners]
        groups.append(self.after_execution)
        for group in groups:
            for task in group:
                yield from task.walk()

    def task(self, task_id: str) -> Task | None:
        return next((task for task in self.walk_tasks() if task.id == task_id), None)
