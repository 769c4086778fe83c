"""The folder of a run, and what becomes of a run that cannot have one."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from simulator.world import rundir
from simulator.world.rundir import RunDir


def test_without_room_for_it_a_run_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = rundir.own

    def own(folder: Path) -> None:
        if tmp_path in folder.parents:
            raise OSError(errno.ENOSPC, "No space left on device", str(folder))
        real(folder)

    monkeypatch.setattr(rundir, "own", own)
    made = RunDir.create(tmp_path / "state")
    try:
        assert not made.kept and made.notice is not None and "No space left" in made.notice.message
        assert not list((tmp_path / "state" / "runs").iterdir()), "nothing half-made is left"
    finally:
        made.close()


def test_old_runs_go_but_none_that_is_worked_on(tmp_path: Path) -> None:
    running = RunDir.create(tmp_path)
    ended = RunDir.create(tmp_path)
    ended.close()
    assert (rundir.is_worked_on(running.root), rundir.is_worked_on(ended.root)) == (True, False)
    for _ in range(2):
        RunDir.create(tmp_path, keep=1).close()
    assert running.root.is_dir()
    assert not ended.root.is_dir()
    running.close()
    last = RunDir.create(tmp_path, keep=1)
    last.close()
    assert not running.root.is_dir()
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [last.root.name]
