"""The `::{...}::` lines by which a script hands outputs, metrics and log entries to Kestra.

A line counts only when all of it matches; anything else is ordinary output (scripts.md 5). The reader is handed every
line of a process, from two threads at once, and is the only place that knows the wire format.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from simulator.dialect import Dialect
from simulator.engine.task import TaskLogger
from simulator.values import parse_duration

__all__ = ["DEBUG_MARKER", "INFO_MARKER", "LineReader"]

_LINE = re.compile(r"::(\{.*})::")
_LEVELS = frozenset({"ERROR", "WARN", "INFO", "DEBUG", "TRACE"})

#: Lines that 2.0 prints around `beforeCommands`: what stands between them is logged at DEBUG (scripts.md 2).
DEBUG_MARKER = "##kestra:log:debug##"
INFO_MARKER = "##kestra:log:info##"

RecordMetric = Callable[[str, float, str, Mapping[str, str]], None]


class LineReader:
    """Takes the output lines of one process: logs them, or obeys them.

    `outputs` is what the protocol lines gave so far (`vars` of the task run; later keys overwrite). A line that cannot be
    understood changes nothing and is answered by Kestra's warning `Invalid outputs '<message>'`.
    """

    def __init__(self, logger: TaskLogger, record_metric: RecordMetric, dialect: Dialect) -> None:
        self.outputs: dict[str, Any] = {}
        self._logger = logger
        self._record = record_metric
        self._metric_types = ("counter", "timer", "gauge") if dialect.major >= 2 else ("counter", "timer")
        self._markers = dialect.major >= 2
        self._level = "INFO"
        self._lock = threading.Lock()

    def stdout(self, line: str) -> None:
        """One line of standard output, without its line break."""
        with self._lock:
            if self._markers and line in (DEBUG_MARKER, INFO_MARKER):
                self._level = "DEBUG" if line == DEBUG_MARKER else "INFO"
            elif not self._obey(line):
                self._logger.log(self._level, "{}", line)

    def stderr(self, line: str) -> None:
        """One line of standard error: logged as ERROR, which does not change the state."""
        with self._lock:
            if not self._obey(line):
                self._logger.log("ERROR", "{}", line)

    def _obey(self, line: str) -> bool:
        match = _LINE.fullmatch(line)
        if match is None:
            return False
        try:
            # Everything is understood before anything is done: one bad metric makes the whole line void.
            message = json.loads(match[1], parse_constant=_no_constant)
            outputs = _map(message.get("outputs"), "outputs")
            metrics = [self._metric(item) for item in _list(message.get("metrics"), "metrics")]
            logs = [_log(item) for item in _list(message.get("logs"), "logs")]
        except ValueError as error:
            self._logger.warn("Invalid outputs '{}'", str(error))
            return True
        self.outputs.update(outputs)
        for metric in metrics:
            self._record(*metric)
        for level, text in logs:
            self._logger.log(level, "{}", text)
        return True

    def _metric(self, item: Any) -> tuple[str, float, str, Mapping[str, str]]:
        metric = _map(item, "metrics")
        kind, name, value = metric.get("type"), metric.get("name"), metric.get("value")
        if kind not in self._metric_types:
            known = ", ".join(sorted(self._metric_types))
            raise ValueError(f"Could not resolve type id '{kind}' as a metric: known type ids = [{known}]")
        if not isinstance(name, str):
            raise ValueError(f"a {kind} needs a name")
        tags = {key: str(tag) for key, tag in _map(metric.get("tags"), "tags").items()}
        return name, _number(value, str(kind)), str(kind), tags


def _no_constant(name: str) -> Any:
    raise ValueError(f"Non-standard token '{name}'")


def _map(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(
            f"Cannot deserialize value of `{name}`: expected an object, got {type(value).__name__}"
        )
    return value


def _list(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"Cannot deserialize value of `{name}`: expected a list, got {type(value).__name__}")
    return value


def _number(value: Any, kind: str) -> float:
    """The value of a metric; a timer may be a number of seconds or a Duration's text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        if kind == "timer" and value[:1] in "-+Pp":
            return parse_duration(value).total_seconds()
        try:
            return float(value)
        except ValueError:
            pass
    raise ValueError(f"Cannot deserialize the value of a {kind} from {json.dumps(value)}")


def _log(item: Any) -> tuple[str, str]:
    entry = _map(item, "logs")
    level = entry.get("level") or "INFO"
    if level not in _LEVELS:
        raise ValueError(f'Cannot deserialize value of type `Level` from String "{level}"')
    return level, str(entry.get("message"))
