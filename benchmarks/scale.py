"""Runs as a user starts them, a fresh process each: a small flow, 10,000 iterations kept and not kept, with a report.

    python -m benchmarks.scale [--repeat N] [--iterations N]

CPU is that of the process (user and system); peak is its largest resident memory. The kinds of run take turns, so that
what else the machine does hits all of them; ratios are of the medians of CPU.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LOG = "type: io.kestra.plugin.core.log.Log"
HELLO = f'id: hello\nnamespace: bench\ntasks:\n  - {{id: hi, {LOG}, message: "hello {{{{ flow.id }}}}"}}\n'
LOOP = """id: loop
namespace: bench
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.{kind}
    values: [{values}]
    tasks:
      - {{id: log, {log}, message: "Hi {{{{ {value} }}}}"}}
"""


KINDS = (
    "hello",
    "nested",
    "foreach -q --keep 0",
    "foreach -q",
    "loop -q --keep 0",
    "loop -q",
    "foreach -q --keep 0 --report report.html",
)


def nested(depth: int) -> str:
    """Sequential tasks in each other."""
    lines = ["id: nested", "namespace: bench", "tasks:"]
    for level in range(depth):
        pad = "  " * (2 * level + 1)
        lines += [f"{pad}- id: level_{level}", f"{pad}  type: io.kestra.plugin.core.flow.Sequential"]
        lines.append(f"{pad}  tasks:")
    lines.append("  " * (2 * depth + 1) + f"- {{id: leaf, {LOG}, message: deep}}")
    return "\n".join(lines) + "\n"


def loop(kind: str, value: str, count: int) -> str:
    values = ", ".join(str(number) for number in range(count))
    return LOOP.format(kind=kind, values=values, value=value, log=LOG)


def once(arguments: list[str], folder: str) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds and peak MB of one run."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", *arguments], cwd=folder, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{arguments} ended with {process.returncode}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=10_000)
    args = parser.parse_args()
    flows = {
        "hello": HELLO,
        "nested": nested(50),
        "foreach": loop("ForEach", "taskrun.value", args.iterations),
        "loop": loop("Loop", "item.value", args.iterations),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, text in flows.items():
            (Path(folder) / f"{name}.yml").write_text(text, "utf-8")
        once(["hello.yml"], folder)
        runs: dict[str, list[tuple[float, float, int]]] = {kind: [] for kind in KINDS}
        for _ in range(args.repeat):
            for kind, taken in runs.items():
                name, *options = kind.split()
                taken += [once([f"{name}.yml", *options], folder) for _ in range(5 if name == "hello" else 1)]
        middle: dict[str, float] = {}
        for kind, taken in runs.items():
            walls, cpus, peaks = zip(*taken)
            middle[kind] = statistics.median(cpus)
            print(
                f"{kind:<44} wall {statistics.median(walls):6.2f} s ({min(walls):.2f}-{max(walls):.2f})"
                f"  cpu {middle[kind]:6.2f} s ({min(cpus):.2f}-{max(cpus):.2f})  peak {max(peaks)} MB"
            )
        for name in ("foreach", "loop"):
            print(f"{name}, kept / not kept: {middle[f'{name} -q'] / middle[f'{name} -q --keep 0']:.2f}")
        print(f"report.html: {(Path(folder) / 'report.html').stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
