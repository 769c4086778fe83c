"""JUnit XML: cases in, one document out. Used for runs (a case per task run) and for test suites."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

from simulator.engine.events import Event, ExecutionEnded, LogEmitted, TaskRunChanged
from simulator.engine.execution import StateType
from simulator.reports.sink import Writer

__all__ = ["JUnitCase", "JUnitReporter", "JUnitSuite", "junit_xml"]

# Characters that XML 1.0 cannot hold, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class JUnitCase:
    """One test. `kind` is None (passed), `failure`, `error` or `skipped`."""

    name: str
    classname: str
    seconds: float = 0.0
    kind: str | None = None
    message: str = ""
    details: str = ""
    output: str = ""
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class JUnitSuite:
    name: str
    cases: Sequence[JUnitCase] = field(default_factory=tuple)
    timestamp: str | None = None


def _xml_safe(text: str) -> str:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)


def junit_xml(suites: Sequence[JUnitSuite]) -> str:
    """The document, ready to be written."""
    root = ElementTree.Element("testsuites")
    for suite in suites:
        kinds = [case.kind for case in suite.cases]
        element = ElementTree.SubElement(
            root,
            "testsuite",
            name=_xml_safe(suite.name),
            tests=str(len(kinds)),
            failures=str(kinds.count("failure")),
            errors=str(kinds.count("error")),
            skipped=str(kinds.count("skipped")),
            time=f"{sum(case.seconds for case in suite.cases):.3f}",
        )
        if suite.timestamp:
            element.set("timestamp", suite.timestamp)
        for case in suite.cases:
            _case(element, case)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(parent: ElementTree.Element, case: JUnitCase) -> None:
    element = ElementTree.SubElement(
        parent,
        "testcase",
        name=_xml_safe(case.name),
        classname=_xml_safe(case.classname),
        time=f"{case.seconds:.3f}",
    )
    if case.file:
        element.set("file", _xml_safe(case.file))
    if case.line:
        element.set("line", str(case.line))
    if case.kind:
        child = ElementTree.SubElement(element, case.kind, message=_xml_safe(case.message))
        child.text = _xml_safe(case.details)
    if case.output:
        ElementTree.SubElement(element, "system-out").text = _xml_safe(case.output)


class JUnitReporter:
    """A run as a suite: the flow is the suite, every task run a case."""

    def __init__(self, write: Writer) -> None:
        self._write = write
        self._logs: dict[str, list[str]] = {}
        self._cases: dict[str, JUnitCase] = {}
        self._name = "flow"

    def on_event(self, event: Event) -> None:
        match event:
            case LogEmitted() if event.entry.task_run_id:
                line = f"{event.entry.level} {event.entry.message}"
                self._logs.setdefault(event.entry.task_run_id, []).append(line)
            case TaskRunChanged() if event.removed:
                self._cases.pop(event.task_run.id, None)
            case TaskRunChanged() if event.task_run.state.current.is_terminated:
                run = event.task_run
                state = run.state.current
                logs = self._logs.get(run.id, [])
                kind = {
                    StateType.FAILED: "failure",
                    StateType.KILLED: "error",
                    StateType.CANCELLED: "error",
                    StateType.SKIPPED: "skipped",
                }.get(state)
                duration = run.state.duration
                errors = [line for line in logs if line.startswith("ERROR")]
                self._cases[run.id] = JUnitCase(
                    name=run.task_id + (f"[{run.value}]" if run.value is not None else ""),
                    classname=f"{run.namespace}.{run.flow_id}",
                    seconds=duration.total_seconds() if duration else 0.0,
                    kind=kind,
                    message=errors[0] if errors and kind else (str(state) if kind else ""),
                    details="\n".join(errors) if kind else "",
                    output="\n".join(logs),
                )
            case ExecutionEnded():
                self._name = f"{event.execution.namespace}.{event.execution.flow_id}"

    def close(self) -> None:
        self._write(junit_xml([JUnitSuite(self._name, tuple(self._cases.values()))]))
