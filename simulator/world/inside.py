"""Looking inside a run: commands for its doubles, and everything that it made, written to a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.session import Session

__all__ = ["export", "look_inside"]


def look_inside(session: Session) -> list[str]:
    """Commands that open a client on each started double. Passwords and keys stay out of them."""
    lines = []
    for name in session.supervisor.started():
        address = session.supervisor.ready(name)
        if name == "postgres":
            for user in address.facts.get("users") or ("postgres",):
                lines.append(f"psql -h {address.host} -p {address.port} -U {user} {user}")
        elif name == "s3":
            buckets = session.contents().get("s3") or {"": {}}
            lines += [
                f"aws --endpoint-url {address.url} s3 ls s3://{bucket} --recursive" for bucket in buckets
            ]
        else:
            lines.append(f"{name}  {address.host}:{address.port}")
    return lines


def export(session: Session, folder: Path) -> int:
    """Writes uploaded objects (`s3/<bucket>/<key>`) and the execution's files (`storage/...`); how many."""
    from simulator.reports.sink import write_atomically
    from simulator.storage.guard import relative_inside

    count = 0
    if "s3" in session.supervisor.started():
        double: Any = session.supervisor.get("s3")
        for bucket, objects in double.contents().items():
            for key in objects:
                path = relative_inside(folder.absolute(), f"s3/{bucket}/{key}")
                write_atomically(path, double.read(bucket, key))
                count += 1
    if session.rundir is not None:
        for path in sorted(session.rundir.storage.rglob("*")):
            if path.is_file():
                relative = path.relative_to(session.rundir.storage)
                write_atomically(folder / "storage" / relative, path.read_bytes())
                count += 1
    return count
