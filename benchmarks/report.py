"""The HTML report of many task runs in a real browser: seconds until it is open, milliseconds per frame while it scrolls.

    python -m benchmarks.report [--iterations N] [--kinds ForEach Loop Subflow]

Open means: parsed, laid out and painted twice. Says so and ends when there is no Chromium.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.scale import LOG, loop
from tests.reports.browser import CHROMIUM
from tests.reports.devtools import Tab

CALL = "type: io.kestra.plugin.core.flow.Subflow, namespace: bench, flowId: child, wait: true"
CHILD = f"id: child\nnamespace: bench\ntasks:\n  - {{id: hi, {LOG}, message: hi}}\n"
VALUES = {"ForEach": "taskrun.value", "Loop": "item.value"}


def flow(kind: str, count: int) -> tuple[str, str]:
    """Text of the flow, and the dialect that has it. `Subflow`: as many child executions."""
    if kind != "Subflow":
        return loop(kind, VALUES[kind], count), "2" if kind == "Loop" else "1"
    text = loop("ForEach", VALUES["ForEach"], count)
    head = text[: text.rindex("      - {")]
    return f"{head}      - {{id: log, {CALL}}}\n", "1"


def measure(kind: str, count: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        text, dialect = flow(kind, count)
        (Path(folder) / "flow.yml").write_text(text)
        (Path(folder) / "child.yml").write_text(CHILD)
        page = Path(folder) / "out.html"
        command = ["run", "flow.yml", "--kestra", dialect, "--report", str(page), "--keep", "0", "-q"]
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "simulator", *command], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        ran = time.perf_counter() - started
        with Tab(page) as tab:
            opened = tab.seconds_to_open
            heap = tab.js("performance.memory ? performance.memory.usedJSHeapSize : 0") / 1e6
        with Tab(page, "#tab=runs&task=log") as tab:
            frames = sorted(tab.frames(".scroll"))
            rows = tab.js("document.querySelectorAll('.row').length")
        return (
            f"{count:,} {kind}: run {ran:.1f} s, {page.stat().st_size / 1e6:.1f} MB, open {opened:.2f} s, heap {heap:.0f} MB; "
            f"frame median {statistics.median(frames):.1f} ms, 95 % {frames[int(len(frames) * 0.95)]:.1f} ms, "
            f"worst {frames[-1]:.1f} ms, {rows} rows in the document"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=10_000)
    parser.add_argument(
        "--kinds", nargs="+", choices=("ForEach", "Loop", "Subflow"), default=["ForEach", "Loop", "Subflow"]
    )
    arguments = parser.parse_args()
    if CHROMIUM is None:
        print("no Chromium on this machine: nothing measured")
        return
    for kind in arguments.kinds:
        print(measure(kind, arguments.iterations), flush=True)


if __name__ == "__main__":
    main()
