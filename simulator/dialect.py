"""Kestra 1.x and 2.0 as a value that is passed down, never a global.

Rooms ask a dialect for a *fact* (`dialect.binary_ion`), not for its number, so that each difference has a name.
A fact that only one room needs may live in that room, keyed by `dialect.major`.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIALECTS", "V1", "V2", "Dialect", "dialect_of"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One line of Kestra."""

    name: str
    """What the user writes after --kestra: "1" or "2"."""
    major: int
    version: str
    """The version whose behaviour this is, as the conformance cases name it."""
    binary_ion: bool
    """Rows are stored as binary Ion (2.0) or as Ion text, one row a line (1.x)."""
    submitted_state: bool
    """A runnable task run passes through SUBMITTED between CREATED and RUNNING."""
    flowable_attempts: bool
    """Flowable and skipped task runs have one attempt."""
    outputs_of_every_run: bool
    """Each task run has its place in `outputs`, without outputs as an empty map (TaskOutputService.computeOutputs)."""
    failing_sla_is_violated: bool
    """An SLA whose assertion does not render counts as violated; else it is ignored (SLAService)."""
    rounds_fail_twice: bool
    """A LoopUntil whose condition or limits fail says so twice: for its state, and for its next round."""
    exit_kills_at_once: bool
    """Exit to KILLED makes the execution KILLED without KILLING, and kills its subflows too."""

    def __str__(self) -> str:
        return self.version


V1 = Dialect(
    "1",
    1,
    "1.1",
    binary_ion=False,
    submitted_state=False,
    flowable_attempts=False,
    outputs_of_every_run=False,
    failing_sla_is_violated=False,
    rounds_fail_twice=False,
    exit_kills_at_once=False,
)
V2 = Dialect(
    "2",
    2,
    "2.0",
    binary_ion=True,
    submitted_state=True,
    flowable_attempts=True,
    outputs_of_every_run=True,
    failing_sla_is_violated=True,
    rounds_fail_twice=True,
    exit_kills_at_once=True,
)

DIALECTS: dict[str, Dialect] = {"1": V1, "1.1": V1, "2": V2, "2.0": V2}


def dialect_of(name: str) -> Dialect:
    """The dialect of a name (`1`, `1.1`, `2`, `2.0`). Raises KeyError for any other."""
    return DIALECTS[name]
