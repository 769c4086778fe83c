"""The old `io.kestra.core.tasks.scripts.{Bash,Python,Node}`, kept by plugin-scripts for old flows (scripts.md 9).

`outputFiles` and `outputDirs` are names: each becomes a fresh path that commands see as `{{ outputFiles.<name> }}` and
that is stored when the commands wrote it.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.scripts.command import build_call
from simulator.plugins.scripts.environment import base_environment, text_of
from simulator.plugins.scripts.guard import InstallGuard
from simulator.plugins.scripts.helper import node_environment, python_environment
from simulator.plugins.scripts.protocol import LineReader
from simulator.plugins.scripts.runner import localize_uris
from simulator.plugins.scripts.specs import OUTPUTS

__all__ = ["Bash", "Node", "Python"]

_TEXT = PropertySpec("item")
_COMMON = (
    PropertySpec("runner", T.ENUM, default="PROCESS", values=("PROCESS", "DOCKER"), as_property=False),
    PropertySpec("dockerOptions", T.OBJECT, as_property=False),
    PropertySpec("interpreter", default="/bin/sh"),
    PropertySpec("interpreterArgs", T.LIST, item=_TEXT),
    PropertySpec("exitOnFailed", T.BOOLEAN, default=True),
    PropertySpec("env", T.MAP, item=_TEXT),
    PropertySpec("inputFiles", T.ANY),
    PropertySpec("outputFiles", T.LIST, item=_TEXT),
    PropertySpec("outputsFiles", T.LIST, item=_TEXT, deprecated="use `outputFiles`"),
    PropertySpec("outputDirs", T.LIST, item=_TEXT),
    PropertySpec("files", T.LIST, item=_TEXT, deprecated="use `outputFiles`"),
    PropertySpec("warningOnStdErr", T.BOOLEAN, default=True),
)
_OUTPUTS = (*(spec for spec in OUTPUTS if spec.name != "taskRunner"), OutputSpec("files", T.MAP))


class _Legacy:
    """Runs `lines` in one shell call."""

    def _run(self, ctx: RunContext, env: dict[str, str], make_lines: Any) -> TaskResult:
        folder = ctx.working_dir
        if ctx.raw("inputFiles") is not None:
            ctx.input_files(ctx.raw("inputFiles"))
        names = [*(ctx.get("outputFiles") or []), *(ctx.get("outputsFiles") or []), *(ctx.get("files") or [])]
        files = {str(name): ctx.temp_file(".tmp") for name in names}
        folders: dict[str, Path] = {}
        for name in ctx.get("outputDirs") or []:
            folders[str(name)] = folder / f"dir-{len(folders)}-{Path(str(name)).name}"
            folders[str(name)].mkdir()
        paths = {name: str(path) for name, path in {**files, **folders}.items()}
        extra = {"workingDir": str(folder), "outputFiles": paths, "outputDirs": paths, "temp": paths}

        lines = ["set -e"] if ctx.get("exitOnFailed", True) else []
        lines += make_lines(extra)
        interpreter = [str(ctx.get("interpreter", "/bin/sh")), *(ctx.get("interpreterArgs") or ["-c"])]
        argv, stdin = build_call([str(part) for part in interpreter], "\n".join(lines))
        reader = LineReader(
            ctx.logger,
            lambda name, value, kind, tags: ctx.metric(name, value, type=kind, tags=tags),
            ctx.dialect,
        )
        own = base_environment() | env | text_of(ctx.get("env", extra=extra)) | {"WORKING_DIR": str(folder)}
        with InstallGuard("\n".join(lines)) as guard:
            result = ctx.processes.run(
                argv,
                cwd=folder,
                env=guard.environment(own),
                on_stdout=reader.stdout,
                on_stderr=reader.stderr,
                stdin=stdin,
            )
        stored: dict[str, str] = {}
        for name, path in files.items():
            if path.is_file():
                stored[name] = ctx.put_file(path, Path(name).name)
        for name, path in folders.items():
            found = ctx.output_files([f"{path.name}/**"])
            stored |= {f"{name}/{key.removeprefix(path.name + '/')}": uri for key, uri in found.items()}
        outputs = {
            "exitCode": result.exit_code,
            "vars": reader.outputs,
            "outputFiles": stored,
            "files": stored,
        }
        if result.exit_code != 0:
            raise TaskError(f"Command failed with exit code {result.exit_code}", outputs=outputs)
        return TaskResult(outputs)


class Bash(_Legacy):
    """`commands` in `/bin/sh -c`."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.core.tasks.scripts.Bash",
        properties=(PropertySpec("commands", T.LIST, required=True, item=_TEXT), *_COMMON),
        outputs=_OUTPUTS,
        deprecated="use io.kestra.plugin.scripts.shell.Commands",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        return self._run(
            ctx,
            {},
            lambda extra: [localize_uris(ctx, str(line)) for line in ctx.get("commands", [], extra=extra)],
        )


class _Interpreted(_Legacy):
    """Runs `./bin/<program> main.<ext>` style commands: here the program of PATH, in the working directory."""

    program: ClassVar[str]
    default: ClassVar[str]
    env: ClassVar[dict[str, str]] = {}

    def run(self, ctx: RunContext) -> TaskResult:
        def lines(extra: dict[str, Any]) -> list[str]:
            commands = ctx.get("commands", extra=extra) or [f"{self.program} {shlex.quote(self.default)}"]
            return [
                localize_uris(ctx, str(line).replace(f"./bin/{self.program}", self.program))
                for line in commands
            ]

        return self._run(ctx, self.env, lines)


def _interpreted_spec(name: str, modern: str, *own: PropertySpec) -> TaskSpec:
    spec = Bash.spec
    return replace(
        spec,
        type=f"io.kestra.core.tasks.scripts.{name}",
        properties=(PropertySpec("commands", T.LIST, item=_TEXT), *own, *_COMMON),
        deprecated=f"use io.kestra.plugin.scripts.{modern}.Commands",
    )


class Python(_Interpreted):
    program, default = "python", "main.py"
    env = python_environment()
    spec: ClassVar[TaskSpec] = _interpreted_spec(
        "Python",
        "python",
        PropertySpec("requirements", T.LIST, item=_TEXT),
        PropertySpec("virtualEnv", T.BOOLEAN, default=True),
        PropertySpec("pythonPath"),
    )

    def run(self, ctx: RunContext) -> TaskResult:
        if ctx.get("requirements"):
            ctx.logger.warn(
                "`requirements` are not installed: the packages of the Python on PATH are used (see python.Commands)"
            )
        return super().run(ctx)


class Node(_Interpreted):
    program, default = "node", "main.js"
    env = node_environment()
    spec: ClassVar[TaskSpec] = _interpreted_spec(
        "Node",
        "node",
        PropertySpec("npmPath"),
        PropertySpec("nodePath"),
        PropertySpec("args", T.LIST, item=_TEXT),
    )
