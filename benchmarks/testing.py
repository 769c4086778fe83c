"""How long 1,000 tests of the main flow take, doubles included: `python benchmarks/testing.py [CASES] [PROCESSES]`.

Each case runs both tasks for real (a query over the wire, an upload) and looks at rows and objects afterwards. The goal is
one minute on two cores.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLOWS = Path(__file__).parent.parent / "flows"

CASE = """  - id: case_{number}
    type: io.kestra.core.tests.flow.UnitTest
    assertions:
      - value: "{{{{ outputs.fetch.size }}}}"
        equalTo: 6
"""
SIDE = """expect:
  s3: [{bucket: kestra-bucket, key: data/users.csv, contains: Lovelace}]
"""


def main() -> None:
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    processes = sys.argv[2] if len(sys.argv) > 2 else "2"
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        shutil.copytree(
            FLOWS, project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.test*", ".simulate")
        )
        head = "id: many\nnamespace: company.team\nflowId: postgres_to_s3\ntestCases:\n"
        (project / "many.test.yml").write_text(
            head + "".join(CASE.format(number=number) for number in range(cases)), "utf-8"
        )
        (project / "many.test.sim.yml").write_text(SIDE, "utf-8")
        started = time.monotonic()
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "simulator",
                "test",
                "-q",
                "-n",
                processes,
                str(project / "many.test.yml"),
            ],
            capture_output=True,
            text=True,
            cwd=project,
        )
        seconds = time.monotonic() - started
    print(done.stdout.strip().splitlines()[-1])
    print(f"{cases} cases in {processes} processes: {seconds:.1f} s, {1000 * seconds / cases:.1f} ms each")
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])


if __name__ == "__main__":
    main()
