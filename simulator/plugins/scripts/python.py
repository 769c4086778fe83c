"""`python.Script` and `python.Commands`: which interpreter, which packages, and the `kestra` module (scripts.md 8).

`dependencies` are installed once per set and interpreter into a folder of the user's cache, by uv or pip with the
user's own settings, and put on PYTHONPATH. What the interpreter has already is not installed again.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shlex
import shutil
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from simulator.engine.task import RunContext
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T
from simulator.plugins.scripts.command import is_posix_shell
from simulator.plugins.scripts.environment import base_environment, install_environment, text_of
from simulator.plugins.scripts.helper import python_environment
from simulator.plugins.scripts.runner import ScriptRun
from simulator.plugins.scripts.specs import Language
from simulator.plugins.scripts.tasks import Commands, Script, commands_spec, script_spec

__all__ = ["PythonCommands", "PythonScript"]

PYTHON = Language(
    "python",
    "python:3.13-slim",
    ".py",
    ("python3",),
    env=(
        ("PYTHONUNBUFFERED", "true"),
        ("PIP_ROOT_USER_ACTION", "ignore"),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    ),
)

#: Kestra lets scripts use JSON's words; tracebacks count these three lines.
_PREAMBLE = "true = True\nfalse = False\nnull = None\n"

_OWN = (
    PropertySpec("dependencies", T.LIST, item=PropertySpec("item")),
    PropertySpec("pythonVersion"),
    PropertySpec("dependencyCacheEnabled", T.BOOLEAN, default=True),
    PropertySpec("packageManager", T.ENUM, values=("UV", "PIP")),
    PropertySpec("uvAutoInstallEnabled", T.BOOLEAN, default=True),
    PropertySpec("uvInstallerVersion"),
    PropertySpec("uvInstallerSha256"),
)

# Prints the requirements that this interpreter does not satisfy, one a line; all when it cannot tell.
_MISSING = """
import json, sys
from importlib import metadata
wanted = json.loads(sys.stdin.read())
try:
    try:
        from packaging.requirements import Requirement
    except ImportError:
        from pip._vendor.packaging.requirements import Requirement
except ImportError:
    Requirement = None
for text in wanted:
    try:
        need = Requirement(text)
        if need.marker is not None and not need.marker.evaluate():
            continue
        if need.url is None and not need.extras and need.specifier.contains(metadata.version(need.name), prereleases=True):
            continue
    except Exception:
        pass
    print(text)
