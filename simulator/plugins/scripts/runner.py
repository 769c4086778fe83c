"""Runs the commands of one script task as a local process (scripts.md 2 to 6).

Whatever task runner the flow names, the commands run here, on this machine, in the task's working directory; a
container image is named in the log and not used, except with `--docker` (`docker.py`). All language tasks come through
`ScriptRun`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError, TaskTimeoutError
from simulator.plugins.scripts.command import build_call
from simulator.plugins.scripts.docker import Container, wants_container
from simulator.plugins.scripts.environment import base_environment, text_of
from simulator.plugins.scripts.guard import InstallGuard
from simulator.plugins.scripts.helper import SHIM
from simulator.plugins.scripts.protocol import DEBUG_MARKER, INFO_MARKER, LineReader
from simulator.plugins.scripts.specs import Language

__all__ = ["ScriptRun", "localize_uris"]

# A storage URI inside a text, as Kestra finds it; `%` because 1.x encodes blanks of file names.
_URI = re.compile(r"(?:kestra|nsfile|file)://[-\w.+~#=/%]*")
_GLOB = re.compile(r"[*?\[{]")


def localize_uris(ctx: RunContext, text: str) -> str:
    """Fetches every storage URI in `text` into the working directory and puts the file's absolute path in its place."""
    fetched: dict[str, str] = {}

    def fetch(match: re.Match[str]) -> str:
        uri = match[0]
        if uri.partition("://")[2].strip("/") == "":
            return uri
        if uri not in fetched:
            target = ctx.temp_file(Path(uri).suffix or ".tmp")
            with ctx.open_uri(uri) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            fetched[uri] = str(target)
        return fetched[uri]

    return _URI.sub(fetch, text)


