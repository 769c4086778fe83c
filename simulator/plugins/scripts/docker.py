"""`--docker`: the commands of a script task in a container of a local engine, through its command line client.

The container sees the working directory at the path that it has here (paths in commands stay true) and the variables of
the task, never those of this machine. Values of variables reach the client through its environment (`-e NAME`), the
commands through standard input: neither stands in an argument list. A container is killed by its name when the task run
is cancelled or times out, for the end of the client does not end it.

The network is the one that `networkMode` says, the engine's own bridge without one, as Kestra's runner does it
(scripts.md 7). Doubles listen on 127.0.0.1 of this machine only, which a bridge does not reach: a command or variable that
names such an address gets a warning with the way out, since opening doubles to a network is no choice.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.engine.task import ProcessResult, RunContext
from simulator.errors import TaskError, UnsupportedError

__all__ = ["DOCKER_RUNNER", "Container", "wants_container"]

DOCKER_RUNNER = "io.kestra.plugin.scripts.runner.docker.Docker"
_LOCAL_RUNNERS = ("io.kestra.plugin.core.runner.Process", "io.kestra.core.models.tasks.runners.Process")
#: What the client itself needs of this machine's environment.
_CLIENT = (
    "PATH",
    "HOME",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
)
_KILL_SECONDS = 10
#: a port of this machine, as URLs and settings name it
_LOOPBACK = re.compile(r"(?<![\w.])(?:127\.0\.0\.1|localhost):\d{1,5}\b")

#: settings of the Docker task runner -> options of `docker run`; one for each item of a list
_OPTIONS = {
    "user": "--user",
    "networkMode": "--network",
    "extraHosts": "--add-host",
    "portBindings": "--publish",
    "volumes": "--volume",
    "shmSize": "--shm-size",
}
_PULL = {"ALWAYS": "always", "IF_NOT_PRESENT": "missing", "NEVER": "never"}
_REFUSED = {
    "credentials": "log in with `docker login` instead: the client keeps its own credentials",
    "config": "the client uses its own configuration",
    "deviceRequests": "devices are not handed to containers here",
}


def wants_container(ctx: RunContext) -> bool:
    """Whether this task run goes into a container: `--docker` is given and its runner is not the local process."""
    if not getattr(ctx, "docker", False):
        return False
    runner = ctx.raw("taskRunner")
    kind = str(runner.get("type")) if isinstance(runner, Mapping) else DOCKER_RUNNER
    return kind not in _LOCAL_RUNNERS and ctx.raw("runner") != "PROCESS"


class Container:
    """One container for one task run. Raises UnsupportedError when there is no engine, or a setting cannot be kept."""

    def __init__(self, ctx: RunContext, image: str) -> None:
        self._ctx = ctx
        runner = ctx.raw("taskRunner")
        settings = runner if isinstance(runner, Mapping) else ctx.raw("docker") or {}
        self._settings: dict[str, Any] = ctx.render(dict(settings))
        if ctx.raw("containerImage") is None and self._settings.get("image"):
            image = str(self._settings["image"])
        self.image = image
        self.name = (
            "simulate-" + re.sub(r"[^a-zA-Z0-9_.-]", "-", ctx.task_run_id) + "-" + secrets.token_hex(4)
        )
        for name, hint in _REFUSED.items():
            if self._settings.get(name):
                raise UnsupportedError(
                    f"`{name}` of the Docker task runner cannot be used with --docker", hint=hint
                )
        self._client = self._engine()

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        on_stdout: Callable[[str], None],
        on_stderr: Callable[[str], None],
        stdin: bytes | None,
        mounts: Sequence[Path] = (),
    ) -> ProcessResult:
        """Runs `argv` in the container to its end; `env` is all that it sees beyond the image's own variables."""
        ctx = self._ctx
        clash = sorted(name for name in env if name.startswith("DOCKER_"))
        if clash:
            raise UnsupportedError(
                f"the variable {clash[0]} cannot be given to a container",
                hint="it would redirect the Docker client itself",
            )
        here = self._out_of_reach([*argv, (stdin or b"").decode("utf-8", "replace"), *env.values()])
        if here:
            ctx.logger.warn(
                "{} is this machine's own address, and in the container its own: with --docker, doubles are reached with"
                " `networkMode: host` of the Docker task runner only",
                here,
            )
        call = self.call(argv, env, interactive=stdin is not None, mounts=mounts)
        ctx.logger.debug("Starting container {} of the image {}", self.name, self.image)
        ctx.on_cancel(self.kill)
        result = ctx.processes.run(
            call,
            cwd=ctx.working_dir,
            env={**self._own_environment(), **env},
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            stdin=stdin,
        )
        if result.timed_out or result.killed or ctx.cancelled:
            self.kill()
        elif result.exit_code == 125:
            # The engine's own failure (no such image, bad option): it has said why on stderr.
            raise TaskError(f"The container of the image {self.image} could not be started", hint=_HINT)
        return result

    def call(
        self, argv: Sequence[str], env: Mapping[str, str], *, interactive: bool, mounts: Sequence[Path] = ()
    ) -> list[str]:
        """The argument list: names of variables only, never their values."""
        folder = str(self._ctx.working_dir)
        options = ["--rm", "--name", self.name, "--workdir", folder, "--volume", f"{folder}:{folder}"]
        for path in mounts:
            options += ["--volume", f"{path}:{path}:ro"]
        if interactive:
            options.append("--interactive")
        for name in sorted(env):
            options += ["--env", name]
        entry = [str(item) for item in self._settings.get("entryPoint") or ()]
        options += ["--entrypoint", entry[0] if entry else ""]
        options += self._runner_options()
        host = ["--host", str(self._settings["host"])] if self._settings.get("host") else []
        return [self._client, *host, "run", *options, self.image, *entry[1:], *argv]

    def _out_of_reach(self, texts: Sequence[str]) -> str | None:
        """The first address of this machine that is named, when the container has a network of its own."""
        if self._settings.get("networkMode") == "host":
            return None
        found = (match for text in texts if (match := _LOOPBACK.search(text)))
        return next((match.group() for match in found), None)

    def kill(self) -> None:
        """Ends the container; no matter whether it is there."""
        host = ["--host", str(self._settings["host"])] if self._settings.get("host") else []
        # Not through ctx.processes: the task run is cancelled, and nothing new would start there.
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                [self._client, *host, "kill", self.name],
                env=self._own_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_KILL_SECONDS,
                check=False,
                start_new_session=True,
            )

    def _runner_options(self) -> list[str]:
        options: list[str] = []
        for name, option in _OPTIONS.items():
            value = self._settings.get(name)
            for item in value if isinstance(value, list) else [value]:
                if item not in (None, ""):
                    options += [option, str(item)]
        pull = self._settings.get("pullPolicy")
        if pull:
            if pull not in _PULL:
                raise TaskError(f"pullPolicy: not one of {', '.join(_PULL)}: '{pull}'")
            options += ["--pull", _PULL[str(pull)]]
        cpu, memory = self._settings.get("cpu") or {}, self._settings.get("memory") or {}
        for source, key, option in (
            (cpu, "cpus", "--cpus"),
            (memory, "memory", "--memory"),
            (memory, "memorySwap", "--memory-swap"),
            (memory, "memoryReservation", "--memory-reservation"),
        ):
            if isinstance(source, Mapping) and source.get(key):
                options += [option, str(source[key])]
        if str(self._settings.get("privileged")).lower() == "true":
            options.append("--privileged")
        return options

    def _engine(self) -> str:
        """The path of the client, when an engine answers it."""
        client = shutil.which("docker")
        if client is None:
            raise UnsupportedError("--docker: there is no `docker` command on PATH", hint=_HINT)
        said: list[str] = []
        host = ["--host", str(self._settings["host"])] if self._settings.get("host") else []
        result = self._ctx.processes.run(
            [client, *host, "version", "--format", "{{.Server.Version}}"],
            cwd=self._ctx.working_dir,
            env=self._own_environment(),
            on_stdout=lambda line: None,
            on_stderr=said.append,
        )
        if result.exit_code != 0:
            reason = f": {said[-1]}" if said else ""
            raise UnsupportedError(f"--docker: no Docker engine answers{reason}", hint=_HINT)
        return client

    def _own_environment(self) -> dict[str, str]:
        return {name: os.environ[name] for name in _CLIENT if name in os.environ}


_HINT = "without --docker the commands run as a local process; a mock of the task runs nothing at all"
