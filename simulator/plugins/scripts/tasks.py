"""The two shapes of every language: `Commands` (a list of shell lines) and `Script` (one text). Languages derive from them."""

from __future__ import annotations

import shlex
from typing import ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, TaskSpec
from simulator.plugins.scripts.runner import ScriptRun, localize_uris
from simulator.plugins.scripts.specs import COMMANDS, COMMON, OUTPUTS, SCRIPT, Language

__all__ = ["Commands", "Script", "commands_spec", "script_spec"]


def commands_spec(language: Language, *own: PropertySpec) -> TaskSpec:
    """The spec of `<language>.Commands`."""
    return TaskSpec(f"{language.package}.Commands", properties=(COMMANDS, *own, *COMMON), outputs=OUTPUTS)


def script_spec(language: Language, *own: PropertySpec) -> TaskSpec:
    """The spec of `<language>.Script`."""
    return TaskSpec(f"{language.package}.Script", properties=(SCRIPT, *own, *COMMON), outputs=OUTPUTS)


class Commands:
    """Runs `commands` in one shell call."""

    language: ClassVar[Language]
    spec: ClassVar[TaskSpec]

    def run(self, ctx: RunContext) -> TaskResult:
        run = ScriptRun(ctx, self.language)
        run.prepare()
        commands = run.texts("commands")
        if not commands:
            raise TaskError("commands: must not be empty")
        self.before(ctx, run)
        return run.run(commands)

    def before(self, ctx: RunContext, run: ScriptRun) -> None:
        """What a language needs beyond the common preparation."""


class Script:
    """Writes `script` to a file and runs it with the language's command."""

    language: ClassVar[Language]
    spec: ClassVar[TaskSpec]

    def run(self, ctx: RunContext) -> TaskResult:
        run = ScriptRun(ctx, self.language)
        run.prepare()
        self.before(ctx, run)
        text = localize_uris(ctx, str(ctx.get("script", "", extra=run.extra)))
        return run.run(self.commands(ctx, run, text))

    def before(self, ctx: RunContext, run: ScriptRun) -> None:
        """What a language needs beyond the common preparation."""

    def commands(self, ctx: RunContext, run: ScriptRun, text: str) -> list[str]:
        """The lines that run the text."""
        path = run.script_file(text)
        return [f"{' '.join(self.language.command)} {shlex.quote(str(path))}"]
