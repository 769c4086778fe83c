"""Conversions of CSV, JSON, Avro and Parquet to and from Ion beside the plain libraries: rows a second, ratio, peak memory.

    python -m benchmarks.serdes [ROWS]

What stands beside a conversion reads the same file and writes the same amount with the plain libraries:

| conversion | beside it |
|---|---|
| CsvToIon | `csv.reader`, each row as a JSON line of orjson |
| IonToCsv | JSON lines through orjson into `csv.writer` |
| JsonToIon, IonToJson | JSON lines through orjson and back |
| AvroToIon, IonToAvro | fastavro into JSON lines, JSON lines into fastavro |
| ParquetToIon, IonToParquet | pyarrow into JSON lines, JSON lines into pyarrow |

So Ion costs what it costs: amazon.ion, the only Ion library of Python, reads some 40,000 rows a second. Each measurement
runs in a process of its own, so that peaks do not add up.
"""

from __future__ import annotations

import csv
import itertools
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from simulator.dialect import V1, V2, Dialect
from simulator.plugins.serdes.avro import AvroToIon, IonToAvro
from simulator.plugins.serdes.csv import CsvToIon, IonToCsv
from simulator.plugins.serdes.json import IonToJson, JsonToIon
from simulator.plugins.serdes.parquet import IonToParquet, ParquetToIon
from simulator.storage import ion
from tests.plugins.fake_context import FakeContext

AVRO = {
    "type": "record",
    "name": "row",
    "fields": [
        {"name": "id", "type": "int"},
        {"name": "name", "type": ["null", "string"]},
        {"name": "email", "type": ["null", "string"]},
        {"name": "amount", "type": "double"},
    ],
}


def sample(rows: int) -> Iterator[dict[str, Any]]:
    for i in range(rows):
        yield {"id": i, "name": f"Name {i}", "email": f"user{i}@example.com", "amount": i * 1.25}


# -- the files that are converted


def make_files(base: Path, rows: int) -> None:
    import fastavro
    import orjson
    import pyarrow
    import pyarrow.parquet

    with (base / "in.csv").open("w", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["id", "name", "email", "amount"])
        writer.writerows(row.values() for row in sample(rows))
    with (base / "in.jsonl").open("wb") as lines:
        lines.writelines(orjson.dumps(row) + b"\n" for row in sample(rows))
    for dialect in (V1, V2):
        with (
            (base / f"in-{dialect.name}.ion").open("wb") as stream,
            ion.writer(stream, binary=dialect.binary_ion) as rows_out,
        ):
            rows_out.write_all(sample(rows))
    with (base / "in.avro").open("wb") as stream:
        fastavro.writer(stream, AVRO, sample(rows))
    table = pyarrow.Table.from_pylist(list(sample(rows)))
    pyarrow.parquet.write_table(table, base / "in.parquet", compression="gzip")


# -- the plain libraries


def json_rows(base: Path) -> Iterator[Any]:
    import orjson

    with (base / "in.jsonl").open("rb") as source:
        yield from map(orjson.loads, source)


def json_lines(base: Path, rows: Iterator[Any]) -> None:
    import orjson

    with (base / "out.jsonl").open("wb") as target:
        target.writelines(orjson.dumps(row) + b"\n" for row in rows)


def csv_to_json(base: Path) -> None:
    with (base / "in.csv").open(newline="") as text:
        reader = csv.reader(text)
        header = next(reader)
        json_lines(base, (dict(zip(header, row)) for row in reader))


def json_to_csv(base: Path) -> None:
    with (base / "out.csv").open("w", newline="") as target:
        csv.writer(target, lineterminator="\n").writerows(row.values() for row in json_rows(base))


def json_to_json(base: Path) -> None:
    json_lines(base, json_rows(base))


def avro_to_json(base: Path) -> None:
    import fastavro

    with (base / "in.avro").open("rb") as source:
        json_lines(base, fastavro.reader(source))


def json_to_avro(base: Path) -> None:
    import fastavro

    with (base / "out.avro").open("wb") as target:
        fastavro.writer(target, AVRO, json_rows(base))


def parquet_to_json(base: Path) -> None:
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(base / "in.parquet")
    json_lines(base, (row for batch in file.iter_batches(5000) for row in batch.to_pylist()))


def json_to_parquet(base: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    rows = json_rows(base)
    first = pyarrow.Table.from_pylist(list(itertools.islice(rows, 100_000)))
    with pyarrow.parquet.ParquetWriter(base / "out.parquet", first.schema, compression="gzip") as writer:
        writer.write_table(first)
        while batch := list(itertools.islice(rows, 100_000)):
            writer.write_table(pyarrow.Table.from_pylist(batch, schema=first.schema))


#: conversion -> the file it reads ("" the Ion file of the dialect), and what stands beside it
CONVERSIONS: dict[Any, tuple[str, Callable[[Path], None]]] = {
    CsvToIon: ("in.csv", csv_to_json),
    IonToCsv: ("", json_to_csv),
    JsonToIon: ("in.jsonl", json_to_json),
    IonToJson: ("", json_to_json),
    AvroToIon: ("in.avro", avro_to_json),
    IonToAvro: ("", json_to_avro),
    ParquetToIon: ("in.parquet", parquet_to_json),
    IonToParquet: ("", json_to_parquet),
}


# -- measuring


def convert(cls: Any, base: Path, name: str, dialect: Dialect) -> float:
    with tempfile.TemporaryDirectory(dir=base) as folder:
        ctx = FakeContext(Path(folder), {}, spec=cls.spec, dialect=dialect)
        ctx.properties["from"] = ctx.storage.put_at("kestra:///in", base / (name or f"in-{dialect.name}.ion"))
        started = time.perf_counter()
        cls().run(ctx)
        return time.perf_counter() - started


def timed(action: Callable[[Path], None], base: Path) -> float:
    started = time.perf_counter()
    action(base)
    return time.perf_counter() - started


def _reported(results: Any, action: Callable[..., float], arguments: tuple[Any, ...]) -> None:
    seconds = action(*arguments)
    results.put((seconds, _peak()))


def _peak() -> int:
    """The highest memory of this process in MB. Linux counts it anew for a new program, `ru_maxrss` does not."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure(name: str, rows: int, action: Callable[..., float], *arguments: Any) -> float:
    # spawn: a forked child's peak would begin with ours.
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=_reported, args=(results, action, arguments))
    process.start()
    seconds, peak = results.get(timeout=900)
    process.join()
    print(f"{name:34} {rows / seconds:12,.0f} rows/s  {seconds:7.2f} s  peak {peak:5d} MB", flush=True)
    return float(seconds)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        make_files(base, rows)
        for cls, (name, beside) in CONVERSIONS.items():
            plain = measure(beside.__name__, rows, timed, beside, base)
            for dialect in (V1, V2):
                took = measure(f"{cls.__name__} {dialect}", rows, convert, cls, base, name, dialect)
                print(f"{'':34} {took / plain:12.2f} x the plain library")


if __name__ == "__main__":
    main()
