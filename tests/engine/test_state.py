"""The state machine as a table (execution.md 1, 3.3)."""

import pytest

from simulator.dialect import V1, V2
from simulator.engine.execution import StateType as S
from simulator.engine.state import TRANSITIONS, final_state, is_falsy, is_legal, softened


def test_every_state_has_a_row() -> None:
    assert set(TRANSITIONS) == set(S)


def test_nothing_follows_an_execution_that_another_one_replaced() -> None:
    assert not any(is_legal(S.RETRIED, after) for after in S)


@pytest.mark.parametrize(
    ("counts", "old", "new"),
    [
        ({S.SUCCESS: 2}, S.SUCCESS, S.SUCCESS),
        ({S.SKIPPED: 1}, S.SUCCESS, S.SUCCESS),
        ({S.WARNING: 1, S.SUCCESS: 1}, S.WARNING, S.WARNING),
        ({S.FAILED: 1, S.WARNING: 1}, S.FAILED, S.FAILED),
        ({S.KILLED: 1, S.FAILED: 1}, S.KILLED, S.KILLED),
        ({S.CANCELLED: 1, S.WARNING: 1}, S.WARNING, S.CANCELLED),
        ({S.CANCELLED: 1}, S.SUCCESS, S.CANCELLED),
    ],
)
def test_the_worst_state_wins_and_1x_overlooks_cancelled(counts: dict[S, int], old: S, new: S) -> None:
    assert final_state(counts, V1) is old
    assert final_state(counts, V2) is new


def test_allowed_failures_and_warnings() -> None:
    assert softened(S.FAILED, allow_failure=True, allow_warning=False) is S.WARNING
    assert softened(S.FAILED, allow_failure=True, allow_warning=True) is S.SUCCESS
    assert softened(S.WARNING, allow_failure=False, allow_warning=True) is S.SUCCESS
    assert softened(S.KILLED, allow_failure=True, allow_warning=True) is S.KILLED


@pytest.mark.parametrize("text", ["false", "0", "-0", ""])
def test_falsy_texts(text: str) -> None:
    assert is_falsy(text, V1)
    assert is_falsy(text, V2)


def test_only_2_trims_and_nothing_else_is_falsy() -> None:
    assert is_falsy(" false ", V2)
    assert not is_falsy(" false ", V1)
    assert not any(is_falsy(text, V2) for text in ("False", "no", "null", "[]"))
    assert not is_falsy(None, V2)
