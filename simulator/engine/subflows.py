"""2.0's expression function `subflow()`: a flow runs to its end while the inputs of another are rendered (expressions.md 14).

The loop is entered again from inside: everything else that is due goes on meanwhile, as it does in Kestra.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.engine.scope import nested
from simulator.errors import TaskError
from simulator.values import format_duration

if TYPE_CHECKING:
    from simulator.engine.creation import Creator
    from simulator.engine.kernel import Kernel

__all__ = ["SubflowCalls"]

#: kestra.pebble.subflow-function: default-timeout, max-timeout, max-depth
DEFAULT_TIMEOUT = dt.timedelta(minutes=1)
MAX_TIMEOUT = dt.timedelta(minutes=5)
MAX_DEPTH = 3


class SubflowCalls:
    """expressions.scope.SubflowService over the session's loop."""

    def __init__(self, kernel: Kernel, creator: Creator) -> None:
        self._kernel = kernel
        self._creator = creator
        self._depth = 0

    def run(
        self,
        namespace: str,
        flow_id: str,
        *,
        inputs: Mapping[str, Any],
        revision: int | None,
        labels: Mapping[str, Any],
        timeout: dt.timedelta | None,
    ) -> Mapping[str, Any]:
        """See the contract. The default of an input may call it again; the execution itself starts with a clean depth."""
        if self._depth >= MAX_DEPTH:
            raise TaskError(
                f"The 'subflow' function exceeded the maximum depth of {MAX_DEPTH} nested calls.",
                hint="does the default of an input call its own flow?",
            )
        kernel = self._kernel
        limit = min(timeout if timeout is not None else DEFAULT_TIMEOUT, MAX_TIMEOUT)
        self._depth += 1
        try:
            flow = self._creator.flow(namespace, flow_id, revision)
            live = self._creator.create(flow, inputs, labels.items())
            late: list[bool] = []
            timer = kernel.loop.at(kernel.now() + limit, lambda: late.append(True))
            kernel.loop.run(lambda: live.over or bool(late))
            timer.cancel()
        finally:
            self._depth -= 1
        if not live.over:
            raise TaskError(
                f"Subflow '{namespace}'.'{flow_id}' did not end within {format_duration(limit)} (execution {live.id})."
            )
        return {
            "id": live.id,
            "state": live.state.value,
            "outputs": dict(live.value.outputs or {}),
            "labels": nested(live.value.labels),
        }
