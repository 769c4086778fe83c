"""Keys of the flow itself, worker routing, and what only a person can decide (rules FLOW-*, AUTH-*, TASK-19 ...)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import partial

from simulator.migrate.changes import Change, Context, change, key_change
from simulator.migrate.editor import Document, Edit, EditConflictError
from simulator.migrate.names import API_CALLERS, AUTH_NEEDED
from simulator.migrate.rules import rule
from simulator.migrate.walk import CORE, Typed, list_at, map_at, tasks, text_at, typed_maps
from simulator.source.nodes import ListNode, MapNode, Node, ScalarNode

__all__ = ["advice", "flow_keys", "limited_loops", "one_at_a_time", "workers"]

_RESERVED = frozenset(
    [
        "pause",
        "resume",
        "force-run",
        "change-status",
        "kill",
        "executions",
        "search",
        "source",
        "disable",
        "enable",
    ]
)
_TAG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LISTING = re.compile(
    r"io\.kestra\.plugin\.(fs\.\w+\.(List|Downloads|Trigger)|aws\.s3\.(List|Downloads|Trigger)"
    r"|gcp\.gcs\.(List|Downloads|Trigger)|azure\.storage\.blob\.(List|Downloads|Trigger)|minio\.(List|Downloads|Trigger))"
)


def flow_keys(document: Document, context: Context) -> Iterator[Change]:
    root = document.map
    if "listeners" in root:
        yield key_change(document, "FLOW-04", "`listeners` are gone", root, "listeners")
    for check in list_at(root, "checks"):
        if isinstance(check, MapNode) and "condition" in check and "when" not in check:
            yield key_change(
                document, "FLOW-05", "`condition` of a check is called `when`", check, "condition",
                partial(document.rename, check, "condition", "when"),
            )  # fmt: skip
    for found in re.finditer(r"\[\[>.*?\]\]", document.text):
        yield Change(rule("FLOW-07"), f"`{found.group()}` is no longer expanded", found.start(), found.end())
    if text_at(root, "id") in _RESERVED:
        message = f"Flow id is a reserved keyword: {text_at(root, 'id')}"
        yield key_change(document, "FLOW-08", message, root, "id")
    if "quotas" in root:
        yield key_change(document, "FLOW-11", "Quotas are an EE feature", root, "quotas")
    for key, limit in (("id", 100), ("namespace", 150)):
        if len(text_at(root, key) or "") > limit:
            yield key_change(document, "FLOW-12", f"{key}: size must be between 1 and {limit}", root, key)
    yield from _dashboard(document, root)
    yield from _labels(document, root)


def _labels(document: Document, root: MapNode) -> Iterator[Change]:
    """Keys that 2.0 refuses, where they are written out (FLOW-13; flow.md 5)."""
    owners = [root, *(node for node in list_at(root, "triggers") if isinstance(node, MapNode))]
    for owner in owners:
        labels = owner.get("labels")
        if isinstance(labels, MapNode):
            for key in labels:
                if not _is_label(key):
                    yield key_change(document, "FLOW-13", _LABEL, labels, key)
        for item in list_at(owner, "labels"):
            key_node = item.get("key") if isinstance(item, MapNode) else None
            if isinstance(key_node, ScalarNode) and not _is_label(key_node.text):
                yield change(document, "FLOW-13", _LABEL, key_node)


_LABEL = (
    "Invalid label key. A valid key contains only lowercase letters numbers hyphens (-) underscores (_) or periods (.) "
    "and must begin with a lowercase letter."
)


def _is_label(key: str) -> bool:
    """2.0: a lower case letter, then letters, digits and `.`, `_`, `-`."""
    categories = [unicodedata.category(char) for char in key]
    return categories[:1] == ["Ll"] and all(
        category.startswith("L") or char in "0123456789._-"
        for char, category in zip(key, categories, strict=True)
    )


def _dashboard(document: Document, root: MapNode) -> Iterator[Change]:
    """Renamed properties of a dashboard file (TASK-26)."""
    for chart in list_at(root, "charts"):
        if (
            (text_at(chart, "type") or "").endswith(".Markdown")
            and isinstance(chart, MapNode)
            and "content" in chart
        ):
            yield key_change(
                document, "TASK-26", "`content` of Markdown is called `source`", chart, "content",
                partial(document.rename, chart, "content", "source"),
            )  # fmt: skip
        yield from _label_keys(document, chart)


def _label_keys(document: Document, node: Node) -> Iterator[Change]:
    if isinstance(node, MapNode):
        if "labelKey" in node and "key" not in node:
            yield key_change(
                document, "TASK-26", "`labelKey` is called `key`", node, "labelKey",
                lambda: document.rename(node, "labelKey", "key"),
            )  # fmt: skip
        for child in node.entries.values():
            yield from _label_keys(document, child)
    elif isinstance(node, ListNode):
        for child in node.items:
            yield from _label_keys(document, child)


def workers(document: Document, context: Context) -> Iterator[Change]:
    """workerGroup becomes workerSelector, with the fallback that 1.x had."""
    owners = [document.map, *(found.node for found in typed_maps(document.root))]
    for node in owners:
        group = node.get("workerGroup")
        if group is not None:
            yield key_change(
                document, "FLOW-06", "`workerGroup` became `workerSelector`", node, "workerGroup",
                partial(_selector, document, node, group),
                remark="A worker queue with this tag has to exist (Enterprise Edition).",
            )  # fmt: skip


def _selector(document: Document, node: MapNode, group: Node) -> list[Edit]:
    key = text_at(group, "key") or ""
    if not isinstance(group, MapNode) or not _TAG.fullmatch(key):
        raise EditConflictError("the key is no valid tag (lower case letters, digits, dashes, at most 63)")
    fallback = text_at(group, "fallback") or "WAIT"
    if node.flow_style:
        return document.replace_entry(
            node, "workerGroup", [f"workerSelector: {{tags: [{key}], fallback: {fallback}}}"]
        )
    return document.replace_entry(
        node, "workerGroup", ["workerSelector:", "  tags:", f"    - {key}", f"  fallback: {fallback}"]
    )


def one_at_a_time(root: Node) -> bool:
    """Whether the flow lets only one execution run at a time."""
    limit = map_at(root, "concurrency")
    return (text_at(limit, "limit") or "").strip() == "1"


def limited_loops(document: Document, context: Context) -> Iterator[Change]:
    """Loops in a flow that runs one at a time."""
    limit = map_at(document.root, "concurrency")
    if limit is None or not one_at_a_time(document.root):
        return
    if any(
        task.name in ("flow.Loop", "flow.ForEach", "flow.EachSequential", "flow.EachParallel")
        for task in tasks(document.root)
    ):
        message = (
            "every iteration of a Loop is an execution of this flow: with `limit: 1` they may wait for ever"
        )
        yield key_change(document, "FLOW-10", message, limit, "limit")


def advice(document: Document, context: Context) -> Iterator[Change]:
    """What a file cannot show, and defaults that changed on the way."""
    for found in typed_maps(document.root):
        yield from _auth(document, found)
        if _LISTING.fullmatch(found.type) and "maxFiles" not in found.node:
            message = "lists at most 25 files unless `maxFiles` says otherwise (since 1.3)"
            yield key_change(document, "TASK-19", message, found.node, "type")
        if found.type.startswith("io.kestra.plugin.git.") and "branch" not in found.node:
            yield key_change(
                document, "TASK-22", "the default branch is `main` since 0.21", found.node, "type"
            )
        if found.type == f"{CORE}flow.LoopUntil":
            frequency = map_at(found.node, "checkFrequency")
            missing = [
                key
                for key in ("interval", "maxIterations", "maxDuration")
                if frequency is None or key not in frequency
            ]
            if missing:
                message = f"LoopUntil without {', '.join(missing)}: since 0.23 it waits PT1M and has no end"
                yield key_change(document, "TASK-24", message, found.node, "type")


def _auth(document: Document, found: Typed) -> Iterator[Change]:
    if "auth" in found.node:
        return
    children = found.node.get("includeChildNamespaces")
    may_need = (
        found.type in API_CALLERS
        or found.type.startswith("io.kestra.plugin.kestra.")
        or (
            found.type == "io.kestra.plugin.git.SyncNamespaceFiles"
            and isinstance(children, ScalarNode)
            and children.value is not False
        )
    )
    if found.type in AUTH_NEEDED:
        yield change(document, "AUTH-01", "auth: must not be null", found.node.entries["type"])
    elif may_need:
        yield change(document, "AUTH-02", "calls Kestra's API and has no `auth`", found.node.entries["type"])
