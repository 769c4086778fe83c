"""Where a run keeps its files: `.simulate/runs/<stamp>/` with storage, working directories and events, mode 0700.

The state directory ignores itself in git. When it cannot be written (a read-only checkout), a run uses a temporary folder
and says so. After a `kill -9` the next start ends what the run had
started and removes its working directories. Old runs are pruned to `keep` when a new one starts; `keep` 0 leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import secrets
import shutil
import tempfile
import threading
from pathlib import Path

from simulator.diagnostics import Diagnostic, Severity
from simulator.doubles.platform import (
    OWNER_FILE,
    RUN_PREFIX,
    forget_child,
    kill_children,
    note_child,
    own,
    start_time,
    sweep,
)

__all__ = ["STATE_DIR", "RunDir", "is_worked_on"]

STATE_DIR = ".simulate"
_DEFAULT_KEEP = 20


class RunDir:
    """The folders of one run. `root` holds `storage/`, `work/` and `events.jsonl`."""

    def __init__(self, root: Path, *, keep: bool, notice: Diagnostic | None = None) -> None:
        self.root = root
        self.kept = keep
        self.notice = notice
        self.storage = root / "storage"
        self.work = root / "work"
        self._lock = threading.Lock()
        for folder in (self.storage, self.work):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own(root)

    @classmethod
    def create(cls, state_dir: Path | None = None, *, keep: int = _DEFAULT_KEEP) -> RunDir:
        """A new, empty run directory."""
        if keep <= 0:
            return cls(_temporary(), keep=False)
        state = (state_dir or Path(STATE_DIR)).absolute()
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S")  # a name, not a time of the run
        root = state / "runs" / f"{stamp}-{secrets.token_hex(4)}"
        try:
            _make_state_dir(state)
            root.mkdir(mode=0o700, parents=True)
            made = cls(root, keep=True)
        except OSError as error:
            shutil.rmtree(root, ignore_errors=True)
            notice = Diagnostic(
                "SIM-RUN-001",
                Severity.NOTICE,
                f"{state} cannot be written ({error.strerror}): this execution is not kept",
                hint="--state-dir DIR keeps executions elsewhere",
            )
            return cls(_temporary(), keep=False, notice=notice)
        _prune(made.root, keep)
        _sweep_work(state / "runs")
        return made

    def note_process(self, pid: int) -> None:
        """A process that works for this run: the next start ends it when we were killed."""
        with self._lock, contextlib.suppress(OSError):
            note_child(self.root, pid)

    def forget_process(self, pid: int) -> None:
        with self._lock, contextlib.suppress(OSError):
            forget_child(self.root, pid)

    def close(self) -> None:
        """Removes working directories, and everything when nothing is kept."""
        shutil.rmtree(self.work if self.kept else self.root, ignore_errors=True)
        if self.kept:
            with contextlib.suppress(OSError):
                (self.root / OWNER_FILE).unlink(missing_ok=True)


def is_worked_on(folder: Path) -> bool:
    """Whether the process of a kept run is still there."""
    try:
        owner = json.loads((folder / OWNER_FILE).read_text("utf-8"))
        return bool(start_time(int(owner["pid"])) == owner["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _temporary() -> Path:
    """A folder for a run that keeps nothing; those of runs that were killed go first."""
    root = Path(tempfile.gettempdir())
    sweep(root)
    return Path(tempfile.mkdtemp(prefix=f"{RUN_PREFIX}run-", dir=root))


def _sweep_work(runs: Path) -> None:
    """Ends the scripts and removes the working directories of runs that were killed; their events stay."""
    for owner in runs.glob(f"*/{OWNER_FILE}"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if kill_children(owner.parent):
                shutil.rmtree(owner.parent / "work", ignore_errors=True)
                owner.unlink(missing_ok=True)


def _make_state_dir(state: Path) -> None:
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = state / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", "utf-8")
    if not os.access(state, os.W_OK):
        raise PermissionError(13, "Permission denied", str(state))


def _prune(newest: Path, keep: int) -> None:
    """The oldest runs beside the newest go, but none that another process is working on."""
    # names begin with a second; runs of the same second are told apart by their last change
    others = sorted(
        (path for path in newest.parent.iterdir() if path.is_dir() and path != newest),
        key=lambda path: (path.name.partition("-")[0], path.stat().st_mtime_ns),
    )
    for path in others[: max(0, len(others) - (keep - 1))]:
        if not is_worked_on(path):
            shutil.rmtree(path, ignore_errors=True)
