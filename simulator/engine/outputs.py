"""Flow outputs at the end of an execution, and a Loop iteration's (flow.md 4, core-tasks.md 2.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.engine.live import Live
from simulator.engine.scope import scope_of, variables_of
from simulator.errors import SimulatorError
from simulator.model.flow import FlowOutput, Task

if TYPE_CHECKING:
    from simulator.engine.kernel import Kernel

__all__ = ["has_outputs", "render_flow_outputs"]


def render_flow_outputs(kernel: Kernel, live: Live) -> dict[str, Any] | None:
    """The typed outputs; None after logging `Failed to render output values` (the execution FAILS then)."""
    from simulator.engine.inputs import encryptor
    from simulator.model.outputs import render_outputs

    declared = live.flow.outputs if live.root is None else _loop_outputs(live.root)
    scope = scope_of(kernel, live, variables_of(kernel, live))
    try:
        return render_outputs(
            declared,
            dialect=kernel.dialect,
            renderer=kernel.renderer,
            scope=scope,
            warn=lambda message: kernel.log(live, "WARN", message),
            encrypt=encryptor(kernel),
        )
    except SimulatorError as error:
        live.facts["outputs_error"] = error.message
        kernel.log(live, "ERROR", f"Failed to render output values: {error.message}")
        return None


def has_outputs(live: Live) -> bool:
    """Whether the flow (or the Loop that an iteration belongs to) declares outputs."""
    return bool(live.flow.outputs if live.root is None else live.root.properties.get("outputs"))


def _loop_outputs(loop: Task) -> tuple[FlowOutput, ...]:
    """`outputs` of a Loop: declared like flow outputs (core-tasks.md 2.10)."""
    return tuple(
        FlowOutput(
            id=str(item.get("id")),
            type=item.get("type"),
            value=item.get("value"),
            node=loop.node,
            required=item.get("required"),
        )
        for item in loop.properties.get("outputs") or ()
    )
