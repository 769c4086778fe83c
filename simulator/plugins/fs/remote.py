"""File servers (`fs.sftp`, `ftp`, `ftps`, `smb`) and `fs.ssh.Command`: described, run through mocks (fs-and-others.md 9).

No double of them exists; the specs serve the checks and the skeletons of mocks.
"""

from __future__ import annotations

from typing import Any, NoReturn

from simulator.engine.task import RunContext
from simulator.errors import UnsupportedError
from simulator.model.catalog import Kind, OutputSpec, PropertySpec, T, TaskSpec

__all__ = ["MockOnly"]


class MockOnly:
    """A type that is described and not run."""

    spec: TaskSpec

    def run(self, ctx: RunContext) -> NoReturn:
        raise UnsupportedError(
            f"{self.spec.type} needs a file server and there is no double of one",
            hint=f"give the task `{ctx.task.id}` a mock in the flow's side file",
        )

    def evaluate(self, ctx: RunContext) -> NoReturn:
        self.run(ctx)


_SERVER = (
    PropertySpec("host", required=True),
    PropertySpec("port"),
    PropertySpec("username"),
    PropertySpec("password", secret=True),
)
_OWN: dict[str, tuple[PropertySpec, ...]] = {
    "sftp": (
        PropertySpec("keyfile", secret=True),
        PropertySpec("passphrase", secret=True),
        PropertySpec("rootDir", T.BOOLEAN, default=True),
    ),
    "ftp": (
        PropertySpec("passiveMode", T.BOOLEAN, default=True),
        PropertySpec("rootDir", T.BOOLEAN, default=True),
        PropertySpec("remoteIpVerification", T.BOOLEAN, default=True),
    ),
    "ftps": (
        PropertySpec("passiveMode", T.BOOLEAN, default=True),
        PropertySpec("rootDir", T.BOOLEAN, default=True),
    ),
    "smb": (),
}
_FROM = PropertySpec("from", required=True)
_TO = PropertySpec("to")
_OVERWRITE = PropertySpec("overwrite", T.BOOLEAN, default=False)
_ACTION = (
    PropertySpec("action", T.ENUM, values=("MOVE", "DELETE", "NONE")),
    PropertySpec("moveDirectory"),
    PropertySpec("regExp"),
    PropertySpec("recursive", T.BOOLEAN),
    PropertySpec("maxFiles", T.INTEGER, default=25),
)
_PLACES = (OutputSpec("from", T.URI), OutputSpec("to", T.URI))
_FILES = OutputSpec("files", T.LIST)

_SHAPES: dict[str, tuple[tuple[PropertySpec, ...], tuple[OutputSpec, ...]]] = {
    "Upload": ((_FROM, _TO, _OVERWRITE), _PLACES),
    "Uploads": ((PropertySpec("from", T.ANY, required=True), _TO, _OVERWRITE), (_FILES,)),
    "Download": ((_FROM,), (*_PLACES, OutputSpec("checksum"))),
    "Downloads": ((_FROM, *_ACTION), (_FILES, OutputSpec("outputFiles", T.MAP))),
    "List": ((_FROM, *_ACTION), (_FILES,)),
    "Move": ((_FROM, PropertySpec("to", required=True), _OVERWRITE), _PLACES),
    "Delete": (
        (PropertySpec("uri", required=True), PropertySpec("errorOnMissing", T.BOOLEAN, default=False)),
        (OutputSpec("uri", T.URI), OutputSpec("deleted", T.BOOLEAN)),
    ),
    "Trigger": (
        (
            _FROM,
            *_ACTION,
            PropertySpec("interval", T.DURATION, as_property=False),
            PropertySpec("on"),
            PropertySpec("stateKey"),
            PropertySpec("stateTtl", T.DURATION),
        ),
        (_FILES,),
    ),
}


def _make(protocol: str, name: str) -> type[MockOnly]:
    properties, outputs = _SHAPES[name]
    spec = TaskSpec(
        f"io.kestra.plugin.fs.{protocol}.{name}",
        Kind.TRIGGER if name == "Trigger" else Kind.TASK,
        properties=(*_SERVER, *_OWN[protocol], *properties),
        outputs=outputs,
        open_properties=True,
        supported=False,
    )
    return type(f"{protocol.capitalize()}{name}", (MockOnly,), {"spec": spec, "__module__": __name__})


class SshCommand(MockOnly):
    spec = TaskSpec(
        "io.kestra.plugin.fs.ssh.Command",
        properties=(
            *_SERVER,
            PropertySpec(
                "authMethod", T.ENUM, default="PASSWORD", values=("PASSWORD", "PUBLIC_KEY", "OPEN_SSH")
            ),
            PropertySpec("privateKey", secret=True),
            PropertySpec("commands", T.LIST, required=True, item=PropertySpec("item")),
            PropertySpec("env", T.MAP),
            PropertySpec("strictHostKeyChecking"),
        ),
        outputs=(OutputSpec("exitCode", T.INTEGER), OutputSpec("vars", T.MAP)),
        open_properties=True,
        supported=False,
    )


def __getattr__(name: str) -> Any:
    """`SftpUpload`, `FtpList`...: one class for each protocol and task, made when asked for."""
    for protocol in _OWN:
        task = name.removeprefix(protocol.capitalize())
        if name.startswith(protocol.capitalize()) and task in _SHAPES:
            cls = _make(protocol, task)
            globals()[name] = cls
            return cls
    raise AttributeError(name)
