"""Options that several commands share: how a run is set up. One place for names, help texts and conversions."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simulator.errors import UsageError

__all__ = ["add_run_options", "flags_of", "key_values", "read_inputs", "value_file"]


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Everything that shapes a run: dialect, secrets, inputs, files, doubles, time."""
    group = parser.add_argument_group("the flow")
    group.add_argument("--kestra", choices=("1", "2", "auto"), help="dialect (default: auto)")
    group.add_argument(
        "-i",
        "--input",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an input; @path reads a file",
    )
    group.add_argument("--inputs", type=Path, metavar="FILE", help="inputs from a YAML or JSON file")
    group.add_argument(
        "--label", action="append", default=[], metavar="KEY=VALUE", help="a label of the execution"
    )
    group.add_argument(
        "--flows", action="append", default=[], type=Path, metavar="DIR", help="flows deployed beside it"
    )
    group.add_argument("--namespace-files", type=Path, metavar="DIR", help="files of the flow's namespace")
    group.add_argument(
        "--side-file", type=Path, metavar="FILE", help="default: <flow>.sim.yml beside the flow"
    )

    group = parser.add_argument_group("secrets and environment")
    group.add_argument(
        "--env-file",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="encoded env file (SECRET_X=base64)",
    )
    group.add_argument("--env-format", choices=("compose", "raw"), help="grammar of the env files")
    group.add_argument(
        "--env", action="append", default=[], metavar="KEY=VALUE", help="an environment variable (ENV_X)"
    )
    group.add_argument("--inherit-env", action="store_true", help="take the process environment, too")

    group = parser.add_argument_group("the outside world")
    group.add_argument(
        "--live", action="append", default=[], metavar="NAME", help="use the real postgres, s3, http or host"
    )
    group.add_argument(
        "--allow", action="append", default=[], metavar="HOST", help="a host that may be reached"
    )
    group.add_argument(
        "--mock",
        action="append",
        default=[],
        metavar="TASK=FILE",
        help="outputs of a task, or a whole mock, from a file",
    )
    group.add_argument(
        "--mock-type", action="append", default=[], metavar="TYPE=FILE", help="outputs of all tasks of a type"
    )
    group.add_argument(
        "--fault", action="append", default=[], metavar="DOUBLE:KIND", help="let a double fail"
    )
    group.add_argument(
        "--docker", action="store_true", help="run scripts in containers when an engine is there"
    )

    group = parser.add_argument_group("time and chance")
    group.add_argument("--now", metavar="ISO", help="start of the run's clock")
    group.add_argument("--real-time", action="store_true", help="wait for real instead of jumping")
    group.add_argument("--seed", type=int, metavar="N", help="seed of ids and random functions")
    group.add_argument("--timezone", metavar="ZONE", help="the server's time zone (default: UTC)")

    group = parser.add_argument_group("what is kept")
    group.add_argument("--keep", type=_count, metavar="N", help="executions to keep (default: 20; 0: none)")
    group.add_argument(
        "--state-dir", type=Path, metavar="DIR", help="where they are kept (default: .simulate)"
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"`{text}` is no number of executions")
    return int(text)


def key_values(items: Iterable[str], flag: str, form: str = "KEY=VALUE") -> dict[str, str]:
    """`["a=1"]` -> `{"a": "1"}`. Raises UsageError for an item without `=`; `form` is what it should look like."""
    result = {}
    for item in items:
        key, separator, value = item.partition("=")
        if not separator or not key:
            raise UsageError(f"{flag} takes {form}, not `{item}`")
        result[key] = value
    return result


def read_inputs(file: Path | None, items: Iterable[str]) -> dict[str, Any]:
    """Inputs of a file, then of `-i`. `-i name=@path` is kept as a `Path`: for a FILE input it is uploaded, for any
    other its text is the value."""
    result: dict[str, Any] = dict(_mapping_file(file, "--inputs")) if file is not None else {}
    for name, value in key_values(items, "-i", "NAME=VALUE").items():
        if value.startswith("@"):
            path = Path(value[1:])
            if not path.is_file():
                raise UsageError(f"-i {name}: there is no file `{path}`")
            result[name] = path
        else:
            result[name] = value
    return result


def value_file(path: Path, flag: str) -> Any:
    """What a YAML or JSON file holds. Raises UsageError when it cannot be read."""
    from simulator.source.yaml import read_own

    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{flag}: cannot read `{path}`: {reason}") from None
    return read_own(text, str(path)).plain()


def _mapping_file(path: Path, flag: str) -> Mapping[str, Any]:
    value = value_file(path, flag)
    if not isinstance(value, dict):
        raise UsageError(f"{flag}: `{path}` must hold a map")
    return value


def _mock(content: Mapping[str, Any]) -> dict[str, Any]:
    """A file's mock: as in a side file when it has nothing but the keys of one, else it is the outputs themselves."""
    from simulator.world.sidefile import MOCK_FIELDS

    if content.keys() <= {field.name for field in MOCK_FIELDS}:
        return dict(content)
    return {"outputs": dict(content)}


def _faults(items: Iterable[str]) -> tuple[dict[str, Any], ...]:
    """`s3:status:503:after=2` -> `{double: s3, kind: status, status: 503, after: 2}`."""
    result = []
    for item in items:
        double, *parts = item.split(":")
        if not double or not parts:
            raise UsageError(
                f"--fault takes DOUBLE:KIND, not `{item}`",
                hint="for example s3:status:503 or postgres:refuse",
            )
        fault: dict[str, Any] = {"double": double, "kind": parts[0]}
        for part in parts[1:]:
            key, separator, value = part.partition("=")
            if separator:
                fault[key] = int(value) if value.isdigit() else value
            elif part.isdigit():
                fault["status"] = int(part)
            else:
                fault["code"] = part
        result.append(fault)
    return tuple(result)


def _environment(items: Iterable[str]) -> dict[str, str]:
    variables = key_values(items, "--env")
    for name in variables:
        if name.upper().startswith("SECRET_"):
            raise UsageError(
                f"--env refuses {name}: a secret on a command line is seen by every process of this machine",
                hint="put it into an env file (`simulate secrets encode` makes one) and give that with --env-file",
            )
    return variables


def flags_of(args: argparse.Namespace) -> dict[str, Any]:
    """The flags as `simulator.world.config.merge` takes them."""
    from simulator.world.config import parse_now

    return {
        "kestra": args.kestra,
        "env_files": tuple(args.env_file),
        "env_format": args.env_format,
        "env": _environment(args.env),
        "inherit_env": args.inherit_env or None,
        "inputs": read_inputs(args.inputs, args.input),
        "labels": key_values(args.label, "--label"),
        "namespace_files": args.namespace_files,
        "flows": tuple(args.flows),
        "live": tuple(part for item in args.live for part in item.split(",")),
        "allow": tuple(part for item in args.allow for part in item.split(",")),
        "mocks": {
            k: _mock(_mapping_file(Path(v), "--mock"))
            for k, v in key_values(args.mock, "--mock", "TASK=FILE").items()
        },
        "mock_types": {
            k: _mock(_mapping_file(Path(v), "--mock-type"))
            for k, v in key_values(args.mock_type, "--mock-type", "TYPE=FILE").items()
        },
        "faults": _faults(args.fault),
        "docker": args.docker or None,
        "now": parse_now(args.now) if args.now else None,
        "real_time": args.real_time or None,
        "seed": args.seed,
        "timezone": args.timezone,
        "keep": args.keep,
        "state_dir": args.state_dir,
    }
