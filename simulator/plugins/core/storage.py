"""storage.Write, Concat, Split, Reverse, Size, Delete, LocalFiles (core-tasks.md 7)."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from typing import Any, BinaryIO

from simulator.engine.task import RunContext, TaskResult
from simulator.errors import StorageError, TaskError
from simulator.model.catalog import OutputSpec, PropertySpec, T, TaskSpec
from simulator.plugins.core.specs import CORE, alias, prop, strings
from simulator.storage import ion
from simulator.storage.javalike import java_class
from simulator.storage.split import extension_of, iter_lines, split_file

__all__ = ["Concat", "Delete", "LocalFiles", "Reverse", "Size", "Split", "Write", "required_uri"]

_CHUNK = 1 << 20
_URI_OUT = OutputSpec("uri", T.URI)


def required_uri(ctx: RunContext, name: str) -> str:
    """A property that must hold a URI."""
    value = ctx.get(name)
    if value is None or value == "":
        raise TaskError(f"{name}: must not be null")
    return str(value).strip()


class Write:
    """Stores a text as a file."""

    spec = TaskSpec(
        f"{CORE}storage.Write",
        properties=(prop("content", required=True), prop("extension")),
        outputs=(_URI_OUT,),
        doc="Writes a text to the internal storage.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        content = ctx.get("content")
        if content is None:
            raise TaskError("content: must not be null")
        extension = ctx.get("extension")
        if extension and not extension.startswith("."):
            extension = f".{extension}"
        path = ctx.temp_file(extension or ".tmp")
        path.write_text(content, encoding="utf-8", errors="replace", newline="")
        size = path.stat().st_size
        uri = ctx.put_file(path)
        return TaskResult({"uri": uri}, fact=f"{size:,} bytes -> {uri}")


class Concat:
    """Joins files; the separator follows every one of them."""

    spec = TaskSpec(
        f"{CORE}storage.Concat",
        properties=(
            PropertySpec(
                "files", T.ANY, required=True, as_property=False, doc="a list of URIs, or JSON text of one"
            ),
            prop("separator"),
            prop("extension", default=".tmp"),
        ),
        outputs=(_URI_OUT,),
        aliases=alias(f"{CORE}storage.Concat"),
        doc="Concatenates files.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        import orjson

        from simulator.expressions.java.json_errors import explain_json

        files = ctx.get("files")
        if isinstance(files, str):
            try:
                files = orjson.loads(files)
            except ValueError as error:
                raise TaskError(explain_json(files) or str(error)) from None
        if not isinstance(files, list):
            raise TaskError(f"Invalid `files` properties with type '{java_class(files)}'")
        separator = (ctx.get("separator") or "").encode()
        path = ctx.temp_file(ctx.get("extension", ".tmp"))
        with path.open("wb") as target:
            for uri in files:
                if uri is None:
                    continue
                with ctx.open_uri(str(uri).strip()) as source:
                    shutil.copyfileobj(source, target, _CHUNK)
                target.write(separator)
        return TaskResult({"uri": ctx.put_file(path)}, fact=f"{len(files)} files")


class Split:
    """Splits a file into parts."""

    spec = TaskSpec(
        f"{CORE}storage.Split",
        properties=(
            prop("from", T.URI, required=True),
            prop("bytes"),
            prop("partitions", T.INTEGER),
            prop("rows", T.INTEGER),
            prop("separator", default="\n"),
            prop("regexPattern", since=2),
        ),
        outputs=(OutputSpec("uris", T.LIST, item=OutputSpec("uri", T.URI)),),
        aliases=alias(f"{CORE}storage.Split"),
        doc="Splits a file.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        uri = required_uri(ctx, "from")
        newer = ctx.dialect.major >= 2
        with ctx.open_uri(uri) as source:
            parts = split_file(
                source,
                lambda: ctx.temp_file(extension_of(uri)),
                size=ctx.get("bytes"),
                partitions=ctx.get("partitions"),
                rows=ctx.get("rows"),
                separator=ctx.get("separator", "\n"),
                pattern=ctx.get("regexPattern") if newer else None,
                records=newer,
            )
        uris = [ctx.put_file(path) for path in parts]
        return TaskResult({"uris": uris}, fact=f"{len(uris)} files")


class Reverse:
    """Writes the lines of a file in reverse order."""

    spec = TaskSpec(
        f"{CORE}storage.Reverse",
        properties=(
            prop("from", T.URI, required=True),
            prop("separator", default="\n"),
            prop("charset", default="UTF-8"),
        ),
        outputs=(_URI_OUT,),
        aliases=alias(f"{CORE}storage.Reverse"),
        doc="Reverses a file.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        uri = required_uri(ctx, "from")
        charset, separator = ctx.get("charset", "UTF-8"), ctx.get("separator", "\n")
        path = ctx.temp_file(extension_of(uri))
        with ctx.open_uri(uri) as source, path.open("wb") as target:
            if ctx.dialect.binary_ion and _starts_binary(source):
                for _, data in reversed(list(ion.iter_records(source, decode=False))):
                    target.write(data)
            else:
                self._reverse(source, target, charset, separator.encode())
        return TaskResult({"uri": ctx.put_file(path)})

    @staticmethod
    def _reverse(source: BinaryIO, target: BinaryIO, charset: str, separator: bytes) -> None:
        """Only the places of the lines are held in memory, so that a file may be larger than it."""
        if charset.upper().replace("-", "") not in ("UTF8", "ASCII", "USASCII", "ISO88591", "LATIN1"):
            for line in reversed(list(iter_lines(source, charset))):
                target.write(line.encode("utf-8", "replace") + separator)
            return
        from array import array

        places = array("Q", [source.tell()])
        for data in source:
            places.append(places[-1] + len(data))
        for start, end in zip(reversed(places[:-1]), reversed(places[1:])):
            source.seek(start)
            data = source.read(end - start).removesuffix(b"\n").removesuffix(b"\r")
            target.write(data + separator)


def _starts_binary(source: BinaryIO) -> bool:
    head = source.read(4)
    source.seek(0, io.SEEK_SET)
    return ion.is_binary(head)


class Size:
    """The size of a file in bytes."""

    spec = TaskSpec(
        f"{CORE}storage.Size",
        properties=(prop("uri", T.URI, required=True),),
        outputs=(OutputSpec("size", T.INTEGER),),
        aliases=alias(f"{CORE}storage.Size"),
        doc="Tells the size of a file.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        size = ctx.storage.info(required_uri(ctx, "uri")).size
        return TaskResult({"size": size}, fact=f"{size:,} bytes")


class Delete:
    """Deletes a file."""

    spec = TaskSpec(
        f"{CORE}storage.Delete",
        properties=(prop("uri", T.URI, required=True), prop("errorOnMissing", T.BOOLEAN, default=False)),
        outputs=(OutputSpec("uri", T.URI), OutputSpec("deleted", T.BOOLEAN)),
        aliases=alias(f"{CORE}storage.Delete"),
        doc="Deletes a file.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        uri = required_uri(ctx, "uri")
        deleted = ctx.storage.delete(uri)
        if not deleted and ctx.get("errorOnMissing", False):
            raise TaskError(f"Unable to find file '{uri}'")
        return TaskResult({"uri": uri, "deleted": deleted})


class LocalFiles:
    """Writes files into the working directory and collects others (1.x, inside WorkingDirectory)."""

    spec = TaskSpec(
        f"{CORE}storage.LocalFiles",
        properties=(
            PropertySpec(
                "inputs", T.ANY, as_property=False, doc="name to content or URI, or JSON text of that"
            ),
            strings("outputs"),
        ),
        outputs=(OutputSpec("uris", T.MAP, item=OutputSpec("uri", T.URI)),),
        aliases=alias(f"{CORE}storage.LocalFiles"),
        until=1,
        deprecated="use inputFiles and outputFiles of WorkingDirectory",
        doc="Creates and collects local files.",
    )

    def run(self, ctx: RunContext) -> TaskResult:
        inputs: Any = ctx.raw("inputs")
        if inputs is not None:
            if not isinstance(inputs, (str, Mapping)):
                raise TaskError(f"Invalid `files` properties with type '{java_class(inputs)}'")
            try:
                ctx.input_files(inputs)
            except StorageError as error:
                raise TaskError(error.message, hint=error.hint) from None
        uris = ctx.output_files(ctx.get("outputs") or [])
        return TaskResult({"uris": uris})
