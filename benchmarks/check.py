"""How long `simulate check` takes over 500 flow files in a fresh process.

    python benchmarks/check.py [--files N] [--rounds N]

The flows are written to a temporary folder: a mix of sizes with loops, branches, expressions, defaults, triggers and
types that are not known. Target: under 2 seconds on 2 cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLOW = """\
id: flow_{n}
namespace: company.team_{group}
description: A nightly load, number {n}
labels:
  owner: team_{group}
inputs:
  - id: day
    type: DATE
    defaults: "2026-01-01"
  - id: mode
    type: SELECT
    values: [full, delta]
    defaults: full
variables:
  bucket: data-{n}
tasks:
  - id: fetch
    type: io.kestra.plugin.jdbc.postgresql.Query
    url: jdbc:postgresql://db:5432/main
    username: loader
    password: "{{{{ secret('POSTGRES_PASSWORD') }}}}"
    sql: |
      select * from orders_{n}
      where day = '{{{{ inputs.day }}}}' and region in ('eu', 'us')
    fetchType: STORE
  - id: to_csv
    type: io.kestra.plugin.serdes.csv.IonToCsv
    from: "{{{{ outputs.fetch.uri }}}}"
  - id: choose
    type: io.kestra.plugin.core.flow.If
    condition: "{{{{ inputs.mode == 'full' and outputs.fetch.size > 0 }}}}"
    then:
      - id: upload
        type: io.kestra.plugin.aws.s3.Upload
        accessKeyId: "{{{{ secret('AWS_ACCESS_KEY') }}}}"
        secretKeyId: "{{{{ secret('AWS_SECRET_KEY') }}}}"
        region: eu-central-1
        from: "{{{{ outputs.to_csv.uri }}}}"
        bucket: "{{{{ vars.bucket }}}}"
        key: "orders/{{{{ inputs.day }}}}/{n}.csv"
    else:
      - id: note
        type: io.kestra.plugin.core.log.Log
        message: "nothing to do on {{{{ inputs.day | date('yyyy-MM-dd') }}}}"
  - id: tell
    type: io.kestra.plugin.unknown{group}.Send{group}
    channel: "#load"
    payload: '{{"rows": {{{{ outputs.fetch.size }}}}}}'
errors:
  - id: failed
    type: io.kestra.plugin.core.log.Log
    level: ERROR
    message: "{{{{ execution.id }}}} failed"
triggers:
  - id: nightly
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 {hour} * * *"
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for n in range(args.files):
            text = FLOW.format(n=n, group=n % 40, hour=n % 24)
            (Path(folder) / f"flow_{n}.yml").write_text(text, "utf-8")
        times = []
        for _ in range(args.rounds):
            start = time.perf_counter()
            command = [sys.executable, "-m", "simulator", "check", folder, "--format", "json"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            times.append(time.perf_counter() - start)
            if done.returncode not in (0, 4):
                sys.exit(done.stderr)
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    print(f"{args.files} files, {size / 1024:.0f} KiB: best {min(times):.2f} s, worst {max(times):.2f} s")


if __name__ == "__main__":
    main()
