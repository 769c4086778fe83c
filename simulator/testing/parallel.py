"""Cases in several processes (`-n`): each has doubles of its own, and takes the next case when it is done with one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any

from simulator.testing.results import CaseResult
from simulator.testing.runner import FoundCase, Runner

__all__ = ["run_parallel"]

_AHEAD = 2
"""Cases that wait per process."""

_runner: Runner | None = None
_cases: Sequence[FoundCase] = ()


def _start(
    cases: Sequence[FoundCase], environ: Mapping[str, str], flags: Mapping[str, Any], coverage: bool
) -> None:
    import atexit

    global _runner, _cases
    _cases = cases
    _runner = Runner(environ=environ, flags=flags, coverage=coverage)
    _runner.__enter__()
    atexit.register(_runner.pool.close)


def _run(number: int) -> CaseResult:
    assert _runner is not None
    return _runner.run(_cases[number])


def run_parallel(
    cases: Sequence[FoundCase],
    processes: int,
    *,
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
    coverage: bool,
) -> Iterator[CaseResult]:
    """Results as they come. Closing the iterator ends the processes once their cases are done."""
    context = multiprocessing.get_context("forkserver")
    executor = ProcessPoolExecutor(
        processes, context, initializer=_start, initargs=(cases, dict(environ), dict(flags), coverage)
    )
    with executor:
        waiting: set[Future[CaseResult]] = set()
        numbers = iter(range(len(cases)))
        try:
            while True:
                while len(waiting) < processes * _AHEAD and (number := next(numbers, None)) is not None:
                    waiting.add(executor.submit(_run, number))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            for future in waiting:
                future.cancel()
