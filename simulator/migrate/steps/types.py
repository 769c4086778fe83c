"""Type names: aliases, plugins that moved, classes that are gone (rules TYPE-*)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from simulator.migrate.changes import Change, Context, change, key_change
from simulator.migrate.editor import Document, Edit, EditConflictError
from simulator.migrate.names import REMOVED, present_name, renamed_plugin
from simulator.migrate.walk import CORE, Typed, has_default, list_at, text_at, typed_maps
from simulator.source.nodes import ListNode, MapNode, ScalarNode

__all__ = ["aliases", "removed"]


def _typed(document: Document) -> Iterator[Typed]:
    """Typed maps of the flow, and the entries of its plugin defaults."""
    yield from typed_maps(document.root)
    for key in ("pluginDefaults", "taskDefaults"):
        for item in list_at(document.root, key):
            kind = text_at(item, "type")
            if isinstance(item, MapNode) and kind is not None:
                yield Typed(item, kind, (key,))
                if (values := item.get("values")) is not None:
                    yield from typed_maps(values, (key, "values"))


def aliases(document: Document, context: Context) -> Iterator[Change]:
    """Old names of types get their present ones; every later step then meets only these."""
    for found in _typed(document):
        node = found.node.get("type")
        if not isinstance(node, ScalarNode):
            continue
        known = present_name(found.type)
        if known is not None:
            rule_id, new = known
            yield change(
                document,
                rule_id,
                f"`{found.type}` is `{new}`",
                node,
                partial(document.set_scalar, node, new),
            )
            continue
        plugin = renamed_plugin(found.type)
        if plugin is not None:
            name, advice = plugin
            if name is None:
                yield change(
                    document, "TYPE-E", f"`{found.type}` is gone or has another name now", node, hint=advice
                )
            else:
                yield change(
                    document,
                    "TYPE-E",
                    f"`{found.type}` is `{name}`",
                    node,
                    partial(document.set_scalar, node, name),
                    remark="Have the plugin's package installed.",
                )


def removed(document: Document, context: Context) -> Iterator[Change]:
    """Classes that are gone: rewritten where another class does the same, else reported."""
    for found in _typed(document):
        node = found.node.get("type")
        if not isinstance(node, ScalarNode):
            continue
        if found.type in REMOVED:
            yield change(document, "TYPE-D", f"`{found.type}` is gone", node, hint=REMOVED[found.type])
        elif found.type == f"{CORE}debug.Echo":
            yield key_change(
                document,
                "TYPE-F",
                "`debug.Echo` is gone",
                found.node,
                "type",
                partial(_echo, document, found.node, node),
            )
        elif found.type == f"{CORE}flow.Template" and found.path[:1] not in (
            ("pluginDefaults",),
            ("taskDefaults",),
        ):
            yield key_change(
                document,
                "TYPE-G",
                f"the template `{text_at(found.node, 'templateId')}` has to become a flow",
                found.node,
                "type",
                partial(_template, document, found.node, node),
                remark="The template itself has to become a flow whose inputs are the `args`; its tasks read "
                "`inputs.x` in place of `parent.outputs.args.x`, and run in an execution of their own.",
            )
        elif found.type == "io.kestra.plugin.dbt.cli.Build":
            yield from _dbt(document, found.node, node)


def _free(document: Document, node: ScalarNode) -> None:
    if has_default(document.root, node.text):
        raise EditConflictError("a plugin default that could not be written out applies to it")


def _echo(document: Document, parent: MapNode, node: ScalarNode) -> list[Edit]:
    _free(document, node)
    edits = document.set_scalar(node, f"{CORE}log.Log")
    return edits + (document.rename(parent, "format", "message") if "format" in parent else [])


def _template(document: Document, parent: MapNode, node: ScalarNode) -> list[Edit]:
    _free(document, node)
    edits = document.set_scalar(node, f"{CORE}flow.Subflow")
    for old, new in (("templateId", "flowId"), ("args", "inputs")):
        if old in parent:
            edits += document.rename(parent, old, new)
    return edits


def _dbt(document: Document, parent: MapNode, node: ScalarNode) -> Iterator[Change]:
    """dbt.cli.Build: the CLI task with its command."""

    def edits() -> list[Edit]:
        _free(document, node)
        made = document.set_scalar(node, "io.kestra.plugin.dbt.cli.DbtCLI")
        if "commands" in parent:
            raise EditConflictError("the task already has commands")
        options = parent.get("dockerOptions")
        lines = ["commands:", "  - dbt build"]
        if options is not None:
            if not isinstance(options, MapNode) or set(options) - {"image"}:
                raise EditConflictError("`dockerOptions` hold more than an image")
            made += document.replace_entry(
                parent, "dockerOptions", [f"containerImage: {document.value_text(options, 'image')}"]
            )
        if "dbtPath" in parent:
            made += document.remove(parent, "dbtPath")
        return made + document.add_after(parent, "type", lines)

    if parent.flow_style or isinstance(parent.get("commands"), ListNode):
        yield change(
            document,
            "TYPE-E",
            "`dbt.cli.Build` is gone",
            node,
            hint="Use dbt.cli.DbtCLI with `commands: [dbt build]`.",
        )
        return
    yield change(
        document, "TYPE-E", "`dbt.cli.Build` is `dbt.cli.DbtCLI` with the command `dbt build`", node, edits,
        hint="Use dbt.cli.DbtCLI with `commands: [dbt build]`, `containerImage` in place of `dockerOptions.image`, "
        "without `dbtPath`.",
    )  # fmt: skip
