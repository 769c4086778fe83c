"""`git.SyncNamespaceFiles` and `git.SyncFlows` (fs-and-others.md 2): from a repository into Kestra.

Namespace files are really written. Flows are not: a run has no server that could keep them, so SyncFlows tells what
would change (`dryRun`) and otherwise refuses.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import UnsupportedError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.git.changes import store_rows
from simulator.plugins.git.push import check_out
from simulator.plugins.git.repository import CONNECTION, Git, inside, text_or

__all__ = ["SyncFlows", "SyncNamespaceFiles"]

_SYNC = (
    PropertySpec("gitDirectory"),
    PropertySpec("delete", T.BOOLEAN, default=False),
    PropertySpec("dryRun", T.BOOLEAN, default=False),
    PropertySpec("includeChildNamespaces", T.BOOLEAN, default=False),
)


def _files(folder: Path) -> dict[str, bytes]:
    """Regular files below a folder by their relative path; symbolic links are left out."""
    if not folder.is_dir():
        return {}
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and ".git" not in path.relative_to(folder).parts
    }


class SyncNamespaceFiles:
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.git.SyncNamespaceFiles",
        properties=(*CONNECTION, *_SYNC, PropertySpec("namespace")),
        outputs=(OutputSpec("files", T.URI),),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace = text_or(ctx.get("namespace"), ctx.flow.namespace)
        directory = text_or(ctx.get("gitDirectory"), "_files")
        with Git(ctx) as git:
            folder = check_out(ctx, git, text_or(ctx.get("branch"), "main"))
            wanted = _files(inside(folder, directory))
        dry = bool(ctx.get("dryRun", False))
        known = set(ctx.namespace_files.list(namespace))
        rows: list[dict[str, Any]] = []
        for name, content in wanted.items():
            state = "ADDED"
            if name in known:
                same = ctx.namespace_files.read(namespace, name) == content
                state = "UNCHANGED" if same else "OVERWRITTEN"
            uri = f"kestra:///{namespace.replace('.', '/')}/_files/{name}"
            if state != "UNCHANGED" and not dry:
                uri = ctx.namespace_files.put(namespace, name, content)
            rows.append({"gitPath": f"{directory}/{name}", "syncState": state, "kestraPath": uri})
        if ctx.get("delete", False):
            for name in sorted(known - set(wanted)):
                if not dry:
                    ctx.namespace_files.delete(namespace, name)
                rows.append({"gitPath": None, "syncState": "DELETED", "kestraPath": f"/{name}"})
        return TaskResult({"files": store_rows(ctx, rows)}, fact=f"{len(rows)} files")


class SyncFlows:
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.git.SyncFlows",
        properties=(
            *CONNECTION,
            *_SYNC,
            PropertySpec("targetNamespace", required=True),
            PropertySpec("ignoreInvalidFlows", T.BOOLEAN, default=False),
        ),
        outputs=(OutputSpec("flows", T.URI),),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        if not ctx.get("dryRun", False):
            raise UnsupportedError(
                "git.SyncFlows saves flows on a server and a local run has none",
                hint="set `dryRun: true` to see what would change, or mock this task",
            )
        namespace = str(ctx.get("targetNamespace"))
        directory = text_or(ctx.get("gitDirectory"), "_flows")
        with Git(ctx) as git:
            folder = check_out(ctx, git, text_or(ctx.get("branch"), "main"))
            wanted = _files(inside(folder, directory))
        known = {flow.id: flow for flow in ctx.executions.flows(namespace)}
        rows: list[dict[str, Any]] = []
        seen: set[str] = set()
        for name, content in wanted.items():
            path = Path(name)
            if path.suffix not in (".yml", ".yaml") or (
                len(path.parts) > 1 and not ctx.get("includeChildNamespaces")
            ):
                continue
            flow_id = path.stem
            seen.add(flow_id)
            flow = known.get(flow_id)
            state = "ADDED"
            if flow is not None:
                state = "UNCHANGED" if flow.source.encode() == content else "UPDATED"
            rows.append(
                _row(f"{directory}/{name}", state, flow_id, namespace, flow.revision if flow else None)
            )
        if ctx.get("delete", False):
            rows += [
                _row(None, "DELETED", flow_id, namespace, flow.revision)
                for flow_id, flow in known.items()
                if flow_id not in seen
            ]
        return TaskResult({"flows": store_rows(ctx, rows)}, fact=f"{len(rows)} flows looked at")


def _row(path: str | None, state: str, flow_id: str, namespace: str, revision: int | None) -> dict[str, Any]:
    return {
        "gitPath": path,
        "syncState": state,
        "flowId": flow_id,
        "namespace": namespace,
        "revision": revision,
    }
