"""The state machine as a table, and how many states become one (execution.md 1, 3.3).

Kestra checks no transition; `TRANSITIONS` says which ones its executor makes. Property tests hold every history of every
execution against it.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.dialect import Dialect
from simulator.engine.execution import StateType as S

__all__ = ["TRANSITIONS", "final_state", "is_falsy", "is_legal", "softened"]

_END = frozenset({S.SUCCESS, S.WARNING, S.FAILED, S.KILLED, S.CANCELLED})

#: state -> the states that may follow it (task runs and executions; a restart may leave every end state).
TRANSITIONS: Mapping[S, frozenset[S]] = {
    S.CREATED: _END
    | {S.SUBMITTED, S.RUNNING, S.SKIPPED, S.QUEUED, S.BREAKPOINT, S.KILLING, S.PAUSED, S.RESUBMITTED},
    S.SUBMITTED: _END | {S.RUNNING, S.RESUBMITTED, S.RESTARTED},
    S.RUNNING: _END
    | {S.PAUSED, S.KILLING, S.RETRYING, S.RETRIED, S.RESTARTED, S.BREAKPOINT, S.QUEUED, S.RESUBMITTED},
    S.PAUSED: _END | {S.RUNNING, S.RESTARTED, S.KILLING, S.CREATED, S.RETRYING},
    S.BREAKPOINT: _END | {S.CREATED, S.RUNNING, S.KILLING},
    S.RESTARTED: _END | {S.SUBMITTED, S.RUNNING, S.QUEUED, S.KILLING, S.SKIPPED, S.BREAKPOINT, S.PAUSED},
    S.KILLING: frozenset({S.KILLED, S.SUCCESS, S.WARNING, S.FAILED, S.CANCELLED}),
    S.QUEUED: _END | {S.RUNNING, S.KILLING},
    S.RETRYING: _END | {S.CREATED, S.RUNNING, S.KILLING, S.RETRIED, S.PAUSED},
    S.FAILED: frozenset(
        {S.RESTARTED, S.RUNNING, S.RETRYING, S.RETRIED, S.SUCCESS, S.WARNING, S.KILLED, S.CANCELLED}
    ),
    S.SUCCESS: frozenset({S.RESTARTED, S.RUNNING, S.FAILED, S.WARNING, S.KILLED, S.CANCELLED}),
    S.WARNING: frozenset({S.RESTARTED, S.RUNNING, S.FAILED, S.SUCCESS, S.KILLED, S.CANCELLED}),
    S.KILLED: frozenset({S.RESTARTED, S.RUNNING}),
    S.CANCELLED: frozenset({S.RESTARTED, S.RUNNING, S.SUCCESS, S.WARNING, S.FAILED}),
    S.SKIPPED: frozenset({S.RESTARTED, S.RUNNING}),
    S.RETRIED: frozenset(),
    S.RESUBMITTED: frozenset(),
}

_PRIORITY_1 = (S.KILLED, S.FAILED, S.WARNING, S.PAUSED)
_PRIORITY_2 = (S.KILLED, S.FAILED, S.CANCELLED, S.WARNING, S.PAUSED)


def is_legal(before: S, after: S) -> bool:
    """Whether Kestra's executor ever goes from one to the other."""
    return after in TRANSITIONS[before]


def softened(state: S, *, allow_failure: bool, allow_warning: bool) -> S:
    """`allowFailure`: FAILED becomes WARNING; `allowWarning`: WARNING becomes SUCCESS (execution.md 3.3, 4)."""
    if state is S.FAILED and allow_failure:
        state = S.WARNING
    if state is S.WARNING and allow_warning:
        state = S.SUCCESS
    return state


def final_state(
    counts: Mapping[S, int],
    dialect: Dialect,
    *,
    allow_failure: bool = False,
    allow_warning: bool = False,
    terminal: S = S.SUCCESS,
) -> S:
    """The end state of a list of runs from how many are in which state (Execution.guessFinalState)."""
    priority = _PRIORITY_1 if dialect.major == 1 else _PRIORITY_2
    state = next((state for state in priority if counts.get(state)), terminal)
    return softened(state, allow_failure=allow_failure, allow_warning=allow_warning)


def is_falsy(text: str | None, dialect: Dialect) -> bool:
    """Kestra's falsy texts: `false`, `0`, `-0` and nothing (C/utils/TruthUtils; 2.0 trims first). None is not falsy."""
    if text is None:
        return False
    if dialect.major >= 2:
        text = text.strip()
    return text in ("false", "0", "-0", "")
