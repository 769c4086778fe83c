"""Where `simulate eval --flow` and `--run` look: the variables and services of an execution, without running anything.

With `--flow` an execution is created as a run would create it (inputs, labels, variables) and left alone. With `--run` a
kept execution is read back. No double is started.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.errors import NotFoundError

if TYPE_CHECKING:
    from simulator.cli.console import Console
    from simulator.expressions.renderer import Renderer
    from simulator.expressions.scope import Scope

__all__ = ["context_of"]


@contextmanager
def context_of(args: argparse.Namespace, console: Console) -> Iterator[tuple[Renderer, Scope]]:
    """The renderer and scope of `--flow`, `--run` and `--task`. Secrets are known to the console's redactor."""
    from simulator.cli.options import flags_of
    from simulator.expressions.renderer import Renderer
    from simulator.session import Session

    flags = flags_of(args)
    stored: Any = None
    chosen: Any = None
    if args.run is not None:
        stored, chosen = _kept(args, flags)
        if flags.get("kestra") in (None, "auto") and stored.started.get("dialect"):
            flags["kestra"] = "1" if str(stored.started["dialect"]).startswith("1") else "2"
    flow_file = args.flow or Path(str(stored.started.get("file", "")))
    if not flow_file.is_file() and args.flow is None:
        raise NotFoundError(
            f"The flow's file `{flow_file}` is not there any more", hint="give it with --flow FILE"
        )
    # Nothing of this is kept: it is a look, not a run.
    flags["keep"] = 0
    session = Session.open(
        flow_file,
        flags=flags,
        environ=console.environ,
        side_file=args.side_file,
        local=False,
        redactor=console.arm(),
    )
    with session:
        executor = session.prepare()
        if stored is not None and session.rundir is not None:
            _bring(stored.folder / "storage", session.rundir.storage)
            executor.adopt(list(stored.executions.values()), stored.logs)
            execution_id = chosen.id
        else:
            execution_id = executor.create(
                session.flow.namespace, session.flow.id, session._given_inputs(), session.settings.labels
            ).id
        live = executor.live(execution_id)
        yield Renderer(session.dialect), _scope(executor, live, args.task)


def _kept(args: argparse.Namespace, flags: dict[str, Any]) -> tuple[Any, Any]:
    from simulator.engine.store import Store

    store = Store(flags.get("state_dir") or Path(".simulate"))
    return store.find(None if args.run == "last" else args.run)


def _bring(kept: Path, target: Path) -> None:
    """The files of the kept execution, for read() and kv(). Links will do: nothing is written."""
    if kept.is_dir():
        try:
            shutil.copytree(kept, target, copy_function=os.link, dirs_exist_ok=True)
        except (OSError, shutil.Error):
            shutil.copytree(kept, target, dirs_exist_ok=True)


def _scope(executor: Any, live: Any, task_id: str | None) -> Scope:
    """Of the execution, or of the last run of a task (of the task alone when it has not run)."""
    from simulator.engine.scope import scope_of, variables_of

    run = task = None
    if task_id is not None:
        task = live.placements.task(task_id)
        if task is None:
            raise NotFoundError(f"the flow has no task `{task_id}`")
        runs = [one for one in live.runs.values() if one.task_id == task_id]
        run = runs[-1] if runs else None
    return scope_of(executor.kernel, live, variables_of(executor.kernel, live, run, task))
