"""What a push would change: staged differences as the rows that the push tasks store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.engine.task import RunContext
from simulator.plugins.git.repository import Git
from simulator.storage import ion

__all__ = ["staged", "store_rows"]


def staged(git: Git, folder: Path) -> list[dict[str, str]]:
    """Rows {file, additions, deletions, changes} of everything staged (fs-and-others.md 2)."""
    rows = []
    for line in git.run("diff", "--cached", "--numstat", "--no-renames", cwd=folder):
        added, deleted, name = line.split("\t", 2)
        plus, minus = (int(number) if number.isdigit() else 0 for number in (added, deleted))
        rows.append(
            {"file": name, "additions": f"+{plus}", "deletions": f"-{minus}", "changes": str(plus + minus)}
        )
    return rows


def store_rows(ctx: RunContext, rows: list[dict[str, Any]]) -> str:
    """An Ion file of rows; its URI."""
    path = ctx.temp_file(".ion")
    with path.open("wb") as target, ion.writer(target, binary=ctx.dialect.binary_ion) as writer:
        for row in rows:
            writer.write(row)
    return ctx.put_file(path)
