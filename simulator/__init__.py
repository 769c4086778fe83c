"""Runs Kestra flows on this machine, for real, against test doubles.

    import simulator

    with simulator.run("flows/postgres_to_s3.yml") as execution:
        print(execution.state, execution.s3["kestra-bucket"]["data/users.csv"])

Names are loaded when they are first used: `import simulator` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator._version import __version__

if TYPE_CHECKING:
    from simulator.api import Execution as Execution
    from simulator.api import check as check
    from simulator.api import run as run
    from simulator.diagnostics import Diagnostic as Diagnostic
    from simulator.errors import SimulatorError as SimulatorError
    from simulator.session import Session as Session

__all__ = ["Diagnostic", "Execution", "Session", "SimulatorError", "__version__", "check", "run"]

_HOMES = {
    "Diagnostic": "simulator.diagnostics",
    "Execution": "simulator.api",
    "Session": "simulator.session",
    "SimulatorError": "simulator.errors",
    "check": "simulator.api",
    "run": "simulator.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
