"""Rows from PostgreSQL to S3: our Query STORE and Upload beside `psql \\copy` and a plain boto3 upload.

    python -m benchmarks.copy --rows 1000000 --repeat 3
    python -m benchmarks.copy --rows 5000000 --repeat 1 --no-plain

Both sides use the same two servers in one run. Peak memory is that of the process that does the work (the servers are
others), measured in a process of its own for each side.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from simulator.doubles.pg_binaries import find_binaries
from simulator.doubles.postgres import PostgresDouble
from simulator.doubles.s3 import S3Double
from simulator.doubles.supervisor import Supervisor

SEED = """create table users as select i as id, 'first ' || i as first_name, 'last ' || i as last_name,
'city ' || i % 1000 as city from generate_series(1, {rows}) i"""
SQL = "select id, first_name, last_name, city from users"
BUCKET = "bench"


def ours(pg_port: int, s3_url: str, dialect: str) -> dict[str, Any]:
    """Query STORE and Upload, as the engine would call them."""
    import psycopg  # noqa: F401, I001 - imports are not what is measured

    from simulator.dialect import dialect_of
    from simulator.engine.task import Endpoint
    from simulator.plugins import aws
    from simulator.plugins.aws.upload import Upload
    from simulator.plugins.jdbc.postgresql import Query
    from tests.plugins.fake_context import FakeContext

    aws.prewarm()
    gc.set_threshold(200_000, 50, 50)  # as the engine's loop does
    folder = Path(tempfile.mkdtemp())
    start = time.perf_counter()
    login = {"url": "jdbc:postgresql://h/", "username": "bench", "password": "bench"}
    ctx = FakeContext(
        folder, {**login, "sql": SQL, "fetchType": "STORE"}, spec=Query.spec, dialect=dialect_of(dialect)
    )
    ctx.endpoints.table["postgres"] = Endpoint("", "127.0.0.1", pg_port, "postgres")
    stored = Query().run(ctx).outputs
    assert stored is not None
    middle = time.perf_counter()
    keys = {"accessKeyId": "bench", "secretKeyId": "bench", "region": "us-east-1", "bucket": BUCKET}
    up = FakeContext(folder, {**keys, "key": "ours", "from": stored["uri"]}, spec=Upload.spec)
    up.endpoints.table["s3"] = Endpoint(s3_url, "127.0.0.1", 0, "s3")
    Upload().run(up)
    end = time.perf_counter()
    size = ctx.storage.path(stored["uri"]).stat().st_size
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    return {"query": middle - start, "upload": end - middle, "rows": stored["size"], "bytes": size}


def plain(pg_port: int, s3_url: str) -> dict[str, Any]:
    """`psql \\copy` to a file, boto3's upload_file."""
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=s3_url,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        region_name="us-east-1",
    )
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "users.csv"
        start = time.perf_counter()
        subprocess.run(
            [
                find_binaries().program("psql"),
                "-X",
                "-q",
                "-h",
                "127.0.0.1",
                "-p",
                str(pg_port),
                "-U",
                "bench",
                "bench",
            ]
            + ["-c", f"\\copy ({SQL}) to '{target}' with (format csv, header)"],
            check=True,
            env={**os.environ, "PGPASSWORD": "bench"},
        )
        middle = time.perf_counter()
        client.upload_file(str(target), BUCKET, "plain")
        end = time.perf_counter()
        return {"query": middle - start, "upload": end - middle, "bytes": target.stat().st_size}


def child(side: str, pg_port: int, s3_url: str) -> None:
    found = plain(pg_port, s3_url) if side == "plain" else ours(pg_port, s3_url, side)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-plain", action="store_true")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child[0], int(args.child[1]), args.child[2])
        return
    postgres = PostgresDouble(
        {
            "users": {"bench": {"password": "bench"}},
            "databases": {"bench": {"owner": "bench", "seed": [SEED.format(rows=args.rows)]}},
        }
    )
    s3 = S3Double({"credentials": [{"access_key": "bench", "secret_key": "bench"}], "buckets": {BUCKET: {}}})
    sides = ["1", "2"] + ([] if args.no_plain else ["plain"])
    results: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    with Supervisor({"postgres": postgres, "s3": s3}) as doubles:
        doubles.start("postgres", "s3")
        port, url = doubles.ready("postgres", 300).port, doubles.ready("s3").url
        for _ in range(args.repeat):
            for side in sides:
                ran = subprocess.run(
                    [sys.executable, "-m", "benchmarks.copy", "--child", side, str(port), url],
                    check=True,
                    stdout=subprocess.PIPE,
                )
                results[side].append(json.loads(ran.stdout))
    print(f"{args.rows:,} rows, median of {args.repeat}")
    print(f"{'':8}{'query s':>9}{'upload s':>10}{'sum s':>8}{'MB':>7}{'peak MB':>9}{'ratio':>7}")
    base = None
    for side in reversed(sides):
        runs = results[side]
        query = statistics.median(run["query"] for run in runs)
        upload = statistics.median(run["upload"] for run in runs)
        base = query + upload if side == "plain" else base
        ratio = f"{(query + upload) / base:7.2f}" if base else ""
        name = "psql+boto3" if side == "plain" else f"kestra {side}"
        peak = max(run["peak_mb"] for run in runs)
        print(
            f"{name:10}{query:7.2f}{upload:10.2f}{query + upload:8.2f}{runs[0]['bytes'] / 1e6:7.1f}{peak:9.0f}{ratio}"
        )


if __name__ == "__main__":
    main()
