"""What a flowable is to the executor: it evaluates its properties once per run and says how its children follow.

A flowable never touches the execution. `plan` gets a `View` (rendering in the context of its own run) and answers with a
`Plan`: outputs at creation and the order of the children. The executor does the rest by the common rules
(execution.md 3): errors, finally, end state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar, Protocol

from simulator.dialect import Dialect
from simulator.engine.orders import Order, Sequential
from simulator.engine.placement import enabled
from simulator.model.catalog import Kind, PropertySpec, T, TaskSpec
from simulator.model.flow import Task

__all__ = ["COMMON", "Flowable", "Plan", "View", "flowable_spec", "sequential"]

#: Every flowable has its own `errors` and `finally`.
COMMON = (
    PropertySpec("errors", T.TASKS, dynamic=False, as_property=False),
    PropertySpec("finally", T.TASKS, dynamic=False, as_property=False),
)


class View(Protocol):
    """Rendering in the context of the flowable's own run."""

    dialect: Dialect
    task: Task
    run_outputs: Mapping[str, Any] | None
    """Outputs of the run so far: what a flowable evaluated before a restart still holds."""

    def get(self, name: str, default: Any = None) -> Any:
        """A property by its PropertySpec (rendered and converted)."""

    def raw(self, name: str) -> Any: ...
    def render(self, template: Any) -> Any: ...
    def render_typed(self, template: str) -> Any: ...
    def read_uri(self, uri: str) -> bytes: ...
    def open_uri(self, uri: str) -> BinaryIO: ...
    def template(self, namespace: str, template_id: str) -> Sequence[Task]:
        """The tasks of a 1.x template, placed below this task. Raises TaskError."""


@dataclass(slots=True)
class Plan:
    """What a flowable evaluated to.

    `order`: how the children follow; None = no list at all (a Switch without match).
    `outputs`: known at creation. `iteration`: the round that runs of all its lists are numbered with. `empty_ok`: ends SUCCESS when no child is enabled (1.x has some that never end).
    `errors` / `finally_`: own lists, enabled tasks only. `facts`: what the flowable's own end rule needs.
    """

    order: Order | None
    outputs: Mapping[str, Any] | None = None
    empty_ok: bool = True
    errors: Order | None = None
    finally_: Order | None = None
    has_finally: bool = False
    has_errors: bool = False
    iteration: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class Flowable(Protocol):
    """A flowable type. Instances are stateless."""

    spec: ClassVar[TaskSpec]

    def plan(self, view: View) -> Plan: ...


def flowable_spec(
    name: str, *properties: PropertySpec, kind: Kind = Kind.FLOWABLE, common: bool = True, **rest: Any
) -> TaskSpec:
    """The spec of `io.kestra.plugin.core.flow.<name>`."""
    return TaskSpec(
        f"io.kestra.plugin.core.flow.{name}",
        kind,
        properties=(*properties, *(COMMON if common else ())),
        **rest,
    )


def sequential(task: Task, path: str, iteration: int | None = None) -> tuple[Order | None, bool]:
    """The order of a list that is always sequential (`errors`, `finally`), and whether it is declared with tasks."""
    tasks = enabled(task.children.get(path, ()))
    return (Sequential(tasks, iteration=iteration) if tasks else None), bool(tasks)


def tasks_of(task: Task, path: str = "tasks") -> Sequence[Task]:
    """The enabled children of a list."""
    return enabled(task.children.get(path, ()))
