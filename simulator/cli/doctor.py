"""`simulate doctor`: versions, doubles that start and answer, ports, write access, plugins found."""

from __future__ import annotations

import argparse
import os
import platform
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from simulator._version import __version__
from simulator.cli.console import Console
from simulator.errors import ExitCode, SimulatorError

HELP = "is everything in place?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="do not start doubles")


def run(args: argparse.Namespace, console: Console) -> int:
    wrong = 0
    style = console.style
    checks = [*_checks(), *(() if args.quick else _doubles())]
    width = max(len(name) for name, _ in checks)
    for name, check in checks:
        try:
            text, mark = check(), style("ok", "green")
        except (SimulatorError, OSError, ImportError) as error:
            wrong += 1
            text, mark = str(error), style("no", "red", "bold")
            hint = getattr(error, "hint", None)
            if hint:
                text += f" ({hint})"
        console.out(f"  {mark}  {name:<{width}}  {text}")
    console.out("")
    console.out(
        "everything is in place" if not wrong else f"{wrong} thing{'s' if wrong > 1 else ''} to look at"
    )
    return ExitCode.SUCCESS if not wrong else ExitCode.FAILED


def _checks() -> Iterator[tuple[str, Callable[[], str]]]:
    yield "simulator", lambda: f"{__version__}, {Path(__file__).parent.parent}"
    yield "python", lambda: f"{platform.python_version()} {sys.executable}"
    yield "system", lambda: f"{platform.system()} {platform.machine()}"
    yield "state directory", _state_directory
    yield "temporary files", lambda: _writable(Path(tempfile.gettempdir()))
    yield "loopback", _loopback
    yield "task types", _types
    yield "third-party plugins", _third_party
    yield "extras", _extras


def _doubles() -> Iterator[tuple[str, Callable[[], str]]]:
    from simulator.doubles.registry import DOUBLES

    for name in DOUBLES:
        yield f"double {name}", lambda name=name: _double(name)  # type: ignore[misc]


def _writable(folder: Path) -> str:
    with tempfile.NamedTemporaryFile(dir=folder):
        return str(folder)


def _state_directory() -> str:
    from simulator.world.rundir import STATE_DIR

    state = Path(STATE_DIR)
    _writable(state if state.is_dir() else Path.cwd())
    return str(state.absolute())


def _loopback() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1, for example port {server.getsockname()[1]}"


def _types() -> str:
    from simulator.dialect import V1, V2
    from simulator.plugins.registry import Registry

    registry = Registry(entry_points=False)
    counts = []
    for dialect in (V1, V2):
        specs = [registry.spec(name, dialect) for name in registry.names(dialect)]
        counts.append(
            f"{sum(1 for spec in specs if spec is not None and spec.supported)} for Kestra {dialect.version}"
        )
    return ", ".join(counts)


def _third_party() -> str:
    from importlib.metadata import entry_points

    found = [f"{point.name} ({point.value})" for point in entry_points(group="simulator.tasks")]
    return ", ".join(found) or "none"


def _extras() -> str:
    from importlib.util import find_spec

    names = {
        "avro": "fastavro",
        "duckdb": "duckdb",
        "excel": "openpyxl",
        "parquet": "pyarrow",
        "protobuf": "google.protobuf",
    }

    def there(module: str) -> bool:
        try:
            return find_spec(module) is not None
        except ModuleNotFoundError:
            return False

    have = [name for name, module in names.items() if there(module)]
    missing = [name for name in names if name not in have]
    text = ", ".join(have) or "none"
    return text + (
        f"; not installed: {', '.join(missing)} (pip install 'kestra-simulator[all]')" if missing else ""
    )


def _double(name: str) -> str:
    from simulator.doubles.registry import double_class
    from simulator.doubles.supervisor import Supervisor

    cls: Any = double_class(name)
    started = time.monotonic()
    with Supervisor({name: cls()}) as doubles:
        address = doubles.ready(name, 60.0)
        text = f"{address.host}:{address.port} after {time.monotonic() - started:.2f} s"
        with socket.create_connection((address.host, address.port), timeout=5.0):
            return text + (" (as root)" if hasattr(os, "geteuid") and os.geteuid() == 0 else "")
