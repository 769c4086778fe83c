"""An executor with everything around it, for tests: flows as text, simulated time, one folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from simulator.diagnostics import Collector
from simulator.dialect import V2, Dialect
from simulator.engine.clock import RunClock
from simulator.engine.events import Event
from simulator.engine.execution import Execution, StateType
from simulator.engine.executor import Executor
from simulator.engine.processes import Processes
from simulator.engine.settings import EngineSettings, Flows
from simulator.engine.task import Endpoint
from simulator.errors import NetworkRefusedError
from simulator.expressions.renderer import Renderer
from simulator.model.build import build_flow
from simulator.plugins.registry import Registry
from simulator.secrets.vault import Vault
from simulator.storage.kv import LocalKv
from simulator.storage.local import LocalStorage
from simulator.storage.namespace_files import LocalNamespaceFiles

START = dt.datetime(2025, 3, 3, 9, 0, tzinfo=dt.UTC)


class Nowhere:
    """No endpoint is reachable."""

    def resolve(self, kind: str, url: str, **wanted: Any) -> Endpoint:
        raise NetworkRefusedError(f"{url} is not reachable")


class World:
    """One executor and what it told its sink."""

    def __init__(
        self,
        folder: Path,
        *texts: str,
        dialect: Dialect = V2,
        plugins: Sequence[Any] = (),
        clock: RunClock | None = None,
        env: dict[str, str] | None = None,
        sink: Callable[[Event], None] | None = None,
        mocks: Any = None,
        **settings: Any,
    ) -> None:
        self.registry = Registry(entry_points=False)
        for plugin in plugins:
            self.registry.register(plugin)
        flows = []
        for text in texts:
            collector = Collector()
            flow = build_flow(text, "flow.yml", dialect, self.registry, collector=collector)
            assert flow is not None, [str(item) for item in collector]
            flows.append(flow)
        self.flow = flows[0]
        self.events: list[Event] = []
        self.clock = clock or RunClock(start=START)
        vault = Vault.from_environment(env or {})
        storage = LocalStorage(folder / "storage", dialect)
        settings.setdefault("work_root", folder / "work")
        settings.setdefault("seed", 7)
        self.executor = Executor(
            dialect=dialect,
            flows=Flows(flows),
            registry=self.registry,
            renderer=Renderer(dialect),
            storage=storage,
            kv=LocalKv(storage, self.clock, dialect),
            namespace_files=LocalNamespaceFiles(storage, dialect),
            clock=self.clock,
            endpoints=Nowhere(),
            processes=Processes(),
            secrets=vault,
            redactor=vault.redactor,
            sink=sink or self.events.append,
            settings=EngineSettings(envs=vault.envs, **settings),
            mocks=mocks,
        )

    def create(self, inputs: dict[str, Any] | None = None, **options: Any) -> str:
        return self.executor.create(self.flow.namespace, self.flow.id, inputs, **options).id

    def run(self, inputs: dict[str, Any] | None = None, **options: Any) -> Execution:
        """Creates an execution and runs until nothing more happens."""
        ident = self.create(inputs, **options)
        self.executor.run_until_idle()
        return self.executor.execution(ident)

    def messages(self, level: str | None = None) -> list[str]:
        return [entry.message for entry in self.executor.logs() if level is None or entry.level == level]


def flow(tasks: str, *, head: str = "", tail: str = "") -> str:
    """The text of a flow: `tasks` are the lines below `tasks:`, indented or not."""
    import textwrap

    body = textwrap.indent(textwrap.dedent(tasks).strip("\n"), "  ")
    return (
        f"id: flow\nnamespace: test.engine\n{textwrap.dedent(head)}\ntasks:\n{body}\n{textwrap.dedent(tail)}"
    )


def history(thing: Any) -> list[str]:
    return [entry.state.value for entry in thing.state.histories]


def ids(execution: Execution) -> list[str]:
    return [run.task_id for run in execution.task_runs]


def run_of(execution: Execution, task_id: str) -> Any:
    return next(run for run in execution.task_runs if run.task_id == task_id)


def state(execution: Execution) -> StateType:
    return execution.state.current


RETURN = "io.kestra.plugin.core.debug.Return"
LOG = "io.kestra.plugin.core.log.Log"
FAIL = "io.kestra.plugin.core.execution.Fail"
SLEEP = "io.kestra.plugin.core.flow.Sleep"
