"""ForEachItem as three tasks of 2.0: Split, a Loop over the parts, a Subflow for each (rule LOOP-12).

    - id: each                          - id: each_split
      type: ...flow.ForEachItem           type: ...storage.Split
      items: "{{ uri }}"                  from: "{{ uri }}"
      batch:                              rows: 100
        rows: 100                       - id: each
      namespace: n                        type: ...flow.Loop
      flowId: f                   ->      values: "{{ outputs.each_split.uris }}"
                                          concurrencyLimit: 0
                                          tasks:
                                            - id: each_items
                                              type: ...flow.Subflow
                                              namespace: n
                                              flowId: f

The names are those that 1.x gave the task runs. All parts start at once, as in 1.x (`concurrencyLimit: 0`). Where
`outputs.each_merge.subflowOutputs` is read, the Loop collects the outputs of its subflows and a Write task makes the
same file of them (in the order in which the parts end).
"""

from __future__ import annotations

from simulator.migrate.editor import Document, Edit, EditConflictError, apply
from simulator.migrate.scope import output
from simulator.migrate.walk import CORE, Task, tasks, text_at
from simulator.source.nodes import MapNode

__all__ = ["item_edits"]

_SUBFLOW = frozenset(
    [
        "namespace",
        "flowId",
        "revision",
        "inputs",
        "labels",
        "wait",
        "transmitFailed",
        "inheritLabels",
        "scheduleDate",
        "restartBehavior",
    ]
)
"""What belongs to the called flow; everything else stays with the loop."""


def item_edits(document: Document, task: Task, edits: list[Edit], *, merged: bool) -> list[Edit]:
    """The edits for one ForEachItem.

    `edits` are those of expressions: inside of the task they come first, the others are handed on. `merged`: the file
    with the outputs of all subflows is read somewhere, so a task that writes it is added.
    """
    if task.place is None or document.is_flow(task.place) or task.node.flow_style:
        raise EditConflictError("the task stands in no plain list of tasks")
    start, end = document.start(task.node), document.line_end(document.end(task.node))
    inside = [edit for edit in edits if start <= edit.start and edit.end <= end]
    outside = [edit for edit in edits if edit not in inside]
    text, _ = apply(document.text, inside)
    changed = Document.read(text, document.file)
    same = next(other for other in tasks(changed.root) if other.id == task.id)
    taken = {other.id for other in tasks(document.root)}
    split, child = f"{task.id}_split", f"{task.id}_items"
    if taken & {split, child, f"{task.id}_merge"}:
        raise EditConflictError(f"a task `{split}`, `{child}` or `{task.id}_merge` already exists")
    if merged and text_at(task.node, "wait") == "false":
        raise EditConflictError("its subflows are not waited for, so there are no outputs to merge")
    lines = _lines(changed, same.node, task.id, split, child, merged=merged)
    column = document.column(start)
    start += document.column(document.start(task.place)) - column
    indent = " " * document.column(document.start(task.place))
    gap = " " * (column - len(indent) - 1)
    shifted = [
        line.replace("- ", f"-{gap}", 1) if line.startswith("- ") else _pad(line, len(gap) - 1)
        for line in lines
    ]
    return [Edit(start, end, f"{document.newline}{indent}".join(shifted)), *outside]


def _pad(line: str, more: int) -> str:
    return " " * more + line if line.strip() else line


def _lines(
    document: Document, node: MapNode, name: str, split: str, child: str, *, merged: bool
) -> list[str]:
    if "items" not in node:
        raise EditConflictError("the task has no `items`")
    head = ["- id: " + split, f"  type: {CORE}storage.Split"]
    head += [f"  {line}" for line in document.entry_lines(node, "items", "from")]
    batch = node.get("batch")
    if batch is None:
        head.append("  rows: 1")
    elif isinstance(batch, MapNode) and batch.entries:
        for key in batch:
            head += [f"  {line}" for line in document.entry_lines(batch, key)]
        if not {"rows", "bytes", "partitions"} & set(batch):
            head.append("  rows: 1")
    else:
        raise EditConflictError("`batch` is no block of properties")
    for key in ("runIf", "disabled"):
        if key in node:
            head += [f"  {line}" for line in document.entry_lines(node, key)]
    read = f"{output(split)}.uris"
    loop = [f"- id: {name}", f"  type: {CORE}flow.Loop"]
    loop += [
        f"  {line}"
        for key in node
        if key not in _SUBFLOW | {"id", "type", "items", "batch"}
        for line in document.entry_lines(node, key)
    ]
    loop += [f'  values: "{{{{ {read} }}}}"', "  concurrencyLimit: 0"]
    if merged:
        loop += [
            "  outputs:",
            "    - id: outputs",
            "      type: JSON",
            f'      value: "{{{{ {output(child)}.outputs }}}}"',
        ]
    loop.append("  tasks:")
    called = [f"    - id: {child}", f"      type: {CORE}flow.Subflow"]
    called += [f"      {line}" for key in node if key in _SUBFLOW for line in document.entry_lines(node, key)]
    return [*head, *loop, *called, *(_merge(document, node, name) if merged else ())]


def _merge(document: Document, node: MapNode, name: str) -> list[str]:
    """A task that writes what `<id>_merge` gave: one Ion record for each subflow, its outputs."""
    lines = [f"- id: {name}_merge", f"  type: {CORE}storage.Write"]
    for key in ("runIf", "disabled"):
        if key in node:
            lines += [f"  {line}" for line in document.entry_lines(node, key)]
    return [
        *lines,
        "  extension: .ion",
        "  content: |-",
        f"    {{% for one in loopOutputs({output(name)}.outputs, 'outputs') %}}{{{{ one | toIon }}}}",
        "    {% endfor %}",
    ]
