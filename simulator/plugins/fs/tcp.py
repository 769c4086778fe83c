"""`fs.tcp.Send`: sends a payload over TCP, to an address that is allowed."""

from __future__ import annotations

import base64
import binascii
import socket
from typing import ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec

__all__ = ["Send"]


class Send:
    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.fs.tcp.Send",
        properties=(
            PropertySpec("host", required=True),
            PropertySpec("port", T.INTEGER, required=True),
            PropertySpec("payload", required=True),
            PropertySpec("encoding", default="UTF-8", doc="a charset, or BASE64 for bytes"),
            PropertySpec("timeout", T.DURATION),
        ),
        outputs=(OutputSpec("host"), OutputSpec("port", T.INTEGER), OutputSpec("sentBytes", T.INTEGER)),
        open_properties=True,
    )

    def run(self, ctx: RunContext) -> TaskResult:
        host, port = str(ctx.get("host")), int(ctx.get("port"))
        encoding = str(ctx.get("encoding", "UTF-8"))
        text = str(ctx.get("payload"))
        try:
            data = (
                base64.b64decode(text, validate=True)
                if encoding.upper() == "BASE64"
                else text.encode(encoding)
            )
        except (binascii.Error, LookupError, UnicodeEncodeError) as error:
            raise TaskError(f"Cannot encode the payload as {encoding}: {error}") from None
        endpoint = ctx.endpoints.resolve("tcp", f"tcp://{host}:{port}")
        try:
            with socket.create_connection((endpoint.host, endpoint.port), timeout=10) as connection:
                ctx.on_cancel(connection.close)
                connection.sendall(data)
        except OSError as error:
            raise TaskError(error.strerror or str(error)) from None
        ctx.outbox("tcp", {"host": host, "port": port, "payload": text})
        return TaskResult(
            {"host": host, "port": port, "sentBytes": len(data)}, fact=f"{len(data)} bytes sent"
        )
