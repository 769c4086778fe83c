"""Test suites as pytest sees them: a file with an item per case."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import SimulatorError
from simulator.reports.style import Style
from simulator.testing.assertions import TestState
from simulator.testing.results import CaseResult
from simulator.testing.runner import FoundCase, Runner, read_suites
from simulator.testing.text import failure_text

__all__ = ["CaseItem", "SuiteFile", "runner_of"]

_RUNNER = pytest.StashKey[Runner]()


class CaseFailed(Exception):  # noqa: N818 - pytest shows the name
    """A case that is not SUCCESS."""

    def __init__(self, result: CaseResult) -> None:
        super().__init__(result.failures[0].message if result.failures else str(result.state))
        self.result = result


class SuiteFile(pytest.File):
    """One suite."""

    def collect(self) -> Iterable[CaseItem]:
        kestra = str(self.config.getoption("--kestra"))
        try:
            found = read_suites([self.path], kestra=kestra)
        except SimulatorError as error:
            text = "\n".join(
                str(item) + (f"\n    {item.hint}" if item.hint else "") for item in error.to_diagnostics()
            )
            raise self.CollectError(text) from None
        for case in found:
            yield CaseItem.from_parent(self, name=case.case.id, found=case)


class CaseItem(pytest.Item):
    """One case."""

    def __init__(self, *, found: FoundCase, **rest: Any) -> None:
        super().__init__(**rest)
        self.found = found

    def runtest(self) -> None:
        result = runner_of(self.config).run(self.found)
        for entry in result.logs:
            self.add_report_section("call", "flow log", entry + "\n")
        if result.state is TestState.SKIPPED:
            pytest.skip("disabled")
        if not result.ok:
            raise CaseFailed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, CaseFailed):
            return failure_text(excinfo.value.result, Style(False))
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.found.case.span.start.line - 1, f"{self.found.suite.id} > {self.name}"


def runner_of(config: pytest.Config) -> Runner:
    """One runner per process: its doubles live as long as the session."""
    runner = config.stash.get(_RUNNER, None)
    if runner is None:
        kestra = str(config.getoption("--kestra"))
        flags = {"kestra": kestra} if kestra != "auto" else {}
        runner = config.stash[_RUNNER] = Runner(environ=dict(os.environ), flags=flags)
        runner.__enter__()
        config.add_cleanup(runner.pool.close)
    return runner
