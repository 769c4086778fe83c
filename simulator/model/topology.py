"""The shape of a flow without a layout: nodes, edges and clusters, for text, Mermaid, dot and pictures alike.

A flowable is a cluster that holds its own node and its branches. Edges go from what ends to what may start next;
`errors` branches hang on dashed edges, a loop's edge back to its head is marked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from simulator.model.check.places import LOOPS
from simulator.model.flow import Flow, Task

__all__ = ["Cluster", "Edge", "Node", "Topology", "branches", "short_type", "topology"]

_FLOW = "io.kestra.plugin.core.flow."
_SIDE_BY_SIDE = frozenset({f"{_FLOW}Parallel", f"{_FLOW}EachParallel"})
_ROUNDS = LOOPS | {f"{_FLOW}LoopUntil"}


@dataclass(frozen=True, slots=True)
class Node:
    """A task, a trigger, or the start of the flow. `id` is unique in the topology."""

    id: str
    label: str
    type: str
    kind: str
    """start, trigger, task, flowable or subflow"""
    cluster: str | None = None
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    source: str
    target: str
    label: str = ""
    kind: str = "next"
    """next, branch, error or again (the way back of a loop)"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What belongs together: a flowable, or one of the blocks `errors`, `finally`, `afterExecution`."""

    id: str
    label: str
    parent: str | None
    kind: str
    """flowable, branch or block"""


@dataclass(slots=True)
class Topology:
    """In the order of the flow's text."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)


def short_type(name: str) -> str:
    """`io.kestra.plugin.core.log.Log` -> `core.log.Log`."""
    return name.removeprefix("io.kestra.plugin.")


def branches(task: Task) -> list[tuple[str, tuple[Task, ...]]]:
    """The groups of children with the names that a reader knows: `then`, `else`, `case x`, `errors`..."""
    named = []
    for group, children in task.children.items():
        name = f"case {group.removeprefix('cases.')}" if group.startswith("cases.") else group
        named.append((name, children))
    return named


def topology(flow: Flow) -> Topology:
    """The topology of a flow."""
    return _Builder(flow).build()


class _Builder:
    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.result = Topology()

    def build(self) -> Topology:
        flow, result = self.flow, self.result
        start = f"flow:{flow.id}"
        result.nodes.append(Node(start, flow.id, "", "start"))
        for trigger in flow.triggers:
            node = Node(
                f"trigger:{trigger.id}", trigger.id, trigger.type, "trigger", disabled=trigger.disabled
            )
            result.nodes.append(node)
            result.edges.append(Edge(node.id, start))
        ends = self._sequence(flow.tasks, [start], None)
        self._block("errors", flow.errors, [start], "error")
        if flow.finally_:
            ends = self._block("finally", flow.finally_, ends, "next")
        after = tuple(task for listener in flow.listeners for task in listener.tasks) + flow.after_execution
        if after:
            self._block("afterExecution", after, ends, "next")
        return result

    def _block(self, name: str, tasks: tuple[Task, ...], sources: list[str], kind: str) -> list[str]:
        if not tasks:
            return sources
        cluster = Cluster(f"block:{name}", name, None, "block")
        self.result.clusters.append(cluster)
        return self._sequence(tasks, sources, cluster.id, kind=kind, label=name if kind == "error" else "")

    def _sequence(
        self,
        tasks: Iterable[Task],
        sources: list[str],
        cluster: str | None,
        *,
        kind: str = "next",
        label: str = "",
    ) -> list[str]:
        """One task after the other; returns where it ends."""
        for task in tasks:
            sources = self._task(task, sources, cluster, kind, label)
            kind, label = "next", ""
        return sources

    def _task(self, task: Task, sources: list[str], cluster: str | None, kind: str, label: str) -> list[str]:
        result = self.result
        what = (
            "flowable"
            if task.children
            else "subflow"
            if task.type.endswith((".Subflow", ".ForEachItem"))
            else "task"
        )
        inner = cluster
        if task.children:
            inner = f"cluster:{task.id}"
            result.clusters.append(Cluster(inner, task.id, cluster, "flowable"))
        result.nodes.append(Node(task.id, task.id, task.type, what, inner, task.disabled))
        result.edges += [Edge(source, task.id, label, kind) for source in sources]
        if not task.children:
            return [task.id]
        return self._children(task, inner)

    def _children(self, task: Task, cluster: str | None) -> list[str]:
        groups = {name: children for name, children in branches(task) if children}
        main = {
            name: children
            for name, children in groups.items()
            if name not in ("errors", "finally", "onPause")
        }
        ends: list[str] = []
        if task.canonical == f"{_FLOW}Dag":
            ends = self._dag(task, cluster)
        elif task.canonical in _SIDE_BY_SIDE:
            for child in main.get("tasks", ()):
                ends += self._task(child, [task.id], cluster, "branch", "")
        else:
            for name, children in main.items():
                shown = "" if name == "tasks" else name
                ends += self._sequence(children, [task.id], cluster, kind="branch", label=shown)
        if task.canonical in _ROUNDS:
            self.result.edges += [Edge(end, task.id, "next", "again") for end in ends]
        skips = task.canonical == f"{_FLOW}If" and "else" not in main
        if skips or not ends:
            ends.append(task.id)
        if "onPause" in groups:
            self._sequence(groups["onPause"], [task.id], cluster, kind="branch", label="onPause")
        if "errors" in groups:
            self._sequence(groups["errors"], [task.id], cluster, kind="error", label="errors")
        if "finally" in groups:
            ends = self._sequence(groups["finally"], ends, cluster, label="finally")
        return ends

    def _dag(self, task: Task, cluster: str | None) -> list[str]:
        children = task.children.get("tasks", ())
        ends: dict[str, list[str]] = {}
        waiting = list(children)
        # In an order that has every dependency before its reader (validation refuses circles).
        while waiting:
            ready = [child for child in waiting if all(name in ends for name in child.depends_on)] or waiting[
                :1
            ]
            for child in ready:
                sources = [end for name in child.depends_on for end in ends.get(name, [])] or [task.id]
                ends[child.id] = self._task(
                    child, sources, cluster, "next" if child.depends_on else "branch", ""
                )
                waiting.remove(child)
        needed = {name for child in children for name in child.depends_on}
        return [end for child in children if child.id not in needed for end in ends[child.id]]