class ScriptRun:
    """One run of a script task: prepare the files, build the command, run it, gather what it left."""

    def __init__(self, ctx: RunContext, language: Language, default_image: str | None = None) -> None:
        self.ctx = ctx
        self.language = language
        self.image = ctx.get("containerImage") or default_image or language.image
        self.working_dir = ctx.working_dir
        self.env: dict[str, str] = {}
        self.container = Container(ctx, str(self.image)) if wants_container(ctx) else None
        self.install: list[str] = []
        """Lines that make the container ready for the commands."""
        self.output_dir: Path | None = None
        self.extra: dict[str, Any] = {"workingDir": str(self.working_dir)}

    def prepare(self) -> None:
        """Namespace files, then input files, then the variables that only this task sees."""
        ctx = self.ctx
        if ctx.raw("namespaceFiles") is not None:
            ctx.load_namespace_files(ctx.raw("namespaceFiles"))
        if ctx.raw("inputFiles") is not None:
            ctx.input_files(ctx.raw("inputFiles"))
            names = ctx.raw("inputFiles")
            if isinstance(names, Mapping):
                rendered = [str(ctx.render(name)) for name in names]
                self.extra["inputFiles"] = {name: str(self.working_dir / name) for name in rendered}
        patterns = ctx.get("outputFiles") or []
        legacy = ctx.dialect.major < 2 and ctx.raw("runner") is not None
        if ctx.dialect.major >= 2 or legacy:
            plain = [str(name) for name in patterns if not _GLOB.search(str(name)) and ":" not in str(name)]
            self.extra["outputFiles"] = {name: str(self.working_dir / name) for name in plain}
        if ctx.get("outputDirectory", legacy):
            self.output_dir = self.working_dir / "output"
            self.output_dir.mkdir(exist_ok=True)
            self.extra["outputDir"] = str(self.output_dir)

    def texts(self, name: str) -> list[str]:
        """A list property of commands, rendered, its storage URIs made local."""
        return [
            localize_uris(self.ctx, _text(item)) for item in self.ctx.get(name, [], extra=self.extra) or []
        ]

    def script_file(self, text: str) -> Path:
        """Puts the script's text into a file of the language."""
        if "{{" in text or "{%" in text:
            self.ctx.logger.warn(
                "The script still holds an expression after rendering. Kestra renders script files twice and would "
                "evaluate it; this run does not, since data could smuggle expressions in."
            )
        path = self.ctx.temp_file(self.language.extension)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, commands: Sequence[str], *, hint: Callable[[int], str | None] | None = None) -> TaskResult:
        """Runs before-commands and `commands` in one call and answers with the task's outputs.

        Raises TaskError `Command failed with exit code <n>` with the outputs gathered so far.
        """
        ctx, language = self.ctx, self.language
        given = ctx.get("interpreter")
        if given is not None and not given:
            raise TaskError("interpreter: must not be empty")
        interpreter = [str(part) for part in given or language.interpreter]
        text = "\n".join(self._lines(commands))
        own = base_environment() if self.container is None else {}
        env = own | dict(language.env) | self.env
        env |= text_of(ctx.get("env", extra=self.extra))
        env["WORKING_DIR"] = str(self.working_dir)
        if self.output_dir is not None:
            env["OUTPUT_DIR"] = str(self.output_dir)

        argv, stdin = build_call(interpreter, text)
        if self.container is None:
            self._tell_image()
        if self.container is None and shutil.which(argv[0], path=env.get("PATH")) is None:
            raise TaskError(
                f'Cannot run program "{argv[0]}" (in directory "{self.working_dir}"): error=2, No such file or directory',
                hint=f"install `{argv[0]}` or mock this task; Kestra would run it in the image {self.image}",
            )
        reader = LineReader(ctx.logger, self._record_metric, ctx.dialect)
        ctx.logger.debug("Starting command [{}]", " ".join([*interpreter, text]))
        if self.container is not None:
            result = self.container.run(
                argv,
                env=env,
                on_stdout=reader.stdout,
                on_stderr=reader.stderr,
                stdin=stdin,
                mounts=[SHIM] if any(str(SHIM) in value for value in env.values()) else [],
            )
        else:
            with InstallGuard(text) as guard:
                result = ctx.processes.run(
                    argv,
                    cwd=self.working_dir,
                    env=guard.environment(env),
                    on_stdout=reader.stdout,
                    on_stderr=reader.stderr,
                    stdin=stdin,
                )
        outputs: dict[str, Any] = {
            "exitCode": result.exit_code,
            "vars": reader.outputs,
            "outputFiles": self._collect(),
        }
        if result.timed_out:
            raise TaskTimeoutError(f"Command failed with exit code {result.exit_code}", outputs=outputs)
        if result.exit_code != 0:
            advice = hint(result.exit_code) if hint else self._advice(result.exit_code, env)
            raise TaskError(f"Command failed with exit code {result.exit_code}", outputs=outputs, hint=advice)
        ctx.logger.debug("Command succeed with exit code {}", result.exit_code)
        return TaskResult(outputs, fact=self._fact(outputs))

    def _lines(self, commands: Sequence[str]) -> list[str]:
        lines = list(self.language.before)
        if self.ctx.get("failFast", True):
            lines.insert(0, self.language.fail_fast)
        before = self.texts("beforeCommands")
        if before and self.ctx.dialect.major >= 2 and self.language.fail_fast == "set -e":
            before = [f"echo '{DEBUG_MARKER}'", *before, f"echo '{INFO_MARKER}'"]
        return [*lines, *self.install, *before, *commands]

    def _collect(self) -> dict[str, str]:
        patterns = [str(pattern) for pattern in self.ctx.get("outputFiles") or []]
        files = dict(self.ctx.output_files(patterns)) if patterns else {}
        if self.output_dir is not None:
            prefix = f"{self.output_dir.name}/"
            found = self.ctx.output_files([f"{prefix}**"])
            files |= {name.removeprefix(prefix): uri for name, uri in found.items()}
        return files

    def _record_metric(self, name: str, value: float, kind: str, tags: Mapping[str, str]) -> None:
        self.ctx.metric(name, value, type=kind, tags=tags)

    def _tell_image(self) -> None:
        runner = self.ctx.raw("taskRunner")
        kind = (
            str(runner.get("type"))
            if isinstance(runner, Mapping)
            else "io.kestra.plugin.scripts.runner.docker.Docker"
        )
        if kind.endswith(".runner.Process") or self.ctx.raw("runner") == "PROCESS":
            return
        level = "INFO" if self.ctx.raw("containerImage") is not None else "DEBUG"
        self.ctx.logger.log(
            level, "Runs as a local process: the image {} of the task runner {} is not used", self.image, kind
        )

    def _advice(self, exit_code: int, env: Mapping[str, str]) -> str | None:
        """127 of a shell means a missing program: name the one that the language needs."""
        program = self.language.command[0] if self.language.command else None
        if exit_code != 127:
            return None
        if self.container is not None:
            return f"a program is not in the image {self.container.image}"
        if program and shutil.which(program, path=env.get("PATH")) is None:
            return f"`{program}` is not on PATH here; install it or mock this task (Kestra uses the image {self.image})"
        return f"a program is not on PATH here; install it or mock this task (Kestra uses the image {self.image})"

    def _fact(self, outputs: Mapping[str, Any]) -> str:
        parts = ["exit 0"]
        if outputs["vars"]:
            parts.append(f"{len(outputs['vars'])} vars")
        if outputs["outputFiles"]:
            parts.append(f"{len(outputs['outputFiles'])} files")
        return ", ".join(parts)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
