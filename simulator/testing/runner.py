"""Runs test suites: finds them and their flows, runs every case in this process, says what came out.

    with Runner(environ=os.environ) as runner:
        for found in runner.find([Path("flows")]):
            result = runner.run(found)               # CaseResult

Milliseconds per case: a flow is read once, doubles stay up between cases (`simulator.testing.doubles`), time is simulated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from simulator.diagnostics import Collector, Diagnostic, Span
from simulator.dialect import V1, V2, Dialect
from simulator.engine.execution import StateType
from simulator.errors import InvalidFlowError, NotFoundError, SimulatorError
from simulator.source.project import Project
from simulator.testing.assertions import AssertionFailure, TestState
from simulator.testing.case import CaseSession, open_case
from simulator.testing.doubles import DoublePool
from simulator.testing.judge import Judge
from simulator.testing.remote import Remote, has_local_fixtures
from simulator.testing.results import CaseResult, Failure, RunSummary
from simulator.testing.side import SuiteSide, read_suite_side, side_file_of_suite
from simulator.testing.suite import Case, Suite, read_suite

__all__ = ["FoundCase", "Runner", "check_tasks", "read_suites"]

_LEVELS = ("WARN", "ERROR")
_LOGS = 50


@dataclass(frozen=True, slots=True)
class FoundCase:
    """A case, its suite, and the flow that it tests."""

    suite: Suite
    case: Case
    side: SuiteSide = field(compare=False)
    flow_file: Path = field(compare=False)

    @property
    def id(self) -> str:
        return f"{self.suite.file}::{self.case.id}"


def read_suites(
    paths: Sequence[Path], *, kestra: str = "auto", collector: Collector | None = None
) -> list[FoundCase]:
    """Every case below the paths, in order; a flow stands for the suites of its folder that test it. Raises InvalidFlowError with all that is wrong with any suite or side file,
    NotFoundError for a path that does not exist."""
    for path in paths:
        if not path.exists():
            raise NotFoundError(f"there is no `{path}`")
    problems: list[Diagnostic] = []
    found: list[FoundCase] = []
    notes = collector if collector is not None else Collector()
    dialect = V1 if kestra == "1" else V2
    for suite in _suites(paths):
        try:
            found += _read(suite, dialect, notes)
        except SimulatorError as error:
            problems += error.to_diagnostics()
    if problems:
        raise InvalidFlowError("a test suite is not valid", diagnostics=problems, code="SIM-TEST-001")
    return found


def _suites(paths: Sequence[Path]) -> list[Path]:
    given = Project(paths)
    found = [item.path for item in given.suites()]
    for flow in given.flows():
        if any(path.is_file() and path.samefile(flow.path) for path in paths):
            found += [item.path for item in Project(flow.path.parent).suites_of(flow)]
    return list(dict.fromkeys(found))


def _read(path: Path, dialect: Dialect, notes: Collector) -> Iterator[FoundCase]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFlowError(f"cannot read {path}: {error}", code="SIM-TEST-001") from None
    suite = read_suite(text, str(path), dialect, collector=notes)
    side = read_suite_side(side_file_of_suite(path), suite)
    flow_file = _flow_of(suite, path.parent)
    for case in suite.cases:
        yield FoundCase(suite, case, side, flow_file)


def _flow_of(suite: Suite, folder: Path) -> Path:
    """The flow's file: beside the suite, below the folder above it, or anywhere below the working directory."""
    beside = Project(sorted(path for path in folder.iterdir() if path.is_file())).flow(
        suite.namespace, suite.flow_id
    )
    if beside is not None:
        return beside.path
    for root in dict.fromkeys((folder, folder.parent, Path.cwd())):
        known = _flows_below(root.resolve()).get((suite.namespace, suite.flow_id))
        if known is not None:
            return known
    raise InvalidFlowError(
        f"Invalid TestSuite: Flow with id: '{suite.flow_id}' does not exist on Namespace: '{suite.namespace}'.",
        span=suite.span,
        hint="no file with this id and namespace was found beside the suite or below the working directory",
        code="SIM-TEST-001",
    )


@lru_cache(maxsize=64)
def _flows_below(root: Path) -> Mapping[tuple[str, str], Path]:
    if root == Path(root.anchor) or root == Path.home():
        return {}
    flows: dict[tuple[str, str], Path] = {}
    for item in Project(root).flows():
        flows.setdefault((item.namespace, item.id), item.path)
    return flows


def check_tasks(cases: Sequence[FoundCase], kestra: str, collector: Collector) -> None:
    """Fixtures and assertions that name tasks which the flow does not have: they would have no effect. A flow that is not
    valid is left to its cases."""
    from simulator.testing.case import built_flow
    from simulator.testing.suite_check import check_against_flow
    from simulator.world.flowfile import read_flow_text

    for suite, flow_file in {item.suite.file: (item.suite, item.flow_file) for item in cases}.values():
        try:
            flow = built_flow(str(flow_file), read_flow_text(flow_file), kestra)
        except SimulatorError:
            continue
        check_against_flow(suite, {task.id for task in flow.walk_tasks()}, collector)


