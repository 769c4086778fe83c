"""The Docker task runner as a description (scripts.md 7): its settings are checked, its container is not started.

Commands run as local processes whatever the task runner; `simulator.plugins.scripts.runner` says so in the log.
"""

from __future__ import annotations

from simulator.model.catalog import Kind, PropertySpec, T, TaskSpec

__all__ = ["Docker"]

_TEXTS = PropertySpec("item")


class Docker:
    spec = TaskSpec(
        "io.kestra.plugin.scripts.runner.docker.Docker",
        Kind.TASK_RUNNER,
        properties=(
            PropertySpec("host"),
            PropertySpec("config", T.ANY),
            PropertySpec("credentials", T.OBJECT),
            PropertySpec("image"),
            PropertySpec("user"),
            PropertySpec("entryPoint", T.LIST, item=_TEXTS),
            PropertySpec("extraHosts", T.LIST, item=_TEXTS),
            PropertySpec("networkMode"),
            PropertySpec("portBindings", T.LIST, item=_TEXTS),
            PropertySpec("volumes", T.LIST, item=_TEXTS),
            PropertySpec("pullPolicy", T.ENUM, values=("ALWAYS", "IF_NOT_PRESENT", "NEVER")),
            PropertySpec("deviceRequests", T.LIST),
            PropertySpec("cpu", T.OBJECT),
            PropertySpec("memory", T.OBJECT),
            PropertySpec("shmSize"),
            PropertySpec("privileged", T.BOOLEAN),
            PropertySpec("fileHandlingStrategy", T.ENUM, default="VOLUME", values=("VOLUME", "MOUNT")),
            PropertySpec("delete", T.BOOLEAN, default=True),
            PropertySpec("wait", T.BOOLEAN, default=True),
            PropertySpec("killGracePeriod", T.DURATION),
        ),
        open_properties=True,
        doc="Runs commands in a container; here they run as local processes.",
    )
