"""`git.PushFlows` and `git.PushNamespaceFiles` (fs-and-others.md 2): what this run knows, committed and pushed."""

from __future__ import annotations

import fnmatch
import shutil
from pathlib import Path
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.git.changes import staged, store_rows
from simulator.plugins.git.repository import CONNECTION, Git, inside, text_or

__all__ = ["PushFlows", "PushNamespaceFiles"]

_COMMIT = (
    PropertySpec("commitMessage"),
    PropertySpec("dryRun", T.BOOLEAN, default=False),
    PropertySpec("authorName"),
    PropertySpec("authorEmail"),
    PropertySpec("includeChildNamespaces", T.BOOLEAN, default=False),
    PropertySpec("gitDirectory"),
    PropertySpec("delete", T.BOOLEAN, default=True),
)
_OUTPUTS = (OutputSpec("commitId"), OutputSpec("commitURL"))


def matches(name: str, patterns: Any) -> bool:
    """Whether a name fits one of the globs (`**` fits everything)."""
    items = patterns if isinstance(patterns, list) else [patterns]
    return any(fnmatch.fnmatchcase(name, str(item)) for item in items)


def check_out(ctx: RunContext, git: Git, branch: str) -> Path:
    """A clone on `branch`; a branch that does not exist is begun."""
    folder = git.temporary("work")
    found = git.run("ls-remote", "--heads", "--", git.url, f"refs/heads/{branch}", cwd=ctx.working_dir)
    git.run("clone", "--quiet", "--", git.url, str(folder), cwd=ctx.working_dir)
    git.run("checkout", "--quiet", *(() if found else ("-B",)), branch, cwd=folder)
    return folder


def push(
    ctx: RunContext, files: dict[str, bytes], *, directory: str, message: str, output: str
) -> TaskResult:
    """Makes `directory` of the repository hold exactly `files`, commits and pushes."""
    branch = text_or(ctx.get("branch"), "main")
    with Git(ctx) as git:
        folder = check_out(ctx, git, branch)
        target = inside(folder, directory)
        if target.exists() and target != folder and ctx.get("delete", True):
            shutil.rmtree(target)
        for name, content in files.items():
            path = inside(target, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        git.run("add", "--all", "--", str(directory or "."), cwd=folder)
        rows = staged(git, folder)
        outputs: dict[str, Any] = {output: store_rows(ctx, rows)}
        if ctx.get("dryRun", False):
            ctx.logger.info("Dry run is enabled, no changes will be pushed to {}", git.url)
        elif not rows:
            ctx.logger.info("No changes to commit. Skipping push.")
        else:
            author = text_or(ctx.get("authorName"), text_or(ctx.get("username"), "kestra"))
            email = text_or(ctx.get("authorEmail"), "kestra@localhost")
            identity = ["-c", f"user.name={author}", "-c", f"user.email={email}"]
            git.run(*identity, "commit", "--quiet", "--message", message, cwd=folder)
            git.run("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}", cwd=folder)
            outputs["commitId"] = git.run("rev-parse", "HEAD", cwd=folder)[0]
            if git.url.startswith("http"):
                outputs["commitURL"] = f"{git.url.removesuffix('.git')}/commit/{outputs['commitId']}"
        return TaskResult(outputs, fact=f"{len(rows)} files changed")


class PushFlows:
    """The flows that this run knows, as files `<id>.yml`."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.git.PushFlows",
        properties=(
            *CONNECTION,
            *_COMMIT,
            PropertySpec("sourceNamespace"),
            PropertySpec("targetNamespace"),
            PropertySpec("flows", T.ANY, default="**"),
        ),
        outputs=(*_OUTPUTS, OutputSpec("flows", T.URI)),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        source = text_or(ctx.get("sourceNamespace"), ctx.flow.namespace)
        target = text_or(ctx.get("targetNamespace"), source)
        patterns = ctx.get("flows", "**")
        children = bool(ctx.get("includeChildNamespaces", False))
        files: dict[str, bytes] = {}
        for flow in ctx.executions.flows():
            inner = flow.namespace == source or (children and flow.namespace.startswith(f"{source}."))
            if not inner or not matches(flow.id, patterns):
                continue
            folder = flow.namespace.removeprefix(source).strip(".")
            text = flow.source
            if target != source:
                text = text.replace(
                    f"namespace: {flow.namespace}", f"namespace: {target}{flow.namespace[len(source) :]}", 1
                )
            files[f"{folder}.{flow.id}.yml" if folder else f"{flow.id}.yml"] = text.encode()
        message = text_or(ctx.get("commitMessage"), f"Add flows from {source} namespace")
        return push(
            ctx, files, directory=text_or(ctx.get("gitDirectory"), "_flows"), message=message, output="flows"
        )


class PushNamespaceFiles:
    """The files of a namespace."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.git.PushNamespaceFiles",
        properties=(
            *CONNECTION,
            *_COMMIT,
            PropertySpec("namespace"),
            PropertySpec("files", T.ANY, default="**"),
            PropertySpec("errorOnMissing", T.BOOLEAN, default=False),
        ),
        outputs=(*_OUTPUTS, OutputSpec("files", T.URI)),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        namespace = text_or(ctx.get("namespace"), ctx.flow.namespace)
        patterns = ctx.get("files", "**")
        names = [name for name in ctx.namespace_files.list(namespace) if matches(name, patterns)]
        if not names and ctx.get("errorOnMissing", False):
            raise TaskError("No Namespace Files matched the provided 'files' parameter to commit.")
        files = {name: ctx.namespace_files.read(namespace, name) for name in names}
        message = text_or(ctx.get("commitMessage"), f"Add files from {namespace} namespace")
        return push(
            ctx, files, directory=text_or(ctx.get("gitDirectory"), "_files"), message=message, output="files"
        )