"""


@cache
def _wrapper_folder() -> str:
    """A folder with `python` and `python3` that start the interpreter that runs us, for machines without either."""
    folder = Path(tempfile.mkdtemp(prefix="simulate-python-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("python", "python3"):
        wrapper = folder / name
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        wrapper.chmod(0o755)
    return str(folder)


class _Python:
    """What Script and Commands share."""

    def prepare_python(self, ctx: RunContext, run: ScriptRun) -> str:
        """Completes the environment of `run`; the interpreter to call."""
        if run.container is not None:
            wanted = [str(item).strip() for item in ctx.get("dependencies") or [] if str(item).strip()]
            if wanted:
                quoted = " ".join(map(shlex.quote, wanted))
                run.install.append(f"python -m pip install --quiet --no-input {quoted}")
            run.env |= python_environment()
            return "python"
        path = text_of(ctx.get("env", extra=run.extra)).get("PATH") or base_environment()["PATH"]
        # Each name on its own: a machine may have only one of the two.
        if any(shutil.which(name, path=path) is None for name in ("python", "python3")):
            path = f"{path}{os.pathsep}{_wrapper_folder()}"
            run.env["PATH"] = path
        interpreter = _find(ctx, ctx.get("pythonVersion"), path)
        wanted = [str(item).strip() for item in ctx.get("dependencies") or [] if str(item).strip()]
        folders = [install(ctx, run, interpreter, wanted)] if wanted else []
        run.env |= python_environment(*(folder for folder in folders if folder))
        return interpreter


class PythonCommands(_Python, Commands):
    language = PYTHON
    spec = commands_spec(PYTHON, *_OWN)

    def before(self, ctx: RunContext, run: ScriptRun) -> None:
        self.prepare_python(ctx, run)


class PythonScript(_Python, Script):
    language = PYTHON
    spec = script_spec(PYTHON, *_OWN)

    def commands(self, ctx: RunContext, run: ScriptRun, text: str) -> list[str]:
        interpreter = shlex.quote(self.prepare_python(ctx, run))
        path = shlex.quote(str(run.script_file(_PREAMBLE + text)))
        shell = [str(part) for part in ctx.get("interpreter") or PYTHON.interpreter]
        if ctx.get("dependencies") or not is_posix_shell(shell):
            return [f"{interpreter} {path}"]
        # A virtual environment that beforeCommands activated wins.
        return [
            f'if [ -n "${{VIRTUAL_ENV:-}}" ]; then "$VIRTUAL_ENV/bin/python" {path}; else {interpreter} {path}; fi'
        ]


def _find(ctx: RunContext, version: str | None, path: str) -> str:
    """The interpreter of a version; without one, `python3` or `python` of PATH."""
    found = shutil.which("python3", path=path) or shutil.which("python", path=path) or sys.executable
    if not version:
        return found
    exact = shutil.which(f"python{version}", path=path)
    if exact:
        return exact
    uv = shutil.which("uv", path=path)
    if uv:
        lines: list[str] = []
        result = ctx.processes.run(
            [uv, "python", "find", str(version)],
            cwd=ctx.working_dir,
            env=install_environment(),
            on_stdout=lines.append,
            on_stderr=lambda line: None,
        )
        if result.exit_code == 0 and lines:
            return lines[0].strip()
    ctx.logger.warn("Python {} is not installed here: running with {}", version, found)
    return found


def install(ctx: RunContext, run: ScriptRun, interpreter: str, wanted: list[str]) -> str | None:
    """Makes `wanted` importable; the folder to put on PYTHONPATH, None when the interpreter has everything.

    Raises TaskError with the installer's last words.
    """
    missing = _missing(ctx, interpreter, wanted)
    if not missing:
        ctx.logger.debug("Dependencies {} are already installed", ", ".join(wanted))
        return None
    key = hashlib.sha256(json.dumps([interpreter, sorted(missing)]).encode()).hexdigest()[:24]
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cached = ctx.get("dependencyCacheEnabled", True)
    target = Path(home) / "kestra-simulator" / "python" / key if cached else run.working_dir / ".dependencies"
    if target.is_dir():
        ctx.metric("deps.cache.download.duration", 0.0, type="timer")
        return str(target)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    ctx.logger.info("Installing Python dependencies: {}", ", ".join(missing))
    staging = Path(tempfile.mkdtemp(prefix=f"{key}-", dir=target.parent))
    started = time.monotonic()
    try:
        _run_installer(ctx, interpreter, missing, staging)
        try:
            staging.rename(target)
        except OSError:
            # Another run was faster: its folder is as good.
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if cached:
        ctx.metric("deps.cache.upload.duration", time.monotonic() - started, type="timer")
    return str(target)


def _missing(ctx: RunContext, interpreter: str, wanted: list[str]) -> list[str]:
    missing: list[str] = []
    result = ctx.processes.run(
        [interpreter, "-c", _MISSING],
        cwd=ctx.working_dir,
        env=base_environment(),
        on_stdout=missing.append,
        on_stderr=lambda line: None,
        stdin=json.dumps(wanted).encode(),
    )
    return missing if result.exit_code == 0 else wanted


def _run_installer(ctx: RunContext, interpreter: str, wanted: list[str], target: Path) -> None:
    """uv when it is there (Kestra's default), else pip. Requirements go through standard input: they may hold tokens."""
    env = install_environment()
    uv = None if ctx.get("packageManager") == "PIP" else shutil.which("uv", path=env["PATH"])
    if uv:
        argv = [uv, "pip", "install", "--quiet", "--python", interpreter, "--target", str(target), "-r", "-"]
    else:
        argv = [interpreter, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        argv += ["--target", str(target), "-r", "/dev/stdin"]
    said: list[str] = []
    result = ctx.processes.run(
        argv,
        cwd=ctx.working_dir,
        env=env,
        on_stdout=said.append,
        on_stderr=said.append,
        stdin=("\n".join(wanted) + "\n").encode(),
    )
    if result.exit_code != 0:
        for line in said[-20:]:
            ctx.logger.error("{}", line)
        last = next((line for line in reversed(said) if line.strip()), "no output")
        raise TaskError(
            f"Failed to install Python dependencies: {last}",
            hint="install them into the Python that is first on PATH, or mock this task",
        )
