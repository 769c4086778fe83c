"""`simulate secrets`: encode, check, list, decode. No command but `decode --show` ever writes a value.

simulate secrets encode .env -o .env_encoded
simulate secrets check flows/postgres_to_s3.yml
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.errors import ExitCode, NotFoundError, UsageError

if TYPE_CHECKING:
    from simulator.cli.console import Console
    from simulator.secrets.inspect import SecretReport
    from simulator.secrets.uses import SecretUse
    from simulator.secrets.vault import Vault

__all__ = ["HELP", "add_arguments", "run"]

HELP = "Encode a plain .env for Kestra, and look at encoded secrets without showing them."
ENCODED = ".env_encoded"
EMPTY = "''"
_MAKE = "`simulate secrets encode` makes it from .env, or name a file with --env-file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="command", metavar="{encode,check,list,decode}", required=True)
    encode = commands.add_parser("encode", help="write .env_encoded from a plain .env")
    encode.add_argument(
        "source", nargs="?", type=Path, default=Path(".env"), help="plain file (default: .env; - for stdin)"
    )
    encode.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="default: .env_encoded beside the source; - for stdout",
    )
    encode.add_argument("--force", action="store_true", help="overwrite the output")
    check = commands.add_parser("check", help="what flows use, what is there, what looks wrong")
    check.add_argument(
        "flows", nargs="*", type=Path, metavar="FLOW", help="flows or folders (default: all here)"
    )
    listing = commands.add_parser("list", help="names of the secrets that Kestra would have")
    decode = commands.add_parser("decode", help="one secret in clear")
    decode.add_argument("name", help="as in secret('NAME')")
    decode.add_argument("--show", action="store_true", help="needed: the value is written to stdout")
    for command in (check, listing, decode):
        command.add_argument(
            "--env-file",
            type=Path,
            action="append",
            metavar="FILE",
            help="encoded env file (default: the flow's side file, then .env_encoded)",
        )
        command.add_argument(
            "--env-format", choices=("compose", "raw"), default="compose", help="its grammar"
        )


def run(args: argparse.Namespace, console: Console) -> int:
    return int(
        {"encode": _encode, "check": _check, "list": _list, "decode": _decode}[args.command](args, console)
    )


def _encode(args: argparse.Namespace, console: Console) -> ExitCode:
    from simulator.secrets.encode import encode_file, write_private

    stdin = str(args.source) == "-"
    source = Path("/dev/stdin") if stdin else args.source
    if source.is_dir():
        raise UsageError(f"`{source}` is a folder", hint="name the plain file in it")
    target: Path = args.output or (Path(ENCODED) if stdin else source.with_name(ENCODED))
    to_stdout = str(target) == "-"
    if not to_stdout and target.resolve() == source.resolve():
        raise UsageError("the output would overwrite the plain file", hint="-o names another one")
    text, found = encode_file(source)
    console.report(found)
    if to_stdout:
        console.out(text, end="")
        return ExitCode.SUCCESS
    write_private(target, text, force=args.force)
    console.err(f"{_count(text.splitlines(), 'secret')} -> {target} (readable by you only)")
    return ExitCode.SUCCESS


def _list(args: argparse.Namespace, console: Console) -> ExitCode:
    files = _files(args.env_file, None)
    if not files:
        raise NotFoundError(f"there is no {ENCODED} here", hint=_MAKE)
    vault = _vault(files, args.env_format)
    console.redactor = vault.redactor
    console.report(vault.diagnostics)
    width = max((len(key or EMPTY) for key in vault.names()), default=0)
    for key in vault.names():
        secret = vault.secrets[key]
        console.out(f"{key or EMPTY:<{width}}  {secret.span or secret.variable}")
    return ExitCode.SUCCESS


def _decode(args: argparse.Namespace, console: Console) -> ExitCode:
    if not args.show:
        raise UsageError(
            "decode writes the secret in clear", hint=f"simulate secrets decode {args.name} --show"
        )
    vault = _vault(_files(args.env_file, None), args.env_format)
    secret = vault.secrets.get(args.name.upper())
    if secret is None:
        raise NotFoundError(f"Cannot find secret for key '{args.name}'.", hint=vault.explain(args.name))
    # The one place where a value leaves on purpose: past the redactor, without a newline of ours.
    console.stdout.write(secret.value)
    console.stdout.flush()
    if console.stdout.isatty():
        console.err()
    return ExitCode.SUCCESS


def _check(args: argparse.Namespace, console: Console) -> ExitCode:
    from simulator.secrets.inspect import inspect_vault
    from simulator.source.project import Project, owner_of

    project = Project([owner_of(path) for path in args.flows] or [Path()])
    flows = [found.path for found in project.flows()]
    others = {found.path for found in project.suites()}
    for path in map(owner_of, args.flows):
        if not path.exists():
            raise NotFoundError(f"there is no flow `{path}`")
        if path.is_file() and path not in flows and path not in others:
            flows.append(path)
    groups: dict[tuple[Path, ...], list[Path]] = {}
    if not flows and not _files(args.env_file, None):
        raise NotFoundError(f"there is no flow and no {ENCODED} here", hint=_MAKE)
    for flow in flows or [None]:  # type: ignore[list-item]
        groups.setdefault(tuple(_files(args.env_file, flow)), []).extend([flow] if flow else [])
    missing = False
    for files, members in groups.items():
        vault = _vault(files, args.env_format)
        console.redactor = vault.redactor
        uses = [use for flow in members for use in _uses(flow)]
        report = inspect_vault(
            vault, [(use.key, use.span) for use in uses if use.key is not None], flows=bool(members)
        )
        _show(console, files, members, report, uses)
        missing = missing or bool(report.missing)
    return ExitCode.FAILED if missing else ExitCode.SUCCESS


def _show(
    console: Console,
    files: Sequence[Path],
    flows: Sequence[Path],
    report: SecretReport,
    uses: Sequence[SecretUse],
) -> None:
    names = ", ".join(map(str, files)) or "no env file found"
    console.out(f"{names}: {_count(report.present, 'secret')}, {_count(flows, 'flow')}")
    rows: list[tuple[str, str]] = []
    for key in sorted({*report.present, *report.used, *report.skipped}):
        state = "missing" if key in report.missing else "ok" if key in report.used else "unused"
        if not flows:
            state = "there"
        if key in report.skipped:
            state = "missing, not Base64" if key in report.missing else "not Base64"
        if key in report.suspicious:
            state += ", suspicious"
        rows.append((key or EMPTY, state))
    width = max((len(key) for key, _ in rows), default=0)
    for key, state in rows:
        console.out(f"  {key:<{width}}  {state}")
    computed = [use for use in uses if use.key is None]
    for use in computed:
        console.out(f"  a name that is computed at run time: {use.span}")
    console.report(report.diagnostics, to_stdout=True)


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _vault(files: Iterable[Path], format: str) -> Vault:
    from simulator.secrets.vault import Vault

    return Vault.load(list(files), format=format, strict=False)


def _files(given: Sequence[Path] | None, flow: Path | None) -> list[Path]:
    """The env files that a run would read: given ones, the side file's, else `.env_encoded` beside the flow or here."""
    if given:
        from simulator.secrets.envfile import require_env_files

        require_env_files(given)
        return list(given)
    if flow is not None:
        from simulator.world.sidefile import read_side_file, side_file_of

        side = side_file_of(flow)
        if side.exists():
            declared = read_side_file(side).env_files
            if declared:
                return [_short(path) for path in declared]
        if (flow.parent / ENCODED).is_file():
            return [flow.parent / ENCODED]
    here = Path(ENCODED)
    return [here] if here.is_file() else []


def _short(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def _uses(flow: Path) -> Iterator[SecretUse]:
    from simulator.dialect import V2
    from simulator.errors import SimulatorError
    from simulator.expressions.analyze import references
    from simulator.secrets.uses import secret_uses
    from simulator.source.text import template_position
    from simulator.source.yaml import read_yaml

    try:
        root = read_yaml(flow.read_text("utf-8-sig"), str(flow))
    except (SimulatorError, OSError, UnicodeDecodeError):
        return  # `simulate check` says what is wrong with it

    def texts(node: Any) -> Iterator[tuple[str, Any, str]]:
        for child in getattr(node, "items", None) or getattr(node, "entries", {}).values():
            if hasattr(child, "style"):
                yield child.text, lambda offset, at=child: template_position(at, offset), str(flow)
            else:
                yield from texts(child)

    yield from secret_uses(texts(root), lambda template: references(template, V2))
