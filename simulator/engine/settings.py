"""Engine configuration: what Kestra reads from its configuration file, as one frozen value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from simulator.engine.execution import StateType, TaskRun
from simulator.engine.task import TaskResult
from simulator.model.flow import Flow, Task

__all__ = ["EngineSettings", "FlowStore", "Flows", "Mocks", "SecretSink", "Secrets"]


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """`envs`, `globals_`, `kestra` are the variables of the same names (secrets.md 5, 6)."""

    envs: Mapping[str, str] = field(default_factory=dict)
    env_vars: Mapping[str, str] = field(default_factory=dict)
    """For 2.0's env() function."""
    globals_: Mapping[str, Any] = field(default_factory=dict)
    kestra: Mapping[str, str] = field(default_factory=dict)
    """url, environment"""
    recursive_rendering: bool = False
    encryption_key: str | None = None
    """kestra.encryption.secret-key, base64 of 16, 24 or 32 bytes"""
    allowed_paths: tuple[Path, ...] = ()
    """kestra.local-files.allowed-paths"""
    docker: bool = False
    """Whether scripts run in containers of a local engine."""
    work_root: Path | None = None
    """Where working directories are made; the system's temporary folder by default."""
    zone: dt.tzinfo = dt.UTC
    seed: int = 0
    workers: int = 16
    """Jobs that do real work at the same time."""
    templates: Mapping[tuple[str, str], tuple[Task, ...]] = field(default_factory=dict)
    """1.x templates by namespace and id; None of them: Template tasks fail as in Kestra."""
    templates_enabled: bool = True
    breakpoints: frozenset[str] = frozenset()
    execution_kind: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    """Further context variables of the executions that are started here, not of subflows (`files` of a test)."""
    max_task_runs: int = 1_000_000
    """Task runs and attempts of a session; an execution that asks for more is stopped. In simulated time a loop or a
    retry without an end would otherwise run for ever."""
    record_properties: bool = False
    """Whether rendered properties become events (for reports)."""
    run_flow_triggers: bool = True
    """Whether ended executions start the flows that listen to them."""


class FlowStore(Protocol):
    """The flows that are deployed."""

    def find(self, namespace: str, flow_id: str, revision: int | None = None) -> Flow | None: ...
    def all(self) -> Iterable[Flow]: ...


class Flows:
    """A FlowStore over flows in memory; keeps every revision that was put."""

    def __init__(self, flows: Iterable[Flow] = ()) -> None:
        self._flows: dict[tuple[str, str], list[Flow]] = {}
        for flow in flows:
            self.put(flow)

    def put(self, flow: Flow) -> None:
        self._flows.setdefault((flow.namespace, flow.id), []).append(flow)

    def find(self, namespace: str, flow_id: str, revision: int | None = None) -> Flow | None:
        found = self._flows.get((namespace, flow_id), [])
        if revision is None:
            return found[-1] if found else None
        return next((flow for flow in found if flow.revision == revision), None)

    def all(self) -> Iterable[Flow]:
        return [revisions[-1] for revisions in self._flows.values()]


class Mocks(Protocol):
    """Canned results in place of task runs (tests, `--mock`)."""

    def result(self, flow: Flow, task: Task, run: TaskRun) -> TaskResult | None:
        """The result for this run, None to run it. `state` None means SUCCESS; FAILED fails it."""

    def find(self, task: Task) -> Any | None:
        """A plugin class (anything with a `spec` that makes a plugin when called) to run in place of the task's own,
        None to run the task."""


class Secrets(Protocol):
    def find(self, key: str, namespace: str | None) -> str: ...


class SecretSink(Protocol):
    """Where clear values are made known, and text is masked (`simulator.secrets.redact.Redactor`)."""

    def register(self, value: str) -> object: ...
    def redact(self, text: str) -> str: ...


#: States in which nothing new starts (Executor.canBeProcessed).
HELD = frozenset({StateType.PAUSED, StateType.QUEUED, StateType.BREAKPOINT})
