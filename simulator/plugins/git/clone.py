"""`git.Clone` (fs-and-others.md 2): a working copy in the working directory, of use inside WorkingDirectory."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.git.repository import CONNECTION, Git, inside

__all__ = ["Clone"]


class Clone:
    """Clones `url`; a repository that is there already is brought up to date."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.git.Clone",
        properties=(
            *CONNECTION,
            PropertySpec("directory"),
            PropertySpec("tag"),
            PropertySpec("commit"),
            PropertySpec("depth", T.INTEGER, default=1, minimum=1),
            PropertySpec("cloneAllBranches", T.BOOLEAN, default=True),
            PropertySpec("noTags", T.BOOLEAN, default=False),
            PropertySpec("cache", T.BOOLEAN),
            PropertySpec("cacheTtl", T.DURATION),
        ),
        outputs=(OutputSpec("directory"),),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        directory = inside(ctx.working_dir, ctx.get("directory"))
        directory.mkdir(parents=True, exist_ok=True)
        with Git(ctx) as git:
            ctx.logger.info("Start cloning from '{}'", git.url)
            if (directory / ".git").exists():
                git.run("fetch", "--quiet", "origin", cwd=directory)
                branch = ctx.get("branch")
                git.run(
                    "reset",
                    "--quiet",
                    "--hard",
                    f"origin/{branch}" if branch else "@{upstream}",
                    cwd=directory,
                )
            else:
                self._clone(ctx, git, directory)
            self._checkout(ctx, git, directory)
            if ctx.get("cloneSubmodules", False):
                git.run("submodule", "update", "--quiet", "--init", "--recursive", cwd=directory)
        return TaskResult({"directory": str(directory)}, fact=f"cloned into {directory.name or '.'}")

    def _clone(self, ctx: RunContext, git: Git, directory: Path) -> None:
        exact = ctx.get("commit") or ctx.get("tag")
        options = ["--quiet"]
        if not exact:
            options += ["--depth", str(ctx.get("depth", 1))]
        if not ctx.get("cloneAllBranches", True):
            options.append("--single-branch")
        elif not exact:
            options.append("--no-single-branch")
        if ctx.get("noTags", False):
            options.append("--no-tags")
        if ctx.get("branch") and not exact:
            options += ["--branch", str(ctx.get("branch"))]
        # git clones into empty folders only; the working directory may hold files already.
        fresh = git.temporary("clone")
        git.run("clone", *options, "--", git.url, str(fresh), cwd=ctx.working_dir)
        for item in fresh.iterdir():
            target = directory / item.name
            if target.exists():
                raise TaskError(
                    f'Destination path "{directory.name}" already exists and is not an empty directory'
                )
            _move(item, target)

    def _checkout(self, ctx: RunContext, git: Git, directory: Path) -> None:
        for name, value in (("commit SHA", ctx.get("commit")), ("tag", ctx.get("tag"))):
            if not value:
                continue
            wanted = f"refs/tags/{value}" if name == "tag" else str(value)
            known = git.succeeds("rev-parse", "--quiet", "--verify", f"{wanted}^{{commit}}", cwd=directory)
            if not known or str(value).startswith("-"):
                raise TaskError(f"Cannot resolve {name}: {value}")
            git.run("checkout", "--quiet", f"{wanted}^{{commit}}", cwd=directory)
            return


def _move(source: Path, target: Path) -> None:
    import shutil

    with contextlib.suppress(OSError):
        source.rename(target)
        return
    shutil.move(str(source), target)
