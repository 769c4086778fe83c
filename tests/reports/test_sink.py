"""Where bytes leave: atomically into files, straight into what is no file."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from simulator.errors import StorageError
from simulator.reports.sink import write_atomically
from simulator.secrets.encode import write_private


def test_a_pipe_is_written_to_not_replaced(tmp_path: Path) -> None:
    """`--json /dev/null` as root would else leave a machine without /dev/null."""
    for write in (
        lambda path: write_atomically(path, b"text"),
        lambda path: write_private(path, "text"),
        lambda path: write_private(path, "text", force=True),
    ):
        pipe = tmp_path / "pipe"
        if not pipe.exists():
            os.mkfifo(pipe)
        read: list[bytes] = []
        reader = threading.Thread(target=lambda found=read, path=pipe: found.append(path.read_bytes()))
        reader.start()
        write(pipe)
        reader.join(5)
        assert read == [b"text"] and pipe.is_fifo()


def test_a_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    write_atomically(link, b"new")
    assert link.is_symlink() and real.read_text() == "new"
    write_private(link, "newer", force=True)
    assert link.is_symlink() and real.read_text() == "newer"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_what_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(StorageError, match="cannot write"):
        write_atomically(tmp_path / "file" / "below", b"new")
    assert (tmp_path / "file").read_text() == "old"
