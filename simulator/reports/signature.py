"""The inputs of a flow as a table and a ready command line: what is shown when inputs are missing."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from simulator.model.flow import Flow, Input
from simulator.reports.style import Style, clean

__all__ = ["signature"]

_SAMPLES = {
    "INT": "1",
    "FLOAT": "1.5",
    "BOOL": "true",
    "BOOLEAN": "true",
    "DATE": "2026-01-31",
    "TIME": "09:00:00",
    "DATETIME": "2026-01-31T09:00:00Z",
    "DURATION": "PT10M",
    "FILE": "@path/to/file",
    "JSON": '{"key": "value"}',
    "YAML": "key: value",
    "URI": "https://example.com/",
    "EMAIL": "ada@example.com",
    "ARRAY": '["a", "b"]',
}


def _leaves(inputs: Iterable[Input], prefix: str = "") -> Iterable[tuple[str, Input]]:
    for item in inputs:
        if item.children:
            yield from _leaves(item.children, f"{prefix}{item.id}.")
        else:
            yield prefix + item.id, item


def _sample(item: Input) -> str:
    values = item.options.get("values")
    if isinstance(values, list) and values:
        first = str(values[0])
        return f'["{first}"]' if item.type == "MULTISELECT" else first
    return _SAMPLES.get(item.type, "...")


def _type(item: Input) -> str:
    """The type, with the values of a choice."""
    values = item.options.get("values")
    shown = clean(" | ".join(map(str, values)))[:50] if isinstance(values, list) else ""
    return f"{item.type}  {shown}".rstrip()


def signature(flow: Flow, style: Style, given: Sequence[str] = ()) -> str:
    """Name, type, whether it is needed, default and description of each input, then a command that gives the needed ones
    beside those that were `given` (`NAME=VALUE`)."""
    types = {name: item.type for name, item in _leaves(flow.inputs)}
    there = [item.partition("=")[0] for item in given if item.partition("=")[0] in types]
    kept = [
        f"{name}=..." if types[name] == "SECRET" else item
        for item in given
        if (name := item.partition("=")[0]) in types
    ]
    rows = []
    needed = []
    for name, item in _leaves(flow.inputs):
        must = item.required and not item.has_defaults
        default = "" if not item.has_defaults else clean(str(item.defaults)).replace("\n", " ")[:40]
        text = clean((item.description or item.display_name or "").split("\n")[0])[:60]
        rows.append((name, _type(item), "required" if must else "", default, text))
        if must and name not in there:
            needed.append(shlex.join(["-i", f"{name}={_sample(item)}"]))
    if not rows:
        return f"{flow.id} takes no inputs"
    head = ("input", "type", "", "default", "")
    widths = [max(len(row[index]) for row in (*rows, head)) for index in range(len(head))]
    lines = [
        "  "
        + "  ".join(
            style(cell.ljust(width), *paint) for cell, width, paint in zip(row, widths, paints)
        ).rstrip()
        for row, paints in [
            (head, (("dim",),) * 5),
            *((row, (("bold",), (), ("yellow",), ("dim",), ())) for row in rows),
        ]
    ]
    if not needed:
        return "\n".join(lines)
    command = shlex.join(["simulate", flow.file, *(word for item in kept for word in ("-i", item))])
    return "\n".join([*lines, "", f"  {' '.join([command, *needed])}"])
