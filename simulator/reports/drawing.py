"""A flow as a drawing: nested boxes from top to bottom, branches side by side. One layout for reports and `graph`.

A flow is no general graph: its tasks nest (a list, branches, a loop's body), so the drawing follows the nesting. A list
runs downwards, alternatives and parallel branches stand side by side, a Dag is laid out in layers by its dependencies.
`layout` gives boxes and arrows with coordinates; `svg` writes them, with hooks (`data-task`) that the HTML report paints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from html import escape

from simulator.model.flow import Flow, Task

__all__ = ["Arrow", "Box", "Drawing", "layout", "sketch", "svg"]

_CHAR = 7.4
_LINE = 17.0
_PAD = 14.0
_GAP_X = 26.0
_GAP_Y = 30.0
_MIN_WIDTH = 150.0
#: room to the right of a title where a report writes the state
_STATE_ROOM = 112.0
_HEAD = 40.0

#: children that run beside each other
_PARALLEL = ("Parallel", "EachParallel")
_LOOPS = ("ForEach", "EachSequential", "EachParallel", "Loop", "ForEachItem", "LoopUntil", "WaitFor")


@dataclass(slots=True)
class Box:
    """One task (or a named list of tasks) with its place; children are inside."""

    id: str
    title: str
    subtitle: str
    kind: str
    """task, flowable, branch, block"""
    line: int | None = None
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    children: list[Box] = field(default_factory=list)
    loop: bool = False

    def shift(self, dx: float, dy: float) -> None:
        self.x += dx
        self.y += dy
        for child in self.children:
            child.shift(dx, dy)


@dataclass(frozen=True, slots=True)
class Arrow:
    points: tuple[tuple[float, float], ...]
    label: str = ""
    dashed: bool = False


@dataclass(slots=True)
class Drawing:
    boxes: list[Box]
    arrows: list[Arrow]
    width: float
    height: float


def _short(name: str) -> str:
    for prefix in ("io.kestra.plugin.core.", "io.kestra.plugin.", "io.kestra."):
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def _text_width(*texts: str) -> float:
    return max(
        (sum(1.7 if ord(char) > 0x2E7F else 1.0 for char in text) * _CHAR for text in texts), default=0.0
    )


class _Layout:
    def __init__(self) -> None:
        self.arrows: list[tuple[Box, Box, str, bool]] = []

    def task(self, task: Task) -> Box:
        groups = {name: tasks for name, tasks in task.children.items() if tasks}
        name = task.type.rsplit(".", 1)[-1]
        box = Box(
            task.id,
            task.id,
            _short(task.type) + ("  (disabled)" if task.disabled else ""),
            "flowable" if groups else "task",
            task.span.start.line,
            loop=name in _LOOPS,
        )
        width = max(_text_width(box.title) + _STATE_ROOM, _text_width(box.subtitle))
        box.width = max(_MIN_WIDTH, width + 2 * _PAD)
        box.height = 2 * _LINE + _PAD
        if not groups:
            return box
        main = {key: tasks for key, tasks in groups.items() if key not in ("errors", "finally")}
        columns: list[Box] = []
        if list(main) == ["tasks"] and name == "Dag":
            columns = [self.dag(main["tasks"])]
        elif list(main) == ["tasks"] and name in _PARALLEL:
            columns = [self.task(child) for child in main["tasks"]]
        else:
            columns = [
                self.branch(task.id, key, tasks, named=len(main) > 1 or key != "tasks")
                for key, tasks in main.items()
            ]
        columns += [
            self.branch(task.id, key, groups[key], named=True)
            for key in ("errors", "finally")
            if key in groups
        ]
        self.beside(box, columns)
        return box

    def branch(self, owner: str, key: str, tasks: Sequence[Task], *, named: bool) -> Box:
        box = Box(
            f"{owner}/{key}", key.removeprefix("cases.") if named else "", "", "branch" if named else "list"
        )
        self.below(box, [self.task(child) for child in tasks], head=22.0 if named else 0.0)
        return box

    def below(self, box: Box, children: list[Box], *, head: float) -> None:
        """Children one under the other, centred, with arrows between them."""
        pad = _PAD if head else 0.0
        box.width = max(
            [box.width, _text_width(box.title) + 2 * pad, *(child.width + 2 * pad for child in children)]
        )
        y = head + pad / 2
        for child in children:
            child.shift((box.width - child.width) / 2, y)
            y += child.height + _GAP_Y
        box.height = y - _GAP_Y + pad if children else head + pad
        box.children = children
        self.arrows += [(a, b, "", False) for a, b in zip(children, children[1:], strict=False)]

    def beside(self, box: Box, children: list[Box]) -> None:
        """Children side by side under the box's own title."""
        inner = sum(child.width for child in children) + _GAP_X * (len(children) - 1)
        box.width = max(box.width, inner + 2 * _PAD)
        x = (box.width - inner) / 2
        for child in children:
            child.shift(x, _HEAD + _PAD / 2)
            x += child.width + _GAP_X
        box.height = _HEAD + _PAD * 1.5 + max((child.height for child in children), default=0.0)
        box.children = children

    def dag(self, tasks: Sequence[Task]) -> Box:
        """Layers by dependencies; an arrow for each."""
        by_id = {task.id: task for task in tasks}
        graph = {task.id: [name for name in task.depends_on if name in by_id] for task in tasks}
        levels: dict[str, int] = {}
        try:
            for name in TopologicalSorter(graph).static_order():
                levels[name] = 1 + max((levels[before] for before in graph[name]), default=-1)
        except CycleError:
            levels = dict.fromkeys(by_id, 0)
        boxes = {name: self.task(task) for name, task in by_id.items()}
        rows: dict[int, list[Box]] = {}
        for name, box in boxes.items():
            rows.setdefault(levels[name], []).append(box)
        widths = [sum(box.width for box in row) + _GAP_X * (len(row) - 1) for row in rows.values()]
        result = Box("", "", "", "list", width=max(widths, default=0.0))
        y = 0.0
        for level in sorted(rows):
            row = rows[level]
            x = (result.width - (sum(box.width for box in row) + _GAP_X * (len(row) - 1))) / 2
            for box in row:
                box.shift(x, y)
                x += box.width + _GAP_X
            y += max(box.height for box in row) + _GAP_Y * 1.4
        result.height = max(0.0, y - _GAP_Y * 1.4)
        result.children = list(boxes.values())
        for name, before in graph.items():
            self.arrows += [(boxes[item], boxes[name], "", False) for item in before]
        return result


