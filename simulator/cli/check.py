"""`simulate check [PATH...]`: every mistake in flows, before anything runs.

Exit code 0 when there is no error (with --strict: no warning either), 4 when a flow is not valid, 5 when nothing was
found to check.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.cli.console import Console
from simulator.diagnostics import Diagnostic, Severity, Span
from simulator.errors import ExitCode, NotFoundError, SimulatorError, UsageError

if TYPE_CHECKING:
    from simulator.dialect import Dialect
    from simulator.model.catalog import Catalog
    from simulator.model.check import Checked, Surroundings
    from simulator.model.flow import Flow, FlowId
    from simulator.source.project import FoundFlow

HELP = "find every mistake in flows before anything runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="flow files or folders (default: flows found here)",
    )
    parser.add_argument(
        "--kestra", choices=("1", "2", "auto"), default="auto", help="dialect (default: auto)"
    )
    parser.add_argument(
        "--format", choices=sorted(FORMATS), default=None, help="default: text, or github on GitHub Actions"
    )
    parser.add_argument("--strict", action="store_true", help="warnings count as errors")
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="CODE",
        help="only these codes (or beginnings of codes)",
    )
    parser.add_argument("--ignore", action="append", default=[], metavar="CODE", help="not these codes")
    parser.add_argument(
        "--env-file",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="secrets that the flows may use",
    )
    parser.add_argument(
        "--flows", action="append", default=[], type=Path, metavar="DIR", help="subflows deployed beside them"
    )
    parser.add_argument("--namespace-files", type=Path, metavar="DIR", help="files of the flows' namespaces")
    parser.add_argument("-q", "--quiet", action="store_true", help="no notices")


def run(args: argparse.Namespace, console: Console) -> int:
    from simulator.model.check.ignores import selects

    found = find_flows(args.paths, suites=True)
    # Nodes and findings hold no cycles: looking for them would only cost time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        checked, sources = check_files(found, args)
    finally:
        if collecting:
            gc.enable()
    diagnostics = [item for one in checked for item in one.diagnostics]
    if args.select:
        diagnostics = [item for item in diagnostics if selects(args.select, item.code)]
    if args.ignore:
        diagnostics = [item for item in diagnostics if not selects(args.ignore, item.code)]
    if args.quiet:
        diagnostics = [item for item in diagnostics if item.severity > Severity.NOTICE]
    diagnostics.sort(key=Diagnostic.sort_key)
    chosen = args.format or ("github" if console.environ.get("GITHUB_ACTIONS") == "true" else "text")
    FORMATS[chosen](diagnostics, sources, len(found), console)
    worst = max((item.severity for item in diagnostics), default=None)
    bad = worst is Severity.ERROR or (args.strict and worst is Severity.WARNING)
    return ExitCode.INVALID if bad else ExitCode.SUCCESS


def find_flows(paths: Sequence[Path], *, suites: bool = False) -> list[Path]:
    """The files to look at: those named (whatever they hold), and the flows (and suites) in folders. Raises
    NotFoundError."""
    from simulator.source.project import Project, owner_of

    files: list[Path] = []
    for path in paths or [Path.cwd()]:
        if path.is_dir():
            project = Project(path)
            files += [item.path for item in project.flows()]
            if suites:
                files += [suite.path for suite in project.suites()]
        elif path.exists():
            files.append(owner_of(path))
        else:
            raise NotFoundError(f"there is no file or folder `{path}`")
    if not files:
        where = f"in {', '.join(map(str, paths))}" if paths else "here"
        raise NotFoundError(
            f"no flow found {where}",
            hint="a flow is a YAML file with `id`, `namespace` and `tasks`; name a file to check it all the same",
        )
    return list(dict.fromkeys(files))


def dialect_option(name: str | None) -> Dialect | None:
    """The dialect of `--kestra`, None for `auto`."""
    from simulator.dialect import dialect_of

    return None if name in (None, "auto") else dialect_of(str(name))


def check_files(files: Sequence[Path], args: argparse.Namespace) -> tuple[list[Checked], dict[str, str]]:
    """Checks each file; also the texts by file, for excerpts."""
    from simulator.model.check import Checked, check_text
    from simulator.source.text import decode

    catalog: Catalog = CheckCatalog()
    dialect = dialect_option(args.kestra)
    around = _Around(files, args, catalog)
    checked: list[Checked] = []
    sources: dict[str, str] = {}
    for file in files:
        name = str(file)
        try:
            text = decode(file.read_bytes(), name)
        except SimulatorError as error:
            from simulator.dialect import V2

            checked.append(Checked(error.to_diagnostics(), dialect or V2, None))
            continue
        except OSError as error:
            raise UsageError(f"cannot read `{file}`: {error.strerror}") from None
        sources[name] = text
        if _is_suite(text):
            checked.append(_check_suite(text, name, around, dialect))
            continue
        checked.append(_side_file(file))
        checked.append(check_text(text, name, catalog=catalog, dialect=dialect, surroundings=around(file)))
    return checked, sources


class CheckCatalog:
    """The registry, with its answers remembered: a run over hundreds of files asks the same few types.

    Types of third parties are looked for once, not per unknown type: scanning the installed packages takes long.
    """

    def __init__(self) -> None:
        from simulator.plugins.registry import Registry

        self._registry: Catalog = Registry(entry_points=False)
        self._others: Catalog | None = None
        self._third_party: frozenset[str] | None = None
        self._specs: dict[tuple[str, int], Any] = {}
        self._names: dict[int, tuple[str, ...]] = {}

    def spec(self, type_name: str, dialect: Dialect) -> Any:
        key = (type_name, dialect.major)
        if key not in self._specs:
            found = self._registry.spec(type_name, dialect)
            if found is None and type_name in self._outside():
                found = self._full().spec(type_name, dialect)
            self._specs[key] = found
        return self._specs[key]

    def _outside(self) -> frozenset[str]:
        if self._third_party is None:
            from importlib.metadata import entry_points

            self._third_party = frozenset(point.name for point in entry_points(group="simulator.tasks"))
        return self._third_party

    def _full(self) -> Catalog:
        if self._others is None:
            from simulator.plugins.registry import Registry

            self._others = Registry()
        return self._others

    def canonical(self, type_name: str, dialect: Dialect) -> str | None:
        spec = self.spec(type_name, dialect)
        return spec.type if spec is not None else None

    def names(self, dialect: Dialect) -> tuple[str, ...]:
        if dialect.major not in self._names:
            self._names[dialect.major] = tuple(self._registry.names(dialect))
        return self._names[dialect.major]


def _is_suite(text: str) -> bool:
    from simulator.source.project import kind_of

    return "testCases" in text and kind_of(text)[0] == "suite"


def _check_suite(text: str, name: str, around: _Around, dialect: Dialect | None) -> Checked:
    """A test suite: its structure, its traps, and the tasks of its flow when that lies here, too."""
    from simulator.diagnostics import Collector
    from simulator.dialect import V2
    from simulator.model.check import Checked
    from simulator.model.flow import FlowId
    from simulator.testing.suite import read_suite
    from simulator.testing.suite_check import check_against_flow

    found = Collector()
    try:
        suite = read_suite(text, name, dialect or V2, collector=found)
        flow = around.flows.get(FlowId(suite.namespace, suite.flow_id))
        if flow is not None:
            check_against_flow(suite, {task.id for task in flow.walk_tasks()}, found)
    except SimulatorError as error:
        found.extend(error.to_diagnostics())
    return Checked(tuple(found.sorted()), dialect or V2, None)


def _side_file(flow_file: Path) -> Checked:
    """The side file of a flow, when there is one."""
    from simulator.dialect import V2
    from simulator.model.check import Checked
    from simulator.source.project import side_file

    side = side_file(flow_file)
    diagnostics: tuple[Diagnostic, ...] = ()
    if side.is_file():
        from simulator.world.sidefile import read_side_file

        try:
            read_side_file(side)
        except SimulatorError as error:
            diagnostics = error.to_diagnostics()
    return Checked(diagnostics, V2, None)


class _Around:
    """What is known around each file: secrets of env files (named, or in its side file), files, flows beside it."""

    def __init__(self, files: Sequence[Path], args: argparse.Namespace, catalog: Catalog) -> None:
        self._secrets = _secret_names(args.env_file)
        self._folder: Path | None = args.namespace_files
        beside = _flows_beside(files, args.flows)
        self.flows = _Flows(beside, catalog)
        self._several = len(beside) > 1

    def __call__(self, file: Path) -> Surroundings:
        from simulator.model.check import Surroundings
        from simulator.source.project import side_file

        secrets, folder = self._secrets, self._folder
        side = side_file(file)
        if side.is_file():
            from simulator.world.sidefile import read_side_file

            try:
                read = read_side_file(side)
                if secrets is None and read.env_files:
                    secrets = _secret_names(read.env_files)
                given = read.get("namespace_files")
                if folder is None and isinstance(given, str):
                    folder = read.resolve(given)
            except SimulatorError:
                pass  # said by _side_file
        return Surroundings(
            secrets=secrets,
            namespace_file=_exists_in(folder) if folder is not None else None,
            flows=self.flows,
            unknown_flows=self._several,
        )


def _exists_in(folder: Path) -> Callable[[str, str], bool]:
    def exists(namespace: str, path: str) -> bool:
        inner = path.lstrip("/")
        return (folder / inner).is_file() or (folder / namespace / inner).is_file()

    return exists


def _secret_names(files: Iterable[Path]) -> frozenset[str] | None:
    """Names of the secrets in env files (never their values); None without files, or when one cannot be read."""
    names: set[str] = set()
    given = False
    for file in files:
        given = True
        try:
            text = file.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return None
        for line in text.splitlines():
            key = line.strip().removeprefix("export ").partition("=")[0].strip()
            if key.startswith("SECRET_"):
                names.add(key.removeprefix("SECRET_").upper())
    return frozenset(names) if given else None


def _flows_beside(files: Sequence[Path], folders: Sequence[Path]) -> list[FoundFlow]:
    from simulator.source.project import Project

    return Project([*files, *folders]).flows()


class _Flows(dict["FlowId", "Flow"]):
    """Flows by name, built only when a Subflow asks for one."""

    def __init__(self, found: Iterable[FoundFlow], catalog: Catalog) -> None:
        from simulator.model.flow import FlowId

        super().__init__()
        self._catalog = catalog
        self._paths = {FlowId(item.namespace, item.id): item.path for item in found}

    def __iter__(self) -> Any:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def get(self, key: FlowId, default: Any = None) -> Any:
        if key not in self and key in self._paths:
            from simulator.model.dialects import choose

            try:
                path = self._paths[key]
                flow = choose(path.read_text("utf-8-sig"), str(path), self._catalog).flow
            except (OSError, UnicodeDecodeError):
                flow = None
            if flow is None:
                return default
            self[key] = flow
        return super().get(key, default)


# The formats: (sorted findings, texts, number of files, console).


def _text(diagnostics: list[Diagnostic], sources: dict[str, str], files: int, console: Console) -> None:
    from simulator.reports.diagnostics import summary

    console.report(diagnostics, sources, to_stdout=True)
    counted = summary(diagnostics)
    what = f"{files} file{'s' if files != 1 else ''} checked"
    console.err(f"{what}: {counted}" if counted else f"{what}: nothing found")


def _position(span: Span | None) -> dict[str, Any]:
    if span is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    return {
        "file": span.file,
        "line": span.start.line,
        "column": span.start.column,
        "end_line": span.end.line,
        "end_column": span.end.column,
    }


def _json(diagnostics: list[Diagnostic], sources: dict[str, str], files: int, console: Console) -> None:
    found = [
        {
            "code": item.code,
            "severity": item.severity.label,
            "message": item.message,
            **_position(item.span),
            "hint": item.hint,
        }
        for item in diagnostics
    ]
    console.out(json.dumps({"diagnostics": found}, indent=2, ensure_ascii=False))


def _github(diagnostics: list[Diagnostic], sources: dict[str, str], files: int, console: Console) -> None:
    from simulator.reports.github import annotate_all

    if diagnostics:
        console.out(annotate_all(diagnostics))


def _sarif(diagnostics: list[Diagnostic], sources: dict[str, str], files: int, console: Console) -> None:
    from simulator._version import __version__
    from simulator.model.check.codes import CODES

    levels = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "note"}
    used = sorted({item.code for item in diagnostics})
    rules: list[dict[str, Any]] = []
    for code in used:
        rule: dict[str, Any] = {"id": code}
        if code in CODES:
            rule["shortDescription"] = {"text": CODES[code].title}
            rule["fullDescription"] = {"text": CODES[code].text}
        rules.append(rule)
    results = []
    for item in diagnostics:
        text = item.message + (f"\n{item.hint}" if item.hint else "")
        result: dict[str, Any] = {
            "ruleId": item.code,
            "level": levels[item.severity],
            "message": {"text": text},
        }
        if item.span is not None:
            region = {
                "startLine": item.span.start.line,
                "startColumn": item.span.start.column,
                "endLine": item.span.end.line,
                "endColumn": item.span.end.column,
            }
            location = {"artifactLocation": {"uri": Path(item.span.file).as_posix()}, "region": region}
            result["locations"] = [{"physicalLocation": location}]
        results.append(result)
    driver = {
        "name": "simulate",
        "version": __version__,
        "informationUri": "https://kestra.io/docs",
        "rules": rules,
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    console.out(json.dumps(log, indent=2, ensure_ascii=False))


FORMATS: dict[str, Callable[[list[Diagnostic], dict[str, str], int, Console], None]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "sarif": _sarif,
}
