"""Where scripts find Kestra's helper libraries: small modules of ours, on the search path of the script only."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SHIM", "node_environment", "python_environment"]

SHIM = Path(__file__).parent / "shim"


def python_environment(*folders: str) -> dict[str, str]:
    """`PYTHONPATH` with `folders` first, then the folder that holds our `kestra` module."""
    return {"PYTHONPATH": ":".join([*folders, str(SHIM / "python")])}


def node_environment() -> dict[str, str]:
    """`NODE_PATH` with the folder that holds our `@kestra-io/libs`."""
    return {"NODE_PATH": str(SHIM / "node")}