def layout(flow: Flow) -> Drawing:
    """The whole flow: its tasks in the middle; errors, finally and afterExecution beside them; triggers on top."""
    engine = _Layout()
    main = Box("", "", "", "list")
    engine.below(main, [engine.task(task) for task in flow.tasks], head=0.0)
    columns = [main]
    for key, tasks in (
        ("errors", flow.errors),
        ("finally", flow.finally_),
        ("afterExecution", flow.after_execution),
        *((f"listener {number}", item.tasks) for number, item in enumerate(flow.listeners, 1)),
    ):
        if tasks:
            columns.append(engine.branch("", key, tasks, named=True))
    top = 0.0
    triggers: list[Box] = []
    x = 0.0
    for trigger in flow.triggers:
        box = Box(
            f"trigger/{trigger.id}", trigger.id, _short(trigger.type), "trigger", trigger.span.start.line
        )
        box.width = max(_MIN_WIDTH, _text_width(box.title, box.subtitle) + 2 * _PAD)
        box.height = 2 * _LINE + _PAD
        box.shift(x, 0.0)
        x += box.width + _GAP_X
        top = max(top, box.height + _GAP_Y)
        triggers.append(box)
    x = 0.0
    for column in columns:
        column.shift(x, top)
        x += column.width + _GAP_X * 1.5
    if triggers and main.children:
        engine.arrows += [(box, main.children[0], "", True) for box in triggers]
    boxes = [*triggers, *columns]
    width = max((box.x + box.width for box in boxes), default=0.0)
    height = max((box.y + box.height for box in boxes), default=0.0)
    return Drawing(boxes, [_arrow(*item) for item in engine.arrows], width, height)


def sketch(tasks: Iterable[tuple[str, str, str | None]]) -> Drawing:
    """A flow whose source nobody has, from what ran: (task id, type, id of the task around it), in order of appearance.

    Order and nesting are known then; branches that did not run, and what ran beside what, are not.
    """
    engine = _Layout()
    boxes: dict[str, Box] = {}
    inside: dict[str, list[str]] = {}
    top: list[str] = []
    for task_id, type_, parent in tasks:
        if task_id in boxes:
            continue
        name = type_.rsplit(".", 1)[-1]
        boxes[task_id] = Box(task_id, task_id, _short(type_), "task", loop=name in _LOOPS)
        if parent is not None and parent in boxes:
            inside.setdefault(parent, []).append(task_id)
        else:
            top.append(task_id)
    # a task is seen before what is inside it, so the innermost boxes come last
    for task_id in reversed(boxes):
        box = boxes[task_id]
        width = max(_text_width(box.title) + _STATE_ROOM, _text_width(box.subtitle))
        box.width = max(_MIN_WIDTH, width + 2 * _PAD)
        box.height = 2 * _LINE + _PAD
        if task_id in inside:
            box.kind = "flowable"
            children = [boxes[child] for child in inside[task_id]]
            if box.subtitle.rsplit(".", 1)[-1] in _PARALLEL:
                engine.beside(box, children)
            else:
                body = Box("", "", "", "list")
                engine.below(body, children, head=0.0)
                engine.beside(box, [body])
    main = Box("", "", "", "list")
    engine.below(main, [boxes[name] for name in top], head=0.0)
    return Drawing([main], [_arrow(*item) for item in engine.arrows], main.width, main.height)