class Runner:
    """Runs cases one after the other. `coverage`: whether to note what of the flow they reach; `remote`: run them there."""

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        flags: Mapping[str, Any] | None = None,
        coverage: bool = False,
        pool: DoublePool | None = None,
        remote: Remote | None = None,
    ) -> None:
        self._environ = environ
        self._flags = dict(flags or {})
        self._coverage = coverage
        self.pool = pool or DoublePool()
        self._remote = remote

    def __enter__(self) -> Runner:
        self.pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pool.close()

    def run(self, found: FoundCase, *, watch: Callable[[CaseSession], None] | None = None) -> CaseResult:
        """Raises nothing but for a bug of ours: what goes wrong is an ERROR of the case. `watch` sees the session
        before it runs (to add reporters)."""
        started = time.perf_counter()
        if found.case.disabled or found.suite.disabled:
            return _result(found, TestState.SKIPPED)
        if self._remote is not None and has_local_fixtures(found.case):
            return _result(found, TestState.SKIPPED)
        try:
            session = open_case(
                found.flow_file,
                found.case,
                found.side,
                self.pool,
                environ=self._environ,
                flags=self._flags,
            )
        except SimulatorError as error:
            return _broken(found, error, started)
        with session:
            return self._run(found, session, watch, started)

    def _run(
        self,
        found: FoundCase,
        session: CaseSession,
        watch: Callable[[CaseSession], None] | None,
        started: float,
    ) -> CaseResult:
        recorder = None
        if self._coverage:
            from simulator.testing.coverage import Recorder

            recorder = Recorder(session)
        if watch is not None:
            watch(session)
        error: SimulatorError | None = None
        try:
            if self._remote is not None:
                self._remote.run(session)
            else:
                session.run()
                _answer(session)
        except SimulatorError as caught:
            error = caught
        if session.execution is None:
            return _broken(found, error, started, session) if error else _result(found, TestState.ERROR)
        reached = recorder.reached() if recorder is not None else frozenset()
        judge = Judge(found.suite, found.case, found.side, session)
        state = judge.judge(error)
        return _result(
            found,
            state,
            seconds=time.perf_counter() - started,
            execution_id=session.execution.id,
            execution_state=str(session.execution.state.current),
            assertion_results=tuple(judge.results),
            errors=tuple(judge.errors),
            failures=tuple(judge.failures),
            diagnostics=tuple(session.diagnostics),
            logs=_logs(session),
            runs=_runs(session),
            reached=reached,
        )


def _answer(session: CaseSession) -> None:
    """Answers of the side file to Pause tasks (`resume: {task: {input: value}}`)."""
    used: set[str] = set()
    while session.execution is not None and session.execution.state.current is StateType.PAUSED:
        waiting = [
            run.task_id
            for execution in session.executor.executions()
            for run in execution.task_runs
            if run.state.current is StateType.PAUSED and run.task_id in session.settings.resume
        ]
        fresh = [task_id for task_id in waiting if task_id not in used]
        if not fresh:
            return
        used.add(fresh[0])
        session.resume(session.settings.resume[fresh[0]] or {})


def _logs(session: CaseSession) -> tuple[str, ...]:
    redact = session.vault.redactor.redact
    entries = [entry for entry in session.executor.logs() if entry.level in _LEVELS]
    return tuple(
        redact(f"{entry.level:<5} {entry.task_id or entry.flow_id}  {entry.message}")
        for entry in entries[:_LOGS]
    )


def _runs(session: CaseSession) -> tuple[RunSummary, ...]:
    types = {task.id: task.type for task in session.flow.walk_tasks()}
    return tuple(
        RunSummary(run.task_id, types.get(run.task_id, ""), str(run.state.current), run.value, run.mocked)
        for execution in session.executor.executions()
        for run in execution.task_runs[:1000]
    )


def _result(found: FoundCase, state: TestState, **more: Any) -> CaseResult:
    return CaseResult(
        file=found.suite.file,
        suite=found.suite.id,
        case=found.case.id,
        namespace=found.suite.namespace,
        flow_id=found.suite.flow_id,
        state=state,
        span=found.case.span,
        flow_file=str(found.flow_file),
        **more,
    )


def _broken(
    found: FoundCase, error: SimulatorError, started: float, session: CaseSession | None = None
) -> CaseResult:
    """A case that could not even start."""
    vault = getattr(session, "vault", None)
    message = vault.redactor.redact(error.message) if vault is not None else error.message
    diagnostics = error.to_diagnostics()
    details = "\n".join(
        vault.redactor.redact(str(item)) if vault is not None else str(item) for item in diagnostics
    )
    span: Span | None = next((item.span for item in diagnostics if item.span is not None), found.case.span)
    hint = next((item.hint for item in diagnostics if item.hint), None)
    return _result(
        found,
        TestState.ERROR,
        seconds=time.perf_counter() - started,
        errors=(AssertionFailure(message, details),),
        failures=(Failure(message, span, description=hint, error=True),),
    )
