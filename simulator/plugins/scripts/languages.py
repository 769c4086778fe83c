"""Every language but Python: one record each, and the two task types made of it (table of scripts.md 8)."""

from __future__ import annotations

import shlex

from simulator.engine.task import RunContext
from simulator.model.catalog import PropertySpec, T
from simulator.plugins.scripts.helper import node_environment, python_environment
from simulator.plugins.scripts.runner import ScriptRun
from simulator.plugins.scripts.specs import Language
from simulator.plugins.scripts.tasks import Commands, Script, commands_spec, script_spec

__all__ = ["SHELL"]

SHELL = Language("shell", "ubuntu")
NODE = Language(
    "node",
    "node",
    ".js",
    ("node",),
    env=(("PYTHONUNBUFFERED", "true"), ("PIP_ROOT_USER_ACTION", "ignore")),
)
R = Language("r", "r-base", ".R", ("Rscript",))
POWERSHELL = Language(
    "powershell",
    "ghcr.io/kestra-io/powershell:latest",
    ".ps1",
    ("pwsh", "-NoProfile", "-NonInteractive", "-File"),
    interpreter=("pwsh", "-NoProfile", "-NonInteractive", "-Command"),
    fail_fast='$ErrorActionPreference = "Stop"',
)
BUN = Language("bun", "oven/bun", ".ts", ("bun", "run"))
DENO = Language("deno", "denoland/deno", ".ts", ("deno", "run"))
GO = Language("go", "golang", ".go", ("go", "run"))
GROOVY = Language("groovy", "groovy", ".groovy", ("groovy",))
DOTNET = Language("dotnet", "mcr.microsoft.com/dotnet/sdk:10.0", ".csx", ("dotnet-script",))
JULIA = Language("julia", "julia", ".jl", ("julia",))
RUBY = Language("ruby", "ruby", ".rb", ("ruby",))
PERL = Language("perl", "perl", ".pl", ("perl",))
LUA = Language("lua", "nickblah/lua", ".lua", ("lua",))
PHP = Language("php", "php", ".js", ("php",))
JBANG = Language("jbang", "jbangdev/jbang-action", ".java", ("jbang",))


class ShellCommands(Commands):
    language = SHELL
    spec = commands_spec(SHELL)

    def before(self, ctx: RunContext, run: ScriptRun) -> None:
        # Images with Python in them (pydata, kestrapy, python:...) bring the `kestra` package; so does this process.
        if any(word in run.image for word in ("python", "pydata", "kestrapy")):
            run.env |= python_environment()


class ShellScript(Script):
    """The text is the command itself: no file, rendered once."""

    language = SHELL
    spec = script_spec(SHELL)

    def commands(self, ctx: RunContext, run: ScriptRun, text: str) -> list[str]:
        return [text]


class NodeCommands(Commands):
    language = NODE
    spec = commands_spec(NODE)

    def before(self, ctx: RunContext, run: ScriptRun) -> None:
        run.env |= node_environment()


class NodeScript(Script):
    language = NODE
    spec = script_spec(NODE)

    def before(self, ctx: RunContext, run: ScriptRun) -> None:
        run.env |= node_environment()


class RCommands(Commands):
    language, spec = R, commands_spec(R)


class RScript(Script):
    language, spec = R, script_spec(R)


class PowershellCommands(Commands):
    language, spec = POWERSHELL, commands_spec(POWERSHELL)


class PowershellScript(Script):
    language, spec = POWERSHELL, script_spec(POWERSHELL)

    def commands(self, ctx: RunContext, run: ScriptRun, text: str) -> list[str]:
        path = str(run.script_file(text)).replace("'", "''")
        return [f"& '{path}'"]


class BunCommands(Commands):
    language, spec = BUN, commands_spec(BUN)


class BunScript(Script):
    language, spec = BUN, script_spec(BUN)


class DenoCommands(Commands):
    language, spec = DENO, commands_spec(DENO)


class DenoScript(Script):
    language, spec = DENO, script_spec(DENO)


class GoCommands(Commands):
    language, spec = GO, commands_spec(GO)


class GoScript(Script):
    language, spec = GO, script_spec(GO)


class GroovyCommands(Commands):
    language, spec = GROOVY, commands_spec(GROOVY)


class GroovyScript(Script):
    language, spec = GROOVY, script_spec(GROOVY)


class DotnetCommands(Commands):
    language, spec = DOTNET, commands_spec(DOTNET)


class DotnetScript(Script):
    language, spec = DOTNET, script_spec(DOTNET)


class JuliaCommands(Commands):
    language, spec = JULIA, commands_spec(JULIA)


class JuliaScript(Script):
    language, spec = JULIA, script_spec(JULIA)


class RubyCommands(Commands):
    language, spec = RUBY, commands_spec(RUBY)


class RubyScript(Script):
    language, spec = RUBY, script_spec(RUBY)


class PerlCommands(Commands):
    language, spec = PERL, commands_spec(PERL)


class PerlScript(Script):
    language, spec = PERL, script_spec(PERL)


class LuaCommands(Commands):
    language, spec = LUA, commands_spec(LUA)


class LuaScript(Script):
    language, spec = LUA, script_spec(LUA)


class PhpCommands(Commands):
    language, spec = PHP, commands_spec(PHP)


class PhpScript(Script):
    language, spec = PHP, script_spec(PHP)


class JbangCommands(Commands):
    language, spec = JBANG, commands_spec(JBANG, PropertySpec("quiet", T.BOOLEAN, default=True))


class JbangScript(Script):
    language = JBANG
    spec = script_spec(
        JBANG, PropertySpec("quiet", T.BOOLEAN, default=True), PropertySpec("extension", default=".java")
    )

    def commands(self, ctx: RunContext, run: ScriptRun, text: str) -> list[str]:
        path = run.script_file(text)
        named = path.rename(path.with_suffix(str(ctx.get("extension", ".java"))))
        quiet = " --quiet" if ctx.get("quiet", True) else ""
        return [f"jbang{quiet} {shlex.quote(str(named))}"]
