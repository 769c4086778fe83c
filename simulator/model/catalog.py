"""How a type declares itself: properties, outputs, children, needs. Said once, read by everybody.

A plugin module builds one `TaskSpec` per type; `check`, did-you-mean, mocks, `--plan`, the editor schema and the docs
read it. This module imports no plugin. The registry (`simulator.plugins.registry`) knows where each type's spec
lives and loads it on demand through the `Catalog` protocol.

    >>> spec = TaskSpec("io.kestra.plugin.core.log.Log", Kind.TASK,
    ...     properties=(PropertySpec("message", T.ANY, required=True), PropertySpec("level", T.ENUM, values=("INFO", "WARN"))))
    >>> spec.property("level").values
    ('INFO', 'WARN')
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from simulator.dialect import Dialect

__all__ = ["Catalog", "Kind", "OutputSpec", "PropertySpec", "T", "TaskSpec"]


class Kind(enum.Enum):
    """What a type is good for."""

    TASK = "task"
    """Runs code of a plugin (RunnableTask)."""
    FLOWABLE = "flowable"
    """Orchestrates children; run by the engine."""
    EXECUTABLE = "executable"
    """Creates executions (Subflow, ForEachItem)."""
    UPDATING = "updating"
    """Changes the execution inside the executor (Labels, SetVariables, Exit...)."""
    TRIGGER = "trigger"
    CONDITION = "condition"
    TASK_RUNNER = "task_runner"
    INPUT = "input"
    OTHER = "other"
    """A typed value inside a property (SLA, log exporter, retry...)."""


class T(enum.Enum):
    """Type of a property or an output value."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DURATION = "duration"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    ENUM = "enum"
    """One of `values`."""
    URI = "uri"
    """A storage URI (kestra://, file://, nsfile://)."""
    MAP = "map"
    """Keys to `item` (any when item is None)."""
    LIST = "list"
    """Of `item` (any when item is None)."""
    OBJECT = "object"
    """A fixed shape: `fields`."""
    ANY = "any"
    DATA = "data"
    """Kestra's Data: a storage URI, JSON text, a map or a list."""
    TASKS = "tasks"
    """A list of child tasks."""
    TASK_MAP = "task_map"
    """A map from text to lists of child tasks (Switch.cases)."""
    DAG_TASKS = "dag_tasks"
    """A list of {task, dependsOn}."""
    TYPED = "typed"
    """An object with a `type` of its own (task runner, condition...)."""


@dataclass(frozen=True, slots=True)
class PropertySpec:
    """One property of a type.

    `default` is what Kestra uses when the property is absent (already converted), None when there is none.
    `dynamic`: rendered at run time. `as_property`: it is a `Property<T>` in Kestra (kept as text, rendered and
    converted when asked for); False means a plain field, parsed when the flow is read (static type errors exist).
    `since`/`until` are dialect majors between which it exists (until: last major that has it).
    """

    name: str
    type: T = T.STRING
    required: bool = False
    default: Any = None
    dynamic: bool = True
    as_property: bool = True
    values: tuple[str, ...] = ()
    item: PropertySpec | None = None
    fields: tuple[PropertySpec, ...] = ()
    secret: bool = False
    deprecated: str | None = None
    """Why, and what to use instead."""
    aliases: tuple[str, ...] = ()
    since: int = 1
    until: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    doc: str = ""

    def in_dialect(self, dialect: Dialect) -> bool:
        return self.since <= dialect.major and (self.until is None or dialect.major <= self.until)


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One output of a type, as expressions see it (`outputs.<task>.<name>`)."""

    name: str
    type: T = T.ANY
    item: OutputSpec | None = None
    fields: tuple[OutputSpec, ...] = ()
    since: int = 1
    until: int | None = None
    doc: str = ""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One type: task, trigger, condition or task runner.

    The keys that all tasks (or triggers) share are not listed; see `simulator.model.common`.
    `open_outputs`: output names are not fixed (scripts, OutputValues, unknown types).
    `needs`: names of doubles that a run of it uses (`postgres`, `s3`, `http`): started early.
    `aliases`: other type names; `since`/`until` as in PropertySpec.
    `supported`: False when only its shape is known: a run needs a mock.
    """

    type: str
    kind: Kind = Kind.TASK
    properties: tuple[PropertySpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()
    open_outputs: bool = False
    open_properties: bool = False
    needs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    since: int = 1
    until: int | None = None
    deprecated: str | None = None
    supported: bool = True
    doc: str = ""

    def property(self, name: str) -> PropertySpec | None:
        for spec in self.properties:
            if spec.name == name or name in spec.aliases:
                return spec
        return None

    def in_dialect(self, dialect: Dialect) -> bool:
        return self.since <= dialect.major and (self.until is None or dialect.major <= self.until)


class Catalog(Protocol):
    """Where specs come from. Lookups are lazy: an implementation imports only the module of the type asked for."""

    def spec(self, type_name: str, dialect: Dialect) -> TaskSpec | None:
        """The spec of a type or alias that exists in this dialect; None when unknown."""

    def canonical(self, type_name: str, dialect: Dialect) -> str | None:
        """The type's own name for a name or alias, None when unknown."""

    def names(self, dialect: Dialect) -> Iterable[str]:
        """All type names (no aliases), for did-you-mean; imports nothing."""
