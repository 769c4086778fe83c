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

__all__ = ["github_annotations", "html_report", "job_summary", "junit", "results_json"]

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


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Flow tests</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body {{ font: 15px system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; background: #fff }}
summary {{ cursor: pointer; padding: .3rem 0 }} pre {{ overflow-x: auto; background: #f4f4f4; padding: 1rem }}
.SUCCESS {{ color: #176d2c }} .FAILED, .ERROR {{ color: #b3211b }} .SKIPPED {{ color: #777 }}
@media (prefers-color-scheme: dark) {{ body {{ color: #ddd; background: #1b1b1b }} pre {{ background: #2a2a2a }}
.SUCCESS {{ color: #6fcf87 }} .FAILED, .ERROR {{ color: #ff8a80 }} }}
</style></head><body><h1>Flow tests</h1><p>{head}</p>{body}</body></html>
"""


def html_report(results: Sequence[CaseResult], seconds: float) -> str:
    """One file, without scripts: a line per case, and what explains it below."""
    from html import escape

    plain = Style(False)
    parts = []
    for (file, suite), items in _by_suite(results).items():
        parts.append(f"<h2>{escape(suite)}</h2><p>{escape(file)}</p>")
        for item in items:
            runs = "\n".join(
                f"{run.state:<9} {run.task_id}{f'[{run.value}]' if run.value is not None else ''}"
                f"  {run.type}{'  (fixture)' if run.mocked else ''}"
                for run in item.runs
            )
            text = runs if item.ok else f"{failure_text(item, plain)}\n\n{runs}"
            parts.append(
                f"<details{'' if item.ok else ' open'}><summary><b class={item.state}>{item.state}</b> "
                f"{escape(item.case)} <small>{item.seconds:.2f} s</small></summary><pre>{escape(text)}</pre></details>"
            )
    counts = tally(results)
    words = ", ".join(f"{count} {str(state).lower()}" for state, count in counts.items() if count)
    return _PAGE.format(head=f"{words} in {seconds:.2f} s", body="".join(parts))


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
