"""Skeletons of mocks, made from what a flow reads: the output keys that its expressions ask for, with sample values.

    mocks:
      call_api:                  # io.kestra.plugin.foo.Call
        outputs:
          body:
            id: sample id
          code: 200

A stub is a starting point that lets the flow run to its end; what the values should be is for the user to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from simulator.dialect import Dialect
from simulator.errors import ExpressionError
from simulator.model.catalog import Catalog, OutputSpec, T
from simulator.model.flow import Flow, Task

__all__ = ["needs_mock", "outputs_read", "render_stubs", "stub_for", "stubs"]

_SAMPLES: dict[T, Any] = {
    T.INTEGER: 1,
    T.NUMBER: 1.5,
    T.BOOLEAN: True,
    T.DURATION: "PT1S",
    T.DATE: "2026-01-31",
    T.DATETIME: "2026-01-31T09:00:00Z",
    T.MAP: {},
    T.OBJECT: {},
    T.LIST: [],
}
#: what a value is likely to be, by the last word of its name
_BY_NAME: dict[str, Any] = {
    "size": 1,
    "count": 1,
    "total": 1,
    "code": 200,
    "exitCode": 0,
    "rowCount": 1,
    "row_count": 1,
    "updatedCount": 1,
    "deletedCount": 1,
    "headers": {},
    "vars": {},
    "success": True,
    "url": "https://example.com/sample",
}
_ROW = {"id": 1, "name": "sample"}
_LISTS = frozenset(
    {"rows", "items", "results", "objects", "files", "records", "list", "data", "issues", "choices"}
)


def needs_mock(task: Task, catalog: Catalog, dialect: Dialect) -> bool:
    """Whether a task cannot run here: its type is unknown, or known by its shape only."""
    spec = catalog.spec(task.type, dialect)
    return spec is None or not spec.supported


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str() if "{{" in value or "{%" in value:
            yield value
        case Mapping():
            for key, item in value.items():
                yield from _texts(key)
                yield from _texts(item)
        case list() | tuple():
            for item in value:
                yield from _texts(item)


def outputs_read(flow: Flow) -> dict[str, list[tuple[Any, ...]]]:
    """Task id -> paths below `outputs.<task>` that the flow's expressions read, in order, without repetition.

    A key that is computed (`outputs.x[taskrun.value]`) stands as None.
    """
    from simulator.expressions.analyze import references

    found: dict[str, dict[tuple[Any, ...], None]] = {}
    for text in dict.fromkeys(_texts(flow.node.plain())):
        try:
            refs = references(text, flow.dialect)
        except ExpressionError:
            continue
        for ref in refs:
            if (
                ref.kind == "variable"
                and len(ref.path) >= 2
                and ref.path[0] == "outputs"
                and isinstance(ref.path[1], str)
            ):
                rest = tuple(part if isinstance(part, str | int) else None for part in ref.path[2:])
                found.setdefault(ref.path[1], {})[rest] = None
    return {task: list(paths) for task, paths in found.items()}


def _sample(name: str) -> Any:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name in _LISTS:
        return [dict(_ROW)]
    if name == "row":
        return dict(_ROW)
    return f"sample {name}"


def _put(tree: dict[str, Any], path: tuple[Any, ...]) -> None:
    """Makes a nested value at `path`: maps for names, one-element lists for numbers and computed keys."""
    head, *rest = path
    key = str(head)
    if not rest:
        tree.setdefault(key, _sample(key))
        return
    step = rest[0]
    if isinstance(step, int) or step is None:
        items = tree.get(key)
        if not isinstance(items, list) or not items:
            items = tree[key] = [{}] if len(rest) > 1 else [_sample(key.removesuffix("s"))]
        if len(rest) > 1:
            if not isinstance(items[0], dict):
                items[0] = {}
            if isinstance(rest[1], str):
                _put(items[0], tuple(rest[1:]))
        return
    child = tree.get(key)
    if not isinstance(child, dict):
        child = tree[key] = {}
    _put(child, tuple(rest))


def _from_spec(specs: Iterable[OutputSpec]) -> dict[str, Any]:
    return {
        spec.name: _from_spec(spec.fields) if spec.fields else _SAMPLES.get(spec.type, f"sample {spec.name}")
        for spec in specs
    }


def stub_for(
    task: Task, paths: Iterable[tuple[Any, ...]], in_loop: bool, catalog: Catalog, dialect: Dialect
) -> dict[str, Any]:
    """The mock of one task. Inside a 1.x loop the first step of a path is the value of the task run."""
    tree: dict[str, Any] = {}
    stored = False
    for path in paths:
        steps = tuple(path[1:] if in_loop and path and path[0] is None else path)
        if not steps or steps[0] is None:
            continue
        if steps[0] == "uri":
            stored = True
        elif steps[0] == "outputFiles" and len(steps) > 1:
            name = str(steps[1]) if isinstance(steps[1], str) else "file.txt"
            tree.setdefault("outputFiles", {})[name] = "kestra:///sample"
        elif isinstance(steps[0], str):
            _put(tree, steps)
    spec = catalog.spec(task.type, dialect)
    if not tree and not stored and spec is not None and not spec.open_outputs:
        tree = {key: value for key, value in _from_spec(spec.outputs).items() if key != "uri"}
    stub: dict[str, Any] = {}
    if tree:
        stub["outputs"] = tree
    if stored:
        stub["rows"] = [dict(_ROW)]
    return stub


def stubs(
    flow: Flow, catalog: Catalog, dialect: Dialect, *, everything: bool = False
) -> dict[str, dict[str, Any]]:
    """Mocks for every task that needs one (`everything`: for every task that runs code)."""
    read = outputs_read(flow)
    found: dict[str, dict[str, Any]] = {}

    def visit(tasks: Iterable[Task], in_loop: bool) -> None:
        for task in tasks:
            if task.disabled:
                continue
            wanted = needs_mock(task, catalog, dialect) or (everything and not task.children)
            if wanted:
                found[task.id] = stub_for(task, read.get(task.id, ()), in_loop, catalog, dialect)
                continue
            loop = in_loop or task.type.rsplit(".", 1)[-1] in ("ForEach", "EachSequential", "EachParallel")
            for children in task.children.values():
                visit(children, loop)

    groups = (
        flow.tasks,
        flow.errors,
        flow.finally_,
        flow.after_execution,
        *(item.tasks for item in flow.listeners),
    )
    for group in groups:
        visit(group, False)
    return found


def render_stubs(mocks: Mapping[str, Mapping[str, Any]], flow: Flow) -> str:
    """The `mocks:` section as YAML text, each with its type as a comment."""
    import yaml

    types = {task.id: task.type for task in flow.walk_tasks()}
    lines = ["mocks:"]
    for task_id, mock in mocks.items():
        comment = f"  # {types.get(task_id, '')}"
        if not mock:
            lines.append(f"  {task_id}: {{}}{comment}")
            continue
        body = yaml.safe_dump(
            dict(mock), sort_keys=False, allow_unicode=True, default_flow_style=False, width=110
        )
        lines.append(f"  {task_id}:{comment}")
        lines += [f"    {line}" for line in body.rstrip("\n").split("\n")]
    return "\n".join(lines)
