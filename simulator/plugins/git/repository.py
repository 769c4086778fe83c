"""Calls of the `git` program for one task run: where a URL leads, with which credentials, and what it said.

Secrets reach git by its environment only: user name and password through a credential helper, a private key through a
file of the working directory's own that is removed with it. Only ordinary transports are allowed (`ext::` would run
programs), hooks and the user's own configuration play no part.
"""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from simulator.engine.task import RunContext
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T

__all__ = ["CONNECTION", "Git"]

#: What every git task has.
CONNECTION: tuple[PropertySpec, ...] = (
    PropertySpec("url", required=True),
    PropertySpec("username"),
    PropertySpec("password", secret=True),
    PropertySpec("privateKey", secret=True),
    PropertySpec("passphrase", secret=True),
    PropertySpec("branch"),
    PropertySpec("cloneSubmodules", T.BOOLEAN),
    PropertySpec("connectTimeout", T.INTEGER, default=10000, doc="milliseconds"),
    PropertySpec("readTimeout", T.INTEGER, default=60000, doc="milliseconds"),
    PropertySpec("trustedCaPemPath"),
    PropertySpec("gitConfig", T.MAP),
)

_SCP = re.compile(r"(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+):(?P<path>(?!//).+)")
# `!` makes git run this as a shell line; the values come from the environment of git alone.
_HELPER = '!f() { test "$1" = get && printf \'username=%s\\npassword=%s\\n\' "$SIMULATE_GIT_USER" "$SIMULATE_GIT_PASSWORD"; }; f'


class Git:
    """One remote and the means to talk to it. Use as a context manager: it holds a private folder."""

    def __init__(self, ctx: RunContext) -> None:
        self._ctx = ctx
        self._program = shutil.which("git")
        if self._program is None:
            raise TaskError("git is not installed", hint="install git or mock this task")
        self._private = Path(tempfile.mkdtemp(prefix="simulate-git-"))
        self.url, user, password = _remote(ctx)
        self._env = self._environment(user, password)
        self._said: list[str] = []

    def __enter__(self) -> Git:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._private, ignore_errors=True)

    def _environment(self, user: str | None, password: str | None) -> dict[str, str]:
        import os

        ctx = self._ctx
        env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._private),
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
            "GIT_HTTP_LOW_SPEED_LIMIT": "1",
            "GIT_HTTP_LOW_SPEED_TIME": str(max(1, int(ctx.get("readTimeout", 60000)) // 1000)),
        }
        if user or password:
            env["SIMULATE_GIT_USER"] = user or "git"
            env["SIMULATE_GIT_PASSWORD"] = password or ""
        key = ctx.get("privateKey")
        if key:
            path = self._private / "key"
            path.touch(mode=0o600)
            path.write_text(str(key).rstrip("\n") + "\n")
            if ctx.get("passphrase"):
                raise TaskError(
                    "A private key with a passphrase is not supported here", hint="mock this task"
                )
            env["GIT_SSH_COMMAND"] = f"ssh -i {shlex.quote(str(path))} -o IdentitiesOnly=yes -o BatchMode=yes"
        if ctx.get("trustedCaPemPath"):
            env["GIT_SSL_CAINFO"] = str(ctx.get("trustedCaPemPath"))
        return env

    def temporary(self, name: str) -> Path:
        """A path in the private folder."""
        return self._private / name

    def run(self, *arguments: str, cwd: Path, check: bool = True) -> list[str]:
        """The lines that git printed. Raises TaskError with git's own words when it fails and `check`."""
        out: list[str] = []
        err: list[str] = []
        argv = [str(self._program), "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"]
        if "SIMULATE_GIT_USER" in self._env:
            argv += ["-c", "credential.helper=", "-c", f"credential.helper={_HELPER}"]
        for key, value in (self._ctx.get("gitConfig") or {}).items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            argv += ["-c", f"{_config_key(str(key))}={text}"]
        result = self._ctx.processes.run(
            [*argv, *arguments], cwd=cwd, env=self._env, on_stdout=out.append, on_stderr=err.append
        )
        if result.exit_code != 0 and check:
            lines = [line for line in err if line.strip()]
            last = next(
                (line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1] if lines else ""
            )
            raise TaskError(f"git {arguments[0]} failed: {last or f'exit code {result.exit_code}'}")
        return out if result.exit_code == 0 else []

    def succeeds(self, *arguments: str, cwd: Path) -> bool:
        """Whether git ends with 0."""
        try:
            self.run(*arguments, cwd=cwd)
        except TaskError:
            return False
        return True


def _config_key(key: str) -> str:
    """`gitConfig` may change how git works, not which programs it starts."""
    if re.search(
        r"command|helper|proxy|editor|pager|hookspath|sshcommand|fsmonitor|program|textconv",
        key,
        re.IGNORECASE,
    ):
        raise TaskError(f"gitConfig: `{key}` would start a program and is not allowed here")
    return key


def _remote(ctx: RunContext) -> tuple[str, str | None, str | None]:
    """The URL without credentials, and the credentials. Raises NetworkRefusedError for a host that is not allowed."""
    url = str(ctx.get("url") or "")
    if not url or url.startswith("-"):
        raise TaskError(f"Invalid repository URL: {url}")
    user, password = ctx.get("username"), ctx.get("password")
    scp = _SCP.fullmatch(url) if "://" not in url else None
    if scp:
        ctx.endpoints.resolve("git", f"ssh://{scp['host']}/{scp['path']}")
        return url, user, password
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return url, user, password
    if parts.scheme not in ("http", "https", "ssh", "git"):
        raise TaskError(f"URI not supported: {url}")
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme != "ssh" and "@" in parts.netloc:
        user = user or unquote(parts.username or "")
        password = password or unquote(parts.password or "")
        url = urlunsplit(parts._replace(netloc=host))
    ctx.endpoints.resolve("git", f"{parts.scheme}://{host}{parts.path}")
    return url, user, password


def inside(base: Path, name: str | None) -> Path:
    """A folder below `base`. Raises TaskError for a way out."""
    target = (base / (name or "")).resolve()
    if name and (Path(name).is_absolute() or not target.is_relative_to(base.resolve())):
        raise TaskError("The path to resolve must be a relative path inside the current working directory.")
    return target


def text_or(value: Any, default: str) -> str:
    return str(value) if value else default
