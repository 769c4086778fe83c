"""What came out of a test: plain, frozen, picklable, and masked when it is made, so that every sink may show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.diagnostics import Diagnostic, Span
from simulator.testing.assertions import AssertionFailure, AssertionResult, TestState

__all__ = ["CaseResult", "Failure", "Producer", "RunSummary", "tally"]


@dataclass(frozen=True, slots=True)
class Producer:
    """The task run that made what an assertion looks at."""

    task_id: str
    type: str
    state: str
    mocked: bool
    seconds: float
    span: Span | None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that did not hold. `operator` is None for what has no expression (an expected state, a log entry)."""

    message: str
    span: Span | None
    expression: str | None = None
    operator: str | None = None
    expected: str | None = None
    actual: str | None = None
    description: str | None = None
    parts: tuple[tuple[str, str], ...] = ()
    """Sub-expressions and what they were."""
    producers: tuple[Producer, ...] = ()
    error: bool = False
    """It could not be evaluated: the case is an ERROR."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One task run, for reports."""

    task_id: str
    type: str
    state: str
    value: str | None = None
    mocked: bool = False


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case. `state` is Kestra's; `failures` say why it is not SUCCESS."""

    file: str
    suite: str
    case: str
    namespace: str
    flow_id: str
    state: TestState
    span: Span
    seconds: float = 0.0
    flow_file: str | None = None
    execution_id: str | None = None
    execution_state: str | None = None
    assertion_results: tuple[AssertionResult, ...] = ()
    errors: tuple[AssertionFailure, ...] = ()
    failures: tuple[Failure, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    logs: tuple[str, ...] = ()
    """Warnings and errors of the run, one a line."""
    runs: tuple[RunSummary, ...] = ()
    reached: frozenset[tuple[str, ...]] = frozenset()
    """What of the flow it reached (`simulator.testing.coverage`)."""
    deployed: tuple[str, ...] = field(default=())

    @property
    def id(self) -> str:
        """`flows/a.test.yml::case`, as it is given to `-k` and kept for `--lf`."""
        return f"{self.file}::{self.case}"

    @property
    def ok(self) -> bool:
        return self.state in (TestState.SUCCESS, TestState.SKIPPED)

    def to_json(self) -> dict[str, Any]:
        """Kestra's UnitTestResult, and what we know beyond it (unit-tests.md 5)."""
        return {
            "testId": self.case,
            "testType": "io.kestra.core.tests.flow.UnitTest",
            "executionId": self.execution_id,
            "state": str(self.state),
            "assertionResults": [item.to_json() for item in self.assertion_results],
            "errors": [item.to_json() for item in self.errors],
            "file": self.file,
            "line": self.span.start.line,
            "seconds": round(self.seconds, 4),
            "executionState": self.execution_state,
            "failures": [
                {
                    "message": item.message,
                    "file": item.span.file if item.span else None,
                    "line": item.span.start.line if item.span else None,
                    "expression": item.expression,
                    "parts": dict(item.parts),
                }
                for item in self.failures
            ],
        }


def tally(results: Sequence[CaseResult]) -> Mapping[TestState, int]:
    """How many of each state."""
    found = dict.fromkeys(TestState, 0)
    for result in results:
        found[result.state] += 1
    return found
