"""`protobuf.ProtobufToIon` (serdes.md 7): messages of a descriptor set to rows, in protobuf's JSON mapping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import TaskError
from simulator.model.catalog import PropertySpec, T, TaskSpec
from simulator.plugins.serdes.rows import FROM, OUTPUTS, need, to_ion

__all__ = ["ProtobufToIon"]

_MESSAGE_LIMIT = 1 << 30


class ProtobufToIon:
    """One message, or with `delimited` a stream of messages each after its length."""

    spec: ClassVar[TaskSpec] = TaskSpec(
        "io.kestra.plugin.serdes.protobuf.ProtobufToIon",
        properties=(
            FROM,
            PropertySpec("descriptorFile", T.URI, required=True),
            PropertySpec("typeName", required=True),
            PropertySpec("delimited", T.BOOLEAN, default=False),
            PropertySpec("errorOnUnknownFields", T.BOOLEAN, default=False),
        ),
        outputs=OUTPUTS,
    )

    def run(self, ctx: RunContext) -> TaskResult:
        json_format = need("google.protobuf.json_format", "protobuf")
        message_class = _message_class(ctx)
        strict = bool(ctx.get("errorOnUnknownFields", False))

        def rows(source: BinaryIO) -> Iterator[Any]:
            for data in _messages(source, bool(ctx.get("delimited", False))):
                message = message_class()
                try:
                    message.ParseFromString(data)
                except Exception as error:
                    raise TaskError(f"Invalid Protobuf message: {error}") from None
                if strict:
                    _refuse_unknown(message)
                yield json_format.MessageToDict(message)

        with ctx.open_uri(str(ctx.get("from"))) as source:
            return to_ion(ctx, lambda sink: sink.write_all(rows(source)))


def _message_class(ctx: RunContext) -> Any:
    descriptor_pb2 = need("google.protobuf.descriptor_pb2", "protobuf")
    descriptor_pool = need("google.protobuf.descriptor_pool", "protobuf")
    message_factory = need("google.protobuf.message_factory", "protobuf")
    with ctx.open_uri(str(ctx.get("descriptorFile"))) as source:
        files = descriptor_pb2.FileDescriptorSet()
        try:
            files.ParseFromString(source.read())
        except Exception as error:
            raise TaskError(f"Invalid descriptor file: {error}") from None
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    name = str(ctx.get("typeName"))
    # The full name, or the name alone when only one package has it.
    candidates = [
        f"{file.package}.{message.name}".lstrip(".")
        for file in files.file
        for message in file.message_type
        if name in (message.name, f"{file.package}.{message.name}".lstrip("."))
    ]
    try:
        descriptor = pool.FindMessageTypeByName(candidates[0] if candidates else name)
    except KeyError:
        raise TaskError(f"Message type not found in descriptor: {name}") from None
    return message_factory.GetMessageClass(descriptor)


def _messages(source: BinaryIO, delimited: bool) -> Iterator[bytes]:
    if not delimited:
        yield source.read()
        return
    while (size := _varint(source)) is not None:
        data = source.read(size) if size <= _MESSAGE_LIMIT else b""
        if len(data) != size:
            raise TaskError("Invalid Protobuf message: the input ended in the middle of a message")
        yield data


def _varint(source: BinaryIO) -> int | None:
    value = shift = 0
    while True:
        byte = source.read(1)
        if not byte:
            if shift:
                raise TaskError("Invalid Protobuf message: the input ended in the middle of a length")
            return None
        value |= (byte[0] & 0x7F) << shift
        if not byte[0] & 0x80:
            return value
        shift += 7
        if shift > 63:
            raise TaskError("Invalid Protobuf message: malformed length")


def _refuse_unknown(message: Any) -> None:
    unknown = need("google.protobuf.unknown_fields", "protobuf").UnknownFieldSet(message)
    if len(unknown):
        numbers = ", ".join(str(item.field_number) for item in unknown)
        raise TaskError(f"Unknown fields in message {message.DESCRIPTOR.full_name}: {numbers}")
