"""A topology as text: a tree for the terminal, Mermaid, Graphviz dot."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simulator.model.flow import Flow, Task
from simulator.model.topology import Cluster, Node, Topology, branches, short_type, topology

__all__ = ["as_dot", "as_mermaid", "as_tree"]


def as_tree(flow: Flow) -> str:
    """The tasks as a tree, branches named.

    demo
    ├─ choose  core.flow.If
    │  └─ then
    │     └─ a  core.log.Log
    """
    rows: list[tuple[str, str, str]] = [("", f"{flow.namespace}.{flow.id}", "")]
    blocks = [
        ("", flow.tasks),
        ("errors", flow.errors),
        ("finally", flow.finally_),
        ("afterExecution", flow.after_execution),
    ]
    entries: list[_Entry] = []
    for trigger in flow.triggers:
        entries.append(
            _Entry(
                f"trigger {trigger.id}",
                short_type(trigger.type) + (" (disabled)" if trigger.disabled else ""),
                [],
            )
        )
    for name, tasks in blocks:
        below = [_entry(task) for task in tasks]
        if name and below:
            entries.append(_Entry(name, "", below))
        else:
            entries += below
    rows += list(_rows(entries, ""))
    width = max((len(lead) + len(label) for lead, label, note in rows if note), default=0)
    return "\n".join(
        f"{lead}{label}{' ' * (width - len(lead) - len(label) + 2)}{note}".rstrip()
        if note
        else f"{lead}{label}"
        for lead, label, note in rows
    )


class _Entry:
    __slots__ = ("below", "label", "note")

    def __init__(self, label: str, note: str, below: list[_Entry]) -> None:
        self.label = label
        self.note = note
        self.below = below


def _entry(task: Task) -> _Entry:
    note = short_type(task.type)
    if task.disabled:
        note += " (disabled)"
    if task.depends_on:
        note += f" after {', '.join(task.depends_on)}"
    groups = branches(task)
    if [name for name, _ in groups] == ["tasks"]:
        return _Entry(task.id, note, [_entry(child) for child in groups[0][1]])
    return _Entry(
        task.id,
        note,
        [_Entry(name, "", [_entry(child) for child in children]) for name, children in groups if children],
    )


def _rows(entries: list[_Entry], lead: str) -> Iterator[tuple[str, str, str]]:
    for index, entry in enumerate(entries):
        last = index == len(entries) - 1
        yield lead + ("└─ " if last else "├─ "), entry.label, entry.note
        yield from _rows(entry.below, lead + ("   " if last else "│  "))


def _names(shape: Topology) -> dict[str, str]:
    return {item.id: f"n{index}" for index, item in enumerate([*shape.nodes])}


def _mermaid_text(text: str) -> str:
    return (
        text.replace("&", "&amp;")
        .replace('"', "&quot;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("`", "&#96;")
    )


_SHAPES = {
    "start": ("([", "])"),
    "trigger": ("{{", "}}"),
    "flowable": ("{", "}"),
    "subflow": ("[[", "]]"),
    "task": ("[", "]"),
}


def as_mermaid(flow: Flow) -> str:
    """A Mermaid flowchart."""
    shape = topology(flow)
    names = _names(shape)
    lines = ["flowchart TD"]

    def node_line(node: Node, lead: str) -> str:
        left, right = _SHAPES[node.kind]
        label = _mermaid_text(node.label)
        if node.type:
            label += f"<br/><small>{_mermaid_text(short_type(node.type))}</small>"
        return f'{lead}{names[node.id]}{left}"{label}"{right}'

    _nested(
        shape,
        None,
        "  ",
        lines,
        node_line,
        lambda cluster, number: f'subgraph c{number}["{_mermaid_text(cluster.label)}"]',
        "end",
    )
    arrows = {"next": "-->", "branch": "-->", "error": "-.->", "again": "-.->"}
    for edge in shape.edges:
        label = f'|"{_mermaid_text(edge.label)}"|' if edge.label else ""
        lines.append(f"  {names[edge.source]} {arrows[edge.kind]}{label} {names[edge.target]}")
    disabled = [names[node.id] for node in shape.nodes if node.disabled]
    if disabled:
        lines += [
            "  classDef disabled stroke-dasharray: 4 4,opacity:0.5",
            f"  class {','.join(disabled)} disabled",
        ]
    return "\n".join(lines)


def _nested(
    shape: Topology,
    parent: str | None,
    lead: str,
    lines: list[str],
    node_line: Callable[[Node, str], str],
    opening: Callable[[Cluster, int], str],
    closing: str,
) -> None:
    """Nodes and clusters below a cluster, in the order of the flow."""
    numbers = {cluster.id: index for index, cluster in enumerate(shape.clusters)}
    for node in shape.nodes:
        if node.cluster == parent:
            lines.append(node_line(node, lead))
    for cluster in shape.clusters:
        if cluster.parent == parent:
            lines.append(lead + opening(cluster, numbers[cluster.id]))
            _nested(shape, cluster.id, lead + "  ", lines, node_line, opening, closing)
            lines.append(lead + closing)


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


_DOT_SHAPES = {
    "start": "oval",
    "trigger": "hexagon",
    "flowable": "diamond",
    "subflow": "component",
    "task": "box",
}


def as_dot(flow: Flow) -> str:
    """A Graphviz digraph."""
    shape = topology(flow)
    names = _names(shape)
    lines = [
        f'digraph "{_dot_text(f"{flow.namespace}.{flow.id}")}" {{',
        "  rankdir=TB;",
        '  node [fontname="Helvetica"];',
    ]

    def node_line(node: Node, lead: str) -> str:
        label = _dot_text(node.label) + (f"\\n{_dot_text(short_type(node.type))}" if node.type else "")
        style = ', style="dashed"' if node.disabled else ""
        return f'{lead}{names[node.id]} [label="{label}", shape={_DOT_SHAPES[node.kind]}{style}];'

    def opening(cluster: Cluster, number: int) -> str:
        return f'subgraph cluster_{number} {{ label="{_dot_text(cluster.label)}";'

    _nested(shape, None, "  ", lines, node_line, opening, "}")
    for edge in shape.edges:
        parts = [f'label="{_dot_text(edge.label)}"'] if edge.label else []
        parts += ['style="dashed"'] if edge.kind in ("error", "again") else []
        lines.append(
            f"  {names[edge.source]} -> {names[edge.target]}{' [' + ', '.join(parts) + ']' if parts else ''};"
        )
    return "\n".join([*lines, "}"])
