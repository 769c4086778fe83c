"""Masking of values before they become text: every string of an event, wherever it stands.

Masking the finished text is not enough. A value that was cut to fit a column shows the beginning of a secret, one that
was escaped twice (JSON in a JSON string) has a form that nobody foresaw, and hiding a secret `2026` in a finished document
breaks its dates. So what users and tasks bring (outputs, inputs, labels, messages, items of loops) is masked in the event,
before any reporter cuts, escapes or writes it; states, dates, ids and types stay. The sinks mask their text once more.

    >>> from simulator.secrets.redact import Redactor
    >>> mask_deep({"url": "http://u:hunter2@h", "n": 1}, Redactor(["hunter2"]))
    {'url': 'http://u:******@h', 'n': 1}
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from simulator.diagnostics import Diagnostic, Severity
from simulator.engine.events import (
    DiagnosticRaised,
    Event,
    ExecutionChanged,
    ExecutionEnded,
    ExecutionStarted,
    LogEmitted,
    MetricEmitted,
    PropertiesRendered,
    TaskRunChanged,
)
from simulator.engine.execution import Execution, TaskRun
from simulator.secrets.redact import MASK

#: Fields of documents that no flow and no task writes: left alone by `mask_json` and by pages, or a secret `2026` would end the dates.
STRUCTURE = frozenset(
    {
        "e",
        "at",
        "id",
        "executionId",
        "taskRunId",
        "taskId",
        "triggerId",
        "flowId",
        "namespace",
        "parentTaskRunId",
        "parentId",
        "originalId",
        "current",
        "state",
        "date",
        "startDate",
        "endDate",
        "scheduleDate",
        "timestamp",
        "duration",
        "level",
        "severity",
        "code",
        "type",
        "kind",
        "event",
        "iteration",
        "attempt",
        "attemptNumber",
        "flowRevision",
        "exitCode",
        "line",
        "column",
        "end_line",
        "end_column",
        "dialect",
        "kestra",
    }
)

__all__ = [
    "STRUCTURE",
    "is_masked",
    "mask_deep",
    "mask_diagnostic",
    "mask_event",
    "mask_execution",
    "mask_json",
    "mask_json_lines",
    "masked_values",
]


class _Redacts(Protocol):
    def redact(self, text: str) -> str: ...


def mask_deep(
    value: Any, redactor: _Redacts, *, keys: bool = True, skip: frozenset[str] = frozenset()
) -> Any:
    """A copy with every string masked, in maps (`keys` too) and lists at any depth; the value itself when nothing is to
    hide. A number or bytes that are a secret become the mask. `skip`: keys of maps whose values stay."""
    match value:
        case None | bool():
            return value
        case str():
            return redactor.redact(value)
        case int() | float():
            return MASK if redactor.redact(str(value)) == MASK else value
        case bytes():
            hidden = redactor.redact(value.decode("utf-8", "surrogateescape"))
            encoded = base64.b64encode(value).decode()
            changed = (
                hidden.encode("utf-8", "surrogateescape") != value or redactor.redact(encoded) != encoded
            )
            return MASK if changed else value
        case Mapping():
            masked = {
                redactor.redact(key) if keys and isinstance(key, str) else key: item
                if key in skip and not isinstance(item, (Mapping, list))
                else mask_deep(item, redactor, keys=keys, skip=skip)
                for key, item in value.items()
            }
            return masked if masked != value else value
        case list() | tuple() | set() | frozenset():
            items = [mask_deep(item, redactor, keys=keys, skip=skip) for item in value]
            return value if all(a is b or a == b for a, b in zip(items, value, strict=True)) else items
    return value


def mask_json(text: str, redactor: _Redacts) -> str:
    """A JSON document (or line) with its strings masked: it stays JSON, and readable, whatever the secret is.

    The second net behind `mask_event`: it leaves keys alone and what only we write (`STRUCTURE`).
    """
    if redactor.redact(text) == text:
        return text
    indent = 2 if "\n" in text.rstrip("\n") else None
    masked = mask_deep(json.loads(text), redactor, keys=False, skip=STRUCTURE)
    return json.dumps(masked, ensure_ascii=False, indent=indent) + text[len(text.rstrip("\n")) :]


def mask_json_lines(lines: str, redactor: _Redacts) -> str:
    """JSON documents, one a line, each as `mask_json` masks it; one look for all when there is nothing to hide."""
    if redactor.redact(lines) == lines:
        return lines
    return "\n".join(mask_json(line, redactor) if line else line for line in lines.split("\n"))


def is_masked(value: Any) -> bool:
    """Whether a value that was kept holds a mask instead of a secret."""
    match value:
        case str():
            return MASK in value
        case Mapping():
            return any(is_masked(key) or is_masked(item) for key, item in value.items())
        case list() | tuple():
            return any(map(is_masked, value))
    return False


def masked_values(executions: Iterable[Execution]) -> list[Diagnostic]:
    """What a kept execution no longer has: values that held a secret were masked when they were written."""
    names: dict[str, None] = {}
    for execution in executions:
        for what in ("inputs", "variables", "trigger"):
            if is_masked(getattr(execution, what)):
                names[f"the {what} of {execution.flow_id}"] = None
        names.update(
            {
                f"the outputs of `{run_.task_id}`": None
                for run_ in execution.task_runs
                if is_masked(run_.outputs)
            }
        )
    if not names:
        return []
    return [
        Diagnostic(
            "SIM-RUN-005",
            Severity.WARNING,
            f"secrets were masked when this execution was kept: {', '.join(names)}. "
            "A task that reads these values now gets ****** instead",
            None,
            "secret() itself still works; to have these values again run the flow from the start",
        )
    ]


def mask_diagnostic(diagnostic: Diagnostic, redactor: _Redacts) -> Diagnostic:
    message = redactor.redact(diagnostic.message)
    hint = redactor.redact(diagnostic.hint) if diagnostic.hint else diagnostic.hint
    if message == diagnostic.message and hint == diagnostic.hint:
        return diagnostic
    return replace(diagnostic, message=message, hint=hint)


def _mask_run(run: TaskRun, redactor: _Redacts) -> TaskRun:
    outputs = mask_deep(run.outputs, redactor) if run.outputs else run.outputs
    value = redactor.redact(run.value) if run.value else run.value
    if outputs is run.outputs and value == run.value:
        return run
    return replace(run, outputs=outputs, value=value)


_BROUGHT = ("inputs", "outputs", "variables", "trigger", "loop")


def mask_execution(execution: Execution, redactor: _Redacts) -> Execution:
    """The execution with everything that a flow or its tasks put into it masked; itself when there is nothing to hide."""
    changed: dict[str, Any] = {}
    for name in _BROUGHT:
        value = getattr(execution, name)
        masked = mask_deep(value, redactor) if value else value
        if masked is not value:
            changed[name] = masked
    labels = tuple((redactor.redact(key), redactor.redact(value)) for key, value in execution.labels)
    if labels != execution.labels:
        changed["labels"] = labels
    runs = [_mask_run(run, redactor) for run in execution.task_runs]
    if any(run is not before for run, before in zip(runs, execution.task_runs, strict=True)):
        changed["task_runs"] = tuple(runs)
    return replace(execution, **changed) if changed else execution


def mask_event(event: Event, redactor: _Redacts) -> Event:
    """The event as every reporter may see it. The execution that runs keeps its values."""
    match event:
        case TaskRunChanged():
            run = _mask_run(event.task_run, redactor)
            fact = redactor.redact(event.fact) if event.fact else event.fact
            if run is event.task_run and fact == event.fact:
                return event
            return replace(event, task_run=run, fact=fact)
        case ExecutionStarted() | ExecutionChanged() | ExecutionEnded():
            execution = mask_execution(event.execution, redactor)
            return event if execution is event.execution else replace(event, execution=execution)
        case LogEmitted():
            message = redactor.redact(event.entry.message)
            if message == event.entry.message:
                return event
            return replace(event, entry=replace(event.entry, message=message))
        case MetricEmitted():
            return replace(event, metric=replace(event.metric, tags=mask_deep(event.metric.tags, redactor)))
        case PropertiesRendered():
            return replace(event, properties=mask_deep(event.properties, redactor))
        case DiagnosticRaised():
            return replace(event, diagnostic=mask_diagnostic(event.diagnostic, redactor))
    return event
