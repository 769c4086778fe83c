"""`--watch`: runs again what an edit touches, in a new process each time.

The parent imports the heavy part of the tool once and waits; for every round it forks, and the child does what
`simulate test` does. So a round sees every file anew, no module is imported twice, and a flow without doubles gives its
result within the time it takes to poll. A change of a suite or its side file runs that suite, of a flow (or its side
file) the suites of that flow, anything else all of them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from simulator.cli.console import Console
from simulator.errors import UnsupportedError
from simulator.source.project import Project

__all__ = ["touched", "watch"]

_POLL = 0.05
_ENDINGS = (".yml", ".yaml", ".sql", ".py", ".env", ".json", ".csv", ".ion")


def _stamps(roots: Iterable[Path]) -> dict[Path, int]:
    found: dict[Path, int] = {}
    for root in roots:
        folder = root if root.is_dir() else root.parent
        for path, names, files in os.walk(folder):
            names[:] = [
                name for name in names if not name.startswith(".") and name not in ("node_modules", "venv")
            ]
            for name in files:
                if name.endswith(_ENDINGS) or name.startswith(".env"):
                    try:
                        found[Path(path) / name] = (Path(path) / name).stat().st_mtime_ns
                    except OSError:
                        continue
    return found


def touched(changed: Iterable[Path], roots: Iterable[Path]) -> list[Path] | None:
    """The suites that an edit concerns; None for all of them."""
    suites = Project(roots).suites()
    found: list[Path] = []
    for path in changed:
        name = path.with_name(path.name.replace(".sim.yml", ".yml")).resolve()
        own = [item.path for item in suites if item.path.resolve() == name]
        if not own:
            flows = [item for item in Project(name.parent).flows() if item.path.resolve() == name]
            own = [
                item.path
                for item in suites
                for flow in flows
                if (item.namespace, item.flow_id) == (flow.namespace, flow.id)
            ]
        if not own:
            return None
        found += own
    return list(dict.fromkeys(found))


def watch(args: argparse.Namespace, console: Console) -> int:
    """Until Ctrl-C. Raises UnsupportedError where processes cannot be forked."""
    if not hasattr(os, "fork"):
        raise UnsupportedError("--watch needs a system that can fork")
    _warm()
    roots = list(args.paths) or [Path()]
    before = _stamps(roots)
    _round(args, console, None)
    try:
        while True:
            time.sleep(_POLL)
            now = _stamps(roots)
            if now == before:
                continue
            changed = [path for path in {*now, *before} if now.get(path) != before.get(path)]
            before = now
            console.err(f"\n--- {', '.join(sorted(path.name for path in changed))}")
            _round(args, console, touched(changed, roots))
    except KeyboardInterrupt:
        return 0


def _warm() -> None:
    """Imports what every round needs; nothing is started, no thread runs, so that forking is safe."""
    from simulator.engine import executor  # noqa: F401
    from simulator.expressions import renderer, steps  # noqa: F401
    from simulator.model import build, dialects  # noqa: F401
    from simulator.testing import reports, runner, select, text  # noqa: F401


def _round(args: argparse.Namespace, console: Console, suites: list[Path] | None) -> None:
    """One run in a child process."""
    from simulator.errors import SimulatorError

    started = time.monotonic()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        from simulator.cli.test import run_once

        code = 3
        try:
            if suites is not None:
                args.paths = suites
            code = run_once(args, console)
        except SimulatorError as error:
            console.report(error.to_diagnostics())
            code = int(error.exit_code)
        except KeyboardInterrupt:
            code = 130
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            import atexit

            atexit._run_exitfuncs()
            os._exit(code)
    os.waitpid(child, 0)
    console.err(f"--- {(time.monotonic() - started) * 1000:.0f} ms; waiting for changes (Ctrl-C ends)")
