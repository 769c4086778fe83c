"""CsvToIon and IonToCsv beside the plain library doing the same: rows a second, the ratio, and peak memory.

    python -m benchmarks.serdes [ROWS]

The plain library for reading is `csv.reader` writing each row as a JSON line with orjson, for writing `csv.writer` from rows
that are in memory already. Each measurement runs in a process of its own, so that peaks do not add up.
"""

from __future__ import annotations

import csv
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulator.dialect import V1, V2, Dialect
from simulator.plugins.serdes.csv import CsvToIon, IonToCsv
from simulator.plugins.serdes.json import IonToJson, JsonToIon
from simulator.storage import ion
from tests.plugins.fake_context import FakeContext


def make_csv(path: Path, rows: int) -> None:
    with path.open("w", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["id", "name", "email", "amount"])
        writer.writerows([i, f"Name {i}", f"user{i}@example.com", f"{i * 1.25:.2f}"] for i in range(rows))


def make_ion(path: Path, rows: int, dialect: Dialect) -> None:
    with path.open("wb") as target, ion.writer(target, binary=dialect.binary_ion) as writer:
        for i in range(rows):
            writer.write({"id": i, "name": f"Name {i}", "email": f"user{i}@example.com", "amount": i * 1.25})


def plugin(cls: Any, source: Path, dialect: Dialect, **properties: Any) -> None:
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        ctx = FakeContext(Path(folder), properties, spec=cls.spec, dialect=dialect)
        ctx.properties["from"] = ctx.storage.put_at("kestra:///in", source)
        started = time.perf_counter()
        cls().run(ctx)
        report(time.perf_counter() - started)


def plain_read(source: Path) -> None:
    import orjson

    started = time.perf_counter()
    with source.open(newline="") as text, (source.parent / "plain.jsonl").open("wb") as target:
        reader = csv.reader(text)
        header = next(reader)
        for row in reader:
            target.write(orjson.dumps(dict(zip(header, row))) + b"\n")
    report(time.perf_counter() - started)


def plain_write(source: Path) -> None:
    with source.open("rb") as stream:
        rows = [list(row.values()) for row in ion.iter_rows(stream)]
    started = time.perf_counter()
    with (source.parent / "plain.csv").open("w", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerows(rows)
    report(time.perf_counter() - started)


def only_read(source: Path) -> None:
    started = time.perf_counter()
    with source.open("rb") as stream:
        for _ in ion.iter_rows(stream):
            pass
    report(time.perf_counter() - started)


def report(seconds: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    RESULTS.put((seconds, peak))


RESULTS: Any = multiprocessing.get_context("fork").Queue()


def measure(name: str, rows: int, action: Callable[..., None], *arguments: Any, **options: Any) -> float:
    process = multiprocessing.get_context("fork").Process(target=action, args=arguments, kwargs=options)
    process.start()
    seconds, peak = RESULTS.get(timeout=600)
    process.join()
    print(f"{name:34} {rows / seconds:12,.0f} rows/s  {seconds:7.2f} s  peak {peak:5d} MB")
    return float(seconds)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        table = base / "in.csv"
        make_csv(table, rows)
        plain = measure("csv.reader + orjson", rows, plain_read, table)
        for dialect in (V1, V2):
            source = base / f"in-{dialect.name}.ion"
            make_ion(source, rows, dialect)
            took = measure(f"CsvToIon {dialect}", rows, plugin, CsvToIon, table, dialect)
            print(f"{'':34} {took / plain:12.2f} x the plain library")
            reading = measure(f"reading Ion {dialect}", rows, only_read, source)
            writing = measure("csv.writer, rows in memory", rows, plain_write, source)
            took = measure(f"IonToCsv {dialect}", rows, plugin, IonToCsv, source, dialect)
            print(f"{'':34} {took / (reading + writing):12.2f} x reading and csv.writer")
            measure(f"IonToJson {dialect}", rows, plugin, IonToJson, source, dialect)
        measure("JsonToIon 2.0", rows, plugin, JsonToIon, base / "plain.jsonl", V2)


if __name__ == "__main__":
    main()
