"""Judges a finished execution: Kestra's assertions, the expected state, and what the side file expects.

A failure carries what a person needs to understand it: the expression, its parts with their values, expected and actual,
and the task runs that made the value. Nothing in it shows a secret: parts that call `secret()` are masked whatever their
length, all else goes through the run's redactor.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.diagnostics import Span
from simulator.engine.execution import TaskRun
from simulator.engine.scope import scope_of, variables_of
from simulator.errors import ExpressionError, SimulatorError
from simulator.expressions.scope import Scope
from simulator.expressions.text import as_text
from simulator.testing.assertions import (
    AssertionFailure,
    AssertionResult,
    Outcome,
    TestState,
    case_state,
    evaluate,
)
from simulator.testing.case import CaseSession
from simulator.testing.expectations import unmet
from simulator.testing.results import Failure, Producer
from simulator.testing.side import SuiteSide
from simulator.testing.suite import Assertion, Case, Suite

__all__ = ["Judge"]

_MASK = "******"
_PARTS = 12
_PART_LENGTH = 300


class Judge:
    """`results`, `errors` and `failures` are filled by `judge`."""

    def __init__(self, suite: Suite, case: Case, side: SuiteSide, session: CaseSession) -> None:
        assert session.execution is not None
        self._suite, self._case, self._side, self._session = suite, case, side, session
        self._redact = session.vault.redactor.redact
        self._execution = session.execution
        self.results: list[AssertionResult] = []
        self.errors: list[AssertionFailure] = []
        self.failures: list[Failure] = []

    def judge(self, error: SimulatorError | None = None) -> TestState:
        """The state of the case. `error`: what ended the run before its time."""
        if error is not None:
            self._error(error.message, self._case.span, error.hint)
        self._unsupported()
        outcomes = [self._assertion(assertion) for assertion in self._case.assertions]
        failed = self._state() + (0 if self._session.elsewhere else self._expectations())
        state = case_state(outcomes, failed=failed > 0)
        return TestState.ERROR if self.errors else state

    # --- assertions

    def _assertion(self, assertion: Assertion) -> Outcome:
        scope, renderer = self._scope(), self._session.executor.kernel.renderer
        outcome = evaluate(assertion, renderer, scope)
        secret = "secret(" in assertion.value
        for result in outcome.results:
            shown = self._shown(result, secret)
            self.results.append(shown)
            if not result.is_success:
                span = assertion.spans.get(result.operator, assertion.span)
                self.failures.append(self._failure(assertion, shown, scope, span))
        for item in outcome.errors:
            masked = AssertionFailure(self._redact(item.message), self._redact(item.details))
            self.errors.append(masked)
            self.failures.append(
                Failure(
                    masked.details.removeprefix("error was: "),
                    assertion.span,
                    assertion.value,
                    description=assertion.description,
                    parts=self._parts(assertion.value, scope),
                    producers=tuple(self._producers(assertion)),
                    error=True,
                )
            )
        return outcome

    def _scope(self) -> Scope:
        kernel = self._session.executor.kernel
        live = self._session.executor.live(self._execution.id)
        return scope_of(kernel, live, variables_of(kernel, live))

    def _shown(self, result: AssertionResult, secret: bool) -> AssertionResult:
        from dataclasses import replace

        if secret:
            message = "a value made of a secret does not fit" if result.error_message else None
            return replace(result, expected=_MASK, actual=_MASK, error_message=message)
        hide: dict[str, Any] = {
            name: self._redact(value)
            for name in ("expected", "actual", "error_message", "description")
            if isinstance(value := getattr(result, name), str)
        }
        return replace(result, **hide)

    def _failure(self, assertion: Assertion, result: AssertionResult, scope: Scope, span: Span) -> Failure:
        return Failure(
            result.error_message or "",
            span,
            assertion.value,
            result.operator,
            result.expected,
            result.actual,
            self._redact(assertion.description) if assertion.description else None,
            self._parts(assertion.value, scope),
            tuple(self._producers(assertion)),
        )

    def _parts(self, template: str, scope: Scope) -> tuple[tuple[str, str], ...]:
        from simulator.expressions.steps import trace

        try:
            steps, _ = trace(self._renderer(), template, scope)
        except ExpressionError as error:
            steps = getattr(error, "steps", ())
        found: dict[str, str] = {}
        for step in steps:
            if len(found) >= _PARTS:
                break
            if "secret(" in step.text:
                found[step.text] = _MASK
            elif step.error is not None:
                found[step.text] = self._redact(step.error.message.split("\n")[0])
            else:
                found[step.text] = self._text(step.value)
        return tuple(found.items())

    def _renderer(self) -> Any:
        from simulator.expressions.renderer import Renderer

        return Renderer(self._session.dialect)

    def _text(self, value: Any) -> str:
        try:
            text = "null" if value is None else as_text(value, self._session.dialect)
        except SimulatorError:
            text = str(value)
        text = self._redact(text)
        return text if len(text) <= _PART_LENGTH else text[:_PART_LENGTH] + "…"

    # --- where a value comes from

    def _producers(self, assertion: Assertion) -> Iterator[Producer]:
        wanted = {assertion.task_id: None} if assertion.task_id else {}
        wanted |= dict.fromkeys(self._named(assertion.value))
        tasks = {task.id: task for task in self._session.flow.walk_tasks()}
        for task_id in wanted:
            task = tasks.get(task_id)
            runs = [run for run in self._runs() if run.task_id == task_id]
            if task is None:
                continue
            if not runs:
                yield Producer(task_id, task.type, "did not run", False, 0.0, task.span)
            for run in runs[-3:]:
                duration = run.state.duration
                yield Producer(
                    task_id,
                    task.type,
                    str(run.state.current),
                    run.mocked,
                    duration.total_seconds() if duration else 0.0,
                    task.span,
                    self._redact(run.value) if run.value is not None else None,
                )

    def _named(self, template: str) -> Iterator[str]:
        from simulator.expressions.analyze import references

        try:
            found = references(template, self._session.dialect)
        except ExpressionError:
            return
        for reference in found:
            if (
                reference.kind == "variable"
                and reference.name in ("outputs", "tasks")
                and len(reference.path) > 1
                and isinstance(reference.path[1], str)
            ):
                yield reference.path[1]

    def _runs(self) -> Iterator[TaskRun]:
        for execution in self._session.executor.executions():
            yield from execution.task_runs

    # --- everything else

    def _error(self, message: str, span: Span | None, hint: str | None = None) -> None:
        text = self._redact(message)
        self.errors.append(AssertionFailure(text, self._redact(hint or "")))
        self.failures.append(
            Failure(text, span, description=self._redact(hint) if hint else None, error=True)
        )

    def _unsupported(self) -> None:
        """A task that cannot run here was reached without a fixture."""
        from simulator.world.stubs import needs_mock

        session = self._session
        tasks = {task.id: task for task in session.flow.walk_tasks()}
        for run in self._runs():
            task = tasks.get(run.task_id)
            if run.mocked or task is None or not needs_mock(task, session.registry, session.dialect):
                continue
            self._error(
                f"`{task.id}`: the type {task.type} cannot run here",
                task.span,
                f"give it a fixture: `fixtures.tasks: [{{id: {task.id}, outputs: {{...}}}}]`",
            )

    def _state(self) -> int:
        """The expected state: of the case (2.0: SUCCESS when it names none), or of the side file."""
        expect = self._side.expectations(self._case.id)
        wanted, span = self._case.expected_state, self._case.span
        if expect.get("state"):
            wanted = str(expect["state"])
            span = self._side.span("cases", self._case.id, "expect") or span
        elif wanted is None and self._session.dialect.major >= 2:
            wanted = "SUCCESS"
        actual = str(self._execution.state.current)
        if wanted is None or actual == wanted:
            return 0
        self.failures.append(
            Failure(
                f"expected the execution to end {wanted} but it ended {actual}",
                span,
                expected=wanted,
                actual=actual,
            )
        )
        return 1

    def _expectations(self) -> int:
        expect = self._side.expectations(self._case.id)
        if not expect:
            return 0
        count = 0
        logs = list(self._session.executor.logs())
        for key, (message, expected, found) in unmet(expect, self._session, logs):
            count += 1
            span = self._side.span("cases", self._case.id, "expect", key) or self._side.span("expect", key)
            self.failures.append(
                Failure(
                    self._redact(message),
                    span or self._case.span,
                    expected=self._redact(expected),
                    actual=self._redact(found),
                )
            )
        return count
