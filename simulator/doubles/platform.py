"""All that depends on the operating system: children that never outlive us, folders in memory, who is who.

Nothing else in this room touches signals, `/proc`, users or tmpfs. Linux and macOS; elsewhere the pieces that are
missing degrade to the plain thing (a temporary folder instead of tmpfs).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

__all__ = [
    "Child",
    "Identity",
    "cache_dir",
    "file_lock",
    "free_port",
    "make_run_dir",
    "remove_run_dir",
    "server_identity",
    "spawn_watched",
    "start_time",
    "sweep",
]

#: Names of run folders begin with this; `sweep` looks at nothing else.
RUN_PREFIX = "kestra-simulator-"
OWNER_FILE = ".owner.json"
#: tmpfs is used only where this much is free: Docker gives a container 64 MB.
TMPFS_NEEDED = 1 << 30


@dataclass(frozen=True, slots=True)
class Identity:
    """The user as whom a server runs. `drop` is False when that is us."""

    uid: int
    gid: int
    drop: bool


def server_identity() -> Identity:
    """Us, or an unprivileged user when we are root (PostgreSQL refuses to run as root)."""
    if os.geteuid() != 0:
        return Identity(os.geteuid(), os.getegid(), drop=False)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return Identity(found.pw_uid, found.pw_gid, drop=True)
    return Identity(65534, 65534, drop=True)


def cache_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Where things that are slow to make are kept, per user.

    Root's home is closed to the user that the server drops to, hence `/var/cache` there.
    """
    environ = os.environ if environ is None else environ
    if environ.get("SIMULATE_CACHE_DIR"):
        return Path(environ["SIMULATE_CACHE_DIR"])
    if os.geteuid() == 0:
        return Path("/var/cache/kestra-simulator")
    base = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".cache")
    return Path(base) / "kestra-simulator"


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Only one process at a time is inside; the lock goes away with its owner, however that ends."""
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on right now. Another process may be faster: retry on failure."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Processes ----------------------------------------------------------------------------------------------------


def start_time(pid: int) -> str | None:
    """When a process started, as an opaque text; None when there is none. With the pid it names a process for ever."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        shown = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return shown.stdout.strip() or None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


@dataclass(slots=True)
class Child:
    """A server process with, where it cannot watch us itself, the watcher that ends it when we die."""

    process: subprocess.Popen[bytes]
    watcher: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self, first: signal.Signals = signal.SIGINT, patience: float = 3.0) -> None:
        """Asks, waits, then kills. Never raises; a second call does nothing."""
        for number, wait in ((first, patience), (signal.SIGKILL, 2.0)):
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                self.process.send_signal(number)
            _wait(self.process, wait)
        if self.watcher is not None:
            # After the server: a pid must not be signalled once somebody else may have it.
            with contextlib.suppress(OSError):
                self.watcher.kill()
            _wait(self.watcher, 2.0)
            if self.watcher.stdin:
                with contextlib.suppress(OSError):
                    self.watcher.stdin.close()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """`wait` with a short first step: Popen.wait polls with growing pauses that cost milliseconds."""
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.001)


#: Reads until its parent is gone (the pipe closes), then asks the server to stop, and removes the run folder. The server
#: counts as gone with its pid file: in a container whose first process reaps nobody it would stay a zombie.
_WATCHER = (
    'read x; kill -INT "$1"; n=0;'
    ' while kill -0 "$1" && [ -e "$2/data/postmaster.pid" ] && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done;'
    ' kill -9 "$1"; rm -rf "$2"'
)


