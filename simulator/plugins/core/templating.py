"""templating.TemplatedTask (core-tasks.md 4): a task whose YAML is itself rendered."""

from __future__ import annotations

from simulator.engine.task import InnerTasks, RunContext, TaskResult
from simulator.errors import TaskError, UnsupportedError
from simulator.model.catalog import Kind, TaskSpec
from simulator.plugins.core.specs import CORE, alias, prop

__all__ = ["TemplatedTask"]


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
