"""AWS services without a double: their shape is known, a run needs a mock (fs-and-others.md 7)."""

from __future__ import annotations

from typing import Any

from simulator.engine.task import RunContext
from simulator.errors import UnsupportedError
from simulator.model.catalog import Kind, OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.aws.specs import CONNECTION

__all__ = ["TYPES"]

_FETCH = PropertySpec("fetchType", T.ENUM, default="STORE", values=("NONE", "FETCH", "FETCH_ONE", "STORE"))
_ROWS = (
    OutputSpec("row", T.MAP),
    OutputSpec("rows", T.LIST),
    OutputSpec("uri", T.URI),
    OutputSpec("size", T.INTEGER),
)
#: name below io.kestra.plugin.aws -> properties, outputs
_SHAPES: dict[str, tuple[tuple[PropertySpec, ...], tuple[OutputSpec, ...]]] = {
    "athena.Query": (
        (
            PropertySpec("database", required=True),
            PropertySpec("query", required=True),
            PropertySpec("outputLocation", required=True),
            PropertySpec("catalog"),
            _FETCH,
            PropertySpec("skipHeader", T.BOOLEAN, default=True),
        ),
        (OutputSpec("queryExecutionId", T.STRING), *_ROWS),
    ),
    "lambda.Invoke": (
        (PropertySpec("functionArn", required=True), PropertySpec("functionPayload", T.MAP)),
        (
            OutputSpec("uri", T.URI),
            OutputSpec("contentLength", T.INTEGER),
            OutputSpec("contentType", T.STRING),
        ),
    ),
    "ecr.GetAuthToken": ((), (OutputSpec("token"),)),
}


class _Service:
    """A type that is described and not run."""

    spec: TaskSpec

    def _refuse(self, ctx: RunContext) -> Any:
        raise UnsupportedError(
            f"{self.spec.type} cannot run on this machine: its service has no double",
            hint=f"give the task `{ctx.task.id}` a mock in the flow's side file",
        )

    run = evaluate = _refuse


#: type -> "module:Class", for the family's table
TYPES: dict[str, str] = {}

for _name, (_properties, _outputs) in _SHAPES.items():
    _attribute = "".join(part[:1].upper() + part[1:] for part in _name.split("."))
    _spec = TaskSpec(
        f"io.kestra.plugin.aws.{_name}",
        Kind.TASK,
        properties=(*CONNECTION, *_properties),
        outputs=_outputs,
        supported=False,
        open_properties=True,
        doc="Known by its shape; a run needs a mock.",
    )
    globals()[_attribute] = type(_attribute, (_Service,), {"spec": _spec, "__module__": __name__})
    TYPES[_spec.type] = f"{__name__}:{_attribute}"
