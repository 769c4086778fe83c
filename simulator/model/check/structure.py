"""Branches that never run, and data that is not what its name says."""

from __future__ import annotations

import re
from collections.abc import Iterable

from simulator.expressions.analyze import DYNAMIC, Reference
from simulator.model.check.context import CheckContext
from simulator.model.check.expressions import references_of
from simulator.model.check.places import Site
from simulator.model.flow import Task
from simulator.source.nodes import ScalarNode

__all__ = ["check_dead_branches", "check_ion_under_another_name"]

_FALSY = frozenset({"false", "0", "-0", ""})
_CONSTANT = re.compile(r"\{\{\s*(true|false|-?\d+|'[^'{}]*'|\"[^\"{}]*\")\s*\}\}")
_CORE = "io.kestra.plugin.core."


def _constant(node: object) -> bool | None:
    """The truth of a condition that never changes, None for any other."""
    if not isinstance(node, ScalarNode) or node.value is None:
        return None
    text = node.text.strip()
    match = _CONSTANT.fullmatch(text)
    if match:
        text = match[1].strip("'\"")
    elif "{" in text:
        return None
    return text not in _FALSY


def check_dead_branches(context: CheckContext) -> None:
    """SIM-DEAD-001: a constant condition; 002: tasks behind one that always ends the execution; 003: equal cases."""
    flow = context.flow
    for group in (flow.tasks, flow.errors, flow.finally_, flow.after_execution):
        _behind_the_end(context, group)
    for task in flow.walk_tasks():
        for children in task.children.values():
            if not (task.canonical or "").endswith((".Parallel", ".Dag", ".EachParallel")):
                _behind_the_end(context, children)
        if _constant(task.node.get("runIf")) is False:
            context.warn(
                "SIM-DEAD-001",
                f"`{task.id}` is always SKIPPED: `runIf` is never true",
                task.node.entries["runIf"].span,
            )
        if task.canonical == f"{_CORE}flow.If":
            _constant_if(context, task)


def _constant_if(context: CheckContext, task: Task) -> None:
    condition = task.node.get("condition")
    truth = _constant(condition)
    if truth is None or condition is None:
        return
    dead = "else" if truth else "then"
    if task.children.get(dead):
        context.warn(
            "SIM-DEAD-001",
            f"The condition of `{task.id}` is always {str(truth).lower()}: `{dead}` never runs",
            condition.span,
        )


def _behind_the_end(context: CheckContext, tasks: Iterable[Task]) -> None:
    end: Task | None = None
    for task in tasks:
        if end is not None and not task.disabled:
            context.warn(
                "SIM-DEAD-002", f"`{task.id}` never runs: `{end.id}` always ends the execution before", task.span,
                f"Give `{end.id}` a condition (`runIf`), or put it last.",
            )  # fmt: skip
            return
        if (
            task.canonical in (f"{_CORE}execution.Fail", f"{_CORE}execution.Exit")
            and task.run_if is None
            and not task.disabled
            and not task.allow_failure
            and not task.properties.get("condition")
        ):
            end = task


#: extension -> the type that makes such a file of Ion rows
_CONVERTERS = {
    "csv": "io.kestra.plugin.serdes.csv.IonToCsv", "tsv": "io.kestra.plugin.serdes.csv.IonToCsv",
    "json": "io.kestra.plugin.serdes.json.IonToJson", "jsonl": "io.kestra.plugin.serdes.json.IonToJson",
    "ndjson": "io.kestra.plugin.serdes.json.IonToJson", "parquet": "io.kestra.plugin.serdes.parquet.IonToParquet",
    "avro": "io.kestra.plugin.serdes.avro.IonToAvro", "xml": "io.kestra.plugin.serdes.xml.IonToXml",
    "xlsx": "io.kestra.plugin.serdes.excel.IonToExcel", "yaml": "io.kestra.plugin.serdes.yaml.IonToYaml",
}  # fmt: skip
#: short names of types that put a file somewhere, with the property that names the target
_TARGETS = {"Upload": ("key", "to", "name", "path"), "Put": ("key", "to")}


def check_ion_under_another_name(context: CheckContext) -> None:
    """SIM-DATA-001: rows are stored as Ion; an upload under `users.csv` does not make them CSV."""
    for site in context.sites:
        if site.task is None or site.key not in ("from", "content") or not site.has_expression:
            continue
        short = site.task.type.rpartition(".")[2]
        if short not in _TARGETS:
            continue
        target = next((site.task.node.get(key) for key in _TARGETS[short] if site.task.node.get(key)), None)
        if not isinstance(target, ScalarNode):
            continue
        match = re.search(r"\.([a-z0-9]+)\s*$", target.text.lower())
        converter = _CONVERTERS.get(match[1]) if match else None
        if converter is None or match is None:
            continue
        source = _ion_source(context, site)
        if source is not None:
            context.warn(
                "SIM-DATA-001",
                f"`{target.text.rsplit('/', 1)[-1]}` will hold Ion, not {match[1].upper()}: `{source.id}` stores its rows as Ion",
                target.span,
                f'Put a task of type {converter} between, with `from: "{{{{ outputs.{source.id}.uri }}}}"`, and upload its `uri`.',
            )


def _ion_source(context: CheckContext, site: Site) -> Task | None:
    for reference in references_of(context, site):
        task = _task_of(context, reference)
        if task is not None and _stores_ion(task):
            return task
    return None


def _task_of(context: CheckContext, reference: Reference) -> Task | None:
    if reference.kind != "variable" or reference.name != "outputs" or len(reference.path) < 3:
        return None
    name, last = reference.path[1], reference.path[-1]
    if name is DYNAMIC or last != "uri":
        return None
    return context.places.tasks.get(str(name))


def _stores_ion(task: Task) -> bool:
    short = task.type.rpartition(".")[2]
    if short.endswith("ToIon") or short in ("FilterItems", "DeduplicateItems"):
        return True
    if ".plugin.jdbc." in task.type and short in ("Query", "CopyOut"):
        fetch = str(task.properties.get("fetchType", "")).upper()
        return short == "Query" and (fetch == "STORE" or task.properties.get("store") in (True, "true"))
    return False
