"""templating.TemplatedTask (core-tasks.md 4): a task whose YAML is itself rendered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError, UnsupportedError
from simulator.model.catalog import Kind, TaskSpec
from simulator.plugins.core.specs import CORE, alias, prop

__all__ = ["InnerTask", "InnerTasks", "TemplatedTask"]


@dataclass(frozen=True, slots=True)
class InnerTask:
    """A task that was read from text in the course of a task run: its own type name, its kind, and how to run it."""

    type: str
    kind: Kind
    run: Callable[[], TaskResult]


@runtime_checkable
class InnerTasks(Protocol):
    """What this type needs of the run context beyond the contract."""

    def inner_task(self, source: str) -> InnerTask:
        """Reads one task from YAML, ready to run in the place of this one (same task run, log, files).

        Raises ExpressionError for text that is no YAML task, TaskError for an unknown type.
        """


class TemplatedTask:
    """Renders the YAML of a task and runs it in place."""

    spec = TaskSpec(
        f"{CORE}templating.TemplatedTask",
        properties=(prop("spec", required=True),),
        open_outputs=True,
        aliases=alias(f"{CORE}templating.TemplatedTask"),
        doc="Runs a task whose definition is rendered.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        source = ctx.get("spec")
        if source is None:
            raise TaskError("spec: must not be null")
        if not isinstance(ctx, InnerTasks):
            raise UnsupportedError(f"{self.spec.type} cannot run here")
        inner = ctx.inner_task(str(source))
        if inner.type == self.spec.type:
            raise TaskError(f"The templated task cannot be of type '{self.spec.type}'")
        if inner.kind is not Kind.TASK:
            raise TaskError("The templated task must be a runnable task")
        return inner.run()
