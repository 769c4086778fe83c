"""Short flows and what they did: what the walks through the reference have in common.

A flow is written without id and namespace; `@log.Log` stands for `io.kestra.plugin.core.log.Log`. `Walk` runs it in
simulated time; its answers are short texts, so that a row of a table holds a whole rule.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from simulator.dialect import V1, V2
from simulator.engine.execution import Execution, TaskRun
from tests.engine.harness import World

__all__ = ["BOTH", "DIALECTS", "Walk", "attempts", "full", "history", "shown"]

DIALECTS = {"1.x": V1, "2.0": V2}
BOTH = pytest.mark.parametrize("name", DIALECTS)


def full(text: str, ident: str = "main", namespace: str = "spec") -> str:
    """The text of a whole flow."""
    body = re.sub(r"@([a-z]+\.[A-Z]\w*)", r"io.kestra.plugin.core.\1", textwrap.dedent(text).strip("\n"))
    return f"id: {ident}\nnamespace: {namespace}\n{body}\n"


def history(thing: Any) -> str:
    return " ".join(entry.state.value for entry in thing.state.histories)


def attempts(run: TaskRun) -> list[str] | None:
    return None if run.attempts is None else [history(attempt) for attempt in run.attempts]


def one(run: TaskRun) -> str:
    value = "" if run.value is None else f"[{run.value}]"
    return f"{run.task_id}{value}={run.state.current.value}"


def shown(execution: Execution) -> str:
    """State of the execution, then its task runs in order of creation."""
    return " ".join([execution.state.current.value + ":", *(one(run) for run in execution.task_runs)])


class Walk:
    """A world with one main flow; `others` are deployed beside it: id -> text (namespace `spec`)."""

    def __init__(
        self,
        folder: Path,
        name: str,
        text: str,
        others: dict[str, str] | None = None,
        **settings: Any,
    ) -> None:
        texts = [full(text), *(full(other, ident) for ident, other in (others or {}).items())]
        self.world = World(folder, *texts, dialect=DIALECTS[name], **settings)
        self.executor = self.world.executor

    def run(self, inputs: dict[str, Any] | None = None, **options: Any) -> Execution:
        return self.world.run(inputs, **options)

    def act(self, action: str, execution: Execution, **options: Any) -> Execution:
        """An action of people, and then whatever follows from it. The value of the execution acted on (or made)."""
        made = self.executor.act(action, execution.id, **options)
        self.executor.run_until_idle()
        return self.executor.execution(made.id)

    def logs(self, level: str | None = None, task: str | None = None) -> list[str]:
        """`LEVEL message` of every entry, or the messages of one level; of one task when asked for."""
        found = [entry for entry in self.executor.logs() if task is None or entry.task_id == task]
        if level is not None:
            return [entry.message for entry in found if entry.level == level]
        return [f"{entry.level} {entry.message}" for entry in found]

    def task(self, execution: Execution, task_id: str, value: str | None = None) -> TaskRun:
        runs = [run for run in execution.task_runs if run.task_id == task_id]
        return runs[-1] if value is None else next(run for run in runs if run.value == value)

    def of(self, flow_id: str) -> list[Execution]:
        """Executions of a flow by order of creation, loop iterations left out."""
        return [
            item for item in self.executor.executions() if item.flow_id == flow_id and item.kind != "LOOP"
        ]
