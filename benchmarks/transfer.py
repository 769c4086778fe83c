"""CopyIn, CopyOut, S3 Upload and S3 Download beside the plain library doing the same, against the same two servers.

    python -m benchmarks.transfer                          # 1 M rows, objects of 1 GB
    python -m benchmarks.transfer --rows 100000 --mb 100 --repeat 1

Plain is psycopg's `copy` between a file and a table, and boto3's `upload_file` and `get_object` into a file. Each measurement is
a process of its own; its peak memory is that process's (the servers are others). Sides alternate, medians are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulator.doubles.postgres import PostgresDouble
from simulator.doubles.s3 import S3Double
from simulator.doubles.supervisor import Supervisor

SEED = """create table users as select i as id, 'first ' || i as first_name, 'last ' || i as last_name,
'city ' || i % 1000 as city from generate_series(1, {rows}) i; create table loaded (like users)"""
BUCKET = "bench"
KEYS = {"accessKeyId": "bench", "secretKeyId": "bench", "region": "us-east-1", "bucket": BUCKET}
LOGIN = {"url": "jdbc:postgresql://h/", "username": "bench", "password": "bench"}
JOBS = ("copy_out", "copy_in", "upload", "download")


def ours(job: str, place: dict[str, Any]) -> float:
    """Seconds of one task, as the engine would call it. Files come from the storage and go there."""
    from simulator.engine.task import Endpoint
    from simulator.plugins import aws
    from simulator.plugins.aws.download import Download
    from simulator.plugins.aws.upload import Upload
    from simulator.plugins.jdbc.copy import CopyIn, CopyOut
    from tests.plugins.fake_context import FakeContext

    folder = Path(place["folder"])
    plugins: dict[str, tuple[Any, dict[str, Any]]] = {
        "copy_out": (CopyOut, {**LOGIN, "table": "users", "format": "CSV"}),
        "copy_in": (CopyIn, {**LOGIN, "table": "loaded", "format": "CSV"}),
        "upload": (Upload, {**KEYS, "key": "ours"}),
        "download": (Download, {**KEYS, "key": "big"}),
    }
    plugin, properties = plugins[job]
    ctx = FakeContext(folder / "ours", properties, spec=plugin.spec)
    ctx.endpoints.table["postgres"] = Endpoint("", "127.0.0.1", place["port"], "postgres")
    ctx.endpoints.table["s3"] = Endpoint(place["s3"], "127.0.0.1", 0, "s3")
    if job in ("copy_in", "upload"):
        # Linked, not copied: putting the file there is not what is measured.
        source = ctx.temp_file()
        source.unlink(missing_ok=True)
        os.link(folder / ("users.csv" if job == "copy_in" else "big.bin"), source)
        ctx.properties["from"] = ctx.put_file(source, "source.bin")
    if job in ("copy_in", "copy_out"):
        import psycopg  # noqa: F401 - imports are not what is measured
    else:
        aws.prewarm()
    start = time.perf_counter()
    plugin().run(ctx)
    return time.perf_counter() - start


def plain(job: str, place: dict[str, Any]) -> float:
    """Seconds that the library takes."""
    folder = Path(place["folder"])
    if job in ("copy_in", "copy_out"):
        import psycopg

        start = time.perf_counter()
        with psycopg.connect(
            host="127.0.0.1", port=place["port"], user="bench", password="bench", dbname="bench"
        ) as connection:
            if job == "copy_out":
                with (
                    (folder / "plain.csv").open("wb") as target,
                    connection.cursor().copy("COPY users TO STDOUT WITH (FORMAT CSV)") as copy,
                ):
                    for block in copy:
                        target.write(block)
            else:
                with (
                    (folder / "users.csv").open("rb") as source,
                    connection.cursor().copy("COPY loaded FROM STDIN WITH (FORMAT CSV)") as copy,
                ):
                    while block := source.read(1 << 18):
                        copy.write(block)
        return time.perf_counter() - start
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=place["s3"],
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        region_name="us-east-1",
    )
    start = time.perf_counter()
    if job == "upload":
        client.upload_file(str(folder / "big.bin"), BUCKET, "plain")
    else:
        # One request, as ours: `download_file` asks for ranges, and the server copies the whole object for each.
        body = client.get_object(Bucket=BUCKET, Key="big")["Body"]
        with (folder / "plain.bin").open("wb") as target:
            shutil.copyfileobj(body, target, 1 << 18)
    return time.perf_counter() - start


def child(side: str, job: str, place: dict[str, Any]) -> None:
    run: Callable[[str, dict[str, Any]], float] = ours if side == "ours" else plain
    seconds = run(job, place)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


def prepare(job: str, place: dict[str, Any], postgres: PostgresDouble, s3: S3Double) -> None:
    """What a job finds, the same for both sides, and nothing that an earlier one left."""
    folder = Path(place["folder"])
    if job == "copy_in":
        with postgres.connect("bench") as connection:
            connection.execute("truncate loaded; checkpoint")
    if job in ("upload", "download"):
        s3.order({"reset": True, **s3._config()})
    if job == "download":
        subprocess.run(
            [sys.executable, "-m", "benchmarks.transfer", "--child", "fill", job, json.dumps(place)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    for name in ("plain.csv", "plain.bin"):
        (folder / name).unlink(missing_ok=True)
    subprocess.run(["rm", "-rf", str(folder / "ours")], check=True)


def fill(place: dict[str, Any]) -> None:
    """Puts the object that is downloaded."""
    import boto3

    boto3.client(
        "s3",
        endpoint_url=place["s3"],
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        region_name="us-east-1",
    ).upload_file(str(Path(place["folder"]) / "big.bin"), BUCKET, "big")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--mb", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=JOBS, default=JOBS)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        side, job, place = args.child[0], args.child[1], json.loads(args.child[2])
        fill(place) if side == "fill" else child(side, job, place)
        return
    postgres = PostgresDouble(
        {
            "users": {"bench": {"password": "bench", "superuser": True}},
            "databases": {"bench": {"owner": "bench", "seed": [SEED.format(rows=args.rows)]}},
        }
    )
    s3 = S3Double({"credentials": [{"access_key": "bench", "secret_key": "bench"}], "buckets": {BUCKET: {}}})
    with tempfile.TemporaryDirectory() as folder, Supervisor({"postgres": postgres, "s3": s3}) as doubles:
        doubles.start("postgres", "s3")
        port, url = doubles.ready("postgres", 300).port, doubles.ready("s3").url
        place = {"folder": folder, "port": port, "s3": url}
        with (Path(folder) / "big.bin").open("wb") as file:
            for _ in range(args.mb):
                file.write(os.urandom(1_000_000))
        plain("copy_out", place)
        (Path(folder) / "plain.csv").rename(Path(folder) / "users.csv")
        print(f"{args.rows:,} rows, {args.mb} MB, median of {args.repeat}")
        print(f"{'':10}{'ours s':>8}{'plain s':>9}{'ratio':>7}{'ours MB':>9}{'plain MB':>10}", flush=True)
        for job in args.only:
            results: dict[str, list[dict[str, float]]] = {"ours": [], "plain": []}
            for _ in range(args.repeat):
                for side, runs in results.items():
                    prepare(job, place, postgres, s3)
                    ran = subprocess.run(
                        [
                            sys.executable,
                            "-m",
                            "benchmarks.transfer",
                            "--child",
                            side,
                            job,
                            json.dumps(place),
                        ],
                        check=True,
                        stdout=subprocess.PIPE,
                    )
                    runs.append(json.loads(ran.stdout))
            mine, other = (statistics.median(run["seconds"] for run in results[side]) for side in results)
            peaks = [max(run["peak_mb"] for run in results[side]) for side in results]
            print(
                f"{job:10}{mine:8.2f}{other:9.2f}{mine / other:7.2f}{peaks[0]:9.0f}{peaks[1]:10.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
