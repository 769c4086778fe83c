"""The execution as an immutable value, with Kestra's field names.

Every change makes a new value; the executor is the only one who makes them. Their JSON form (the shape of Kestra's REST
API) is in `simulator.engine.jsonform`.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

__all__ = [
    "Attempt",
    "Execution",
    "History",
    "LogEntry",
    "Metric",
    "State",
    "StateType",
    "TaskRun",
    "replace",
]


class StateType(enum.StrEnum):
    """Kestra's states (State.Type)."""

    CREATED = "CREATED"
    SUBMITTED = "SUBMITTED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    BREAKPOINT = "BREAKPOINT"
    RESTARTED = "RESTARTED"
    KILLING = "KILLING"
    SUCCESS = "SUCCESS"
    WARNING = "WARNING"
    FAILED = "FAILED"
    KILLED = "KILLED"
    CANCELLED = "CANCELLED"
    QUEUED = "QUEUED"
    RETRYING = "RETRYING"
    RETRIED = "RETRIED"
    SKIPPED = "SKIPPED"
    RESUBMITTED = "RESUBMITTED"

    is_terminated: bool
    """Whether it is an end state (a plain attribute: nothing is asked more often)."""

    # that of Enum is a Python function; the text is the same
    __hash__ = str.__hash__

    @property
    def is_failed(self) -> bool:
        return self is StateType.FAILED

    @property
    def is_created(self) -> bool:
        return self in (StateType.CREATED, StateType.RESTARTED)

    @property
    def is_running(self) -> bool:
        return self in (StateType.RUNNING, StateType.KILLING)


_TERMINATED = frozenset(
    {
        StateType.FAILED,
        StateType.WARNING,
        StateType.SUCCESS,
        StateType.KILLED,
        StateType.CANCELLED,
        StateType.RETRIED,
        StateType.SKIPPED,
        StateType.RESUBMITTED,
    }
)
for _state in StateType:
    _state.is_terminated = _state in _TERMINATED


V = TypeVar("V")


@lru_cache(32)
def _shape(cls: type) -> tuple[Callable[[Any], tuple[Any, ...]], dict[str, int]]:
    names = [item.name for item in fields(cls)]
    return attrgetter(*names), {name: place for place, name in enumerate(names)}


def replace(value: V, **changes: Any) -> V:
    """`dataclasses.replace` for the values of this module, in half the time: the engine does little else.

    Raises KeyError for a field that there is not.
    """
    cls: Any = type(value)
    read, places = _shape(cls)
    values = [*read(value)]
    for name, item in changes.items():
        values[places[name]] = item
    return cls(*values)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class History:
    state: StateType
    date: dt.datetime


@dataclass(frozen=True, slots=True)
class State:
    """Current state and how it came to be. `histories` is never empty, oldest first."""

    histories: tuple[History, ...]

    @classmethod
    def created(cls, date: dt.datetime, state: StateType = StateType.CREATED) -> State:
        return _through(date, state)

    @classmethod
    def through(cls, date: dt.datetime, *states: StateType) -> State:
        """All these states at one moment."""
        return _through(date, *states)

    @property
    def current(self) -> StateType:
        return self.histories[-1].state

    @property
    def start_date(self) -> dt.datetime:
        return self.histories[0].date

    @property
    def end_date(self) -> dt.datetime | None:
        return self.histories[-1].date if self.current.is_terminated else None

    @property
    def duration(self) -> dt.timedelta | None:
        end = self.end_date
        return end - self.start_date if end else None

    def with_state(self, state: StateType, date: dt.datetime) -> State:
        """Appends an entry; the same state again changes nothing (State.withState)."""
        if state is self.current:
            return self
        return State((*self.histories, _entry(state, date)))


# In simulated time thousands of task runs go through the same states at the same moment: they share what says so.


@lru_cache(256)
def _entry(state: StateType, date: dt.datetime) -> History:
    return History(state, date)


@lru_cache(256)
def _through(date: dt.datetime, *states: StateType) -> State:
    return State(tuple([_entry(state, date) for state in states]))


@dataclass(frozen=True, slots=True)
class Attempt:
    state: State
    log_file: str | None = None


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One run of one task. `mocked` is ours: the outputs came from a mock or fixture, not from the task."""

    id: str
    execution_id: str
    namespace: str
    flow_id: str
    task_id: str
    state: State
    parent_task_run_id: str | None = None
    value: str | None = field(default=None, repr=False)
    iteration: int | None = None
    attempts: tuple[Attempt, ...] | None = None
    outputs: Mapping[str, Any] | None = field(default=None, repr=False)
    """In clear, for the tasks that come after: kept out of the representation, which lands in assertion messages."""
    dynamic: bool = False
    force_execution: bool = False
    mocked: bool = False

    def with_state(self, state: StateType, date: dt.datetime) -> TaskRun:
        # written out: `dataclasses.replace` takes three times as long, and this is the engine's most frequent step
        return TaskRun(
            self.id,
            self.execution_id,
            self.namespace,
            self.flow_id,
            self.task_id,
            self.state.with_state(state, date),
            self.parent_task_run_id,
            self.value,
            self.iteration,
            self.attempts,
            self.outputs,
            self.dynamic,
            self.force_execution,
            self.mocked,
        )


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of one flow (io.kestra.core.models.executions.Execution)."""

    id: str
    namespace: str
    flow_id: str
    state: State
    flow_revision: int = 1
    task_runs: tuple[TaskRun, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    outputs: Mapping[str, Any] | None = field(default=None, repr=False)
    labels: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    variables: Mapping[str, Any] | None = field(default=None, repr=False)
    trigger: Mapping[str, Any] | None = field(default=None, repr=False)
    parent_id: str | None = None
    original_id: str | None = None
    attempt_number: int = 1
    kind: str | None = None
    """None/NORMAL, TEST, PLAYGROUND, LOOP (2.0)"""
    loop: Mapping[str, Any] | None = field(default=None, repr=False)
    """For kind LOOP: task_id, task_run_id, index, key, value."""
    schedule_date: dt.datetime | None = None
    trigger_id: str | None = None
    """What created it: id and type of a trigger, or of the task of a parent (Subflow)."""
    trigger_type: str | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a task run's (or execution's) log; the message is already masked when it reaches a sink."""

    namespace: str
    flow_id: str
    execution_id: str
    level: str
    """ERROR, WARN, INFO, DEBUG, TRACE"""
    message: str
    timestamp: dt.datetime
    task_id: str | None = None
    task_run_id: str | None = None
    attempt_number: int | None = None
    trigger_id: str | None = None
    thread: str = "main"


@dataclass(frozen=True, slots=True)
class Metric:
    """A counter, gauge or timer (value in seconds) that a task run recorded."""

    name: str
    type: str
    value: float
    tags: Mapping[str, str] = field(default_factory=dict)
    task_id: str | None = None
    task_run_id: str | None = None
    execution_id: str | None = None
    timestamp: dt.datetime | None = None
