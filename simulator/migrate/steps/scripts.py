"""Script tasks: `runner` and `docker` became `taskRunner` and `containerImage` (rules SCR-*)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from simulator.migrate.changes import Change, Context, key_change
from simulator.migrate.editor import Document, Edit, EditConflictError
from simulator.migrate.walk import CORE, scalars, text_at, typed_maps
from simulator.source.nodes import MapNode

__all__ = ["scripts"]

_PREFIX = "io.kestra.plugin.scripts."
_RUNNERS = (f"{_PREFIX}runner.",)
_DOCKER = f"{_PREFIX}runner.docker.Docker"
_PROCESS = f"{CORE}runner.Process"
_DOCKER_NAMES = {"dockerHost": "host", "dockerConfig": "config"}


def scripts(document: Document, context: Context) -> Iterator[Change]:
    for found in typed_maps(document.root):
        if not found.type.startswith(_PREFIX) or found.type.startswith(_RUNNERS):
            continue
        node = found.node
        if (
            ("runner" in node or "docker" in node)
            and _reads_output_dir(node)
            and "outputDirectory" not in node
        ):
            yield key_change(
                document, "SCR-04", "`outputDir` only exists when asked for", node, "type",
                partial(document.add_after, node, "type", ["outputDirectory: true"]),
            )  # fmt: skip
            continue  # the runner goes in the next round
        yield from _runner(document, node)
        if "warningOnStdErr" in node:
            yield key_change(
                document, "SCR-05", "`warningOnStdErr` has no effect", node, "warningOnStdErr",
                partial(document.remove, node, "warningOnStdErr"),
            )  # fmt: skip


def _reads_output_dir(node: MapNode) -> bool:
    return any("outputDir" in scalar.text for scalar in scalars(node))


def _runner(document: Document, node: MapNode) -> Iterator[Change]:
    runner = text_at(node, "runner")
    if runner is not None:
        rule_id = "SCR-01" if runner == "PROCESS" else "SCR-02"
        message = f"`runner: {runner}` is ignored" + (
            ": the script would run in Docker" if runner == "PROCESS" else ""
        )
        yield key_change(
            document, rule_id, message, node, "runner", lambda: _replaced_runner(document, node, runner)
        )
    if "docker" in node:
        yield key_change(
            document, "SCR-03", "`docker` of a script task is gone", node, "docker",
            lambda: _docker(document, node, runner),
        )  # fmt: skip


def _replaced_runner(document: Document, node: MapNode, runner: str) -> list[Edit]:
    if runner not in ("PROCESS", "DOCKER"):
        raise EditConflictError("the runner is no plain word")
    if runner == "DOCKER" or "taskRunner" in node:
        # Docker is the default, and an explicit task runner always won.
        return document.remove(node, "runner")
    if node.flow_style:
        return document.replace_entry(node, "runner", [f"taskRunner: {{type: {_PROCESS}}}"])
    return document.replace_entry(node, "runner", ["taskRunner:", f"  type: {_PROCESS}"])


def _docker(document: Document, node: MapNode, runner: str | None) -> list[Edit]:
    options = node.entries["docker"]
    if not isinstance(options, MapNode) or not options.entries:
        raise EditConflictError("`docker` is no block of options")
    if runner == "PROCESS":
        return document.remove(node, "docker")  # it never had an effect
    process = text_at(node.get("taskRunner"), "type") == _PROCESS
    if process:
        return document.remove(node, "docker")
    if "taskRunner" in node and set(options) - {"image"}:
        raise EditConflictError("a `taskRunner` is given as well")
    if "containerImage" in node and "image" in options:
        raise EditConflictError("`containerImage` and `docker.image` are both given")
    lines = document.entry_lines(options, "image", "containerImage") if "image" in options else []
    rest = [key for key in options if key != "image"]
    if rest:
        lines += ["taskRunner:", f"  type: {_DOCKER}"]
        for key in rest:
            lines += [f"  {line}" for line in document.entry_lines(options, key, _DOCKER_NAMES.get(key, key))]
    if node.flow_style and rest:
        raise EditConflictError("the task is written in braces")
    return document.replace_entry(node, "docker", lines)
