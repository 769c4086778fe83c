"""A flow as Kestra reads it, as YAML again: plugin defaults merged, aliases resolved, secrets masked.

What is written reads back, by Kestra's rules, to the same tasks. `pluginDefaults` are left out: they are merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.model.catalog import Catalog, TaskSpec
from simulator.model.convert import is_dynamic
from simulator.model.flow import Flow, Task
from simulator.source.scalars import MalformedNumberError, resolve

__all__ = ["MASK", "flow_data", "task_data", "to_yaml"]

MASK = "******"


def flow_data(flow: Flow, catalog: Catalog) -> dict[str, Any]:
    """The whole flow as plain data, in the order of its text."""
    data = {
        key: node.plain()
        for key, node in flow.node.entries.items()
        if key not in ("pluginDefaults", "taskDefaults")
    }
    return {key: _resolved(value, flow, catalog) for key, value in data.items()}


def task_data(task: Task, flow: Flow, catalog: Catalog) -> dict[str, Any]:
    """One task with its children as plain data."""
    data = _resolved(task.node.plain(), flow, catalog)
    assert isinstance(data, dict)
    return data


def _resolved(value: Any, flow: Flow, catalog: Catalog) -> Any:
    """Types by their own names, values of secret properties masked, at any depth."""
    if isinstance(value, list):
        return [_resolved(item, flow, catalog) for item in value]
    if not isinstance(value, dict):
        return value
    name = value.get("type")
    spec = catalog.spec(name, flow.dialect) if isinstance(name, str) and "." in name else None
    data = {key: _resolved(item, flow, catalog) for key, item in value.items()}
    if spec is not None:
        data["type"] = spec.type
        _mask(data, spec)
    return data


def _mask(data: dict[str, Any], spec: TaskSpec) -> None:
    for prop in spec.properties:
        for key in (prop.name, *prop.aliases):
            value = data.get(key)
            if (
                prop.secret
                and isinstance(value, (str, int, float))
                and value != ""
                and not is_dynamic(str(value))
            ):
                data[key] = MASK


def to_yaml(data: Mapping[str, Any]) -> str:
    """YAML that Kestra's reader reads back to the same data."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # Kestra does not resolve them
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    def text(dumper: Any, value: str) -> Any:
        style: str | None = None
        if (
            "\n" in value
            and all(line == line.rstrip() for line in value.split("\n"))
            and value.isprintable() is False
        ):
            style = (
                "|"
                if all(char.isprintable() or char == "\n" for char in value)
                and not value.startswith((" ", "\n"))
                else '"'
            )
        elif not _reads_as_itself(value) or ("'" in value and '"' not in value and "\\" not in value):
            style = '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    def number(dumper: Any, value: float) -> Any:
        shown = "1e400" if value == float("inf") else "-1e400" if value == float("-inf") else repr(value)
        return dumper.represent_scalar("tag:yaml.org,2002:float", shown)

    Dumper.add_representer(str, text)
    Dumper.add_representer(float, number)
    dumped: str = yaml.dump(
        dict(data),
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100_000,
        default_flow_style=False,
    )
    return dumped


def _reads_as_itself(value: str) -> bool:
    try:
        read = resolve(value, True, None)
    except MalformedNumberError:
        return False
    return isinstance(read, str) and value != ""
