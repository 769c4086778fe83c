"""Flows that listen to executions: Flow triggers and 1.x listeners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.engine.live import Live
from simulator.model.flow import Task

if TYPE_CHECKING:
    from simulator.engine.executor import Executor

__all__ = ["FlowTriggers"]


class FlowTriggers:
    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def listeners_of(self, live: Live) -> Sequence[Task]:
        """Tasks of the 1.x listeners whose conditions hold, in declared order."""
        return ()

    def ended(self, live: Live) -> None:
        """Starts what listens to the end of an execution."""

    def paused(self, live: Live) -> None:
        """Starts what listens to a pause."""
