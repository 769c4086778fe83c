"""Results of tests for machines: JUnit XML, JSON, GitHub annotations and job summary. Everything in a result is masked."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from simulator.diagnostics import Diagnostic, Severity
from simulator.model.flow import Flow
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


_STYLE = """
:root { color-scheme: light dark; --ok: #176d2c; --bad: #b3211b; --soft: #777; --line: #98a2b3; --card: #fff; --pre: #f4f4f4; --ink: #222 }
@media (prefers-color-scheme: dark) { :root { --ok: #6fcf87; --bad: #ff8a80; --soft: #9aa5b4; --card: #1b1b1b; --pre: #2a2a2a; --ink: #ddd } }
body { font: 15px system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: var(--ink); background: var(--card) }
summary { cursor: pointer; padding: .3rem 0 } pre { overflow-x: auto; background: var(--pre); padding: 1rem }
.SUCCESS { color: var(--ok) } .FAILED, .ERROR, .KILLED { color: var(--bad) } .SKIPPED { color: var(--soft) }
.drawing { overflow-x: auto; padding: .5rem 0 } .fd text { font: 12px system-ui, sans-serif; fill: var(--ink) }
.fd .t { font-weight: 600 } .fd .s { fill: var(--soft); font-size: 11px } .fd rect { fill: var(--card); stroke: var(--line) }
.fd .SUCCESS > rect { stroke: var(--ok); stroke-width: 2 } .fd .FAILED > rect, .fd .KILLED > rect { stroke: var(--bad); stroke-width: 2.4 }
.fd .mocked > rect { stroke-dasharray: 6 3 } .fd .branch > rect { fill: none; stroke-dasharray: 4 3 }
.fd path { fill: none; stroke: var(--line) } .fd marker path { fill: var(--line); stroke: none }
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Flow tests</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'">
<style>{style}</style></head><body><h1>Flow tests</h1><p>{head}</p>{body}</body></html>
"""
_WORST = ("FAILED", "KILLED", "WARNING", "SKIPPED", "SUCCESS")


def _drawing(result: CaseResult, flows: dict[str, Flow | None]) -> str:
    """The flow with the states that its tasks reached in this case; nothing when it cannot be read any more."""
    from simulator.reports.drawing import layout, svg

    if result.flow_file is None:
        return ""
    if result.flow_file not in flows:
        flows[result.flow_file] = _flow(result.flow_file)
    flow = flows[result.flow_file]
    if flow is None:
        return ""
    facts: dict[str, str] = {}
    for run in result.runs:
        states = [item.state for item in result.runs if item.task_id == run.task_id]
        state = next((name for name in _WORST if name in states), "")
        facts[run.task_id] = f"{state} mocked" if run.mocked else state
    return f'<div class="drawing">{svg(layout(flow), title=f"{flow.id} in {result.case}", style=False, facts=facts)}</div>'


def _flow(file: str) -> Flow | None:
    from simulator.errors import SimulatorError
    from simulator.model.dialects import choose
    from simulator.plugins.registry import Registry
    from simulator.world.flowfile import read_flow_text

    try:
        return choose(read_flow_text(Path(file)), file, Registry()).flow
    except SimulatorError:
        return None


def html_report(results: Sequence[CaseResult], seconds: float) -> str:
    """One file, without scripts: a line per case; below it the flow as far as it came, and what explains the outcome."""
    from html import escape

    plain = Style(False)
    flows: dict[str, Flow | None] = {}
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
                f'<details{"" if item.ok else " open"}><summary><b class="{item.state}">{item.state}</b> '
                f"{escape(item.case)} <small>{item.seconds:.2f} s</small></summary>"
                f"{_drawing(item, flows)}<pre>{escape(text)}</pre></details>"
            )
    counts = tally(results)
    words = ", ".join(f"{count} {str(state).lower()}" for state, count in counts.items() if count)
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    head = f"{words} in {seconds:.2f} s"
    return _PAGE.format(hash=digest, style=_STYLE, head=head, body="".join(parts))


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
