"""The world of a flow case: deployed flows, storage, KV, secrets, an executor in simulated time."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.diagnostics import Collector, Diagnostic
from simulator.dialect import dialect_of
from simulator.engine.clock import RunClock
from simulator.engine.encryption import decrypt
from simulator.engine.execution import Execution, LogEntry, StateType
from simulator.engine.executor import Executor
from simulator.engine.processes import Processes
from simulator.engine.settings import EngineSettings, Flows
from simulator.engine.task import Endpoint, TaskResult
from simulator.errors import NetworkRefusedError
from simulator.expressions.renderer import Renderer
from simulator.model.build import draft_flow
from simulator.model.flow import Flow
from simulator.plugins.registry import FAMILIES, Registry
from simulator.secrets.vault import Vault
from simulator.storage.kv import LocalKv
from simulator.storage.local import LocalStorage
from simulator.storage.namespace_files import LocalNamespaceFiles
from tests.conformance.flow_match import Mismatch, NotUnderstood, References
from tests.conformance.test_tasks import TEST_TYPES

__all__ = ["World", "read_flow"]

START = dt.datetime(2025, 6, 2, 9, 0, 0, 123456, tzinfo=dt.UTC)
_CONFIG = {
    "kestra.encryption.secret-key",
    "validate-inputs",
    "kestra.templates.enabled",
    "templates",
    "kestra.variables.globals",
    "kestra.url",
    "kestra.variables.recursive-rendering",
    "recursive-rendering",
}


class NoEndpoints:
    """Nothing is reachable: cases that need the network fail as they would offline."""

    def resolve(self, kind: str, url: str, **wanted: Any) -> Endpoint:
        raise NetworkRefusedError(f"{url} is not reachable from a conformance case")


class Fixtures:
    """`fixtures` of a case: outputs and state in place of a task's run."""

    def __init__(self, fixtures: Sequence[Mapping[str, Any]]) -> None:
        self._fixtures = {fixture["task"]: fixture for fixture in fixtures}

    def find(self, task: Any) -> Any:
        return None

    def result(self, flow: Flow, task: Any, run: Any) -> TaskResult | None:
        fixture = self._fixtures.get(task.id)
        if fixture is None:
            return None
        state = StateType(fixture["state"]) if "state" in fixture else None
        return TaskResult(fixture.get("outputs"), state)


def registry() -> Registry:
    """The catalogue with the types that only Kestra's tests have."""
    families = list(FAMILIES)
    for name in ("simulator.engine.flowables", "simulator.engine.triggers"):
        if name not in families:
            families.append(name)
    made = Registry(families, entry_points=False)
    for cls in TEST_TYPES:
        made.register(cls)
    return made


def read_flow(
    path: Path, kestra: str, catalog: Registry, revision: int = 1
) -> tuple[Flow | None, list[Diagnostic]]:
    """The flow (None when it is not even a draft) and what is wrong with it."""
    collector = Collector()
    drafted = draft_flow(
        path.read_text(encoding="utf-8"), path.name, dialect_of(kestra), catalog, collector=collector
    )
    flow = drafted[0] if isinstance(drafted, tuple) else drafted
    return flow, list(collector)


