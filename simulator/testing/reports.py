"""Results of tests for machines: JUnit XML, JSON, GitHub annotations and job summary. Everything in a result is masked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from simulator.diagnostics import Diagnostic, Severity
from simulator.reports.github import annotation, summary_table
from simulator.reports.junit import JUnitCase, JUnitSuite, junit_xml
from simulator.reports.style import Style
from simulator.testing.assertions import TestState, suite_state
from simulator.testing.results import CaseResult, tally
from simulator.testing.text import failure_text

__all__ = ["github_annotations", "job_summary", "junit", "results_json"]

_KINDS = {TestState.FAILED: "failure", TestState.ERROR: "error", TestState.SKIPPED: "skipped"}


def _by_suite(results: Sequence[CaseResult]) -> dict[tuple[str, str], list[CaseResult]]:
    found: dict[tuple[str, str], list[CaseResult]] = {}
    for result in results:
        found.setdefault((result.file, result.suite), []).append(result)
    return found


def junit(results: Sequence[CaseResult]) -> str:
    """A suite per test suite, a case per test case."""
    plain = Style(False)
    return junit_xml(
        [
            JUnitSuite(
                suite,
                tuple(
                    JUnitCase(
                        name=item.case,
                        classname=f"{item.namespace}.{item.flow_id}",
                        seconds=item.seconds,
                        kind=_KINDS.get(item.state),
                        message=item.failures[0].message if item.failures else "",
                        details="" if item.ok else failure_text(item, plain),
                        output="\n".join(item.logs),
                        file=item.file,
                        line=item.span.start.line,
                    )
                    for item in items
                ),
            )
            for (_, suite), items in _by_suite(results).items()
        ]
    )


def results_json(results: Sequence[CaseResult]) -> str:
    """A list of Kestra's TestSuiteRunResult (unit-tests.md 5)."""
    document: list[dict[str, Any]] = [
        {
            "testSuiteId": suite,
            "namespace": items[0].namespace,
            "flowId": items[0].flow_id,
            "file": file,
            "state": str(suite_state(item.state for item in items)),
            "results": [item.to_json() for item in items],
        }
        for (file, suite), items in _by_suite(results).items()
    ]
    return json.dumps(document, ensure_ascii=False, indent=2)


def github_annotations(results: Sequence[CaseResult]) -> Iterator[str]:
    """`::error file=...` for everything that did not hold."""
    for result in results:
        for failure in result.failures:
            message = f"{result.suite} > {result.case}: {failure.message}"
            yield annotation(Diagnostic("SIM-TEST", Severity.ERROR, message, failure.span or result.span))


def job_summary(results: Sequence[CaseResult], seconds: float) -> str:
    """Markdown for the page of a GitHub job."""
    counts = tally(results)
    words = ", ".join(f"{count} {str(state).lower()}" for state, count in counts.items() if count)
    rows = [
        (
            str(item.state),
            f"{item.suite} > {item.case}",
            f"{item.file}:{item.span.start.line}",
            item.failures[0].message if item.failures else "",
            f"{item.seconds:.2f} s",
        )
        for item in results
        if not item.ok or len(results) <= 50
    ]
    title = f"Flow tests: {words} in {seconds:.1f} s"
    return summary_table(title, ("state", "case", "where", "why", "took"), rows) + "\n"
