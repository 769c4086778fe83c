"""One test case: an ordinary session with canned task runs, doubles that are lent, and no trace on disk.

What a case finds is, from weak to strong: the side file of the flow, that of the suite, the case's own part of it, and
the fixtures. Source of the fixtures' rules: unit-tests.md 2.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from simulator.doubles.platform import run_root
from simulator.engine.execution import Execution, StateType, TaskRun
from simulator.engine.task import TaskResult
from simulator.errors import UsageError
from simulator.model.flow import Flow, Task
from simulator.session import Session
from simulator.storage.local import execution_prefix
from simulator.testing.doubles import DoublePool
from simulator.testing.side import SuiteSide
from simulator.testing.suite import Case, Fixtures
from simulator.world.config import Settings, merge
from simulator.world.flowfile import read_flow_text
from simulator.world.mocks import Mocks
from simulator.world.rundir import RunDir
from simulator.world.sidefile import SideFile, read_side_file, side_file_of

__all__ = ["CaseSession", "built_flow", "case_side", "open_case"]

#: `taskrun` and its kin belong to a task run; a fixture is rendered with the execution's context.
_KIND = "TEST"


class _Fixtures(Mocks):
    """Canned task runs (those of the tested execution and its loop iterations), then mocks."""

    def __init__(self, settings: Settings, fixtures: Fixtures, executor: Any) -> None:
        super().__init__(settings.mocks, settings.mock_types)
        self._fixtures = fixtures
        self._executor = executor

    def result(self, flow: Flow, task: Task, run: TaskRun) -> TaskResult | None:
        fixture = self._fixtures.task(task.id, run.value)
        if fixture is None:
            return None
        from simulator.engine.scope import scope_of, variables_of

        live = outer = self._executor.live(run.execution_id)
        while outer.loop_of is not None:
            outer = outer.loop_of[0]
        if outer.value.parent_id is not None:
            return None  # a subflow runs for real: it gets no fixtures
        kernel = self._executor.kernel
        outputs = None
        if fixture.outputs is not None:
            outputs = kernel.renderer.render_deep(
                fixture.outputs, scope_of(kernel, live, variables_of(kernel, live))
            )
        return TaskResult(outputs, StateType(fixture.state))


class CaseSession(Session):
    """A session of one case. Build it with `open_case`."""

    fixtures: Fixtures = Fixtures()
    watched: Any = None
    """A renderer in place of the run's own (coverage)."""
    elsewhere = False
    """Whether the execution ran on a server."""
    _id = ""
    """Of the execution: its files are stored before it is made."""

    def _refuse_unsupported(self) -> None:
        """Nothing is refused ahead: a case may never come to a task that cannot run here. One that does fails."""
        self.diagnostics = [item for item in self.diagnostics if item.code != "SIM-TYPE-010"]

    def _build_flow(self) -> Flow:
        if self.settings.config.get("plugin_defaults"):
            return super()._build_flow()
        flow, found, dialect = _built(str(self.flow_file), self.text, self.settings.kestra)
        self.dialect = dialect
        self.diagnostics += found
        return flow

    def build(self) -> Flow:
        """The flow, read and checked. Raises InvalidFlowError."""
        return super()._build_flow()

    def _new_rundir(self) -> RunDir:
        """In memory where there is room: a case lives for milliseconds."""
        return RunDir(Path(tempfile.mkdtemp(prefix="simulate-", dir=run_root())), keep=False)

    def _engine_settings(self) -> Any:
        # Test executions start no flow that listens to them.
        return replace(super()._engine_settings(), execution_kind=_KIND, run_flow_triggers=False)

    def prepare(self) -> Any:
        if self.executor is not None:
            return self.executor
        executor = super().prepare()
        kernel = executor.kernel
        kernel.mocks = _Fixtures(self.settings, self.fixtures, executor)
        if self.watched is not None:
            kernel.renderer = self.watched
        self._id = kernel.new_id()
        if self.fixtures.files:
            kernel.settings = replace(kernel.settings, variables={"files": self._files()})
        return executor

    def _create(self) -> Execution:
        trigger = self.fixtures.trigger
        inputs = self._rendered(self._given_inputs())
        if self.settings.trigger is not None and trigger is None:
            return super()._create()
        options: dict[str, Any] = {"execution_id": self._id}
        if trigger is not None:
            options |= {
                "trigger": self._rendered(dict(trigger.variables)),
                "trigger_source": (trigger.id, trigger.type or ""),
            }
        return self.executor.create(  # type: ignore[no-any-return]
            self.flow.namespace, self.flow.id, inputs, self.settings.labels, **options
        )

    def check(self) -> None:
        """Checks belong to `simulate check`: a case says what it found, and nothing else."""

    def _files(self) -> dict[str, str]:
        """The fixture's files, stored: name -> URI. An expression that gives a URI stands for that file."""
        prefix = execution_prefix(self.flow.namespace, self.flow.id, self._id) + "/fixtures"
        found: dict[str, str] = {}
        for name, content in self.fixtures.files.items():
            text = self._render(content)
            is_uri = text != content and text.startswith("kestra://")
            found[name] = text if is_uri else self.storage.put_at(f"{prefix}/{name}", text.encode())
        return found

    def _rendered(self, value: Any) -> Any:
        """Expressions in fixtures: they see `files`, `envs`, secrets and functions."""
        match value:
            case str() if "{{" in value or "{%" in value:
                return self._render(value)
            case Mapping():
                return {key: self._rendered(item) for key, item in value.items()}
            case list():
                return [self._rendered(item) for item in value]
        return value

    def _render(self, text: str) -> str:
        found = self.executor.evaluate(text, variables=self.executor.kernel.settings.variables, masked=False)
        return str(found or "")


