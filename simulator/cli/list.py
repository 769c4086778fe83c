"""`simulate list [PATH...]`: flows, with inputs, tasks, the secrets and doubles each needs, and what cannot run here."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.cli.check import CheckCatalog, dialect_option, find_flows
from simulator.cli.console import Console
from simulator.errors import ExitCode, SimulatorError

if TYPE_CHECKING:
    from simulator.dialect import Dialect
    from simulator.model.catalog import Catalog
    from simulator.model.flow import Flow

HELP = "flows found, with what each needs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="flow files or folders (default: here)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--support", action="store_true", help="the types that run here, instead of flows")
    parser.add_argument(
        "--kestra", choices=("1", "2", "auto"), default="auto", help="dialect (default: auto)"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    catalog = CheckCatalog()
    if args.support:
        return _support(args, catalog, console)
    entries = [_entry(path, dialect_option(args.kestra), catalog) for path in find_flows(args.paths)]
    if args.json:
        console.out(json.dumps({"flows": entries}, indent=2, ensure_ascii=False, default=str))
    else:
        for index, entry in enumerate(entries):
            if index:
                console.out("")
            _show(entry, console)
    return ExitCode.SUCCESS


def _entry(path: Path, dialect: Dialect | None, catalog: Catalog) -> dict[str, Any]:
    from simulator.diagnostics import Severity
    from simulator.model.check import check_text
    from simulator.source.text import decode

    try:
        text = decode(path.read_bytes(), str(path))
    except (SimulatorError, OSError) as error:
        return {"file": str(path), "support": "invalid", "errors": [str(error)]}
    checked = check_text(text, str(path), catalog=catalog, dialect=dialect)
    errors = [str(item) for item in checked.diagnostics if item.severity is Severity.ERROR]
    entry: dict[str, Any] = {"file": str(path), "kestra": str(checked.dialect)}
    if checked.flow is None:
        return {**entry, "support": "invalid", "errors": errors}
    entry |= describe(checked.flow, catalog)
    if errors:
        entry |= {"support": "invalid", "errors": errors}
    return entry


def describe(flow: Flow, catalog: Catalog) -> dict[str, Any]:
    """What a flow is made of and needs."""
    from simulator.model.flow_rules import leaves

    tasks = []
    needs: set[str] = set()
    mocks: list[str] = []
    for task in flow.walk_tasks():
        spec = catalog.spec(task.type, flow.dialect)
        runs = spec is not None and spec.supported
        tasks.append({"id": task.id, "type": spec.type if spec is not None else task.type, "runs": runs})
        if runs and spec is not None:
            needs.update(spec.needs)
        elif not task.disabled:
            mocks.append(task.id)
    return {
        "namespace": flow.namespace,
        "id": flow.id,
        "description": flow.description,
        "inputs": [
            {
                "id": name,
                "type": item.type,
                "required": item.required and not item.has_defaults,
                "defaults": item.defaults,
            }
            for name, item in leaves(flow.inputs)
        ],
        "tasks": tasks,
        "triggers": [{"id": item.id, "type": item.canonical or item.type} for item in flow.triggers],
        "outputs": [item.id for item in flow.outputs],
        "secrets": sorted(secret_names(flow, catalog)),
        "doubles": sorted(needs),
        "support": "mocks" if mocks else "full",
        "to_mock": mocks,
    }


def secret_names(flow: Flow, catalog: Catalog) -> set[str]:
    """The secrets that expressions of the flow name."""
    from simulator.errors import ExpressionError
    from simulator.expressions.analyze import references
    from simulator.model.check.places import sites

    names: set[str] = set()
    for site in sites(flow, catalog):
        if "secret" not in site.node.text:
            continue
        try:
            found = references(site.node.text, flow.dialect)
        except ExpressionError:
            continue
        for one in found:
            if one.kind == "function" and one.name == "secret":
                key = one.arguments[0] if one.arguments else one.named.get("key")
                if isinstance(key, str):
                    names.add(key)
    return names


def _show(entry: dict[str, Any], console: Console) -> None:
    from simulator.model.topology import short_type
    from simulator.reports.style import clean

    style = console.style
    name = f"{entry.get('namespace', '?')}.{entry.get('id', '?')}"
    console.out(
        f"{style(clean(name), 'bold')}  {clean(entry['file'])}"
        + (f"  (Kestra {entry['kestra']})" if "kestra" in entry else "")
    )

    def line(title: str, items: Iterable[str]) -> None:
        text = ", ".join(items)
        if text:
            console.out(f"  {title:<9}{clean(text)}")

    line(
        "inputs",
        (
            f"{one['id']} {one['type']}{'' if one['required'] else ' (optional)'}"
            for one in entry.get("inputs", ())
        ),
    )
    line("tasks", (f"{one['id']} ({short_type(one['type'])})" for one in entry.get("tasks", ())))
    line("triggers", (f"{one['id']} ({short_type(one['type'])})" for one in entry.get("triggers", ())))
    line("secrets", entry.get("secrets", ()))
    line("doubles", entry.get("doubles", ()))
    if entry["support"] == "invalid":
        console.out(
            f"  {style('invalid', 'red')}  {clean(entry['errors'][0]) if entry.get('errors') else ''} (`simulate check`)"
        )
    elif entry["support"] == "mocks":
        console.out(f"  {style('to mock', 'yellow')}  {clean(', '.join(entry['to_mock']))}")


def _support(args: argparse.Namespace, catalog: Catalog, console: Console) -> int:
    from simulator.dialect import V2

    dialect = dialect_option(args.kestra) or V2
    rows: list[dict[str, Any]] = []
    for name in sorted(catalog.names(dialect)):
        spec = catalog.spec(name, dialect)
        if spec is not None:
            rows.append(
                {"type": name, "kind": spec.kind.value, "runs": spec.supported, "doubles": sorted(spec.needs)}
            )
    if args.json:
        console.out(json.dumps({"kestra": str(dialect), "types": rows}, indent=2))
    else:
        for row in rows:
            state = "runs" if row["runs"] else "mock it"
            console.out(
                f"{row['type']:<60} {row['kind']:<12} {state:<8} {', '.join(row['doubles'])}".rstrip()
            )
    return ExitCode.SUCCESS
