"""A data directory that is made once per user and server version, and copied for each run.

`initdb` takes half a second, a copy some tens of milliseconds. The template has one superuser, with a random password
that is kept beside it (0600), and demands SCRAM on every connection. It has been shut down cleanly and is never started.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from simulator.doubles.pg_binaries import Binaries
from simulator.doubles.platform import Identity, file_lock, run_as
from simulator.errors import DoubleError

__all__ = ["ADMIN", "Template", "copy_template", "ensure_template"]

ADMIN = "simulator_admin"

#: changes when what is made below changes
REVISION = 2


@dataclass(frozen=True, slots=True)
class Template:
    """A data directory ready to be copied, and how to log in to a copy."""

    data: Path
    major: int
    password: str


def ensure_template(binaries: Binaries, identity: Identity, cache: Path) -> Template:
    """The template for these binaries, made now if need be. Raises DoubleError with initdb's own words."""
    home = cache / f"postgres-{binaries.key}-{identity.uid}-{REVISION}"
    if not (home / "done").exists():
        with file_lock(cache / f"{home.name}.lock"):
            if not (home / "done").exists():
                _make(home, binaries, identity)
    major = int((home / "data" / "PG_VERSION").read_text().split(".")[0])
    return Template(home / "data", major, (home / "password").read_text())


def _make(home: Path, binaries: Binaries, identity: Identity) -> None:
    import os

    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o711)
    # initdb runs as the server's user and must be able to create the folder and to read the password.
    work = home / "data"
    work.mkdir(mode=0o700)
    password = secrets.token_urlsafe(24)
    pwfile = home / "initdb-password"
    for path in (pwfile, home / "password"):
        path.touch(mode=0o600)
        path.write_text(password)
    if identity.drop:
        os.chown(work, identity.uid, identity.gid)
        os.chown(pwfile, identity.uid, identity.gid)
    try:
        made = run_as(
            [
                binaries.program("initdb"),
                "-D",
                str(work),
                "-U",
                ADMIN,
                "--auth=scram-sha-256",
                f"--pwfile={pwfile}",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
                "--wal-segsize=1",
            ],
            identity=identity,
            env={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"},
            cwd=home,
        )
    finally:
        pwfile.unlink(missing_ok=True)
    if made.returncode:
        words = made.stderr.decode("utf-8", "replace").strip().splitlines()
        shutil.rmtree(home, ignore_errors=True)
        raise DoubleError("initdb failed: " + (words[-1] if words else f"exit code {made.returncode}"))
    (home / "done").touch()


def copy_template(template: Template, target: Path) -> None:
    """Copies the data directory with owners and modes; `target` must not exist."""
    # cp is twice as fast as shutil for a thousand small files.
    copied = subprocess.run(
        ["cp", "-a", str(template.data), str(target)],
        capture_output=True,
        check=False,
        start_new_session=True,
    )
    if copied.returncode:
        raise DoubleError(
            "cannot copy the database template: " + copied.stderr.decode("utf-8", "replace").strip(),
            hint="is there enough room in the temporary folder?",
        )