class World(References):
    """One environment: everything that several runs of a case share."""

    def __init__(self, case: Mapping[str, Any], folder: Path, kestra: str, registry_: Registry) -> None:
        self.case = case
        self.folder = folder
        self.kestra = kestra
        self.dialect = dialect_of(kestra)
        self.registry = registry_
        self.root = Path(tempfile.mkdtemp(prefix="case-"))
        self.files = self.root / "files"
        self.files.mkdir()
        self.config = dict(case.get("config") or {})
        unknown = set(self.config) - _CONFIG
        if unknown:
            raise NotUnderstood(f"config {sorted(unknown)}")
        self.flows = Flows()
        self.source_of: dict[str, Path] = {}
        self.names: list[str] = []
        self.problems: list[Diagnostic] = []
        for name in case["flows"]:
            self.deploy(folder / name)
        self.clock = RunClock(start=START)
        self.storage = LocalStorage(self.root / "storage", self.dialect)
        self.kv = LocalKv(self.storage, self.clock, self.dialect)
        self.namespace_files = LocalNamespaceFiles(self.storage, self.dialect)
        self._put_files()
        self.executor = self._executor()
        self.started: list[str] = []
        self.first = ""
        self.replayed: Execution | None = None

    def close(self) -> None:
        self.executor.interrupt()
        shutil.rmtree(self.root, ignore_errors=True)

    def deploy(self, path: Path, flow_id: str | None = None) -> Flow | None:
        """Reads and deploys a flow; a further revision when it is there already."""
        from dataclasses import replace

        flow, problems = read_flow(path, self.kestra, self.registry)
        self.problems.extend(problems)
        if flow is None:
            return None
        before = self.flows.find(flow.namespace, flow.id)
        if before is not None:
            flow = replace(flow, revision=before.revision + 1)
        self.flows.put(flow)
        self.source_of.setdefault(flow.id, path)
        self.names.append(flow.id)
        return flow

    def _put_files(self) -> None:
        namespace = next(iter(self.flows.all())).namespace if self.names else "io.kestra.tests"
        for name, content in (self.case.get("files") or {}).items():
            data = content.encode() if isinstance(content, str) else content
            if name.startswith("/_namespace"):
                head, _, path = name[1:].partition("/")
                own = head.partition(":")[2] or namespace
                self.namespace_files.put(own, path, data)
            elif name.startswith("/"):
                self.storage.put_at(f"kestra://{name}", data)
            else:
                target = self.files / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)

    def _executor(self) -> Executor:
        run = self.case.get("run") or {}
        vault = Vault.from_environment(self.case.get("env") or {})
        url = self.config.get("kestra.url")
        settings = EngineSettings(
            envs=vault.envs,
            globals_=self.config.get("kestra.variables.globals") or {},
            kestra={"url": url} if url else {},
            recursive_rendering=bool(
                self.config.get("kestra.variables.recursive-rendering")
                or self.config.get("recursive-rendering")
            ),
            encryption_key=self.config.get("kestra.encryption.secret-key"),
            allowed_paths=(self.files,),
            work_root=self.root / "work",
            seed=1,
            templates=self._templates(),
            templates_enabled=bool(self.config.get("kestra.templates.enabled", True)),
            breakpoints=frozenset(run.get("breakpoints") or ()),
        )
        return Executor(
            dialect=self.dialect,
            flows=self.flows,
            registry=self.registry,
            renderer=Renderer(self.dialect),
            storage=self.storage,
            kv=self.kv,
            namespace_files=self.namespace_files,
            clock=self.clock,
            endpoints=NoEndpoints(),
            processes=Processes(),
            secrets=vault,
            redactor=vault.redactor,
            sink=lambda event: None,
            settings=settings,
            mocks=Fixtures(run["fixtures"]) if run.get("fixtures") else None,
        )

    def _templates(self) -> dict[tuple[str, str], Any]:
        found: dict[tuple[str, str], Any] = {}
        for name in self.config.get("templates") or ():
            flow, _ = read_flow(self.folder / name, self.kestra, self.registry)
            if flow is None:
                raise NotUnderstood(f"template {name} cannot be read")
            found[flow.namespace, flow.id] = flow.tasks
        return found

    def value(self, given: Any) -> Any:
        """An input value with its tags resolved."""
        if isinstance(given, list):
            return [self.value(item) for item in given]
        if not isinstance(given, Mapping):
            return given
        if "$upload" in given:
            return str(self.files / given["$upload"])
        if "$localFileUri" in given:
            return f"file://{self.files / given['$localFileUri']}"
        if "$repeat" in given:
            return str(given["$repeat"]["text"]) * int(given["$repeat"]["count"])
        if any(str(key).startswith("$") for key in given):
            raise NotUnderstood(f"input {dict(given)}")
        return {key: self.value(item) for key, item in given.items()}

    # --- References

    def local_uri(self, name: str) -> str:
        return f"file://{self.files / name}"

    def read(self, uri: str) -> bytes:
        with self.storage.open(uri) as stream:
            return stream.read()

    def decrypt(self, text: str) -> str:
        return decrypt(self.config["kestra.encryption.secret-key"], text)

    def now(self) -> dt.datetime:
        return self.clock.now()

    def execution(self) -> Execution:
        """The execution under test."""
        return self.executor.execution(self.first)

    def resolve(self, name: str) -> Any:
        parts = name.split(".")
        if name == "execution.id":
            return self.first
        if name == "original.id":
            return self.started[0]
        if name == "first.execution.id":
            return self.started[0]
        if parts[0] == "execution" and parts[1].isdigit():
            return self.numbered(int(parts[1])).id
        if parts[0] == "execution-kind":
            return self.executor.execution(parts[1]).kind
        if parts[0] == "flow":
            flow = next(iter(self.flows.all()))
            return flow.revision
        if parts[0] == "executions":
            return next(
                e.id for e in self.executor.executions() if e.flow_id == parts[1] and e.kind != "LOOP"
            )
        runs = self.execution().task_runs
        if parts[0] == "taskrun":
            if parts[1].isdigit():
                return runs[int(parts[1])].id
            return next(run.id for run in runs if run.task_id == parts[1])
        if parts[0] == "task" and parts[2] == "outputs":
            run = next(run for run in runs if run.task_id == parts[1])
            return (run.outputs or {}).get(parts[3])
        raise NotUnderstood(f"$ref {name}")

    def numbered(self, number: int) -> Execution:
        """Execution `number` by start order, of those that the case started."""
        if number > len(self.started):
            raise Mismatch(f"there is no execution {number}")
        return self.executor.execution(self.started[number - 1])

    def logs(self, execution: Execution) -> Sequence[LogEntry]:
        return self.executor.logs(execution.id)