def spawn_watched(
    argv: Sequence[str],
    *,
    identity: Identity,
    env: Mapping[str, str],
    cwd: Path,
    log: IO[bytes],
    run_dir: Path,
) -> Child:
    """Starts a server in a session of its own (Ctrl-C does not hit it before us) that ends when we end.

    A pipe and a tiny shell do the watching: PR_SET_PDEATHSIG fires when the starting *thread* ends, and is lost when
    the user changes.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=cwd,
        env=dict(env),
        start_new_session=True,
        **_as_user(identity),
    )
    try:
        watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHER, "kestra-simulator-watch", str(process.pid), str(run_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    except BaseException:
        process.kill()
        process.wait()
        raise
    return Child(process, watcher)


def _as_user(identity: Identity) -> dict[str, Any]:
    if not identity.drop:
        return {}
    return {"user": identity.uid, "group": identity.gid, "extra_groups": []}


def run_as(
    argv: Sequence[str], *, identity: Identity, env: Mapping[str, str], cwd: Path
) -> subprocess.CompletedProcess[bytes]:
    """Runs a program to its end as a user; its output is captured."""
    return subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=cwd,
        env=dict(env),
        check=False,
        start_new_session=True,
        **_as_user(identity),
    )


# Folders ------------------------------------------------------------------------------------------------------


def run_root() -> Path:
    """The fastest place for files that die with the run: memory where there is enough, else the temporary folder."""
    shared = Path("/dev/shm")
    try:
        if os.access(shared, os.W_OK | os.X_OK) and shutil.disk_usage(shared).free >= TMPFS_NEEDED:
            return shared
    except OSError:
        pass
    return Path(tempfile.gettempdir())


def make_run_dir(name: str, identity: Identity | None = None) -> Path:
    """A new folder (0700) that says whose it is, so that a later start can sweep it after a `kill -9`."""
    folder = Path(tempfile.mkdtemp(prefix=f"{RUN_PREFIX}{name}-", dir=run_root()))
    own(folder)
    if identity is not None and identity.drop:
        os.chown(folder, identity.uid, identity.gid)
    return folder


def own(folder: Path) -> None:
    """Writes into a folder that it is ours as long as we live."""
    owner: dict[str, Any] = {"pid": os.getpid(), "started": start_time(os.getpid()), "children": []}
    (folder / OWNER_FILE).write_text(json.dumps(owner))


def kill_children(folder: Path) -> bool:
    """For a folder whose owner is gone: ends the groups of its noted children. False when the owner lives."""
    owner = json.loads((folder / OWNER_FILE).read_text())
    if start_time(int(owner["pid"])) == owner["started"]:
        return False
    for child in owner["children"]:
        if child["started"] is not None and start_time(int(child["pid"])) == child["started"]:
            with contextlib.suppress(ProcessLookupError):
                # Each leads a session of its own: its grandchildren go with it.
                os.killpg(int(child["pid"]), signal.SIGKILL)
    return True


def forget_child(folder: Path, pid: int) -> None:
    """The opposite of `note_child`."""
    path = folder / OWNER_FILE
    owner = json.loads(path.read_text())
    owner["children"] = [child for child in owner["children"] if child["pid"] != pid]
    path.write_text(json.dumps(owner))


def note_child(folder: Path, pid: int) -> None:
    """Writes a server's pid and start time into its run folder."""
    path = folder / OWNER_FILE
    owner = json.loads(path.read_text())
    owner["children"].append({"pid": pid, "started": start_time(pid)})
    path.write_text(json.dumps(owner))


def remove_run_dir(folder: Path) -> None:
    """Deletes a run folder; what cannot be deleted is left to the next sweep."""
    shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path | None = None) -> list[Path]:
    """Ends servers and deletes folders whose owner is gone (killed with -9, power lost). Returns the folders."""
    swept: list[Path] = []
    for folder in sorted((root or run_root()).glob(f"{RUN_PREFIX}*")):
        try:
            if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), server_identity().uid):
                continue
            if (folder / OWNER_FILE).lstat().st_uid != os.geteuid():
                continue
            if not kill_children(folder):
                continue
        except (OSError, ValueError, KeyError, TypeError):
            # Half-made or foreign: it is young, or somebody else's.
            continue
        remove_run_dir(folder)
        swept.append(folder)
    return swept
