"""Runs `simulate` as people do: a process, its exit code, its two streams."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FLOWS = Path(__file__).parent.parent.parent / "flows"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


def environment(**more: str) -> dict[str, str]:
    """The caller's environment without what would change a run, and without colour."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("SIMULATE_", "SECRET_", "GITHUB_"))
    }
    return {**kept, "NO_COLOR": "1", **more}


def simulate(*argv: str | Path, cwd: Path | None = None, timeout: float = 60.0, **env: str) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "simulator", *map(str, argv)],
        cwd=cwd,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def example(target: Path) -> Path:
    """A copy of the example project; the path of its main flow."""
    shutil.copytree(FLOWS, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".simulate"))
    return target / "postgres_to_s3.yml"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new), "utf-8")
