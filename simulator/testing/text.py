"""Results of tests as text for people: a line or a dot per case, failures with all that explains them, a summary.

FAIL  flows/a.test.yml:12  happy
  expected '{{ outputs.count.value }}' to equal '4' but was '3'
    expression   {{ outputs.count.value }}
    parts        outputs.count.value = 3
    expected  4
    actual    3
    made by      count  SUCCESS  core.debug.Return  0.01 s  flows/a.yml:7
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from simulator.reports.console import short_type
from simulator.reports.style import Style, clean
from simulator.testing.assertions import TestState
from simulator.testing.results import CaseResult, Failure, tally

__all__ = ["DOTS", "case_line", "failure_text", "summary"]

DOTS = {TestState.SUCCESS: ".", TestState.FAILED: "F", TestState.ERROR: "E", TestState.SKIPPED: "s"}
_COLORS = {
    TestState.SUCCESS: ("green",),
    TestState.FAILED: ("red",),
    TestState.ERROR: ("red", "bold"),
    TestState.SKIPPED: ("yellow",),
}
_WORDS = {
    TestState.FAILED: "failed",
    TestState.ERROR: "error",
    TestState.SUCCESS: "passed",
    TestState.SKIPPED: "skipped",
}
_DIFF_LINES = 40


def paint(state: TestState, style: Style, text: str | None = None) -> str:
    return style(text if text is not None else str(state), *_COLORS[state])


def case_line(result: CaseResult, style: Style) -> str:
    """`PASS  flows/a.test.yml::happy  0.01 s`."""
    took = style(f"{result.seconds:.2f} s", "dim")
    return f"{paint(result.state, style, f'{result.state:<8}')} {clean(result.id)}  {took}"


def failure_text(result: CaseResult, style: Style) -> str:
    """Everything that explains why a case is not SUCCESS."""
    span = result.span
    title = f"{clean(result.suite)} > {clean(result.case)}"
    lines = [
        f"{paint(result.state, style)}  {style(title, 'bold')}  {clean(span.file)}:{span.start.line}",
    ]
    if result.execution_state is not None:
        lines.append(
            style(
                f"  flow {result.flow_file}, execution {result.execution_id} ended {result.execution_state}",
                "dim",
            )
        )
    for failure in result.failures:
        lines.append("")
        lines += _failure(failure, style)
    if result.logs:
        lines += ["", style("  logs", "dim")]
        for entry in result.logs[:10]:
            first, *rest = clean(entry).split("\n")
            lines.append(f"    {first}")
            lines += [f"          {line}" for line in rest]
    return "\n".join(lines)


def _failure(failure: Failure, style: Style) -> Iterator[str]:
    where = f"{failure.span.file}:{failure.span.start.line}: " if failure.span else ""
    first, *rest = clean(failure.message).split("\n")
    yield f"  {clean(where)}{style(first, 'red')}"
    for line in rest[:_DIFF_LINES]:
        yield f"    {line}"
    if failure.description:
        for line in clean(failure.description).split("\n"):
            yield style(f"    {line}", "dim")
    if failure.expression is not None:
        yield from _named("value", clean(failure.expression), style)
    for name, value in failure.parts:
        yield from _named("where", f"{clean(name)} = {clean(value)}", style)
    yield from _difference(failure, style)
    for item in failure.producers:
        value = f"[{clean(item.value)}]" if item.value is not None else ""
        facts = [
            f"{clean(item.task_id)}{value}",
            item.state,
            short_type(item.type),
            f"{item.seconds:.2f} s",
            *(["(fixture)"] if item.mocked else []),
            f"{clean(item.span.file)}:{item.span.start.line}" if item.span else "",
        ]
        yield from _named("task run", "  ".join(facts), style)


def _named(name: str, text: str, style: Style) -> Iterator[str]:
    first, *rest = text.split("\n")
    yield f"    {style(f'{name:<9}', 'dim')} {first}"
    for line in rest[:_DIFF_LINES]:
        yield f"              {line}"


def _difference(failure: Failure, style: Style) -> Iterator[str]:
    """Expected against actual: two lines, or a diff of many."""
    if failure.expected in (None, "") and failure.actual in (None, ""):
        return
    expected, actual = (
        clean(failure.expected or ""),
        clean("null" if failure.actual is None else failure.actual),
    )
    if "\n" not in expected and "\n" not in actual:
        sign = f" ({failure.operator})" if failure.operator else ""
        yield from _named("expected", style(expected, "green") + style(sign, "dim"), style)
        yield from _named("actual", style(actual, "red"), style)
        return
    colors = {"-": "green", "+": "red"}
    diff = list(
        difflib.unified_diff(
            expected.splitlines(), actual.splitlines(), "expected", "actual", lineterm="", n=2
        )
    )
    for line in diff[:_DIFF_LINES]:
        color = colors.get(line[:1])
        yield "      " + (style(line, color) if color else line)
    if len(diff) > _DIFF_LINES:
        yield f"      ... and {len(diff) - _DIFF_LINES} more lines"


def summary(results: Sequence[CaseResult], seconds: float, style: Style) -> str:
    """`1 failed, 3 passed in 0.41 s`, below a line for each case that is not SUCCESS."""
    lines = [
        f"{paint(result.state, style)} {clean(result.id)}"
        + (
            f" - {clean(result.failures[0].message).splitlines()[0]}"
            if result.failures and result.failures[0].message
            else ""
        )
        for result in results
        if not result.ok
    ]
    counts = tally(results)
    words = [
        paint(state, style, f"{counts[state]} {word}") for state, word in _WORDS.items() if counts[state]
    ]
    lines.append(f"{', '.join(words) or 'nothing ran'} in {seconds:.2f} s")
    return "\n".join(lines)
