"""`s3.Trigger`: fires on objects that are new or changed since the last look (s3.md 6)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from simulator.engine.task import RunContext, TriggerResult
from simulator.errors import StorageError
from simulator.model.catalog import Kind, OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.aws.connection import s3_client
from simulator.plugins.aws.download import ACTION, act_on, fetch_object
from simulator.plugins.aws.errors import sdk_errors
from simulator.plugins.aws.listing import list_objects, object_output
from simulator.plugins.aws.specs import CONNECTION, LISTING, OBJECT_OUTPUTS
from simulator.storage.ion.java import iso_datetime

__all__ = ["Trigger"]


class Trigger:
    """Lists, compares with what it saw before (kept in the namespace's KV store), downloads, acts, fires."""

    spec: ClassVar = TaskSpec(
        "io.kestra.plugin.aws.s3.Trigger",
        Kind.TRIGGER,
        properties=(
            *CONNECTION,
            *LISTING,
            *ACTION,
            PropertySpec("interval", T.DURATION, default=dt.timedelta(seconds=60), as_property=False),
            PropertySpec(
                "on", T.ENUM, default="CREATE_OR_UPDATE", values=("CREATE", "UPDATE", "CREATE_OR_UPDATE")
            ),
            PropertySpec("stateKey"),
            PropertySpec("stateTtl", T.DURATION),
        ),
        outputs=(
            OutputSpec(
                "objects",
                T.LIST,
                OutputSpec("object", T.OBJECT, fields=(*OBJECT_OUTPUTS, OutputSpec("changeType", T.STRING))),
            ),
        ),
        needs=("s3",),
        doc="Start an execution when objects arrive in S3.",
    )

    def evaluate(self, ctx: RunContext) -> TriggerResult | None:
        bucket = str(ctx.get("bucket"))
        client = s3_client(ctx, bucket=bucket)
        on = str(ctx.get("on") or "CREATE_OR_UPDATE")
        key = _state_key(ctx)
        state = _read_state(ctx, key)
        fired: list[tuple[Mapping[str, Any], str]] = []
        now = iso_datetime(ctx.clock.now())
        with sdk_errors():
            for item in list_objects(ctx, client):
                uri = f"s3://{bucket}/{item['Key']}"
                version = str(item.get("ETag") or int(item["LastModified"].timestamp() * 1000))
                before = state.get(uri)
                change = "CREATE" if before is None else "UPDATE"
                if (before is None or before["version"] != version) and on in (change, "CREATE_OR_UPDATE"):
                    fired.append((item, change))
                state[uri] = {
                    "uri": uri,
                    "version": version,
                    "modifiedAt": iso_datetime(item["LastModified"]),
                    "lastSeenAt": now,
                }
            objects = []
            for item, change in fired:
                stored, _ = fetch_object(ctx, client, item["Key"])
                objects.append(object_output(item, uri=stored) | {"changeType": change})
            _write_state(ctx, key, state)
            act_on(ctx, client, [item["Key"] for item, _ in fired])
        return TriggerResult({"objects": objects}) if objects else None


def _state_key(ctx: RunContext) -> str:
    given = ctx.get("stateKey")
    return str(given) if given else f"{ctx.flow.namespace}_{ctx.flow.id}_{ctx.task.id}"


def _read_state(ctx: RunContext, key: str) -> dict[str, dict[str, Any]]:
    try:
        entry = ctx.kv.get(ctx.flow.namespace, key)
    except StorageError:
        return {}  # expired: everything is new again
    if entry is None:
        return {}
    items = json.loads(entry.value) if isinstance(entry.value, str) else entry.value
    return {item["uri"]: item for item in items}


def _write_state(ctx: RunContext, key: str, state: Mapping[str, Mapping[str, Any]]) -> None:
    ctx.kv.put(ctx.flow.namespace, key, list(state.values()), ttl=ctx.get("stateTtl"))
