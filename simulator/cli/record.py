"""`simulate record EXECUTION`: turn a kept execution, or one exported from a server, into a test suite."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from simulator.cli.console import Console
from simulator.errors import ExitCode, UsageError

HELP = "turn an execution into a test suite"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "execution",
        nargs="?",
        metavar="EXECUTION",
        help="a kept execution (id or its beginning; default: the newest), or a JSON file from a Kestra server",
    )
    parser.add_argument("--name", default="recorded", metavar="ID", help="id of the test case")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write it there (never over a file)"
    )
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="where executions are kept")


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.testing.record import record

    path = Path(args.execution) if args.execution and args.execution.endswith(".json") else None
    if path is not None:
        text = record(_from_file(path), name=args.name)
    else:
        from simulator.cli.executions import store_of

        stored, execution = store_of(args, console).find(args.execution)
        loops = [item for item in stored.executions.values() if item.kind == "LOOP"]
        text = record(execution, loops=loops, storage=stored.folder / "storage", name=args.name)
    if args.output is None:
        console.out(text, end="")
        return ExitCode.SUCCESS
    try:
        with args.output.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UsageError(f"{args.output} is there already", hint="give another name with -o") from None
    except OSError as error:
        raise UsageError(f"cannot write {args.output}: {error.strerror}") from None
    console.err(f"written to {args.output}; `simulate test {args.output}` runs it")
    return ExitCode.SUCCESS


def _from_file(path: Path) -> Any:
    from simulator.engine.jsonform import execution_from_json

    try:
        return execution_from_json(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{path} holds no execution", hint="JSON as Kestra's API gives it") from None
