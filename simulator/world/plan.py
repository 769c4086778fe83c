"""`--plan`: what a run would do, without doing it.

Every expression that can be rendered before anything ran is rendered (inputs, vars, labels, secrets as placeholders); the
others stay as they are written. Each task is listed with what would happen to it: run for real against a double or a
live service, mocked, refused. Nothing is started, written or sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.errors import SimulatorError
from simulator.model.catalog import Kind
from simulator.model.flow import Task
from simulator.world.mocks import Mocks

if TYPE_CHECKING:
    from simulator.session import Session

__all__ = ["Planned", "plan"]


@dataclass(frozen=True, slots=True)
class Planned:
    """One task of the plan. `open`: property -> why it is not rendered (mostly: it is only known when it runs)."""

    id: str
    type: str
    depth: int
    branch: str
    what: str
    properties: Mapping[str, Any]
    open: Mapping[str, str] = field(default_factory=dict)


def plan(session: Session) -> Iterator[Planned]:
    """The tasks in order, children under their parents."""
    from simulator.expressions.renderer import Renderer
    from simulator.expressions.scope import Scope

    renderer = Renderer(session.dialect)
    flow = session.flow
    scope = Scope(
        dialect=session.dialect,
        variables={
            "flow": {"id": flow.id, "namespace": flow.namespace, "revision": flow.revision},
            "inputs": _inputs(session),
            "vars": flow.variables,
            "labels": {**dict(flow.labels), **session.settings.labels},
            "envs": session.vault.envs,
            "globals": session.settings.globals,
        },
        secrets=session.vault,
        masked_functions=frozenset({"secret"}),
    )
    mocks = Mocks(session.settings.mocks, session.settings.mock_types)
    groups = [
        ("", flow.tasks),
        ("errors", flow.errors),
        ("finally", flow.finally_),
        ("afterExecution", flow.after_execution),
    ]
    for name, tasks in groups:
        for task in tasks:
            yield from _task(session, task, 0, name, renderer, scope, mocks)


def _inputs(session: Session) -> dict[str, Any]:
    values = {item.id: item.defaults for item in session.flow.inputs if item.has_defaults}
    return {**values, **{key: str(value) for key, value in session.settings.inputs.items()}}


def _task(
    session: Session, task: Task, depth: int, branch: str, renderer: Any, scope: Any, mocks: Mocks
) -> Iterator[Planned]:
    rendered: dict[str, Any] = {}
    pending: dict[str, str] = {}
    for name, value in task.properties.items():
        try:
            rendered[name] = renderer.render_deep(value, scope)
        except SimulatorError as error:
            rendered[name] = value
            # Whatever the flow computes comes later; a secret that is missing now is missing then.
            missing = "Cannot find secret" in error.message
            pending[name] = error.hint or "this secret is missing" if missing else "known when it runs"
    yield Planned(task.id, task.type, depth, branch, _what(session, task, mocks), rendered, pending)
    for key, children in task.children.items():
        for child in children:
            yield from _task(session, child, depth + 1, "" if key == "tasks" else key, renderer, scope, mocks)


def _what(session: Session, task: Task, mocks: Mocks) -> str:
    if task.disabled:
        return "disabled: not run"
    if mocks.find(task) is not None:
        return "mocked"
    spec = session.registry.spec(task.type, session.dialect)
    if spec is None or not spec.supported:
        return "cannot run here: needs a mock"
    if spec.kind is not Kind.TASK:
        return str(spec.kind.value)
    live = [name for name in spec.needs if name in session.settings.live]
    doubles = [name for name in spec.needs if name not in session.settings.live]
    parts = [f"live {name}" for name in live] + [f"{name} double" for name in doubles]
    return "runs, " + " and ".join(parts) if parts else "runs"
