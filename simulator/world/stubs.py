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

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from simulator.dialect import Dialect
from simulator.model.catalog import Catalog, OutputSpec, T
from simulator.model.flow import Flow, Task
from simulator.world.usage import Shape, StoredFile, usage

__all__ = ["as_yaml", "needs_mock", "render_stubs", "stub_for", "stubs"]

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
_ROW = {"id": 1, "name": "sample"}
#: what a sample file of each kind holds, as `files` of a mock takes it
_CONTENTS: dict[str, Any] = {
    ".ion": {"rows": [_ROW]},
    ".csv": "id,name\n1,sample\n",
    ".json": '[{"id": 1, "name": "sample"}]\n',
    ".jsonl": '{"id": 1, "name": "sample"}\n',
    ".yaml": "- id: 1\n  name: sample\n",
    ".xml": "<rows><row><id>1</id><name>sample</name></row></rows>\n",
    # one file, rows.csv, in a ZIP archive
    ".zip": {
        "base64": "UEsDBBQAAAAAAABIP1wqiDfVEQAAABEAAAAIAAAAcm93cy5jc3ZpZCxuYW1lCjEsc2FtcGxlClBLAQIUAxQAAAAAAA"
        "BIP1wqiDfVEQAAABEAAAAIAAAAAAAAAAAAAACAAQAAAAByb3dzLmNzdlBLBQYAAAAAAQABADYAAAA3AAAAAAA="
    },
}


def needs_mock(task: Task, catalog: Catalog, dialect: Dialect) -> bool:
    """Whether a task cannot run here: its type is unknown, or known by its shape only."""
    spec = catalog.spec(task.type, dialect)
    return spec is None or not spec.supported


def stub_for(task: Task, shape: Shape | None, catalog: Catalog, dialect: Dialect) -> dict[str, Any]:
    """The mock of one task from what the flow reads of it; without any, from what its type gives."""
    spec = catalog.spec(task.type, dialect)
    closed = spec is not None and not spec.open_outputs
    tree: dict[str, Any] = {}
    for name, below in (shape.fields if shape is not None else {}).items():
        declared = next((item for item in spec.outputs if item.name == name), None) if spec else None
        if closed and declared is None:
            # The flow reads what the type does not give: Kestra would fail there, and so does the mock.
            continue
        value = below.sample(name)
        if declared is not None:
            value = _as_declared(value, declared)
        tree[name] = value
    if not tree and spec is not None and closed:
        tree = _from_spec(spec.outputs)
    outputs, files = _split(tree)
    stub: dict[str, Any] = {}
    rows = (files or {}).get("uri")
    if isinstance(rows, Mapping) and "rows" in rows:
        stub["rows"] = rows["rows"]
        del files["uri"]
    if outputs:
        stub = {"outputs": outputs, **stub}
    if files:
        stub["files"] = files
    return stub


def _as_declared(value: Any, declared: OutputSpec) -> Any:
    """A sample in the type that the output really has."""
    if declared.type is T.STRING and isinstance(value, Mapping | list):
        import json

        return json.dumps(value)
    if declared.type is T.STRING and isinstance(value, StoredFile):
        return "https://example.com/sample"
    if declared.type is T.URI and isinstance(value, str):
        return StoredFile()
    if declared.type in (T.INTEGER, T.NUMBER, T.BOOLEAN) and isinstance(value, str):
        return _SAMPLES[declared.type]
    return value


def _from_spec(specs: Iterable[OutputSpec]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for spec in specs:
        if spec.fields:
            found[spec.name] = _from_spec(spec.fields)
        elif spec.type is T.URI:
            found[spec.name] = StoredFile()
        else:
            found[spec.name] = _as_declared(Shape().sample(spec.name), spec)
            if spec.type in (T.DURATION, T.DATE, T.DATETIME, T.MAP, T.OBJECT, T.LIST):
                found[spec.name] = _SAMPLES[spec.type]
    return found


def _split(value: Any) -> tuple[Any, Any]:
    """A sample as plain outputs, and the files in it in the same structure (None where there are none)."""
    match value:
        case StoredFile():
            return None, _content(value)
        case Mapping():
            parts = {key: _split(item) for key, item in value.items()}
            files = {key: part[1] for key, part in parts.items() if part[1] is not None}
            plain = {key: part[0] for key, part in parts.items() if part[0] is not None}
            return plain if plain or not files else None, files or None
        case list():
            pairs = [_split(item) for item in value]
            if all(file is None for _, file in pairs):
                return [plain for plain, _ in pairs], None
            plains = [item or {} for item, _ in pairs]
            return plains if any(plains) else None, [file for _, file in pairs]
    return value, None


def _content(file: StoredFile) -> Any:
    if file.content is not None:
        import json

        return file.content if isinstance(file.content, str) else json.dumps(file.content)
    return _CONTENTS.get(file.extension.lower(), "sample\n")


def stubs(
    flow: Flow,
    catalog: Catalog,
    dialect: Dialect,
    *,
    wanted: Callable[[Task], bool] | None = None,
) -> dict[str, dict[str, Any]]:
    """Mocks for every task that needs one, and for those that `wanted` names.

    The list of tasks is Kestra's: all branches, disabled ones left out.
    """
    read = usage(flow)["outputs"].fields
    found: dict[str, dict[str, Any]] = {}

    def visit(tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.disabled:
                continue
            if needs_mock(task, catalog, dialect) or (wanted is not None and wanted(task)):
                found[task.id] = stub_for(task, read.get(task.id), catalog, dialect)
                continue
            for children in task.children.values():
                visit(children)

    groups = (
        flow.tasks,
        flow.errors,
        flow.finally_,
        flow.after_execution,
        *(item.tasks for item in flow.listeners),
    )
    for group in groups:
        visit(group)
    return found


def render_stubs(mocks: Mapping[str, Mapping[str, Any]], flow: Flow) -> str:
    """The `mocks:` section as YAML text, each with its type as a comment."""
    types = {task.id: task.type for task in flow.walk_tasks()}
    lines = ["mocks:"]
    for task_id, mock in mocks.items():
        comment = f"  # {types.get(task_id, '')}"
        if not mock:
            lines.append(f"  {task_id}: {{}}{comment}")
            continue
        lines.append(f"  {task_id}:{comment}")
        lines += [f"    {line}" for line in as_yaml(dict(mock)).split("\n")]
    return "\n".join(lines)


def as_yaml(value: Any) -> str:
    """A sample as YAML in block style, without the last line end."""
    import yaml

    text = yaml.safe_dump(
        _basic(value), sort_keys=False, allow_unicode=True, default_flow_style=False, width=110
    )
    return str(text).rstrip("\n")


def _basic(value: Any) -> Any:
    """Literals of expressions are numbers of their own kinds (Java's); YAML knows Python's."""
    match value:
        case Mapping():
            return {_basic(key): _basic(item) for key, item in value.items()}
        case list() | tuple():
            return [_basic(item) for item in value]
        case None | bool():
            return value
        case int():
            return int(value)
        case float():
            return float(value)
    return str(value)
