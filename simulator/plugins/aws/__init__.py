"""`io.kestra.plugin.aws.*`; listed in simulator.plugins.registry."""

from __future__ import annotations

_HERE = "simulator.plugins.aws"

TYPES: dict[str, str] = {
    "io.kestra.plugin.aws.s3.Copy": f"{_HERE}.objects:Copy",
    "io.kestra.plugin.aws.s3.CreateBucket": f"{_HERE}.objects:CreateBucket",
    "io.kestra.plugin.aws.s3.Delete": f"{_HERE}.objects:Delete",
    "io.kestra.plugin.aws.s3.DeleteList": f"{_HERE}.listing:DeleteList",
    "io.kestra.plugin.aws.s3.Download": f"{_HERE}.download:Download",
    "io.kestra.plugin.aws.s3.Downloads": f"{_HERE}.download:Downloads",
    "io.kestra.plugin.aws.s3.List": f"{_HERE}.listing:List",
    "io.kestra.plugin.aws.s3.Trigger": f"{_HERE}.trigger:Trigger",
    "io.kestra.plugin.aws.s3.Upload": f"{_HERE}.upload:Upload",
}

#: service -> module, kinds
_SERVICES: dict[str, tuple[str, tuple[str, ...]]] = {
    "dynamodb": ("dynamodb", ("DeleteItem", "GetItem", "PutItem", "Query", "Scan")),
    "eventbridge": ("records", ("PutEvents",)),
    "kinesis": ("records", ("PutRecords",)),
    "sns": ("messages", ("Publish",)),
    "sqs": ("messages", ("Consume", "Publish", "Trigger")),
}
TYPES.update(
    {
        f"io.kestra.plugin.aws.{service}.{kind}": f"{_HERE}.{module}:{service.capitalize()}{kind}"
        for service, (module, kinds) in _SERVICES.items()
        for kind in kinds
    }
)

#: described, run through mocks
TYPES.update(
    {
        "io.kestra.plugin.aws.athena.Query": f"{_HERE}.services:AthenaQuery",
        "io.kestra.plugin.aws.ecr.GetAuthToken": f"{_HERE}.services:EcrGetAuthToken",
        "io.kestra.plugin.aws.lambda.Invoke": f"{_HERE}.services:LambdaInvoke",
    }
)

ALIASES: dict[str, str] = {}


def prewarm() -> None:
    """Imports what the first client needs; run it in a thread while something else waits."""
    from simulator.plugins.aws.connection import prewarm as warm

    warm()
