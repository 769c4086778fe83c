"""The properties and outputs that all script tasks share (scripts.md 1 and 4), and one record per language."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.model.catalog import OutputSpec, PropertySpec, T

__all__ = ["COMMANDS", "COMMON", "OUTPUTS", "SCRIPT", "Language"]

_TEXT = PropertySpec("item")

COMMON: tuple[PropertySpec, ...] = (
    PropertySpec(
        "taskRunner", T.TYPED, as_property=False, doc="Where Kestra runs it; here always this machine."
    ),
    PropertySpec("containerImage", doc="The image that Kestra would use; named in the log, not used."),
    PropertySpec("beforeCommands", T.LIST, item=_TEXT),
    PropertySpec("interpreter", T.LIST, item=_TEXT),
    PropertySpec("failFast", T.BOOLEAN, default=True),
    PropertySpec("env", T.MAP, item=_TEXT),
    PropertySpec("inputFiles", T.ANY),
    PropertySpec("outputFiles", T.LIST, item=_TEXT),
    PropertySpec("namespaceFiles", T.OBJECT, as_property=False),
    PropertySpec("outputDirectory", T.BOOLEAN, deprecated="use `outputFiles`"),
    PropertySpec("warningOnStdErr", T.BOOLEAN, deprecated="it has no effect"),
    PropertySpec("targetOS", T.ENUM, default="AUTO", values=("AUTO", "LINUX", "WINDOWS")),
    PropertySpec(
        "runner",
        T.ENUM,
        values=("DOCKER", "PROCESS"),
        as_property=False,
        until=1,
        deprecated="use `taskRunner`",
    ),
    PropertySpec("docker", T.OBJECT, as_property=False, until=1, deprecated="use `taskRunner`"),
)

COMMANDS = PropertySpec("commands", T.LIST, required=True, item=_TEXT)
SCRIPT = PropertySpec("script", required=True)

OUTPUTS: tuple[OutputSpec, ...] = (
    OutputSpec("exitCode", T.INTEGER),
    OutputSpec("vars", T.MAP),
    OutputSpec("outputFiles", T.MAP, item=OutputSpec("uri", T.URI)),
    OutputSpec("taskRunner", T.OBJECT, doc="Left out: a local process has none."),
)


@dataclass(frozen=True, slots=True)
class Language:
    """How a `Script` of one language is run (scripts.md 8)."""

    name: str
    image: str
    extension: str = ""
    """Of the script file; empty: the text itself is the command."""
    command: tuple[str, ...] = ()
    """What stands before the file; its first word must be on PATH."""
    env: tuple[tuple[str, str], ...] = ()
    interpreter: tuple[str, ...] = ("/bin/sh", "-c")
    fail_fast: str = "set -e"
    before: tuple[str, ...] = ()
    """Commands that Kestra puts before everything else."""

    @property
    def package(self) -> str:
        return f"io.kestra.plugin.scripts.{self.name}"
