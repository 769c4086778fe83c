"""Keeps scripts that install things from changing this machine.

In Kestra such a task runs in a container that is thrown away. Here, when its commands call pip, packages go to a folder
of this run (`PIP_TARGET`, on PYTHONPATH and PATH); when they call the system's package manager, a stand-in says that it
was not run and ends well, so that the commands go on when the program is there already and fail with 127 when not.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

__all__ = ["InstallGuard"]

_PIP = re.compile(r"\bpip3?\b")
_OWN_ENVIRONMENT = re.compile(r"\b(?:venv|virtualenv|conda|poetry|pipenv)\b")
_MANAGERS = ("apt-get", "apt", "apk", "yum", "dnf", "microdnf", "zypper", "pacman", "brew")
_MANAGER = re.compile(r"(?:^|[\s;&|(])(?:" + "|".join(_MANAGERS) + r")\s", re.MULTILINE)

# The line speaks the `::{}::` protocol: it becomes a warning in the task's log.
_STAND_IN = """#!/bin/sh
echo '::{{"logs":[{{"level":"WARN","message":"`{name}` is not run on this machine: the programs that it installs must be there already"}}]}}::'
"""


class InstallGuard:
    """What the environment of one script needs; a context manager, for it may own a folder."""

    def __init__(self, text: str) -> None:
        self._pip = bool(_PIP.search(text)) and not _OWN_ENVIRONMENT.search(text)
        self._system = bool(_MANAGER.search(text))
        self._folder: Path | None = None

    def __enter__(self) -> InstallGuard:
        if self._pip or self._system:
            self._folder = Path(tempfile.mkdtemp(prefix="simulate-install-"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """`env` with what keeps installations inside the folder."""
        result = dict(env)
        if self._folder is None:
            return result
        if self._pip:
            target = self._folder / "packages"
            result["PIP_TARGET"] = str(target)
            result["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
            result["PYTHONPATH"] = _joined(str(target), result.get("PYTHONPATH"))
            result["PATH"] = _joined(str(target / "bin"), result.get("PATH"))
        if self._system:
            stand_ins = self._folder / "bin"
            stand_ins.mkdir()
            for name in _MANAGERS:
                path = stand_ins / name
                path.write_text(_STAND_IN.format(name=name))
                path.chmod(0o755)
            result["PATH"] = _joined(str(stand_ins), result.get("PATH"))
        return result


def _joined(first: str, rest: str | None) -> str:
    return f"{first}{os.pathsep}{rest}" if rest else first
