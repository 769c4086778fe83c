"""AWS services beside S3: their shape is known, a run needs a mock (fs-and-others.md 7)."""

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
_TABLE = PropertySpec("tableName", required=True)
_QUEUE = PropertySpec("queueUrl", required=True)
_FROM = PropertySpec("from", T.DATA, required=True, as_property=False)
_COUNT = OutputSpec("messagesCount", T.INTEGER)
_SCAN = (
    _TABLE,
    _FETCH,
    PropertySpec("keyConditionExpression"),
    PropertySpec("expressionAttributeValues", T.MAP),
    PropertySpec("filterExpression"),
    PropertySpec("limit", T.INTEGER),
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
    "dynamodb.PutItem": ((_TABLE, PropertySpec("item", T.ANY)), ()),
    "dynamodb.DeleteItem": ((_TABLE, PropertySpec("key", T.MAP)), ()),
    "dynamodb.GetItem": ((_TABLE, PropertySpec("key", T.MAP)), (OutputSpec("row", T.MAP),)),
    "dynamodb.Query": (_SCAN, _ROWS),
    "dynamodb.Scan": (_SCAN, _ROWS),
    "lambda.Invoke": (
        (PropertySpec("functionArn", required=True), PropertySpec("functionPayload", T.MAP)),
        (
            OutputSpec("uri", T.URI),
            OutputSpec("contentLength", T.INTEGER),
            OutputSpec("contentType", T.STRING),
        ),
    ),
    "sqs.Publish": ((_QUEUE, _FROM), (_COUNT,)),
    "sqs.Consume": (
        (
            _QUEUE,
            PropertySpec("maxRecords", T.INTEGER),
            PropertySpec("maxDuration", T.DURATION),
            PropertySpec("serdeType"),
            PropertySpec("autoDelete", T.BOOLEAN, default=True),
            PropertySpec("visibilityTimeout", T.INTEGER, default=30),
        ),
        (OutputSpec("count", T.INTEGER), OutputSpec("uri", T.URI)),
    ),
    "sns.Publish": ((PropertySpec("topicArn", required=True), _FROM), (_COUNT,)),
    "ecr.GetAuthToken": ((), (OutputSpec("token"),)),
    "eventbridge.PutEvents": (
        (PropertySpec("entries", T.ANY, required=True), PropertySpec("failOnUnsuccessfulEvents", T.BOOLEAN)),
        (
            OutputSpec("uri", T.URI),
            OutputSpec("failedEntryCount", T.INTEGER),
            OutputSpec("entryCount", T.INTEGER),
        ),
    ),
    "kinesis.PutRecords": (
        (PropertySpec("records", T.ANY, required=True), PropertySpec("failOnUnsuccessfulRecords", T.BOOLEAN)),
        (
            OutputSpec("uri", T.URI),
            OutputSpec("failedRecordsCount", T.INTEGER),
            OutputSpec("recordCount", T.INTEGER),
        ),
    ),
}


class _Service:
    """A type that is described and not run."""

    spec: TaskSpec

    def _refuse(self, ctx: RunContext) -> Any:
        raise UnsupportedError(
            f"{self.spec.type} cannot run on this machine: only S3 has a double",
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