@lru_cache(maxsize=256)
def _built(file: str, text: str, kestra: str) -> tuple[Flow, tuple[Any, ...], Any]:
    """A flow is built once for all of its cases: it is immutable."""
    session = CaseSession(Path(file), text, Settings(kestra=kestra), None)
    flow = session.build()
    return flow, tuple(session.diagnostics), session.dialect


def built_flow(file: str, text: str, kestra: str = "auto") -> Flow:
    """A flow, read and checked. Raises InvalidFlowError."""
    return _built(file, text, kestra)[0]


def case_side(flow_file: Path, side: SuiteSide, case_id: str) -> SideFile:
    """What a case finds: the flow's side file, below the suite's, below the case's own keys."""
    own = side.for_case(case_id)
    path = side_file_of(flow_file)
    if not path.exists():
        return own
    beside = _side_file(path, path.stat().st_mtime_ns)
    if beside.path.parent.resolve() == side.path.parent.resolve():
        below: Mapping[str, Any] = beside.data
    else:
        below = _absolute(beside)
    return SideFile(side.path, own.node, _merged(below, own.data))


@lru_cache(maxsize=256)
def _side_file(path: Path, stamp: int) -> SideFile:
    return read_side_file(path)


def _absolute(side: SideFile) -> dict[str, Any]:
    """The data with every path of a file that exists made absolute: it will be read from another folder."""

    def visit(value: Any) -> Any:
        match value:
            case Mapping():
                return {key: visit(item) for key, item in value.items()}
            case list():
                return [visit(item) for item in value]
            case str() if value and len(value) < 1024 and "\n" not in value and "{{" not in value:
                path = side.resolve(value)
                return str(path) if ("/" in value or "." in value) and path.exists() else value
        return value

    keys = ("env_files", "flows", "namespace_files", "doubles", "http")
    return {key: visit(value) if key in keys else value for key, value in side.data.items()}


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(one)
    for key, value in other.items():
        before = result.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return result


def open_case(
    flow_file: Path,
    case: Case,
    side: SuiteSide,
    pool: DoublePool,
    *,
    environ: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
) -> CaseSession:
    """A session ready to run. Raises SimulatorError when the flow or a side file is not valid."""
    found = case_side(flow_file, side, case.id)
    given = {"keep": 0, **(flags or {}), "inputs": dict(case.fixtures.inputs)}
    settings = merge(given, environ, found)
    # merge takes 0 for absent
    settings = replace(settings, keep=0)
    session = CaseSession(flow_file, read_flow_text(flow_file), settings, found)
    session.fixtures = case.fixtures
    session.supervisor = pool.for_case(found, settings)
    try:
        session._load(environ, Path.cwd())
    except BaseException:
        session.close()
        raise
    unknown = [
        fault.get("double")
        for fault in settings.faults
        if fault.get("double") not in ("postgres", "s3", "http", "aws")
    ]
    if unknown:
        session.close()
        raise UsageError(f"faults: there is no double `{unknown[0]}` to fail")
    return session