def _arrow(start: Box, end: Box, label: str, dashed: bool) -> Arrow:
    a = (start.x + start.width / 2, start.y + start.height)
    b = (end.x + end.width / 2, end.y)
    if abs(a[0] - b[0]) < 1.0:
        return Arrow((a, b), label, dashed)
    middle = (a[1] + b[1]) / 2 if b[1] > a[1] else a[1] + _GAP_Y / 2
    return Arrow((a, (a[0], middle), (b[0], middle), b), label, dashed)


_STYLE = """
.fd text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#1c2430}
.fd .t{font-weight:600}.fd .s{fill:#667085;font-size:11px}
.fd rect{fill:#fff;stroke:#98a2b3;stroke-width:1.2}
.fd .flowable>rect{fill:#f6f8fb}.fd .branch>rect{fill:none;stroke-dasharray:4 3;stroke:#b6bfcc}
.fd .trigger>rect{fill:#eef4ff;stroke:#6b8fd6}
.fd path{fill:none;stroke:#98a2b3;stroke-width:1.4}.fd marker path{fill:#98a2b3;stroke:none}
@media (prefers-color-scheme:dark){.fd text{fill:#e6e9ef}.fd .s{fill:#98a2b3}.fd rect{fill:#1c2430;stroke:#667085}
.fd .flowable>rect{fill:#161c26}.fd .trigger>rect{fill:#1a2740}}
"""


def svg(drawing: Drawing, *, title: str, style: bool = True, facts: Mapping[str, str] | None = None) -> str:
    """The drawing as SVG text. `facts`: task id -> class of its box (a state); `style` False leaves colours to the page."""
    margin = 12.0
    width, height = drawing.width + 2 * margin, drawing.height + 2 * margin
    parts = [
        f'<svg class="fd" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title, quote=True)}" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="{-margin:.0f} {-margin:.0f} {width:.0f} {height:.0f}">',
        f"<title>{escape(title)}</title>",
        '<defs><marker id="fd-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>',
    ]
    if style:
        parts.insert(2, f"<style>{_STYLE}</style>")
    parts += [text for box in drawing.boxes for text in _box(box, facts or {})]
    parts += [_path(arrow) for arrow in drawing.arrows]
    parts.append("</svg>")
    return "\n".join(parts)


def _box(box: Box, facts: Mapping[str, str]) -> Iterable[str]:
    if box.kind == "list":
        for child in box.children:
            yield from _box(child, facts)
        return
    classes = " ".join(filter(None, (box.kind, "loop" if box.loop else "", facts.get(box.id, ""))))
    hooks = f' data-task="{escape(box.id, quote=True)}"' if box.kind in ("task", "flowable") else ""
    yield f'<g class="{classes}"{hooks}>'
    radius = 6 if box.kind != "branch" else 4
    yield (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="{radius}"/>'
    )
    x = box.x + _PAD
    if box.title:
        y = box.y + (_LINE + 3 if box.kind != "branch" else 15)
        css = "t" if box.kind != "branch" else "s"
        yield f'<text class="{css}" x="{x:.1f}" y="{y:.1f}">{escape(box.title)}</text>'
    if box.subtitle:
        yield f'<text class="s" x="{x:.1f}" y="{box.y + 2 * _LINE + 2:.1f}">{escape(box.subtitle)}</text>'
    for child in box.children:
        yield from _box(child, facts)
    yield "</g>"


def _path(arrow: Arrow) -> str:
    points = " L".join(f"{x:.1f} {y:.1f}" for x, y in arrow.points)
    dashed = ' stroke-dasharray="5 4"' if arrow.dashed else ""
    return f'<path d="M{points}" marker-end="url(#fd-arrow)"{dashed}/>'
