"""Wall time of the main job, `simulate flows/postgres_to_s3.yml`, as a user sees it: a fresh process each time.

python -m benchmarks.main_job --repeat 10
python -m benchmarks.main_job --cold            # also the first run ever: no cached data directory
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

FLOW = Path(__file__).parents[1] / "flows" / "postgres_to_s3.yml"


def once(argv: list[str], cache: str | None = None) -> tuple[float, float]:
    """Wall and CPU seconds (ours and our children's) of one process."""
    env = {**os.environ, **({"SIMULATE_CACHE_DIR": cache} if cache else {})}
    before = os.times()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "simulator", *argv], check=True, cwd=folder, env=env, capture_output=True
        )
    wall = time.perf_counter() - start
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu


def show(name: str, runs: list[tuple[float, float]]) -> None:
    walls = sorted(wall for wall, _ in runs)
    cpu = statistics.median(cpu for _, cpu in runs)
    print(
        f"{name:<12} median {statistics.median(walls):.3f} s  min {walls[0]:.3f} s  max {walls[-1]:.3f} s  cpu {cpu:.2f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--cold", action="store_true")
    args = parser.parse_args()
    if args.cold:
        # The dropped user of a root session must be able to walk into it.
        with tempfile.TemporaryDirectory(dir="/var/tmp") as cache:
            Path(cache).chmod(0o755)
            show("first ever", [once([str(FLOW)], cache)])
    once([str(FLOW)])
    show("--version", [once(["--version"]) for _ in range(args.repeat)])
    show("main job", [once([str(FLOW)]) for _ in range(args.repeat)])


if __name__ == "__main__":
    main()
