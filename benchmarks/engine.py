"""Cost of the engine per task run: `python -m benchmarks.engine [--quick]`.

A ForEach (1.x) and a Loop (2.0) with one Log task, from 100 iterations on: the cost per iteration must not grow. Promised
for 10,000 iterations: under 3 seconds and 300 MB. Then what the shape of a flow costs: branches, nesting, sleeping
branches. Each in a process of its own, whose largest resident memory is shown. Figures: README.md.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from simulator.dialect import V1, V2, Dialect
from tests.engine.harness import LOG, SLEEP, World, flow


def _each(dialect: Dialect, count: int, limit: int = 1) -> str:
    kind, value = ("ForEach", "taskrun.value") if dialect is V1 else ("Loop", "item.value")
    values = json.dumps([str(number) for number in range(count)])
    return flow(f"""
    - id: each
      type: io.kestra.plugin.core.flow.{kind}
      concurrencyLimit: {limit}
      values: '{values}'
      tasks:
        - {{id: log, type: {LOG}, message: "Hi {{{{ {value} }}}}"}}
    """)


def _parallel(count: int, leaf: str) -> str:
    tasks = "\n".join(f"    - {{id: t{number}, {leaf}}}" for number in range(count))
    return flow(f"- id: par\n  type: io.kestra.plugin.core.flow.Parallel\n  tasks:\n{tasks}")


def measure(name: str, text: str, dialect: Dialect, count: int) -> float:
    """Runs a flow; prints seconds of CPU, microseconds per task and the peak of memory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        seconds, memory = pool.submit(_run, text, dialect.major, count).result()
    print(f"{name:<34}{count:>8}{seconds:>9.3f} s{seconds / count * 1e6:>9.0f} us{memory:>7} MB", flush=True)
    return seconds


def _run(text: str, major: int, count: int) -> tuple[float, int]:
    dialect = V1 if major == 1 else V2
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), text, dialect=dialect, sink=lambda event: None)
        ident = world.create()
        began = time.process_time()
        world.executor.run_until_idle()
        seconds = time.process_time() - began
        assert world.executor.execution(ident).state.current == "SUCCESS"
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _streams() -> None:
    """A file of 100 MB in and out of a script, cut into parts, and looped over: what it takes of time and memory."""
    from tests.engine.test_streaming import SIZE, WORK

    for kind, prepare in WORK.items():
        with tempfile.TemporaryDirectory() as folder:
            run = prepare(Path(folder), SIZE)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            began = time.perf_counter()
            run()
            seconds = time.perf_counter() - began
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        print(f"100 MB, {kind:<26}{'':>8}{seconds:>9.3f} s{'':>12}{grown:>7} MB more")


def main(arguments: list[str]) -> int:
    sizes = (100, 1_000, 10_000) if "--quick" in arguments else (100, 1_000, 10_000, 100_000)
    slow = False
    for dialect, kind in ((V1, "ForEach"), (V2, "Loop")):
        for count in sizes:
            seconds = measure(f"{kind}, one Log", _each(dialect, count), dialect, count)
            slow = slow or (count == 10_000 and seconds > 3)
    measure("ForEach without limit", _each(V1, 10_000, 0), V1, 10_000)
    measure("Parallel, Log", _parallel(1_000, f"type: {LOG}, message: x"), V2, 1_000)
    _streams()
    measure("Parallel, Sleep of a day", _parallel(500, f"type: {SLEEP}, duration: P1D"), V2, 500)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
